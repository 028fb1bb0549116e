#include "viewer/commands.h"

#include "base/mem.h"
#include "base/thread.h"

#define CAPACITY 64

struct command_queue {
    struct monitor monitor;
    // guarded by monitor:
    struct command items[CAPACITY];
    int first, count;
};

struct command_queue *command_queue_create(void)
{
    struct command_queue *q = mem_new(1, sizeof(*q));

    monitor_init(&q->monitor);
    return q;
}

void command_queue_destroy(struct command_queue **queue)
{
    if (!*queue)
        return;
    monitor_finish(&(*queue)->monitor);
    mem_free(*queue);
    *queue = NULL;
}

void command_queue_push(struct command_queue *queue, enum command_kind kind, double value)
{
    monitor_lock(&queue->monitor);
    if (queue->count < CAPACITY)
        queue->items[(queue->first + queue->count++) % CAPACITY] = (struct command){kind, value};
    monitor_unlock(&queue->monitor);
}

bool command_queue_pop(struct command_queue *queue, struct command *out)
{
    bool found;

    monitor_lock(&queue->monitor);
    found = queue->count > 0;
    if (found) {
        *out = queue->items[queue->first];
        queue->first = (queue->first + 1) % CAPACITY;
        queue->count--;
    }
    monitor_unlock(&queue->monitor);
    return found;
}
