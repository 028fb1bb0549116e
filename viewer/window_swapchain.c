#include "viewer/window_swapchain.h"

#include "base/clock.h"
#include "base/log.h"
#include "viewer/vk_device.h"
#include "viewer/window.h"

#define MAX_FORMATS 64
#define MAX_MODES 16
#define DRAIN_NS (5 * NS_PER_S) // longer than any picture takes

// --- what the surface offers

// How welcome a format is. Any sRGB-encoding one of 8 bits is as good as another.
static int format_rank(const VkSurfaceFormatKHR *f)
{
    if (f->colorSpace != VK_COLOR_SPACE_SRGB_NONLINEAR_KHR)
        return 0;
    switch (f->format) {
    case VK_FORMAT_B8G8R8A8_SRGB:
    case VK_FORMAT_R8G8B8A8_SRGB:
    case VK_FORMAT_A8B8G8R8_SRGB_PACK32:
        return 3;
    case VK_FORMAT_B8G8R8A8_UNORM:
    case VK_FORMAT_R8G8B8A8_UNORM:
    case VK_FORMAT_A8B8G8R8_UNORM_PACK32:
        return 2;
    default:
        return 1;
    }
}

static bool choose_format(struct window_swapchain *s)
{
    VkSurfaceFormatKHR formats[MAX_FORMATS];
    uint32_t count = MAX_FORMATS;
    int best = -1;
    VkResult result =
        vkGetPhysicalDeviceSurfaceFormatsKHR(s->vk->physical, s->surface, &count, formats);

    if (result != VK_INCOMPLETE && !VK(result))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (format_rank(&formats[i]) > best) {
            best = format_rank(&formats[i]);
            s->format = formats[i];
        }
    }
    if (best < 0)
        log_error("the window has no pixel format that Vulkan can draw");
    s->encode = best < 3;
    return best >= 0;
}

// The first of these that is there; FIFO always is.
static VkPresentModeKHR choose_mode(const struct window_swapchain *s)
{
    VkPresentModeKHR modes[MAX_MODES];
    uint32_t count = MAX_MODES;

    if (!s->never_block ||
        vkGetPhysicalDeviceSurfacePresentModesKHR(s->vk->physical, s->surface, &count, modes) < 0)
        return VK_PRESENT_MODE_FIFO_KHR;
    for (uint32_t i = 0; i < count; i++) {
        if (modes[i] == VK_PRESENT_MODE_MAILBOX_KHR)
            return modes[i];
    }
    return VK_PRESENT_MODE_FIFO_KHR;
}

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : value;
}

// Zero while the window is minimised on some desktops.
static VkExtent2D choose_extent(const struct window_swapchain *s, const VkSurfaceCapabilitiesKHR *c)
{
    int width, height;

    if (c->currentExtent.width != UINT32_MAX)
        return c->currentExtent;
    // Wayland: the window follows the swapchain
    window_size(s->window, &width, &height);
    return (VkExtent2D){
        clamp((uint32_t)width, c->minImageExtent.width, c->maxImageExtent.width),
        clamp((uint32_t)height, c->minImageExtent.height, c->maxImageExtent.height),
    };
}

// The lowest of the supported ways, opaque first.
static VkCompositeAlphaFlagBitsKHR choose_alpha(const VkSurfaceCapabilitiesKHR *c)
{
    VkCompositeAlphaFlagsKHR all = c->supportedCompositeAlpha;

    return (VkCompositeAlphaFlagBitsKHR)(all & (~all + 1));
}

// --- making and unmaking

static bool create_pass(struct window_swapchain *s)
{
    VkAttachmentDescription attachment = {
        .format = s->format.format,
        .samples = VK_SAMPLE_COUNT_1_BIT,
        .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
        .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
        .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
        .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
        .initialLayout = VK_IMAGE_LAYOUT_UNDEFINED,
        .finalLayout = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR,
    };
    VkAttachmentReference colour = {0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
    VkSubpassDescription subpass = {
        .pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
        .colorAttachmentCount = 1,
        .pColorAttachments = &colour,
    };
    // the layout changes after the image was acquired
    VkSubpassDependency dependency = {
        .srcSubpass = VK_SUBPASS_EXTERNAL,
        .dstSubpass = 0,
        .srcStageMask = VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT,
        .dstStageMask = VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT,
        .dstAccessMask = VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT,
    };
    VkRenderPassCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
        .attachmentCount = 1,
        .pAttachments = &attachment,
        .subpassCount = 1,
        .pSubpasses = &subpass,
        .dependencyCount = 1,
        .pDependencies = &dependency,
    };

    return VK(vkCreateRenderPass(s->vk->device, &info, NULL, &s->pass));
}

bool window_swapchain_init(struct window_swapchain *s, struct vk_device *vk, struct window *window,
                           bool never_block)
{
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};

    *s = (struct window_swapchain){.vk = vk, .window = window, .never_block = never_block};
    return VK(vkCreateFence(vk->device, &fence, NULL, &s->drained)) &&
           window_create_surface(window, vk->instance, &s->surface) && choose_format(s) &&
           create_pass(s);
}

// What depends on the images. Nothing may be in use.
static void destroy_images(struct window_swapchain *s)
{
    for (uint32_t i = 0; i < WINDOW_SWAPCHAIN_IMAGES; i++) {
        vkDestroyFramebuffer(s->vk->device, s->framebuffers[i], NULL);
        vkDestroyImageView(s->vk->device, s->views[i], NULL);
        vkDestroySemaphore(s->vk->device, s->rendered[i], NULL);
        s->framebuffers[i] = VK_NULL_HANDLE;
        s->views[i] = VK_NULL_HANDLE;
        s->rendered[i] = VK_NULL_HANDLE;
    }
    s->count = 0;
}

// The images and their semaphores are in the queue's hands until it has done what it was given. It
// goes on serving others meanwhile. False, logged: the device is lost.
static bool drain_queue(struct window_swapchain *s)
{
    bool good;

    vk_queue_lock(s->vk->window_queue);
    good = VK(vkQueueSubmit(s->vk->window_queue->handle, 0, NULL, s->drained));
    vk_queue_unlock(s->vk->window_queue);
    return good && VK(vkWaitForFences(s->vk->device, 1, &s->drained, VK_TRUE, DRAIN_NS)) &&
           VK(vkResetFences(s->vk->device, 1, &s->drained));
}

static void destroy_swapchain(struct window_swapchain *s)
{
    vk_queue_lock(s->vk->window_queue);
    (void)vkQueueWaitIdle(s->vk->window_queue->handle);
    vk_queue_unlock(s->vk->window_queue);
    destroy_images(s);
    vkDestroySwapchainKHR(s->vk->device, s->handle, NULL);
    s->handle = VK_NULL_HANDLE;
}

void window_swapchain_finish(struct window_swapchain *s)
{
    if (!s->vk)
        return;
    if (s->handle)
        destroy_swapchain(s);
    vkDestroyRenderPass(s->vk->device, s->pass, NULL);
    vkDestroySurfaceKHR(s->vk->instance, s->surface, NULL);
    vkDestroyFence(s->vk->device, s->drained, NULL);
    *s = (struct window_swapchain){0};
}

static bool create_image(struct window_swapchain *s, VkImage image, uint32_t i)
{
    VkDevice device = s->vk->device;
    VkImageViewCreateInfo view = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
        .image = image,
        .viewType = VK_IMAGE_VIEW_TYPE_2D,
        .format = s->format.format,
        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
    };
    VkFramebufferCreateInfo framebuffer = {
        .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
        .renderPass = s->pass,
        .attachmentCount = 1,
        .pAttachments = &s->views[i],
        .width = s->extent.width,
        .height = s->extent.height,
        .layers = 1,
    };
    VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};

    return VK(vkCreateImageView(device, &view, NULL, &s->views[i])) &&
           VK(vkCreateFramebuffer(device, &framebuffer, NULL, &s->framebuffers[i])) &&
           VK(vkCreateSemaphore(device, &semaphore, NULL, &s->rendered[i]));
}

static bool create_images(struct window_swapchain *s)
{
    VkImage images[WINDOW_SWAPCHAIN_IMAGES];
    uint32_t count = WINDOW_SWAPCHAIN_IMAGES;

    if (!VK(vkGetSwapchainImagesKHR(s->vk->device, s->handle, &count, images)))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!create_image(s, images[i], i))
            return false;
    }
    s->count = count;
    return true;
}

// The surface went away (on some systems when a screen does): another one for the same window.
static enum swapchain_result renew_surface(struct window_swapchain *s)
{
    if (s->handle)
        destroy_swapchain(s);
    vkDestroySurfaceKHR(s->vk->instance, s->surface, NULL);
    s->surface = VK_NULL_HANDLE;
    s->stale = true;
    return window_create_surface(s->window, s->vk->instance, &s->surface) ? SWAPCHAIN_BUSY
                                                                          : SWAPCHAIN_LOST;
}

static enum swapchain_result recreate(struct window_swapchain *s)
{
    VkSwapchainKHR old = s->handle;
    VkExtent2D before = s->extent;
    VkSurfaceCapabilitiesKHR c;
    VkSwapchainCreateInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
        .surface = s->surface,
        .imageFormat = s->format.format,
        .imageColorSpace = s->format.colorSpace,
        .imageArrayLayers = 1,
        .imageUsage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
        .imageSharingMode = VK_SHARING_MODE_EXCLUSIVE,
        .presentMode = choose_mode(s),
        .clipped = VK_TRUE,
        .oldSwapchain = old,
    };
    VkResult result = vkGetPhysicalDeviceSurfaceCapabilitiesKHR(s->vk->physical, s->surface, &c);

    if (result == VK_ERROR_SURFACE_LOST_KHR)
        return renew_surface(s);
    if (!VK(result))
        return SWAPCHAIN_LOST;
    s->extent = choose_extent(s, &c);
    if (s->extent.width == 0 || s->extent.height == 0)
        return SWAPCHAIN_BUSY;
    info.imageExtent = s->extent;
    // one on screen, one waiting, one to draw into
    info.minImageCount = c.minImageCount > 3 ? c.minImageCount : 3;
    if (c.maxImageCount && info.minImageCount > c.maxImageCount)
        info.minImageCount = c.maxImageCount;
    info.preTransform = c.currentTransform;
    info.compositeAlpha = choose_alpha(&c);

    window_size(s->window, &s->window_width, &s->window_height);
    if (old && !drain_queue(s))
        return SWAPCHAIN_LOST;
    destroy_images(s);
    s->handle = VK_NULL_HANDLE;
    result = vkCreateSwapchainKHR(s->vk->device, &info, NULL, &s->handle);
    vkDestroySwapchainKHR(s->vk->device, old, NULL);
    if (result == VK_ERROR_SURFACE_LOST_KHR)
        return renew_surface(s);
    if (!VK(result) || !create_images(s))
        return SWAPCHAIN_LOST;
    s->accepted =
        s->suboptimal && s->extent.width == before.width && s->extent.height == before.height;
    s->stale = s->suboptimal = false;
    return SWAPCHAIN_OK;
}

// --- a picture

// Not every driver says when the images no longer fit the window.
static bool window_changed(const struct window_swapchain *s)
{
    int width, height;

    window_size(s->window, &width, &height);
    return width != s->window_width || height != s->window_height;
}

// The image can be shown, but another swapchain may suit the window better. True: one is to be
// made.
static bool note_suboptimal(struct window_swapchain *s)
{
    if (!s->accepted)
        s->stale = s->suboptimal = true;
    return s->stale;
}

enum swapchain_result window_swapchain_acquire(struct window_swapchain *s, VkSemaphore acquired,
                                               uint32_t *out_image)
{
    enum swapchain_result result = SWAPCHAIN_OK;

    if (!s->handle || s->stale || window_changed(s))
        result = recreate(s);
    if (result != SWAPCHAIN_OK)
        return result;
    switch (
        vkAcquireNextImageKHR(s->vk->device, s->handle, 0, acquired, VK_NULL_HANDLE, out_image)) {
    case VK_SUCCESS:
        return SWAPCHAIN_OK;
    case VK_SUBOPTIMAL_KHR:
        (void)note_suboptimal(s);
        return SWAPCHAIN_OK;
    case VK_NOT_READY:
    case VK_TIMEOUT:
        return SWAPCHAIN_BUSY;
    case VK_ERROR_OUT_OF_DATE_KHR:
        s->stale = true;
        return SWAPCHAIN_BUSY;
    case VK_ERROR_SURFACE_LOST_KHR:
        return renew_surface(s);
    default:
        log_error("the window's next image cannot be had: the Vulkan device is lost");
        return SWAPCHAIN_LOST;
    }
}

enum swapchain_result window_swapchain_present(struct window_swapchain *s, uint32_t image)
{
    VkPresentInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
        .waitSemaphoreCount = 1,
        .pWaitSemaphores = &s->rendered[image],
        .swapchainCount = 1,
        .pSwapchains = &s->handle,
        .pImageIndices = &image,
    };
    VkResult result;

    vk_queue_lock(s->vk->window_queue);
    result = vkQueuePresentKHR(s->vk->window_queue->handle, &info);
    vk_queue_unlock(s->vk->window_queue);
    switch (result) {
    case VK_SUCCESS:
        return SWAPCHAIN_OK;
    case VK_SUBOPTIMAL_KHR:
        return note_suboptimal(s) ? SWAPCHAIN_BUSY : SWAPCHAIN_OK;
    case VK_ERROR_OUT_OF_DATE_KHR:
    case VK_ERROR_SURFACE_LOST_KHR: // the next acquire says so again
        s->stale = true;
        return SWAPCHAIN_BUSY;
    default:
        return VK(result) ? SWAPCHAIN_OK : SWAPCHAIN_LOST;
    }
}
