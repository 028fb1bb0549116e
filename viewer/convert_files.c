#include "viewer/convert_files.h"

#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "viewer/file_name.h"

// "film.mkv" and "_left" give "film_left.mkv".
static char *with_word(const char *path, const char *word)
{
    const char *dot = file_name_ending(path);

    return mem_printf("%.*s%s%s", (int)(dot - path), path, word, dot);
}

char *convert_files_incomplete(const char *path)
{
    return with_word(path, ".incomplete");
}

enum file_codec convert_files_codec(const struct options *options)
{
    bool disparity = options->file_layout == FILE_LAYOUT_DISPARITY;

    if (disparity && options->codec != FILE_CODEC_AUTO && options->codec != FILE_CODEC_FFV1) {
        log_error("--layout disparity is grey of 16 bits, which ffv1 alone keeps; leave --codec "
                  "out");
        return FILE_CODEC_AUTO;
    }
    if (disparity)
        return FILE_CODEC_FFV1;
    if (options->codec != FILE_CODEC_AUTO || !options->output)
        return options->codec ? options->codec : FILE_CODEC_H264;
    return file_name_ends(options->output, "webm") ? FILE_CODEC_AV1 : FILE_CODEC_H264;
}

bool convert_files_may_write(const struct options *options, const struct convert_file *file)
{
    struct stat state;

    if (options->overwrite || stat(file->path, &state) < 0)
        return true;
    log_error("%s is there already; choose another name, or give --overwrite", file->path);
    return false;
}

static bool may_begin(const struct options *o, const struct convert_file *f)
{
    const char *source = o->files[0];
    struct stat state;

    if (strncmp(source, "file:", 5) == 0 && stat(source, &state) < 0)
        source += 5;
    if (output_file_same(source, f->path) || output_file_same(source, f->part)) {
        log_error("%s is what is to be converted; choose another name with -o", f->path);
        return false;
    }
    if (stat(f->path, &state) < 0)
        return true;
    if (!S_ISREG(state.st_mode)) {
        log_error("%s is there and no file; choose another name with -o", f->path);
        return false;
    }
    // beside a part the film itself may be what that was to become
    return stat(f->part, &state) == 0 || convert_files_may_write(o, f);
}

int convert_files_name(const struct options *options, struct convert_file out[CONVERT_FILES_MAX])
{
    bool pair = options->file_layout == FILE_LAYOUT_PAIR;
    int count = pair ? 2 : 1;

    if (!options->output) {
        log_error("deep3d convert needs a file to write: -o OUT.mkv");
        return 0;
    }
    for (int i = 0; i < count; i++) {
        out[i].layout = pair ? (i ? FILE_LAYOUT_RIGHT : FILE_LAYOUT_LEFT) : options->file_layout;
        out[i].path =
            pair ? with_word(options->output, i ? "_right" : "_left") : mem_strdup(options->output);
        out[i].part = mem_printf("%s.part", out[i].path);
    }
    for (int i = 0; i < count; i++)
        if (!may_begin(options, &out[i]))
            return 0;
    return count;
}

void convert_files_finish(struct convert_file files[CONVERT_FILES_MAX])
{
    for (int i = 0; i < CONVERT_FILES_MAX; i++) {
        mem_free(files[i].path);
        mem_free(files[i].part);
        files[i] = (struct convert_file){0};
    }
}
