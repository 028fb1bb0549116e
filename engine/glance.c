#include "engine/glance.h"

#include <string.h>

#include "engine/picture.h"

static float sample(const struct colour_component *c, bool wide, int x, int y)
{
    const uint8_t *row = c->samples + (y >> c->shift_y) * c->stride_bytes;
    ptrdiff_t at = (ptrdiff_t)(x >> c->shift_x) * c->step;

    return wide ? ((const uint16_t *)(const void *)row)[at] : row[at];
}

void glance_take(struct glance *out, const struct deep3d_picture *picture)
{
    struct colour_job job = picture_colour_job(picture);

    for (int y = 0; y < GLANCE_HEIGHT; y++) {
        int v = (2 * y + 1) * job.height / (2 * GLANCE_HEIGHT);
        for (int x = 0; x < GLANCE_WIDTH; x++) {
            int u = (2 * x + 1) * job.width / (2 * GLANCE_WIDTH);
            float s[3];
            for (int i = 0; i < 3; i++)
                s[i] = sample(&job.component[i], job.wide, u, v);
            uint32_t pixel = colour_pixel(&job.matrix, s[0], s[1], s[2]);
            memcpy(out->pixels[y] + x * 4, &pixel, 4);
        }
    }
}

struct image glance_image(struct glance *glance)
{
    return (struct image){glance->pixels[0], GLANCE_WIDTH, GLANCE_HEIGHT, GLANCE_WIDTH * 4};
}
