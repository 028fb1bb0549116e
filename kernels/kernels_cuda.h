// The CUDA column of the table of kernels: the same jobs on an NVIDIA GPU.
//
// It is a library of its own, built where nvcc is and loaded at run time (cuda_library.h), so that
// the program starts on machines without CUDA. Jobs are those of the CPU, with device memory behind
// each of their pointers; `bands` and `threads` count for nothing, `scratch` has the size that the
// functions below say. Work is queued on the stream and may not have begun when the call returns.
// Results are those of plain C, bit for bit.
//
// False: the launch was refused; the thread's next device.wait() tells it too, and its text is kept
// for device.error().
//
// Thread-safety: safe on disjoint outputs; one CUDA context.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/carry.h"
#include "kernels/colour.h"
#include "kernels/device.h"
#include "kernels/edges.h"
#include "kernels/enlarge.h"
#include "kernels/glance.h"
#include "kernels/levels.h"
#include "kernels/luma.h"
#include "kernels/marks.h"
#include "kernels/motion.h"
#include "kernels/overlay.h"
#include "kernels/plates.h"
#include "kernels/press.h"
#include "kernels/range.h"
#include "kernels/refine.h"
#include "kernels/resize.h"
#include "kernels/spread.h"
#include "kernels/shrink.h"
#include "kernels/snap.h"
#include "kernels/steady.h"
#include "kernels/strips.h"
#include "kernels/strokes.h"
#include "kernels/synth.h"

#ifdef __cplusplus
extern "C" {
#endif

struct CUstream_st; // a cudaStream_t; NULL: the default stream
// cudaStreamPerThread: the default stream of whichever thread calls.
#define KERNELS_CUDA_PER_THREAD ((struct CUstream_st *)2)

typedef bool kernel_colour_cuda(const struct colour_job *job, struct CUstream_st *stream);
typedef bool kernel_resize_cuda(const struct resize_job *job, struct CUstream_st *stream);
typedef bool kernel_shrink_cuda(const struct shrink_job *job, struct CUstream_st *stream);
typedef bool kernel_levels_cuda(const struct levels_job *job, struct CUstream_st *stream);
typedef bool kernel_motion_cuda(const struct motion_job *job, struct CUstream_st *stream);
typedef bool kernel_steady_cuda(const struct steady_job *job, struct CUstream_st *stream);
typedef bool kernel_snap_cuda(const struct snap_job *job, struct CUstream_st *stream);
typedef bool kernel_refine_cuda(const struct refine_job *job, struct CUstream_st *stream);
typedef bool kernel_synth_cuda(const struct synth_job *job, struct CUstream_st *stream);
typedef bool kernel_overlay_cuda(const struct overlay_job *job, struct CUstream_st *stream);
typedef bool kernel_luma_cuda(const struct luma_job *job, struct CUstream_st *stream);
typedef bool kernel_grey_cuda(const struct grey_job *job, struct CUstream_st *stream);
typedef bool kernel_carry_cuda(const struct carry_job *job, struct CUstream_st *stream);
typedef bool kernel_spread_cuda(const struct spread_job *job, struct CUstream_st *stream);
typedef bool kernel_range_cuda(const struct range_job *job, struct CUstream_st *stream);
typedef bool kernel_enlarge_cuda(const struct enlarge_job *job, struct CUstream_st *stream);
typedef bool kernel_edges_cuda(const struct edges_job *job, struct CUstream_st *stream);
typedef bool kernel_press_cuda(const struct press_job *job, struct CUstream_st *stream);
typedef bool kernel_marks_cuda(const struct marks_job *job, struct CUstream_st *stream);
typedef bool kernel_strokes_cuda(const struct strokes_job *job, struct CUstream_st *stream);
typedef bool kernel_plates_cuda(const struct plates_job *job, struct CUstream_st *stream);
typedef bool kernel_strips_cuda(const struct strips_job *job, struct CUstream_st *stream);
typedef bool kernel_glance_cuda(const struct glance_job *job, struct CUstream_st *stream);

struct kernels_cuda {
    // True: a GPU is here, and text is its name. False: text says why there is none to use.
    bool (*probe)(char *text, size_t size);
    // The GPU with this UUID (16 bytes; NULL: the first), for device.enter(). -1: text says why
    // not.
    int (*find)(const uint8_t *uuid, char *text, size_t size);
    const struct device *device;
    kernel_colour_cuda *colour;
    kernel_resize_cuda *resize;
    kernel_shrink_cuda *shrink;
    kernel_levels_cuda *levels;
    kernel_motion_cuda *motion;
    kernel_steady_cuda *steady;
    kernel_snap_cuda *snap;
    kernel_refine_cuda *refine;
    kernel_synth_cuda *synth;
    kernel_overlay_cuda *overlay;
    kernel_luma_cuda *luma;
    kernel_grey_cuda *grey;
    kernel_carry_cuda *carry;
    kernel_spread_cuda *spread;
    kernel_range_cuda *range;
    kernel_enlarge_cuda *enlarge;
    kernel_edges_cuda *edges;
    kernel_press_cuda *press;
    kernel_marks_cuda *marks;
    kernel_strokes_cuda *strokes;
    kernel_plates_cuda *plates;
    kernel_strips_cuda *strips;
    kernel_glance_cuda *glance;
    // What refine_job.scratch and synth_job.scratch must have, in device memory.
    size_t (*refine_scratch_floats)(int grid_width, int grid_height);
    size_t (*synth_scratch_floats)(int width, int height);
};

// The library's only symbol.
const struct kernels_cuda *deep3d_kernels_cuda(void);

kernel_colour_cuda colour_cuda;
kernel_resize_cuda resize_cuda;
kernel_shrink_cuda shrink_cuda;
kernel_levels_cuda levels_cuda;
kernel_motion_cuda motion_cuda;
kernel_steady_cuda steady_cuda;
kernel_snap_cuda snap_cuda;
kernel_refine_cuda refine_cuda;
kernel_synth_cuda synth_cuda;
kernel_overlay_cuda overlay_cuda;
kernel_luma_cuda luma_cuda;
kernel_grey_cuda grey_cuda;
kernel_carry_cuda carry_cuda;
kernel_spread_cuda spread_cuda;
kernel_range_cuda range_cuda;
kernel_enlarge_cuda enlarge_cuda;
kernel_edges_cuda edges_cuda;
kernel_press_cuda press_cuda;
kernel_marks_cuda marks_cuda;
kernel_strokes_cuda strokes_cuda;
kernel_plates_cuda plates_cuda;
kernel_strips_cuda strips_cuda;
kernel_glance_cuda glance_cuda;
size_t refine_cuda_scratch_floats(int grid_width, int grid_height);
size_t synth_cuda_scratch_floats(int width, int height);
extern const struct device kernels_cuda_device;
// For the launchers: whether the last launch was taken.
bool kernels_cuda_launched(void);

#ifdef __cplusplus
}
#endif
