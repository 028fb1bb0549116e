// The compiled columns of the table; use kernels.h.
#pragma once
#include "kernels/kernels.h"

#define KERNELS_DECLARE(variant)                                                                   \
    extern const struct kernels kernels_##variant;                                                 \
    kernel_colour colour_##variant;                                                                \
    kernel_resize resize_##variant;                                                                \
    kernel_shrink shrink_##variant;                                                                \
    kernel_levels levels_##variant;                                                                \
    kernel_motion motion_##variant;                                                                \
    kernel_steady steady_##variant;                                                                \
    kernel_snap snap_##variant;                                                                    \
    kernel_refine refine_##variant;                                                                \
    kernel_refine_rows refine_rows_##variant;                                                      \
    kernel_overlay overlay_##variant;                                                              \
    kernel_yuv yuv_##variant;                                                                      \
    kernel_luma luma_##variant;                                                                    \
    kernel_grey grey_##variant;                                                                    \
    kernel_carry carry_##variant;                                                                  \
    kernel_spread spread_##variant;                                                                \
    kernel_range range_##variant;                                                                  \
    kernel_enlarge enlarge_##variant;                                                              \
    kernel_edges edges_##variant;                                                                  \
    kernel_press press_##variant;                                                                  \
    kernel_marks marks_##variant;                                                                  \
    kernel_strokes strokes_##variant;                                                              \
    kernel_plates plates_##variant;                                                                \
    kernel_strips strips_##variant;                                                                \
    kernel_glance glance_##variant;                                                                \
    kernel_synth synth_##variant;                                                                  \
    kernel_synth_map synth_map_##variant;                                                          \
    kernel_sample_row sample_row_##variant;                                                        \
    kernel_sample_row16 sample_row16_##variant;                                                    \
    kernel_select select_##variant;                                                                \
    kernel_select_row select_row_##variant;

// The same for all columns of the processor.
size_t refine_bands_bytes(int grid_width, int grid_height, int bands);
size_t synth_bands_bytes(int width, int height, int bands);

KERNELS_DECLARE(plain)
KERNELS_DECLARE(avx2)
KERNELS_DECLARE(avx512)
