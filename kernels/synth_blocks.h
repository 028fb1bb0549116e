// The walk of synth_walk.h for variants of synth_map that take several source pixels at once.
#pragma once
#include "kernels/synth_walk.h"
#include "kernels/variant.h"

// Source pixels x .. x + lanes - 1, x > 0; there is room for as many output pixels. False: nothing
// was done.
typedef bool synth_block(struct synth_walk *m, int x);

KERNEL_INLINE void synth_walk_blocks(struct synth_walk *m, int lanes, synth_block *block)
{
    int x = 1;

    synth_left_border(m);
    while (x < m->width && m->next < m->width) {
        if (x + lanes <= m->width && m->next + lanes <= m->width && block(m, x)) {
            x += lanes;
            continue;
        }
        for (int stop = x + lanes; x < stop && x < m->width && m->next < m->width; x++)
            x = synth_step(m, x);
    }
    synth_right_border(m);
}
