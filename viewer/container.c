#include "viewer/container.h"

#include <stdbool.h>
#include <sys/stat.h>

#include <libavformat/avformat.h>
#include <libavutil/avstring.h>

#include "base/mem.h"
#include "viewer/stream_jump.h"

// a network that says nothing for this long is gone
#define NETWORK_PATIENCE_US "30000000"
#define RECONNECT_S "5"
// Errors in a row after which reading is given up.
#define ERRORS_MAX 64

int container_open(AVFormatContext **container, const char *url, const AVInputFormat *format)
{
    struct stat state;
    bool file = !format && stat(url, &state) == 0;
    AVDictionary *options = NULL;
    char *path = file ? mem_printf("file:%s", url) : mem_strdup(url);
    int result;

    if (!format) {
        av_dict_set(&options, "rw_timeout", NETWORK_PATIENCE_US, 0);
        // a server that hangs up, as after a long pause, is asked again for the rest
        av_dict_set(&options, "reconnect", "1", 0);
        av_dict_set(&options, "reconnect_delay_max", RECONNECT_S, 0);
        // RTSP hands rw_timeout on to nobody; for others "timeout" may mean to listen
        if (av_strstart(url, "rtsp", NULL))
            av_dict_set(&options, "timeout", NETWORK_PATIENCE_US, 0);
    }
    // a file that is there is meant literally: "50%d.png" is no pattern, "a:b.mkv" no protocol
    if (file)
        av_dict_set(&options, "pattern_type", "none", 0);
    result = avformat_open_input(container, path, format, &options);
    av_dict_free(&options);
    mem_free(path);
    return result;
}

// A server gives it in one piece, and has not said how much there is.
static bool is_endless(const AVFormatContext *container)
{
    return container->pb && av_strstart(container->url, "http", NULL) &&
           !streams_fetched_apart(container) && avio_size(container->pb) < 0;
}

int container_read(AVFormatContext *container, AVPacket *out)
{
    bool endless = is_endless(container); // asked before it fails, as nothing is known then
    int result = AVERROR_INVALIDDATA;

    for (int i = 0; i < ERRORS_MAX && result == AVERROR_INVALIDDATA; i++) {
        const AVIOContext *io = container->pb;

        result = av_read_frame(container, out);
        if (result < 0 && result != AVERROR(EAGAIN) && io && io->error < 0)
            result = io->error;
    }
    // FFmpeg takes its end for a failure; whether all of it came, the film itself must tell
    return endless && result == AVERROR(EIO) ? AVERROR_EOF : result;
}
