#include "engine/glance.h"

#include "engine/picture.h"

struct glance_job glance_job(const struct deep3d_picture *picture, uint8_t *out)
{
    return (struct glance_job){picture_colour_job(picture), GLANCE_WIDTH, GLANCE_HEIGHT, out};
}

void glance_take(struct glance *out, const struct deep3d_picture *picture)
{
    struct glance_job job = glance_job(picture, out->pixels[0]);

    kernels_best()->glance(&job);
}

struct image glance_image(struct glance *glance)
{
    return (struct image){glance->pixels[0], GLANCE_WIDTH, GLANCE_HEIGHT, GLANCE_WIDTH * 4};
}
