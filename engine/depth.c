#include "engine/depth.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "engine/model.h"
#include "engine/planner.h"
#include "kernels/cuda_library.h"

// The network planned for one input size.
struct input {
    struct nn_plan *plan;    // NULL: not yet
    int in_width, in_height; // of the input
    int width, height;       // of its answer
    // the same in the kernels' memory, where the plan's lie in another; else NULL
    float *in, *out;
};

struct depth {
    const struct kernels *kernels;
    const struct device *device;
    int gpu;
    int threads;
    struct nn_model *model;
    struct input inputs[DEEP3D_SIZES_MAX]; // the full size first
    int input_count;                       // 0: none is planned
    int wanted;                            // index
    struct input *now;                     // what pictures are fed to
    struct planner planner;
    struct input *planning; // what the planner is busy with
    struct model_traits traits;
    bool original; // the eyes are drawn as the original did
    enum nn_backend backend;
    enum nn_precision precision;
    char *model_name;
    int picture_width; // that scratch has room for
    int levels;        // 1: relative
    bool fresh;        // the range of relative answers is not known
    // in the kernels' memory:
    struct range *range; // of relative answers
    float *nearness, *sureness, *scratch;
    float *coarse;      // answers of smaller inputs, before they are brought to the full one's size
    float *levels_here; // the last distribution on the host; NULL: not asked for, or it is there
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
    d->device = kernels->device;
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

static void release_input(struct depth *d, struct input *input)
{
    nn_plan_destroy(&input->plan);
    d->device->give(input->in);
    d->device->give(input->out);
    input->in = input->out = NULL;
}

static void release(struct depth *d)
{
    struct nn_plan *plan = planner_take(&d->planner);

    nn_plan_destroy(&plan);
    for (int i = 0; i < d->input_count; i++)
        release_input(d, &d->inputs[i]);
    d->device->give(d->range);
    d->device->give(d->nearness);
    d->device->give(d->sureness);
    d->device->give(d->coarse);
    d->device->give(d->scratch);
    d->device->give_host(d->levels_here);
    d->range = NULL;
    d->nearness = d->sureness = d->coarse = d->scratch = d->levels_here = NULL;
    d->input_count = 0;
    d->now = NULL;
}

void depth_use(struct depth *d, const struct kernels *kernels, int gpu)
{
    release(d);
    d->kernels = kernels;
    d->device = kernels->device;
    d->gpu = gpu;
}

void depth_leave_gpu(struct depth *d)
{
    release(d);
    d->backend = NN_BACKEND_PROCESSOR;
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

// One line that says why the CPU takes over, where a GPU was asked for and is not here.
static bool has_cuda(void)
{
    char text[256];

    if (cuda_library(text, sizeof(text)) != NULL)
        return true;
    log_warn("CUDA: %s; using the CPU", text);
    return false;
}

static struct planner_job job_of(const struct depth *d, const struct input *input)
{
    return (struct planner_job){.model = d->model,
                                .backend = d->backend,
                                .precision = d->precision,
                                .threads = d->threads,
                                .width = input->in_width,
                                .height = input->in_height,
                                .device = d->device,
                                .gpu = d->gpu};
}

// The full size, with what was asked for, else the next best; for those who did not ask for a GPU
// that is none.
static bool make_plan(struct depth *d)
{
    enum nn_backend next = d->backend == NN_BACKEND_CUDA || d->backend == NN_BACKEND_AUTO
                               ? NN_BACKEND_AUTO
                               : NN_BACKEND_PROCESSOR;
    struct planner_job job;

    if (d->backend == NN_BACKEND_CUDA && !has_cuda())
        d->backend = NN_BACKEND_AUTO;
    job = job_of(d, d->inputs);
    d->inputs[0].plan = planner_plan(&job);
    if (d->inputs[0].plan != NULL || d->backend == next)
        return d->inputs[0].plan != NULL;
    log_warn("the backend asked for cannot run this network here, using the next best");
    d->backend = job.backend = next;
    d->inputs[0].plan = planner_plan(&job);
    return d->inputs[0].plan != NULL;
}

// The answer's size and levels must be what the traits promised.
static bool read_answer_shape(struct depth *d, struct input *input)
{
    struct nn_value_info out = nn_plan_output_info(input->plan, 0);
    const struct nn_shape *s = &out.shape;
    int64_t levels = s->rank == 4 ? s->dims[1] : 1;
    int64_t height = s->rank >= 2 ? s->dims[s->rank - 2] : 0,
            width = s->rank >= 1 ? s->dims[s->rank - 1] : 0;
    bool shaped = (s->rank == 3 || s->rank == 4) && s->dims[0] == 1 && out.type == NN_FLOAT32;

    if (!shaped || width < 1 || height < 1 || width > DEEP3D_MAX_SIDE_PX ||
        height > DEEP3D_MAX_SIDE_PX || levels > 1024 ||
        (d->traits.output == MODEL_RELATIVE ? levels != 1 : levels < 2)) {
        log_error("%s: its output has an unexpected shape for an input of %dx%d", d->model_name,
                  input->in_width, input->in_height);
        return false;
    }
    if (input != d->inputs &&
        (levels != d->levels || width > d->inputs[0].width || height > d->inputs[0].height))
        return false;
    d->levels = (int)levels;
    input->width = (int)width;
    input->height = (int)height;
    return true;
}

static size_t in_floats(const struct input *input)
{
    return 3 * (size_t)input->in_width * (size_t)input->in_height;
}

static size_t out_floats(const struct depth *d, const struct input *input)
{
    return (size_t)d->levels * (size_t)input->width * (size_t)input->height;
}

// Where the kernels write its input and read its output: the plan's memory, or copies of it.
static bool connect(struct depth *d, struct input *input)
{
    if (!d->device->gpu || nn_plan_on_device(input->plan))
        return true;
    input->in = d->device->take(in_floats(input) * sizeof(float));
    input->out = d->device->take(out_floats(d, input) * sizeof(float));
    if (input->in != NULL && input->out != NULL)
        return true;
    log_error("%s: no memory on the GPU for an input of %dx%d", d->model_name, input->in_width,
              input->in_height);
    return false;
}

static float *input_of(const struct input *input)
{
    return input->in != NULL ? input->in : nn_plan_input(input->plan, 0);
}

static const float *output_of(const struct input *input)
{
    return input->out != NULL ? input->out : nn_plan_output(input->plan, 0);
}

// The sizes that the network may be given for these pictures, the full one first.
static int list_sizes(const struct depth *d, int picture_width, int picture_height,
                      struct input out[DEEP3D_SIZES_MAX])
{
    int count = 0, most = d->original ? 1 : DEEP3D_SIZES_MAX;

    for (int i = 0; i < most; i++) {
        struct input input = {0};
        model_input_size(&d->traits, picture_width, picture_height, i, &input.in_width,
                         &input.in_height);
        if (count == 0 || (input.in_width < out[count - 1].in_width &&
                           input.in_height < out[count - 1].in_height))
            out[count++] = input;
    }
    return count;
}

// The full size, planned; the others follow when they are wanted.
static bool plan_anew(struct depth *d, const struct input *sizes, int count)
{
    release(d);
    memcpy(d->inputs, sizes, (size_t)count * sizeof(*sizes));
    d->input_count = count;
    if (!make_plan(d) || !read_answer_shape(d, d->inputs) || !connect(d, d->inputs))
        return false;
    d->now = d->inputs;
    d->fresh = true;
    return true;
}

static bool make_room(struct depth *d)
{
    size_t count = (size_t)d->now->width * (size_t)d->now->height;

    d->range = d->device->take(sizeof(*d->range));
    d->nearness = d->device->take(count * sizeof(float));
    d->sureness = d->device->take(count * sizeof(float));
    d->coarse = d->device->take(2 * count * sizeof(float));
    return d->range != NULL && d->nearness != NULL && d->sureness != NULL && d->coarse != NULL;
}

bool depth_resize(struct depth *d, int picture_width, int picture_height, bool *out_changed)
{
    struct input sizes[DEEP3D_SIZES_MAX];
    int count = list_sizes(d, picture_width, picture_height, sizes);

    *out_changed = false;
    if (d->now == NULL || sizes[0].in_width != d->inputs[0].in_width ||
        sizes[0].in_height != d->inputs[0].in_height) {
        *out_changed = true;
        if (!plan_anew(d, sizes, count))
            goto fail;
        if (!make_room(d))
            goto no_memory;
    }
    if (d->scratch != NULL && d->picture_width == picture_width)
        return true;
    d->device->give(d->scratch);
    d->scratch =
        d->device->take((size_t)d->threads * resize_scratch_floats(picture_width) * sizeof(float));
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
    return (struct depth_answer){.width = d->inputs[0].width, .height = d->inputs[0].height};
}

int depth_sizes(const struct depth *d, struct deep3d_size *out)
{
    for (int i = 0; i < d->input_count; i++)
        out[i] = (struct deep3d_size){d->inputs[i].in_width, d->inputs[i].in_height};
    return d->input_count;
}

void depth_want(struct depth *d, int size)
{
    d->wanted = size;
}

// The planner's work is done: one more size, or one that the network does not take after all, nor
// smaller ones.
static void take_plan(struct depth *d)
{
    struct input *input = d->planning;

    input->plan = planner_take(&d->planner);
    if (input->plan != NULL && read_answer_shape(d, input) && connect(d, input))
        return;
    release_input(d, input);
    d->input_count = (int)(input - d->inputs);
    log_warn("%s cannot be planned for %dx%d; it keeps its larger input", d->model_name,
             input->in_width, input->in_height);
}

// The size that is wanted, or while it is being planned the one before.
static void choose_input(struct depth *d)
{
    if (planner_ready(&d->planner))
        take_plan(d);
    struct input *wanted = &d->inputs[d->wanted < d->input_count ? d->wanted : d->input_count - 1];
    struct planner_job job = job_of(d, wanted);
    if (wanted->plan != NULL)
        d->now = wanted;
    else if (!d->planner.busy && planner_start(&d->planner, &job))
        d->planning = wanted;
}

void depth_feed(struct depth *d, const struct image *picture)
{
    choose_input(d);
    float *input = input_of(d->now);
    size_t plane = (size_t)d->now->in_width * (size_t)d->now->in_height;
    struct resize_job job = {.in = *picture,
                             .width = d->now->in_width,
                             .height = d->now->in_height,
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

// A network that the GPU does not run, on pictures that are there.
static bool run_beside(struct depth *d)
{
    struct nn_plan *plan = d->now->plan;

    d->device->download(nn_plan_input(plan, 0), d->now->in, in_floats(d->now) * sizeof(float));
    if (!d->device->wait() || !nn_plan_run(plan))
        return false;
    d->device->upload(d->now->out, nn_plan_output(plan, 0), out_floats(d, d->now) * sizeof(float));
    return true;
}

bool depth_run(struct depth *d)
{
    if (d->now->in != NULL ? run_beside(d) : nn_plan_run(d->now->plan))
        return true;
    log_warn("%s failed while it ran the network; going on with the CPU",
             nn_plan_backend_name(d->now->plan));
    depth_leave_gpu(d);
    return false;
}

// A coarse answer at the full size.
static void enlarge(const struct depth *d, const float *in, float *out)
{
    struct enlarge_job job = {in,  d->now->width,      d->now->height,
                              out, d->inputs[0].width, d->inputs[0].height};

    d->kernels->enlarge(&job);
}

// The last answer has the size of all others.
static bool whole(const struct depth *d)
{
    return d->now->width == d->inputs[0].width && d->now->height == d->inputs[0].height;
}

static struct depth_levels levels_of(const struct depth *d)
{
    const float *output = output_of(d->now);

    switch (d->traits.output) {
    case MODEL_DISTRIBUTION:
        return (struct depth_levels){output, d->levels, false};
    case MODEL_ORIGINAL: // channel 0 is no level
        return (struct depth_levels){output + (size_t)d->now->width * (size_t)d->now->height,
                                     d->levels - 1, true};
    case MODEL_RELATIVE:
        break;
    }
    return (struct depth_levels){0};
}

// From the network's output to nearness, and sureness where it tells, at its own size.
static void read_output(struct depth *d, bool new_shot, float *out_nearness, float *out_sureness)
{
    struct depth_levels levels = levels_of(d);
    size_t count = (size_t)d->now->width * (size_t)d->now->height;

    if (levels.probability != NULL) {
        struct levels_job job = {
            .probability = levels.probability,
            .levels = levels.count,
            .width = d->now->width,
            .height = d->now->height,
            .nearness = out_nearness,
            .sureness = out_sureness,
            .threads = 1, // so little work that waking other threads for it costs more
            .near_first = levels.near_first,
        };
        d->kernels->levels(&job);
        return;
    }
    struct range_job job = {output_of(d->now), (int)count, new_shot || d->fresh, d->range,
                            out_nearness};
    d->kernels->range(&job);
    d->fresh = false;
}

struct depth_answer depth_read(struct depth *d, bool new_shot)
{
    const struct input *full = &d->inputs[0];
    bool sure = d->traits.output != MODEL_RELATIVE;

    if (whole(d)) {
        read_output(d, new_shot, d->nearness, d->sureness);
    } else {
        float *sureness = d->coarse + (size_t)full->width * (size_t)full->height;
        read_output(d, new_shot, d->coarse, sureness);
        enlarge(d, d->coarse, d->nearness);
        if (sure)
            enlarge(d, sureness, d->sureness);
    }
    return (struct depth_answer){full->width, full->height, d->nearness, sure ? d->sureness : NULL};
}

struct depth_levels depth_levels(struct depth *d)
{
    struct depth_levels levels = whole(d) ? levels_of(d) : (struct depth_levels){0};
    size_t bytes = out_floats(d, d->inputs) * sizeof(float);

    if (levels.probability == NULL || !d->device->gpu)
        return levels;
    if (d->levels_here == NULL)
        d->levels_here = d->device->take_host(bytes);
    if (d->levels_here == NULL)
        return (struct depth_levels){0};
    d->device->download(d->levels_here, output_of(d->now), bytes);
    levels.probability = d->levels_here + (levels.probability - output_of(d->now));
    return d->device->wait() ? levels : (struct depth_levels){0};
}

bool depth_is_original(const struct depth *d)
{
    return d->original;
}

const float *depth_original(const struct depth *d)
{
    return d->original ? output_of(d->now) : NULL;
}

const char *depth_backend_name(const struct depth *d)
{
    return d->now != NULL ? nn_plan_backend_name(d->now->plan) : "none yet";
}

const char *depth_model_name(const struct depth *d)
{
    return d->model_name;
}
