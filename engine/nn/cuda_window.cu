// Convolutions and pools of our own: a thread takes one result. Pools are as fast as memory; these
// convolutions serve depthwise layers, odd shapes, and machines without cuDNN.
#include "engine/nn/cuda_element.h"
#include "engine/nn/cuda_way.h"

// Place of result `index` of n, depth, height, width, channel.
struct place {
    int n, o[3], c;
};

static __device__ struct place place_of(const struct job &j, int index)
{
    struct place p;
    int rest = index;

    p.c = rest % j.dims[4];
    rest /= j.dims[4];
    for (int i = 2; i >= 0; rest /= j.dims[1 + i--])
        p.o[i] = rest % j.dims[1 + i];
    p.n = rest;
    return p;
}

static __device__ int offset(const struct job_tensor &t, int n, const int (&o)[3], int c)
{
    return t.first + n * t.step[0] + o[0] * t.step[1] + o[1] * t.step[2] + o[2] * t.step[3] +
           c * t.step[4];
}

// Which element of the input, along axis i, tap k of result o sees. False: none.
static __device__ bool tap_place(const struct job_window &w, int i, int o, int k, int *out)
{
    int p;

    if (!w.transpose) {
        *out = o * w.stride[i] + k * w.dilation[i] - w.begin[i];
        return *out >= 0 && *out < w.in[i];
    }
    p = o + w.begin[i] - k * w.dilation[i];
    *out = p / w.stride[i];
    return p >= 0 && p % w.stride[i] == 0 && *out < w.in[i];
}

static __device__ float dot(const struct job_tensor &x, int at, int step,
                            const struct job_tensor &w, int weight, int count)
{
    float sum = 0.0f;

    if (x.type == NN_FLOAT16) {
        const unsigned short *a = (const unsigned short *)x.data + at,
                             *b = (const unsigned short *)w.data + weight;

        for (int i = 0; i < count; i++)
            sum += half_of(a[i * step]) * half_of(b[i]);
    } else {
        const float *a = (const float *)x.data + at, *b = (const float *)w.data + weight;

        for (int i = 0; i < count; i++)
            sum += a[i * step] * b[i];
    }
    return sum;
}

static __global__ void __launch_bounds__(CUDA_BLOCK) conv(const __grid_constant__ struct job j)
{
    const struct job_window &w = j.u.window;
    int index = cuda_index(), weight, in[3];
    float sum = 0.0f;

    if (index >= j.count)
        return;
    struct place p = place_of(j, index);
    int group = p.c / w.outputs;
    weight = j.t[2].first + p.c * w.kernel[0] * w.kernel[1] * w.kernel[2] * w.inputs;
    for (int d = 0; d < w.kernel[0]; d++)
        for (int h = 0; h < w.kernel[1]; h++)
            for (int x = 0; x < w.kernel[2]; x++, weight += w.inputs) {
                if (!tap_place(w, 0, p.o[0], d, &in[0]) || !tap_place(w, 1, p.o[1], h, &in[1]) ||
                    !tap_place(w, 2, p.o[2], x, &in[2]))
                    continue;
                sum += dot(j.t[1], offset(j.t[1], p.n, in, group * w.inputs), j.t[1].step[4],
                           j.t[2], weight, w.inputs);
            }
    if (j.t[3].data)
        sum += load_float(j.t[3], j.t[3].first + p.c * j.t[3].step[4]);
    if (j.t[4].data)
        sum += load_float(j.t[4], offset(j.t[4], p.n, p.o, p.c));
    store_float(j.t[0], offset(j.t[0], p.n, p.o, p.c), activate(j.activation, j.a, j.b, sum));
}

void cuda_conv(const struct job *job, cudaStream_t stream)
{
    CUDA_LAUNCH(conv, cuda_blocks(job->count), CUDA_BLOCK, stream, *job);
}

// What a window sees of one channel.
struct seen {
    float most, sum;
    int at[3];          // of the greatest
    int inside, padded; // elements of the picture; of the picture and its stated padding
};

static __device__ struct seen look(const struct job &j, const struct place &p)
{
    const struct job_window &w = j.u.window;
    struct seen s = {-INFINITY, 0.0f, {0, 0, 0}, 0, 0};
    int taps = w.kernel[0] * w.kernel[1] * w.kernel[2];

    for (int k = 0; k < taps; k++) {
        const int tap[3] = {k / (w.kernel[1] * w.kernel[2]), k / w.kernel[2] % w.kernel[1],
                            k % w.kernel[2]};
        int in[3];
        bool inside = true, padded = true;

        for (int i = 0; i < 3; i++) {
            in[i] = p.o[i] * w.stride[i] + tap[i] * w.dilation[i] - w.begin[i];
            inside = inside && in[i] >= 0 && in[i] < w.in[i];
            padded = padded && in[i] < w.in[i] + w.end[i];
        }
        s.padded += padded;
        if (!inside)
            continue;
        float v = load_float(j.t[1], offset(j.t[1], p.n, in, p.c));
        if (s.inside++ == 0 || v > s.most) {
            s.most = v;
            for (int i = 0; i < 3; i++)
                s.at[i] = in[i];
        }
        s.sum += v;
    }
    return s;
}

// Of the greatest, in the whole tensor as rows.
static __device__ int64_t index_of(const struct job &j, const struct place &p, const struct seen &s)
{
    const struct job_window &w = j.u.window;
    int64_t channel = (int64_t)p.n * j.dims[4] + p.c;
    int64_t inner = w.column_major ? s.at[0] + w.in[0] * (s.at[1] + (int64_t)w.in[1] * s.at[2])
                                   : (s.at[0] * w.in[1] + s.at[1]) * (int64_t)w.in[2] + s.at[2];

    return channel * w.in[0] * w.in[1] * w.in[2] + (s.inside ? inner : -1);
}

static __global__ void __launch_bounds__(CUDA_BLOCK) pool(const __grid_constant__ struct job j)
{
    const struct job_window &w = j.u.window;
    int index = cuda_index();

    if (index >= j.count)
        return;
    struct place p = place_of(j, index);
    struct seen s = look(j, p);
    int to = offset(j.t[0], p.n, p.o, p.c), counted = w.count_padding ? s.padded : s.inside;

    if (!w.max)
        store_float(j.t[0], to, counted ? s.sum / (float)counted : 0.0f);
    else if (j.t[0].type == NN_INT8 || j.t[0].type == NN_UINT8)
        store_int(j.t[0], to, s.inside ? (int64_t)s.most : j.t[0].type == NN_INT8 ? -128 : 0);
    else
        store_float(j.t[0], to, s.most);
    if (j.t[2].data)
        store_int(j.t[2], offset(j.t[2], p.n, p.o, p.c), index_of(j, p, s));
}

void cuda_pool(const struct job *job, cudaStream_t stream)
{
    CUDA_LAUNCH(pool, cuda_blocks(job->count), CUDA_BLOCK, stream, *job);
}

static __global__ void __launch_bounds__(CUDA_BLOCK) product(const __grid_constant__ struct job j)
{
    const struct job_product &p = j.u.product;
    int index = cuda_index(), at[5];

    if (index >= j.count)
        return;
    find_first(j, at);
    find(j, 0, j.rank, index, at);
    if (p.integers) {
        uint64_t sum = 0;

        for (int k = 0; k < p.inner; k++)
            sum += (uint64_t)load_int(j.t[1], at[1] + k * p.a_step) *
                   (uint64_t)load_int(j.t[2], at[2] + k * p.b_step);
        store_int(j.t[0], at[0], (int64_t)sum);
        return;
    }
    float sum = 0.0f;
    for (int k = 0; k < p.inner; k++)
        sum += load_float(j.t[1], at[1] + k * p.a_step) * load_float(j.t[2], at[2] + k * p.b_step);
    sum *= p.alpha;
    if (j.t[3].data)
        sum += p.beta * load_float(j.t[3], at[3]);
    if (j.t[4].data)
        sum += load_float(j.t[4], at[4]);
    store_float(j.t[0], at[0], activate(j.activation, j.a, j.b, sum));
}

void cuda_product(const struct job *job, cudaStream_t stream)
{
    CUDA_LAUNCH(product, cuda_blocks(job->count), CUDA_BLOCK, stream, *job);
}

// After a library's bare product or convolution: what it did not do.
static __global__ void __launch_bounds__(CUDA_BLOCK) epilogue(const __grid_constant__ struct job j)
{
    int index = cuda_index(), at[5];

    if (index >= j.count)
        return;
    find_first(j, at);
    find(j, 0, j.rank, index, at);
    float v = load_float(j.t[0], at[0]);
    if (j.t[3].data)
        v += (j.kind == JOB_PRODUCT ? j.u.product.beta : 1.0f) * load_float(j.t[3], at[3]);
    if (j.t[4].data)
        v += load_float(j.t[4], at[4]);
    store_float(j.t[0], at[0], activate(j.activation, j.a, j.b, v));
}

void cuda_epilogue(const struct job *job, cudaStream_t stream)
{
    CUDA_LAUNCH(epilogue, cuda_blocks(job->count), CUDA_BLOCK, stream, *job);
}
