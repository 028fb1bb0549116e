#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// What a pixel of length costs, in sums of differences of a block; as in motion_cpu.c.
#define LENGTH_PRICE 24
#define VECTORS_X (2 * MOTION_X + 1)
#define VECTORS (VECTORS_X * (2 * MOTION_Y + 1))
// A block of threads searches for one block of pixels, a thread tries one or two vectors.
#define SEARCH_THREADS 128

static __device__ int difference(int a, int b)
{
    return a > b ? a - b : b - a;
}

static __device__ int length_of(int x, int y)
{
    return (x < 0 ? -x : x) + (y < 0 ? -y : y);
}

// Sums of differences of size x size pixels from (x, y) on.
static __device__ int cost_of(const struct motion_job &job, int x, int y, int size, int dx, int dy)
{
    int sum = length_of(dx, dy) * LENGTH_PRICE;

    for (int r = 0; r < size; r++) {
        const uint8_t *a = job.now.luma + (y + r) * job.now.stride_px + x;
        const uint8_t *b = job.old.luma + (y + r + dy) * job.old.stride_px + x + dx;

        for (int i = 0; i < size; i++)
            sum += difference(a[i], b[i]);
    }
    return sum;
}

// Of the cheapest vectors the first, row by row.
static __global__ void search(const struct motion_job job)
{
    __shared__ int best_cost[SEARCH_THREADS], best_vector[SEARCH_THREADS];
    int own = (int)threadIdx.x, cheapest = INT32_MAX, first = 0;
    int x = (int)blockIdx.x * MOTION_SEARCH_PX, y = (int)blockIdx.y * MOTION_SEARCH_PX;

    for (int v = own; v < VECTORS; v += SEARCH_THREADS) {
        int cost = cost_of(job, x, y, MOTION_SEARCH_PX, v % VECTORS_X - MOTION_X,
                           v / VECTORS_X - MOTION_Y);

        if (cost < cheapest) {
            cheapest = cost;
            first = v;
        }
    }
    best_cost[own] = cheapest;
    best_vector[own] = first;
    for (int half = SEARCH_THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (own < half && (best_cost[own + half] < best_cost[own] ||
                           (best_cost[own + half] == best_cost[own] &&
                            best_vector[own + half] < best_vector[own]))) {
            best_cost[own] = best_cost[own + half];
            best_vector[own] = best_vector[own + half];
        }
    }
    if (own == 0) {
        int v = best_vector[0];
        struct motion_vector *out = &job.blocks[blockIdx.y * gridDim.x + blockIdx.x];

        out->x = (int8_t)(v % VECTORS_X - MOTION_X);
        out->y = (int8_t)(v / VECTORS_X - MOTION_Y);
    }
}

// A thread takes one cell.
static __global__ void choose(const struct motion_job job, int cells, int columns, int rows)
{
    int cell_x = blockIdx.x * blockDim.x + threadIdx.x, cell_y = blockIdx.y;
    int x = cell_x * MOTION_CELL_PX, y = cell_y * MOTION_CELL_PX;

    if (cell_x >= cells)
        return;
    // differences around the cell, two pixels further than itself on each side
    int least = cost_of(job, x - 2, y - 2, MOTION_CELL_PX + 4, 0, 0);
    struct motion_vector best = {0, 0};
    for (int i = 0; i < 5; i++) {
        int u = x / MOTION_SEARCH_PX + (i == 1 ? -1 : i == 2 ? 1 : 0);
        int v = y / MOTION_SEARCH_PX + (i == 3 ? -1 : i == 4 ? 1 : 0);

        if (u < 0 || u >= columns || v < 0 || v >= rows)
            continue;
        struct motion_vector vector = job.blocks[v * columns + u];
        int cost = cost_of(job, x - 2, y - 2, MOTION_CELL_PX + 4, vector.x, vector.y);
        if (cost < least) {
            least = cost;
            best = vector;
        }
    }
    job.cells[cell_y * cells + cell_x] = best;
}

bool motion_cuda(const struct motion_job *job, struct CUstream_st *stream)
{
    dim3 blocks(motion_blocks(job->width), motion_blocks(job->height));
    dim3 grid((motion_cells(job->width) + 63) / 64, motion_cells(job->height));

    CUDA_LAUNCH_TOGETHER(search, blocks, SEARCH_THREADS, stream, *job);
    if (!kernels_cuda_launched())
        return false;
    CUDA_LAUNCH(choose, grid, 64, stream, *job, motion_cells(job->width), blocks.x, blocks.y);
    return kernels_cuda_launched();
}
