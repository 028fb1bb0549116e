#include "kernels/cuda_launch.h"
#include "kernels/edges_math.h"
#include "kernels/kernels_cuda.h"

// A warp takes one line.
#define WARP 32
#define LINES 4 // a block
#define ALL 0xffffffffu

static __global__ void look(const struct edges_job job)
{
    int lane = threadIdx.x, n = blockIdx.x * LINES + threadIdx.y, side = blockIdx.y, bright = 0;
    int lines = edges_lines(job.in.width, job.in.height, side);

    if (n >= lines)
        return;
    struct edges_line l = edges_line_of(&job.in, side, n);
    for (int i = 0; i < l.count; i += WARP)
        bright += __popc(__ballot_sync(ALL, i + lane < l.count && edges_bright(&l, i + lane)));
    if (lane > 0)
        return;
    float part = edges_part(&l, bright);
    if (part > EDGES_DARK)
        atomicMax(&job.out->side[side].not_dark, (uint32_t)(lines - n));
    if (part >= EDGES_LIT)
        atomicMax(&job.out->side[side].lit, (uint32_t)(lines - n));
}

bool edges_cuda(const struct edges_job *job, struct CUstream_st *stream)
{
    int most = (job->in.width > job->in.height ? job->in.width : job->in.height) / EDGES_PART;

    cudaMemsetAsync(job->out, 0, sizeof(*job->out), stream);
    if (most > 0)
        CUDA_LAUNCH_TOGETHER(look, dim3((most + LINES - 1) / LINES, EDGES_SIDES), dim3(WARP, LINES),
                             stream, *job);
    return kernels_cuda_launched();
}
