// Every Vulkan call that can fail does so once, in turn: each time there is an error line, no
// crash, and nothing is left behind (the validation layer tells what is not destroyed). Then faults
// of a running window: its surface changes or goes away, the device is lost.
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
#include "tests/viewer/window_rig.h"
#include "viewer/media_clock.h"
#include "viewer/stage.h"
#include "viewer/stats.h"
#include "viewer/stereo_ring.h"
#include "viewer/vk_frames.h"

static int calls;   // since fail_at was set
static int fail_at; // this call fails, counted from 1; 0: none does
static int error_lines;
static VkResult submit_fault, acquire_fault,
    present_fault;             // VK_SUCCESS: none; acquire, present: once
static bool always_suboptimal; // every present
static int failing_devices;    // so many cannot be made
static int presents;

// The program's own calls come here instead of the Vulkan loader.
#define REAL(name) ((PFN_##name)dlsym(RTLD_NEXT, #name))
#define FAILS (++calls == fail_at)

#define CREATE(name, info_type, handle_type)                                                       \
    VKAPI_ATTR VkResult VKAPI_CALL name(VkDevice device, const info_type *info,                    \
                                        const VkAllocationCallbacks *allocator, handle_type *out)  \
    {                                                                                              \
        return FAILS ? VK_ERROR_OUT_OF_DEVICE_MEMORY : REAL(name)(device, info, allocator, out);   \
    }

CREATE(vkAllocateMemory, VkMemoryAllocateInfo, VkDeviceMemory)
CREATE(vkCreateBuffer, VkBufferCreateInfo, VkBuffer)
CREATE(vkCreateCommandPool, VkCommandPoolCreateInfo, VkCommandPool)
CREATE(vkCreateDescriptorPool, VkDescriptorPoolCreateInfo, VkDescriptorPool)
CREATE(vkCreateDescriptorSetLayout, VkDescriptorSetLayoutCreateInfo, VkDescriptorSetLayout)
CREATE(vkCreateFence, VkFenceCreateInfo, VkFence)
CREATE(vkCreateFramebuffer, VkFramebufferCreateInfo, VkFramebuffer)
CREATE(vkCreateImage, VkImageCreateInfo, VkImage)
CREATE(vkCreateImageView, VkImageViewCreateInfo, VkImageView)
CREATE(vkCreatePipelineLayout, VkPipelineLayoutCreateInfo, VkPipelineLayout)
CREATE(vkCreateRenderPass, VkRenderPassCreateInfo, VkRenderPass)
CREATE(vkCreateSampler, VkSamplerCreateInfo, VkSampler)
CREATE(vkCreateSemaphore, VkSemaphoreCreateInfo, VkSemaphore)
CREATE(vkCreateShaderModule, VkShaderModuleCreateInfo, VkShaderModule)
CREATE(vkCreateSwapchainKHR, VkSwapchainCreateInfoKHR, VkSwapchainKHR)

VKAPI_ATTR VkResult VKAPI_CALL vkCreateDevice(VkPhysicalDevice physical,
                                              const VkDeviceCreateInfo *info,
                                              const VkAllocationCallbacks *allocator, VkDevice *out)
{
    if (failing_devices > 0 && failing_devices--)
        return VK_ERROR_INITIALIZATION_FAILED;
    return FAILS ? VK_ERROR_DEVICE_LOST : REAL(vkCreateDevice)(physical, info, allocator, out);
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateInstance(const VkInstanceCreateInfo *info,
                                                const VkAllocationCallbacks *allocator,
                                                VkInstance *out)
{
    return FAILS ? VK_ERROR_INCOMPATIBLE_DRIVER : REAL(vkCreateInstance)(info, allocator, out);
}

VKAPI_ATTR VkResult VKAPI_CALL vkEnumeratePhysicalDevices(VkInstance instance, uint32_t *count,
                                                          VkPhysicalDevice *out)
{
    return FAILS ? VK_ERROR_INITIALIZATION_FAILED
                 : REAL(vkEnumeratePhysicalDevices)(instance, count, out);
}

VKAPI_ATTR VkResult VKAPI_CALL vkMapMemory(VkDevice device, VkDeviceMemory memory,
                                           VkDeviceSize offset, VkDeviceSize size,
                                           VkMemoryMapFlags flags, void **out)
{
    return FAILS ? VK_ERROR_MEMORY_MAP_FAILED
                 : REAL(vkMapMemory)(device, memory, offset, size, flags, out);
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateGraphicsPipelines(VkDevice device, VkPipelineCache cache,
                                                         uint32_t count,
                                                         const VkGraphicsPipelineCreateInfo *info,
                                                         const VkAllocationCallbacks *allocator,
                                                         VkPipeline *out)
{
    return FAILS ? VK_ERROR_OUT_OF_HOST_MEMORY
                 : REAL(vkCreateGraphicsPipelines)(device, cache, count, info, allocator, out);
}

VKAPI_ATTR VkResult VKAPI_CALL vkAllocateCommandBuffers(VkDevice device,
                                                        const VkCommandBufferAllocateInfo *info,
                                                        VkCommandBuffer *out)
{
    return FAILS ? VK_ERROR_OUT_OF_DEVICE_MEMORY
                 : REAL(vkAllocateCommandBuffers)(device, info, out);
}

VKAPI_ATTR VkResult VKAPI_CALL vkAllocateDescriptorSets(VkDevice device,
                                                        const VkDescriptorSetAllocateInfo *info,
                                                        VkDescriptorSet *out)
{
    return FAILS ? VK_ERROR_OUT_OF_POOL_MEMORY : REAL(vkAllocateDescriptorSets)(device, info, out);
}

VKAPI_ATTR VkResult VKAPI_CALL vkQueueSubmit(VkQueue queue, uint32_t count,
                                             const VkSubmitInfo *submits, VkFence fence)
{
    if (submit_fault)
        return submit_fault;
    return FAILS ? VK_ERROR_DEVICE_LOST : REAL(vkQueueSubmit)(queue, count, submits, fence);
}

VKAPI_ATTR VkResult VKAPI_CALL vkAcquireNextImageKHR(VkDevice device, VkSwapchainKHR swapchain,
                                                     uint64_t timeout, VkSemaphore semaphore,
                                                     VkFence fence, uint32_t *out)
{
    VkResult fault = acquire_fault;

    acquire_fault = VK_SUCCESS;
    if (fault)
        return fault;
    return REAL(vkAcquireNextImageKHR)(device, swapchain, timeout, semaphore, fence, out);
}

VKAPI_ATTR VkResult VKAPI_CALL vkQueuePresentKHR(VkQueue queue, const VkPresentInfoKHR *info)
{
    VkResult result = REAL(vkQueuePresentKHR)(queue, info), fault = present_fault;

    presents++;
    if (always_suboptimal && result == VK_SUCCESS)
        return VK_SUBOPTIMAL_KHR;
    present_fault = VK_SUCCESS;
    return fault ? fault : result;
}

static void count_errors(void *user, enum log_level level, const char *line)
{
    if (strncmp(line, "Vulkan validation", 17) == 0)
        fprintf(stderr, "%s\n", line);
    error_lines += level == LOG_ERROR;
}

static void paint_white(int eye, int x, int y, uint8_t out_rgb[3])
{
    memset(out_rgb, 255, 3);
}

// --- each call in turn

// A frame through the ring and onto the screen. False: something failed on the way.
static bool show_one(struct rig *rig, const struct display_context *context)
{
    struct stereo_frame *f = stereo_ring_acquire(rig->ring, 16, 9, DEEP3D_MEMORY_HOST);
    int64_t shown = atomic_load(&rig->stats->frames_shown);
    enum display_state state = DISPLAY_RUNNING;

    if (!f)
        return false;
    f->pts_ns = 0;
    f->aspect = 16.0 / 9;
    f->generation = 0;
    if (!stereo_ring_publish(rig->ring, f))
        return false;
    rig->display = display_window_create(context, rig->window);
    if (!rig->display)
        return false;
    while (state == DISPLAY_RUNNING && atomic_load(&rig->stats->frames_shown) == shown)
        state = display_poll(rig->display);
    return state == DISPLAY_RUNNING;
}

static bool whole_way(struct rig *rig)
{
    struct vk_device_params params = {.swapchain = true};
    struct display_context context = {
        .options = &rig->options,
        .clock = rig->clock,
        .commands = rig->commands,
        .stats = rig->stats,
        .first = true,
    };
    struct stereo_memory memory;
    bool ok = false;

    params.instance_extensions =
        window_instance_extensions(rig->window, &params.instance_extension_count);
    context.vk = rig->vk = vk_device_create(&params);
    if (!rig->vk)
        return false;
    context.frames = rig->frames = vk_frames_create(rig->vk);
    if (rig->frames) {
        memory = vk_frames_memory(rig->frames);
        context.ring = rig->ring = stereo_ring_create(RIG_RING, &memory);
        ok = show_one(rig, &context);
    }
    rig_close_display(rig);
    return ok;
}

static void test_each_call_fails_once(void **state)
{
    struct rig rig;
    bool ok = false;
    int n;

    rig_open(&rig, true);
    rig_close_display(&rig);
    for (n = 1; !ok && n < 1000; n++) {
        error_lines = calls = 0;
        fail_at = n;
        ok = whole_way(&rig);
        if (calls >= n) { // it did fail
            if (ok)
                fail_msg("call %d fails, and nobody notices", n);
            if (error_lines == 0)
                fail_msg("call %d fails without an error line", n);
        }
    }
    fail_at = 0;
    assert_true(ok);
    print_message("%d calls failed in turn\n", n - 2);
    assert_true(n > 40);
    rig_close(&rig);
}

// --- a running window

static void test_surface_changes(void **state)
{
    static const VkResult faults[] = {VK_ERROR_OUT_OF_DATE_KHR, VK_ERROR_SURFACE_LOST_KHR,
                                      VK_NOT_READY, VK_TIMEOUT};
    struct rig rig;

    rig_open(&rig, true);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct shot shot;

        acquire_fault = faults[i];
        rig_show(&rig, 32, 18, 0, paint_white);
        assert_int_equal(acquire_fault, VK_SUCCESS); // it happened
        if (i < 2) {
            present_fault = faults[i];
            rig_show(&rig, 32, 18, 0, paint_white);
            assert_int_equal(present_fault, VK_SUCCESS);
        }
        shot = rig_shoot(&rig);
        assert_int_equal(shot_at(&shot, shot.width / 2, shot.height / 2)[0], 255);
        shot_free(&shot);
    }
    rig_close(&rig);
}

// A driver that always says that another swapchain would be better, as Mesa does under Xwayland:
// one is made, and then a still picture is left alone.
static void test_always_suboptimal(void **state)
{
    struct rig rig;

    rig_open(&rig, true);
    rig_show(&rig, 32, 18, 0, paint_white);
    always_suboptimal = true;
    presents = 0;
    rig_show(&rig, 32, 18, 0, paint_white);
    rig_poll(&rig, 500 * NS_PER_MS);
    assert_in_range(presents, 1, 4);
    always_suboptimal = false;
    rig_close(&rig);
}

// The display says that it is lost, all can be taken down without waiting for ever, and a new
// device draws in the same window.
static void test_device_lost(void **state)
{
    struct rig rig;
    enum display_state lost = DISPLAY_RUNNING;
    int64_t start_ns;
    struct stereo_frame *f;

    rig_open(&rig, true);
    rig_show(&rig, 32, 18, 0, paint_white);
    stereo_ring_restart(rig.ring, 0);
    rig_put(&rig, 32, 18, 0, 0, paint_white);
    submit_fault = VK_ERROR_DEVICE_LOST;
    error_lines = 0;
    for (int i = 0; i < 100 && lost == DISPLAY_RUNNING; i++)
        lost = display_poll(rig.display);
    assert_int_equal(lost, DISPLAY_LOST);
    assert_int_equal(error_lines, 1);
    f = stereo_ring_acquire(rig.ring, 32, 18, DEEP3D_MEMORY_HOST);
    assert_non_null(f);
    assert_false(stereo_ring_publish(rig.ring, f));
    start_ns = clock_now_ns();
    rig_close_display(&rig);
    assert_true(clock_now_ns() - start_ns < 5 * NS_PER_S);
    submit_fault = VK_SUCCESS;
    rig_open_display(&rig, true);
    rig_show(&rig, 32, 18, 0, paint_white);
    rig_close(&rig);
}

// A driver that starts anew takes a moment: it is asked for more than once.
static void test_gpu_comes_back_late(void **state)
{
    struct display_context context;
    enum display_state lost = DISPLAY_RUNNING;
    atomic_bool never = false;
    struct stage *stage;
    struct rig rig;

    rig_open(&rig, true);
    rig.options.display = DISPLAY_KIND_WINDOW;
    context = (struct display_context){
        .options = &rig.options, .clock = rig.clock, .commands = rig.commands, .stats = rig.stats};
    stage = stage_create(&context);
    assert_non_null(stage);
    submit_fault = VK_ERROR_DEVICE_LOST;
    for (int i = 0; i < 100 && lost != DISPLAY_LOST; i++)
        lost = stage_poll(stage);
    assert_int_equal(lost, DISPLAY_LOST);
    submit_fault = VK_SUCCESS;
    failing_devices = 1;
    assert_true(stage_rebuild(stage, &never));
    assert_int_equal(failing_devices, 0);
    assert_int_equal(stage_poll(stage), DISPLAY_RUNNING);
    stage_destroy(&stage);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_call_fails_once), cmocka_unit_test(test_surface_changes),
        cmocka_unit_test(test_always_suboptimal),    cmocka_unit_test(test_device_lost),
        cmocka_unit_test(test_gpu_comes_back_late),
    };
    int failed;

    log_set_sink(count_errors, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (vk_validation_messages() != 0) {
        fprintf(stderr, "%d messages of the validation layer\n", vk_validation_messages());
        failed++;
    }
    return failed;
}
