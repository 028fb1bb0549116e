// The table of kernels: all per-pixel work, behind one set of function pointers.
//
// Each kernel has its contract in its own header. The plain C column is complete; columns for
// better processors overwrite it at run time. No slot is ever NULL. Kernels allocate nothing and
// log nothing; all give the same bits as plain C. What a job points to lies in the memory of the
// column's device (device.h), from which its user allocates; on a GPU a call only queues the work.
//
// Thread-safety: safe.
#pragma once
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
#include "kernels/select.h"
#include "kernels/shrink.h"
#include "kernels/snap.h"
#include "kernels/steady.h"
#include "kernels/strips.h"
#include "kernels/strokes.h"
#include "kernels/synth.h"
#include "kernels/yuv.h"

struct kernels {
    const char *name; // for people: "plain C", "AVX2", "AVX-512", "CUDA"
    const struct device *device;
    kernel_colour *colour;
    kernel_resize *resize;
    kernel_shrink *shrink;
    kernel_levels *levels;
    kernel_motion *motion;
    kernel_steady *steady;
    kernel_snap *snap;
    kernel_refine *refine;
    kernel_synth *synth;
    kernel_overlay *overlay;
    kernel_luma *luma;
    kernel_grey *grey;
    kernel_carry *carry;
    kernel_spread *spread;
    kernel_range *range;
    kernel_enlarge *enlarge;
    kernel_edges *edges;
    kernel_press *press;
    kernel_marks *marks;
    kernel_strokes *strokes;
    kernel_plates *plates;
    kernel_strips *strips;
    kernel_glance *glance;
    // what refine_job.scratch and synth_job.scratch must have
    size_t (*refine_scratch_bytes)(int grid_width, int grid_height, int bands);
    size_t (*synth_scratch_bytes)(int width, int height, int bands);
    // The rest works in the host's memory, in a GPU's column too.
    kernel_select *select;
    kernel_yuv *yuv;
    kernel_refine_rows *refine_rows;
    // parts of synth and select, in the table so that they can be tested alone
    kernel_synth_map *synth_map;
    kernel_sample_row *sample_row;
    kernel_sample_row16 *sample_row16;
    kernel_select_row *select_row;
};

// The best that this processor runs.
const struct kernels *kernels_best(void);
// All columns that this processor runs, plain C first; NULL past the last.
const struct kernels *kernels_column(int index);
// The column of NVIDIA's GPUs; lives as long as the program. uuid: 16 bytes, NULL: the first GPU;
// *out_index: for device.enter(); text: its name. NULL: text says why there is none to use.
const struct kernels *kernels_gpu(const uint8_t *uuid, int *out_index, char *text, size_t size);
