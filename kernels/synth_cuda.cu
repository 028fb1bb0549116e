#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/synth_cuda_draw.h"
#include "kernels/synth_cuda_near.h"
#include "kernels/synth_cuda_walk.h"

// Two passes: nearness of all pixels, widened down, by warps that go down columns; then, by blocks
// that take a row at a time, what it is widened to along, places, holes and pixels. Nothing goes
// through device memory but the picture, nearness and the eyes. Rows are drawn from the last one
// up: of what the first pass ended with most is still in the cache.
#define BLOCKS_A_PROCESSOR 2
#define WARPS_A_PROCESSOR 12 // of the first pass

// Floats of the parts of a block's memory.
struct sizes {
    int tiles, small, map, most, wide;
};

static __host__ __device__ struct sizes sizes_of(int width)
{
    int tiles = (width + SYNTH_TILE - 1) / SYNTH_TILE, row = tiles * SYNTH_TILE;

    return {tiles, SYNTH_UNIT + 4 + 2 * 2 * SYNTH_HOLES, row + row / 32, (2 * tiles + 3) / 4 * 4,
            row + 2 * SYNTH_EDGE};
}

static size_t row_floats(int width)
{
    struct sizes n = sizes_of(width);

    return (size_t)n.small + 2 * n.map + n.most + 2 * n.wide;
}

static __device__ struct synth_strip lay_out(int width, float *memory)
{
    struct sizes n = sizes_of(width);
    struct synth_strip s;

    s.tiles = n.tiles;
    s.map_stride = n.map;
    s.wide_stride = n.wide;
    s.weights = (int *)memory;
    s.count = s.weights + SYNTH_UNIT;
    s.serial = s.count + 2;
    s.holes = (struct synth_hole *)(s.serial + 2);
    s.map = (int32_t *)memory + n.small;
    s.most = s.map + 2 * n.map;
    s.wide = (float *)s.most + n.most + SYNTH_EDGE;
    return s;
}

// [height][groups * SYNTH_GROUP]: nearness widened down, where the job's scratch begins.
static __host__ __device__ size_t tall_floats(int width, int height)
{
    return (size_t)synth_groups(width) * SYNTH_GROUP * height;
}

// The largest of this lane's and all lower lanes' values.
static __device__ float most_so_far(float v, int lane)
{
    for (int reach = 1; reach < 32; reach *= 2) {
        float below = __shfl_up_sync(SYNTH_ALL_LANES, v, reach);

        v = lane >= reach && below > v ? below : v;
    }
    return v;
}

// The output pixel after the last that a place reaches.
static __device__ int after(float place, int width)
{
    return place < (float)width ? (int)floorf(place) + 1 : width;
}

// What synth_map() does from pixel x on, for as many pixels as lanes, or up to the first torn one.
// Returns the pixel to go on with; all lanes have the same m.
static __device__ int walk_some(struct synth_walk *m, int x, int lane)
{
    int own = x + lane;
    bool inside = own < m->width;
    float here = inside ? m->place[own] : -1.0f, step = inside ? here - m->place[own - 1] : 0.0f;
    float below = __shfl_up_sync(SYNTH_ALL_LANES, most_so_far(here, lane), 1);
    int next = m->next, last, torn_lane;

    if (lane > 0 && below >= (float)m->next)
        next = after(below, m->width);
    bool seen = inside && next < m->width && here >= (float)next;
    bool torn_off = seen && synth_torn(m->place, own, m->reach, m->width, m->tear_px);
    unsigned torn = __ballot_sync(SYNTH_ALL_LANES, torn_off);
    torn_lane = torn ? __ffs((int)torn) - 1 : 32;
    if (seen && lane < torn_lane)
        for (last = next; last < m->width && (float)last <= here; last++)
            m->out[last] = synth_between(own, here, step, last);
    if (torn_lane == 32) {
        float most = __shfl_sync(SYNTH_ALL_LANES, most_so_far(here, lane), 31);

        m->next = most >= (float)m->next ? after(most, m->width) : m->next;
        return x + 32;
    }
    // every lane fills the hole with the same numbers: rare, and nothing is to be told afterwards
    m->next = __shfl_sync(SYNTH_ALL_LANES, next, torn_lane);
    return synth_hole(m, x + torn_lane) + 1;
}

// synth_map(), by the block's first warp: in the first pass's row, which has been read, and in the
// eye's, which is yet to be written.
static __device__ void walk_serial(const struct synth_job &job, const struct synth_strip &s,
                                   float *tall, int y, int eye)
{
    struct synth_places place = synth_places_of(job, s, eye);
    int32_t *map = (int32_t *)synth_eye_row(job, eye, y);
    struct synth_walk m = {tall, place.width, map, job.tear_px, place.step_px, 0};

    for (int x = (int)threadIdx.x; x < place.width; x += SYNTH_THREADS)
        tall[x] = place[x];
    __syncthreads();
    if (threadIdx.x < 32) {
        synth_left_border(&m);
        for (int x = 1; x < m.width && m.next < m.width;)
            x = walk_some(&m, x, (int)threadIdx.x);
        synth_right_border(&m);
    }
    __syncthreads();
    for (int x = (int)threadIdx.x; x < place.width; x += SYNTH_THREADS)
        synth_show(s, place, x, map[x]);
    __syncthreads();
}

// A row of the inner part. tall: [groups * SYNTH_GROUP], the row's.
static __device__ void draw_row(const struct synth_job &job, const struct synth_strip &s,
                                float *tall, int y)
{
    __syncthreads();
    if (threadIdx.x < 2)
        s.count[threadIdx.x] = s.serial[threadIdx.x] = 0;
    synth_reach_row(job, s, (const float4 *)tall);
    __syncthreads();
    synth_draw_row(job, s);
    __syncthreads();
    synth_fill_row(job, s);
    __syncthreads();
    for (int eye = 0; eye < 2; eye++)
        if (s.serial[eye])
            walk_serial(job, s, tall, y, eye);
    for (int eye = 0; eye < 2; eye++)
        if (job.gain_px[eye] != 0)
            synth_sample_row(job, s, eye, y);
}

static __host__ __device__ bool is_moved(const struct synth_job &job)
{
    return job.gain_px[0] != 0 || job.gain_px[1] != 0;
}

template <int LOOK>
static __global__ void __launch_bounds__(SYNTH_NEAR_THREADS, WARPS_A_PROCESSOR / SYNTH_NEAR_WARPS)
    make_tall(const __grid_constant__ struct synth_job job, int strip_rows)
{
    __shared__ float4 ring[2 * SYNTH_SOFT_MAX * SYNTH_NEAR_THREADS];
    __shared__ float2 cells[SYNTH_NEAR_WARPS][32 * REFINE_PLANES / 2];
    int warp = (int)threadIdx.x / 32, groups = synth_groups(job.picture.width);
    struct synth_column at;

    at.lane = (int)threadIdx.x % 32;
    at.first_group =
        ((int)blockIdx.x * SYNTH_NEAR_WARPS + warp) * synth_near_groups(job.grid.log2_step);
    at.group = at.first_group + at.lane - 1;
    at.begin = job.inner.top + (int)blockIdx.y * strip_rows;
    at.end = min(at.begin + strip_rows, job.inner.bottom);
    at.at_once = cuda_aligned(job.picture.pixels, (ptrdiff_t)job.picture.stride_bytes, 16) &&
                 at.group * SYNTH_GROUP >= job.inner.left &&
                 (at.group + 1) * SYNTH_GROUP <= job.inner.right;
    if (at.first_group < groups)
        synth_tall_column<LOOK>(job, at, groups, cells[warp], ring + threadIdx.x, job.scratch);
}

template <bool IN_SHARED>
static __global__ void __launch_bounds__(SYNTH_THREADS, BLOCKS_A_PROCESSOR)
    draw_rows(const __grid_constant__ struct synth_job job, size_t floats)
{
    CUDA_SHARED(shared);
    int width = job.picture.width, height = job.picture.height;
    float *own = job.scratch + tall_floats(width, height) + blockIdx.x * floats;
    struct synth_strip s = lay_out(width, IN_SHARED ? shared : own);

    synth_load_weights(s.weights);
    for (int y = height - 1 - (int)blockIdx.x; y >= 0; y -= (int)gridDim.x) {
        bool inside = is_moved(job) && y >= job.inner.top && y < job.inner.bottom;

        for (int eye = 0; eye < 2; eye++)
            if (job.gain_px[eye] == 0 || !inside)
                synth_copy_row(job, eye, y, 0, width);
        if (inside)
            draw_row(job, s, job.scratch + tall_floats(width, y), y);
    }
}

struct limits {
    int processors, shared_bytes;
};

static struct limits device_limits(void)
{
    struct limits l = {1, 48 * 1024};
    int device = 0;

    // what fails here fails at the launch too
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&l.processors, cudaDevAttrMultiProcessorCount, device);
    cudaDeviceGetAttribute(&l.shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
    return l;
}

static int blocks_of(const struct limits *l, int height)
{
    int blocks = l->processors * BLOCKS_A_PROCESSOR;

    return blocks < height ? blocks : height;
}

size_t synth_cuda_scratch_floats(int width, int height)
{
    struct limits l = device_limits();
    size_t floats = row_floats(width);
    bool fits = floats * sizeof(float) <= (size_t)l.shared_bytes;

    return tall_floats(width, height) + (fits ? 0 : blocks_of(&l, height) * floats);
}

static void launch_tall(const struct synth_job *job, const struct limits *l,
                        struct CUstream_st *stream)
{
    void (*const kernels[])(const struct synth_job, int) = {
        make_tall<0>, make_tall<1>, make_tall<2>, make_tall<3>, make_tall<4>};
    int height = job->inner.bottom - job->inner.top;
    int own = synth_near_groups(job->grid.log2_step);
    int columns = (synth_groups(job->picture.width) + own - 1) / own;
    // short strips keep all processors at work, long ones do less twice
    int strips = l->processors * WARPS_A_PROCESSOR / columns + 1;
    int rows = (height + strips - 1) / strips;
    rows = rows < 4 ? 4 : rows;
    dim3 grid((columns + SYNTH_NEAR_WARPS - 1) / SYNTH_NEAR_WARPS, (height + rows - 1) / rows);

    CUDA_LAUNCH_TOGETHER(kernels[job->look_px], grid, SYNTH_NEAR_THREADS, stream, *job, rows);
}

bool synth_cuda(const struct synth_job *job, struct CUstream_st *stream)
{
    struct limits l = device_limits();
    size_t floats = row_floats(job->picture.width), bytes = floats * sizeof(float);
    int blocks = blocks_of(&l, job->picture.height);

    if (is_moved(*job))
        launch_tall(job, &l, stream);
    // what a block's threads share, or where that is too little of the job's scratch
    if (bytes <= (size_t)l.shared_bytes) {
        cudaFuncSetAttribute(draw_rows<true>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             (int)bytes);
        CUDA_LAUNCH_SHARED(draw_rows<true>, blocks, SYNTH_THREADS, bytes, stream, *job, floats);
    } else {
        CUDA_LAUNCH_TOGETHER(draw_rows<false>, blocks, SYNTH_THREADS, stream, *job, floats);
    }
    return kernels_cuda_launched();
}
