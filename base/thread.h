// Threads, and a lock with its condition.
//
// A thread is named (visible in a debugger and to the tests) and has a place in line: pacing
// threads go first, bulk work gives way, so that a busy converter never delays a display.
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum thread_priority {
    THREAD_NORMAL,     // what the process has
    THREAD_PACING,     // goes first, in real time where the system lets us, else as normal: waits
                       // for moments and does little; threads it starts are normal
    THREAD_BACKGROUND, // gives way to normal threads (a nicer thread); threads it starts inherit
                       // this
};

struct thread {
    pthread_t handle;
    bool running; // started and not yet joined
};

typedef void thread_main(void *user);

// name: at most 15 characters. False, logged, where the system has no more threads.
bool thread_start(struct thread *t, const char *name, enum thread_priority priority,
                  thread_main *run, void *user);
// Waits for the end. A thread that never started is fine.
void thread_join(struct thread *t);

// A mutex and the condition variable that belongs to it. The condition counts on the monotonic
// clock.
struct monitor {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

void monitor_init(struct monitor *m);
void monitor_finish(struct monitor *m);
void monitor_lock(struct monitor *m);
void monitor_unlock(struct monitor *m);
// Wakes every waiter. Call with the lock held.
void monitor_changed(struct monitor *m);
// Waits, lock held, for monitor_changed(). Spurious wakes happen: test the condition in a loop.
void monitor_wait(struct monitor *m);
// The same, until deadline_ns at most. False: the deadline has passed.
bool monitor_wait_until(struct monitor *m, int64_t deadline_ns);
