#include "tests/cuda/interop/pattern.h"

#include <cstdio>

#include "kernels/cuda_launch.h"

#define BLOCK_X 32
#define BLOCK_Y 8

// seed + 1, x and y of a pixel that is wrong; 0: none
static uint32_t *wrong;

__global__ void write_pixels(uint8_t *pixels, int width, int height, size_t stride, uint32_t seed)
{
    int x = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    int y = (int)(blockIdx.y * blockDim.y + threadIdx.y);

    if (x < width && y < height)
        ((uint32_t *)(pixels + y * stride))[x] = pattern_pixel(seed, (uint32_t)x, (uint32_t)y);
}

__global__ void look_at_pixels(const uint8_t *pixels, int width, int height, size_t stride,
                               uint32_t seed, uint32_t *out)
{
    int x = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    int y = (int)(blockIdx.y * blockDim.y + threadIdx.y);

    if (x >= width || y >= height ||
        ((const uint32_t *)(pixels + y * stride))[x] ==
            pattern_pixel(seed, (uint32_t)x, (uint32_t)y))
        return;
    // any of several will do
    out[0] = seed + 1;
    out[1] = (uint32_t)x;
    out[2] = (uint32_t)y;
}

static bool good(cudaError_t result)
{
    if (result != cudaSuccess)
        fprintf(stderr, "CUDA: %s\n", cudaGetErrorString(result));
    return result == cudaSuccess;
}

static bool clear(void)
{
    return good(cudaMemsetAsync(wrong, 0, 3 * sizeof(*wrong), cudaStreamPerThread));
}

bool pattern_open(char *text, size_t size)
{
    int count = 0;
    cudaError_t result = cudaGetDeviceCount(&count);

    if (result != cudaSuccess || count == 0) {
        snprintf(text, size, "%s", result ? cudaGetErrorString(result) : "no GPU");
        return false;
    }
    return good(cudaMalloc((void **)&wrong, 3 * sizeof(*wrong))) && clear();
}

void pattern_close(void)
{
    cudaFree(wrong);
}

static dim3 blocks(int width, int height)
{
    return dim3((unsigned)(width + BLOCK_X - 1) / BLOCK_X,
                (unsigned)(height + BLOCK_Y - 1) / BLOCK_Y);
}

bool pattern_write(uint8_t *pixels, int width, int height, size_t stride_bytes, uint32_t seed)
{
    CUDA_LAUNCH(write_pixels, blocks(width, height), dim3(BLOCK_X, BLOCK_Y), cudaStreamPerThread,
                pixels, width, height, stride_bytes, seed);
    return good(cudaGetLastError());
}

bool pattern_look(const uint8_t *pixels, int width, int height, size_t stride_bytes, uint32_t seed)
{
    CUDA_LAUNCH(look_at_pixels, blocks(width, height), dim3(BLOCK_X, BLOCK_Y), cudaStreamPerThread,
                pixels, width, height, stride_bytes, seed, wrong);
    return good(cudaGetLastError());
}

bool pattern_right(uint32_t *out_seed, uint32_t *out_x, uint32_t *out_y)
{
    uint32_t found[3];

    if (!good(cudaMemcpyAsync(found, wrong, sizeof(found), cudaMemcpyDeviceToHost,
                              cudaStreamPerThread)) ||
        !good(cudaStreamSynchronize(cudaStreamPerThread)) || !clear())
        return false;
    *out_seed = found[0] - 1;
    *out_x = found[1];
    *out_y = found[2];
    return found[0] == 0;
}
