#include "viewer/display_window.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "viewer/commands.h"
#include "viewer/media_clock.h"
#include "viewer/stats.h"
#include "viewer/stereo_ring.h"
#include "viewer/vk_device.h"
#include "viewer/vk_frames.h"
#include "viewer/window_layout.h"
#include "viewer/window_pipeline.h"
#include "viewer/window_swapchain.h"

// pictures on their way through the device
#define IN_FLIGHT WINDOW_PIPELINE_SETS
#define MIRROR_INTERVAL_NS (NS_PER_S / 30)
// A mirror that shares the headset's queue may take this part of the device's time, and is slowed
// down to this interval at most.
#define MIRROR_SHARE 8
#define MIRROR_SLOWEST_NS (NS_PER_S / 2)
#define WAIT_NS (5 * NS_PER_MS)
// while the device draws: to see when it has done so
#define WAIT_BUSY_NS NS_PER_MS
#define FINISH_LIMIT_NS NS_PER_S
#define USUAL_MONITOR_M 0.6
#define USUAL_ASPECT (16.0 / 9)

// A picture that the device draws.
struct slot {
    VkCommandBuffer commands;
    VkFence done;
    VkSemaphore acquired;
    bool busy;
    struct stereo_frame *frame; // referenced; NULL: a black picture
    bool is_new;                // the first time that this frame is drawn
    uint32_t image;             // of the swapchain
    int64_t submitted_ns;
    int64_t media_ns; // at submitted_ns; CLOCK_NONE: the film stood still
};

struct display_window {
    struct display base;
    struct window *window;
    struct window_swapchain swapchain;
    struct window_pipeline pipeline;
    VkCommandPool pool;
    struct slot slots[IN_FLIGHT];
    // Presenting may wait for the device with the queue locked (lavapipe does), which would hold up
    // the headset and the converter where they share the queue: present what has been drawn, one
    // picture at a time.
    bool present_when_drawn;

    struct stereo_frame *current; // referenced; what to draw
    bool is_new;                  // current has not been drawn yet
    int64_t wanted_ns;            // something is to be drawn since then; 0: nothing is
    int layout;                   // that was drawn last
    int64_t draw_ns;              // how long drawing takes, smoothed
    double monitor_m;             // width
    double aspect;                // of what is shown
    int64_t refresh_ns;
    int64_t period_ns;      // when the running period began
    int64_t next_mirror_ns; // not before then
};

// --- creation

static bool create_slot(struct display_window *d, struct slot *slot)
{
    VkDevice device = d->base.context.vk->device;
    VkCommandBufferAllocateInfo commands = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = d->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};

    return VK(vkAllocateCommandBuffers(device, &commands, &slot->commands)) &&
           VK(vkCreateFence(device, &fence, NULL, &slot->done)) &&
           VK(vkCreateSemaphore(device, &semaphore, NULL, &slot->acquired));
}

static bool create_slots(struct display_window *d)
{
    VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
        .queueFamilyIndex = d->base.context.vk->window_queue->family,
    };

    if (!VK(vkCreateCommandPool(d->base.context.vk->device, &pool, NULL, &d->pool)))
        return false;
    for (int i = 0; i < IN_FLIGHT; i++) {
        if (!create_slot(d, &d->slots[i]))
            return false;
    }
    return true;
}

// --- frames

// Gives the frame back once neither a slot nor `current` needs it.
static void drop(struct display_window *d, struct stereo_frame *f)
{
    bool needed = f == d->current;

    for (int i = 0; i < IN_FLIGHT; i++)
        needed = needed || (d->slots[i].busy && d->slots[i].frame == f);
    if (!needed)
        stereo_ring_release(d->base.context.ring, f);
}

static void want_draw(struct display_window *d, int64_t now_ns)
{
    if (!d->wanted_ns)
        d->wanted_ns = now_ns;
}

static void count_skipped(struct display_window *d, bool is_new)
{
    if (is_new && d->base.context.first)
        atomic_fetch_add_explicit(&d->base.context.stats->frames_skipped, 1, memory_order_relaxed);
}

// The current frame is not going to be drawn any more: every frame is accounted for.
static void pass_over(struct display_window *d)
{
    count_skipped(d, d->is_new);
    d->is_new = false;
}

static void set_current(struct display_window *d, struct stereo_frame *f, int64_t now_ns)
{
    struct stereo_frame *old = d->current;

    pass_over(d);
    d->current = f;
    d->aspect = f->aspect;
    d->is_new = true;
    if (old)
        drop(d, old);
    want_draw(d, now_ns);
}

// From drawing until a picture is seen: it is drawn, then waits half a refresh on average.
static int64_t latency_ns(const struct display_window *d)
{
    return d->draw_ns + d->refresh_ns / 2;
}

// So that the headset, which shares the queue, hardly feels the mirror.
static int64_t mirror_interval_ns(const struct display_window *d)
{
    const struct vk_device *vk = d->base.context.vk;
    int64_t interval = d->draw_ns * MIRROR_SHARE;

    if (vk->window_queue != vk->main_queue || interval < MIRROR_INTERVAL_NS)
        return MIRROR_INTERVAL_NS;
    return interval < MIRROR_SLOWEST_NS ? interval : MIRROR_SLOWEST_NS;
}

static void take_frame(struct display_window *d, int64_t now_ns)
{
    struct display_context *c = &d->base.context;
    uint64_t after = d->current ? d->current->number : 0;
    struct stereo_frame *f = NULL;

    if (c->first) {
        f = stereo_ring_due(c->ring, media_clock_at(c->clock, now_ns + latency_ns(d)), after);
    } else if (now_ns >= d->next_mirror_ns) {
        f = stereo_ring_current(c->ring, after);
        if (f)
            d->next_mirror_ns = now_ns + mirror_interval_ns(d);
    }
    if (f)
        set_current(d, f, now_ns);
}

// --- statistics

static void count_shown(struct display_window *d, const struct slot *slot, int64_t done_ns)
{
    struct stats *stats = d->base.context.stats;
    int64_t seen_ns = done_ns + d->refresh_ns / 2;

    if (!slot->is_new)
        return;
    if (!d->base.context.first) {
        atomic_fetch_add_explicit(&stats->mirror_frames, 1, memory_order_relaxed);
        return;
    }
    stats_frame_shown(stats, seen_ns);
    if (slot->media_ns != CLOCK_NONE)
        stats_add_av_offset(stats,
                            slot->media_ns + (seen_ns - slot->submitted_ns) - slot->frame->pts_ns);
}

static void count_periods(struct display_window *d, int64_t now_ns)
{
    struct stats *stats = d->base.context.stats;
    int64_t periods = (now_ns - d->period_ns) / d->refresh_ns, late;

    if (periods == 0)
        return;
    d->period_ns += periods * d->refresh_ns;
    if (!d->base.context.first || !window_visible(d->window))
        return;
    late = periods - 1;
    if (d->wanted_ns && now_ns - d->wanted_ns > d->refresh_ns)
        late = periods;
    atomic_fetch_add_explicit(&stats->periods, periods, memory_order_relaxed);
    atomic_fetch_add_explicit(&stats->late, late, memory_order_relaxed);
}

// --- drawing

static void finish_slot(struct display_window *d, struct slot *slot)
{
    struct stereo_frame *f = slot->frame;

    slot->busy = false;
    slot->frame = NULL;
    if (f)
        drop(d, f);
}

// False, logged: the device is lost. A picture that may not be seen is wanted again.
static bool present(struct display_window *d, uint32_t image)
{
    enum swapchain_result result = window_swapchain_present(&d->swapchain, image);

    if (result == SWAPCHAIN_BUSY)
        want_draw(d, clock_now_ns());
    return result != SWAPCHAIN_LOST;
}

// Looks which pictures the device has drawn. False, logged: the device is lost.
static bool collect(struct display_window *d, int64_t now_ns)
{
    VkDevice device = d->base.context.vk->device;

    for (int i = 0; i < IN_FLIGHT; i++) {
        struct slot *slot = &d->slots[i];
        VkResult result = slot->busy ? vkGetFenceStatus(device, slot->done) : VK_NOT_READY;

        if (result == VK_NOT_READY)
            continue;
        if (!VK(result) || !VK(vkResetFences(device, 1, &slot->done)))
            return false;
        if (d->present_when_drawn && !present(d, slot->image))
            return false;
        d->draw_ns += (now_ns - slot->submitted_ns - d->draw_ns) / 8;
        if (slot->frame)
            count_shown(d, slot, now_ns);
        finish_slot(d, slot);
    }
    return true;
}

static bool record(struct display_window *d, int index, uint32_t image)
{
    VkCommandBuffer commands = d->slots[index].commands;
    VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    VkClearValue black = {.color = {.float32 = {0, 0, 0, 1}}};
    VkRenderPassBeginInfo pass = {
        .sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
        .renderPass = d->swapchain.pass,
        .framebuffer = d->swapchain.framebuffers[image],
        .renderArea = {{0, 0}, d->swapchain.extent},
        .clearValueCount = 1,
        .pClearValues = &black,
    };

    if (!VK(vkBeginCommandBuffer(commands, &begin)))
        return false;
    vkCmdBeginRenderPass(commands, &pass, VK_SUBPASS_CONTENTS_INLINE);
    if (d->current)
        window_pipeline_draw(&d->pipeline, commands, index, vk_frames_images(d->current),
                             (enum stereo_layout)d->base.context.options->layout,
                             d->current->aspect, d->swapchain.extent);
    vkCmdEndRenderPass(commands);
    return VK(vkEndCommandBuffer(commands));
}

// Waits, on the device, for the screen's image and for the frame's pixels.
static bool submit(struct display_window *d, const struct slot *slot, uint32_t image)
{
    struct vk_queue *queue = d->base.context.vk->window_queue;
    VkSemaphore waits[] = {slot->acquired, vk_frames_semaphore(d->base.context.frames)};
    VkPipelineStageFlags stages[] = {VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT,
                                     VK_PIPELINE_STAGE_FRAGMENT_SHADER_BIT};
    uint32_t count = d->current ? 2 : 1;
    uint64_t values[] = {0, d->current ? vk_frames_images(d->current)->ready_value : 0};
    uint64_t no_value = 0; // of a semaphore that is not a timeline
    VkTimelineSemaphoreSubmitInfo timeline = {
        .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
        .waitSemaphoreValueCount = count,
        .pWaitSemaphoreValues = values,
        .signalSemaphoreValueCount = 1,
        .pSignalSemaphoreValues = &no_value,
    };
    VkSubmitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .pNext = &timeline,
        .waitSemaphoreCount = count,
        .pWaitSemaphores = waits,
        .pWaitDstStageMask = stages,
        .commandBufferCount = 1,
        .pCommandBuffers = &slot->commands,
        .signalSemaphoreCount = 1,
        .pSignalSemaphores = &d->swapchain.rendered[image],
    };
    bool ok;

    vk_queue_lock(queue);
    ok = VK(vkQueueSubmit(queue->handle, 1, &info, slot->done));
    vk_queue_unlock(queue);
    return ok;
}

static int free_slot(const struct display_window *d)
{
    int slots = d->present_when_drawn ? 1 : IN_FLIGHT;

    for (int i = 0; i < slots; i++) {
        if (!d->slots[i].busy)
            return i;
    }
    return -1;
}

static void note_submit(struct display_window *d, struct slot *slot, uint32_t image)
{
    const struct display_context *c = &d->base.context;

    slot->busy = true;
    slot->frame = d->current;
    slot->is_new = d->is_new;
    slot->image = image;
    slot->submitted_ns = clock_now_ns();
    slot->media_ns =
        media_clock_paused(c->clock) ? CLOCK_NONE : media_clock_at(c->clock, slot->submitted_ns);
    d->is_new = false;
    d->layout = c->options->layout;
    d->wanted_ns = 0;
}

// False, logged: the device is lost. What cannot be drawn now stays wanted.
static bool draw(struct display_window *d)
{
    int index = free_slot(d);
    enum swapchain_result result;
    uint32_t image;

    if (index < 0 || !window_visible(d->window))
        return true;
    result = window_swapchain_acquire(&d->swapchain, d->slots[index].acquired, &image);
    if (result != SWAPCHAIN_OK)
        return result == SWAPCHAIN_BUSY;
    if (!record(d, index, image) || !submit(d, &d->slots[index], image))
        return false;
    note_submit(d, &d->slots[index], image);
    return d->present_when_drawn || present(d, image);
}

// --- the display

// Until the device may have drawn, the next frame is due, or just a little while.
static int64_t wait_ns(const struct display_window *d, int64_t now_ns)
{
    const struct display_context *c = &d->base.context;
    int64_t media_ns, until;

    if (d->wanted_ns && window_visible(d->window))
        return WAIT_BUSY_NS;
    for (int i = 0; (c->first || d->present_when_drawn) && i < IN_FLIGHT; i++) {
        if (d->slots[i].busy)
            return WAIT_BUSY_NS;
    }
    media_ns = media_clock_at(c->clock, now_ns + latency_ns(d));
    if (!c->first || !d->current || media_ns == CLOCK_NONE || media_clock_paused(c->clock))
        return WAIT_NS;
    // the next one follows when this one ends; it may not be converted yet
    until = (int64_t)((double)(d->current->pts_ns + d->current->duration_ns - media_ns) /
                      media_clock_speed(c->clock));
    return until < WAIT_BUSY_NS ? WAIT_BUSY_NS : until < WAIT_NS ? until : WAIT_NS;
}

// What the person says, else what the monitor says, else what is usual.
static double monitor_width_m(const struct display_window *d)
{
    double width_m = d->base.context.options->monitor_width_m;

    width_m = width_m > 0 ? width_m : window_monitor_width_m(d->window);
    return width_m > 0 ? width_m : USUAL_MONITOR_M;
}

static enum display_state poll(struct display *display)
{
    struct display_window *d = (struct display_window *)display;
    int64_t now_ns = clock_now_ns();

    if (window_events(d->window, display->context.commands)) {
        d->refresh_ns = window_refresh_ns(d->window);
        d->monitor_m = monitor_width_m(d);
        want_draw(d, now_ns);
    }
    if (!collect(d, now_ns))
        return DISPLAY_LOST;
    count_periods(d, now_ns);
    take_frame(d, now_ns);
    if (d->layout != display->context.options->layout)
        want_draw(d, now_ns);
    if (d->wanted_ns && !draw(d))
        return DISPLAY_LOST;
    window_wait((int)(wait_ns(d, clock_now_ns()) / NS_PER_MS));
    return DISPLAY_RUNNING;
}

static void command(struct display *display, int kind, double value)
{
    struct display_window *d = (struct display_window *)display;

    if (kind != COMMAND_FULLSCREEN)
        return;
    window_toggle_fullscreen(d->window);
    display->context.options->fullscreen = window_fullscreen(d->window);
}

static void finish_slots(struct display_window *d)
{
    VkDevice device = d->base.context.vk->device;

    pass_over(d);
    for (int i = 0; i < IN_FLIGHT; i++) {
        struct slot *slot = &d->slots[i];

        // a lost device says so at once
        if (slot->busy) {
            if (vkWaitForFences(device, 1, &slot->done, VK_TRUE, FINISH_LIMIT_NS) != VK_SUCCESS)
                count_skipped(d, slot->is_new);
            else if (slot->frame)
                count_shown(d, slot, clock_now_ns());
            finish_slot(d, slot);
        }
        vkDestroyFence(device, slot->done, NULL);
    }
}

static void destroy(struct display *display)
{
    struct display_window *d = (struct display_window *)display;
    VkDevice device = display->context.vk->device;
    struct stereo_frame *current = d->current;

    finish_slots(d);
    d->current = NULL;
    stereo_ring_release(display->context.ring, current);
    window_swapchain_finish(&d->swapchain);
    window_pipeline_finish(&d->pipeline);
    for (int i = 0; i < IN_FLIGHT; i++)
        vkDestroySemaphore(device, d->slots[i].acquired, NULL);
    vkDestroyCommandPool(device, d->pool, NULL);
    mem_free(d);
}

static void say_monitor(const struct display_window *d)
{
    const struct options *o = d->base.context.options;
    bool known = o->monitor_width_m > 0 || window_monitor_width_m(d->window) > 0;

    log_info("window: on a monitor %.2f m wide%s, %.2f m away", monitor_width_m(d),
             known ? "" : " (it does not say; --monitor-width tells)", o->monitor_distance_m);
}

static struct display_screen screen(const struct display *display)
{
    const struct display_window *d = (const struct display_window *)display;
    const struct options *o = display->context.options;
    struct window_place places[2];
    int width, height;
    double picture_px;

    window_size(d->window, &width, &height);
    window_layout_places((enum stereo_layout)o->layout, d->aspect, width, height, places);
    // half side by side is for screens that pull each half to their whole width
    picture_px = places[0].width * (o->layout == LAYOUT_HALF_SIDE_BY_SIDE ? 2 : 1);
    return (struct display_screen){
        d->monitor_m * window_part_of_monitor(d->window) * picture_px / width,
        o->monitor_distance_m,
    };
}

static const struct display_ops ops = {
    .name = "window",
    .poll = poll,
    .destroy = destroy,
    .command = command,
    .screen = screen,
};

struct display *display_window_create(const struct display_context *context, struct window *window)
{
    struct display_window *d = mem_new(1, sizeof(*d));
    struct display *display = &d->base;

    d->base = (struct display){&ops, *context};
    d->window = window;
    d->layout = context->options->layout;
    d->aspect = USUAL_ASPECT;
    d->monitor_m = monitor_width_m(d);
    d->refresh_ns = window_refresh_ns(window);
    d->present_when_drawn = context->vk->window_queue == context->vk->main_queue;
    d->period_ns = d->wanted_ns = clock_now_ns();
    if (!context->vk->swapchain) {
        log_error("the window stays black: %s cannot draw in it",
                  context->vk->properties.deviceName);
        goto fail;
    }
    if (!window_swapchain_init(&d->swapchain, context->vk, window,
                               !context->first || window_may_starve(window)) ||
        !window_pipeline_init(&d->pipeline, context->vk, d->swapchain.pass, d->swapchain.encode) ||
        !create_slots(d))
        goto fail;
    if (context->first)
        say_monitor(d);
    return display;
fail:
    display_destroy(&display);
    return NULL;
}
