// The stereo frames between the converter, which writes them, and the displays, which show them.
//
// A fixed number of frames goes round: free -> acquired by the converter -> published -> due ->
// shown -> free. One display is the first (headset, else window, else null): what it takes as due
// moves the ring on. Others mirror it with stereo_ring_current(). The memory of frames comes from a
// small vtable, so that it can be Vulkan's (vk_frames.h) or plain host memory.
//
// Thread-safety: safe. No call but acquire and next blocks for longer than a few list operations.
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/deep3d.h"

struct stereo_frame {
    // set by the converter thread between acquire and publish
    int64_t pts_ns, duration_ns;
    unsigned generation;
    double aspect; // width / height as it is to look
    // set by the ring
    struct deep3d_eyes eyes; // memory to convert into
    void *device;            // what the memory's owner keeps with the frame
    uint64_t number;         // counts published frames, from 1
};

// Where frames live. All calls come from the converter's thread, or from stereo_ring_destroy().
struct stereo_memory {
    void *user;
    // Sets f->eyes and f->device for pictures of this size, in the memory that the converter would
    // rather write, else in the host's. False, logged: no memory.
    bool (*allocate)(void *user, struct stereo_frame *f, int width, int height,
                     enum deep3d_memory memory);
    // Undoes allocate; the device no longer uses the frame.
    void (*release)(void *user, struct stereo_frame *f);
    // The eyes are written: bring them to the device. Optional: NULL means nothing to do. False,
    // logged: device lost.
    bool (*publish)(void *user, struct stereo_frame *f);
    // The converter is about to write into an allocated frame again: waits until the device has
    // read what was published before; for eyes in CUDA's memory, what is queued in CUDA later
    // waits. Optional: NULL means nothing to wait for. False, logged: device lost.
    bool (*reuse)(void *user, struct stereo_frame *f);
};

struct stereo_ring;

// Host memory; bits: of the eyes' samples, 8 or 16.
struct stereo_memory stereo_ring_host_memory(int bits);
// memory NULL: host memory, 8 bits. count: frames, >= 3.
struct stereo_ring *stereo_ring_create(int count, const struct stereo_memory *memory);
// Every display has released its frames and the converter is joined. Accepts a pointer to NULL;
// sets it to NULL.
void stereo_ring_destroy(struct stereo_ring **ring);

// --- the converter's side
// A free frame with eyes of this size; blocks until there is one. memory: what the converter would
// rather write; eyes may be in host memory all the same, and are where it asks for that. Where
// memory is short the ring goes on with fewer frames, three at least. NULL: stopped, or (logged) no
// memory even for those, or the device is lost.
struct stereo_frame *stereo_ring_acquire(struct stereo_ring *ring, int width, int height,
                                         enum deep3d_memory memory);
// Hands the frame to the displays. One of a generation that is no longer the ring's goes back to
// the free ones. False: the device is lost.
bool stereo_ring_publish(struct stereo_ring *ring, struct stereo_frame *f);
// Gives an acquired frame back unused.
void stereo_ring_abandon(struct stereo_ring *ring, struct stereo_frame *f);
// No more frames come in this generation.
void stereo_ring_end(struct stereo_ring *ring);

// --- the player's side
// A generation that no frame has: after a restart with it nothing waits, and nothing is taken in.
#define STEREO_RING_NO_GENERATION UINT_MAX
// Drops what waits and takes only frames of this generation from now on; undoes stereo_ring_end().
void stereo_ring_restart(struct stereo_ring *ring, unsigned generation);
// Wakes everyone; acquire and next return NULL from now on.
void stereo_ring_stop(struct stereo_ring *ring);
// When the current generation begins: the time of its first frame, taken or not. False: none was
// published yet.
bool stereo_ring_first(struct stereo_ring *ring, int64_t *out_pts_ns, int64_t *out_end_ns);
// pts_ns of the frame of this generation that the first display took last, and of the next one that
// waits for it. False: there is none.
bool stereo_ring_shown(struct stereo_ring *ring, int64_t *out_pts_ns);
bool stereo_ring_waiting(struct stereo_ring *ring, int64_t *out_pts_ns);
// End was called and the first display took the last frame. *out_end_ns: pts + duration of the last
// frame published.
bool stereo_ring_drained(struct stereo_ring *ring, int64_t *out_end_ns);
// Frames published but never taken by the first display: a later one was already due, or a restart
// dropped them.
int64_t stereo_ring_skipped(struct stereo_ring *ring);

// --- the displays' side; each frame returned is referenced: give it back with
// stereo_ring_release() The first display: the latest frame with pts_ns <= media_ns, if newer than
// number `after`; else NULL. Frames passed over are skipped. The very first frame of a generation
// is returned whatever its pts.
struct stereo_frame *stereo_ring_due(struct stereo_ring *ring, int64_t media_ns, uint64_t after);
// A first display without a clock: every frame in order; blocks. NULL: drained or stopped.
struct stereo_frame *stereo_ring_next(struct stereo_ring *ring);
// Any other display: what the first one took last, if newer than number `after`; else NULL.
struct stereo_frame *stereo_ring_current(struct stereo_ring *ring, uint64_t after);
// The device no longer reads the frame. f NULL is allowed.
void stereo_ring_release(struct stereo_ring *ring, struct stereo_frame *f);
