#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

// how much nicer background work is; 5 gives a normal thread three quarters of a contested core
#define BACKGROUND_NICE 5
// Granted, as real time is, to root and to users with such a limit (limits.conf).
#define PACING_NICE (-15)

struct start {
    char name[16];
    enum thread_priority priority;
    thread_main *run;
    void *user;
};

// Real time where that is granted: a nice value counts only among the processes of one terminal
// (autogroups), and a busy neighbour would still cost tens of milliseconds. The kernel keeps real
// time threads from taking a core altogether.
static void go_first(void)
{
    struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_RR)};

    if (pthread_setschedparam(pthread_self(), SCHED_RR | SCHED_RESET_ON_FORK, &lowest) != 0)
        setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), PACING_NICE);
}

static void *enter(void *argument)
{
    struct start s = *(struct start *)argument;

    mem_free(argument);
    pthread_setname_np(pthread_self(), s.name);
    // Linux keeps the nice value per thread; a refusal only costs smoothness
    if (s.priority == THREAD_BACKGROUND)
        setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), BACKGROUND_NICE);
    else if (s.priority == THREAD_PACING)
        go_first();
    s.run(s.user);
    return NULL;
}

bool thread_start(struct thread *t, const char *name, enum thread_priority priority,
                  thread_main *run, void *user)
{
    struct start *s = mem_new(1, sizeof(*s));
    int error;

    strncpy(s->name, name, sizeof(s->name) - 1);
    s->priority = priority;
    s->run = run;
    s->user = user;
    error = pthread_create(&t->handle, NULL, enter, s);
    t->running = error == 0;
    if (error) {
        log_error("cannot start the %s thread: %s", name, strerror(error));
        mem_free(s);
    }
    return t->running;
}

void thread_join(struct thread *t)
{
    if (t->running)
        pthread_join(t->handle, NULL);
    t->running = false;
}

void monitor_init(struct monitor *m)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&m->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&m->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void monitor_finish(struct monitor *m)
{
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->mutex);
}

void monitor_lock(struct monitor *m)
{
    pthread_mutex_lock(&m->mutex);
}

void monitor_unlock(struct monitor *m)
{
    pthread_mutex_unlock(&m->mutex);
}

void monitor_changed(struct monitor *m)
{
    pthread_cond_broadcast(&m->changed);
}

void monitor_wait(struct monitor *m)
{
    pthread_cond_wait(&m->changed, &m->mutex);
}

bool monitor_wait_until(struct monitor *m, int64_t deadline_ns)
{
    struct timespec t = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};

    return pthread_cond_timedwait(&m->changed, &m->mutex, &t) != ETIMEDOUT;
}
