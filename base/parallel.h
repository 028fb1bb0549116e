// A loop over independent rows, shared among the cores.
//
// Built on OpenMP, so that our kernels and oneDNN use the same worker threads and never fight for
// the cores.
//
// Thread-safety: safe; each calling thread has workers of its own.
#pragma once

// Does the rows first..end-1.
typedef void parallel_body(void *user, int first, int end);

// Splits 0..count-1 into at most `threads` runs of neighbouring rows and returns when all are done.
// threads: 0 means one for each core that the process may use.
void parallel_rows(int count, int threads, parallel_body *body, void *user);
// Each of 0..count-1 by itself, to the first thread that is free: cores that other work slows down
// get fewer of them. Returns when all are done. threads: as above.
void parallel_bands(int count, int threads, parallel_body *body, void *user);
// Call first in main(), with its argv. OpenMP's workers would spin while they wait; on cores that
// decoders and displays need too, a conversion takes several times as long then (720p on two busy
// cores: 600 ms spinning, 90 ms sleeping). The policy is read from the environment before main(),
// so this sets OMP_WAIT_POLICY=passive, with a moment of spinning before a worker sleeps, and
// starts the program anew. Returns at once where a policy is set, or the program cannot be started
// anew.
void parallel_start(char **argv);
// Cores that this process may use, at least 1.
int parallel_cores(void);
