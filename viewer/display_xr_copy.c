#include "viewer/display_xr_copy.h"

#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define DRAIN_NS (5 * NS_PER_S)

struct slot {
    VkCommandBuffer commands;
    VkFence done;
    struct stereo_frame *frame; // NULL: free
};

struct xr_copy {
    struct vk_device *vk;
    const struct vk_frames *frames;
    struct stereo_ring *ring;
    VkCommandPool pool;
    struct slot slots[XR_COPY_SLOTS];
    bool broken;
};

struct xr_copy *xr_copy_create(struct vk_device *vk, const struct vk_frames *frames,
                               struct stereo_ring *ring)
{
    struct xr_copy *c = mem_new(1, sizeof(*c));
    VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
        .queueFamilyIndex = vk->main_queue->family,
    };
    VkCommandBufferAllocateInfo buffers = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};

    c->vk = vk;
    c->frames = frames;
    c->ring = ring;
    if (!VK(vkCreateCommandPool(vk->device, &pool, NULL, &c->pool)))
        goto fail;
    buffers.commandPool = c->pool;
    for (int i = 0; i < XR_COPY_SLOTS; i++) {
        if (!VK(vkAllocateCommandBuffers(vk->device, &buffers, &c->slots[i].commands)) ||
            !VK(vkCreateFence(vk->device, &fence, NULL, &c->slots[i].done)))
            goto fail;
    }
    return c;
fail:
    xr_copy_destroy(&c);
    return NULL;
}

void xr_copy_destroy(struct xr_copy **copy)
{
    struct xr_copy *c = *copy;

    if (!c)
        return;
    xr_copy_drain(c);
    for (int i = 0; i < XR_COPY_SLOTS; i++)
        vkDestroyFence(c->vk->device, c->slots[i].done, NULL);
    vkDestroyCommandPool(c->vk->device, c->pool, NULL);
    mem_free(c);
    *copy = NULL;
}

// Called with the fence signalled, or the device lost.
static void give_back(struct xr_copy *c, struct slot *s)
{
    stereo_ring_release(c->ring, s->frame);
    s->frame = NULL;
}

static bool check(struct xr_copy *c, bool good)
{
    if (!good)
        c->broken = true;
    return good;
}

bool xr_copy_ready(struct xr_copy *c)
{
    bool ready = false;

    for (int i = 0; i < XR_COPY_SLOTS; i++) {
        struct slot *s = &c->slots[i];

        if (s->frame) {
            VkResult result = vkGetFenceStatus(c->vk->device, s->done);

            if (result == VK_SUCCESS)
                give_back(c, s);
            else if (result != VK_NOT_READY && !c->broken)
                check(c, vk_check(result, "vkGetFenceStatus", __FILE__, __LINE__));
        }
        ready |= !s->frame;
    }
    return ready && !c->broken;
}

bool xr_copy_broken(const struct xr_copy *c)
{
    return c->broken;
}

void xr_copy_drain(struct xr_copy *c)
{
    for (int i = 0; i < XR_COPY_SLOTS; i++) {
        struct slot *s = &c->slots[i];

        if (!s->frame)
            continue;
        if (!c->broken)
            check(c, VK(vkWaitForFences(c->vk->device, 1, &s->done, VK_TRUE, DRAIN_NS)));
        give_back(c, s);
    }
}

// The whole image is written, so what it held may go: UNDEFINED is right whatever the runtime did.
static void begin_target(VkCommandBuffer commands, VkImage image)
{
    VkImageMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .srcAccessMask = 0,
        .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
        .oldLayout = VK_IMAGE_LAYOUT_UNDEFINED,
        .newLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
        .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .image = image,
        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
    };

    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                         VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0, NULL, 1, &barrier);
}

static void end_target(VkCommandBuffer commands, VkImage image)
{
    VkImageMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
        .oldLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
        .newLayout = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
        .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .image = image,
        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
    };

    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                         VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0, NULL, 1, &barrier);
}

static void copy_eye(VkCommandBuffer commands, const struct vk_stereo_images *from, int eye,
                     const struct xr_copy_target *to)
{
    const VkImageSubresourceLayers layers = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};

    if (to->same) {
        VkImageCopy region = {
            .srcSubresource = layers,
            .dstSubresource = layers,
            .extent = {(uint32_t)to->width, (uint32_t)to->height, 1},
        };

        vkCmdCopyImage(commands, from->image[eye], VK_IMAGE_LAYOUT_GENERAL, to->image[eye],
                       VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
    } else {
        VkImageBlit region = {
            .srcSubresource = layers,
            .srcOffsets = {{0, 0, 0}, {from->width, from->height, 1}},
            .dstSubresource = layers,
            .dstOffsets = {{0, 0, 0}, {to->width, to->height, 1}},
        };

        vkCmdBlitImage(commands, from->image[eye], VK_IMAGE_LAYOUT_GENERAL, to->image[eye],
                       VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region, VK_FILTER_LINEAR);
    }
}

static bool record(struct slot *s, const struct vk_stereo_images *from,
                   const struct xr_copy_target *to)
{
    VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };

    if (!VK(vkBeginCommandBuffer(s->commands, &begin)))
        return false;
    for (int eye = 0; eye < 2; eye++)
        begin_target(s->commands, to->image[eye]);
    for (int eye = 0; eye < 2; eye++)
        copy_eye(s->commands, from, eye, to);
    for (int eye = 0; eye < 2; eye++)
        end_target(s->commands, to->image[eye]);
    return VK(vkEndCommandBuffer(s->commands));
}

static bool submit(struct xr_copy *c, struct slot *s, uint64_t ready_value)
{
    VkSemaphore semaphore = vk_frames_semaphore(c->frames);
    VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
    VkTimelineSemaphoreSubmitInfo values = {
        .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
        .waitSemaphoreValueCount = 1,
        .pWaitSemaphoreValues = &ready_value,
    };
    VkSubmitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .pNext = &values,
        .waitSemaphoreCount = 1,
        .pWaitSemaphores = &semaphore,
        .pWaitDstStageMask = &stage,
        .commandBufferCount = 1,
        .pCommandBuffers = &s->commands,
    };
    bool good;

    if (!VK(vkResetFences(c->vk->device, 1, &s->done)))
        return false;
    vk_queue_lock(c->vk->main_queue);
    good = VK(vkQueueSubmit(c->vk->main_queue->handle, 1, &info, s->done));
    vk_queue_unlock(c->vk->main_queue);
    return good;
}

bool xr_copy_submit(struct xr_copy *c, struct stereo_frame *frame,
                    const struct xr_copy_target *target)
{
    const struct vk_stereo_images *from = vk_frames_images(frame);
    struct slot *s = c->slots;

    while (s < c->slots + XR_COPY_SLOTS && s->frame)
        s++;
    assert(s < c->slots + XR_COPY_SLOTS);
    s->frame = frame;
    if (check(c, record(s, from, target) && submit(c, s, from->ready_value)))
        return true;
    give_back(c, s);
    return false;
}
