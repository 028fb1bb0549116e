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

struct stream_jump {
    int64_t shift_ns;    // added to time stamps
    int64_t expected_ns; // decoding time of the next packet, shifted; CLOCK_NONE: unknown
};

// Streams of this container are fetched one by one: those that nobody wants need not be.
bool streams_fetched_apart(const AVFormatContext *container);
// All streams of this container are to be read, as each may be the first to tell of a jump.
bool stream_jump_wants_all(const AVFormatContext *container);
// Also after winding.
void stream_jump_reset(struct stream_jump *jump);
// Moves the packet's time stamps. video: the container's stream with the film's pictures. Where the
// container's clock does not jump, it does nothing.
void stream_jump_smooth(struct stream_jump *jump, const AVFormatContext *container, int video,
                        AVPacket *packet);
