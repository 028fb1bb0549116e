#include "viewer/source_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <libavdevice/avdevice.h>
#include <libavutil/avstring.h>

#include "base/log.h"
#include "base/mem.h"
#include "viewer/container.h"
#include "viewer/source_heif.h"
#include "viewer/source_pipe.h"

const char *source_av_error(int av_error)
{
    static _Thread_local char text[AV_ERROR_MAX_STRING_SIZE];

    if (av_strerror(av_error, text, sizeof(text)) < 0)
        return "unknown reason";
    return text;
}

bool source_stop_asked(const struct source *s)
{
    return s->stopped || (s->give_up && *s->give_up);
}

static int stop_asked(void *user)
{
    return source_stop_asked(user);
}

// --- the container

// "lavfi:testsrc2", "x11grab::0", "v4l2:/dev/video0": an input device and what it is to open. NULL:
// no device, *out_rest as before.
static const AVInputFormat *device_of(const char *url, const char **out_rest)
{
    const AVInputFormat *device = NULL;
    size_t length = strcspn(url, ":");
    char name[32];

    if (url[length] != ':' || length == 0 || length >= sizeof(name))
        return NULL;
    memcpy(name, url, length);
    name[length] = '\0';
    while ((device = av_input_video_device_next(device)) && !av_match_name(name, device->name))
        continue;
    if (device)
        *out_rest = url + length + 1;
    return device;
}

// False, logged: this file can be no film.
static bool looks_playable(const char *path, bool *out_exists)
{
    struct stat file;

    if (!path[0]) {
        log_error("an empty name is no file: name a file or a URL");
        return false;
    }
    *out_exists = stat(path, &file) == 0;
    if (!*out_exists) // may be a URL
        return true;
    if (S_ISDIR(file.st_mode)) {
        log_error("%s is a directory: name the files in it", path);
        return false;
    }
    if (S_ISREG(file.st_mode) && file.st_size == 0) {
        log_error("%s is empty: was its download cut short?", path);
        return false;
    }
    return true;
}

static void log_open_error(const char *url, int av_error)
{
    if (av_error == AVERROR_INVALIDDATA)
        log_error("%s is not a film or picture that FFmpeg knows, or its beginning is damaged",
                  url);
    else if (av_error == AVERROR_PROTOCOL_NOT_FOUND)
        log_error("cannot open %s: FFmpeg here has no such protocol (`ffmpeg -protocols` lists "
                  "them)",
                  url);
    else
        log_error("cannot open %s: %s", url, source_av_error(av_error));
}

static AVFormatContext *open_container(struct source *s)
{
    const char *rest = s->url;
    const AVInputFormat *device = NULL;
    AVFormatContext *container = NULL;
    bool exists;
    int result;

    if (!looks_playable(s->url, &exists))
        return NULL;
    if (!exists)
        device = device_of(s->url, &rest);
    if (source_pipe_is_one(s->url)) {
        s->pipe = source_pipe_open(s->url, (AVIOInterruptCB){stop_asked, s});
        if (!s->pipe)
            return NULL;
    } else if (exists && !s->heif && source_heif_is_one(s->url)) {
        s->heif = source_heif_open(s->url);
        if (!s->heif)
            return NULL;
    }
    container = avformat_alloc_context();
    if (!container)
        return NULL;
    if (s->pipe)
        container->pb = source_pipe_io(s->pipe);
    if (s->heif) {
        container->pb = source_heif_io(s->heif);
        device = av_find_input_format("ppm_pipe");
    }
    container->interrupt_callback = (AVIOInterruptCB){stop_asked, s};
    result = container_open(&container, rest, device);
    if (result < 0) {
        if (!source_stop_asked(s))
            log_open_error(s->url, result);
        return NULL;
    }
    return container;
}

// Looks into the streams; the decoders that it uses for that are limited as ours are.
static bool find_streams(struct source *s, AVFormatContext *container)
{
    unsigned count = container->nb_streams; // more may turn up meanwhile
    AVDictionary **options = mem_new(count + 1, sizeof(*options));
    int result;

    for (unsigned i = 0; i < count; i++)
        av_dict_set_int(&options[i], "max_pixels", (int64_t)DEEP3D_MAX_SIDE_PX * DEEP3D_MAX_SIDE_PX,
                        0);
    result = avformat_find_stream_info(container, count > 0 ? options : NULL);
    for (unsigned i = 0; i < count; i++)
        av_dict_free(&options[i]);
    mem_free(options);
    if (result < 0 && !source_stop_asked(s))
        log_error("cannot read %s: %s", s->url, source_av_error(result));
    return result >= 0;
}

bool source_open_input(struct source *s, const struct source_params *params)
{
    avdevice_register_all();
    s->container = open_container(s);
    return s->container && find_streams(s, s->container) && source_open_streams(s, params);
}

static int last_stream(const struct source *s)
{
    int last = s->video.index;

    for (int i = 0; i < s->info.sound_count; i++)
        last = s->tracks[i].index > last ? s->tracks[i].index : last;
    return last;
}

bool source_reopen_input(struct source *s)
{
    AVFormatContext *again = open_container(s);

    if (!again)
        return false;
    // the same bytes give the same streams, but a server may have changed its mind
    if (!find_streams(s, again) || last_stream(s) >= (int)again->nb_streams) {
        avformat_close_input(&again);
        return false;
    }
    avformat_close_input(&s->container);
    s->container = again;
    source_discard_others(s);
    return true;
}
