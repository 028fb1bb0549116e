#include "tests/headset/sim_framelog.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/headset/sim_compose.h"
#include "tests/headset/sim_swapchain.h"

#define SIDE 8
#define SLOTS 8
#define LINES 64

// Shrunk images of both eyes side by side, on their way to the host.
struct slot {
    struct sim_commands commands;
    struct sim_image image;
    struct sim_buffer buffer;
    bool eye[2]; // seen by this eye
};

struct line {
    int64_t display_ns, submitted_ns, index;
    int layers, slot; // slot -1: the images of the line before
    bool in_time, changed, should_render;
};

struct sim_framelog {
    struct sim_vulkan *vk;
    FILE *file;
    struct slot slots[SLOTS];
    int next_slot;
    struct line lines[LINES];
    int first, count;
    double light[2]; // of the line written last; -1: nothing seen
};

static bool make_slot(struct sim_vulkan *vk, struct slot *slot)
{
    VkImageCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
        .imageType = VK_IMAGE_TYPE_2D,
        .format = VK_FORMAT_R16G16B16A16_SFLOAT, // linear, whatever the source
        .extent = {2 * SIDE, SIDE, 1},
        .mipLevels = 1,
        .arrayLayers = 1,
        .samples = VK_SAMPLE_COUNT_1_BIT,
        .tiling = VK_IMAGE_TILING_OPTIMAL,
        .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
        .initialLayout = VK_IMAGE_LAYOUT_UNDEFINED,
    };
    return sim_commands_create(vk, &slot->commands) && sim_image_create(vk, &info, &slot->image) &&
           sim_buffer_create(vk, 2 * SIDE * SIDE * 8, &slot->buffer);
}

struct sim_framelog *sim_framelog_create(struct sim_vulkan *vk, const char *path)
{
    static char written[512];
    bool again = !strcmp(written, path);
    struct sim_framelog *log = mem_new(1, sizeof *log);
    log->vk = vk;
    log->light[0] = log->light[1] = -1;
    log->file = fopen(path, again ? "a" : "w");
    if (!log->file) {
        fprintf(stderr,
                "sim_headset: cannot write the frame log %s: check that its folder exists\n", path);
        goto fail;
    }
    for (int n = 0; n < SLOTS; n++)
        if (!make_slot(vk, &log->slots[n]))
            goto fail;
    fseek(log->file, 0, SEEK_END);
    if (ftell(log->file) == 0)
        fprintf(log->file,
                "display_ns,submitted_ns,period,layers,in_time,should_render,changed,left,right\n");
    snprintf(written, sizeof written, "%s", path);
    return log;
fail:
    sim_framelog_destroy(&log);
    return NULL;
}

static double light_of(const struct slot *slot, int eye)
{
    const uint16_t *texels = slot->buffer.mapped; // [SIDE][2 * SIDE][4]
    double sum = 0;
    for (int y = 0; y < SIDE; y++) {
        for (int x = eye * SIDE; x < (eye + 1) * SIDE; x++) {
            const uint16_t *t = texels + (y * 2 * SIDE + x) * 4;
            // BT.709
            sum += 0.2126 * sim_half(t[0]) + 0.7152 * sim_half(t[1]) + 0.0722 * sim_half(t[2]);
        }
    }
    return slot->eye[eye] ? sum / (SIDE * SIDE) : -1;
}

// Writes the lines whose images have arrived.
static void write_lines(struct sim_framelog *log, int64_t timeout_ns)
{
    for (; log->count; log->first = (log->first + 1) % LINES, log->count--) {
        const struct line *l = &log->lines[log->first];
        struct slot *slot = l->slot >= 0 ? &log->slots[l->slot] : NULL;
        if (slot && !sim_commands_finished(log->vk, &slot->commands, timeout_ns))
            return;
        for (int eye = 0; slot && eye < 2; eye++)
            log->light[eye] = light_of(slot, eye);
        bool seen = l->layers > 0;
        fprintf(log->file, "%" PRId64 ",%" PRId64 ",%" PRId64 ",%d,%d,%d,%d,%.5f,%.5f\n",
                l->display_ns, l->submitted_ns, l->index, l->layers, l->in_time, l->should_render,
                l->changed, seen ? log->light[0] : -1, seen ? log->light[1] : -1);
    }
}

void sim_framelog_flush(struct sim_framelog *log)
{
    write_lines(log, NS_PER_S);
    fflush(log->file);
}

void sim_framelog_destroy(struct sim_framelog **p)
{
    struct sim_framelog *log = *p;
    *p = NULL;
    if (!log)
        return;
    if (log->file) {
        sim_framelog_flush(log);
        fclose(log->file);
    }
    for (int n = 0; n < SLOTS; n++) {
        sim_commands_destroy(log->vk, &log->slots[n].commands);
        sim_image_destroy(log->vk, &log->slots[n].image);
        sim_buffer_destroy(log->vk, &log->slots[n].buffer);
    }
    mem_free(log);
}

static void shrink(struct sim_framelog *log, struct slot *slot, const struct sim_layer *layer,
                   int eye)
{
    struct sim_vulkan *vk = log->vk;
    VkCommandBuffer commands = slot->commands.buffer;
    VkImage image = layer->chain->images[layer->image].image;
    XrRect2Di r = layer->rect;
    VkImageBlit region = {
        .srcSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, layer->slice, 1},
        .srcOffsets = {{r.offset.x, r.offset.y, 0},
                       {r.offset.x + r.extent.width, r.offset.y + r.extent.height, 1}},
        .dstSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
        .dstOffsets = {{eye * SIDE, 0, 0}, {(eye + 1) * SIDE, SIDE, 1}},
    };
    sim_image_barrier(vk, commands, image, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
                      VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
    vk->CmdBlitImage(commands, image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, slot->image.image,
                     VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region, VK_FILTER_LINEAR);
    sim_image_barrier(vk, commands, image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                      VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
    slot->eye[eye] = true;
}

// Starts the way of this frame's images to the host; the slot's index, or -1.
static int start_slot(struct sim_framelog *log, const struct sim_layers *layers)
{
    struct sim_vulkan *vk = log->vk;
    struct slot *slot = &log->slots[log->next_slot];
    if (!sim_commands_finished(vk, &slot->commands, NS_PER_S) ||
        !sim_commands_begin(vk, &slot->commands))
        return -1;
    slot->eye[0] = slot->eye[1] = false;
    sim_image_barrier(vk, slot->commands.buffer, slot->image.image, VK_IMAGE_LAYOUT_UNDEFINED,
                      VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
    for (int eye = 0; eye < 2; eye++) {
        const struct sim_layer *layer = sim_layers_first(layers, eye);
        if (layer && layer->rect.extent.width && layer->rect.extent.height)
            shrink(log, slot, layer, eye);
    }
    sim_image_barrier(vk, slot->commands.buffer, slot->image.image,
                      VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
    VkBufferImageCopy region = {.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                .imageExtent = {2 * SIDE, SIDE, 1}};
    vk->CmdCopyImageToBuffer(slot->commands.buffer, slot->image.image,
                             VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, slot->buffer.buffer, 1, &region);
    if (!sim_commands_submit(vk, &slot->commands))
        return -1;
    int index = log->next_slot;
    log->next_slot = (index + 1) % SLOTS;
    return index;
}

// Whether a line not yet written still needs this slot.
static bool slot_in_use(const struct sim_framelog *log, int slot)
{
    for (int n = 0; n < log->count; n++)
        if (log->lines[(log->first + n) % LINES].slot == slot)
            return true;
    return false;
}

void sim_framelog_add(struct sim_framelog *log, const struct sim_frame *frame,
                      const struct sim_layers *layers, int64_t submitted_ns, bool in_time,
                      bool changed)
{
    write_lines(log, 0);
    if (log->count == LINES || slot_in_use(log, log->next_slot))
        write_lines(log, NS_PER_S);
    if (log->count == LINES)
        return;
    log->lines[(log->first + log->count) % LINES] = (struct line){
        .display_ns = frame->display_ns,
        .submitted_ns = submitted_ns,
        .index = frame->index,
        .layers = layers->count,
        .slot = changed ? start_slot(log, layers) : -1,
        .in_time = in_time,
        .changed = changed,
        .should_render = frame->should_render,
    };
    log->count++;
}
