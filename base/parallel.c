#include "base/parallel.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

// libgomp's turns of its waiting loop before a worker sleeps, some 50 us: as long as the pauses
// between a network's steps. Two cores, the default network: 0 6.7 ms, 1000 to 20000 4.6 ms,
// 100000 5.1 ms; FastDepth's kind 8.2, 4.6 and 5.1 ms.
#define SPINS "5000"

void parallel_start(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") == NULL && setenv("OMP_WAIT_POLICY", "passive", 1) == 0 &&
        setenv("GOMP_SPINCOUNT", SPINS, 0) == 0)
        execv("/proc/self/exe", argv);
}

int parallel_cores(void)
{
    cpu_set_t set;
    int cores = 0;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        cores = CPU_COUNT(&set);
    return cores > 0 ? cores : 1;
}

static int threads_for(int count, int threads)
{
    if (threads <= 0)
        threads = parallel_cores();
#if defined(__SANITIZE_THREAD__)
    threads = 1; // ThreadSanitizer does not see libgomp's barriers and would report each of them
#endif
    return threads < count ? threads : count;
}

void parallel_rows(int count, int threads, parallel_body *body, void *user)
{
    threads = threads_for(count, threads);
    if (threads <= 1) {
        body(user, 0, count);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int t = 0; t < threads; t++)
        body(user, (int)((long long)count * t / threads),
             (int)((long long)count * (t + 1) / threads));
}

void parallel_bands(int count, int threads, parallel_body *body, void *user)
{
    threads = threads_for(count, threads);
    if (threads <= 1) {
        body(user, 0, count);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (int i = 0; i < count; i++)
        body(user, i, i + 1);
}
