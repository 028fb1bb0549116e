// The twin's device memory: open to what runs on the device, as far as its block goes.
extern "C" {
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
}

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include "cuda_runtime.h"

#define COUNT 1000

static __global__ void add(const int *from, int *to, int what)
{
    to[threadIdx.x] = from[threadIdx.x] + what;
}

static int *on_device()
{
    void *memory;

    assert_int_equal(cudaMalloc(&memory, COUNT * sizeof(int)), cudaSuccess);
    return (int *)memory;
}

// How a child ends that does it: the signal, or 0.
template <class F> static int signal_of(F what)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); // cmocka's is not wanted
        signal(SIGABRT, SIG_DFL);
        what();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void the_device_works(void **)
{
    int host[COUNT], *a = on_device(), *b = on_device();

    for (int i = 0; i < COUNT; i++)
        host[i] = i;
    cudaMemcpy(a, host, sizeof(host), cudaMemcpyHostToDevice);
    CUDA_LAUNCH(add, 1, COUNT, cudaStreamPerThread, a, b, 7);
    cudaMemset(a, 0, sizeof(host));
    cudaMemcpy(a, b, sizeof(host) / 2, cudaMemcpyDeviceToDevice);
    cudaMemcpy(host, a, sizeof(host), cudaMemcpyDeviceToHost);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(host[i], i < COUNT / 2 ? i + 7 : 0);
    cudaFree(a);
    cudaFree(b);
}

static void the_host_is_kept_out(void **)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#endif
    int *a = on_device(), *b = on_device();
    volatile int *there = a;

    assert_int_equal(signal_of([=] { (void)there[COUNT - 1]; }), SIGSEGV);
    assert_int_equal(signal_of([=] { there[0] = 1; }), SIGSEGV);
    assert_int_equal(signal_of([=] { cudaMemcpy(a, b, 4, cudaMemcpyHostToDevice); }), SIGABRT);
    assert_int_equal(signal_of([=] { cudaMemcpy(a, b, 4, cudaMemcpyDeviceToHost); }), SIGABRT);
    assert_int_equal(signal_of([=] {
                         CUDA_LAUNCH(add, 1, 1, NULL, b, a + COUNT, 1);
                         cudaFree(a);
                     }),
                     SIGABRT);
    cudaFree(a);
    cudaFree(b);
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_works),
        cmocka_unit_test(the_host_is_kept_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
