#include "tests/headset/sim_layer.h"

#include <math.h>
#include <string.h>

#include "tests/headset/sim_report.h"
#include "tests/headset/sim_session.h"
#include "tests/headset/sim_space.h"
#include "tests/headset/sim_swapchain.h"

#define KNOWN_FLAGS                                                                                \
    (XR_COMPOSITION_LAYER_CORRECT_CHROMATIC_ABERRATION_BIT |                                       \
     XR_COMPOSITION_LAYER_BLEND_TEXTURE_SOURCE_ALPHA_BIT |                                         \
     XR_COMPOSITION_LAYER_UNPREMULTIPLIED_ALPHA_BIT)
#define PI 3.14159265358979323846

static XrResult read_image(struct sim_session *s, const XrSwapchainSubImage *sub,
                           struct sim_layer *out)
{
    XrResult error = XR_SUCCESS;
    struct sim_swapchain *chain = sim_swapchain_find(s, sub->swapchain, &error);
    if (!chain)
        return error;
    if (chain->released < 0)
        return sim_wrong(XR_ERROR_LAYER_INVALID, "layer_image",
                         "the swapchain has no released image");
    if (sub->imageArrayIndex >= chain->info.arraySize)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "layer_array_index",
                         "imageArrayIndex is %u of %u", sub->imageArrayIndex,
                         chain->info.arraySize);
    XrRect2Di r = sub->imageRect;
    int64_t right = (int64_t)r.offset.x + r.extent.width,
            bottom = (int64_t)r.offset.y + r.extent.height;
    if (r.offset.x < 0 || r.offset.y < 0 || r.extent.width < 0 || r.extent.height < 0 ||
        right > chain->info.width || bottom > chain->info.height)
        return sim_wrong(XR_ERROR_SWAPCHAIN_RECT_INVALID, "layer_rect",
                         "imageRect %dx%d+%d+%d is outside of %ux%u", r.extent.width,
                         r.extent.height, r.offset.x, r.offset.y, chain->info.width,
                         chain->info.height);
    if (r.extent.width == 0 || r.extent.height == 0)
        sim_report_note("layer_rect_empty", "an imageRect is empty: nothing is seen");
    if (chain->acquired[chain->released])
        sim_wrong(XR_SUCCESS, "layer_image_acquired",
                  "image %d is shown while it is acquired to be drawn anew", chain->released);
    out->chain = chain;
    out->image = chain->released;
    out->serial = chain->serial;
    out->rect = r;
    out->slice = sub->imageArrayIndex;
    return XR_SUCCESS;
}

static XrResult read_eyes(XrEyeVisibility visibility, struct sim_layer *out)
{
    if (visibility < XR_EYE_VISIBILITY_BOTH || visibility > XR_EYE_VISIBILITY_RIGHT)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "eye_visibility", "%d is no eyeVisibility",
                         (int)visibility);
    out->eyes = visibility == XR_EYE_VISIBILITY_BOTH   ? 3
                : visibility == XR_EYE_VISIBILITY_LEFT ? 1
                                                       : 2;
    return XR_SUCCESS;
}

// pose: in the layer's space. A space that cannot be located hides the layer.
static void place(const struct sim_space *space, int64_t time_ns, XrPosef pose,
                  struct sim_layer *out)
{
    struct pose origin;
    if (sim_space_pose(space, time_ns, &origin))
        out->pose = pose_multiply(origin, pose_from_xr(pose));
    else
        out->eyes = 0;
}

static XrResult read_quad(struct sim_session *s, const XrCompositionLayerQuad *quad,
                          struct sim_layer *out)
{
    SIM_TRY(read_eyes(quad->eyeVisibility, out));
    SIM_TRY(sim_check_pose(&quad->pose, "XrCompositionLayerQuad"));
    if (!isfinite(quad->size.width) || !isfinite(quad->size.height) || quad->size.width < 0 ||
        quad->size.height < 0)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "quad_size", "size is %g x %g m",
                         quad->size.width, quad->size.height);
    if (quad->size.width == 0 || quad->size.height == 0)
        sim_report_note("quad_size_zero", "a quad has no size: nothing is seen");
    out->width_m = quad->size.width;
    out->height_m = quad->size.height;
    sim_report_counts()->layers_quad++;
    return read_image(s, &quad->subImage, out);
}

static XrResult read_cylinder(struct sim_session *s, const XrCompositionLayerCylinderKHR *c,
                              struct sim_layer *out)
{
    SIM_TRY(read_eyes(c->eyeVisibility, out));
    SIM_TRY(sim_check_pose(&c->pose, "XrCompositionLayerCylinderKHR"));
    if (isnan(c->radius) || c->radius < 0)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "cylinder_radius", "radius is %g", c->radius);
    if (!(c->centralAngle >= 0 && c->centralAngle < 2 * PI))
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "cylinder_angle",
                         "centralAngle is %g, must be 0 to 2 pi", c->centralAngle);
    if (!(c->aspectRatio > 0) || !isfinite(c->aspectRatio))
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "cylinder_aspect", "aspectRatio is %g",
                         c->aspectRatio);
    out->radius_m = isinf(c->radius) ? 0 : c->radius;
    out->angle = c->centralAngle;
    out->aspect = c->aspectRatio;
    sim_report_counts()->layers_cylinder++;
    return read_image(s, &c->subImage, out);
}

static XrResult read_view(struct sim_session *s, const XrCompositionLayerProjectionView *view,
                          struct sim_layer *out)
{
    SIM_TRY(sim_check_struct(view, XR_TYPE_COMPOSITION_LAYER_PROJECTION_VIEW,
                             "XrCompositionLayerProjectionView"));
    SIM_TRY(sim_check_pose(&view->pose, "XrCompositionLayerProjectionView"));
    const XrFovf *f = &view->fov;
    if (!(f->angleLeft < f->angleRight && f->angleDown < f->angleUp && f->angleLeft > -PI / 2 &&
          f->angleRight < PI / 2 && f->angleDown > -PI / 2 && f->angleUp < PI / 2))
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "projection_fov", "fov is %g %g %g %g",
                         f->angleLeft, f->angleRight, f->angleUp, f->angleDown);
    out->fov = view->fov;
    return read_image(s, &view->subImage, out);
}

static XrResult read_projection(struct sim_session *s, const XrCompositionLayerProjection *layer,
                                const struct sim_space *space, int64_t time_ns,
                                struct sim_layers *out)
{
    if (layer->viewCount != 2 || !layer->views)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "projection_views",
                         "viewCount is %u, must be 2", layer->viewCount);
    for (unsigned eye = 0; eye < 2; eye++) {
        struct sim_layer *view = &out->layer[out->count];
        *view =
            (struct sim_layer){.type = layer->type, .flags = layer->layerFlags, .eyes = 1u << eye};
        SIM_TRY(read_view(s, &layer->views[eye], view));
        place(space, time_ns, layer->views[eye].pose, view);
        out->count++;
    }
    sim_report_counts()->layers_projection++;
    return XR_SUCCESS;
}

static XrResult read_layer(struct sim_session *s, const XrCompositionLayerBaseHeader *header,
                           int64_t time_ns, struct sim_layers *out)
{
    if (!header)
        return sim_wrong(XR_ERROR_LAYER_INVALID, "layer_null", "a layer is NULL");
    bool cylinder =
        header->type == XR_TYPE_COMPOSITION_LAYER_CYLINDER_KHR && s->instance->has_cylinder;
    if (header->type != XR_TYPE_COMPOSITION_LAYER_QUAD &&
        header->type != XR_TYPE_COMPOSITION_LAYER_PROJECTION && !cylinder)
        return sim_wrong(XR_ERROR_LAYER_INVALID, "layer_type",
                         "%d is no type of layer that is enabled", (int)header->type);
    SIM_TRY(sim_check_struct(header, header->type, "XrCompositionLayerBaseHeader"));
    if (header->layerFlags & ~(XrCompositionLayerFlags)KNOWN_FLAGS)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "layer_flags", "layerFlags are %#llx",
                         (unsigned long long)header->layerFlags);
    XrResult error = XR_SUCCESS;
    const struct sim_space *space = sim_space_find(s, header->space, &error);
    if (!space)
        return error;
    if (header->type == XR_TYPE_COMPOSITION_LAYER_PROJECTION)
        return read_projection(s, (const XrCompositionLayerProjection *)header, space, time_ns,
                               out);
    struct sim_layer *layer = &out->layer[out->count];
    *layer = (struct sim_layer){.type = header->type, .flags = header->layerFlags};
    if (cylinder) {
        const XrCompositionLayerCylinderKHR *c = (const XrCompositionLayerCylinderKHR *)header;
        SIM_TRY(read_cylinder(s, c, layer));
        place(space, time_ns, c->pose, layer);
    } else {
        const XrCompositionLayerQuad *quad = (const XrCompositionLayerQuad *)header;
        SIM_TRY(read_quad(s, quad, layer));
        place(space, time_ns, quad->pose, layer);
    }
    out->count++;
    return XR_SUCCESS;
}

XrResult sim_layers_read(struct sim_session *s, const XrFrameEndInfo *info, struct sim_layers *out)
{
    out->count = 0;
    if (info->layerCount > SIM_LAYERS_MAX)
        return sim_wrong(XR_ERROR_LAYER_LIMIT_EXCEEDED, "layer_count", "%u layers, at most %d",
                         info->layerCount, SIM_LAYERS_MAX);
    if (info->layerCount && !info->layers)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "layers_null",
                         "layers is NULL, layerCount %u", info->layerCount);
    int64_t time_ns = sim_time_to_ns(info->displayTime);
    for (uint32_t l = 0; l < info->layerCount; l++)
        SIM_TRY(read_layer(s, info->layers[l], time_ns, out));
    struct sim_counts *c = sim_report_counts();
    if (info->layerCount > c->layers_max)
        c->layers_max = info->layerCount;
    return XR_SUCCESS;
}

static bool same_image(const struct sim_layer *a, const struct sim_layer *b)
{
    return a->chain == b->chain && a->serial == b->serial && a->slice == b->slice &&
           !memcmp(&a->rect, &b->rect, sizeof a->rect);
}

bool sim_layers_changed(const struct sim_layers *layers)
{
    static struct sim_layers
        before; // its swapchains may be gone: only their addresses are compared
    bool same = layers->count == before.count;
    for (int l = 0; same && l < layers->count; l++)
        same = same_image(&layers->layer[l], &before.layer[l]);
    before = *layers;
    return !same && layers->count > 0;
}

const struct sim_layer *sim_layers_first(const struct sim_layers *layers, int eye)
{
    for (int l = 0; l < layers->count; l++)
        if (layers->layer[l].eyes & 1u << eye)
            return &layers->layer[l];
    return NULL;
}
