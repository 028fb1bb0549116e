#include "viewer/vk_frames.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "viewer/vk_cuda.h"
#include "viewer/vk_submitter.h"

// of a row in the buffer: a cache line, and more than any optimalBufferCopyRowPitchAlignment
// seen
#define ROW_ALIGN_BYTES 64

struct vk_frame {
    struct vk_stereo_images images; // first: what readers see
    VkDeviceMemory memory[2];
    // what the converter writes: both eyes, one after the other, in one of these
    struct vk_cuda_buffer shared;
    VkBuffer staging;
    VkDeviceMemory staging_memory;
    VkCommandBuffer copy; // recorded once, submitted by each publish
};

struct vk_frames {
    struct vk_device *device;
    VkSemaphore ready; // timeline: counts published frames
    uint64_t last_value;
    VkCommandPool pool; // the converter's thread
    struct vk_submitter *submitter;
    struct vk_cuda *cuda; // NULL: not asked for yet, or not here
    bool no_cuda;         // not here
};

struct vk_frames *vk_frames_create(struct vk_device *device)
{
    struct vk_frames *frames = mem_new(1, sizeof(*frames));
    VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .queueFamilyIndex = device->main_queue->family,
    };

    frames->device = device;
    if (!vk_timeline_create(device, &frames->ready) ||
        !VK(vkCreateCommandPool(device->device, &pool, NULL, &frames->pool)))
        goto fail;
    frames->submitter = vk_submitter_create(device->main_queue);
    if (!frames->submitter)
        goto fail;
    return frames;
fail:
    vk_frames_destroy(&frames);
    return NULL;
}

void vk_frames_destroy(struct vk_frames **frames)
{
    struct vk_frames *f = *frames;

    if (!f)
        return;
    vk_submitter_destroy(&f->submitter);
    vk_cuda_destroy(&f->cuda);
    vkDestroyCommandPool(f->device->device, f->pool, NULL);
    vkDestroySemaphore(f->device->device, f->ready, NULL);
    mem_free(f);
    *frames = NULL;
}

// --- one frame's memory

static bool create_staging(const struct vk_frames *frames, struct vk_frame *frame, size_t size,
                           uint8_t **out_mapped)
{
    // A converter that reads back what it wrote would crawl in uncached memory, so cached is
    // better where there is such; coherent memory always exists.
    const VkMemoryPropertyFlags wanted =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    VkDevice device = frames->device->device;
    VkBufferCreateInfo buffer = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = size,
        .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
    };
    VkMemoryAllocateInfo memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    VkMemoryRequirements needs;
    void *mapped;

    if (!VK(vkCreateBuffer(device, &buffer, NULL, &frame->staging)))
        return false;
    vkGetBufferMemoryRequirements(device, frame->staging, &needs);
    memory.allocationSize = needs.size;
    memory.memoryTypeIndex = vk_memory_type(frames->device, needs.memoryTypeBits,
                                            wanted | VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
    if (memory.memoryTypeIndex == UINT32_MAX)
        memory.memoryTypeIndex = vk_memory_type(frames->device, needs.memoryTypeBits, wanted);
    if (!VK(vkAllocateMemory(device, &memory, NULL, &frame->staging_memory)) ||
        !VK(vkBindBufferMemory(device, frame->staging, frame->staging_memory, 0)) ||
        !VK(vkMapMemory(device, frame->staging_memory, 0, VK_WHOLE_SIZE, 0, &mapped)))
        return false;
    *out_mapped = mapped;
    return true;
}

static bool create_view(const struct vk_frames *frames, VkImage image, VkFormat format,
                        VkImageView *out)
{
    VkImageViewCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
        .image = image,
        .viewType = VK_IMAGE_VIEW_TYPE_2D,
        .format = format,
        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
    };

    return VK(vkCreateImageView(frames->device->device, &info, NULL, out));
}

static bool create_image(const struct vk_frames *frames, struct vk_frame *frame, int eye)
{
    struct vk_stereo_images *images = &frame->images;
    VkDevice device = frames->device->device;
    VkImageCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
        .flags = VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT,
        .imageType = VK_IMAGE_TYPE_2D,
        .format = VK_FORMAT_R8G8B8A8_SRGB,
        .extent = {(uint32_t)images->width, (uint32_t)images->height, 1},
        .mipLevels = 1,
        .arrayLayers = 1,
        .samples = VK_SAMPLE_COUNT_1_BIT,
        .tiling = VK_IMAGE_TILING_OPTIMAL,
        .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT |
                 VK_IMAGE_USAGE_SAMPLED_BIT,
        .initialLayout = VK_IMAGE_LAYOUT_UNDEFINED,
    };
    VkMemoryAllocateInfo memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    VkMemoryRequirements needs;

    if (!VK(vkCreateImage(device, &info, NULL, &images->image[eye])))
        return false;
    vkGetImageMemoryRequirements(device, images->image[eye], &needs);
    memory.allocationSize = needs.size;
    memory.memoryTypeIndex =
        vk_memory_type(frames->device, needs.memoryTypeBits, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
    if (memory.memoryTypeIndex == UINT32_MAX)
        memory.memoryTypeIndex = vk_memory_type(frames->device, needs.memoryTypeBits, 0);
    return VK(vkAllocateMemory(device, &memory, NULL, &frame->memory[eye])) &&
           VK(vkBindImageMemory(device, images->image[eye], frame->memory[eye], 0)) &&
           create_view(frames, images->image[eye], VK_FORMAT_R8G8B8A8_SRGB,
                       &images->view_srgb[eye]) &&
           create_view(frames, images->image[eye], VK_FORMAT_R8G8B8A8_UNORM,
                       &images->view_unorm[eye]);
}

// One barrier does for every round: the old pixels are not needed, and readers of the last round
// have finished before the frame became free. The semaphore's signal orders the copy before the
// readers of this round.
static void record_eye(const struct vk_frame *frame, VkBuffer from, int eye, size_t stride)
{
    const struct vk_stereo_images *images = &frame->images;
    VkImageMemoryBarrier to_general = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
        .oldLayout = VK_IMAGE_LAYOUT_UNDEFINED,
        .newLayout = VK_IMAGE_LAYOUT_GENERAL,
        .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .image = images->image[eye],
        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
    };
    VkBufferImageCopy region = {
        .bufferOffset = (size_t)eye * stride * (size_t)images->height,
        .bufferRowLength = (uint32_t)(stride / 4),
        .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
        .imageExtent = {(uint32_t)images->width, (uint32_t)images->height, 1},
    };

    vkCmdPipelineBarrier(frame->copy, VK_PIPELINE_STAGE_TRANSFER_BIT,
                         VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0, NULL, 1, &to_general);
    vkCmdCopyBufferToImage(frame->copy, from, images->image[eye], VK_IMAGE_LAYOUT_GENERAL, 1,
                           &region);
}

static bool record_copy(const struct vk_frames *frames, struct vk_frame *frame, size_t stride)
{
    VkCommandBufferAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = frames->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    // CUDA waits on the device: the next publish may come while the last copy still runs
    VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT,
    };
    uint32_t family = frames->device->main_queue->family;
    bool shared = frame->shared.buffer;

    if (!VK(vkAllocateCommandBuffers(frames->device->device, &allocate, &frame->copy)) ||
        !VK(vkBeginCommandBuffer(frame->copy, &begin)))
        return false;
    if (shared)
        vk_cuda_begin(frame->copy, &frame->shared, family);
    for (int eye = 0; eye < 2; eye++)
        record_eye(frame, shared ? frame->shared.buffer : frame->staging, eye, stride);
    if (shared)
        vk_cuda_end(frame->copy, &frame->shared, family);
    return VK(vkEndCommandBuffer(frame->copy));
}

// --- struct stereo_memory

// A lost device is done as well, and whoever lost it has logged that.
static void wait_quietly(const struct vk_frames *frames, uint64_t value)
{
    VkSemaphoreWaitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
        .semaphoreCount = 1,
        .pSemaphores = &frames->ready,
        .pValues = &value,
    };

    (void)frames->device->wait_semaphores(frames->device->device, &info, NS_PER_S);
}

// Also of a half-built frame.
static void release(void *user, struct stereo_frame *f)
{
    struct vk_frames *frames = user;
    struct vk_frame *frame = f->device;
    VkDevice device = frames->device->device;

    if (frame->shared.buffer)
        vk_cuda_settle(frames->cuda);
    wait_quietly(frames, frame->images.ready_value);
    if (frame->copy)
        vkFreeCommandBuffers(device, frames->pool, 1, &frame->copy);
    for (int eye = 0; eye < 2; eye++) {
        vkDestroyImageView(device, frame->images.view_srgb[eye], NULL);
        vkDestroyImageView(device, frame->images.view_unorm[eye], NULL);
        vkDestroyImage(device, frame->images.image[eye], NULL);
        vkFreeMemory(device, frame->memory[eye], NULL);
    }
    if (frame->shared.buffer)
        vk_cuda_buffer_destroy(frames->cuda, &frame->shared);
    vkDestroyBuffer(device, frame->staging, NULL);
    vkFreeMemory(device, frame->staging_memory, NULL);
    mem_free(frame);
    f->device = NULL;
    f->eyes = (struct deep3d_eyes){0};
}

// Memory that the converter's GPU shares, where it was asked for and can be had.
static bool create_shared(struct vk_frames *frames, struct vk_frame *frame, size_t size)
{
    if (frames->no_cuda)
        return false;
    if (!frames->cuda && !(frames->cuda = vk_cuda_create(frames->device, frames->ready)))
        frames->no_cuda = true;
    else if (!vk_cuda_buffer_create(frames->cuda, size, &frame->shared)) {
        log_warn("from now on pictures go to %s through host memory",
                 frames->device->properties.deviceName);
        frames->no_cuda = true;
    }
    return !frames->no_cuda;
}

static bool create_buffer(struct vk_frames *frames, struct stereo_frame *f, size_t stride,
                          enum deep3d_memory memory)
{
    struct vk_frame *frame = f->device;
    size_t eye_size = stride * (size_t)f->eyes.height;
    uint8_t *first = NULL;

    if (memory == DEEP3D_MEMORY_HOST && frames->cuda)
        vk_cuda_settle(frames->cuda); // the converter's GPU may have failed
    if (memory == DEEP3D_MEMORY_CUDA && create_shared(frames, frame, 2 * eye_size)) {
        f->eyes.memory = DEEP3D_MEMORY_CUDA;
        first = frame->shared.pointer;
    } else if (!create_staging(frames, frame, 2 * eye_size, &first)) {
        return false;
    }
    f->eyes.stride_bytes = stride;
    f->eyes.pixels[0] = first;
    f->eyes.pixels[1] = first + eye_size;
    return true;
}

static bool allocate(void *user, struct stereo_frame *f, int width, int height,
                     enum deep3d_memory memory)
{
    struct vk_frames *frames = user;
    uint32_t largest = frames->device->properties.limits.maxImageDimension2D;
    size_t stride = ((size_t)width * 4 + ROW_ALIGN_BYTES - 1) / ROW_ALIGN_BYTES * ROW_ALIGN_BYTES;
    struct vk_frame *frame;

    if ((uint32_t)width > largest || (uint32_t)height > largest) {
        log_error("a picture of %dx%d is too large for %s, which takes %u pixels a side", width,
                  height, frames->device->properties.deviceName, largest);
        return false;
    }
    frame = mem_new(1, sizeof(*frame));
    frame->images.width = width;
    frame->images.height = height;
    f->device = frame;
    f->eyes = (struct deep3d_eyes){.width = width, .height = height};
    if (create_buffer(frames, f, stride, memory) && create_image(frames, frame, 0) &&
        create_image(frames, frame, 1) && record_copy(frames, frame, stride))
        return true;
    log_error("no memory on %s for a stereo frame of %dx%d: a smaller video may play",
              frames->device->properties.deviceName, width, height);
    release(frames, f);
    return false;
}

static bool publish(void *user, struct stereo_frame *f)
{
    struct vk_frames *frames = user;
    struct vk_frame *frame = f->device;
    uint64_t value = frames->last_value + 1;
    VkSemaphore written = VK_NULL_HANDLE;
    VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkTimelineSemaphoreSubmitInfo timeline = {
        .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
        .pWaitSemaphoreValues = &value,
        .signalSemaphoreValueCount = 1,
        .pSignalSemaphoreValues = &value,
    };
    VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .pNext = &timeline,
        .pWaitSemaphores = &written,
        .pWaitDstStageMask = &stage,
        .commandBufferCount = 1,
        .pCommandBuffers = &frame->copy,
        .signalSemaphoreCount = 1,
        .pSignalSemaphores = &frames->ready,
    };

    if (frame->shared.buffer && !vk_cuda_written(frames->cuda, value, &written))
        return false;
    submit.waitSemaphoreCount = timeline.waitSemaphoreValueCount = written ? 1 : 0;
    if (!vk_submitter_submit(frames->submitter, &submit))
        return false;
    frames->last_value = value;
    frame->images.ready_value = value;
    return true;
}

static bool reuse(void *user, struct stereo_frame *f)
{
    struct vk_frames *frames = user;
    const struct vk_frame *frame = f->device;

    if (frame->shared.buffer)
        return vk_cuda_wait(frames->cuda, frame->images.ready_value);
    return vk_timeline_wait(frames->device, frames->ready, frame->images.ready_value);
}

struct stereo_memory vk_frames_memory(struct vk_frames *frames)
{
    return (struct stereo_memory){
        .user = frames,
        .allocate = allocate,
        .release = release,
        .publish = publish,
        .reuse = reuse,
    };
}

const struct vk_stereo_images *vk_frames_images(const struct stereo_frame *frame)
{
    return &((const struct vk_frame *)frame->device)->images;
}

VkSemaphore vk_frames_semaphore(const struct vk_frames *frames)
{
    return frames->ready;
}

const struct vk_cuda *vk_frames_cuda(const struct vk_frames *frames)
{
    return frames->cuda;
}
