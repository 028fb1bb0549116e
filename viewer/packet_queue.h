// Packets between the demuxer and a decoder: first in, first out, growing as needed.
//
// The slots, and the packets in them, are kept and used again: once a film plays steadily nothing
// is allocated here.
//
// Thread-safety: none; the owner locks.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct AVPacket;
struct packet_slot;

// All-zero is an empty queue.
struct packet_queue {
    struct packet_slot *slots;
    int capacity, first, count;
    int64_t bytes; // of all packets waiting, with what each one costs beside its data
};

void packet_queue_finish(struct packet_queue *q);
// Moves the packet into the queue; `packet` is blank afterwards. time_ns: when it is to be decoded,
// on any clock; CLOCK_NONE where unknown.
void packet_queue_push(struct packet_queue *q, struct AVPacket *packet, int64_t time_ns);
// Moves the oldest packet out. False: the queue is empty.
bool packet_queue_pop(struct packet_queue *q, struct AVPacket *out);
void packet_queue_clear(struct packet_queue *q);
// Time from the oldest to the newest packet; 0 where that is unknown.
int64_t packet_queue_span_ns(const struct packet_queue *q);
