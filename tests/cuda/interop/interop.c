// CUDA and Vulkan work on the same memory, in turn: CUDA writes each stereo frame, Vulkan copies it
// into images and these into a second shared buffer, and CUDA looks at every pixel of that; the
// processor looks as well. With semaphores, and with the host waiting in their place.
//
// usage: interop [FRAMES [WIDTH HEIGHT]]
// Prints what a frame's copy costs. Exit status 77: no GPU, or no Vulkan driver for it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/cuda/interop/pattern.h"
#include "tests/cuda/interop/stand_in.h"
#include "viewer/vk_cuda.h"
#include "viewer/vk_frames.h"

#define RING 5
#define TIMED 500

static struct vk_device *vk;
static int error_lines;
static int frames_wanted = 1000, width = 641, height = 363;

// --- what is allocated

static int allocations, fail_at; // this one fails, counted from 1; 0: none does

#define COUNTED(name, info_type, handle_type)                                                      \
    VKAPI_ATTR VkResult VKAPI_CALL name(VkDevice device, const info_type *info,                    \
                                        const VkAllocationCallbacks *allocator, handle_type *out)  \
    {                                                                                              \
        if (++allocations == fail_at)                                                              \
            return VK_ERROR_OUT_OF_DEVICE_MEMORY;                                                  \
        return ((PFN_##name)dlsym(RTLD_NEXT, #name))(device, info, allocator, out);                \
    }

COUNTED(vkAllocateMemory, VkMemoryAllocateInfo, VkDeviceMemory)
COUNTED(vkCreateBuffer, VkBufferCreateInfo, VkBuffer)
COUNTED(vkCreateCommandPool, VkCommandPoolCreateInfo, VkCommandPool)
COUNTED(vkCreateFence, VkFenceCreateInfo, VkFence)
COUNTED(vkCreateImage, VkImageCreateInfo, VkImage)
COUNTED(vkCreateImageView, VkImageViewCreateInfo, VkImageView)

VKAPI_ATTR VkResult VKAPI_CALL vkMapMemory(VkDevice device, VkDeviceMemory memory,
                                           VkDeviceSize offset, VkDeviceSize size,
                                           VkMemoryMapFlags flags, void **out)
{
    if (++allocations == fail_at)
        return VK_ERROR_MEMORY_MAP_FAILED;
    return ((PFN_vkMapMemory)dlsym(RTLD_NEXT, "vkMapMemory"))(device, memory, offset, size, flags,
                                                              out);
}

// --- a display that reads frames back

struct reader {
    VkSemaphore read; // timeline: counts frames read
    uint64_t value;
    struct vk_cuda *cuda;
    struct vk_cuda_buffer back; // both eyes without gaps, for CUDA
    VkBuffer host;              // the same for the processor
    VkDeviceMemory host_memory;
    const uint32_t *mapped;
    VkCommandPool pool;
    VkCommandBuffer commands[2];
    struct stereo_frame *last; // still being read
};

static size_t eye_bytes(void)
{
    return (size_t)width * (size_t)height * 4;
}

static void create_host_buffer(struct reader *r)
{
    VkBufferCreateInfo buffer = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = 2 * eye_bytes(),
        .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    };
    VkMemoryAllocateInfo memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    VkMemoryPropertyFlags wanted =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    VkMemoryRequirements needs;
    void *mapped;

    assert_true(VK(vkCreateBuffer(vk->device, &buffer, NULL, &r->host)));
    vkGetBufferMemoryRequirements(vk->device, r->host, &needs);
    memory.allocationSize = needs.size;
    memory.memoryTypeIndex =
        vk_memory_type(vk, needs.memoryTypeBits, wanted | VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
    if (memory.memoryTypeIndex == UINT32_MAX)
        memory.memoryTypeIndex = vk_memory_type(vk, needs.memoryTypeBits, wanted);
    assert_true(VK(vkAllocateMemory(vk->device, &memory, NULL, &r->host_memory)));
    assert_true(VK(vkBindBufferMemory(vk->device, r->host, r->host_memory, 0)));
    assert_true(VK(vkMapMemory(vk->device, r->host_memory, 0, VK_WHOLE_SIZE, 0, &mapped)));
    r->mapped = mapped;
}

static void reader_init(struct reader *r)
{
    VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
        .queueFamilyIndex = vk->window_queue->family,
    };
    VkCommandBufferAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 2,
    };

    *r = (struct reader){0};
    assert_true(vk_timeline_create(vk, &r->read));
    r->cuda = vk_cuda_create(vk, r->read);
    assert_non_null(r->cuda);
    assert_true(vk_cuda_buffer_create(r->cuda, 2 * eye_bytes(), &r->back));
    create_host_buffer(r);
    assert_true(VK(vkCreateCommandPool(vk->device, &pool, NULL, &r->pool)));
    allocate.commandPool = r->pool;
    assert_true(VK(vkAllocateCommandBuffers(vk->device, &allocate, r->commands)));
}

static void reader_finish(struct reader *r, struct stereo_ring *ring)
{
    assert_true(vk_timeline_wait(vk, r->read, r->value));
    stereo_ring_release(ring, r->last);
    vkDestroyCommandPool(vk->device, r->pool, NULL);
    vkDestroyBuffer(vk->device, r->host, NULL);
    vkFreeMemory(vk->device, r->host_memory, NULL);
    vk_cuda_settle(r->cuda);
    vk_cuda_buffer_destroy(r->cuda, &r->back);
    vk_cuda_destroy(&r->cuda);
    vkDestroySemaphore(vk->device, r->read, NULL);
}

static void record(const struct reader *r, VkCommandBuffer commands,
                   const struct vk_stereo_images *images)
{
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    VkMemoryBarrier to_host = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_HOST_READ_BIT,
    };

    assert_true(VK(vkBeginCommandBuffer(commands, &begin)));
    vk_cuda_begin(commands, &r->back, vk->window_queue->family);
    for (int eye = 0; eye < 2; eye++) {
        VkBufferImageCopy region = {
            .bufferOffset = (size_t)eye * eye_bytes(),
            .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
            .imageExtent = {(uint32_t)width, (uint32_t)height, 1},
        };

        vkCmdCopyImageToBuffer(commands, images->image[eye], VK_IMAGE_LAYOUT_GENERAL,
                               r->back.buffer, 1, &region);
        vkCmdCopyImageToBuffer(commands, images->image[eye], VK_IMAGE_LAYOUT_GENERAL, r->host, 1,
                               &region);
    }
    vk_cuda_end(commands, &r->back, vk->window_queue->family);
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                         &to_host, 0, NULL, 0, NULL);
    assert_true(VK(vkEndCommandBuffer(commands)));
}

// Waits for the frame, and for CUDA having looked at the one before it.
static void submit(struct reader *r, const struct vk_frames *frames,
                   const VkCommandBuffer *commands, uint64_t ready_value)
{
    VkSemaphore waits[2] = {vk_frames_semaphore(frames)};
    uint64_t values[2] = {ready_value, r->value};
    VkPipelineStageFlags stages[2] = {VK_PIPELINE_STAGE_TRANSFER_BIT,
                                      VK_PIPELINE_STAGE_TRANSFER_BIT};
    VkTimelineSemaphoreSubmitInfo timeline = {
        .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
        .pWaitSemaphoreValues = values,
        .signalSemaphoreValueCount = 1,
        .pSignalSemaphoreValues = &r->value,
    };
    VkSubmitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .pNext = &timeline,
        .pWaitSemaphores = waits,
        .pWaitDstStageMask = stages,
        .commandBufferCount = 1,
        .pCommandBuffers = commands,
        .signalSemaphoreCount = 1,
        .pSignalSemaphores = &r->read,
    };

    assert_true(vk_cuda_written(r->cuda, r->value, &waits[1]));
    info.waitSemaphoreCount = timeline.waitSemaphoreValueCount = waits[1] ? 2 : 1;
    vk_queue_lock(vk->window_queue);
    assert_true(VK(vkQueueSubmit(vk->window_queue->handle, 1, &info, VK_NULL_HANDLE)));
    vk_queue_unlock(vk->window_queue);
}

static void read_frame(struct reader *r, struct vk_frames *frames, struct stereo_ring *ring,
                       uint32_t seed)
{
    struct stereo_frame *f = stereo_ring_next(ring);
    VkCommandBuffer commands = r->commands[r->value % 2];

    assert_true(vk_timeline_wait(vk, r->read, r->value));
    stereo_ring_release(ring, r->last);
    r->last = f;
    r->value++;
    record(r, commands, vk_frames_images(f));
    submit(r, frames, &commands, vk_frames_images(f)->ready_value);
    assert_true(vk_cuda_wait(r->cuda, r->value));
    for (uint32_t eye = 0; eye < 2; eye++)
        assert_true(pattern_look(r->back.pointer + eye * eye_bytes(), width, height,
                                 (size_t)width * 4, 2 * seed + eye));
}

// --- frames

static void write_frame(struct stereo_ring *ring, uint32_t seed)
{
    struct stereo_frame *f = stereo_ring_acquire(ring, width, height, DEEP3D_MEMORY_CUDA);

    assert_non_null(f);
    assert_int_equal(f->eyes.memory, DEEP3D_MEMORY_CUDA); // which no host pointer leads to
    for (uint32_t eye = 0; eye < 2; eye++)
        assert_true(pattern_write(f->eyes.pixels[eye], width, height, f->eyes.stride_bytes,
                                  2 * seed + eye));
    assert_true(stereo_ring_publish(ring, f));
}

static void look_at_host(struct reader *r, uint32_t seed)
{
    assert_true(vk_timeline_wait(vk, r->read, r->value));
    for (uint32_t eye = 0; eye < 2; eye++)
        for (uint32_t y = 0; y < (uint32_t)height; y++)
            for (uint32_t x = 0; x < (uint32_t)width; x++)
                if (r->mapped[(eye * (size_t)height + y) * (size_t)width + x] !=
                    pattern_pixel(2 * seed + eye, x, y))
                    fail_msg("frame %u, eye %u: the processor sees a wrong pixel at %u, %u", seed,
                             eye, x, y);
}

static void look_at_gpu(void)
{
    uint32_t seed, x, y;

    if (!pattern_right(&seed, &x, &y))
        fail_msg("frame %u, eye %u: CUDA sees a wrong pixel at %u, %u", seed / 2, seed % 2, x, y);
}

// host: the processor looks too, which holds up everything.
static void go_round(struct vk_frames *frames, bool host)
{
    struct stereo_memory memory = vk_frames_memory(frames);
    struct stereo_ring *ring = stereo_ring_create(RING, &memory);
    struct reader r;

    reader_init(&r);
    for (int i = 0; i < frames_wanted; i++) {
        if (i == 2 * RING)
            allocations = 0;
        write_frame(ring, (uint32_t)i);
        read_frame(&r, frames, ring, (uint32_t)i);
        if (host)
            look_at_host(&r, (uint32_t)i);
    }
    if (frames_wanted > 2 * RING)
        assert_int_equal(allocations, 0);
    look_at_gpu();
    reader_finish(&r, ring);
    stereo_ring_destroy(&ring);
}

// What it costs to bring a written frame into its images, one after another.
static void time_copies(struct vk_frames *frames, const char *how)
{
    struct stereo_memory memory = vk_frames_memory(frames);
    struct stereo_ring *ring = stereo_ring_create(RING, &memory);
    int64_t begin = 0;
    uint64_t value = 0;

    for (int i = -RING; i < TIMED; i++) {
        struct stereo_frame *f = stereo_ring_acquire(ring, width, height, DEEP3D_MEMORY_CUDA);

        assert_non_null(f);
        if (i == 0)
            begin = clock_now_ns();
        assert_true(stereo_ring_publish(ring, f));
        value = vk_frames_images(f)->ready_value;
        stereo_ring_restart(ring, 0);
    }
    assert_true(vk_timeline_wait(vk, vk_frames_semaphore(frames), value));
    printf("%dx%d, %s: %.4f ms a frame from CUDA's memory into images, %d frames\n", width, height,
           how, (double)(clock_now_ns() - begin) / 1e6 / TIMED, TIMED);
    stereo_ring_destroy(&ring);
}

static void run(const char *how)
{
    struct vk_frames *frames = vk_frames_create(vk);

    assert_non_null(frames);
    go_round(frames, true);
    go_round(frames, false);
    time_copies(frames, how);
    vk_frames_destroy(&frames);
    assert_int_equal(vk_validation_messages(), 0);
}

static void with_semaphores(void **state)
{
    if (!vk->exports_semaphores)
        skip();
    run("with semaphores");
}

static void with_the_host_waiting(void **state)
{
    bool exports = vk->exports_semaphores;

    vk->exports_semaphores = false;
    run("with the host waiting");
    vk->exports_semaphores = exports;
}

// Semaphores fail in the middle: the frames go on without, whole.
static void semaphores_that_fail(void **state)
{
    struct vk_frames *frames = vk_frames_create(vk);
    struct stereo_memory memory = vk_frames_memory(frames);
    struct stereo_ring *ring = stereo_ring_create(RING, &memory);
    struct reader r;

    reader_init(&r);
    for (uint32_t i = 0; i < 4 * RING; i++) {
        if (i == 2 * RING && !stand_in_break(STAND_IN_WITHOUT_SEMAPHORES))
            skip();
        write_frame(ring, i);
        read_frame(&r, frames, ring, i);
        look_at_host(&r, i);
    }
    look_at_gpu();
    assert_false(vk_cuda_has_semaphores(vk_frames_cuda(frames)));
    reader_finish(&r, ring);
    stereo_ring_destroy(&ring);
    vk_frames_destroy(&frames);
    stand_in_break(STAND_IN_WELL);
    assert_int_equal(vk_validation_messages(), 0);
}

static void write_by_hand(struct stereo_ring *ring, int value)
{
    struct stereo_frame *f = stereo_ring_acquire(ring, width, height, DEEP3D_MEMORY_HOST);

    assert_non_null(f);
    assert_int_equal(f->eyes.memory, DEEP3D_MEMORY_HOST);
    for (int eye = 0; eye < 2; eye++)
        memset(f->eyes.pixels[eye], value + eye, f->eyes.stride_bytes * (size_t)height);
    assert_true(stereo_ring_publish(ring, f));
}

// CUDA dies with frames on their way, which Vulkan waits for: they come, whatever is in them, and
// so do the next ones, which the processor writes.
static void a_gpu_that_dies(void **state)
{
    struct vk_frames *frames = vk_frames_create(vk);
    struct stereo_memory memory = vk_frames_memory(frames);
    struct stereo_ring *ring = stereo_ring_create(RING, &memory);
    struct stereo_frame *f;
    int64_t begin = clock_now_ns();

    for (uint32_t i = 0; i < RING - 1; i++) {
        if (i == 2 && !stand_in_break(STAND_IN_DEAD))
            skip();
        write_frame(ring, i);
    }
    for (int i = 0; i < 3 * RING; i++) {
        f = stereo_ring_next(ring);
        stereo_ring_release(ring, f);
        write_by_hand(ring, i);
        assert_true(
            vk_timeline_wait(vk, vk_frames_semaphore(frames), vk_frames_images(f)->ready_value));
    }
    assert_in_range(clock_now_ns() - begin, 0, 4 * NS_PER_S);
    stereo_ring_destroy(&ring);
    vk_frames_destroy(&frames);
    stand_in_break(STAND_IN_WELL);
    assert_int_equal(vk_validation_messages(), 0);
}

// A driver that shares nothing: frames are in host memory, whatever is asked for.
static void without_shared_memory(void **state)
{
    struct vk_frames *frames = vk_frames_create(vk);
    struct stereo_memory memory = vk_frames_memory(frames);
    struct stereo_ring *ring = stereo_ring_create(RING, &memory);
    struct stereo_frame *f;

    vk->exports_memory = false;
    for (int i = 0; i < 2 * RING; i++) {
        f = stereo_ring_acquire(ring, width, height, DEEP3D_MEMORY_CUDA);
        assert_int_equal(f->eyes.memory, DEEP3D_MEMORY_HOST);
        memset(f->eyes.pixels[1], i, f->eyes.stride_bytes * (size_t)height);
        assert_true(stereo_ring_publish(ring, f));
        stereo_ring_restart(ring, 0);
    }
    vk->exports_memory = true;
    stereo_ring_destroy(&ring);
    vk_frames_destroy(&frames);
}

// A converter that goes on without the GPU gets host memory, and the GPU's again where it has one.
static void memory_follows_the_converter(void **state)
{
    struct vk_frames *frames = vk_frames_create(vk);
    struct stereo_memory memory = vk_frames_memory(frames);
    struct stereo_ring *ring = stereo_ring_create(RING, &memory);

    for (int i = 0; i < 4 * RING; i++) {
        enum deep3d_memory wanted = i / RING % 2 ? DEEP3D_MEMORY_HOST : DEEP3D_MEMORY_CUDA;
        struct stereo_frame *f = stereo_ring_acquire(ring, width, height, wanted);

        assert_non_null(f);
        assert_int_equal(f->eyes.memory, wanted);
        assert_true(stereo_ring_publish(ring, f));
        stereo_ring_restart(ring, 0);
    }
    stereo_ring_destroy(&ring);
    vk_frames_destroy(&frames);
    assert_int_equal(vk_validation_messages(), 0);
}

// Each allocation of a frame fails once, in turn: there is an error line, and a frame in host
// memory or none; the next one is there.
static void each_allocation_fails_once(void **state)
{
    bool failed = true;

    for (int n = 1; failed; n++) {
        struct vk_frames *frames = vk_frames_create(vk);
        struct stereo_memory memory = vk_frames_memory(frames);
        struct stereo_ring *ring = stereo_ring_create(RING, &memory);
        struct stereo_frame *f;

        allocations = error_lines = 0;
        fail_at = n;
        f = stereo_ring_acquire(ring, width, height, DEEP3D_MEMORY_CUDA);
        fail_at = 0;
        failed = allocations >= n;
        assert_int_equal(error_lines > 0, failed);
        if (f)
            assert_true(stereo_ring_publish(ring, f));
        assert_int_equal(!f || f->eyes.memory == DEEP3D_MEMORY_HOST, failed);
        f = stereo_ring_acquire(ring, width, height, DEEP3D_MEMORY_CUDA);
        assert_non_null(f);
        assert_true(stereo_ring_publish(ring, f));
        stereo_ring_destroy(&ring);
        vk_frames_destroy(&frames);
    }
    assert_int_equal(vk_validation_messages(), 0);
}

static void count_errors(void *user, enum log_level level, const char *line)
{
    fprintf(stderr, "%s\n", line);
    error_lines += level == LOG_ERROR;
}

static int skipped(const char *why)
{
    printf("SKIPPED: nothing to share on: %s\n", why);
    return 77;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_semaphores),
        cmocka_unit_test(with_the_host_waiting),
        cmocka_unit_test(semaphores_that_fail),
        cmocka_unit_test(a_gpu_that_dies),
        cmocka_unit_test(memory_follows_the_converter),
        cmocka_unit_test(without_shared_memory),
        cmocka_unit_test(each_allocation_fails_once),
    };
    char why[256];
    int failed;

    if (argc > 1)
        frames_wanted = atoi(argv[1]);
    if (argc > 3) {
        width = atoi(argv[2]);
        height = atoi(argv[3]);
    }
    log_set_sink(count_errors, NULL);
    if (!pattern_open(why, sizeof(why)))
        return skipped(why);
    vk = vk_device_create(&(struct vk_device_params){0});
    if (!vk)
        return skipped("no Vulkan driver");
    printf("Vulkan on %s exports%s%s%s\n", vk->properties.deviceName,
           vk->exports_memory ? " memory" : "", vk->exports_semaphores ? " semaphores" : "",
           vk->exports_memory ? "" : " no memory");
    stand_in_begin(vk);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    vk_device_destroy(&vk);
    pattern_close();
    return failed;
}
