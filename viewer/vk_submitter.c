#include "viewer/vk_submitter.h"

#include "base/mem.h"
#include "base/thread.h"

struct vk_submitter {
    struct vk_queue *queue;
    struct thread thread;
    struct monitor monitor;
    // guarded by monitor:
    const VkSubmitInfo *wanted; // NULL: nothing to do
    bool good;                  // of the last one
    bool stop;
};

static void run(void *user)
{
    struct vk_submitter *s = user;

    monitor_lock(&s->monitor);
    for (;;) {
        while (!s->wanted && !s->stop)
            monitor_wait(&s->monitor);
        if (s->stop)
            break;
        // the caller waits, so that nobody else wants the monitor meanwhile
        vk_queue_lock(s->queue);
        s->good = VK(vkQueueSubmit(s->queue->handle, 1, s->wanted, VK_NULL_HANDLE));
        vk_queue_unlock(s->queue);
        s->wanted = NULL;
        monitor_changed(&s->monitor);
    }
    monitor_unlock(&s->monitor);
}

struct vk_submitter *vk_submitter_create(struct vk_queue *queue)
{
    struct vk_submitter *s = mem_new(1, sizeof(*s));

    s->queue = queue;
    monitor_init(&s->monitor);
    if (!thread_start(&s->thread, "submit", THREAD_PACING, run, s))
        vk_submitter_destroy(&s);
    return s;
}

void vk_submitter_destroy(struct vk_submitter **submitter)
{
    struct vk_submitter *s = *submitter;

    if (!s)
        return;
    monitor_lock(&s->monitor);
    s->stop = true;
    monitor_changed(&s->monitor);
    monitor_unlock(&s->monitor);
    thread_join(&s->thread);
    monitor_finish(&s->monitor);
    mem_free(s);
    *submitter = NULL;
}

bool vk_submitter_submit(struct vk_submitter *s, const VkSubmitInfo *info)
{
    bool good;

    monitor_lock(&s->monitor);
    s->wanted = info;
    monitor_changed(&s->monitor);
    while (s->wanted)
        monitor_wait(&s->monitor);
    good = s->good;
    monitor_unlock(&s->monitor);
    return good;
}
