#include "viewer/source_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavformat/avio.h>
#include <libavutil/error.h>
#include <libavutil/mem.h>

#include "base/log.h"
#include "base/mem.h"

#define BUFFER_BYTES 65536
// how soon a stop is seen
#define LOOK_MS 50

struct source_pipe {
    int fd;
    AVIOInterruptCB stop;
    bool waits_for_writer; // nobody has written to it yet
    AVIOContext *io;
};

bool source_pipe_is_one(const char *path)
{
    struct stat file;

    return strcmp(path, "-") == 0 || (stat(path, &file) == 0 && S_ISFIFO(file.st_mode));
}

static int read_pipe(void *user, uint8_t *out, int size)
{
    struct source_pipe *p = user;

    while (!p->stop.callback(p->stop.opaque)) {
        struct pollfd ready = {.fd = p->fd, .events = POLLIN};
        ssize_t got = 0;

        if (poll(&ready, 1, LOOK_MS) <= 0)
            continue;
        got = read(p->fd, out, (size_t)size);
        if (got > 0) {
            p->waits_for_writer = false;
            return (int)got;
        }
        if (got == 0 && !p->waits_for_writer)
            return AVERROR_EOF;
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return AVERROR(errno);
        if (got == 0)
            usleep(LOOK_MS * 1000);
    }
    return AVERROR_EXIT;
}

struct source_pipe *source_pipe_open(const char *path, AVIOInterruptCB stop)
{
    struct source_pipe *p = mem_new(1, sizeof(*p));
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    bool standard = strcmp(path, "-") == 0;

    p->stop = stop;
    p->waits_for_writer = !standard;
    p->fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (p->fd < 0) {
        log_error("cannot open %s: %s", path, strerror(errno));
        goto fail;
    }
    if (buffer)
        p->io = avio_alloc_context(buffer, BUFFER_BYTES, 0, p, read_pipe, NULL, NULL);
    if (!p->io)
        goto fail;
    return p;
fail:
    av_free(buffer);
    source_pipe_close(&p);
    return NULL;
}

void source_pipe_close(struct source_pipe **pipe)
{
    struct source_pipe *p = *pipe;

    if (!p)
        return;
    if (p->io)
        av_freep(&p->io->buffer);
    avio_context_free(&p->io);
    if (p->fd >= 0)
        close(p->fd);
    mem_free(p);
    *pipe = NULL;
}

AVIOContext *source_pipe_io(struct source_pipe *pipe)
{
    return pipe->io;
}
