#include "tests/headset/sim_capture.h"

#include <inttypes.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/headset/sim_compose.h"
#include "tests/headset/sim_config.h"
#include "tests/headset/sim_framelog.h"
#include "tests/headset/sim_head.h"
#include "tests/headset/sim_instance.h"
#include "tests/headset/sim_report.h"
#include "tests/headset/sim_script.h"
#include "tests/headset/sim_swapchain.h"

#define TIMES 64
#define JOBS 4 // pictures that wait for their composition

// One picture of both eyes under way.
struct job {
    struct sim_commands commands;
    struct sim_buffer buffers[2 * SIM_LAYERS_MAX];
    struct sim_sheet sheets[2 * SIM_LAYERS_MAX];
    int count;
    struct pose eyes[2];
    char name[32];
};

struct sim_capture {
    struct sim_vulkan *vk;
    struct sim_framelog *log; // NULL: not asked for
    double times_s[TIMES];    // rising; pictures are due then
    int time_count, next_time;
    bool wants_final, last; // last: the next frame is the final one
    struct thread thread;
    bool has_thread, quit;
    struct job jobs[JOBS]; // a queue; the thread has the first
    int first, count;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void read_times(struct sim_capture *c)
{
    const char *p = sim_config()->pictures_at;
    while (*p && c->time_count < TIMES) {
        size_t n = strcspn(p, ", ");
        char *end;
        double seconds = strtod(p, &end);
        if (n == 5 && !strncmp(p, "first", 5))
            c->times_s[c->time_count++] = 0;
        else if (n == 5 && !strncmp(p, "final", 5))
            c->wants_final = true;
        else if (n && end == p + n && seconds >= 0)
            c->times_s[c->time_count++] = seconds;
        else if (n && strncmp(p, "none", n))
            fprintf(stderr, "sim_headset: SIM_PICTURES_AT: \"%.*s\" is no time\n", (int)n, p);
        p += n;
        p += strspn(p, ", ");
    }
    qsort(c->times_s, (size_t)c->time_count, sizeof *c->times_s, by_value);
    // a session that was created anew goes on where the one before it ended
    int64_t since =
        sim_script_content_ns() == CLOCK_NONE ? 0 : clock_now_ns() - sim_script_content_ns();
    while (c->next_time < c->time_count && c->times_s[c->next_time] * NS_PER_S < (double)since)
        c->next_time++;
}

static void write_png(const struct job *job, int eye)
{
    const struct sim_config *config = sim_config();
    int width = config->picture_width, height = config->picture_height;
    uint8_t *pixels = mem_try_block((size_t)width * (size_t)height * 3);
    if (!pixels)
        return;
    sim_compose(job->sheets, job->count, eye, job->eyes[eye], sim_head_fov(eye), width, height,
                pixels);
    char *path = mem_printf("%s/%s_%s.png", config->pictures, job->name, eye ? "right" : "left");
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB,
                       .flags = PNG_IMAGE_FLAG_FAST};
    bool written = png_image_write_to_file(&image, path, 0, pixels, 0, NULL);
    if (!written)
        fprintf(stderr, "sim_headset: cannot write %s: %s\n", path, image.message);
    monitor_lock(&sim_monitor);
    if (written)
        sim_report_picture(path);
    monitor_unlock(&sim_monitor);
    mem_free(path);
    mem_free(pixels);
}

static void finish_job(struct sim_capture *c, struct job *job)
{
    sim_commands_destroy(c->vk, &job->commands);
    for (int n = 0; n < job->count; n++)
        sim_buffer_destroy(c->vk, &job->buffers[n]);
    job->count = 0;
}

static void run(void *user)
{
    struct sim_capture *c = user;
    monitor_lock(&sim_monitor);
    for (;;) {
        while (!c->count && !c->quit)
            monitor_wait(&sim_monitor);
        if (!c->count)
            break;
        struct job *job = &c->jobs[c->first];
        monitor_unlock(&sim_monitor);
        bool copied = sim_commands_wait(c->vk, &job->commands);
        for (int eye = 0; copied && eye < 2; eye++)
            write_png(job, eye);
        monitor_lock(&sim_monitor);
        finish_job(c, job); // under the lock, as sim_capture_forget() may wait for its fence
        c->first = (c->first + 1) % JOBS;
        c->count--;
        monitor_changed(&sim_monitor);
    }
    monitor_unlock(&sim_monitor);
}

struct sim_capture *sim_capture_create(struct sim_vulkan *vk)
{
    const struct sim_config *config = sim_config();
    if (!config->pictures && !config->frame_log)
        return NULL;
    struct sim_capture *c = mem_new(1, sizeof *c);
    c->vk = vk;
    if (config->frame_log)
        c->log = sim_framelog_create(vk, config->frame_log);
    if (!config->pictures)
        return c;
    mkdir(config->pictures, 0777); // where it is there already, all is well
    read_times(c);
    c->has_thread = thread_start(&c->thread, "sim-pictures", THREAD_BACKGROUND, run, c);
    return c;
}

void sim_capture_destroy(struct sim_capture **p)
{
    struct sim_capture *c = *p;
    *p = NULL;
    if (!c)
        return;
    if (c->has_thread) {
        c->quit = true;
        monitor_changed(&sim_monitor);
        monitor_unlock(&sim_monitor);
        thread_join(&c->thread);
        monitor_lock(&sim_monitor);
    }
    sim_framelog_destroy(&c->log);
    mem_free(c);
}

bool sim_capture_busy(const struct sim_capture *c)
{
    return c->count > 0;
}

void sim_capture_last(struct sim_capture *c)
{
    c->last = c->wants_final;
}

void sim_capture_forget(struct sim_capture *c)
{
    for (int n = 0; n < c->count; n++)
        sim_commands_wait(c->vk, &c->jobs[(c->first + n) % JOBS].commands);
    if (c->log)
        sim_framelog_flush(c->log);
}

static bool copy_layer(struct sim_capture *c, struct job *job, const struct sim_layer *layer, int n)
{
    const struct sim_swapchain *chain = layer->chain;
    VkFormat format = (VkFormat)chain->info.format;
    int width = layer->rect.extent.width, height = layer->rect.extent.height;
    size_t size = (size_t)width * (size_t)height * (size_t)sim_texel_bytes(format);
    if (!sim_buffer_create(c->vk, size, &job->buffers[n]))
        return false;
    VkImage image = chain->images[layer->image].image;
    VkBufferImageCopy region = {
        .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, layer->slice, 1},
        .imageOffset = {layer->rect.offset.x, layer->rect.offset.y, 0},
        .imageExtent = {(uint32_t)width, (uint32_t)height, 1},
    };
    sim_image_barrier(c->vk, job->commands.buffer, image, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
                      VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
    c->vk->CmdCopyImageToBuffer(job->commands.buffer, image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                                job->buffers[n].buffer, 1, &region);
    sim_image_barrier(c->vk, job->commands.buffer, image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                      VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
    job->sheets[n] = (struct sim_sheet){*layer, {job->buffers[n].mapped, format, width, height}};
    return true;
}

// Starts a picture of this frame, named already; the thread goes on with it.
static void take_picture(struct sim_capture *c, struct job *job, const struct sim_frame *frame,
                         const struct sim_layers *layers)
{
    job->count = 0;
    if (!sim_commands_create(c->vk, &job->commands) || !sim_commands_begin(c->vk, &job->commands)) {
        finish_job(c, job);
        return;
    }
    for (int l = 0; l < layers->count; l++) {
        const struct sim_layer *layer = &layers->layer[l];
        if (layer->eyes && layer->rect.extent.width && layer->rect.extent.height &&
            copy_layer(c, job, layer, job->count))
            job->count++;
    }
    for (int eye = 0; eye < 2; eye++)
        job->eyes[eye] = pose_multiply(sim_head_pose(frame->display_ns), sim_head_eye(eye));
    if (!sim_commands_submit(c->vk, &job->commands)) {
        finish_job(c, job);
        return;
    }
    c->count++;
    monitor_changed(&sim_monitor);
}

static void maybe_take_picture(struct sim_capture *c, const struct sim_frame *frame,
                               const struct sim_layers *layers, int64_t now)
{
    if (!layers->count || !c->has_thread)
        return;
    int64_t since = now - sim_script_content_ns();
    bool due = c->next_time < c->time_count && (double)since >= c->times_s[c->next_time] * NS_PER_S;
    if (!due && !c->last)
        return;
    while (c->last && c->count == JOBS) // nothing comes after: the ones before are waited for
        monitor_wait(&sim_monitor);
    if (c->count == JOBS)
        return;
    struct job *job = &c->jobs[(c->first + c->count) % JOBS];
    if (c->last)
        snprintf(job->name, sizeof job->name, "final");
    else
        snprintf(job->name, sizeof job->name, "t%07.2f", c->times_s[c->next_time++]);
    c->last = false;
    take_picture(c, job, frame, layers);
}

void sim_capture_frame(struct sim_capture *c, const struct sim_frame *frame,
                       const struct sim_layers *layers, int64_t submitted_ns, bool in_time,
                       bool changed)
{
    if (c->log)
        sim_framelog_add(c->log, frame, layers, submitted_ns, in_time, changed);
    maybe_take_picture(c, frame, layers, submitted_ns);
}
