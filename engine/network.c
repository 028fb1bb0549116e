#include "engine/network.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "engine/planner.h"
#include "kernels/cuda_library.h"
#include "kernels/select.h"

// The network planned for one input size.
struct input {
    struct nn_plan *plan; // NULL: not yet
    struct network_size size;
    // the same in the device's memory, where the plan's lie in another; else NULL
    float *in, *out;
};

// A model's file, read; model NULL: not there.
struct model_file {
    struct nn_model *model;
    char *name;
    struct model_traits traits;
};

struct network {
    const struct device *device;
    int gpu;
    int threads;
    struct model_file file, gpu_file;
    char *gpu_path;               // of gpu_file, read when a GPU is first used; NULL: there is none
    const struct model_file *use; // one of both
    bool original;                // the eyes are drawn as the original did
    enum nn_backend backend;
    enum nn_precision precision;
    int levels;                            // 1: relative
    struct input inputs[DEEP3D_SIZES_MAX]; // the full size first
    int input_count;                       // 0: none is planned
    int wanted;                            // index
    struct input *now;                     // what pictures are fed to
    struct planner planner;
    struct input *planning; // what the planner is busy with
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

static void drop(struct model_file *file)
{
    nn_model_destroy(&file->model);
    mem_free(file->name);
    *file = (struct model_file){0};
}

// False, logged: it cannot be used, and *out is all-zero.
static bool read_file(struct model_file *out, const char *path)
{
    out->model = nn_model_load(path);
    if (out->model == NULL || !model_traits_read(out->model, path, &out->traits)) {
        drop(out);
        return false;
    }
    out->name = name_of(out->model, path);
    return true;
}

// To be compared with the original, its network must be exact.
static bool choose_synthesis(struct network *n, const struct deep3d_params *params)
{
    bool original = n->file.traits.output == MODEL_ORIGINAL;

    if (params->synthesis == DEEP3D_SYNTHESIS_ORIGINAL && !original) {
        log_error("%s: not a model of Deep3D (2016), so the original's synthesis cannot draw it; "
                  "deep3d import makes one",
                  params->model);
        return false;
    }
    n->original = original && params->synthesis != DEEP3D_SYNTHESIS_PRODUCT;
    n->precision = n->original ? NN_PRECISION_FP32 : NN_PRECISION_AUTO;
    if (n->original)
        log_info("%s: drawn as Deep3D (2016) drew; strength and convergence do not matter "
                 "(--synthesis product: our way)",
                 params->model);
    return true;
}

struct network *network_create(const struct deep3d_params *params)
{
    struct network *n = mem_new(1, sizeof(*n));

    n->device = &device_host;
    n->threads = params->threads > 0 ? params->threads : parallel_cores();
    if (params->model == NULL) {
        log_error("no model file was named");
        goto fail;
    }
    if (!find_backend(params->backend, &n->backend))
        goto fail;
    if (!read_file(&n->file, params->model) || !choose_synthesis(n, params))
        goto fail;
    n->use = &n->file;
    n->gpu_path = params->gpu_model != NULL ? mem_strdup(params->gpu_model) : NULL;
    return n;
fail:
    network_destroy(&n);
    return NULL;
}

static void release_input(struct network *n, struct input *input)
{
    nn_plan_destroy(&input->plan);
    n->device->give(input->in);
    n->device->give(input->out);
    input->in = input->out = NULL;
}

void network_release(struct network *n)
{
    struct nn_plan *plan = planner_take(&n->planner);

    nn_plan_destroy(&plan);
    for (int i = 0; i < DEEP3D_SIZES_MAX; i++) // also those behind one that could not be planned
        release_input(n, &n->inputs[i]);
    n->input_count = 0;
    n->now = NULL;
}

// The GPU's own model, where it is there and of the same kind.
static void choose_file(struct network *n)
{
    n->use = &n->file;
    if (!n->device->gpu || n->gpu_path == NULL)
        return;
    if (n->gpu_file.model == NULL && (!read_file(&n->gpu_file, n->gpu_path) ||
                                      n->gpu_file.traits.output != n->file.traits.output)) {
        log_warn("%s is of no use on the GPU beside %s; using that", n->gpu_path, n->file.name);
        drop(&n->gpu_file);
        mem_free(n->gpu_path);
        n->gpu_path = NULL;
        return;
    }
    n->use = &n->gpu_file;
}

void network_use(struct network *n, const struct device *device, int gpu)
{
    network_release(n);
    n->device = device;
    n->gpu = gpu;
    choose_file(n);
}

void network_leave_gpu(struct network *n)
{
    network_release(n);
    n->backend = NN_BACKEND_PROCESSOR;
    n->use = &n->file;
}

void network_destroy(struct network **network)
{
    struct network *n = *network;

    if (n == NULL)
        return;
    network_release(n);
    drop(&n->file);
    drop(&n->gpu_file);
    mem_free(n->gpu_path);
    mem_free(n);
    *network = NULL;
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

static struct planner_job job_of(const struct network *n, const struct input *input)
{
    return (struct planner_job){.model = n->use->model,
                                .backend = n->backend,
                                .precision = n->precision,
                                .threads = n->threads,
                                .width = input->size.in_width,
                                .height = input->size.in_height,
                                .device = n->device,
                                .gpu = n->gpu};
}

// The full size, with what was asked for, else the next best; for those who did not ask for a GPU
// that is none.
static bool make_plan(struct network *n)
{
    enum nn_backend next = n->backend == NN_BACKEND_CUDA || n->backend == NN_BACKEND_AUTO
                               ? NN_BACKEND_AUTO
                               : NN_BACKEND_PROCESSOR;
    struct planner_job job;

    if (n->backend == NN_BACKEND_CUDA && !has_cuda())
        n->backend = NN_BACKEND_AUTO;
    job = job_of(n, n->inputs);
    n->inputs[0].plan = planner_plan(&job);
    if (n->inputs[0].plan != NULL || n->backend == next)
        return n->inputs[0].plan != NULL;
    log_warn("the backend asked for cannot run this network here, using the next best");
    n->backend = job.backend = next;
    n->inputs[0].plan = planner_plan(&job);
    return n->inputs[0].plan != NULL;
}

// The answer's size and levels must be what the traits promised.
static bool read_answer_shape(struct network *n, struct input *input)
{
    struct nn_value_info out = nn_plan_output_info(input->plan, 0);
    const struct nn_shape *s = &out.shape;
    int64_t levels = s->rank == 4 ? s->dims[1] : 1;
    int64_t height = s->rank >= 2 ? s->dims[s->rank - 2] : 0,
            width = s->rank >= 1 ? s->dims[s->rank - 1] : 0;
    bool shaped = (s->rank == 3 || s->rank == 4) && s->dims[0] == 1 && out.type == NN_FLOAT32;

    if (!shaped || width < 1 || height < 1 || width > DEEP3D_MAX_SIDE_PX ||
        height > DEEP3D_MAX_SIDE_PX || levels > 1024 ||
        (n->use->traits.output == MODEL_RELATIVE ? levels != 1 : levels < 2) ||
        (n->use->traits.output == MODEL_ORIGINAL && levels != SELECT_CHANNELS)) {
        log_error("%s: its output has an unexpected shape for an input of %dx%d", n->use->name,
                  input->size.in_width, input->size.in_height);
        return false;
    }
    if (input != n->inputs && (levels != n->levels || width > n->inputs[0].size.width ||
                               height > n->inputs[0].size.height))
        return false;
    n->levels = (int)levels;
    input->size.width = (int)width;
    input->size.height = (int)height;
    return true;
}

static size_t in_floats(const struct input *input)
{
    return 3 * (size_t)input->size.in_width * (size_t)input->size.in_height;
}

static size_t out_floats(const struct network *n, const struct input *input)
{
    return (size_t)n->levels * (size_t)input->size.width * (size_t)input->size.height;
}

// Where the kernels write its input and read its output: the plan's memory, or copies of it.
static bool connect(struct network *n, struct input *input)
{
    if (!n->device->gpu || nn_plan_on_device(input->plan))
        return true;
    input->in = n->device->take(in_floats(input) * sizeof(float));
    input->out = n->device->take(out_floats(n, input) * sizeof(float));
    if (input->in != NULL && input->out != NULL)
        return true;
    log_error("%s: no memory on the GPU for an input of %dx%d", n->use->name, input->size.in_width,
              input->size.in_height);
    return false;
}

// The sizes that the network may be given for these pictures, the full one first.
static int list_sizes(const struct network *n, int picture_width, int picture_height,
                      struct input out[DEEP3D_SIZES_MAX])
{
    int count = 0, most = n->original ? 1 : DEEP3D_SIZES_MAX;

    for (int i = 0; i < most; i++) {
        struct input input = {0};
        model_input_size(&n->use->traits, picture_width, picture_height, i, &input.size.in_width,
                         &input.size.in_height);
        if (count == 0 || (input.size.in_width < out[count - 1].size.in_width &&
                           input.size.in_height < out[count - 1].size.in_height))
            out[count++] = input;
    }
    return count;
}

bool network_fits(const struct network *n, int picture_width, int picture_height)
{
    int width, height;

    model_input_size(&n->use->traits, picture_width, picture_height, 0, &width, &height);
    return n->now != NULL && n->inputs[0].size.in_width == width &&
           n->inputs[0].size.in_height == height;
}

static bool plan_file(struct network *n, int picture_width, int picture_height)
{
    n->input_count = list_sizes(n, picture_width, picture_height, n->inputs);
    return make_plan(n) && read_answer_shape(n, n->inputs) && connect(n, n->inputs);
}

bool network_plan(struct network *n, int picture_width, int picture_height)
{
    bool planned;

    network_release(n);
    planned = plan_file(n, picture_width, picture_height);
    if (n->use == &n->gpu_file && !(planned && nn_plan_on_device(n->inputs[0].plan))) {
        log_info("the GPU does not run %s; using %s", n->gpu_file.name, n->file.name);
        network_release(n);
        n->use = &n->file;
        planned = plan_file(n, picture_width, picture_height);
    }
    if (!planned) {
        network_release(n);
        return false;
    }
    n->now = n->inputs;
    return true;
}

int network_sizes(const struct network *n, struct deep3d_size *out)
{
    for (int i = 0; i < n->input_count; i++)
        out[i] = (struct deep3d_size){n->inputs[i].size.in_width, n->inputs[i].size.in_height};
    return n->input_count;
}

void network_want(struct network *n, int size)
{
    n->wanted = size;
}

// The planner's work is done: one more size, or one that the network does not take after all, nor
// smaller ones. One that left the GPU, whose memory is full, would be slower than the largest.
static void take_plan(struct network *n)
{
    struct input *input = n->planning;

    input->plan = planner_take(&n->planner);
    if (input->plan != NULL &&
        nn_plan_on_device(input->plan) == nn_plan_on_device(n->inputs[0].plan) &&
        read_answer_shape(n, input) && connect(n, input))
        return;
    release_input(n, input);
    n->input_count = (int)(input - n->inputs);
    log_warn("%s cannot be planned for %dx%d; it keeps its larger input", n->use->name,
             input->size.in_width, input->size.in_height);
}

void network_next(struct network *n)
{
    if (planner_ready(&n->planner))
        take_plan(n);
    struct input *wanted = &n->inputs[n->wanted < n->input_count ? n->wanted : n->input_count - 1];
    struct planner_job job = job_of(n, wanted);
    if (wanted->plan != NULL)
        n->now = wanted;
    else if (!n->planner.busy && planner_start(&n->planner, &job))
        n->planning = wanted;
}

// A network that the GPU does not run, on pictures that are there.
static bool run_beside(struct network *n)
{
    struct nn_plan *plan = n->now->plan;

    n->device->download(nn_plan_input(plan, 0), n->now->in, in_floats(n->now) * sizeof(float));
    if (!n->device->wait() || !nn_plan_run(plan))
        return false;
    n->device->upload(n->now->out, nn_plan_output(plan, 0), out_floats(n, n->now) * sizeof(float));
    return true;
}

bool network_run(struct network *n)
{
    if (n->now->in != NULL ? run_beside(n) : nn_plan_run(n->now->plan))
        return true;
    log_warn("%s failed while it ran the network; going on with the CPU",
             nn_plan_backend_name(n->now->plan));
    return false;
}

struct network_size network_now(const struct network *n)
{
    return n->now->size;
}

int network_now_size(const struct network *n)
{
    return n->now != NULL ? (int)(n->now - n->inputs) : 0;
}

struct network_size network_full(const struct network *n)
{
    return n->inputs[0].size;
}

float *network_input(const struct network *n)
{
    return n->now->in != NULL ? n->now->in : nn_plan_input(n->now->plan, 0);
}

const float *network_output(const struct network *n)
{
    return n->now->out != NULL ? n->now->out : nn_plan_output(n->now->plan, 0);
}

int network_levels(const struct network *n)
{
    return n->levels;
}

const struct model_traits *network_traits(const struct network *n)
{
    return &n->use->traits;
}

bool network_is_original(const struct network *n)
{
    return n->original;
}

const char *network_backend_name(const struct network *n)
{
    return n->now != NULL ? nn_plan_backend_name(n->now->plan) : "none yet";
}

const char *network_model_name(const struct network *n)
{
    return n->use->name;
}
