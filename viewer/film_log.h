// The encoded pictures of a conversion that is under way: OUT.part.
//
// Packets are appended as the encoder gives them, each with a checksum, so that a conversion that
// was stopped, also by a power cut, goes on from what the file holds. The film itself is made from
// it at the end (film_mux.h).
//
// The file: "deep3d part 1\n", length and text of the identity; then records of struct record in
// film_log.c, each followed by its packet. All in the machine's byte order: nobody carries it away.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct AVPacket;
struct film_log;

enum film_log_mark {
    FILM_LOG_OPEN,   // packets follow that the encoder still held
    FILM_LOG_CLOSED, // every picture sent to the encoder is here
    FILM_LOG_WHOLE,  // and that was all of the film
};

// Opens the file to go on, or makes it. identity: what the packets are made of and by; a file with
// another one is begun anew with `replace`, else not touched. A damaged end is cut off. NULL,
// logged: other identity, or the file cannot be read or written.
struct film_log *film_log_open(const char *path, const char *identity, bool replace);
// Leaves the file. Accepts a pointer to NULL; sets it to NULL.
void film_log_close(struct film_log **log);

int64_t film_log_frames(const struct film_log *log); // packets
enum film_log_mark film_log_mark(const struct film_log *log);
// The latest time stamp of a packet; INT64_MIN: none.
int64_t film_log_last_pts(const struct film_log *log);
// Time stamp of the latest key packet before or at pts; INT64_MIN: none.
int64_t film_log_key_before(const struct film_log *log, int64_t pts);
// Forgets the key packet with this time stamp and all behind it; INT64_MIN: all packets. False,
// logged.
bool film_log_cut(struct film_log *log, int64_t key_pts);

// Takes no reference. False, logged: disk full, ...; what was there before is still good.
bool film_log_add(struct film_log *log, const struct AVPacket *packet);
// On disk when it returns. False, logged.
bool film_log_set_mark(struct film_log *log, enum film_log_mark mark);

// Reading, once nothing more is added: from the first packet on, ...
void film_log_rewind(struct film_log *log);
// ... one after the other. False: no more; *out_failed: because of an error, logged.
bool film_log_read(struct film_log *log, struct AVPacket *out, bool *out_failed);
