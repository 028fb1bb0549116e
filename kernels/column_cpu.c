#include "kernels/columns.h"
#include "kernels/variant.h"

#define NAME_OF_plain "plain C"
#define NAME_OF_avx2 "AVX2"
#define NAME_OF_avx512 "AVX-512"
#define NAME_PASTE(variant) NAME_OF_##variant
#define NAME_OF(variant) NAME_PASTE(variant)

const struct kernels KERNEL(kernels) = {
    .name = NAME_OF(KERNELS_VARIANT),
    .device = &device_host,
    .colour = KERNEL(colour),
    .resize = KERNEL(resize),
    .shrink = KERNEL(shrink),
    .levels = KERNEL(levels),
    .motion = KERNEL(motion),
    .steady = KERNEL(steady),
    .snap = KERNEL(snap),
    .refine = KERNEL(refine),
    .refine_rows = KERNEL(refine_rows),
    .synth = KERNEL(synth),
    .luma = KERNEL(luma),
    .grey = KERNEL(grey),
    .carry = KERNEL(carry),
    .spread = KERNEL(spread),
    .range = KERNEL(range),
    .enlarge = KERNEL(enlarge),
    .edges = KERNEL(edges),
    .press = KERNEL(press),
    .marks = KERNEL(marks),
    .strokes = KERNEL(strokes),
    .plates = KERNEL(plates),
    .strips = KERNEL(strips),
    .glance = KERNEL(glance),
    .refine_scratch_bytes = refine_bands_bytes,
    .synth_scratch_bytes = synth_bands_bytes,
    .overlay = KERNEL(overlay),
    .yuv = KERNEL(yuv),
    .synth_map = KERNEL(synth_map),
    .sample_row = KERNEL(sample_row),
    .sample_row16 = KERNEL(sample_row16),
    .select = KERNEL(select),
    .select_row = KERNEL(select_row),
};
