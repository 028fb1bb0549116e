#include "kernels/glance.h"

#include <string.h>

#include "kernels/columns.h"
#include "kernels/variant.h"

static inline float sample(const struct colour_component *c, bool wide, int x, int y)
{
    const uint8_t *row = c->samples + (y >> c->shift_y) * c->stride_bytes;
    ptrdiff_t at = (ptrdiff_t)(x >> c->shift_x) * c->step;

    return wide ? ((const uint16_t *)(const void *)row)[at] : row[at];
}

void KERNEL(glance)(const struct glance_job *job)
{
    const struct colour_job *p = &job->picture;
    uint8_t *out = job->out;

    for (int y = 0; y < job->height; y++) {
        int v = (2 * y + 1) * p->height / (2 * job->height);
        for (int x = 0; x < job->width; x++, out += 4) {
            int u = (2 * x + 1) * p->width / (2 * job->width);
            uint32_t pixel = colour_pixel(&p->matrix, sample(&p->component[0], p->wide, u, v),
                                          sample(&p->component[1], p->wide, u, v),
                                          sample(&p->component[2], p->wide, u, v));
            memcpy(out, &pixel, 4);
        }
    }
}
