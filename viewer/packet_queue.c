#include "viewer/packet_queue.h"

#include <libavcodec/packet.h>

#include "base/clock.h"
#include "base/mem.h"

// what a packet costs beside its data: keeps a flood of empty packets within the byte limits
#define OVERHEAD_BYTES 512
// more than what is read ahead of a decoder while nothing starves
#define CAPACITY 512

struct packet_slot {
    AVPacket *packet;
    int64_t time_ns;
};

void packet_queue_finish(struct packet_queue *q)
{
    for (int i = 0; i < q->capacity; i++)
        av_packet_free(&q->slots[i].packet);
    mem_free(q->slots);
    *q = (struct packet_queue){0};
}

static void grow(struct packet_queue *q)
{
    int capacity = q->capacity > 0 ? q->capacity * 2 : CAPACITY;
    struct packet_slot *slots = mem_new((size_t)capacity, sizeof(*slots));

    for (int i = 0; i < q->capacity; i++)
        slots[i] = q->slots[(q->first + i) % q->capacity];
    mem_free(q->slots);
    q->slots = slots;
    q->first = 0;
    q->capacity = capacity;
}

void packet_queue_push(struct packet_queue *q, AVPacket *packet, int64_t time_ns)
{
    struct packet_slot *slot;

    if (q->count == q->capacity)
        grow(q);
    slot = &q->slots[(q->first + q->count) % q->capacity];
    if (!slot->packet)
        slot->packet = av_packet_alloc();
    if (!slot->packet) { // out of memory: the packet is lost, as a damaged one would be
        av_packet_unref(packet);
        return;
    }
    q->bytes += packet->size + OVERHEAD_BYTES;
    q->count++;
    slot->time_ns = time_ns;
    av_packet_move_ref(slot->packet, packet);
}

bool packet_queue_pop(struct packet_queue *q, AVPacket *out)
{
    AVPacket *oldest;

    if (q->count == 0)
        return false;
    oldest = q->slots[q->first].packet;
    q->bytes -= oldest->size + OVERHEAD_BYTES;
    q->first = (q->first + 1) % q->capacity;
    q->count--;
    av_packet_move_ref(out, oldest);
    return true;
}

void packet_queue_clear(struct packet_queue *q)
{
    for (int i = 0; i < q->count; i++)
        av_packet_unref(q->slots[(q->first + i) % q->capacity].packet);
    q->first = q->count = 0;
    q->bytes = 0;
}

int64_t packet_queue_span_ns(const struct packet_queue *q)
{
    int64_t from, to;

    if (q->count < 2)
        return 0;
    from = q->slots[q->first].time_ns;
    to = q->slots[(q->first + q->count - 1) % q->capacity].time_ns;
    // times are kept within +-2^62 ns (source_parts.h), so the difference cannot overflow
    return from == CLOCK_NONE || to == CLOCK_NONE || to < from ? 0 : to - from;
}
