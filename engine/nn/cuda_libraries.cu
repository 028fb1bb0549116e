// Which way is the fastest: measured once for each shape, kept on disk (cuda_choices.h). A way
// whose answer is not our own kernel's is never chosen.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "engine/nn/cuda_choices.h"
#include "engine/nn/cuda_element.h"
#include "engine/nn/cuda_libraries.h"
#include "engine/nn/cuda_way.h"

#define OWN "own"
#define ROUNDS 4

struct cuda_libraries {
    cudaStream_t stream;
    struct cuda_cudnn *cudnn;
    struct cuda_cublas *cublas;
    char cudnn_text[96], cublas_text[96];
    std::string machine; // GPU, driver's CUDA, libraries: what measurements are good for
    std::map<std::string, std::unique_ptr<cuda_way>> ways; // of equal jobs; NULL: our own kernel
    double *sums;                                          // on the GPU, of differ()
};

struct cuda_libraries *cuda_libraries_open(bool half, cudaStream_t stream)
{
    struct cuda_libraries *l = new cuda_libraries();
    struct cudaDeviceProp properties;
    int device = 0, driver = 0;

    l->stream = stream;
    l->cudnn = cuda_cudnn_open(stream, NULL, l->cudnn_text, sizeof(l->cudnn_text));
    l->cublas = cuda_cublas_open(l->cublas_text, sizeof(l->cublas_text));
    if (cudaGetDevice(&device) == cudaSuccess &&
        cudaGetDeviceProperties(&properties, device) == cudaSuccess)
        l->machine = properties.name;
    cudaDriverGetVersion(&driver);
    l->machine += "|driver " + std::to_string(driver) + "|" + l->cudnn_text + "|" + l->cublas_text;
    if (cudaMalloc(&l->sums, 2 * sizeof(*l->sums)) != cudaSuccess)
        l->sums = NULL;
    cudaGetLastError();
    return l;
}

void cuda_libraries_close(struct cuda_libraries *l)
{
    l->ways.clear();
    cudaFree(l->sums);
    if (l->cudnn)
        cuda_cudnn_close(l->cudnn);
    if (l->cublas)
        cuda_cublas_close(l->cublas);
    delete l;
}

void cuda_libraries_describe(const struct cuda_libraries *l, char *text, size_t size)
{
    snprintf(text, size, ", %s, %s", l->cudnn_text, l->cublas_text);
}

namespace
{

void append(std::string *key, const int *values, int count)
{
    for (int i = 0; i < count; i++)
        *key += (i ? "," : " ") + std::to_string(values[i]);
}

// Whatever a way may depend on: jobs of the same key share theirs.
std::string key_of(const struct cuda_libraries *l, const struct job &j)
{
    const struct job_window &w = j.u.window;
    const struct job_product &p = j.u.product;
    std::string key = l->machine + (j.kind == JOB_CONV ? "|conv" : "|product");

    append(&key, j.dims, j.rank);
    for (int t = 0; t < JOB_TENSORS; t++) {
        key += j.t[t].data ? " t" + std::to_string((int)j.t[t].type) : " -";
        if (j.t[t].data)
            append(&key, j.t[t].step, j.rank);
    }
    if (j.kind == JOB_CONV) {
        const int more[] = {w.group, w.inputs, w.transpose};

        append(&key, w.in, 3);
        append(&key, w.kernel, 3);
        append(&key, w.stride, 3);
        append(&key, w.dilation, 3);
        append(&key, w.begin, 3);
        append(&key, w.end, 3);
        append(&key, more, 3);
    } else {
        const int more[] = {p.inner, p.a_step, p.b_step, p.integers};

        append(&key, more, 4);
        key += " " + std::to_string(p.alpha) + " " + std::to_string(p.beta);
    }
    return key + " " + std::to_string((int)j.activation);
}

// Elements from a tensor's first to its last.
size_t extent(const struct job &j, int t)
{
    const struct job_window &w = j.u.window;
    int taps = w.kernel[0] * w.kernel[1] * w.kernel[2];
    size_t last = (size_t)j.t[t].first;

    if (j.kind == JOB_CONV && (t == 2 || (t == 5 && w.transpose)))
        return (size_t)w.outputs * w.group * taps * w.inputs;
    if (t == 5) // a bias
        return (size_t)j.dims[j.rank - 1];
    for (int d = 0; d < j.rank; d++) {
        int size = j.dims[d];

        if (j.kind == JOB_CONV && t == 1 && d > 0)
            size = d < 4 ? w.in[d - 1] : w.inputs * w.group;
        last += (size_t)(size - 1) * (size_t)j.t[t].step[d];
    }
    if (j.kind == JOB_PRODUCT && (t == 1 || t == 2))
        last += (size_t)(j.u.product.inner - 1) *
                (size_t)(t == 1 ? j.u.product.a_step : j.u.product.b_step);
    return last + 1;
}

__global__ void fill(struct job_tensor t, int count, unsigned seed)
{
    int i = cuda_index();
    unsigned v = (unsigned)i * 2654435761u ^ seed;

    if (i >= count)
        return;
    v ^= v >> 15;
    v *= 2246822519u;
    v ^= v >> 13;
    store_float(t, i, (float)(v % 2001) / 1000.0f - 1.0f);
}

// The job with memory of its own, full of noise.
struct trial {
    struct job job;
    std::vector<void *> blocks;

    explicit trial(const struct job *of) : job(*of)
    {
    }
    trial(const trial &) = delete;
    ~trial()
    {
        for (void *block : blocks)
            cudaFree(block);
    }
    void *take(size_t bytes)
    {
        void *block = NULL;

        if (cudaMalloc(&block, bytes ? bytes : 1) != cudaSuccess) {
            cudaGetLastError();
            return NULL;
        }
        blocks.push_back(block);
        return block;
    }
    bool fill_all(cudaStream_t stream)
    {
        for (int t = 0; t < JOB_TENSORS; t++) {
            struct job_tensor whole = job.t[t];
            size_t count = whole.data ? extent(job, t) : 0;

            if (!whole.data)
                continue;
            job.t[t].data = whole.data = take(count * nn_type_bytes(whole.type));
            if (!whole.data)
                return false;
            // the same bias and weights in both of their forms
            bool transpose = job.kind == JOB_CONV && job.u.window.transpose;
            unsigned seed = t == 5 ? (transpose ? 2u : 3u) : (unsigned)t;
            CUDA_LAUNCH(fill, cuda_blocks((int)count), CUDA_BLOCK, stream, whole, (int)count, seed);
        }
        return cudaStreamSynchronize(stream) == cudaSuccess;
    }
    static size_t nn_type_bytes(enum nn_type type)
    {
        return type == NN_FLOAT16 ? 2 : 4;
    }
};

void run_own(const struct job *job, cudaStream_t stream)
{
    if (job->kind == JOB_CONV)
        cuda_conv(job, stream);
    else
        cuda_product(job, stream);
}

// Milliseconds a run, or a negative number where it failed. way NULL: our own kernel.
float measure(struct trial *t, cuda_way *way, cudaStream_t stream)
{
    cudaEvent_t begin = NULL, end = NULL;
    float ms = -1.0f;
    bool ok = cudaEventCreate(&begin) == cudaSuccess && cudaEventCreate(&end) == cudaSuccess;

    for (int i = -1; i < ROUNDS && ok; i++) { // the first warms up
        if (i == 0)
            ok = cudaEventRecord(begin, stream) == cudaSuccess;
        if (way)
            ok = ok && way->run(&t->job, stream);
        else
            run_own(&t->job, stream);
    }
    ok = ok && cudaEventRecord(end, stream) == cudaSuccess &&
         cudaEventSynchronize(end) == cudaSuccess &&
         cudaEventElapsedTime(&ms, begin, end) == cudaSuccess && cudaGetLastError() == cudaSuccess;
    if (begin)
        cudaEventDestroy(begin);
    if (end)
        cudaEventDestroy(end);
    return ok ? ms / ROUNDS : -1.0f;
}

// Adds to sums the squares of what t[1] differs from t[0] by, and those of t[0].
__global__ void __launch_bounds__(CUDA_BLOCK)
    differ(const __grid_constant__ struct job j, double *sums)
{
    int index = cuda_index(), at[2];
    float square = 0.0f, difference = 0.0f;

    if (index < j.count) {
        find_first(j, at);
        find(j, 0, j.rank, index, at);
        square = load_float(j.t[0], at[0]);
        difference = load_float(j.t[1], at[1]) - square;
        square *= square;
        difference *= difference;
    }
    for (int reach = 16; reach > 0; reach /= 2) {
        square += __shfl_xor_sync(0xffffffffu, square, reach);
        difference += __shfl_xor_sync(0xffffffffu, difference, reach);
    }
    if (threadIdx.x % 32 == 0) {
        atomicAdd(&sums[0], (double)difference);
        atomicAdd(&sums[1], (double)square);
    }
}

// Runs the way into memory that is not a number, and compares it with our own kernel's answer.
bool agrees(struct cuda_libraries *l, struct trial *t, cuda_way *way, void *ours)
{
    struct job both = t->job;
    double sums[2];
    bool half = both.t[0].type == NN_FLOAT16;

    cudaMemsetAsync(t->job.t[0].data, 0xff,
                    extent(t->job, 0) * trial::nn_type_bytes(t->job.t[0].type), l->stream);
    cudaMemsetAsync(l->sums, 0, sizeof(sums), l->stream);
    if (!way->run(&t->job, l->stream))
        return false;
    both.t[1] = both.t[0];
    both.t[0].data = ours;
    CUDA_LAUNCH(differ, cuda_blocks(both.count), CUDA_BLOCK, l->stream, both, l->sums);
    return cudaMemcpyAsync(sums, l->sums, sizeof(sums), cudaMemcpyDeviceToHost, l->stream) ==
               cudaSuccess &&
           cudaStreamSynchronize(l->stream) == cudaSuccess &&
           sums[0] <= sums[1] * (half ? 1e-4 : 1e-8); // false for NaN
}

// ConvTranspose's weights in their second form are the first form's, turned: our kernel reads one,
// cuDNN the other.
void turn_weights(const struct trial &t, cudaStream_t stream)
{
    const struct job_window &w = t.job.u.window;
    struct job turn = {};
    int taps = w.kernel[0] * w.kernel[1] * w.kernel[2];

    // group, input, tap, output of the group
    const int dims[4] = {w.group, w.inputs, taps, w.outputs};
    const int to[4] = {w.inputs * taps * w.outputs, taps * w.outputs, w.outputs, 1};
    const int from[4] = {w.outputs * taps * w.inputs, 1, w.inputs, taps * w.inputs};

    turn.kind = JOB_MAP;
    turn.rank = 4;
    turn.count = w.group * w.inputs * taps * w.outputs;
    turn.t[0].data = t.job.t[5].data;
    turn.t[1].data = t.job.t[2].data;
    turn.t[0].type = turn.t[1].type = t.job.t[2].type;
    for (int d = 0; d < 4; d++) {
        turn.dims[d] = dims[d];
        turn.t[0].step[d] = to[d];
        turn.t[1].step[d] = from[d];
    }
    cuda_map(&turn, stream);
}

cuda_ways ways_of(struct cuda_libraries *l, const struct job *job, const char *name)
{
    if (job->kind == JOB_CONV && l->cudnn)
        return cuda_cudnn_ways(l->cudnn, job, name);
    if (job->kind == JOB_PRODUCT && l->cublas)
        return cuda_cublas_ways(l->cublas, job, name);
    return cuda_ways();
}

// Fills the trial, and has our own kernel's answer in memory of its own. NULL: the GPU failed.
void *prepare_trial(struct cuda_libraries *l, struct trial *t, const cuda_ways &ways)
{
    size_t bytes = extent(t->job, 0) * trial::nn_type_bytes(t->job.t[0].type), workspace = 0;
    void *ours = t->take(bytes);

    for (const auto &way : ways)
        workspace = way->workspace_bytes > workspace ? way->workspace_bytes : workspace;
    t->job.workspace = t->take(workspace);
    if (!ours || !t->job.workspace || !t->fill_all(l->stream))
        return NULL;
    if (t->job.kind == JOB_CONV && t->job.u.window.transpose)
        turn_weights(*t, l->stream);
    struct job own = t->job;
    own.t[0].data = ours;
    run_own(&own, l->stream);
    return cudaStreamSynchronize(l->stream) == cudaSuccess ? ours : NULL;
}

// Our own kernels are one thread a result: they may win where few products make one.
bool own_may_win(const struct job &j)
{
    return j.kind == JOB_CONV && j.u.window.inputs < 8;
}

// The fastest of all ways, our own among them. NULL: our own. *out_sure false: they could not be
// compared, for want of memory perhaps.
std::unique_ptr<cuda_way> fastest(struct cuda_libraries *l, const struct job *job, bool *out_sure)
{
    cuda_ways ways = ways_of(l, job, NULL);
    std::multimap<float, std::unique_ptr<cuda_way>> by_time;
    struct trial t(job);
    void *ours = ways.empty() || !l->sums ? NULL : prepare_trial(l, &t, ways);
    float own = ours && own_may_win(*job) ? measure(&t, NULL, l->stream) : INFINITY;

    *out_sure = ways.empty();
    for (auto &way : ways) {
        float ms = ours ? measure(&t, way.get(), l->stream) : -1.0f;

        *out_sure |= ms >= 0.0f;
        if (ms >= 0.0f && ms < own)
            by_time.emplace(ms, std::move(way));
    }
    for (auto &one : by_time)
        if (agrees(l, &t, one.second.get(), ours))
            return std::move(one.second);
    cudaGetLastError();
    return NULL;
}

std::unique_ptr<cuda_way> choose(struct cuda_libraries *l, const struct job *job,
                                 const std::string &key)
{
    char name[sizeof(cuda_way::name)];
    bool sure;

    if (cuda_choice_find(key.c_str(), name, sizeof(name))) {
        cuda_ways ways = strcmp(name, OWN) ? ways_of(l, job, name) : cuda_ways();

        if (!ways.empty() || !strcmp(name, OWN))
            return ways.empty() ? NULL : std::move(ways.front());
    }
    std::unique_ptr<cuda_way> best = fastest(l, job, &sure);
    if (sure)
        cuda_choice_keep(key.c_str(), best ? best->name : OWN);
    return best;
}

} // namespace

void cuda_libraries_prepare(struct cuda_libraries *l, struct job *job)
{
    std::string key = key_of(l, *job);
    auto at = l->ways.find(key);

    if (at == l->ways.end())
        at = l->ways.emplace(key, choose(l, job, key)).first;
    job->plan = at->second.get();
    job->workspace_bytes = at->second ? at->second->workspace_bytes : 0;
}

const char *cuda_libraries_way(const struct job *job)
{
    return ((const cuda_way *)job->plan)->name;
}

bool cuda_libraries_launch(struct cuda_libraries *l, const struct job *job, char *text, size_t size)
{
    cuda_way *way = (cuda_way *)job->plan;

    if (way->run(job, l->stream) && cudaGetLastError() == cudaSuccess)
        return true;
    snprintf(text, size, "%s failed", way->name);
    return false;
}
