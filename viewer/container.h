// How a film's container is opened and read: alike by the source and by film_streams.h, which reads
// it again. Both give FFmpeg's error codes, AVERROR.
//
// Thread-safety: independent containers.
#pragma once

struct AVFormatContext;
struct AVInputFormat;
struct AVPacket;

// url: a file, which is meant literally; else what FFmpeg takes it for. A network that says nothing
// for half a minute is gone, a server that hangs up is asked again for the rest. format: NULL: what
// it is, is found out; else `url` is the format's own. Frees *container where it fails.
int container_open(struct AVFormatContext **container, const char *url,
                   const struct AVInputFormat *format);
// The next packet. Passes over some damage. AVERROR(EAGAIN): none yet; AVERROR_EOF: no more, also
// where a server did not say how much there is, and hung up; else: why there are no more, though it
// is not the end.
int container_read(struct AVFormatContext *container, struct AVPacket *out);
