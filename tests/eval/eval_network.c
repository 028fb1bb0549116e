#include <stdlib.h>

#include "engine/steady.h"
#include "engine/stereo.h"
#include "tests/eval/eval.h"

struct eval_network {
    struct depth *depth;
    struct stereo *stereo; // for its upright picture
    struct steady *steady; // brings answers to the picture's edges
};

struct eval_network *eval_network_create(const char *model, const char *backend)
{
    struct eval_network *n = calloc(1, sizeof(*n));

    n->depth =
        depth_create(&(struct deep3d_params){.model = model, .backend = backend}, kernels_best());
    n->stereo = stereo_create(kernels_best(), 0);
    n->steady = steady_create(kernels_best());
    if (n->depth == NULL)
        eval_network_destroy(&n);
    return n;
}

void eval_network_destroy(struct eval_network **network)
{
    if (*network == NULL)
        return;
    depth_destroy(&(*network)->depth);
    stereo_destroy(&(*network)->stereo);
    steady_destroy(&(*network)->steady);
    free(*network);
    *network = NULL;
}

bool eval_network_run(struct eval_network *n, const struct eval_picture *p,
                      struct depth_answer *out)
{
    bool changed;

    if (!stereo_resize(n->stereo, p->width, p->height) ||
        !depth_resize(n->depth, p->width, p->height, &changed))
        return false;
    struct colour_job job = {.width = p->width,
                             .height = p->height,
                             .matrix = colour_matrix_for(COLOUR_IDENTITY, 8, 0, true, false),
                             .out = *stereo_picture(n->stereo)};
    for (int i = 0; i < 3; i++)
        job.component[i] = (struct colour_component){p->rgba + i, (ptrdiff_t)p->width * 4, 4, 0, 0};
    kernels_best()->colour(&job);
    depth_feed(n->depth, stereo_picture(n->stereo));
    if (!depth_run(n->depth))
        return false;
    *out = depth_read(n->depth, true);
    if (!steady_resize(n->steady, out->width, out->height))
        return false;
    out->nearness = steady_run(n->steady, out, stereo_shrink(n->stereo), 1);
    return true;
}

const float *eval_network_levels(const struct eval_network *n, int *out_levels)
{
    struct depth_levels levels = depth_levels(n->depth);

    *out_levels = levels.count;
    return levels.near_first ? NULL : levels.probability;
}
