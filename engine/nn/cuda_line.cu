// Jobs that look along lines: reductions, softmax, normalisation.
//
// A line is worked on by 1, 32 or 256 threads: neighbouring threads should read neighbouring
// elements, so where a line's own elements do not lie side by side but those of the next line do,
// each thread takes a line of its own.
#include "engine/nn/cuda_element.h"

#define WARP 32

struct add {
    static __device__ float of(float x, float y)
    {
        return x + y;
    }
};

struct most {
    static __device__ float of(float x, float y)
    {
        return x > y || x != x ? x : y;
    }
};

struct least {
    static __device__ float of(float x, float y)
    {
        return x < y || x != x ? x : y;
    }
};

// One value of all the line's threads, in each of them. Every thread of the block calls it.
template <int THREADS, class OP> static __device__ float join(float v)
{
    if constexpr (THREADS > 1)
        for (int reach = WARP / 2; reach > 0; reach /= 2)
            v = OP::of(v, __shfl_xor_sync(0xffffffffu, v, reach));
    if constexpr (THREADS > WARP) {
        __shared__ float of_warp[CUDA_BLOCK / WARP];

        __syncthreads(); // the last call's readers are done
        if (threadIdx.x % WARP == 0)
            of_warp[threadIdx.x / WARP] = v;
        __syncthreads();
        v = of_warp[0];
        for (int i = 1; i < THREADS / WARP; i++)
            v = OP::of(v, of_warp[i]);
    }
    return v;
}

// This thread's line and its place among the line's threads.
template <int THREADS> static __device__ int line_index(void)
{
    return (int)(blockIdx.x * (CUDA_BLOCK / THREADS) + threadIdx.x / THREADS);
}

static int line_length(const struct job *j)
{
    int length = 1;

    for (int d = j->outer; d < j->rank; d++)
        length *= j->dims[d];
    return length;
}

static __device__ int length_of(const struct job &j)
{
    int length = 1;

    for (int d = j.outer; d < j.rank; d++)
        length *= j.dims[d];
    return length;
}

// Where element i of a line is in the first N tensors; the line begins at base.
template <int N, int M>
static __device__ void line_find(const struct job &j, const int (&base)[M], int i, int (&at)[N])
{
    for (int k = 0; k < N; k++)
        at[k] = base[k];
    find(j, j.outer, j.rank, i, at);
}

// f of each element of t[1]'s line, joined; in each of the line's threads.
template <int THREADS, class OP, int M, class F>
static __device__ float over_line(const struct job &j, const int (&base)[M], float start, F f)
{
    int length = length_of(j);

    for (int i = (int)threadIdx.x % THREADS; i < length; i += THREADS) {
        int at[2];

        line_find(j, base, i, at);
        start = OP::of(f(load_float(j.t[1], at[1])), start);
    }
    return join<THREADS, OP>(start);
}

// How many threads a line should have.
static int threads_for(const struct job *j)
{
    int length = line_length(j);
    bool dense = length > 1 && j->t[1].step[j->rank - 1] == 1;

    if (length < 8 || (!dense && j->count >= 4096))
        return 1;
    return length <= 1024 ? WARP : CUDA_BLOCK;
}

#define LAUNCH_LINES(kernel, job, stream)                                                          \
    do {                                                                                           \
        int threads = threads_for(job);                                                            \
        unsigned lines = (unsigned)(CUDA_BLOCK / threads);                                         \
        unsigned blocks = ((unsigned)(job)->count + lines - 1) / lines;                            \
        if (threads == 1)                                                                          \
            CUDA_LAUNCH(kernel<1>, blocks, CUDA_BLOCK, stream, *(job));                            \
        else if (threads == WARP)                                                                  \
            CUDA_LAUNCH_TOGETHER(kernel<WARP>, blocks, CUDA_BLOCK, stream, *(job));                \
        else                                                                                       \
            CUDA_LAUNCH_TOGETHER(kernel<CUDA_BLOCK>, blocks, CUDA_BLOCK, stream, *(job));          \
    } while (0)

// Lines past the last are worked on as the last, and not written, so that all threads meet.
template <int THREADS>
static __global__ void __launch_bounds__(CUDA_BLOCK) softmax(const __grid_constant__ struct job j)
{
    int line = line_index<THREADS>(), lane = (int)threadIdx.x % THREADS, length = length_of(j);
    bool ours = line < j.count;
    int base[2];

    find_first(j, base);
    find(j, 0, j.outer, ours ? line : j.count - 1, base);
    float top = over_line<THREADS, most>(j, base, -INFINITY, [](float v) { return v; });
    float sum = over_line<THREADS, add>(j, base, 0.0f, [=](float v) { return expf(v - top); });
    float scale = 1.0f / sum, log_sum = logf(sum);
    for (int i = lane; i < length && ours; i += THREADS) {
        int at[2];
        line_find(j, base, i, at);
        float v = load_float(j.t[1], at[1]) - top;
        store_float(j.t[0], at[0], j.u.log_of ? v - log_sum : expf(v) * scale);
    }
}

void cuda_softmax(const struct job *job, cudaStream_t stream)
{
    LAUNCH_LINES(softmax, job, stream);
}

template <int THREADS>
static __global__ void __launch_bounds__(CUDA_BLOCK) norm(const __grid_constant__ struct job j)
{
    int line = line_index<THREADS>(), lane = (int)threadIdx.x % THREADS, length = length_of(j);
    bool ours = line < j.count;
    int base[6];

    find_first(j, base);
    find(j, 0, j.outer, ours ? line : j.count - 1, base);
    float mean = over_line<THREADS, add>(j, base, 0.0f, [](float v) { return v; }) / (float)length;
    float squares =
        over_line<THREADS, add>(j, base, 0.0f, [=](float v) { return (v - mean) * (v - mean); });
    float inverse = 1.0f / sqrtf(squares / (float)length + j.u.epsilon);
    for (int i = lane; i < length && ours; i += THREADS) {
        int at[4];
        line_find(j, base, i, at);
        float v = (load_float(j.t[1], at[1]) - mean) * inverse * load_float(j.t[2], at[2]);
        store_float(j.t[0], at[0], j.t[3].data ? v + load_float(j.t[3], at[3]) : v);
    }
    if (ours && lane == 0 && j.t[4].data)
        store_float(j.t[4], base[4], mean);
    if (ours && lane == 0 && j.t[5].data)
        store_float(j.t[5], base[5], inverse);
}

void cuda_norm(const struct job *job, cudaStream_t stream)
{
    LAUNCH_LINES(norm, job, stream);
}

template <int THREADS>
static __global__ void __launch_bounds__(CUDA_BLOCK) reduce(const __grid_constant__ struct job j)
{
    int line = line_index<THREADS>(), base[2];
    auto itself = [](float x) { return x; };
    float v;

    find_first(j, base);
    find(j, 0, j.outer, line < j.count ? line : j.count - 1, base);
    if (j.u.reduction == REDUCE_MAX)
        v = over_line<THREADS, most>(j, base, -INFINITY, itself);
    else if (j.u.reduction == REDUCE_MIN)
        v = over_line<THREADS, least>(j, base, INFINITY, itself);
    else
        v = over_line<THREADS, add>(j, base, 0.0f, itself);
    if (line < j.count && threadIdx.x % THREADS == 0)
        store_float(j.t[0], base[0], j.u.reduction == REDUCE_MEAN ? v / (float)length_of(j) : v);
}

static __device__ int64_t least_int(enum nn_type type)
{
    return type == NN_INT64 ? INT64_MIN : type == NN_INT32 ? INT32_MIN : type == NN_INT8 ? -128 : 0;
}

static __device__ int64_t most_int(enum nn_type type)
{
    return type == NN_INT64   ? INT64_MAX
           : type == NN_INT32 ? INT32_MAX
           : type == NN_INT8  ? 127
           : type == NN_BOOL  ? 1
                              : 255;
}

// Integers are rare and short: a thread a line.
static __global__ void __launch_bounds__(CUDA_BLOCK)
    reduce_int(const __grid_constant__ struct job j)
{
    int line = cuda_index(), base[2], length = length_of(j);
    int64_t high = least_int(j.t[1].type), low = most_int(j.t[1].type);
    uint64_t sum = 0;

    if (line >= j.count)
        return;
    find_first(j, base);
    find(j, 0, j.outer, line, base);
    for (int i = 0; i < length; i++) {
        int at[2];
        line_find(j, base, i, at);
        int64_t v = load_int(j.t[1], at[1]);
        sum += (uint64_t)v;
        high = v > high ? v : high;
        low = v < low ? v : low;
    }
    store_int(j.t[0], base[0],
              j.u.reduction == REDUCE_MAX    ? high
              : j.u.reduction == REDUCE_MIN  ? low
              : j.u.reduction == REDUCE_MEAN ? (int64_t)sum / length
                                             : (int64_t)sum);
}

static __global__ void __launch_bounds__(CUDA_BLOCK) arg_max(const __grid_constant__ struct job j)
{
    int line = cuda_index(), base[2], length = length_of(j);
    int64_t best = 0, high = 0;
    float top = 0.0f;
    bool last = j.u.reduction == REDUCE_ARG_MAX_LAST,
         real = j.t[1].type == NN_FLOAT32 || j.t[1].type == NN_FLOAT16;

    if (line >= j.count)
        return;
    find_first(j, base);
    find(j, 0, j.outer, line, base);
    for (int i = 0; i < length; i++) {
        int at[2];
        line_find(j, base, i, at);
        float v = real ? load_float(j.t[1], at[1]) : 0.0f;
        int64_t n = load_int(j.t[1], at[1]);
        bool more = real ? v > top : n > high, same = real ? v == top : n == high;
        if (i == 0 || more || (last && same)) {
            best = i;
            top = v;
            high = n;
        }
    }
    store_int(j.t[0], base[0], best);
}

void cuda_reduce(const struct job *job, cudaStream_t stream)
{
    bool real = job->t[1].type == NN_FLOAT32 || job->t[1].type == NN_FLOAT16;

    if (job->u.reduction == REDUCE_ARG_MAX || job->u.reduction == REDUCE_ARG_MAX_LAST)
        CUDA_LAUNCH(arg_max, cuda_blocks(job->count), CUDA_BLOCK, stream, *job);
    else if (real)
        LAUNCH_LINES(reduce, job, stream);
    else
        CUDA_LAUNCH(reduce_int, cuda_blocks(job->count), CUDA_BLOCK, stream, *job);
}
