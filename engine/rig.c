#include "engine/rig.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "kernels/cuda_library.h"

const struct kernels *rig_choose(const struct deep3d_params *params, int *out_gpu)
{
    const char *backend = params->backend != NULL ? params->backend : "auto";
    bool wanted = strcmp(backend, "auto") == 0 || strcmp(backend, "cuda") == 0;
    const struct kernels *kernels;
    char text[256], other[256];

    *out_gpu = 0;
    if (!wanted)
        return kernels_best();
    kernels = kernels_gpu(params->gpu_uuid, out_gpu, text, sizeof(text));
    if (kernels == NULL && params->gpu_uuid != NULL) // shown by another: pictures come down for it
        kernels = kernels_gpu(NULL, out_gpu, text, sizeof(text));
    if (kernels != NULL && kernels->device->enter(*out_gpu))
        return kernels;
    if (kernels != NULL) {
        snprintf(text, sizeof(text), "%s", kernels->device->error());
        (void)kernels->device->check(); // told
    }
    if (cuda_library(other, sizeof(other)) != NULL)
        log_warn("CUDA: %s; pictures stay in the CPU's memory", text);
    *out_gpu = 0;
    return kernels_best();
}

static void release_room(struct rig *r)
{
    r->device->give(r->seen_there);
    r->device->give_host(r->seen);
    r->device->give(r->tone_there);
    r->device->give_host(r->tone);
    r->seen = r->seen_there = NULL;
    r->tone = r->tone_there = NULL;
    r->tone_known = false;
}

bool rig_room(struct rig *r)
{
    const struct device *d = r->device;

    if (r->tone != NULL)
        return true;
    r->seen_there = d->take(sizeof(*r->seen_there));
    r->seen = d->take_host(sizeof(*r->seen));
    r->tone_there = d->take(sizeof(*r->tone_there));
    r->tone = d->take_host(sizeof(*r->tone));
    if (r->seen_there != NULL && r->seen != NULL && r->tone_there != NULL && r->tone != NULL)
        return true;
    log_error("no memory for a converter");
    release_room(r);
    return false;
}

bool rig_init(struct rig *r, const struct kernels *kernels, int gpu, int threads)
{
    const struct device *d = kernels->device;

    *r = (struct rig){.kernels = kernels, .device = d, .gpu = gpu};
    r->stereo = stereo_create(kernels, threads);
    r->steady = steady_create(kernels);
    r->flat = flat_create(kernels);
    r->ferry = ferry_create(d);
    r->near_copy = mem_new(1, sizeof(*r->near_copy));
    near_copy_init(r->near_copy, d);
    stopwatch_init(&r->watch, d);
    return rig_room(r);
}

void rig_enter(const struct rig *r)
{
    r->device->enter(r->gpu);
}

void rig_finish(struct rig *r)
{
    steady_destroy(&r->steady);
    stereo_destroy(&r->stereo);
    flat_destroy(&r->flat);
    ferry_destroy(&r->ferry);
    near_copy_finish(r->near_copy);
    mem_free(r->near_copy);
    stopwatch_finish(&r->watch);
    r->device->stamp_finish(&r->filtered);
    r->device->give(r->flattened);
    release_room(r);
}

bool rig_resize(struct rig *r, size_t count)
{
    if (r->flattened == NULL || r->count != count) {
        r->device->give(r->flattened);
        r->flattened = r->device->take(2 * count * sizeof(float));
        r->pressed = r->flattened + count;
        r->count = count;
    }
    if (r->flattened != NULL && near_copy_resize(r->near_copy, count))
        return true;
    log_error("no memory for a depth of %zu points", count);
    return false;
}

const struct colour_tone *rig_tone(struct rig *r, const struct deep3d_picture *picture)
{
    if (picture->transfer == DEEP3D_TRANSFER_DISPLAY)
        return NULL;
    if (r->tone_known && r->tone_transfer == picture->transfer &&
        r->tone_wide_gamut == picture->wide_gamut)
        return r->tone_there;
    r->tone_known = true;
    r->tone_transfer = picture->transfer;
    r->tone_wide_gamut = picture->wide_gamut;
    colour_tone_init(r->tone,
                     picture->transfer == DEEP3D_TRANSFER_HLG ? COLOUR_TRANSFER_HLG
                                                              : COLOUR_TRANSFER_PQ,
                     picture->wide_gamut);
    r->device->upload(r->tone_there, r->tone, sizeof(*r->tone));
    return r->tone_there;
}
