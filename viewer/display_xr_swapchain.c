#include "viewer/display_xr_swapchain.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

// Width + height in pixels below which smaller swapchains help no more.
#define SMALLEST 256
// Pixels of a swapchain for each that the headset shows, at least: runtimes may name fewer than it
// has, and people lean forward.
#define FINENESS 1.5

// Best first. UNORM and float formats are linear light to an OpenXR compositor.
static const VkFormat FORMATS[] = {
    VK_FORMAT_R8G8B8A8_SRGB,       VK_FORMAT_B8G8R8A8_SRGB,      VK_FORMAT_A8B8G8R8_SRGB_PACK32,
    VK_FORMAT_R16G16B16A16_SFLOAT, VK_FORMAT_R16G16B16A16_UNORM, VK_FORMAT_R32G32B32A32_SFLOAT,
    VK_FORMAT_R8G8B8_SRGB,         VK_FORMAT_B8G8R8_SRGB,        VK_FORMAT_A2B10G10R10_UNORM_PACK32,
    VK_FORMAT_R8G8B8A8_UNORM,      VK_FORMAT_B8G8R8A8_UNORM,
};

static bool can_fill(const struct vk_device *vk, VkFormat format)
{
    VkFormatProperties properties;

    if (format == VK_FORMAT_R8G8B8A8_SRGB)
        return true;
    vkGetPhysicalDeviceFormatProperties(vk->physical, format, &properties);
    return (properties.optimalTilingFeatures & VK_FORMAT_FEATURE_BLIT_DST_BIT) != 0;
}

static bool offered(const int64_t *formats, uint32_t count, VkFormat format)
{
    for (uint32_t i = 0; i < count; i++)
        if (formats[i] == (int64_t)format)
            return true;
    return false;
}

bool xr_eyes_init(struct xr_eyes *eyes, struct xr_system *system, struct vk_device *vk,
                  struct xr_copy *copy, struct stereo_ring *ring, XrSession session)
{
    int64_t formats[128];
    uint32_t count = 0;

    *eyes = (struct xr_eyes){
        .system = system, .vk = vk, .copy = copy, .ring = ring, .session = session};
    if (!XR(system, xrEnumerateSwapchainFormats(session, 128, &count, formats)))
        return false;
    for (size_t i = 0; i < sizeof(FORMATS) / sizeof(FORMATS[0]); i++) {
        if (offered(formats, count, FORMATS[i]) && can_fill(vk, FORMATS[i])) {
            eyes->format = FORMATS[i];
            log_debug("headset: swapchain format %d of %u offered", (int)eyes->format, count);
            return true;
        }
    }
    log_error("headset: none of the %u picture formats of %s can be filled by %s", count,
              system->runtime_name, vk->properties.deviceName);
    xr_system_lose(system, XR_LOST_INSTANCE);
    return false;
}

// The runtime may go on showing the images for a while: it keeps them itself.
static void destroy_handles(struct xr_eyes *eyes)
{
    for (int i = 0; i < 2; i++) {
        struct xr_eye *e = &eyes->eye[i];

        if (e->handle != XR_NULL_HANDLE) {
            vk_queue_lock(eyes->vk->main_queue);
            xrDestroySwapchain(e->handle);
            vk_queue_unlock(eyes->vk->main_queue);
        }
        memset(e, 0, sizeof(*e));
    }
}

static void destroy_swapchains(struct xr_eyes *eyes)
{
    if (eyes->copy)
        xr_copy_drain(eyes->copy);
    destroy_handles(eyes);
    eyes->filled = false;
    eyes->width = eyes->height = eyes->frame_width = eyes->frame_height = 0;
}

void xr_eyes_finish(struct xr_eyes *eyes)
{
    if (eyes->session != XR_NULL_HANDLE)
        destroy_swapchains(eyes);
    memset(eyes, 0, sizeof(*eyes));
}

static XrResult create_swapchain(struct xr_eyes *eyes, struct xr_eye *e)
{
    XrSwapchainCreateInfo info = {
        .type = XR_TYPE_SWAPCHAIN_CREATE_INFO,
        .usageFlags = XR_SWAPCHAIN_USAGE_TRANSFER_DST_BIT |
                      XR_SWAPCHAIN_USAGE_COLOR_ATTACHMENT_BIT | XR_SWAPCHAIN_USAGE_SAMPLED_BIT,
        .format = eyes->format,
        .sampleCount = 1,
        .width = (uint32_t)eyes->width,
        .height = (uint32_t)eyes->height,
        .faceCount = 1,
        .arraySize = 1,
        .mipCount = 1,
    };
    XrSwapchainImageVulkan2KHR images[XR_EYE_IMAGES];
    XrResult result;

    vk_queue_lock(eyes->vk->main_queue);
    result = xrCreateSwapchain(eyes->session, &info, &e->handle);
    vk_queue_unlock(eyes->vk->main_queue);
    if (XR_FAILED(result)) {
        e->handle = XR_NULL_HANDLE;
        return result;
    }
    for (int i = 0; i < XR_EYE_IMAGES; i++)
        images[i] = (XrSwapchainImageVulkan2KHR){.type = XR_TYPE_SWAPCHAIN_IMAGE_VULKAN2_KHR};
    result = xrEnumerateSwapchainImages(e->handle, XR_EYE_IMAGES, &e->count,
                                        (XrSwapchainImageBaseHeader *)images);
    for (uint32_t i = 0; XR_SUCCEEDED(result) && i < e->count; i++)
        e->images[i] = images[i].image;
    return result;
}

static int at_most(int value, int limit)
{
    return limit > 0 && value > limit ? limit : value;
}

// Smaller swapchains where the runtime refuses (its memory is full, or its limits are not what it
// says): a picture with less detail is better than none.
static bool create_swapchains(struct xr_eyes *eyes)
{
    for (;;) {
        XrResult result = create_swapchain(eyes, &eyes->eye[0]);

        if (XR_SUCCEEDED(result))
            result = create_swapchain(eyes, &eyes->eye[1]);
        if (XR_SUCCEEDED(result))
            return true;
        if (result == XR_ERROR_SESSION_LOST || result == XR_ERROR_INSTANCE_LOST ||
            eyes->width + eyes->height < SMALLEST)
            return xr_check(eyes->system, result, "xrCreateSwapchain", __FILE__, __LINE__);
        log_warn("headset: %s has no room for eyes of %dx%d (%s); trying half the size",
                 eyes->system->runtime_name, eyes->width, eyes->height, xr_result_name(result));
        destroy_handles(eyes);
        eyes->width = (eyes->width + 1) / 2;
        eyes->height = (eyes->height + 1) / 2;
    }
}

// Swapchains for frames of this size.
static bool fit(struct xr_eyes *eyes, int width, int height, double shown_px)
{
    int part; // of the frame's sides. A copy looks at two by two pixels: more would be left out

    if (eyes->frame_width == width && eyes->frame_height == height && shown_px <= eyes->enough_px)
        return true;
    destroy_swapchains(eyes);
    part = shown_px > 0 && width / 2 >= FINENESS * shown_px ? 2 : 1;
    eyes->enough_px = part > 1 ? width / part : INFINITY;
    eyes->width = at_most(width / part, eyes->system->max_width);
    eyes->height = at_most((height + part - 1) / part, eyes->system->max_height);
    if (!create_swapchains(eyes)) {
        destroy_swapchains(eyes);
        return false;
    }
    eyes->frame_width = width;
    eyes->frame_height = height;
    log_debug("headset: swapchains of %dx%d for frames of %dx%d", eyes->width, eyes->height, width,
              height);
    return true;
}

// On to XR_EYE_READY, or as far as the runtime lets us within wait_ns.
static bool prepare(struct xr_eyes *eyes, struct xr_eye *e, int64_t wait_ns)
{
    XrSwapchainImageAcquireInfo acquire = {.type = XR_TYPE_SWAPCHAIN_IMAGE_ACQUIRE_INFO};
    XrSwapchainImageWaitInfo wait = {.type = XR_TYPE_SWAPCHAIN_IMAGE_WAIT_INFO, .timeout = wait_ns};
    XrResult result;

    if (e->step == XR_EYE_IDLE) {
        vk_queue_lock(eyes->vk->main_queue);
        result = xrAcquireSwapchainImage(e->handle, &acquire, &e->index);
        vk_queue_unlock(eyes->vk->main_queue);
        if (!xr_check(eyes->system, result, "xrAcquireSwapchainImage", __FILE__, __LINE__))
            return false;
        if (e->index >= e->count) {
            log_error("headset: %s hands out image %u of %u", eyes->system->runtime_name, e->index,
                      e->count);
            xr_system_lose(eyes->system, XR_LOST_SESSION);
            return false;
        }
        e->step = XR_EYE_ACQUIRED;
    }
    if (e->step == XR_EYE_ACQUIRED) {
        result = xrWaitSwapchainImage(e->handle, &wait);
        if (!xr_check(eyes->system, result, "xrWaitSwapchainImage", __FILE__, __LINE__))
            return false;
        if (result != XR_TIMEOUT_EXPIRED)
            e->step = XR_EYE_READY;
    }
    return true;
}

static bool release(struct xr_eyes *eyes)
{
    XrSwapchainImageReleaseInfo info = {.type = XR_TYPE_SWAPCHAIN_IMAGE_RELEASE_INFO};
    bool good = true;

    vk_queue_lock(eyes->vk->main_queue);
    for (int i = 0; i < 2 && good; i++) {
        good = XR(eyes->system, xrReleaseSwapchainImage(eyes->eye[i].handle, &info));
        eyes->eye[i].step = XR_EYE_IDLE;
    }
    vk_queue_unlock(eyes->vk->main_queue);
    return good;
}

bool xr_eyes_show(struct xr_eyes *eyes, struct stereo_frame *frame, double shown_px,
                  int64_t wait_ns, bool *out_shown)
{
    struct xr_eye *left = &eyes->eye[0], *right = &eyes->eye[1];
    struct xr_copy_target target;

    *out_shown = false;
    if (!fit(eyes, frame->eyes.width, frame->eyes.height, shown_px) ||
        !prepare(eyes, left, wait_ns) || !prepare(eyes, right, wait_ns))
        goto fail;
    if (left->step != XR_EYE_READY || right->step != XR_EYE_READY) {
        stereo_ring_release(eyes->ring, frame);
        return true;
    }
    target = (struct xr_copy_target){
        .image = {left->images[left->index], right->images[right->index]},
        .width = eyes->width,
        .height = eyes->height,
        .same = eyes->format == VK_FORMAT_R8G8B8A8_SRGB && eyes->width == frame->eyes.width &&
                eyes->height == frame->eyes.height,
    };
    if (!xr_copy_submit(eyes->copy, frame, &target)) {
        xr_system_lose(eyes->system, XR_LOST_INSTANCE);
        return false;
    }
    if (!release(eyes))
        return false;
    eyes->filled = *out_shown = true;
    return true;
fail:
    stereo_ring_release(eyes->ring, frame);
    return false;
}

void xr_eyes_layers(const struct xr_eyes *eyes, XrSpace space, XrPosef pose, XrExtent2Df size,
                    XrCompositionLayerQuad out_layers[2])
{
    for (int i = 0; i < 2; i++) {
        out_layers[i] = (XrCompositionLayerQuad){
            .type = XR_TYPE_COMPOSITION_LAYER_QUAD,
            .layerFlags = 0, // opaque: the frames' alpha means nothing
            .space = space,
            .eyeVisibility = i == 0 ? XR_EYE_VISIBILITY_LEFT : XR_EYE_VISIBILITY_RIGHT,
            .subImage = {.swapchain = eyes->eye[i].handle,
                         .imageRect = {.extent = {eyes->width, eyes->height}}},
            .pose = pose,
            .size = size,
        };
    }
}
