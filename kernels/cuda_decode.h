// What a decoder on the GPU (FFmpeg's, viewer/source_gpu.h) needs of CUDA to work beside our
// kernels.
//
// A table in the CUDA library, found by kernels/cuda_library.h. All but stream_wait with the
// kernels' GPU current on the calling thread. Fallible members return false or NULL, with the
// reason in error().
//
// Thread-safety: safe.
#pragma once
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cuda_decode {
    // Of the calling thread's last failure; lives until its next one.
    const char *(*error)(void);
    // The GPU's primary context (a CUcontext), in which our kernels work; made where there is none.
    void *(*context)(void);
    // A CUstream that neither waits for other streams nor holds them up.
    void *(*stream_create)(void);
    // Nothing is queued on it. Accepts NULL.
    void (*stream_destroy)(void *stream);
    // Until all that was queued on it is done.
    bool (*stream_wait)(void *stream);
};

const struct cuda_decode *deep3d_cuda_decode(void);

#ifdef __cplusplus
}
#endif
