#include "viewer/subtitle_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "viewer/file_name.h"
#include "viewer/subtitle_text.h"
#include "viewer/subtitle_track.h"

// A text larger than this is none.
#define TEXT_BYTES_MAX (INT64_C(32) << 20)
#define IO_BYTES 4096
// What a caption file may be: no film, no playlist that leads elsewhere.
#define TEXT_FORMATS                                                                               \
    "srt,ass,webvtt,microdvd,subviewer,subviewer1,sami,mpl2,mpsub,jacosub,stl,pjs,vplayer,"        \
    "realtext,lrc,aqtitle"
#define PICTURE_FORMATS "vobsub,mpeg,sup"

static const char *const endings[] = {"srt", "ass", "ssa", "vtt", "sub", "idx", "sup"};

// --- names

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static size_t stem_length(const char *path)
{
    return (size_t)(file_name_ending(path) - base_name(path));
}

static bool is_caption_file(const char *name)
{
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (file_name_ends(name, endings[i]))
            return true;
    return false;
}

static bool exists(const char *path)
{
    struct stat file;

    return stat(path, &file) == 0 && S_ISREG(file.st_mode);
}

// The index of a VobSub file's pictures. NULL: it is not there. Free with mem_free().
static char *find_index(const char *path)
{
    static const char *const index[] = {".idx", ".IDX"};

    for (int i = 0; i < 2; i++) {
        char *file = mem_printf("%.*s%s", (int)(file_name_ending(path) - path), path, index[i]);

        if (exists(file))
            return file;
        mem_free(file);
    }
    return NULL;
}

static bool belongs(const char *film, const char *name)
{
    size_t stem = stem_length(film);

    return stem > 0 && strncmp(base_name(film), name, stem) == 0 && name[stem] == '.' &&
           is_caption_file(name) && strcmp(name, base_name(film)) != 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int subtitle_file_find(const char *film, int most, char **out)
{
    char *folder = mem_strdup(film); // with its slash
    DIR *dir = NULL;
    struct dirent *entry;
    int count = 0;

    folder[base_name(film) - film] = '\0';
    if (exists(film))
        dir = opendir(folder[0] ? folder : ".");

    while (dir && count < most && (entry = readdir(dir))) {
        char *path, *index;

        if (!belongs(film, entry->d_name))
            continue;
        path = mem_printf("%s%s", folder, entry->d_name);
        index = find_index(path);
        // the index names its .sub
        if (exists(path) && (!file_name_ends(path, "sub") || !index))
            out[count++] = path;
        else
            mem_free(path);
        mem_free(index);
    }
    if (dir)
        closedir(dir);
    mem_free(folder);
    qsort(out, (size_t)count, sizeof(*out), by_name);
    return count;
}

// The word behind the last dot before `end`. A language is a short one; NULL: a longer one is a
// part of the name.
static const char *short_word(const char *base, const char *end)
{
    const char *dot = end - 1;

    while (dot > base && *dot != '.')
        dot--;
    return dot >= base && *dot == '.' && end - dot > 2 && end - dot <= 8 ? dot + 1 : NULL;
}

// What captions are for, which stands behind their language: "film.en.sdh.srt".
static bool is_purpose(const char *word, const char *end)
{
    static const char *const purposes[] = {"forced", "foreign", "default", "sdh", "cc", "hi"};

    for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++)
        if ((size_t)(end - word) == strlen(purposes[i]) &&
            strncasecmp(word, purposes[i], strlen(purposes[i])) == 0)
            return true;
    return false;
}

void subtitle_file_language(const char *path, char *out, int out_size)
{
    const char *base = base_name(path), *end = base + stem_length(path);
    const char *word = short_word(base, end);
    const char *before = word && is_purpose(word, end) ? short_word(base, word - 1) : NULL;

    if (before) {
        end = word - 1;
        word = before;
    }
    snprintf(out, (size_t)out_size, "%.*s", word ? (int)(end - word) : 0, word ? word : "");
}

// --- a text in memory, as FFmpeg reads it

struct memory {
    const char *text;
    int64_t size, at;
};

static int read_memory(void *user, uint8_t *out, int size)
{
    struct memory *m = user;
    int64_t left = m->size - m->at;
    int count = size < left ? size : (int)left;

    if (count <= 0)
        return AVERROR_EOF;
    memcpy(out, m->text + m->at, (size_t)count);
    m->at += count;
    return count;
}

static int64_t seek_memory(void *user, int64_t to, int whence)
{
    struct memory *m = user;

    if (whence == AVSEEK_SIZE)
        return m->size;
    to += whence == SEEK_CUR ? m->at : whence == SEEK_END ? m->size : 0;
    if (to < 0 || to > m->size)
        return AVERROR(EINVAL);
    m->at = to;
    return to;
}

static FILE *open_file(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (!file)
        log_warn("cannot read the captions in %s: %s", path, strerror(errno));
    return file;
}

// The whole text; NULL, logged: it cannot be read. Free with mem_free().
static uint8_t *read_text(const char *path, size_t *out_size)
{
    FILE *file = open_file(path);
    struct stat info;
    uint8_t *bytes = NULL;

    if (!file)
        return NULL;
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
        log_warn("%s is no file: it holds no captions", path);
    } else if (info.st_size > TEXT_BYTES_MAX) {
        log_warn("%s: a text of %lld MB holds no captions", path, (long long)info.st_size >> 20);
    } else {
        bytes = mem_new((size_t)info.st_size + 1, 1);
        *out_size = fread(bytes, 1, (size_t)info.st_size, file);
    }
    fclose(file);
    return bytes;
}

enum kind { TEXT, INDEX, INDEXED, SEGMENTS };

// By its first bytes: a VobSub index, the pictures that one leads to, or those of a Blu-ray disc.
static enum kind kind_of(FILE *file)
{
    static const char index_mark[] = "# VobSub index file", mpeg_mark[] = "\0\0\1\xba";
    char start[sizeof(index_mark) - 1] = "";

    if (fread(start, 1, sizeof(start), file) < sizeof(start))
        return TEXT;
    if (memcmp(start, index_mark, sizeof(index_mark) - 1) == 0)
        return INDEX;
    if (memcmp(start, mpeg_mark, sizeof(mpeg_mark) - 1) == 0)
        return INDEXED;
    // the first segment says what the first picture is composed of
    return memcmp(start, "PG", 2) == 0 && start[10] == 0x16 ? SEGMENTS : TEXT;
}

// --- loading

struct load {
    const char *path;
    struct text *text;
    double frames_per_s;
    subtitle_file_take *take;
    void *user;
};

// Takes segments of one picture together. NULL: the stream's packets are whole ones.
static AVBSFContext *open_merger(const AVStream *s)
{
    const AVBitStreamFilter *filter = av_bsf_get_by_name("pgs_frame_merge");
    AVBSFContext *merger = NULL;

    if (s->codecpar->codec_id != AV_CODEC_ID_HDMV_PGS_SUBTITLE || !filter ||
        av_bsf_alloc(filter, &merger) < 0)
        return NULL;
    merger->time_base_in = s->time_base;
    if (avcodec_parameters_copy(merger->par_in, s->codecpar) < 0 || av_bsf_init(merger) < 0)
        av_bsf_free(&merger);
    return merger;
}

static bool read_streams(const struct load *l, AVFormatContext *container)
{
    // of files that hold nothing else
    AVBSFContext *merger = container->nb_streams == 1 ? open_merger(container->streams[0]) : NULL;
    struct subtitle_track **tracks =
        mem_new(container->nb_streams, sizeof(struct subtitle_track *));
    unsigned count = container->nb_streams;
    AVPacket *packet = av_packet_alloc();
    bool any = false;

    for (unsigned i = 0; i < count; i++)
        if (container->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE)
            tracks[i] = subtitle_track_create(container->streams[i]->codecpar,
                                              container->streams[i]->time_base, l->text, l->path);
    while (packet && av_read_frame(container, packet) >= 0) {
        unsigned i = (unsigned)packet->stream_index;

        // a segment that does not end its picture gives none
        bool whole = !merger || (av_bsf_send_packet(merger, packet) >= 0 &&
                                 av_bsf_receive_packet(merger, packet) >= 0);

        if (whole && i < count && tracks[i] && packet->pts != AV_NOPTS_VALUE)
            subtitle_track_load(tracks[i], packet,
                                av_rescale_q(packet->pts, container->streams[i]->time_base,
                                             (AVRational){1, (int)NS_PER_S}));
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    av_bsf_free(&merger);
    for (unsigned i = 0; i < count; i++) {
        AVDictionaryEntry *language =
            av_dict_get(container->streams[i]->metadata, "language", NULL, 0);

        if (tracks[i] && subtitle_track_count(tracks[i]) > 0) {
            l->take(l->user, tracks[i], language ? language->value : NULL);
            any = true;
        } else {
            subtitle_track_destroy(&tracks[i]);
        }
    }
    mem_free(tracks);
    return any;
}

// io NULL: FFmpeg opens the file itself.
static bool read_container(const struct load *l, AVIOContext *io, const char *formats)
{
    AVFormatContext *container = avformat_alloc_context();
    AVDictionary *options = NULL;
    char *url = mem_printf("file:%s", l->path);
    AVRational rate = av_d2q(l->frames_per_s, 100000);
    char *subfps = l->frames_per_s > 0 ? mem_printf("%d/%d", rate.num, rate.den) : NULL;
    bool any;

    if (container)
        container->pb = io;
    av_dict_set(&options, "format_whitelist", formats, 0);
    av_dict_set(&options, "subfps", subfps, 0);
    // frees the container where it fails
    any = container && avformat_open_input(&container, url, NULL, &options) >= 0 &&
          read_streams(l, container);
    if (!any)
        log_warn("%s holds no captions that FFmpeg knows, or they are damaged", l->path);
    avformat_close_input(&container);
    av_dict_free(&options);
    mem_free(subfps);
    mem_free(url);
    return any;
}

static bool load_text(const struct load *l)
{
    struct memory memory = {0};
    size_t size = 0;
    const char *charset;
    uint8_t *bytes = read_text(l->path, &size);
    AVIOContext *io;
    char *text;
    bool any = false;

    if (!bytes)
        return false;
    memory.text = text = subtitle_text_utf8(bytes, size, &size, &charset);
    memory.size = (int64_t)size;
    io = avio_alloc_context(av_malloc(IO_BYTES), IO_BYTES, 0, &memory, read_memory, NULL,
                            seek_memory);
    if (io) {
        any = read_container(l, io, TEXT_FORMATS);
        av_freep(&io->buffer);
    }
    if (any)
        log_debug("%s: character set %s", l->path, charset);
    avio_context_free(&io);
    mem_free(text);
    mem_free(bytes);
    return any;
}

static bool load_indexed(struct load *l)
{
    char *index = find_index(l->path);
    bool any;

    if (!index) {
        log_warn("%s: its index, of the same name with .idx, is missing", l->path);
        return false;
    }
    l->path = index;
    any = read_container(l, NULL, PICTURE_FORMATS);
    mem_free(index);
    return any;
}

bool subtitle_file_load(const char *path, struct text *text, double frames_per_s,
                        subtitle_file_take *take, void *user)
{
    struct load load = {path, text, frames_per_s, take, user};
    FILE *file = open_file(path);
    enum kind kind;

    if (!file)
        return false;
    kind = kind_of(file);
    fclose(file);
    if (kind == TEXT)
        return load_text(&load);
    return kind == INDEXED ? load_indexed(&load) : read_container(&load, NULL, PICTURE_FORMATS);
}
