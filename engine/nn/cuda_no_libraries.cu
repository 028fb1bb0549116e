// Built without cuDNN and cuBLASLt: all jobs are left to our own kernels.
#include <cstdio>

#include "engine/nn/cuda_libraries.h"

struct cuda_libraries {
    int nothing;
};

struct cuda_libraries *cuda_libraries_open(bool half, cudaStream_t stream)
{
    static struct cuda_libraries none;

    return &none;
}

void cuda_libraries_close(struct cuda_libraries *libraries)
{
}

void cuda_libraries_describe(const struct cuda_libraries *libraries, char *text, size_t size)
{
    snprintf(text, size, ", own kernels alone");
}

void cuda_libraries_prepare(struct cuda_libraries *libraries, struct job *job)
{
}

const char *cuda_libraries_way(const struct job *job)
{
    return "";
}

bool cuda_libraries_launch(struct cuda_libraries *libraries, const struct job *job, char *text,
                           size_t size)
{
    return false;
}
