#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/synth_cuda_draw.h"
#include "kernels/synth_cuda_walk.h"

// A block takes a strip of rows from top to bottom, in two launches: nearness of all pixels, then,
// row by row, what it is widened to, places, holes and pixels. Nothing goes through device memory
// but the picture, nearness and the eyes.
#define STRIPS_A_PROCESSOR 2

// For rows that are walked one after another (synth_cuda_walk.h): of both eyes, of a block.
struct serial_row {
    float *place;
    int32_t *map;
};

static __host__ __device__ int tiles_of(int width)
{
    return (width + SYNTH_TILE - 1) / SYNTH_TILE;
}

// Lays out a block's memory, without touching it; returns its floats.
static __host__ __device__ size_t lay_out(int width, float *memory, struct synth_strip *s)
{
    int tiles = tiles_of(width), row = tiles * SYNTH_TILE;
    int padded = row + 2 * SYNTH_EDGE, map = padded + row / 32;

    s->tiles = tiles;
    s->wide_stride = padded;
    s->map_stride = map;
    s->weights = (int *)memory;
    s->count = s->weights + SYNTH_UNIT;
    s->serial = s->count + 2;
    s->holes = (struct synth_hole *)(s->serial + 2);
    s->map = (int32_t *)(s->holes + 2 * SYNTH_HOLES);
    s->tall = (float *)s->map + SYNTH_EDGE;
    s->most = s->map + 2 * map;
    s->wide = (float *)s->most + (2 * tiles + 3) / 4 * 4 + SYNTH_EDGE;
    return s->wide - SYNTH_EDGE + 2 * padded - memory;
}

static size_t strip_floats(int width)
{
    struct synth_strip s;
    float nothing;

    return lay_out(width, &nothing, &s);
}

// [cells][REFINE_PLANES], a row's, from cell -1 on.
static __host__ __device__ size_t cells_floats(int width, int log2_step)
{
    return log2_step ? ((size_t)synth_cells(width, log2_step) * REFINE_PLANES + 3) / 4 * 4 : 0;
}

// Nearness of all pixels, where the job's scratch begins.
static __host__ __device__ size_t near_floats(int width, int height)
{
    return (size_t)tiles_of(width) * SYNTH_TILE * height;
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

// synth_map(), by the block's first warp.
static __device__ void walk_serial(const struct synth_job &job, const struct synth_strip &s,
                                   const struct serial_row &row, int eye)
{
    struct synth_places place = synth_places_of(job, s, eye);
    struct synth_walk m = {row.place, place.width, row.map, job.tear_px, place.step_px, 0};

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

// Maps of one row, of which s.tall is there.
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
    for (int y = first; y < end; y++) {
        __syncthreads();
        if (threadIdx.x < 2)
            s.count[threadIdx.x] = s.serial[threadIdx.x] = 0;
        synth_tall_row(job, s, job.scratch, y);
        __syncthreads();
        map_row(job, s, serial);
        for (int eye = 0; eye < 2; eye++)
            if (job.gain_px[eye] != 0)
                synth_sample_row(job, s, eye, y);
    }
}

// A block's rows: of the picture, and of what has depth.
struct rows {
    int begin, stop, first, end;
};

static __device__ struct rows rows_of(const struct synth_job &job)
{
    int height = job.picture.height, strip = (int)blockIdx.x;
    bool moved = job.gain_px[0] != 0 || job.gain_px[1] != 0;
    struct rows r;

    r.begin = (int)((long long)height * strip / gridDim.x);
    r.stop = (int)((long long)height * (strip + 1) / gridDim.x);
    r.first = moved && r.begin < job.inner.top ? min(job.inner.top, r.stop) : r.begin;
    r.end = moved ? min(r.stop, job.inner.bottom) : r.begin;
    return r;
}

template <bool IN_SHARED>
static __global__ void __launch_bounds__(SYNTH_THREADS, STRIPS_A_PROCESSOR)
    make_near(const __grid_constant__ struct synth_job job, size_t floats)
{
    CUDA_SHARED(shared);
    int width = job.picture.width;
    float *own = job.scratch + near_floats(width, job.picture.height) + blockIdx.x * floats;
    float *cells = IN_SHARED ? shared : own;
    struct rows r = rows_of(job);

    for (int y = r.first; y < r.end; y++) {
        if (job.grid.log2_step > 0)
            synth_blend_cells(job, y, cells);
        __syncthreads();
        synth_near_row(job, cells, y, tiles_of(width), job.scratch);
        __syncthreads();
    }
}

template <bool IN_SHARED>
static __global__ void __launch_bounds__(SYNTH_THREADS, STRIPS_A_PROCESSOR)
    draw_strips(const __grid_constant__ struct synth_job job, size_t floats)
{
    CUDA_SHARED(shared);
    int width = job.picture.width;
    float *own = job.scratch + near_floats(width, job.picture.height) +
                 blockIdx.x * (serial_floats(width) + (IN_SHARED ? 0 : floats));
    struct serial_row serial = {own, (int32_t *)own + width};
    struct rows r = rows_of(job);
    struct synth_strip s;

    for (int y = r.begin; y < r.stop; y++)
        for (int eye = 0; eye < 2; eye++)
            if (job.gain_px[eye] == 0 || y < job.inner.top || y >= job.inner.bottom)
                synth_copy_row(job, eye, y, 0, width);
    lay_out(width, IN_SHARED ? shared : own + serial_floats(width), &s);
    if (r.first < r.end)
        draw_rows(job, s, serial, r.first, r.end);
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
    size_t floats = strip_floats(width), cells = cells_floats(width, 1); // the most
    bool fits = floats * sizeof(float) <= (size_t)l.shared_bytes;

    floats = serial_floats(width) + (fits ? 0 : floats);
    return near_floats(width, height) + strips_of(&l, height) * (floats > cells ? floats : cells);
}

// Launches a kernel whose blocks want so many floats each: of what its threads share, or where that
// is too little of the job's scratch.
#define LAUNCH(kernel, job, floats, limits, stream)                                                \
    do {                                                                                           \
        int strips_ = strips_of(limits, (job)->picture.height);                                    \
        size_t bytes_ = (floats) * sizeof(float);                                                  \
        if (bytes_ <= (size_t)(limits)->shared_bytes) {                                            \
            cudaFuncSetAttribute(kernel<true>, cudaFuncAttributeMaxDynamicSharedMemorySize,        \
                                 (int)bytes_);                                                     \
            CUDA_LAUNCH_SHARED(kernel<true>, strips_, SYNTH_THREADS, bytes_, stream, *(job),       \
                               floats);                                                            \
        } else {                                                                                   \
            CUDA_LAUNCH_TOGETHER(kernel<false>, strips_, SYNTH_THREADS, stream, *(job), floats);   \
        }                                                                                          \
    } while (0)

bool synth_cuda(const struct synth_job *job, struct CUstream_st *stream)
{
    struct limits l = device_limits();
    int width = job->picture.width;

    if (job->gain_px[0] != 0 || job->gain_px[1] != 0)
        LAUNCH(make_near, job, cells_floats(width, job->grid.log2_step), &l, stream);
    LAUNCH(draw_strips, job, strip_floats(width), &l, stream);
    return kernels_cuda_launched();
}
