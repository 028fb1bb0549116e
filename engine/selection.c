#include "engine/selection.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"

struct selection {
    const struct kernels *kernels;
    int bands;
    int picture_width, answer_width; // that scratch has room for
    float *scratch;
};

struct selection *selection_create(const struct kernels *kernels, int threads)
{
    struct selection *s = mem_new(1, sizeof(*s));

    s->kernels = kernels;
    s->bands = threads > 0 ? threads : parallel_cores();
    return s;
}

void selection_destroy(struct selection **selection)
{
    if (*selection == NULL)
        return;
    mem_free((*selection)->scratch);
    mem_free(*selection);
    *selection = NULL;
}

bool selection_resize(struct selection *s, int picture_width, int answer_width)
{
    if (s->scratch != NULL && s->picture_width == picture_width && s->answer_width == answer_width)
        return true;
    mem_free(s->scratch);
    s->scratch = mem_try_block((size_t)s->bands *
                               select_scratch_floats(picture_width, answer_width) * sizeof(float));
    s->picture_width = picture_width;
    s->answer_width = answer_width;
    if (s->scratch == NULL)
        log_error("no memory to convert pictures that are %d pixels wide", picture_width);
    return s->scratch != NULL;
}

void selection_draw(struct selection *s, const struct image *picture, const float *probability,
                    int width, int height, const struct deep3d_eyes *eyes)
{
    struct select_job job = {
        .picture = *picture,
        .probability = probability,
        .width = width,
        .height = height,
        .eye = eyes->pixels[1],
        .stride_bytes = eyes->stride_bytes,
        .bands = s->bands,
        .scratch = s->scratch,
    };

    s->kernels->select(&job);
    for (int y = 0; y < picture->height; y++)
        memcpy(eyes->pixels[0] + (size_t)y * eyes->stride_bytes,
               picture->pixels + (size_t)y * picture->stride_bytes, (size_t)picture->width * 4);
}
