#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/synth_cuda_draw.h"
#include "kernels/synth_cuda_walk.h"

// A block takes a strip of rows from top to bottom, all of it in one launch: nearness of the row
// below joins that of two rows kept, places, holes and pixels follow, and nothing goes through
// device memory but the picture and the eyes.
#define STRIPS_A_PROCESSOR 2

// For rows that are walked one after another (synth_cuda_walk.h): of both eyes, of a block.
struct serial_row {
    float *place;
    int32_t *map;
};

// Lays out a block's memory, without touching it; returns its floats.
static __host__ __device__ size_t lay_out(int width, int log2_step, float *memory,
                                          struct synth_strip *s)
{
    int tiles = (width + SYNTH_TILE - 1) / SYNTH_TILE, row = tiles * SYNTH_TILE;
    int cells = log2_step ? (synth_cells(width, log2_step) * REFINE_PLANES + 3) / 4 * 4 : 0;
    int padded = row + 2 * SYNTH_EDGE, map = padded + row / 32;

    s->tiles = tiles;
    s->map_stride = map;
    s->weights = (int *)memory;
    s->count = s->weights + SYNTH_UNIT;
    s->serial = s->count + 2;
    s->holes = (struct synth_hole *)(s->serial + 2);
    s->near = (float *)(s->holes + 2 * SYNTH_HOLES);
    s->middle = s->near + 2 * row + SYNTH_EDGE;
    s->map = (int32_t *)(s->near + 2 * row);
    s->most = s->map + 2 * map;
    s->cells = (float *)s->most + (2 * tiles + 3) / 4 * 4;
    s->wide = s->cells + SYNTH_EDGE;
    return s->cells + (padded > cells ? padded : cells) - memory;
}

static size_t strip_floats(int width, int log2_step)
{
    struct synth_strip s;
    float nothing;

    return lay_out(width, log2_step, &nothing, &s);
}

static __host__ __device__ size_t serial_floats(int width)
{
    return 4 * (size_t)width;
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
    unsigned torn = __ballot_sync(SYNTH_ALL_LANES, seen && step > 1.0f + m->tear_px);
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

// synth_map(), by the block's first warp.
static __device__ void walk_serial(const struct synth_job &job, const struct synth_strip &s,
                                   const struct serial_row &row, int eye)
{
    struct synth_places place = synth_places_of(job, s, eye);
    struct synth_walk m = {row.place, place.width, row.map, job.tear_px, 0};

    for (int x = (int)threadIdx.x; x < place.width; x += SYNTH_THREADS)
        row.place[x] = place[x];
    __syncthreads();
    if (threadIdx.x < 32) {
        synth_left_border(&m);
        for (int x = 1; x < m.width && m.next < m.width;)
            x = walk_some(&m, x, (int)threadIdx.x);
        synth_right_border(&m);
    }
    __syncthreads();
    for (int x = (int)threadIdx.x; x < place.width; x += SYNTH_THREADS)
        synth_show(s, place, x, row.map[x]);
    __syncthreads();
}

// Maps of one row, of which s.middle is there.
static __device__ void map_row(const struct synth_job &job, const struct synth_strip &s,
                               const struct serial_row &serial)
{
    synth_reach_row(job, s);
    __syncthreads();
    synth_draw_row(job, s);
    __syncthreads();
    synth_fill_row(job, s);
    __syncthreads();
    for (int eye = 0; eye < 2; eye++)
        if (s.serial[eye])
            walk_serial(job, s, serial, eye);
}

// Rows first..end-1 of the inner part.
static __device__ void draw_rows(const struct synth_job &job, const struct synth_strip &s,
                                 const struct serial_row &serial, int first, int end)
{
    synth_load_weights(s.weights);
    for (int y = first > job.inner.top ? first - 1 : first; y <= end; y++) {
        if (y < job.inner.bottom && job.grid.log2_step > 0)
            synth_blend_cells(job, y, s.cells);
        __syncthreads();
        if (threadIdx.x < 2)
            s.count[threadIdx.x] = s.serial[threadIdx.x] = 0;
        synth_near_row(job, s, y, y > first);
        __syncthreads();
        if (y <= first)
            continue;
        map_row(job, s, serial);
        for (int eye = 0; eye < 2; eye++)
            if (job.gain_px[eye] != 0)
                synth_sample_row(job, s, eye, y - 1);
    }
}

template <bool IN_SHARED>
static __global__ void __launch_bounds__(SYNTH_THREADS, STRIPS_A_PROCESSOR)
    draw_strips(const __grid_constant__ struct synth_job job, size_t floats)
{
    CUDA_SHARED(shared);
    int height = job.picture.height, width = job.picture.width, strip = (int)blockIdx.x;
    int begin = (int)((long long)height * strip / gridDim.x);
    int stop = (int)((long long)height * (strip + 1) / gridDim.x);
    bool moved = job.gain_px[0] != 0 || job.gain_px[1] != 0;
    int first = moved && begin < job.inner.top ? min(job.inner.top, stop) : begin;
    int end = moved ? min(stop, job.inner.bottom) : begin;
    float *own = job.scratch + strip * (serial_floats(width) + (IN_SHARED ? 0 : floats));
    struct serial_row serial = {own, (int32_t *)own + width};
    struct synth_strip s;

    for (int y = begin; y < stop; y++)
        for (int eye = 0; eye < 2; eye++)
            if (job.gain_px[eye] == 0 || y < job.inner.top || y >= job.inner.bottom)
                synth_copy_row(job, eye, y, 0, width);
    lay_out(width, job.grid.log2_step, IN_SHARED ? shared : own + serial_floats(width), &s);
    if (first < end)
        draw_rows(job, s, serial, first, end);
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

static int strips_of(const struct limits *l, int height)
{
    int strips = l->processors * STRIPS_A_PROCESSOR;

    return strips < height ? strips : height;
}

size_t synth_cuda_scratch_floats(int width, int height)
{
    struct limits l = device_limits();
    size_t floats = strip_floats(width, 1); // the most
    bool fits = floats * sizeof(float) <= (size_t)l.shared_bytes;

    return strips_of(&l, height) * (serial_floats(width) + (fits ? 0 : floats));
}

bool synth_cuda(const struct synth_job *job, struct CUstream_st *stream)
{
    struct limits l = device_limits();
    int strips = strips_of(&l, job->picture.height);
    size_t floats = strip_floats(job->picture.width, job->grid.log2_step);
    size_t bytes = floats * sizeof(float);

    if (bytes <= (size_t)l.shared_bytes) {
        cudaFuncSetAttribute(draw_strips<true>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             (int)bytes);
        CUDA_LAUNCH_SHARED(draw_strips<true>, strips, SYNTH_THREADS, bytes, stream, *job, floats);
    } else {
        CUDA_LAUNCH_TOGETHER(draw_strips<false>, strips, SYNTH_THREADS, stream, *job, floats);
    }
    return kernels_cuda_launched();
}
