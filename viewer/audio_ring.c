#include "viewer/audio_ring.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

bool audio_ring_init(struct audio_ring *ring, int channels, int capacity)
{
    *ring = (struct audio_ring){.channels = channels, .capacity = capacity};
    ring->samples = mem_try_block((size_t)capacity * (size_t)channels * sizeof(float));
    return ring->samples != NULL;
}

void audio_ring_finish(struct audio_ring *ring)
{
    mem_free(ring->samples);
    ring->samples = NULL;
}

void audio_ring_reset(struct audio_ring *ring)
{
    atomic_store(&ring->written, 0);
    atomic_store(&ring->read, 0);
}

int audio_ring_waiting(const struct audio_ring *ring)
{
    return (int)(atomic_load(&ring->written) - atomic_load(&ring->read));
}

static int lesser(int a, int b)
{
    return a < b ? a : b;
}

static float *frame_at(const struct audio_ring *ring, int64_t position)
{
    return ring->samples + (position % ring->capacity) * ring->channels;
}

int audio_ring_write(struct audio_ring *ring, const float *frames, int count)
{
    int64_t written = atomic_load(&ring->written);
    int fits = lesser(count, ring->capacity - audio_ring_waiting(ring));
    int to_end = lesser(fits, (int)(ring->capacity - written % ring->capacity));
    size_t frame_bytes = (size_t)ring->channels * sizeof(float);

    if (frames) {
        memcpy(frame_at(ring, written), frames, (size_t)to_end * frame_bytes);
        memcpy(ring->samples, frames + (ptrdiff_t)to_end * ring->channels,
               (size_t)(fits - to_end) * frame_bytes);
    } else {
        memset(frame_at(ring, written), 0, (size_t)to_end * frame_bytes);
        memset(ring->samples, 0, (size_t)(fits - to_end) * frame_bytes);
    }
    atomic_store(&ring->written, written + fits);
    return fits;
}

int audio_ring_read(struct audio_ring *ring, float *out, int count)
{
    int64_t read = atomic_load(&ring->read);
    int there = lesser(count, audio_ring_waiting(ring));
    int to_end = lesser(there, (int)(ring->capacity - read % ring->capacity));
    size_t frame_bytes = (size_t)ring->channels * sizeof(float);

    if (out) {
        memcpy(out, frame_at(ring, read), (size_t)to_end * frame_bytes);
        memcpy(out + (ptrdiff_t)to_end * ring->channels, ring->samples,
               (size_t)(there - to_end) * frame_bytes);
    }
    atomic_store(&ring->read, read + there);
    return there;
}
