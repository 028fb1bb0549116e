#include "viewer/film_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavcodec/packet.h>
#include <libavutil/crc.h>

#include "base/log.h"
#include "base/mem.h"

#define HEAD "deep3d part 1\n"
#define PACKET_MAX (INT32_C(1) << 30)
#define IDENTITY_MAX (1 << 20)

// Before each packet. A mark is a record without one.
struct record {
    uint32_t check; // CRC of the fields below and the packet
    uint32_t bytes; // of the packet
    uint32_t mark;  // enum film_log_mark, of a record without packet
    uint32_t key;
    int64_t pts, dts, duration;
};

struct key {
    int64_t pts, offset, frames; // frames before it
    int64_t last_pts;            // latest time stamp before it
};

struct film_log {
    char *path;
    int file;
    int64_t begin, end; // of the records, in bytes
    int64_t place;      // of the next one to read
    int64_t frames, last_pts;
    enum film_log_mark mark;
    struct key *keys;
    int key_count, key_room;
};

// --- bytes

static bool write_all(struct film_log *log, const void *data, size_t bytes, int64_t offset)
{
    const uint8_t *from = data;

    while (bytes > 0) {
        ssize_t n = pwrite(log->file, from, bytes, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            log_error("cannot write %s: %s", log->path, strerror(n < 0 ? errno : ENOSPC));
            return false;
        }
        from += n;
        offset += n;
        bytes -= (size_t)n;
    }
    return true;
}

// False: not that many bytes there, or an error with errno set.
static bool read_all(int file, void *data, size_t bytes, int64_t offset)
{
    uint8_t *to = data;

    errno = 0;
    while (bytes > 0) {
        ssize_t n = pread(file, to, bytes, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        to += n;
        offset += n;
        bytes -= (size_t)n;
    }
    return true;
}

static uint32_t check_of(const struct record *r, const uint8_t *data)
{
    const AVCRC *table = av_crc_get_table(AV_CRC_32_IEEE_LE);
    uint32_t check = av_crc(table, UINT32_MAX, (const uint8_t *)&r->bytes,
                            sizeof(*r) - offsetof(struct record, bytes));

    return av_crc(table, check, data, r->bytes);
}

// --- records

static void note(struct film_log *log, const struct record *r, int64_t offset)
{
    log->mark = r->mark;
    if (r->bytes == 0)
        return;
    if (r->key) {
        log->keys = mem_grow(log->keys, log->key_count, &log->key_room, sizeof(*log->keys));
        log->keys[log->key_count++] = (struct key){r->pts, offset, log->frames, log->last_pts};
    }
    log->frames++;
    log->last_pts = r->pts > log->last_pts ? r->pts : log->last_pts;
}

static bool append(struct film_log *log, struct record *r, const uint8_t *data)
{
    r->check = check_of(r, data);
    if (!write_all(log, r, sizeof(*r), log->end) ||
        !write_all(log, data, r->bytes, log->end + (int64_t)sizeof(*r))) {
        if (ftruncate(log->file, log->end) < 0) // half a record is noticed when it is read
            log_debug("%s keeps half a packet at its end", log->path);
        return false;
    }
    note(log, r, log->end);
    log->end += (int64_t)sizeof(*r) + r->bytes;
    return true;
}

// The record at log->place with its packet in `out`. False: none that is whole.
static bool read_record(struct film_log *log, struct record *r, AVPacket *out)
{
    if (!read_all(log->file, r, sizeof(*r), log->place) || r->bytes > PACKET_MAX ||
        r->mark > FILM_LOG_WHOLE || av_new_packet(out, (int)r->bytes) < 0)
        return false;
    if (!read_all(log->file, out->data, r->bytes, log->place + (int64_t)sizeof(*r)) ||
        check_of(r, out->data) != r->check) {
        av_packet_unref(out);
        return false;
    }
    out->pts = r->pts;
    out->dts = r->dts;
    out->duration = r->duration;
    out->flags = r->key ? AV_PKT_FLAG_KEY : 0;
    return true;
}

// --- up and down

static bool begin_file(struct film_log *log, const char *identity)
{
    uint32_t length = (uint32_t)strlen(identity);
    size_t head = strlen(HEAD);

    return ftruncate(log->file, 0) == 0 && write_all(log, HEAD, head, 0) &&
           write_all(log, &length, sizeof(length), (int64_t)head) &&
           write_all(log, identity, length, (int64_t)(head + sizeof(length)));
}

// True: the file begins as ours would.
static bool is_same(const struct film_log *log, const char *identity)
{
    char head[sizeof(HEAD)] = {0};
    uint32_t length = 0;
    char *text;
    bool same;

    if (!read_all(log->file, head, strlen(HEAD), 0) || strcmp(head, HEAD) != 0 ||
        !read_all(log->file, &length, sizeof(length), (int64_t)strlen(HEAD)) ||
        length > IDENTITY_MAX)
        return false;
    text = mem_new(length + 1, 1);
    same = read_all(log->file, text, length, (int64_t)(strlen(HEAD) + sizeof(length))) &&
           strcmp(text, identity) == 0;
    mem_free(text);
    return same;
}

static bool scan(struct film_log *log)
{
    AVPacket *packet = av_packet_alloc();
    struct record r;

    log->place = log->begin;
    while (packet && read_record(log, &r, packet)) {
        note(log, &r, log->place);
        log->place += (int64_t)sizeof(r) + r.bytes;
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    log->end = log->place;
    if (ftruncate(log->file, log->end) == 0)
        return true;
    log_error("cannot write %s: %s", log->path, strerror(errno));
    return false;
}

struct film_log *film_log_open(const char *path, const char *identity, bool replace)
{
    struct film_log *log = mem_new(1, sizeof(*log));
    struct stat state;

    log->path = mem_strdup(path);
    log->last_pts = INT64_MIN;
    log->begin = log->end = (int64_t)(strlen(HEAD) + sizeof(uint32_t) + strlen(identity));
    log->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (log->file < 0 || fstat(log->file, &state) < 0) {
        log_error("cannot write %s: %s", path, strerror(errno));
        goto fail;
    }
    if (state.st_size > 0 && !replace && !is_same(log, identity)) {
        log_error("%s is from a conversion with other options or of another film: finish that one, "
                  "or begin anew with --overwrite",
                  path);
        goto fail;
    }
    if (!is_same(log, identity) && !begin_file(log, identity)) {
        unlink(path); // no half a head
        goto fail;
    }
    if (!scan(log))
        goto fail;
    return log;
fail:
    film_log_close(&log);
    return NULL;
}

void film_log_close(struct film_log **log)
{
    struct film_log *l = *log;

    if (!l)
        return;
    if (l->file >= 0)
        close(l->file);
    mem_free(l->path);
    mem_free(l->keys);
    mem_free(l);
    *log = NULL;
}

// --- what it holds

int64_t film_log_frames(const struct film_log *log)
{
    return log->frames;
}

enum film_log_mark film_log_mark(const struct film_log *log)
{
    return log->mark;
}

int64_t film_log_last_pts(const struct film_log *log)
{
    return log->last_pts;
}

int64_t film_log_key_before(const struct film_log *log, int64_t pts)
{
    for (int i = log->key_count - 1; i >= 0; i--)
        if (log->keys[i].pts <= pts)
            return log->keys[i].pts;
    return INT64_MIN;
}

bool film_log_cut(struct film_log *log, int64_t key_pts)
{
    struct key at = {.offset = log->begin, .last_pts = INT64_MIN};
    int count = 0;

    for (int i = 0; i < log->key_count && key_pts != INT64_MIN; i++)
        if (log->keys[i].pts == key_pts) {
            at = log->keys[i];
            count = i;
        }
    if (ftruncate(log->file, at.offset) < 0) {
        log_error("cannot write %s: %s", log->path, strerror(errno));
        return false;
    }
    log->key_count = count;
    log->end = at.offset;
    log->frames = at.frames;
    log->last_pts = at.last_pts;
    log->mark = FILM_LOG_OPEN;
    return true;
}

bool film_log_add(struct film_log *log, const AVPacket *packet)
{
    struct record r = {.bytes = (uint32_t)packet->size,
                       .key = packet->flags & AV_PKT_FLAG_KEY ? 1 : 0,
                       .pts = packet->pts,
                       .dts = packet->dts,
                       .duration = packet->duration};

    return append(log, &r, packet->data);
}

bool film_log_set_mark(struct film_log *log, enum film_log_mark mark)
{
    struct record r = {.mark = mark};

    if (!append(log, &r, (const uint8_t *)""))
        return false;
    if (fsync(log->file) == 0)
        return true;
    log_error("cannot write %s: %s", log->path, strerror(errno));
    return false;
}

void film_log_rewind(struct film_log *log)
{
    log->place = log->begin;
}

bool film_log_read(struct film_log *log, AVPacket *out, bool *out_failed)
{
    struct record r = {0};

    *out_failed = false;
    while (log->place < log->end) {
        if (!read_record(log, &r, out)) {
            log_error("%s cannot be read any more: %s", log->path,
                      errno ? strerror(errno) : "it was changed meanwhile");
            *out_failed = true;
            return false;
        }
        log->place += (int64_t)sizeof(r) + r.bytes;
        if (r.bytes > 0)
            return true;
        av_packet_unref(out);
    }
    return false;
}
