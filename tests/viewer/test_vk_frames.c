// Stereo frames in Vulkan memory come back from the device as they were written, whatever their
// size, round after round, without a word from the validation layer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "viewer/vk_frames.h"

#define RING 3

static struct vk_device *vk;
static char last_error[512];

static void note_errors(void *user, enum log_level level, const char *line)
{
    fprintf(stderr, "%s\n", line);
    if (level == LOG_ERROR)
        snprintf(last_error, sizeof(last_error), "%s", line);
}

// Another value for each byte of each eye of each frame.
static uint8_t pattern(uint64_t frame, int eye, size_t i)
{
    uint64_t x = (frame * 2 + (uint64_t)eye) * 0x9E3779B97F4A7C15u + i * 0xD1B54A32D192ED03u;

    return (uint8_t)(x >> 40 ^ x >> 13);
}

static void write_eyes(const struct stereo_frame *f, uint64_t seed)
{
    for (int eye = 0; eye < 2; eye++)
        for (int y = 0; y < f->eyes.height; y++) {
            uint8_t *row = f->eyes.pixels[eye] + (size_t)y * f->eyes.stride_bytes;

            for (size_t x = 0; x < (size_t)f->eyes.width * 4; x++)
                row[x] = pattern(seed, eye, (size_t)y * 70001 + x);
        }
}

struct reader {
    VkBuffer buffer;
    VkDeviceMemory memory;
    VkCommandPool pool;
    VkFence fence;
    uint8_t *mapped;
};

static void reader_init(struct reader *r, size_t size)
{
    VkBufferCreateInfo buffer = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = size,
        .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    };
    VkMemoryAllocateInfo memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .queueFamilyIndex = vk->window_queue->family,
    };
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkMemoryRequirements needs;
    void *mapped;

    assert_true(VK(vkCreateBuffer(vk->device, &buffer, NULL, &r->buffer)));
    vkGetBufferMemoryRequirements(vk->device, r->buffer, &needs);
    memory.allocationSize = needs.size;
    memory.memoryTypeIndex =
        vk_memory_type(vk, needs.memoryTypeBits,
                       VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    assert_true(VK(vkAllocateMemory(vk->device, &memory, NULL, &r->memory)));
    assert_true(VK(vkBindBufferMemory(vk->device, r->buffer, r->memory, 0)));
    assert_true(VK(vkMapMemory(vk->device, r->memory, 0, VK_WHOLE_SIZE, 0, &mapped)));
    assert_true(VK(vkCreateCommandPool(vk->device, &pool, NULL, &r->pool)));
    assert_true(VK(vkCreateFence(vk->device, &fence, NULL, &r->fence)));
    r->mapped = mapped;
}

static void reader_finish(struct reader *r)
{
    vkDestroyFence(vk->device, r->fence, NULL);
    vkDestroyCommandPool(vk->device, r->pool, NULL);
    vkDestroyBuffer(vk->device, r->buffer, NULL);
    vkFreeMemory(vk->device, r->memory, NULL);
}

// As a display does: a submit that waits for the frame's ready value.
static void read_eye(struct reader *r, const struct vk_frames *frames,
                     const struct vk_stereo_images *images, int eye)
{
    VkSemaphore semaphore = vk_frames_semaphore(frames);
    VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkCommandBuffer commands;
    VkCommandBufferAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = r->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    VkBufferImageCopy region = {
        .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
        .imageExtent = {(uint32_t)images->width, (uint32_t)images->height, 1},
    };
    VkMemoryBarrier to_host = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_HOST_READ_BIT,
    };
    VkTimelineSemaphoreSubmitInfo timeline = {
        .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
        .waitSemaphoreValueCount = 1,
        .pWaitSemaphoreValues = &images->ready_value,
    };
    VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .pNext = &timeline,
        .waitSemaphoreCount = 1,
        .pWaitSemaphores = &semaphore,
        .pWaitDstStageMask = &stage,
        .commandBufferCount = 1,
        .pCommandBuffers = &commands,
    };

    assert_true(VK(vkAllocateCommandBuffers(vk->device, &allocate, &commands)));
    assert_true(VK(vkBeginCommandBuffer(commands, &begin)));
    vkCmdCopyImageToBuffer(commands, images->image[eye], VK_IMAGE_LAYOUT_GENERAL, r->buffer, 1,
                           &region);
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                         &to_host, 0, NULL, 0, NULL);
    assert_true(VK(vkEndCommandBuffer(commands)));
    vk_queue_lock(vk->window_queue);
    assert_true(VK(vkQueueSubmit(vk->window_queue->handle, 1, &submit, r->fence)));
    vk_queue_unlock(vk->window_queue);
    assert_true(VK(vkWaitForFences(vk->device, 1, &r->fence, VK_TRUE, UINT64_MAX)));
    assert_true(VK(vkResetFences(vk->device, 1, &r->fence)));
    vkFreeCommandBuffers(vk->device, r->pool, 1, &commands);
}

static void check_eye(const struct reader *r, const struct vk_stereo_images *images, uint64_t seed,
                      int eye)
{
    size_t row_bytes = (size_t)images->width * 4;

    for (int y = 0; y < images->height; y++)
        for (size_t x = 0; x < row_bytes; x++)
            if (r->mapped[(size_t)y * row_bytes + x] != pattern(seed, eye, (size_t)y * 70001 + x))
                fail_msg("%dx%d, eye %d, byte %zu of row %d differs", images->width, images->height,
                         eye, x, y);
}

static void put(struct stereo_ring *ring, int width, int height, uint64_t seed)
{
    struct stereo_frame *f = stereo_ring_acquire(ring, width, height, DEEP3D_MEMORY_HOST);

    assert_non_null(f);
    assert_int_equal(f->eyes.width, width);
    assert_int_equal(f->eyes.height, height);
    assert_int_equal(f->eyes.stride_bytes % 4, 0);
    write_eyes(f, seed);
    assert_true(stereo_ring_publish(ring, f));
}

static void play(struct vk_frames *frames, struct stereo_ring *ring, int width, int height,
                 int rounds, uint64_t seed)
{
    struct reader r;

    reader_init(&r, (size_t)width * (size_t)height * 4);
    for (int i = 0; i < rounds; i++) {
        const struct vk_stereo_images *images;
        struct stereo_frame *f;

        put(ring, width, height, seed + (uint64_t)i);
        f = stereo_ring_next(ring);
        assert_non_null(f);
        images = vk_frames_images(f);
        assert_int_equal(images->width, width);
        assert_int_equal(images->height, height);
        for (int eye = 0; eye < 2; eye++) {
            read_eye(&r, frames, images, eye);
            check_eye(&r, images, seed + (uint64_t)i, eye);
        }
        stereo_ring_release(ring, f);
    }
    reader_finish(&r);
}

// Sizes follow each other in one ring, as files of a playlist do.
static void test_pixels_come_back(void **state)
{
    static const int sizes[][2] = {{1, 1}, {2, 1}, {17, 3}, {321, 241}, {1920, 1080}, {3, 2000}};
    struct vk_frames *frames = vk_frames_create(vk);
    struct stereo_memory memory = vk_frames_memory(frames);
    struct stereo_ring *ring = stereo_ring_create(RING, &memory);

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        play(frames, ring, sizes[i][0], sizes[i][1], 2 * RING, i * 100);
    stereo_ring_destroy(&ring);
    vk_frames_destroy(&frames);
    assert_int_equal(vk_validation_messages(), 0);
}

// Frames that nobody looked at are written again at once; the one that is looked at is whole.
static void test_dropped_frames_are_reused(void **state)
{
    struct vk_frames *frames = vk_frames_create(vk);
    struct stereo_memory memory = vk_frames_memory(frames);
    struct stereo_ring *ring = stereo_ring_create(RING, &memory);

    for (unsigned i = 0; i < 30; i++) {
        put(ring, 640, 360, i);
        stereo_ring_restart(ring, 0);
    }
    play(frames, ring, 640, 360, 1, 1000);
    stereo_ring_destroy(&ring);
    vk_frames_destroy(&frames);
    assert_int_equal(vk_validation_messages(), 0);
}

static void test_too_large(void **state)
{
    int largest = (int)vk->properties.limits.maxImageDimension2D;
    struct vk_frames *frames = vk_frames_create(vk);
    struct stereo_memory memory = vk_frames_memory(frames);
    struct stereo_ring *ring = stereo_ring_create(RING, &memory);

    last_error[0] = '\0';
    assert_null(stereo_ring_acquire(ring, largest + 1, 4, DEEP3D_MEMORY_HOST));
    assert_non_null(strstr(last_error, "too large"));
    last_error[0] = '\0';
    assert_null(stereo_ring_acquire(ring, 4, largest + 1, DEEP3D_MEMORY_HOST));
    assert_non_null(strstr(last_error, "too large"));
    play(frames, ring, 8, 8, 1, 7); // the ring is still good
    stereo_ring_destroy(&ring);
    vk_frames_destroy(&frames);
    assert_int_equal(vk_validation_messages(), 0);
}

static int no_device(void)
{
    fprintf(stderr, "SKIPPED: no Vulkan device (mesa-vulkan-drivers has one without hardware)\n");
    return 77;
}

int main(void)
{
    const struct vk_device_params params = {0};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixels_come_back),
        cmocka_unit_test(test_dropped_frames_are_reused),
        cmocka_unit_test(test_too_large),
    };
    int failed;

    log_set_sink(note_errors, NULL);
    vk = vk_device_create(&params);
    if (!vk)
        return no_device();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    vk_device_destroy(&vk);
    return failed;
}
