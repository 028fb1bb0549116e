#include "base/output_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

struct output_file {
    char *path, *temporary;
    FILE *stream; // NULL: could not be opened
};

// Where the bytes shall end: links are followed as far as they lead somewhere.
static char *resolve(const char *path)
{
    char *real = realpath(path, NULL), *copy = mem_strdup(real ? real : path);

    free(real);
    return copy;
}

struct output_file *output_file_create(const char *path)
{
    struct output_file *f = mem_new(1, sizeof(*f));
    struct stat info;

    f->path = resolve(path);
    f->temporary = mem_printf("%s.%d.part", f->path, (int)getpid());
    if (stat(f->path, &info) == 0 && !S_ISREG(info.st_mode)) {
        log_error("%s is not a file; name a file to write", path);
        goto fail;
    }
    f->stream = fopen(f->temporary, "w+be");
    if (f->stream)
        return f;
    log_error("%s cannot be written: %s", path, strerror(errno));
fail:
    output_file_discard(&f);
    return NULL;
}

FILE *output_file_stream(struct output_file *file)
{
    return file->stream;
}

const char *output_file_temporary(const struct output_file *file)
{
    return file->temporary;
}

bool output_file_commit(struct output_file **file)
{
    struct output_file *f = *file;
    bool ok;

    if (!f)
        return false;
    errno = 0;
    ok = !ferror(f->stream) && fflush(f->stream) == 0 && fsync(fileno(f->stream)) == 0;
    ok = fclose(f->stream) == 0 && ok;
    f->stream = NULL;
    ok = ok && rename(f->temporary, f->path) == 0;
    if (!ok) {
        log_error("%s could not be written: %s", f->path,
                  errno ? strerror(errno) : "writing failed; is the disk full?");
        unlink(f->temporary);
    }
    mem_free(f->path);
    mem_free(f->temporary);
    mem_free(f);
    *file = NULL;
    return ok;
}

void output_file_discard(struct output_file **file)
{
    struct output_file *f = *file;

    if (!f)
        return;
    if (f->stream) {
        fclose(f->stream);
        unlink(f->temporary);
    }
    mem_free(f->path);
    mem_free(f->temporary);
    mem_free(f);
    *file = NULL;
}

bool output_file_same(const char *a, const char *b)
{
    struct stat one, other;

    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}
