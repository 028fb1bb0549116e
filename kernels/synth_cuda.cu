#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/sample_math.h"
#include "kernels/synth_walk.h"

// Four passes: nearness of each pixel, its place in both eyes, the walk along the rows, a warp a
// row, and the eyes' pixels. What is between them lies in the job's scratch.
#define BLOCK_X 32
#define BLOCK_Y 8
#define WARP 32
#define ALL 0xffffffffu
#define WALK_ROWS 4 // a block
#define PLANES 5    // nearness, places and maps of both eyes

struct planes {
    float *near;     // [height][width]
    float *place[2]; // [height][width], of the right eye backwards
    int32_t *map[2]; // [height][width]
};

static struct planes planes_of(const struct synth_job *job)
{
    size_t plane = (size_t)job->picture.width * job->picture.height;
    struct planes p;

    p.near = job->scratch;
    for (int eye = 0; eye < 2; eye++) {
        p.place[eye] = job->scratch + (size_t)(1 + eye) * plane;
        p.map[eye] = (int32_t *)job->scratch + (size_t)(3 + eye) * plane;
    }
    return p;
}

static __device__ int clamp_int(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

static __device__ float clamp01(float t)
{
    t = t > 0.0f ? t : 0.0f;
    return t < 1.0f ? t : 1.0f;
}

// The six numbers of the grid at pixel x of row y, interpolated.
static __device__ void cell_at(const struct refine_grid &grid, int x, int y,
                               float (&out)[REFINE_PLANES])
{
    int step = 1 << grid.log2_step, right = grid.width - 1, bottom = grid.height - 1;
    float v = ((float)y + 0.5f) / (float)step - 0.5f;
    size_t row = (size_t)REFINE_PLANES * grid.stride;

    if (step == 1) { // a cell is a pixel
        for (int p = 0; p < REFINE_PLANES; p++)
            out[p] = grid.cells[(size_t)y * row + (size_t)p * grid.stride + x];
        return;
    }
    v = v > 0.0f ? v : 0.0f;
    int y0 = clamp_int((int)v, bottom), y1 = clamp_int(y0 + 1, bottom);
    float part = v - (float)y0;
    // pixel k of a cell's run lies between its centre and the next cell's
    int from = x + step / 2, c = from / step - 1, k = from % step;
    int x0 = clamp_int(c, right), x1 = clamp_int(c + 1, right);
    for (int p = 0; p < REFINE_PLANES; p++) {
        const float *upper = grid.cells + (size_t)y0 * row + (size_t)p * grid.stride;
        const float *lower = grid.cells + (size_t)y1 * row + (size_t)p * grid.stride;
        float a = upper[x0] + (lower[x0] - upper[x0]) * part;
        float b = upper[x1] + (lower[x1] - upper[x1]) * part;
        out[p] = a + (b - a) * (((float)k + 0.5f) / (float)step);
    }
}

static __global__ void make_near(const struct synth_job job, struct planes p)
{
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;
    float c[REFINE_PLANES];

    if (x >= job.picture.width || y >= job.picture.height)
        return;
    uchar4 pixel = ((const uchar4 *)(job.picture.pixels + (size_t)y * job.picture.stride_bytes))[x];
    cell_at(job.grid, x, y, c);
    float t = c[0] * (float)pixel.x + c[1] * (float)pixel.y + c[2] * (float)pixel.z;
    p.near[(size_t)y * job.picture.width + x] = c[4] + c[5] * clamp01(t * (1.0f / 255.0f) + c[3]);
}

// The middle one of three rows: single rows that stand out would tear an edge into a comb.
static __device__ float middle(const float *a, const float *b, const float *c, int x)
{
    float low = a[x] < b[x] ? a[x] : b[x], high = a[x] < b[x] ? b[x] : a[x];
    float rest = high < c[x] ? high : c[x];

    return low > rest ? low : rest;
}

// Pixel x of the inner part's row y; beyond it nothing moves.
static __global__ void make_places(const struct synth_job job, struct planes p)
{
    const struct synth_inner &in = job.inner;
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = in.top + blockIdx.y * BLOCK_Y + threadIdx.y;
    int stride = job.picture.width, width = in.right - in.left;

    if (x >= width || y >= in.bottom)
        return;
    const float *b = p.near + (size_t)y * stride + in.left;
    const float *a = y > in.top ? b - stride : b, *c = y < in.bottom - 1 ? b + stride : b;
    float near = middle(a, b, c, x);
    for (int k = 1; k <= job.dilate_px; k++) {
        float left = middle(a, b, c, clamp_int(x - k, width - 1));
        float right = middle(a, b, c, clamp_int(x + k, width - 1));
        float most = left > right ? left : right;
        near = near > most ? near : most;
    }
    float shift = near - job.convergence;
    p.place[0][(size_t)y * stride + x] = (float)x + job.gain_px[0] * shift;
    // the row walked backwards, so that the right eye becomes a left one
    p.place[1][(size_t)y * stride + (width - 1 - x)] =
        (float)(width - 1 - x) + job.gain_px[1] * shift;
}

// The largest of this lane's and all lower lanes' values.
static __device__ float most_so_far(float v, int lane)
{
    for (int reach = 1; reach < WARP; reach *= 2) {
        float below = __shfl_up_sync(ALL, v, reach);

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
    float below = __shfl_up_sync(ALL, most_so_far(here, lane), 1);
    int next = m->next, last, torn_lane;

    if (lane > 0 && below >= (float)m->next)
        next = after(below, m->width);
    bool seen = inside && next < m->width && here >= (float)next;
    unsigned torn = __ballot_sync(ALL, seen && step > 1.0f + m->tear_px);
    torn_lane = torn ? __ffs((int)torn) - 1 : WARP;
    if (seen && lane < torn_lane)
        for (last = next; last < m->width && (float)last <= here; last++)
            m->out[last] = synth_between(own, here, step, last);
    if (torn_lane == WARP) {
        float most = __shfl_sync(ALL, most_so_far(here, lane), WARP - 1);

        m->next = most >= (float)m->next ? after(most, m->width) : m->next;
        return x + WARP;
    }
    // every lane fills the hole with the same numbers: rare, and nothing is to be told afterwards
    m->next = __shfl_sync(ALL, next, torn_lane);
    return synth_hole(m, x + torn_lane) + 1;
}

static __global__ void walk(const struct synth_job job, struct planes p)
{
    int lane = (int)threadIdx.x, stride = job.picture.width;
    int row = job.inner.top + (int)(blockIdx.x * WALK_ROWS + threadIdx.y), eye = (int)blockIdx.y;

    if (row >= job.inner.bottom || job.gain_px[eye] == 0)
        return;
    struct synth_walk m = {p.place[eye] + (size_t)row * stride, job.inner.right - job.inner.left,
                           p.map[eye] + (size_t)row * stride, job.tear_px, 0};
    synth_left_border(&m);
    for (int x = 1; x < m.width && m.next < m.width;)
        x = walk_some(&m, x, lane);
    synth_right_border(&m);
}

static __device__ unsigned char pressed(int v)
{
    v = (v + 32) >> 6;
    return (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static __global__ void draw(const struct synth_job job, struct planes p)
{
    const struct synth_inner &in = job.inner;
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;
    int last = in.right - in.left - 1, own = x - in.left, eye = (int)blockIdx.z;

    if (x >= job.picture.width || y >= job.picture.height)
        return;
    const uchar4 *row = (const uchar4 *)(job.picture.pixels + (size_t)y * job.picture.stride_bytes);
    uchar4 *out = (uchar4 *)(job.eye[eye] + (size_t)y * job.stride_bytes) + x;
    if (job.gain_px[eye] == 0 || own < 0 || own > last || y < in.top || y >= in.bottom) {
        *out = row[x];
        return;
    }
    const int32_t *map = p.map[eye] + (size_t)y * job.picture.width;
    int from = eye ? last * SYNTH_UNIT - map[last - own] : map[own];
    row += in.left + from / SYNTH_UNIT - 1;
    const int8_t *w = sample_weights[from % SYNTH_UNIT];
    uchar4 a = row[0], b = row[1], c = row[2], d = row[3];
    *out = make_uchar4(pressed(w[0] * a.x + w[1] * b.x + w[2] * c.x + w[3] * d.x),
                       pressed(w[0] * a.y + w[1] * b.y + w[2] * c.y + w[3] * d.y),
                       pressed(w[0] * a.z + w[1] * b.z + w[2] * c.z + w[3] * d.z),
                       pressed(w[0] * a.w + w[1] * b.w + w[2] * c.w + w[3] * d.w));
}

size_t synth_cuda_scratch_floats(int width, int height)
{
    return (size_t)PLANES * width * height;
}

bool synth_cuda(const struct synth_job *job, struct CUstream_st *stream)
{
    int width = job->picture.width, height = job->picture.height;
    dim3 block(BLOCK_X, BLOCK_Y),
        grid((width + BLOCK_X - 1) / BLOCK_X, (height + BLOCK_Y - 1) / BLOCK_Y);
    dim3 both(grid.x, grid.y, 2), rows((height + WALK_ROWS - 1) / WALK_ROWS, 2);
    struct planes p = planes_of(job);

    CUDA_LAUNCH(make_near, grid, block, stream, *job, p);
    CUDA_LAUNCH(make_places, grid, block, stream, *job, p);
    CUDA_LAUNCH_TOGETHER(walk, rows, dim3(WARP, WALK_ROWS), stream, *job, p);
    CUDA_LAUNCH(draw, both, block, stream, *job, p);
    return kernels_cuda_launched();
}
