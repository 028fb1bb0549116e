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
// Cores that this process may use, at least 1.
int parallel_cores(void);
