#include "kernels/kernels_cuda.h"

#include <cstdio>
#include <cstring>
#include <cuda_runtime.h>

// Why there is no GPU to use, and what to do.
static void explain(cudaError_t result, char *text, size_t size)
{
    if (result == cudaErrorInsufficientDriver)
        snprintf(text, size,
                 "no NVIDIA driver, or one too old for CUDA %d.%d: install or update it (error %d)",
                 CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10, result);
    else if (result == cudaErrorNoDevice)
        snprintf(text, size, "the NVIDIA driver finds no GPU (error %d)", result);
    else
        snprintf(text, size, "%s (error %d)", cudaGetErrorString(result), result);
}

static bool probe(char *text, size_t size)
{
    cudaDeviceProp properties;
    int count = 0;
    cudaError_t result = cudaGetDeviceCount(&count);

    if (result == cudaSuccess && count == 0)
        result = cudaErrorNoDevice;
    if (result == cudaSuccess)
        result = cudaGetDeviceProperties(&properties, 0);
    if (result == cudaSuccess)
        snprintf(text, size, "%s", properties.name);
    else
        explain(result, text, size);
    return result == cudaSuccess;
}

static int find(const uint8_t *uuid, char *text, size_t size)
{
    cudaDeviceProp properties;
    int count = 0;

    if (!probe(text, size))
        return -1;
    cudaGetDeviceCount(&count);
    for (int i = 0; i < count; i++)
        if (!uuid || (cudaGetDeviceProperties(&properties, i) == cudaSuccess &&
                      memcmp(&properties.uuid, uuid, sizeof(properties.uuid)) == 0)) {
            if (uuid)
                snprintf(text, size, "%s", properties.name);
            return i;
        }
    snprintf(text, size, "none of the %d GPUs that CUDA finds is the one that shows the pictures",
             count);
    return -1;
}

const struct kernels_cuda *deep3d_kernels_cuda(void)
{
    static const struct kernels_cuda table = {
        probe,
        find,
        &kernels_cuda_device,
        colour_cuda,
        resize_cuda,
        shrink_cuda,
        levels_cuda,
        motion_cuda,
        steady_cuda,
        snap_cuda,
        refine_cuda,
        synth_cuda,
        overlay_cuda,
        luma_cuda,
        grey_cuda,
        carry_cuda,
        spread_cuda,
        range_cuda,
        enlarge_cuda,
        edges_cuda,
        press_cuda,
        marks_cuda,
        strokes_cuda,
        plates_cuda,
        strips_cuda,
        glance_cuda,
        refine_cuda_scratch_floats,
        synth_cuda_scratch_floats,
    };

    return &table;
}
