#include "viewer/stereo_ring.h"

#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"

enum slot_state {
    SLOT_FREE,
    SLOT_ACQUIRED,  // the converter writes
    SLOT_PUBLISHED, // waits to be taken
    SLOT_TAKEN,     // a display, or the ring for mirrors, holds it
    SLOT_WITHOUT,   // there is no memory for it
};

struct slot {
    struct stereo_frame frame; // first: a frame is its slot
    enum slot_state state;
    int references;
    bool allocated;
    enum deep3d_memory memory; // that was asked for
};

// One shown, one being converted, one waiting.
#define FEWEST 3

struct stereo_ring {
    struct stereo_memory memory;
    int count;

    struct monitor monitor;
    // guarded by monitor:
    struct slot *slots;
    struct slot *current; // what the first display took last; referenced by the ring
    unsigned generation;
    bool begun;       // the generation's first frame was published
    bool first_taken; // and taken
    bool ended, stopped;
    // of what was published in the generation, and of the first of it
    int64_t begin_ns, end_ns, first_end_ns;
    uint64_t published;
    int64_t skipped;
};

// Plain host memory: both eyes in one block, kept in f->device.
static bool allocate_host(struct stereo_frame *f, int width, int height, int bits)
{
    size_t stride = (size_t)width * (size_t)(bits / 2), eye = stride * (size_t)height;
    uint8_t *block = mem_try_block(eye * 2);

    if (!block) {
        log_error("no memory for a stereo frame of %dx%d", width, height);
        return false;
    }
    f->device = block;
    f->eyes = (struct deep3d_eyes){.width = width,
                                   .height = height,
                                   .pixels = {block, block + eye},
                                   .stride_bytes = stride,
                                   .bits = bits};
    return true;
}

static bool allocate_8(void *user, struct stereo_frame *f, int width, int height,
                       enum deep3d_memory memory)
{
    return allocate_host(f, width, height, 8);
}

static bool allocate_16(void *user, struct stereo_frame *f, int width, int height,
                        enum deep3d_memory memory)
{
    return allocate_host(f, width, height, 16);
}

static void release_host(void *user, struct stereo_frame *f)
{
    mem_free(f->device);
    f->device = NULL;
}

struct stereo_memory stereo_ring_host_memory(int bits)
{
    return (struct stereo_memory){.allocate = bits == 16 ? allocate_16 : allocate_8,
                                  .release = release_host};
}

struct stereo_ring *stereo_ring_create(int count, const struct stereo_memory *memory)
{
    struct stereo_ring *ring = mem_new(1, sizeof(*ring));

    assert(count >= FEWEST);
    ring->memory = memory ? *memory : stereo_ring_host_memory(8);
    ring->count = count;
    ring->slots = mem_new((size_t)count, sizeof(*ring->slots));
    monitor_init(&ring->monitor);
    return ring;
}

static void free_memory(struct stereo_ring *ring, struct slot *s)
{
    if (s->allocated)
        ring->memory.release(ring->memory.user, &s->frame);
    s->allocated = false;
}

void stereo_ring_destroy(struct stereo_ring **ring)
{
    if (!*ring)
        return;
    for (int i = 0; i < (*ring)->count; i++)
        free_memory(*ring, &(*ring)->slots[i]);
    monitor_finish(&(*ring)->monitor);
    mem_free((*ring)->slots);
    mem_free(*ring);
    *ring = NULL;
}

// Lock held.
static void unreference(struct stereo_ring *ring, struct slot *s)
{
    assert(s->state == SLOT_TAKEN && s->references > 0);
    if (--s->references == 0) {
        s->state = SLOT_FREE;
        monitor_changed(&ring->monitor);
    }
}

static bool suits(const struct slot *s, int width, int height, enum deep3d_memory memory)
{
    return s->allocated && s->frame.eyes.width == width && s->frame.eyes.height == height &&
           s->memory == memory;
}

// Lock held. A free slot, better one that is yet to be made: the ring is complete after one round.
// NULL: none.
static struct slot *find_free(struct stereo_ring *ring, int width, int height,
                              enum deep3d_memory memory)
{
    struct slot *found = NULL;

    for (int i = 0; i < ring->count; i++) {
        struct slot *s = &ring->slots[i];

        if (s->state != SLOT_FREE)
            continue;
        found = s;
        if (!suits(s, width, height, memory))
            return s;
    }
    return found;
}

// Lock held. The published slot with the lowest number; NULL: none.
static struct slot *oldest_published(struct stereo_ring *ring)
{
    struct slot *found = NULL;

    for (int i = 0; i < ring->count; i++) {
        struct slot *s = &ring->slots[i];

        if (s->state == SLOT_PUBLISHED && (!found || s->frame.number < found->frame.number))
            found = s;
    }
    return found;
}

// A free slot, marked as the converter's; blocks until there is one. NULL: stopped.
static struct slot *claim(struct stereo_ring *ring, int width, int height,
                          enum deep3d_memory memory)
{
    struct slot *s = NULL;

    monitor_lock(&ring->monitor);
    while (!ring->stopped && !(s = find_free(ring, width, height, memory)))
        monitor_wait(&ring->monitor);
    if (ring->stopped)
        s = NULL;
    if (s)
        s->state = SLOT_ACQUIRED;
    monitor_unlock(&ring->monitor);
    return s;
}

// Memory for the slot, to be written. False, logged: there is none, or the device is lost.
static bool make_ready(struct stereo_ring *ring, struct slot *s, int width, int height,
                       enum deep3d_memory memory)
{
    if (!suits(s, width, height, memory))
        free_memory(ring, s);
    s->memory = memory;
    if (s->allocated)
        return !ring->memory.reuse || ring->memory.reuse(ring->memory.user, &s->frame);
    return s->allocated =
               ring->memory.allocate(ring->memory.user, &s->frame, width, height, memory);
}

// Goes on without the slot that there is no memory for. False: too few are left.
static bool spare(struct stereo_ring *ring, struct slot *s, int width, int height,
                  enum deep3d_memory memory)
{
    int others = 0;

    monitor_lock(&ring->monitor);
    for (int i = 0; i < ring->count; i++)
        others += suits(&ring->slots[i], width, height, memory);
    if (others >= FEWEST)
        s->state = SLOT_WITHOUT;
    monitor_unlock(&ring->monitor);
    if (others >= FEWEST)
        log_warn("memory is short: %d stereo frames of %dx%d have to do", others, width, height);
    return others >= FEWEST;
}

struct stereo_frame *stereo_ring_acquire(struct stereo_ring *ring, int width, int height,
                                         enum deep3d_memory memory)
{
    struct slot *s;

    while ((s = claim(ring, width, height, memory))) {
        if (make_ready(ring, s, width, height, memory))
            return &s->frame;
        if (s->allocated || !spare(ring, s, width, height, memory)) {
            stereo_ring_abandon(ring, &s->frame);
            return NULL;
        }
    }
    return NULL;
}

void stereo_ring_abandon(struct stereo_ring *ring, struct stereo_frame *f)
{
    struct slot *s = (struct slot *)f;

    monitor_lock(&ring->monitor);
    assert(s->state == SLOT_ACQUIRED);
    s->state = SLOT_FREE;
    monitor_changed(&ring->monitor);
    monitor_unlock(&ring->monitor);
}

bool stereo_ring_publish(struct stereo_ring *ring, struct stereo_frame *f)
{
    struct slot *s = (struct slot *)f;
    bool ok = !ring->memory.publish || ring->memory.publish(ring->memory.user, f);

    monitor_lock(&ring->monitor);
    assert(s->state == SLOT_ACQUIRED);
    if (ok && f->generation == ring->generation) {
        f->number = ++ring->published;
        s->state = SLOT_PUBLISHED;
        if (!ring->begun) {
            ring->begin_ns = f->pts_ns;
            ring->first_end_ns = f->pts_ns + f->duration_ns;
        }
        ring->begun = true;
        ring->end_ns = f->pts_ns + f->duration_ns;
    } else {
        s->state = SLOT_FREE;
        ring->skipped += ok;
    }
    monitor_changed(&ring->monitor);
    monitor_unlock(&ring->monitor);
    return ok;
}

void stereo_ring_end(struct stereo_ring *ring)
{
    monitor_lock(&ring->monitor);
    ring->ended = true;
    monitor_changed(&ring->monitor);
    monitor_unlock(&ring->monitor);
}

void stereo_ring_restart(struct stereo_ring *ring, unsigned generation)
{
    monitor_lock(&ring->monitor);
    for (int i = 0; i < ring->count; i++) {
        if (ring->slots[i].state == SLOT_PUBLISHED) {
            ring->slots[i].state = SLOT_FREE;
            ring->skipped++;
        }
    }
    ring->generation = generation;
    ring->begun = ring->first_taken = false;
    ring->ended = false;
    monitor_changed(&ring->monitor);
    monitor_unlock(&ring->monitor);
}

void stereo_ring_stop(struct stereo_ring *ring)
{
    monitor_lock(&ring->monitor);
    ring->stopped = true;
    monitor_changed(&ring->monitor);
    monitor_unlock(&ring->monitor);
}

bool stereo_ring_first(struct stereo_ring *ring, int64_t *out_pts_ns, int64_t *out_end_ns)
{
    bool begun;

    monitor_lock(&ring->monitor);
    begun = ring->begun;
    *out_pts_ns = ring->begin_ns;
    *out_end_ns = ring->first_end_ns;
    monitor_unlock(&ring->monitor);
    return begun;
}

// Lock held. Slot NULL: there is none.
static bool tell_pts(const struct slot *s, int64_t *out_pts_ns)
{
    if (s)
        *out_pts_ns = s->frame.pts_ns;
    return s;
}

bool stereo_ring_shown(struct stereo_ring *ring, int64_t *out_pts_ns)
{
    bool found;

    monitor_lock(&ring->monitor);
    found = tell_pts(ring->first_taken ? ring->current : NULL, out_pts_ns);
    monitor_unlock(&ring->monitor);
    return found;
}

bool stereo_ring_waiting(struct stereo_ring *ring, int64_t *out_pts_ns)
{
    bool found;

    monitor_lock(&ring->monitor);
    found = tell_pts(oldest_published(ring), out_pts_ns);
    monitor_unlock(&ring->monitor);
    return found;
}

bool stereo_ring_drained(struct stereo_ring *ring, int64_t *out_end_ns)
{
    bool drained;

    monitor_lock(&ring->monitor);
    drained = ring->ended && !oldest_published(ring);
    *out_end_ns = ring->end_ns;
    monitor_unlock(&ring->monitor);
    return drained;
}

int64_t stereo_ring_skipped(struct stereo_ring *ring)
{
    int64_t skipped;

    monitor_lock(&ring->monitor);
    skipped = ring->skipped;
    monitor_unlock(&ring->monitor);
    return skipped;
}

// Lock held. Two references: the caller's, and the ring's for mirrors.
static struct stereo_frame *take(struct stereo_ring *ring, struct slot *s)
{
    s->state = SLOT_TAKEN;
    s->references = 2;
    if (ring->current)
        unreference(ring, ring->current);
    ring->current = s;
    ring->first_taken = true;
    return &s->frame;
}

struct stereo_frame *stereo_ring_due(struct stereo_ring *ring, int64_t media_ns, uint64_t after)
{
    struct stereo_frame *due = NULL;
    struct slot *s, *later;

    monitor_lock(&ring->monitor);
    s = oldest_published(ring);
    if (s && (!ring->first_taken || s->frame.pts_ns <= media_ns) && s->frame.number > after) {
        s->state = SLOT_TAKEN; // out of the search for a later one
        while ((later = oldest_published(ring)) && later->frame.pts_ns <= media_ns) {
            s->state = SLOT_FREE;
            ring->skipped++;
            monitor_changed(&ring->monitor);
            s = later;
            s->state = SLOT_TAKEN;
        }
        due = take(ring, s);
    }
    monitor_unlock(&ring->monitor);
    return due;
}

struct stereo_frame *stereo_ring_next(struct stereo_ring *ring)
{
    struct stereo_frame *next = NULL;
    struct slot *s;

    monitor_lock(&ring->monitor);
    while (!(s = oldest_published(ring)) && !ring->ended && !ring->stopped)
        monitor_wait(&ring->monitor);
    if (s && !ring->stopped) {
        next = take(ring, s);
        monitor_changed(&ring->monitor);
    }
    monitor_unlock(&ring->monitor);
    return next;
}

struct stereo_frame *stereo_ring_current(struct stereo_ring *ring, uint64_t after)
{
    struct stereo_frame *current = NULL;

    monitor_lock(&ring->monitor);
    if (ring->current && ring->current->frame.number > after) {
        ring->current->references++;
        current = &ring->current->frame;
    }
    monitor_unlock(&ring->monitor);
    return current;
}

void stereo_ring_release(struct stereo_ring *ring, struct stereo_frame *f)
{
    if (!f)
        return;
    monitor_lock(&ring->monitor);
    unreference(ring, (struct slot *)f);
    monitor_unlock(&ring->monitor);
}
