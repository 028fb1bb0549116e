// Element-wise jobs, copies and gathers: a thread takes one result.
#include "engine/nn/cuda_element.h"

static __device__ int64_t int_power(int64_t base, int64_t exponent)
{
    uint64_t result = 1, factor = (uint64_t)base;

    if (exponent < 0)
        return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
    for (; exponent; exponent >>= 1, factor *= factor)
        result *= exponent & 1 ? factor : 1;
    return (int64_t)result;
}

template <class T> static __device__ bool compare(enum job_function function, T x, T y)
{
    switch (function) {
    case MAP_EQUAL:
        return x == y;
    case MAP_GREATER:
        return x > y;
    case MAP_GREATER_EQUAL:
        return x >= y;
    case MAP_LESS:
        return x < y;
    default:
        return x <= y;
    }
}

// Wraps round; division by zero gives 0, as ops_simple.c has it.
static __device__ int64_t map_int(const struct job_map &m, int64_t x, int64_t y, int64_t z)
{
    switch (m.function) {
    case MAP_ADD:
        return (int64_t)((uint64_t)x + (uint64_t)y);
    case MAP_SUB:
        return (int64_t)((uint64_t)x - (uint64_t)y);
    case MAP_MUL:
        return (int64_t)((uint64_t)x * (uint64_t)y);
    case MAP_DIV:
        return y == 0 ? 0 : y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
    case MAP_MIN:
        return x < y ? x : y;
    case MAP_MAX:
        return x > y ? x : y;
    case MAP_POW:
        return int_power(x, y);
    case MAP_ABS:
        return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
    case MAP_NEG:
        return (int64_t)(0 - (uint64_t)x);
    case MAP_NOT:
        return x == 0;
    case MAP_ACTIVATION: // Relu alone takes integers
        return x < 0 ? 0 : x;
    case MAP_EQUAL:
    case MAP_GREATER:
    case MAP_GREATER_EQUAL:
    case MAP_LESS:
    case MAP_LESS_EQUAL:
        return compare(m.function, x, y);
    case MAP_WHERE:
        return x ? y : z;
    case MAP_FILL_ONE:
        return 1;
    default:
        return x;
    }
}

static __device__ float map_unary(const struct job_map &m, float x)
{
    switch (m.function) {
    case MAP_ACTIVATION:
        return activate(m.activation, m.a, m.b, x);
    case MAP_ABS:
        return fabsf(x);
    case MAP_CEIL:
        return ceilf(x);
    case MAP_ERF:
        return erff(x);
    case MAP_EXP:
        return expf(x);
    case MAP_FLOOR:
        return floorf(x);
    case MAP_LOG:
        return logf(x);
    case MAP_NEG:
        return -x;
    case MAP_RECIPROCAL:
        return 1.0f / x;
    case MAP_ROUND:
        return rintf(x);
    case MAP_SOFTPLUS:
        return x > 0.0f ? x + log1pf(expf(-x)) : log1pf(expf(x));
    case MAP_SQRT:
        return sqrtf(x);
    case MAP_INVERSE_DEVIATION:
        return 1.0f / sqrtf(x + m.a);
    default:
        return x;
    }
}

static __device__ float map_float(const struct job_map &m, float x, float y, float z)
{
    switch (m.function) {
    case MAP_ADD:
        return x + y;
    case MAP_SUB:
        return x - y;
    case MAP_MUL:
        return x * y;
    case MAP_DIV:
        return x / y;
    case MAP_MIN:
        return x != x || y != y ? x + y : x < y ? x : y;
    case MAP_MAX:
        return x != x || y != y ? x + y : x > y ? x : y;
    case MAP_POW:
        return powf(x, y);
    case MAP_PRELU:
        return x < 0.0f ? x * y : x;
    case MAP_EQUAL:
    case MAP_GREATER:
    case MAP_GREATER_EQUAL:
    case MAP_LESS:
    case MAP_LESS_EQUAL:
        return compare(m.function, x, y);
    case MAP_WHERE:
        return x != 0.0f ? y : z;
    case MAP_MULTIPLY_ADD:
        return x * y + z;
    default:
        return map_unary(m, x);
    }
}

static __device__ void clamp_one(const struct job &j, const int (&at)[4])
{
    if (j.u.map.integers) {
        int64_t v = load_int(j.t[1], at[1]);

        if (j.t[2].data && v < load_int(j.t[2], at[2]))
            v = load_int(j.t[2], at[2]);
        if (j.t[3].data && v > load_int(j.t[3], at[3]))
            v = load_int(j.t[3], at[3]);
        store_int(j.t[0], at[0], v);
    } else {
        float v = load_float(j.t[1], at[1]);

        if (j.t[2].data && v < load_float(j.t[2], at[2]))
            v = load_float(j.t[2], at[2]);
        if (j.t[3].data && v > load_float(j.t[3], at[3]))
            v = load_float(j.t[3], at[3]);
        store_float(j.t[0], at[0], v);
    }
}

static __global__ void __launch_bounds__(CUDA_BLOCK) map(const __grid_constant__ struct job j)
{
    int index = cuda_index(), at[4];
    const struct job_map &m = j.u.map;

    if (index >= j.count)
        return;
    find_first(j, at);
    find(j, 0, j.rank, index, at);
    if (m.function == MAP_CLAMP)
        clamp_one(j, at);
    else if (m.integers)
        store_int(j.t[0], at[0],
                  map_int(m, j.t[1].data ? load_int(j.t[1], at[1]) : 0,
                          j.t[2].data ? load_int(j.t[2], at[2]) : 0,
                          j.t[3].data ? load_int(j.t[3], at[3]) : 0));
    else
        store_float(j.t[0], at[0],
                    map_float(m, load_float(j.t[1], at[1]),
                              j.t[2].data ? load_float(j.t[2], at[2]) : 0.0f,
                              j.t[3].data ? load_float(j.t[3], at[3]) : 0.0f));
}

void cuda_map(const struct job *job, cudaStream_t stream)
{
    CUDA_LAUNCH(map, cuda_blocks(job->count), CUDA_BLOCK, stream, *job);
}

// From `from` to t[0], whatever the type.
static __device__ void copy_one(const struct job &j, int to, int from)
{
    if (j.t[0].type == NN_FLOAT32 || j.t[0].type == NN_FLOAT16)
        store_float(j.t[0], to, load_float(j.t[1], from));
    else
        store_int(j.t[0], to, load_int(j.t[1], from));
}

static __global__ void __launch_bounds__(CUDA_BLOCK) gather(const __grid_constant__ struct job j)
{
    int index = cuda_index(), at[3], size = j.u.gather.size;
    int64_t place;

    if (index >= j.count)
        return;
    find_first(j, at);
    find(j, 0, j.rank, index, at);
    place = load_int(j.t[2], at[2]);
    place += place < 0 ? size : 0;
    place = place < 0 ? 0 : place >= size ? size - 1 : place; // known only now
    copy_one(j, at[0], at[1] + (int)place * j.u.gather.step);
}

void cuda_gather(const struct job *job, cudaStream_t stream)
{
    CUDA_LAUNCH(gather, cuda_blocks(job->count), CUDA_BLOCK, stream, *job);
}

// Where in 0..dim-1 padded place `at` is taken from; -1: the constant.
static __device__ int padded_place(int at, int dim, enum job_pad_mode mode)
{
    int period = 2 * dim - 2;

    if (at >= 0 && at < dim)
        return at;
    if (mode == JOB_PAD_CONSTANT)
        return -1;
    if (mode == JOB_PAD_EDGE)
        return at < 0 ? 0 : dim - 1;
    if (mode == JOB_PAD_WRAP)
        return (at % dim + dim) % dim;
    if (dim == 1)
        return 0;
    at = (at % period + period) % period;
    return at < dim ? at : period - at;
}

static __global__ void __launch_bounds__(CUDA_BLOCK) pad(const __grid_constant__ struct job j)
{
    int index = cuda_index(), to = j.t[0].first, from = j.t[1].first, rest = index;
    bool inside = true;

    if (index >= j.count)
        return;
    for (int d = j.rank - 1; d >= 0; rest /= j.dims[d--]) {
        int place = rest % j.dims[d],
            source = padded_place(place - j.u.pad.begin[d], j.u.pad.in[d], j.u.pad.mode);

        to += place * j.t[0].step[d];
        inside = inside && source >= 0;
        from += source * j.t[1].step[d];
    }
    if (inside)
        copy_one(j, to, from);
    else if (!j.t[2].data)
        store_int(j.t[0], to, 0);
    else if (j.t[0].type == NN_FLOAT32 || j.t[0].type == NN_FLOAT16)
        store_float(j.t[0], to, load_float(j.t[2], j.t[2].first));
    else
        store_int(j.t[0], to, load_int(j.t[2], j.t[2].first));
}

void cuda_pad(const struct job *job, cudaStream_t stream)
{
    CUDA_LAUNCH(pad, cuda_blocks(job->count), CUDA_BLOCK, stream, *job);
}

// Sums over the taps of the axes from `axis` on. False: outside.
static __device__ bool taps(const struct job &j, const int (&place)[JOB_RESIZE_AXES], int from,
                            float *sum)
{
    const struct job_resize &r = j.u.resize;
    const int *places = (const int *)j.t[2].data;
    const float *weights = (const float *)j.t[3].data;
    int n[JOB_RESIZE_AXES], table[JOB_RESIZE_AXES], step[JOB_RESIZE_AXES];

    for (int k = 0; k < JOB_RESIZE_AXES; k++) {
        bool there = k < r.axes;

        n[k] = there ? r.taps[k] : 1;
        table[k] = there ? r.table[k] + place[k] * r.taps[k] : 0;
        step[k] = there ? r.step[k] : 0;
    }
    *sum = 0.0f;
    for (int x = 0; x < n[0]; x++)
        for (int y = 0; y < n[1]; y++)
            for (int z = 0; z < n[2]; z++) {
                const int tap[JOB_RESIZE_AXES] = {x, y, z};
                float weight = 1.0f;
                int at = from;

                for (int k = 0; k < r.axes; k++) {
                    int p = places[table[k] + tap[k]];

                    if (p < 0)
                        return false;
                    at += p * step[k];
                    weight *= weights[table[k] + tap[k]];
                }
                *sum += weight * load_float(j.t[1], at);
            }
    return true;
}

// One tap along each axis. -1: outside.
static __device__ int nearest(const struct job &j, const int (&place)[JOB_RESIZE_AXES], int from)
{
    const struct job_resize &r = j.u.resize;

    for (int k = 0; k < r.axes; k++) {
        int p = ((const int *)j.t[2].data)[r.table[k] + place[k]];

        if (p < 0)
            return -1;
        from += p * r.step[k];
    }
    return from;
}

static __global__ void __launch_bounds__(CUDA_BLOCK) resize(const __grid_constant__ struct job j)
{
    int index = cuda_index(), to = j.t[0].first, from = j.t[1].first, rest = index;
    int place[JOB_RESIZE_AXES] = {0, 0, 0};
    float sum;

    if (index >= j.count)
        return;
    for (int d = j.rank - 1; d >= 0; rest /= j.dims[d--]) {
        int here = rest % j.dims[d];

        to += here * j.t[0].step[d];
        from += here * j.t[1].step[d];
        for (int k = 0; k < JOB_RESIZE_AXES; k++)
            place[k] = k < j.u.resize.axes && j.u.resize.dim[k] == d ? here : place[k];
    }
    if (j.u.resize.weighted) {
        store_float(j.t[0], to, taps(j, place, from, &sum) ? sum : j.u.resize.outside);
        return;
    }
    from = nearest(j, place, from);
    if (from >= 0)
        copy_one(j, to, from);
    else
        store_float(j.t[0], to,
                    j.t[0].type == NN_FLOAT32 || j.t[0].type == NN_FLOAT16 ? j.u.resize.outside
                                                                           : 0.0f);
}

void cuda_resize(const struct job *job, cudaStream_t stream)
{
    CUDA_LAUNCH(resize, cuda_blocks(job->count), CUDA_BLOCK, stream, *job);
}
