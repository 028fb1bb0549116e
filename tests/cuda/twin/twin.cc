#include <chrono>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <ucontext.h>
#include <vector>

#include "cuda_fp16.h"
#include "cuda_runtime.h"
#include "memory.h"
#include "report.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define WARP 32
#define STACK_BYTES (256 * 1024)
// Of a block, as most GPUs have: 99 KiB.
#define SHARED_BYTES (99 * 1024)
#define PROCESSORS 3

thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace
{

enum state { READY, AT_BLOCK, AT_WARP, DONE };

// A context is entered once by setcontext(), and from then on by longjmp(), which asks nothing of
// the kernel.
struct fiber {
    ucontext_t context;
    jmp_buf place_left;
    bool entered;
    char *stack;
    enum state state;
    dim3 place;
    int given[2]; // bits of the last two shuffles
    int turn;
    void *shadow;
};

struct run {
    jmp_buf scheduler;
    void *shadow;
    const void *bottom;
    size_t size;
    std::vector<fiber> fibers;
    int current;
    const std::function<void()> *body;
    void *shared;
};

thread_local run *now;

[[noreturn]] void stop(const char *why)
{
    fprintf(stderr, "CUDA's twin: %s\n", why);
    abort();
}

void switch_begin(void **save, const void *bottom, size_t size)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(save, bottom, size);
#endif
}

void switch_end(void *save, const void **bottom, size_t *size)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(save, bottom, size);
#endif
}

void enter()
{
    fiber &f = now->fibers[now->current];

    switch_end(NULL, &now->bottom, &now->size);
    (*now->body)();
    f.state = DONE;
    switch_begin(NULL, now->bottom, now->size);
    _longjmp(now->scheduler, 1);
}

// Not inlined: what stands in registers across a jump is lost.
__attribute__((noinline)) void resume(int index)
{
    fiber &f = now->fibers[index];

    now->current = index;
    threadIdx = f.place;
    switch_begin(&now->shadow, f.stack, STACK_BYTES);
    if (_setjmp(now->scheduler) == 0) {
        if (f.entered)
            _longjmp(f.place_left, 1);
        f.entered = true;
        setcontext(&f.context);
    }
    switch_end(now->shadow, NULL, NULL);
}

// The running fiber waits until the others have come.
__attribute__((noinline)) void meet(enum state state)
{
    if (!now)
        stop("a kernel whose threads wait for each other is launched by CUDA_LAUNCH_TOGETHER");
    fiber &f = now->fibers[now->current];

    f.state = state;
    switch_begin(&f.shadow, now->bottom, now->size);
    if (_setjmp(f.place_left) == 0)
        _longjmp(now->scheduler, 1);
    switch_end(f.shadow, &now->bottom, &now->size);
}

// Lets those of fibers [first, end) go on that wait in `state`, if all that still run do.
bool release(int first, int end, enum state state)
{
    int waiting = 0, running = 0;

    for (int i = first; i < end; i++) {
        waiting += now->fibers[i].state == state;
        running += now->fibers[i].state != DONE;
    }
    if (!waiting || waiting != running)
        return false;
    for (int i = first; i < end; i++)
        if (now->fibers[i].state == state)
            now->fibers[i].state = READY;
    return true;
}

void run_fibers(bool backwards)
{
    int count = (int)now->fibers.size();

    for (bool some = true; some;) {
        bool left = false;

        some = false;
        for (int i = 0; i < count; i++) {
            int index = backwards ? count - 1 - i : i;

            if (now->fibers[index].state == READY) {
                resume(index);
                some = true;
            }
        }
        for (int i = 0; i < count; i += WARP)
            some |= release(i, i + WARP < count ? i + WARP : count, AT_WARP);
        some |= release(0, count, AT_BLOCK);
        for (const fiber &f : now->fibers)
            left |= f.state != DONE;
        if (left && !some)
            stop("the threads of a block wait for each other for ever");
        some = left;
    }
}

dim3 place_of(dim3 block, unsigned index)
{
    return dim3(index % block.x, index / block.x % block.y, index / block.x / block.y);
}

void run_block(dim3 block, size_t shared, bool backwards, const std::function<void()> &body)
{
    static thread_local std::vector<std::unique_ptr<char[]>> stacks;
    unsigned count = block.x * block.y * block.z;
    struct run r;

    while (stacks.size() < count)
        stacks.emplace_back(new char[STACK_BYTES]);
    r.fibers.resize(count);
    r.body = &body;
    r.shared = aligned_alloc(16, (shared + 15) / 16 * 16);
    memset(r.shared, 0xa5, shared);
    now = &r;
    for (unsigned i = 0; i < count; i++) {
        fiber &f = r.fibers[i];

        f.stack = stacks[i].get();
        f.state = READY;
        f.place = place_of(block, i);
        f.turn = 0;
        f.entered = false;
        f.shadow = NULL;
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = f.stack;
        f.context.uc_stack.ss_size = STACK_BYTES;
        f.context.uc_link = NULL;
        makecontext(&f.context, enter, 0);
    }
    run_fibers(backwards);
    free(r.shared);
    now = NULL;
}

void run_alone(dim3 block, const std::function<void()> &body)
{
    unsigned count = block.x * block.y * block.z;

    for (unsigned i = 0; i < count; i++) {
        threadIdx = place_of(block, i);
        body();
    }
}

void run_all(dim3 grid, dim3 block, long shared, const std::function<void()> &body)
{
    unsigned count = grid.x * grid.y * grid.z;

    if (block.x * block.y * block.z > 1024 || !count || shared > SHARED_BYTES)
        stop("a GPU takes no such launch");
    blockDim = block;
    gridDim = grid;
    for (unsigned i = 0; i < count; i++) {
        blockIdx = place_of(grid, i);
        if (shared == CUDA_TWIN_ALONE)
            run_alone(block, body);
        else
            run_block(block, (size_t)shared, i % 2 != 0, body);
    }
}

// Gives value to the warp; the place of the one that was given by lane `from` of it, or its own.
int shuffle(int value, int from)
{
    if (!now)
        meet(AT_WARP);
    fiber &f = now->fibers[now->current];
    int lane = now->current % WARP, turn = f.turn;
    size_t source = (size_t)(now->current - lane + from);

    f.given[turn] = value;
    f.turn = !turn; // until all have met again, nobody overwrites what is read now
    meet(AT_WARP);
    return from >= 0 && from < WARP && source < now->fibers.size() ? now->fibers[source].given[turn]
                                                                   : value;
}

float shuffle_float(float value, int from)
{
    int bits;

    memcpy(&bits, &value, sizeof(bits));
    bits = shuffle(bits, from);
    memcpy(&value, &bits, sizeof(bits));
    return value;
}

int lane_here()
{
    return now ? now->current % WARP : 0;
}

} // namespace

struct cuda_twin_graph {
    std::vector<std::function<void()>> work;
};

struct CUstream_st {
    cuda_twin_graph *recording;
};

static void run_or_record(cudaStream_t stream, std::function<void()> work)
{
    if (stream && stream != cudaStreamPerThread && stream->recording) {
        stream->recording->work.push_back(std::move(work));
        return;
    }
    cuda_twin_work here;
    work();
}

// The host's side of a copy may not be device memory.
static void note_copy(const void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    if ((kind == cudaMemcpyHostToDevice && cuda_twin_owns(from)) ||
        (kind == cudaMemcpyDeviceToHost && cuda_twin_owns(to)))
        stop("a copy to or from the host is given device memory in the host's place");
    cuda_twin_note_copy(kind, bytes);
}

void cuda_twin_run(dim3 grid, dim3 block, long shared, cudaStream_t stream,
                   std::function<void()> body)
{
    run_or_record(stream, [=] { run_all(grid, block, shared, body); });
}

void __syncthreads(void)
{
    meet(AT_BLOCK);
}

void __syncwarp(unsigned mask)
{
    meet(AT_WARP);
}

void *cuda_twin_shared(void)
{
    return now->shared;
}

float __shfl_xor_sync(unsigned mask, float value, int lane_mask)
{
    return shuffle_float(value, lane_here() ^ lane_mask);
}

float __shfl_up_sync(unsigned mask, float value, unsigned delta)
{
    return shuffle_float(value, lane_here() - (int)delta);
}

float __shfl_sync(unsigned mask, float value, int lane)
{
    return shuffle_float(value, lane);
}

int __shfl_xor_sync(unsigned mask, int value, int lane_mask)
{
    return shuffle(value, lane_here() ^ lane_mask);
}

int __shfl_up_sync(unsigned mask, int value, unsigned delta)
{
    return shuffle(value, lane_here() - (int)delta);
}

int __shfl_down_sync(unsigned mask, int value, unsigned delta)
{
    return shuffle(value, lane_here() + (int)delta);
}

int __shfl_sync(unsigned mask, int value, int lane)
{
    return shuffle(value, lane);
}

unsigned __ballot_sync(unsigned mask, int predicate)
{
    unsigned bits = 0;
    int first, turn;

    shuffle(predicate != 0, lane_here());
    first = now->current - now->current % WARP;
    turn = !now->fibers[now->current].turn; // of what has just been given
    for (int lane = 0; lane < WARP && (size_t)(first + lane) < now->fibers.size(); lane++)
        bits |= (unsigned)now->fibers[first + lane].given[turn] << lane;
    return bits;
}

float __half2float(__half h)
{
    unsigned sign = (unsigned)(h.bits & 0x8000) << 16, exponent = h.bits >> 10 & 31,
             fraction = h.bits & 0x3ff, bits;
    float f;

    if (exponent == 0) {
        f = ldexpf((float)fraction, -24);
        return sign ? -f : f;
    }
    bits = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

__half __float2half_rn(float f)
{
    unsigned bits;
    unsigned short sign;
    float size = fabsf(f);

    memcpy(&bits, &f, sizeof(bits));
    sign = (unsigned short)(bits >> 16 & 0x8000);
    if (std::isnan(f))
        return {0x7fff};
    if (size >= 65520.0f)
        return {(unsigned short)(sign | 0x7c00)};
    if (size < 6.103515625e-5f) // below the smallest normal one: in steps of 2^-24
        return {(unsigned short)(sign | (unsigned short)nearbyintf(ldexpf(size, 24)))};
    bits &= 0x7fffffff;
    bits += 0xfff + (bits >> 13 & 1);
    return {(unsigned short)(sign | ((bits >> 13) - (112u << 10)))};
}

cudaError_t cudaGetLastError(void)
{
    return cudaSuccess;
}

const char *cudaGetErrorString(cudaError_t error)
{
    return error == cudaSuccess ? "no error" : "an error of CUDA's twin";
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = 1;
    return cudaSuccess;
}

cudaError_t cudaGetDevice(int *device)
{
    *device = 0;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    return device == 0 ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device)
{
    const char *digits = getenv("CUDA_TWIN_UUID");

    *properties = cudaDeviceProp{"CUDA's twin on the processor", {}, PROCESSORS, 0, 0};
    for (int i = 0; digits && i < 16; i++) {
        unsigned byte = 0;

        sscanf(digits + 2 * i, "%2x", &byte);
        properties->uuid.bytes[i] = (char)byte;
    }
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    *value = attribute == cudaDevAttrMultiProcessorCount ? PROCESSORS : SHARED_BYTES;
    return cudaSuccess;
}

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    *memory = cuda_twin_take(bytes);
    cuda_twin_note_allocation();
    return *memory ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFree(void *memory)
{
    if (!cuda_twin_unmap(memory))
        cuda_twin_give(memory);
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    *memory = aligned_alloc(256, (bytes + 255) / 256 * 256);
    cuda_twin_note_allocation();
    if (!*memory)
        return cudaErrorMemoryAllocation;
    memset(*memory, 0xa5, bytes);
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *memory)
{
    free(memory);
    return cudaSuccess;
}

cudaError_t cudaMemset(void *memory, int value, size_t bytes)
{
    return cudaMemsetAsync(memory, value, bytes, NULL);
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    return cudaMemcpyAsync(to, from, bytes, kind, NULL);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    run_or_record(stream, [=] {
        note_copy(to, from, bytes, kind);
        memcpy(to, from, bytes);
    });
    return cudaSuccess;
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_stride, const void *from, size_t from_stride,
                              size_t row_bytes, size_t rows, enum cudaMemcpyKind kind,
                              cudaStream_t stream)
{
    run_or_record(stream, [=] {
        note_copy(to, from, row_bytes * rows, kind);
        for (size_t y = 0; y < rows; y++)
            memcpy((char *)to + y * to_stride, (const char *)from + y * from_stride, row_bytes);
    });
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream)
{
    run_or_record(stream, [=] { memset(memory, value, bytes); });
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize(void)
{
    return cuda_twin_health();
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    *stream = new CUstream_st{NULL};
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    delete stream;
    return cudaSuccess;
}

// The legacy stream, which only clears memory, is no place where pictures are waited for.
cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    return stream ? cuda_twin_health() : cudaSuccess;
}

// There is nothing to wait for.
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags)
{
    return cudaSuccess;
}

struct CUevent_st {
    std::chrono::steady_clock::time_point at;
};

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    *event = new CUevent_st;
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    return cudaEventCreate(event);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    event->at = std::chrono::steady_clock::now();
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    return cuda_twin_health();
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    *ms = std::chrono::duration<float, std::milli>(to->at - from->at).count();
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    stream->recording = new cuda_twin_graph();
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    *graph = stream->recording;
    stream->recording = NULL;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *replay, cudaGraph_t graph,
                                 unsigned long long flags)
{
    *replay = new cuda_twin_graph(*graph);
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t replay, cudaStream_t stream)
{
    cuda_twin_work here;

    for (const auto &work : replay->work)
        work();
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t replay)
{
    delete replay;
    return cudaSuccess;
}
