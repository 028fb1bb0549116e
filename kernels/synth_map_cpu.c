#include "kernels/synth_walk.h"

#include "kernels/columns.h"
#include "kernels/variant.h"

void KERNEL(synth_map)(const float *place, int width, float tear_px, int soft_px, int32_t *out)
{
    struct synth_walk m = {place, width, out, tear_px, synth_reach(soft_px), 0};

    synth_left_border(&m);
    for (int x = 1; x < width && m.next < width; x++)
        x = synth_step(&m, x);
    synth_right_border(&m);
}
