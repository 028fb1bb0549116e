#include "engine/depth.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "engine/model.h"
#include "engine/range.h"
#include "kernels/cuda_library.h"

struct depth {
    const struct kernels *kernels;
    int threads;
    struct nn_model *model;
    struct nn_plan *plan;
    struct model_traits traits;
    bool original; // the eyes are drawn as the original did
    enum nn_backend backend;
    enum nn_precision precision;
    char *model_name;
    int in_width, in_height; // of the plan
    int picture_width;       // that scratch has room for
    int width, height;       // of its answer
    int levels;              // 1: relative
    struct range range;      // of relative answers
    float *nearness, *sureness, *scratch;
};

static const struct {
    const char *name;
    enum nn_backend backend;
} backends[] = {
    {"auto", NN_BACKEND_AUTO},
    {"cuda", NN_BACKEND_CUDA},
    {"cpu", NN_BACKEND_CPU},
    {"ref", NN_BACKEND_REFERENCE},
};

static bool find_backend(const char *name, enum nn_backend *out)
{
    for (size_t i = 0; i < sizeof(backends) / sizeof(*backends); i++)
        if (name == NULL || strcmp(name, backends[i].name) == 0) {
            *out = backends[i].backend;
            return true;
        }
    log_error("backend \"%s\" is unknown; there are auto, cuda, cpu and ref", name);
    return false;
}

static char *name_of(const struct nn_model *model, const char *path)
{
    const char *name = nn_model_metadata(model, "deep3d.name"), *slash = strrchr(path, '/');

    if (name != NULL && name[0] != '\0')
        return mem_strdup(name);
    return mem_strdup(slash != NULL ? slash + 1 : path);
}

// To be compared with the original, its network must be exact.
static bool choose_synthesis(struct depth *d, const struct deep3d_params *params)
{
    if (params->synthesis == DEEP3D_SYNTHESIS_ORIGINAL && d->traits.output != MODEL_ORIGINAL) {
        log_error("%s: not a model of Deep3D (2016), so the original's synthesis cannot draw it; "
                  "deep3d import makes one",
                  params->model);
        return false;
    }
    d->original =
        d->traits.output == MODEL_ORIGINAL && params->synthesis != DEEP3D_SYNTHESIS_PRODUCT;
    d->precision = d->original ? NN_PRECISION_FP32 : NN_PRECISION_AUTO;
    if (d->original)
        log_info("%s: drawn as Deep3D (2016) drew; strength and convergence do not matter "
                 "(--synthesis product: our way)",
                 params->model);
    return true;
}

struct depth *depth_create(const struct deep3d_params *params, const struct kernels *kernels)
{
    struct depth *d = mem_new(1, sizeof(*d));

    d->kernels = kernels;
    d->threads = params->threads > 0 ? params->threads : parallel_cores();
    if (params->model == NULL) {
        log_error("no model file was named");
        goto fail;
    }
    if (!find_backend(params->backend, &d->backend))
        goto fail;
    d->model = nn_model_load(params->model);
    if (d->model == NULL || !model_traits_read(d->model, params->model, &d->traits) ||
        !choose_synthesis(d, params))
        goto fail;
    d->model_name = name_of(d->model, params->model);
    return d;
fail:
    depth_destroy(&d);
    return NULL;
}

static void release(struct depth *d)
{
    nn_plan_destroy(&d->plan);
    mem_free(d->nearness);
    mem_free(d->sureness);
    mem_free(d->scratch);
    d->nearness = d->sureness = d->scratch = NULL;
    d->in_width = d->in_height = 0;
}

void depth_destroy(struct depth **depth)
{
    struct depth *d = *depth;

    if (d == NULL)
        return;
    release(d);
    nn_model_destroy(&d->model);
    mem_free(d->model_name);
    mem_free(d);
    *depth = NULL;
}

static struct nn_plan *plan_with(struct depth *d, enum nn_backend backend, int width, int height)
{
    struct nn_shape shape = {.rank = 4, .dims = {1, 3, height, width}};
    struct nn_plan_params params = {.backend = backend,
                                    .precision = d->precision,
                                    .threads = d->threads,
                                    .input_shapes = &shape,
                                    .input_shape_count = 1};

    return nn_plan_create(d->model, &params);
}

// One line that says why the CPU takes over, where a GPU was asked for and is not here.
static bool has_cuda(void)
{
    char text[256];

    if (cuda_library(text, sizeof(text)) != NULL)
        return true;
    log_warn("CUDA: %s; using the CPU", text);
    return false;
}

// What was asked for, else the next best: whatever is here.
static bool make_plan(struct depth *d, int width, int height)
{
    if (d->backend == NN_BACKEND_CUDA && !has_cuda())
        d->backend = NN_BACKEND_AUTO;
    d->plan = plan_with(d, d->backend, width, height);
    if (d->plan != NULL || d->backend == NN_BACKEND_AUTO)
        return d->plan != NULL;
    log_warn("the backend asked for cannot run this network here, using the next best");
    d->backend = NN_BACKEND_AUTO;
    d->plan = plan_with(d, d->backend, width, height);
    return d->plan != NULL;
}

// The answer's size and levels must be what the traits promised.
static bool read_answer_shape(struct depth *d)
{
    struct nn_value_info out = nn_plan_output_info(d->plan, 0);
    const struct nn_shape *s = &out.shape;
    int64_t levels = s->rank == 4 ? s->dims[1] : 1;
    int64_t height = s->rank >= 2 ? s->dims[s->rank - 2] : 0,
            width = s->rank >= 1 ? s->dims[s->rank - 1] : 0;
    bool shaped = (s->rank == 3 || s->rank == 4) && s->dims[0] == 1 && out.type == NN_FLOAT32;

    if (!shaped || width < 1 || height < 1 || width > DEEP3D_MAX_SIDE_PX ||
        height > DEEP3D_MAX_SIDE_PX || levels > 1024 ||
        (d->traits.output == MODEL_RELATIVE ? levels != 1 : levels < 2)) {
        log_error("%s: its output has an unexpected shape for an input of %dx%d", d->model_name,
                  d->in_width, d->in_height);
        return false;
    }
    d->levels = (int)levels;
    d->width = (int)width;
    d->height = (int)height;
    return true;
}

bool depth_resize(struct depth *d, int picture_width, int picture_height, bool *out_changed)
{
    int width, height;

    model_input_size(&d->traits, picture_width, picture_height, &width, &height);
    *out_changed = false;
    if (d->plan == NULL || width != d->in_width || height != d->in_height) {
        *out_changed = true;
        release(d);
        d->in_width = width;
        d->in_height = height;
        if (!make_plan(d, width, height) || !read_answer_shape(d))
            goto fail;
        size_t count = (size_t)d->width * (size_t)d->height;
        d->nearness = mem_try_block(count * sizeof(float));
        d->sureness = mem_try_block(count * sizeof(float));
        if (d->nearness == NULL || d->sureness == NULL)
            goto no_memory;
        range_reset(&d->range);
    }
    if (d->scratch != NULL && d->picture_width == picture_width)
        return true;
    mem_free(d->scratch);
    d->scratch =
        mem_try_block((size_t)d->threads * resize_scratch_floats(picture_width) * sizeof(float));
    d->picture_width = picture_width;
    if (d->scratch != NULL)
        return true;
no_memory:
    log_error("no memory for the depth of pictures of %dx%d pixels", picture_width, picture_height);
fail:
    release(d);
    return false;
}

struct depth_answer depth_answer_size(const struct depth *d)
{
    return (struct depth_answer){.width = d->width, .height = d->height};
}

void depth_feed(struct depth *d, const struct image *picture)
{
    float *input = nn_plan_input(d->plan, 0);
    size_t plane = (size_t)d->in_width * (size_t)d->in_height;
    struct resize_job job = {.in = *picture,
                             .width = d->in_width,
                             .height = d->in_height,
                             .bands = d->threads,
                             .scratch = d->scratch};

    for (int i = 0; i < 3; i++) {
        job.out[i] = input + (size_t)i * plane;
        job.channel[i] = d->traits.channel[i];
        job.scale[i] = d->traits.scale[i];
        job.offset[i] = d->traits.offset[i];
    }
    d->kernels->resize(&job);
}

bool depth_run(struct depth *d)
{
    if (nn_plan_run(d->plan))
        return true;
    log_warn("%s failed while it ran the network; going on with the CPU",
             nn_plan_backend_name(d->plan));
    d->backend = NN_BACKEND_CPU;
    release(d);
    return false;
}

struct depth_answer depth_read(struct depth *d, bool new_shot)
{
    struct depth_answer answer = {d->width, d->height, d->nearness, NULL};
    struct depth_levels levels = depth_levels(d);
    size_t count = (size_t)d->width * (size_t)d->height;

    if (levels.probability != NULL) {
        // so little work that waking other threads for it costs more
        struct levels_job job = {levels.probability, levels.count, d->width, d->height,
                                 d->nearness,        d->sureness,  1};
        d->kernels->levels(&job);
        for (size_t i = 0; levels.near_first && i < count; i++)
            d->nearness[i] = 1 - d->nearness[i];
        answer.sureness = d->sureness;
        return answer;
    }
    if (new_shot)
        range_reset(&d->range);
    range_normalise(&d->range, nn_plan_output(d->plan, 0), count, d->nearness);
    return answer;
}

struct depth_levels depth_levels(const struct depth *d)
{
    const float *output = nn_plan_output(d->plan, 0);

    switch (d->traits.output) {
    case MODEL_DISTRIBUTION:
        return (struct depth_levels){output, d->levels, false};
    case MODEL_ORIGINAL: // channel 0 is no level
        return (struct depth_levels){output + (size_t)d->width * (size_t)d->height, d->levels - 1,
                                     true};
    case MODEL_RELATIVE:
        break;
    }
    return (struct depth_levels){0};
}

const float *depth_original(const struct depth *d)
{
    return d->original ? nn_plan_output(d->plan, 0) : NULL;
}

const char *depth_backend_name(const struct depth *d)
{
    return d->plan != NULL ? nn_plan_backend_name(d->plan) : "none yet";
}

const char *depth_model_name(const struct depth *d)
{
    return d->model_name;
}
