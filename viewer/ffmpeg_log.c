#include "viewer/ffmpeg_log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <libavutil/log.h>

#include "base/log.h"

// errors shown for debugging before the rest becomes traces
#define ERRORS_SHOWN 40

static atomic_int errors_seen;

static enum log_level level_of(int av_level)
{
    if (av_level <= AV_LOG_FATAL)
        return LOG_WARN;
    if (av_level <= AV_LOG_ERROR && atomic_fetch_add(&errors_seen, 1) < ERRORS_SHOWN)
        return LOG_DEBUG;
    return LOG_TRACE;
}

static void forward(void *object, int av_level, const char *format, va_list args)
{
    static _Thread_local int print_prefix = 1;
    enum log_level level;
    char line[1024];
    size_t length;

    if (av_level > AV_LOG_VERBOSE)
        return;
    level = level_of(av_level);
    if (level > log_get_level())
        return;
    av_log_format_line2(object, av_level, format, args, line, sizeof(line), &print_prefix);
    length = strcspn(line, "\r\n");
    line[length] = '\0';
    if (length > 0)
        log_write(level, "ffmpeg: %s", line);
}

static void install(void)
{
    av_log_set_callback(forward);
}

void ffmpeg_log_install(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, install);
}
