#include "tests/original/run.h"

#include <string.h>

#include "base/mem.h"
#include "engine/depth.h"
#include "engine/stereo.h"

bool run_open(struct run *r, const char *model)
{
    struct deep3d_params params = {.model = model};

    *r = (struct run){.stereo = stereo_create(kernels_best(), 0)};
    r->depth = depth_create(&params, kernels_best());
    return r->depth != NULL;
}

static void take_in(const struct run *r, const uint8_t *rgba, int width, int height)
{
    struct colour_job job = {.width = width,
                             .height = height,
                             .matrix = colour_matrix_for(COLOUR_IDENTITY, 8, 0, true, false),
                             .out = *stereo_picture(r->stereo)};

    for (int i = 0; i < 3; i++)
        job.component[i] = (struct colour_component){rgba + i, (ptrdiff_t)width * 4, 4, 0, 0};
    kernels_best()->colour(&job);
    depth_feed(r->depth, stereo_picture(r->stereo));
}

bool run_picture(struct run *r, const uint8_t *rgba, int width, int height)
{
    size_t plane = (size_t)width * (size_t)height;
    bool changed;

    if (!stereo_resize(r->stereo, width, height) ||
        !depth_resize(r->depth, width, height, &changed))
        return false;
    take_in(r, rgba, width, height);
    if (!depth_run(r->depth) || (r->probability = depth_original(r->depth)) == NULL)
        return false;
    r->width = depth_answer_size(r->depth).width;
    r->height = depth_answer_size(r->depth).height;
    mem_free(r->right);
    r->right = mem_new(3 * plane, sizeof(float));
    float *scratch = mem_new(select_scratch_floats(width, r->width), sizeof(float));
    struct select_job job = {.picture = *stereo_picture(r->stereo),
                             .probability = r->probability,
                             .width = r->width,
                             .height = r->height,
                             .bands = 1};
    for (int y = 0; y < height; y++) {
        float *at = r->right + (size_t)y * (size_t)width;
        kernels_best()->select_row(&job, y, scratch, (float *[]){at, at + plane, at + 2 * plane});
    }
    mem_free(scratch);
    return true;
}

void run_finish(struct run *r)
{
    depth_destroy(&r->depth);
    stereo_destroy(&r->stereo);
    mem_free(r->right);
    r->right = NULL;
}
