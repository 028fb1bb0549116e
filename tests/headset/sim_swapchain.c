#include "tests/headset/sim_swapchain.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/headset/sim_capture.h"
#include "tests/headset/sim_report.h"

// Highest preference first, as Monado lists them.
static const VkFormat formats[] = {VK_FORMAT_R8G8B8A8_SRGB, VK_FORMAT_B8G8R8A8_SRGB,
                                   VK_FORMAT_R16G16B16A16_SFLOAT, VK_FORMAT_R8G8B8A8_UNORM,
                                   VK_FORMAT_B8G8R8A8_UNORM};
#define FORMATS (sizeof formats / sizeof *formats)

static int held_waits;

void sim_swapchain_hold(int waits)
{
    held_waits = waits;
}

struct sim_swapchain *sim_swapchain_find(struct sim_session *s, XrSwapchain handle,
                                         XrResult *out_error)
{
    struct sim_swapchain *chain = sim_handle_object(SIM_SWAPCHAIN, SIM_NUMBER(handle));
    if (chain && chain->session == s)
        return chain;
    *out_error = sim_wrong(chain ? XR_ERROR_VALIDATION_FAILURE : XR_ERROR_HANDLE_INVALID,
                           "swapchain", "%p is no swapchain of this session", (void *)handle);
    return NULL;
}

XRAPI_ATTR XrResult XRAPI_CALL xrEnumerateSwapchainFormats(XrSession session, uint32_t capacity,
                                                           uint32_t *count, int64_t *out)
{
    struct sim_session *s;
    bool fill = false;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = sim_check_two_call(capacity, count, out, FORMATS, &fill);
    for (size_t f = 0; fill && f < FORMATS; f++)
        out[f] = formats[f];
    return sim_session_leave(s, result);
}

static XrResult check_format(int64_t format)
{
    for (size_t f = 0; f < FORMATS; f++)
        if (formats[f] == format)
            return XR_SUCCESS;
    return sim_wrong(XR_ERROR_SWAPCHAIN_FORMAT_UNSUPPORTED, "swapchain_format",
                     "format %lld was not enumerated", (long long)format);
}

static XrResult check_size(struct sim_session *s, const XrSwapchainCreateInfo *info)
{
    uint32_t largest =
        s->vk.limits.maxImageDimension2D < 8192 ? s->vk.limits.maxImageDimension2D : 8192;
    if (info->width == 0 || info->height == 0 || info->width > largest || info->height > largest)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "swapchain_size", "%ux%u, must be 1 to %u",
                         info->width, info->height, largest);
    if (info->sampleCount == 0 || info->arraySize == 0 ||
        info->arraySize > s->vk.limits.maxImageArrayLayers)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "swapchain_count",
                         "sampleCount %u, arraySize %u", info->sampleCount, info->arraySize);
    uint32_t mips = 1;
    for (uint32_t side = info->width > info->height ? info->width : info->height; side > 1;
         side /= 2)
        mips++;
    if (info->mipCount == 0 || info->mipCount > mips)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "swapchain_mips",
                         "mipCount %u, must be 1 to %u", info->mipCount, mips);
    if (info->faceCount != 1 && info->faceCount != 6)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "swapchain_faces",
                         "faceCount %u, must be 1 or 6", info->faceCount);
    if (info->faceCount == 6 || info->sampleCount > 1)
        return sim_wrong(XR_ERROR_FEATURE_UNSUPPORTED, "swapchain_feature",
                         "cube maps and multisampling are not done");
    return XR_SUCCESS;
}

// Which bit of OpenXR is which of Vulkan.
static const struct {
    XrSwapchainUsageFlags xr;
    VkImageUsageFlags vk;
} usages[] = {
    {XR_SWAPCHAIN_USAGE_COLOR_ATTACHMENT_BIT, VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT},
    {XR_SWAPCHAIN_USAGE_UNORDERED_ACCESS_BIT, VK_IMAGE_USAGE_STORAGE_BIT},
    {XR_SWAPCHAIN_USAGE_TRANSFER_SRC_BIT, VK_IMAGE_USAGE_TRANSFER_SRC_BIT},
    {XR_SWAPCHAIN_USAGE_TRANSFER_DST_BIT, VK_IMAGE_USAGE_TRANSFER_DST_BIT},
    {XR_SWAPCHAIN_USAGE_SAMPLED_BIT, VK_IMAGE_USAGE_SAMPLED_BIT},
    {XR_SWAPCHAIN_USAGE_MUTABLE_FORMAT_BIT, 0},
};

// The runtime itself reads the images: TRANSFER_SRC, and COLOR_ATTACHMENT for the layout that it
// promises.
static XrResult image_info(struct sim_session *s, const XrSwapchainCreateInfo *info,
                           VkImageCreateInfo *out)
{
    XrSwapchainUsageFlags known = 0;
    VkImageUsageFlags usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
    for (size_t u = 0; u < sizeof usages / sizeof *usages; u++) {
        known |= usages[u].xr;
        if (info->usageFlags & usages[u].xr)
            usage |= usages[u].vk;
    }
    if (info->usageFlags & ~known)
        return sim_wrong(XR_ERROR_FEATURE_UNSUPPORTED, "swapchain_usage",
                         "usageFlags %#llx has bits that are not done",
                         (unsigned long long)info->usageFlags);
    if (info->createFlags & ~(XrSwapchainCreateFlags)XR_SWAPCHAIN_CREATE_STATIC_IMAGE_BIT)
        return sim_wrong(XR_ERROR_FEATURE_UNSUPPORTED, "swapchain_flags",
                         "createFlags %#llx has bits that are not done",
                         (unsigned long long)info->createFlags);
    *out = (VkImageCreateInfo){
        .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
        .flags = info->usageFlags & XR_SWAPCHAIN_USAGE_MUTABLE_FORMAT_BIT
                     ? VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT
                     : 0,
        .imageType = VK_IMAGE_TYPE_2D,
        .format = (VkFormat)info->format,
        .extent = {info->width, info->height, 1},
        .mipLevels = info->mipCount,
        .arrayLayers = info->arraySize,
        .samples = VK_SAMPLE_COUNT_1_BIT,
        .tiling = VK_IMAGE_TILING_OPTIMAL,
        .usage = usage,
        .sharingMode = VK_SHARING_MODE_EXCLUSIVE,
        .initialLayout = VK_IMAGE_LAYOUT_UNDEFINED,
    };
    VkImageFormatProperties can;
    if (s->vk.GetPhysicalDeviceImageFormatProperties(s->vk.physical, out->format, out->imageType,
                                                     out->tiling, out->usage, out->flags,
                                                     &can) != VK_SUCCESS)
        return sim_wrong(XR_ERROR_FEATURE_UNSUPPORTED, "swapchain_usage",
                         "this device cannot make format %lld with usageFlags %#llx",
                         (long long)info->format, (unsigned long long)info->usageFlags);
    return XR_SUCCESS;
}

static XrResult create_swapchain(struct sim_session *s, const XrSwapchainCreateInfo *info,
                                 XrSwapchain *out)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_SWAPCHAIN_CREATE_INFO, "XrSwapchainCreateInfo"));
    if (!out)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null",
                         "the swapchain output is NULL");
    SIM_TRY(check_format(info->format));
    SIM_TRY(check_size(s, info));
    VkImageCreateInfo image;
    SIM_TRY(image_info(s, info, &image));
    struct sim_swapchain *chain = mem_new(1, sizeof *chain);
    chain->session = s;
    chain->info = *info;
    chain->info.next = NULL;
    chain->released = -1;
    chain->count = info->createFlags & XR_SWAPCHAIN_CREATE_STATIC_IMAGE_BIT ? 1 : SIM_IMAGES;
    chain->next = s->swapchains;
    s->swapchains = chain;
    chain->handle = SIM_HANDLE(XrSwapchain, sim_handle_create(SIM_SWAPCHAIN, chain));
    bool made = sim_commands_create(&s->vk, &chain->commands);
    for (uint32_t n = 0; made && n < chain->count; n++)
        made = sim_image_create(&s->vk, &image, &chain->images[n]);
    if (!made) {
        sim_swapchain_destroy(chain);
        return XR_ERROR_RUNTIME_FAILURE;
    }
    sim_report_counts()->swapchains++;
    sim_report_event("swapchain", "%ux%u format %lld", info->width, info->height,
                     (long long)info->format);
    *out = chain->handle;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrCreateSwapchain(XrSession session,
                                                 const XrSwapchainCreateInfo *info,
                                                 XrSwapchain *swapchain)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = create_swapchain(s, info, swapchain);
    return sim_session_leave(s, result);
}

void sim_swapchain_destroy(struct sim_swapchain *chain)
{
    struct sim_swapchain **p = &chain->session->swapchains;
    while (*p != chain)
        p = &(*p)->next;
    *p = chain->next;
    struct sim_vulkan *vk = &chain->session->vk;
    sim_commands_destroy(vk, &chain->commands);
    for (uint32_t n = 0; n < chain->count; n++)
        sim_image_destroy(vk, &chain->images[n]);
    sim_handle_destroy(SIM_NUMBER(chain->handle));
    mem_free(chain);
}

static XrResult enter(XrSwapchain handle, const char *function, struct sim_session **out_session,
                      struct sim_swapchain **out)
{
    struct sim_instance *i = sim_instance_current();
    struct sim_session *living = i ? i->session : NULL;
    XrResult result =
        sim_session_enter(living ? living->handle : XR_NULL_HANDLE, function, out_session);
    *out = NULL;
    if (!*out_session)
        return result;
    XrResult error = result;
    *out = sim_swapchain_find(*out_session, handle, &error);
    return *out ? result : error;
}

XRAPI_ATTR XrResult XRAPI_CALL xrDestroySwapchain(XrSwapchain handle)
{
    struct sim_session *s;
    struct sim_swapchain *chain;
    XrResult result = enter(handle, __func__, &s, &chain);
    if (!chain)
        return sim_leave(result);
    if (s->capture)
        sim_capture_forget(s->capture);
    sim_swapchain_destroy(chain);
    return sim_leave(XR_SUCCESS);
}

static XrResult list_images(struct sim_swapchain *chain, uint32_t capacity, uint32_t *count,
                            XrSwapchainImageBaseHeader *images)
{
    bool fill;
    SIM_TRY(sim_check_two_call(capacity, count, images, chain->count, &fill));
    XrSwapchainImageVulkan2KHR *list = (XrSwapchainImageVulkan2KHR *)images;
    if (fill)
        SIM_TRY(sim_check_struct(list, XR_TYPE_SWAPCHAIN_IMAGE_VULKAN2_KHR,
                                 "XrSwapchainImageVulkan2KHR"));
    for (uint32_t n = 0; fill && n < chain->count; n++) {
        SIM_TRY(sim_check_struct(&list[n], XR_TYPE_SWAPCHAIN_IMAGE_VULKAN2_KHR,
                                 "XrSwapchainImageVulkan2KHR"));
        list[n].image = chain->images[n].image;
    }
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrEnumerateSwapchainImages(XrSwapchain swapchain, uint32_t capacity,
                                                          uint32_t *count,
                                                          XrSwapchainImageBaseHeader *images)
{
    struct sim_session *s;
    struct sim_swapchain *chain;
    XrResult result = enter(swapchain, __func__, &s, &chain);
    if (XR_SUCCEEDED(result))
        result = list_images(chain, capacity, count, images);
    return sim_session_leave(s, result);
}

// All images get the layout that xrWaitSwapchainImage promises. Here, because here the queue may be
// used.
static bool prepare(struct sim_swapchain *chain)
{
    struct sim_vulkan *vk = &chain->session->vk;
    if (!sim_commands_begin(vk, &chain->commands))
        return false;
    for (uint32_t n = 0; n < chain->count; n++)
        sim_image_barrier(vk, chain->commands.buffer, chain->images[n].image,
                          VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
    return sim_commands_submit(vk, &chain->commands);
}

static XrResult acquire(struct sim_swapchain *chain, const XrSwapchainImageAcquireInfo *info,
                        uint32_t *index)
{
    SIM_TRY(sim_check_optional(info, XR_TYPE_SWAPCHAIN_IMAGE_ACQUIRE_INFO,
                               "XrSwapchainImageAcquireInfo"));
    if (!index)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null", "index is NULL");
    bool is_static = chain->info.createFlags & XR_SWAPCHAIN_CREATE_STATIC_IMAGE_BIT;
    if (is_static && (chain->queued || chain->released >= 0))
        return sim_wrong(XR_ERROR_CALL_ORDER_INVALID, "acquire_static",
                         "a static image is acquired once only");
    if (chain->acquired[chain->next_index])
        return sim_wrong(XR_ERROR_CALL_ORDER_INVALID, "acquire_all",
                         "all %u images are acquired already", chain->count);
    if (!chain->ready && !(chain->ready = prepare(chain)))
        return XR_ERROR_RUNTIME_FAILURE;
    *index = chain->next_index;
    chain->next_index = (chain->next_index + 1) % chain->count;
    chain->acquired[*index] = true;
    chain->queue[chain->queued++] = *index;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrAcquireSwapchainImage(XrSwapchain swapchain,
                                                       const XrSwapchainImageAcquireInfo *info,
                                                       uint32_t *index)
{
    struct sim_session *s;
    struct sim_swapchain *chain;
    XrResult result = enter(swapchain, __func__, &s, &chain);
    if (XR_SUCCEEDED(result))
        result = acquire(chain, info, index);
    return sim_session_leave(s, result);
}

static XrResult check_wait(struct sim_swapchain *chain, const XrSwapchainImageWaitInfo *info)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_SWAPCHAIN_IMAGE_WAIT_INFO, "XrSwapchainImageWaitInfo"));
    if (!chain->queued)
        return sim_wrong(XR_ERROR_CALL_ORDER_INVALID, "wait_without_acquire",
                         "no image is acquired");
    if (chain->waited)
        return sim_wrong(XR_ERROR_CALL_ORDER_INVALID, "wait_twice",
                         "the image waited for was not released yet");
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrWaitSwapchainImage(XrSwapchain swapchain,
                                                    const XrSwapchainImageWaitInfo *info)
{
    struct sim_session *s;
    struct sim_swapchain *chain;
    XrResult result = enter(swapchain, __func__, &s, &chain);
    if (XR_SUCCEEDED(result))
        result = check_wait(chain, info);
    if (XR_FAILED(result))
        return sim_session_leave(s, result);
    if (held_waits > 0 &&
        info->timeout < 10 * NS_PER_S) { // XR_INFINITE_DURATION is the largest of all
        held_waits--;
        int64_t until = clock_now_ns() + info->timeout;
        sim_leave(XR_SUCCESS);
        clock_sleep_until_ns(until);
        return XR_TIMEOUT_EXPIRED;
    }
    // The compositor reads on the application's queue, in order, so that an image is always free.
    chain->waited = true;
    return sim_session_leave(s, result);
}

static XrResult release(struct sim_swapchain *chain, const XrSwapchainImageReleaseInfo *info)
{
    SIM_TRY(sim_check_optional(info, XR_TYPE_SWAPCHAIN_IMAGE_RELEASE_INFO,
                               "XrSwapchainImageReleaseInfo"));
    if (!chain->queued || !chain->waited)
        return sim_wrong(XR_ERROR_CALL_ORDER_INVALID, "release_without_wait",
                         "no image was waited for");
    chain->released = (int)chain->queue[0];
    chain->acquired[chain->released] = false;
    memmove(chain->queue, chain->queue + 1, --chain->queued * sizeof *chain->queue);
    chain->waited = false;
    chain->serial++;
    sim_report_counts()->images_released++;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrReleaseSwapchainImage(XrSwapchain swapchain,
                                                       const XrSwapchainImageReleaseInfo *info)
{
    struct sim_session *s;
    struct sim_swapchain *chain;
    XrResult result = enter(swapchain, __func__, &s, &chain);
    if (XR_SUCCEEDED(result))
        result = release(chain, info);
    return sim_session_leave(s, result);
}
