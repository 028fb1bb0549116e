#include "viewer/audio_tail.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

bool audio_tail_init(struct audio_tail *tail, int channels, int room)
{
    *tail = (struct audio_tail){.channels = channels, .room = room};
    tail->samples = mem_try_block((size_t)room * (size_t)channels * sizeof(float));
    return tail->samples;
}

void audio_tail_finish(struct audio_tail *tail)
{
    mem_free(tail->samples);
    *tail = (struct audio_tail){0};
}

void audio_tail_reset(struct audio_tail *tail)
{
    tail->added = 0;
}

static float *frame_at(const struct audio_tail *tail, int64_t position)
{
    return tail->samples + (position % tail->room) * tail->channels;
}

void audio_tail_add(struct audio_tail *tail, const float *frames, int64_t count)
{
    while (count > 0) {
        int64_t to_end = tail->room - tail->added % tail->room;
        int64_t part = count < to_end ? count : to_end;
        size_t bytes = (size_t)part * (size_t)tail->channels * sizeof(float);

        if (frames) {
            memcpy(frame_at(tail, tail->added), frames, bytes);
            frames += part * tail->channels;
        } else {
            memset(frame_at(tail, tail->added), 0, bytes);
        }
        tail->added += part;
        count -= part;
    }
}

int audio_tail_count(const struct audio_tail *tail)
{
    return tail->added < tail->room ? (int)tail->added : tail->room;
}

int audio_tail_get(const struct audio_tail *tail, int back, const float **out)
{
    int64_t position = tail->added - back;
    int to_end = (int)(tail->room - position % tail->room);

    *out = frame_at(tail, position);
    return back < to_end ? back : to_end;
}
