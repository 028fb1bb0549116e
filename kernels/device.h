// What a column of kernels runs on: its memory, the order of its work, and its clock.
//
// The processor: memory is the host's, and work is done when a call returns. A GPU: memory is its
// own, and the host must not follow pointers into it; work is queued on the per-thread default
// stream of the calling thread (cudaStreamPerThread) and done in that order. What fails there is
// told by the next wait() or check() of the thread.
//
// Thread-safety: safe; each thread has an order of its own.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A moment in the order of the work; all-zero: none yet.
struct device_stamp {
    int64_t ns;  // the processor's
    void *event; // a GPU's
};

struct device {
    bool gpu;
    // The calling thread works on this one of several GPUs from now on. False: it is not there.
    bool (*enter)(int index);

    // The column's memory, aligned to MEM_ALIGN, contents undefined. size 0 gives a valid pointer;
    // NULL: there is none left.
    void *(*take)(size_t bytes);
    // Waits until nothing uses it. NULL is allowed.
    void (*give)(void *memory);
    // The host's memory that copies are queued from and to; otherwise as above.
    void *(*take_host)(size_t bytes);
    void (*give_host)(void *memory);

    // Queued, as the kernels are. What lies on the host's side must stay as it is until the next
    // wait(); copies of what is not of take_host() may make the caller wait.
    void (*upload)(void *to, const void *from, size_t bytes);
    void (*download)(void *to, const void *from, size_t bytes);
    // The same for the rows of a picture.
    void (*upload_rows)(void *to, size_t to_stride, const void *from, size_t from_stride,
                        size_t row_bytes, int rows);
    void (*download_rows)(void *to, size_t to_stride, const void *from, size_t from_stride,
                          size_t row_bytes, int rows);
    void (*copy)(void *to, const void *from, size_t bytes);
    void (*clear)(void *to, size_t bytes); // to zeros

    // Until all that the calling thread has queued is done. False: some of it failed, since it was
    // last told; what was written is worth nothing.
    bool (*wait)(void);
    // The same until a stamp is passed; at once where it never was set.
    bool (*wait_for)(const struct device_stamp *stamp);
    // The same without waiting: of what is known by now.
    bool (*check)(void);
    // Of the calling thread's last failure, for people; lives until its next one.
    const char *(*error)(void);

    void (*stamp)(struct device_stamp *stamp);
    // Between two that were passed: call after a wait().
    int64_t (*between_ns)(const struct device_stamp *from, const struct device_stamp *to);
    void (*stamp_finish)(struct device_stamp *stamp);
};

extern const struct device device_host;

#ifdef __cplusplus
}
#endif
