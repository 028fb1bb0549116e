// Transport streams that were cut together: each stretch has a clock of its own, and all are put
// one behind the other.
//
// Two readers of one file that both pass each of its packets through here put them at the same
// times.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include <libavformat/avformat.h>

// Decoding times of one stream's packets, shifted; CLOCK_NONE: none yet.
struct stream_place {
    int64_t first_ns;           // since the beginning, or since winding
    int64_t before_ns, last_ns; // of the last two
    bool crossed;               // the last one was of the newest stretch
};

// All-zero, then reset.
struct stream_jump {
    int64_t shift_ns;    // added to time stamps
    int64_t earlier_ns;  // added to those of the stretch before, while some of it may still come
    int64_t begin_ns;    // of the newest stretch, shifted
    int64_t expected_ns; // decoding time of the next packet, shifted; CLOCK_NONE: unknown
    bool fell;           // a jump led backwards: some time stamps come more than once
    struct stream_place *places; // of the container's streams
    int count, capacity;
};

// Streams of this container are fetched one by one: those that nobody wants need not be.
bool streams_fetched_apart(const AVFormatContext *container);
// All streams of this container are to be read, as each may be the first to tell of a jump.
bool stream_jump_wants_all(const AVFormatContext *container);
// Also after winding.
void stream_jump_reset(struct stream_jump *jump);
void stream_jump_finish(struct stream_jump *jump);
// Moves the packet's time stamps. video: the container's stream with the film's pictures. Where the
// container's clock does not jump, it does nothing.
void stream_jump_smooth(struct stream_jump *jump, const AVFormatContext *container, int video,
                        AVPacket *packet);
