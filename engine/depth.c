#include "engine/depth.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"

struct depth {
    const struct kernels *kernels;
    const struct device *device;
    int threads;
    struct network *network;
    int picture_width; // that scratch has room for
    bool fresh;        // the range of relative answers is not known
    // in the kernels' memory:
    struct range *range; // of relative answers
    float *nearness, *sureness, *scratch;
    float *coarse;      // answers of smaller inputs, before they are brought to the full one's size
    float *levels_here; // the last distribution on the host; NULL: not asked for, or it is there
};

struct depth *depth_create(const struct deep3d_params *params, const struct kernels *kernels)
{
    struct depth *d = mem_new(1, sizeof(*d));

    d->kernels = kernels;
    d->device = kernels->device;
    d->threads = params->threads > 0 ? params->threads : parallel_cores();
    d->network = network_create(params);
    if (d->network == NULL)
        depth_destroy(&d);
    return d;
}

static void release(struct depth *d)
{
    d->device->give(d->range);
    d->device->give(d->nearness);
    d->device->give(d->sureness);
    d->device->give(d->coarse);
    d->device->give(d->scratch);
    d->device->give_host(d->levels_here);
    d->range = NULL;
    d->nearness = d->sureness = d->coarse = d->scratch = d->levels_here = NULL;
}

void depth_use(struct depth *d, const struct kernels *kernels, int gpu)
{
    release(d);
    d->kernels = kernels;
    d->device = kernels->device;
    network_use(d->network, kernels->device, gpu);
}

void depth_leave_gpu(struct depth *d)
{
    release(d);
    network_leave_gpu(d->network);
}

void depth_destroy(struct depth **depth)
{
    struct depth *d = *depth;

    if (d == NULL)
        return;
    release(d);
    network_destroy(&d->network);
    mem_free(d);
    *depth = NULL;
}

struct network *depth_network(const struct depth *d)
{
    return d->network;
}

static bool make_room(struct depth *d)
{
    struct network_size full = network_full(d->network);
    size_t count = (size_t)full.width * (size_t)full.height;

    d->fresh = true;
    d->range = d->device->take(sizeof(*d->range));
    d->nearness = d->device->take(count * sizeof(float));
    d->sureness = d->device->take(count * sizeof(float));
    d->coarse = d->device->take(2 * count * sizeof(float));
    return d->range != NULL && d->nearness != NULL && d->sureness != NULL && d->coarse != NULL;
}

bool depth_resize(struct depth *d, int picture_width, int picture_height, bool *out_changed)
{
    *out_changed = !network_fits(d->network, picture_width, picture_height);
    if (*out_changed) {
        release(d);
        if (!network_plan(d->network, picture_width, picture_height))
            return false;
        if (!make_room(d))
            goto fail;
    }
    if (d->scratch != NULL && d->picture_width == picture_width)
        return true;
    d->device->give(d->scratch);
    d->scratch =
        d->device->take((size_t)d->threads * resize_scratch_floats(picture_width) * sizeof(float));
    d->picture_width = picture_width;
    if (d->scratch != NULL)
        return true;
fail:
    log_error("no memory for the depth of pictures of %dx%d pixels", picture_width, picture_height);
    release(d);
    network_release(d->network);
    return false;
}

struct depth_answer depth_answer_size(const struct depth *d)
{
    struct network_size full = network_full(d->network);

    return (struct depth_answer){.width = full.width, .height = full.height};
}

void depth_feed(struct depth *d, const struct image *picture)
{
    const struct model_traits *traits = network_traits(d->network);

    network_next(d->network);
    float *input = network_input(d->network);
    struct network_size now = network_now(d->network);
    size_t plane = (size_t)now.in_width * (size_t)now.in_height;
    struct resize_job job = {.in = *picture,
                             .width = now.in_width,
                             .height = now.in_height,
                             .bands = d->threads,
                             .scratch = d->scratch};

    for (int i = 0; i < 3; i++) {
        job.out[i] = input + (size_t)i * plane;
        job.channel[i] = traits->channel[i];
        job.scale[i] = traits->scale[i];
        job.offset[i] = traits->offset[i];
    }
    d->kernels->resize(&job);
}

bool depth_run(struct depth *d)
{
    if (network_run(d->network))
        return true;
    depth_leave_gpu(d);
    return false;
}

// A coarse answer at the full size.
static void enlarge(const struct depth *d, const float *in, float *out)
{
    struct network_size now = network_now(d->network), full = network_full(d->network);
    struct enlarge_job job = {in, now.width, now.height, out, full.width, full.height};

    d->kernels->enlarge(&job);
}

// The last answer has the size of all others.
static bool whole(const struct depth *d)
{
    struct network_size now = network_now(d->network), full = network_full(d->network);

    return now.width == full.width && now.height == full.height;
}

static struct depth_levels levels_of(const struct depth *d)
{
    const float *output = network_output(d->network);
    struct network_size now = network_now(d->network);
    int levels = network_levels(d->network);

    switch (network_traits(d->network)->output) {
    case MODEL_DISTRIBUTION:
        return (struct depth_levels){output, levels, false};
    case MODEL_ORIGINAL: // channel 0 is no level
        return (struct depth_levels){output + (size_t)now.width * (size_t)now.height, levels - 1,
                                     true};
    case MODEL_RELATIVE:
        break;
    }
    return (struct depth_levels){0};
}

// From the network's output to nearness, and sureness where it tells, at its own size.
static void read_output(struct depth *d, bool new_shot, float *out_nearness, float *out_sureness)
{
    struct depth_levels levels = levels_of(d);
    struct network_size now = network_now(d->network);

    if (levels.probability != NULL) {
        struct levels_job job = {
            .probability = levels.probability,
            .levels = levels.count,
            .width = now.width,
            .height = now.height,
            .nearness = out_nearness,
            .sureness = out_sureness,
            .threads = 1, // so little work that waking other threads for it costs more
            .near_first = levels.near_first,
        };
        d->kernels->levels(&job);
        return;
    }
    struct range_job job = {network_output(d->network), now.width * now.height,
                            new_shot || d->fresh, d->range, out_nearness};
    d->kernels->range(&job);
    d->fresh = false;
}

struct depth_answer depth_read(struct depth *d, bool new_shot)
{
    struct network_size full = network_full(d->network);
    bool sure = network_traits(d->network)->output != MODEL_RELATIVE;

    if (whole(d)) {
        read_output(d, new_shot, d->nearness, d->sureness);
    } else {
        float *sureness = d->coarse + (size_t)full.width * (size_t)full.height;
        read_output(d, new_shot, d->coarse, sureness);
        enlarge(d, d->coarse, d->nearness);
        if (sure)
            enlarge(d, sureness, d->sureness);
    }
    return (struct depth_answer){full.width, full.height, d->nearness, sure ? d->sureness : NULL};
}

struct depth_levels depth_levels(struct depth *d)
{
    struct depth_levels levels = whole(d) ? levels_of(d) : (struct depth_levels){0};
    const float *output = network_output(d->network);
    struct network_size now = network_now(d->network);
    size_t bytes =
        (size_t)network_levels(d->network) * (size_t)now.width * (size_t)now.height * sizeof(float);

    if (levels.probability == NULL || !d->device->gpu)
        return levels;
    if (d->levels_here == NULL)
        d->levels_here = d->device->take_host(bytes);
    if (d->levels_here == NULL)
        return (struct depth_levels){0};
    d->device->download(d->levels_here, output, bytes);
    levels.probability = d->levels_here + (levels.probability - output);
    return d->device->wait() ? levels : (struct depth_levels){0};
}

const float *depth_original(const struct depth *d)
{
    return network_is_original(d->network) ? network_output(d->network) : NULL;
}
