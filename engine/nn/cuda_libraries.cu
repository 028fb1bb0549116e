// Which way is the fastest: measured once for each shape, kept on disk. A way whose answer is not
// our own kernel's is never taken.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <mutex>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/nn/cuda_element.h"
#include "engine/nn/cuda_libraries.h"
#include "engine/nn/cuda_way.h"

#define OWN "own"
#define ROUNDS 5

struct cuda_libraries {
    cudaStream_t stream;
    struct cuda_cudnn *cudnn;
    struct cuda_cublas *cublas;
    char cudnn_text[96], cublas_text[96];
    std::string machine; // the GPU and the libraries: what measurements are good for
    std::vector<std::unique_ptr<cuda_way>> ways;
};

void *cuda_library_handle(const char *name, const char *folder)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);

    if (!library && *folder)
        library = dlopen((std::string(folder) + "/" + name).c_str(), RTLD_NOW | RTLD_LOCAL);
    return library;
}

struct cuda_libraries *cuda_libraries_open(bool half, cudaStream_t stream)
{
    struct cuda_libraries *l = new cuda_libraries();
    struct cudaDeviceProp properties;
    int device = 0;

    l->stream = stream;
    l->cudnn = cuda_cudnn_open(stream, l->cudnn_text, sizeof(l->cudnn_text));
    l->cublas = cuda_cublas_open(l->cublas_text, sizeof(l->cublas_text));
    if (cudaGetDevice(&device) == cudaSuccess &&
        cudaGetDeviceProperties(&properties, device) == cudaSuccess)
        l->machine = properties.name;
    l->machine += std::string("|") + l->cudnn_text + "|" + l->cublas_text;
    return l;
}

void cuda_libraries_close(struct cuda_libraries *l)
{
    l->ways.clear();
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

// Measurements of this process and of those before it.
std::mutex measured_lock;
// under measured_lock:
std::map<std::string, std::string> measured;
bool measured_read;

std::string file_path(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    std::string folder;

    if (cache && *cache == '/')
        folder = cache;
    else if (home && *home == '/')
        folder = std::string(home) + "/.cache";
    else
        return "";
    mkdir(folder.c_str(), 0700);
    folder += "/deep3d";
    mkdir(folder.c_str(), 0700);
    return folder + "/cuda-ways";
}

// Lines of a key, a tab and a name; what cannot be understood is not ours.
void read_measured(void)
{
    std::string path = file_path();
    FILE *f = path.empty() ? NULL : fopen(path.c_str(), "re");
    char line[512];

    measured_read = true;
    while (f && fgets(line, sizeof(line), f)) {
        char *tab = strchr(line, '\t'), *end = tab ? strchr(tab, '\n') : NULL;

        if (!end)
            continue;
        *tab = *end = '\0';
        measured[line] = tab + 1;
    }
    if (f)
        fclose(f);
}

std::string known(const std::string &key)
{
    std::lock_guard<std::mutex> lock(measured_lock);

    if (!measured_read)
        read_measured();
    auto at = measured.find(key);
    return at == measured.end() ? "" : at->second;
}

// One write() a line: several programs may keep the file.
void keep(const std::string &key, const std::string &name)
{
    std::lock_guard<std::mutex> lock(measured_lock);
    std::string path = file_path(), line = key + "\t" + name + "\n";
    FILE *f = path.empty() || line.size() > 500 ? NULL : fopen(path.c_str(), "ae");

    measured[key] = name;
    if (!f)
        return;
    fwrite(line.data(), 1, line.size(), f);
    fclose(f);
}

void append(std::string *key, const int *values, int count)
{
    for (int i = 0; i < count; i++)
        *key += (i ? "," : " ") + std::to_string(values[i]);
}

std::string key_of(const struct cuda_libraries *l, const struct job &j)
{
    const struct job_window &w = j.u.window;
    std::string key = l->machine + (j.kind == JOB_CONV ? "|conv" : "|product") +
                      (j.t[0].type == NN_FLOAT16 ? "16" : "32");

    append(&key, j.dims, j.rank);
    if (j.kind == JOB_CONV) {
        append(&key, w.in, 3);
        append(&key, w.kernel, 3);
        append(&key, w.stride, 3);
        append(&key, w.dilation, 3);
        append(&key, w.begin, 3);
        append(&key, w.end, 3);
        key += " " + std::to_string(w.group) + " " + std::to_string(w.inputs) +
               (w.transpose ? " t" : "");
    } else {
        const int steps[3] = {j.u.product.inner, j.u.product.a_step, j.u.product.b_step};

        append(&key, steps, 3);
        for (int t = 0; t < 4; t++)
            append(&key, j.t[t].step, j.rank);
    }
    key += " " + std::to_string((int)j.activation) + (j.t[3].data ? "b" : "") +
           (j.t[4].data ? "r" : "");
    return key;
}

// Elements from a tensor's first to its last.
size_t extent(const struct job &j, int t)
{
    const struct job_window &w = j.u.window;
    int taps = w.kernel[0] * w.kernel[1] * w.kernel[2];
    size_t last = (size_t)j.t[t].first;

    if (j.kind == JOB_CONV && (t == 2 || t == 5))
        return (size_t)w.outputs * w.group * taps * w.inputs;
    if (j.kind == JOB_PRODUCT && t == 5)
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
            unsigned seed = t == 5 ? (job.kind == JOB_CONV ? 2u : 3u) : (unsigned)t;
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

// The result as it stands in the trial.
bool answer(const struct trial &t, std::vector<float> *out)
{
    size_t count = extent(t.job, 0), size = trial::nn_type_bytes(t.job.t[0].type);
    std::vector<unsigned char> raw(count * size);

    if (cudaMemcpy(raw.data(), t.job.t[0].data, raw.size(), cudaMemcpyDeviceToHost) != cudaSuccess)
        return false;
    out->resize(count);
    for (size_t i = 0; i < count; i++) {
        unsigned short bits;

        if (size == 4) {
            memcpy(&(*out)[i], &raw[i * 4], 4);
        } else {
            memcpy(&bits, &raw[i * 2], 2);
            (*out)[i] = __half2float(__ushort_as_half(bits));
        }
    }
    return true;
}

bool agrees(const std::vector<float> &ours, const std::vector<float> &theirs, bool half)
{
    double difference = 0.0, square = 0.0;

    for (size_t i = 0; i < ours.size(); i++) {
        double d = (double)theirs[i] - (double)ours[i];

        difference += d * d;
        square += (double)ours[i] * (double)ours[i];
    }
    return difference <= square * (half ? 1e-4 : 1e-8); // false for NaN
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

void take_way(struct cuda_libraries *l, std::unique_ptr<cuda_way> way, struct job *job)
{
    job->plan = way.get();
    job->workspace_bytes = way->workspace_bytes;
    l->ways.push_back(std::move(way));
}

// The fastest of all ways, our own among them. NULL: our own.
std::unique_ptr<cuda_way> fastest(struct cuda_libraries *l, const struct job *job)
{
    std::unique_ptr<cuda_way> best;
    cuda_ways ways = ways_of(l, job, NULL);
    struct trial t(job);
    std::vector<float> ours, theirs;
    size_t workspace = 0;

    for (const auto &way : ways)
        workspace = way->workspace_bytes > workspace ? way->workspace_bytes : workspace;
    t.job.workspace = t.take(workspace);
    if (ways.empty() || !t.job.workspace || !t.fill_all(l->stream))
        return NULL;
    if (job->kind == JOB_CONV && job->u.window.transpose)
        turn_weights(t, l->stream);
    float least = measure(&t, NULL, l->stream);
    if (least < 0.0f || !answer(t, &ours))
        return NULL;
    for (auto &way : ways) {
        cudaMemsetAsync(t.job.t[0].data, 0xff, // what is not written is not a number
                        extent(t.job, 0) * trial::nn_type_bytes(t.job.t[0].type), l->stream);
        float ms = measure(&t, way.get(), l->stream);

        if (ms < 0.0f || ms >= least || !answer(t, &theirs) ||
            !agrees(ours, theirs, job->t[0].type == NN_FLOAT16))
            continue;
        least = ms;
        best = std::move(way);
    }
    cudaGetLastError();
    return best;
}

} // namespace

void cuda_libraries_prepare(struct cuda_libraries *l, struct job *job)
{
    std::string key = key_of(l, *job), name = known(key);
    std::unique_ptr<cuda_way> best;

    if (name == OWN || (!l->cudnn && !l->cublas))
        return;
    if (!name.empty()) {
        cuda_ways ways = ways_of(l, job, name.c_str());

        if (!ways.empty()) {
            take_way(l, std::move(ways.front()), job);
            return;
        }
    }
    best = fastest(l, job);
    keep(key, best ? best->name : OWN);
    if (best)
        take_way(l, std::move(best), job);
}

bool cuda_libraries_launch(struct cuda_libraries *l, const struct job *job, char *text, size_t size)
{
    cuda_way *way = (cuda_way *)job->plan;

    if (way->run(job, l->stream) && cudaGetLastError() == cudaSuccess)
        return true;
    snprintf(text, size, "%s failed", way->name);
    return false;
}
