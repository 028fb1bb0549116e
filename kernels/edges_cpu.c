#include "kernels/columns.h"
#include "kernels/edges_math.h"
#include "kernels/variant.h"

static float bright_part(const struct image *p, int side, int n)
{
    struct edges_line l = edges_line_of(p, side, n);
    int bright = 0;

    for (int i = 0; i < l.count; i++)
        bright += edges_bright(&l, i);
    return edges_part(&l, bright);
}

void KERNEL(edges)(const struct edges_job *job)
{
    for (int side = 0; side < EDGES_SIDES; side++) {
        uint32_t left = (uint32_t)edges_lines(job->in.width, job->in.height, side);
        struct edges_side_lines *out = &job->out->side[side];
        *out = (struct edges_side_lines){0};
        for (int n = 0; left > 0 && out->lit == 0; n++, left--) {
            float part = bright_part(&job->in, side, n);
            if (part > EDGES_DARK && out->not_dark == 0)
                out->not_dark = left;
            if (part >= EDGES_LIT)
                out->lit = left;
        }
    }
}
