#include <pthread.h>

#include "kernels/cuda_library.h"
#include "kernels/kernels.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
// set once:
static const struct kernels_cuda *cuda;
static struct kernels column;

#define QUEUED(kernel)                                                                             \
    static void kernel##_queued(const struct kernel##_job *job)                                    \
    {                                                                                              \
        cuda->kernel(job, KERNELS_CUDA_PER_THREAD);                                                \
    }

QUEUED(colour)
QUEUED(resize)
QUEUED(shrink)
QUEUED(levels)
QUEUED(motion)
QUEUED(steady)
QUEUED(snap)
QUEUED(refine)
QUEUED(synth)
QUEUED(overlay)
QUEUED(luma)
QUEUED(grey)
QUEUED(carry)
QUEUED(spread)
QUEUED(range)
QUEUED(enlarge)
QUEUED(edges)
QUEUED(press)
QUEUED(marks)
QUEUED(strokes)
QUEUED(plates)
QUEUED(strips)
QUEUED(glance)

static size_t refine_scratch_bytes(int grid_width, int grid_height, int bands)
{
    return cuda->refine_scratch_floats(grid_width, grid_height) * sizeof(float);
}

static size_t synth_scratch_bytes(int width, int height, int bands)
{
    return cuda->synth_scratch_floats(width, height) * sizeof(float);
}

static void make_column(void)
{
    char text[8];

    cuda = cuda_library(text, sizeof(text));
    column = *kernels_best();
    column.name = "CUDA";
    column.device = cuda->device;
    column.colour = colour_queued;
    column.resize = resize_queued;
    column.shrink = shrink_queued;
    column.levels = levels_queued;
    column.motion = motion_queued;
    column.steady = steady_queued;
    column.snap = snap_queued;
    column.refine = refine_queued;
    column.synth = synth_queued;
    column.overlay = overlay_queued;
    column.luma = luma_queued;
    column.grey = grey_queued;
    column.carry = carry_queued;
    column.spread = spread_queued;
    column.range = range_queued;
    column.enlarge = enlarge_queued;
    column.edges = edges_queued;
    column.press = press_queued;
    column.marks = marks_queued;
    column.strokes = strokes_queued;
    column.plates = plates_queued;
    column.strips = strips_queued;
    column.glance = glance_queued;
    column.refine_scratch_bytes = refine_scratch_bytes;
    column.synth_scratch_bytes = synth_scratch_bytes;
}

const struct kernels *kernels_gpu(const uint8_t *uuid, int *out_index, char *text, size_t size)
{
    const struct kernels_cuda *library = cuda_library(text, size);

    *out_index = library ? library->find(uuid, text, size) : -1;
    if (*out_index < 0)
        return NULL;
    pthread_once(&once, make_column);
    return &column;
}
