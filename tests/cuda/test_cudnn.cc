// What cuDNN offers for convolutions, asked for a GPU that is not here: without it no way can be
// run, but which ones there are, and how long it takes to learn of them, shows all the same. The
// convolutions of our networks must have ready-made kernels that do everything at once; were they
// compiled at run time, as much as a bias of another type makes cuDNN do, a network would take half
// a minute to plan.
extern "C" {
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
}

#include <chrono>
#include <cstdio>
#include <cstring>

#include "engine/nn/cuda_way.h"

// What cuDNN knows of an H100, by cuDNN 9.19's names.
static const char h100[] =
    R"({"deviceName":"NVIDIA H100 80GB HBM3","cudaDeviceId":0,"deviceVer":900,"driverVer":13000,
"multiProcessorCount":132,"maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64],
"regsPerBlock":65536,"warpSize":32,"maxSharedMemoryPerBlock":49152,
"maxSharedMemoryPerBlockOptin":232448,"reservedSharedMemoryPerBlock":1024,"maxRegistersPerSM":65536,
"maxCtasPerSM":32,"maxThreadsPerBlock":1024,"maxThreadsPerSM":2048,"pciDeviceId":0,"isTccDriver":0,
"supportCoopLaunch":1,"smClockRateKHz":1980000,"memClockRateKHz":2619000,"l2CacheSize":52428800,
"totalGlobalMem":85023784960})";

static struct cuda_cudnn *cudnn;

// There is nothing to run here.
void cuda_epilogue(const struct job *job, cudaStream_t stream)
{
}

struct convolution {
    int height, width, inputs, kernel, stride, outputs;
    bool residual;
    enum activation activation;
};

// Those of the default network, and of others.
static const struct convolution fused[] = {
    {192, 320, 3, 3, 2, 16, false, ACTIVATION_RELU},
    {96, 160, 16, 3, 2, 32, false, ACTIVATION_RELU},
    {48, 80, 32, 3, 1, 32, true, ACTIVATION_RELU},
    {24, 40, 64, 3, 1, 64, true, ACTIVATION_RELU},
    {12, 20, 128, 3, 1, 128, false, ACTIVATION_RELU},
    {12, 20, 128, 3, 1, 128, true, ACTIVATION_RELU},
    {12, 20, 128, 1, 1, 64, false, ACTIVATION_NONE},
    {24, 40, 64, 1, 1, 64, true, ACTIVATION_RELU},
    {96, 160, 32, 3, 1, 32, false, ACTIVATION_RELU},
    {96, 160, 32, 1, 1, 33, false, ACTIVATION_NONE},
    {37, 37, 384, 3, 1, 64, false, ACTIVATION_NONE},
    {148, 148, 64, 3, 1, 64, true, ACTIVATION_NONE},
};

// Memory is only said to be there.
static struct job_tensor somewhere(enum nn_type type, int height, int width, int channels)
{
    static char memory;

    return {&memory,
            type,
            0,
            {height * width * channels, height * width * channels, width * channels, channels, 1}};
}

static struct job job_of(const struct convolution &c, enum nn_type type)
{
    struct job j = {};
    struct job_window &w = j.u.window;
    int pad = c.kernel / 2, height = (c.height + 2 * pad - c.kernel) / c.stride + 1,
        width = (c.width + 2 * pad - c.kernel) / c.stride + 1;

    j.kind = JOB_CONV;
    j.rank = 5;
    j.dims[0] = j.dims[1] = 1;
    j.dims[2] = height;
    j.dims[3] = width;
    j.dims[4] = c.outputs;
    j.count = height * width * c.outputs;
    w = {{1, c.height, c.width},
         {1, c.kernel, c.kernel},
         {1, c.stride, c.stride},
         {1, 1, 1},
         {0, pad, pad},
         {0, pad, pad},
         1,
         c.inputs,
         c.outputs};
    j.t[0] = somewhere(type, height, width, c.outputs);
    j.t[1] = somewhere(type, c.height, c.width, c.inputs);
    j.t[2] = j.t[5] = j.t[0];
    j.t[3] = somewhere(NN_FLOAT32, 1, 1, c.outputs);
    if (c.residual)
        j.t[4] = j.t[0];
    j.activation = c.activation;
    return j;
}

static bool is_alone(const cuda_way &way)
{
    return strstr(way.name, "alone") != NULL;
}

// Each way can be had again by its name.
static void assert_named(const struct job &j, const cuda_ways &ways)
{
    for (const auto &way : ways) {
        cuda_ways again = cuda_cudnn_ways(cudnn, &j, way->name);

        assert_int_equal(again.size(), 1);
        assert_string_equal(again[0]->name, way->name);
        assert_int_equal(again[0]->workspace_bytes, way->workspace_bytes);
        assert_int_equal(again[0]->bare, way->bare);
    }
}

static void ready_made(void **state)
{
    auto begin = std::chrono::steady_clock::now();
    double seconds;

    for (const struct convolution &c : fused)
        for (enum nn_type type : {NN_FLOAT16, NN_FLOAT32}) {
            struct job j = job_of(c, type);
            cuda_ways ways = cuda_cudnn_ways(cudnn, &j, NULL);

            assert_true(!ways.empty());
            for (const auto &way : ways)
                assert_true(type == NN_FLOAT32 || !is_alone(*way));
            assert_named(j, ways);
        }
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    printf("%zu convolutions in two types asked for in %.2f s\n", sizeof(fused) / sizeof(*fused),
           seconds);
    assert_true(seconds < 0.3 * 2 * sizeof(fused) / sizeof(*fused));
}

// What is left to our own kernel: activations that have nothing ready-made, transposed ones.
static void others_stand_alone(void **state)
{
    struct job clip = job_of(fused[2], NN_FLOAT16), transposed = job_of(fused[6], NN_FLOAT16);

    clip.activation = ACTIVATION_CLIP;
    clip.b = 6.0f;
    transposed.u.window.transpose = true;
    for (const struct job &j : {clip, transposed}) {
        cuda_ways ways = cuda_cudnn_ways(cudnn, &j, NULL);

        assert_true(!ways.empty());
        for (const auto &way : ways)
            assert_true(is_alone(*way) && way->bare);
        assert_named(j, ways);
    }
}

// Names come from a file that anybody may have written.
static void hostile_names(void **state)
{
    static const char *const names[] = {
        "",
        "own",
        "cuDNN ",
        "cuDNN x",
        "cuDNN -1",
        "cuDNN 99999999999999999999",
        "cuDNN 4000",
        "cuDNN 10 junk",
        "cuDNN 10 2=",
        "cuDNN 10 2=99999999999",
        "cuDNN 10 -7=2",
        "cuDNN 10 9999=1",
        "cuDNN alone ",
        "cuDNN alone 77 2=1",
        "cuBLASLt 0",
        "cuDNN 10 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 "
        "1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1"};
    struct job j = job_of(fused[2], NN_FLOAT16);

    for (const char *name : names)
        assert_true(cuda_cudnn_ways(cudnn, &j, name).empty());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ready_made),
                                       cmocka_unit_test(others_stand_alone),
                                       cmocka_unit_test(hostile_names)};
    char text[96];
    int failed;

    cudnn = cuda_cudnn_open(NULL, h100, text, sizeof(text));
    if (!cudnn) {
        printf("SKIPPED: %s\n", text);
        return 77;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    cuda_cudnn_close(cudnn);
    return failed;
}
