#include "viewer/vk_cuda.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "kernels/cuda_library.h"
#include "kernels/cuda_share.h"
#include "viewer/vk_export.h"

struct vk_cuda {
    struct vk_device *device;
    const struct cuda_share *share;
    VkSemaphore done, written;
    struct cuda_semaphore *done_imported, *written_imported; // NULL: the host waits
    uint64_t last_value;                                     // that CUDA was to signal
};

// --- creation

static const struct cuda_share *find_share(char *why, size_t size)
{
    const struct cuda_share *(*get)(void);

    return cuda_library_symbol("deep3d_cuda_share", &get, why, size) ? get() : NULL;
}

// False: why says what is missing.
static bool examine(struct vk_cuda *c, char *why, size_t size)
{
    uint8_t uuid[CUDA_UUID_BYTES];

    c->share = find_share(why, size);
    if (!c->share)
        return false;
    if (!c->device->exports_memory)
        snprintf(why, size, "its Vulkan driver exports no memory: a newer one may");
    else if (!c->share->uuid(uuid))
        snprintf(why, size, "%s", c->share->error());
    else if (memcmp(uuid, c->device->uuid, sizeof(uuid)) != 0)
        snprintf(why, size, "they are converted on another GPU");
    else
        return true;
    return false;
}

static struct cuda_semaphore *import_semaphore(const struct vk_cuda *c, VkSemaphore semaphore)
{
    struct cuda_semaphore *imported = NULL;
    struct cuda_handle handle;

    if (!vk_export_semaphore(c->device, semaphore, &handle))
        return NULL;
    imported = c->share->import_semaphore(handle);
    if (!imported) {
        log_warn("CUDA takes no semaphore of %s (%s)", c->device->properties.deviceName,
                 c->share->error());
        vk_export_close(&handle);
    }
    return imported;
}

static void drop_semaphores(struct vk_cuda *c)
{
    c->share->release_semaphore(c->done_imported);
    c->share->release_semaphore(c->written_imported);
    c->done_imported = c->written_imported = NULL;
}

static void share_semaphores(struct vk_cuda *c)
{
    if (!c->device->exports_semaphores)
        return;
    c->done_imported = import_semaphore(c, c->done);
    c->written_imported = c->done_imported ? import_semaphore(c, c->written) : NULL;
    if (!c->written_imported)
        drop_semaphores(c);
}

struct vk_cuda *vk_cuda_create(struct vk_device *device, VkSemaphore done)
{
    struct vk_cuda *c = mem_new(1, sizeof(*c));
    char why[256];

    c->device = device;
    c->done = done;
    if (!examine(c, why, sizeof(why))) {
        log_info("pictures go to %s through host memory: %s", device->properties.deviceName, why);
        goto fail;
    }
    if (!vk_timeline_create(device, &c->written))
        goto fail;
    share_semaphores(c);
    log_info("pictures stay on %s%s", device->properties.deviceName,
             c->written_imported ? ""
                                 : "; its driver shares no semaphores, so that CUDA is waited for");
    return c;
fail:
    vk_cuda_destroy(&c);
    return NULL;
}

void vk_cuda_destroy(struct vk_cuda **cuda)
{
    struct vk_cuda *c = *cuda;

    if (!c)
        return;
    if (c->share)
        drop_semaphores(c);
    vkDestroySemaphore(c->device->device, c->written, NULL);
    mem_free(c);
    *cuda = NULL;
}

bool vk_cuda_has_semaphores(const struct vk_cuda *cuda)
{
    return cuda->written_imported;
}

// --- buffers

static bool create_buffer(const struct vk_cuda *c, size_t bytes, struct vk_cuda_buffer *b,
                          size_t *out_allocated)
{
    VkDevice device = c->device->device;
    VkExternalMemoryBufferCreateInfo external = {
        .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
        .handleTypes = VK_EXPORT_MEMORY_TYPE,
    };
    VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .pNext = &external,
        .size = bytes,
        .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    };
    VkMemoryDedicatedAllocateInfo dedicated = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
    };
    VkExportMemoryAllocateInfo export = {
        .sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
        .pNext = &dedicated,
        .handleTypes = VK_EXPORT_MEMORY_TYPE,
    };
    VkMemoryAllocateInfo memory = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .pNext = &export,
    };
    VkMemoryRequirements needs;

    if (!VK(vkCreateBuffer(device, &info, NULL, &b->buffer)))
        return false;
    vkGetBufferMemoryRequirements(device, b->buffer, &needs);
    dedicated.buffer = b->buffer;
    memory.allocationSize = *out_allocated = needs.size;
    memory.memoryTypeIndex =
        vk_memory_type(c->device, needs.memoryTypeBits, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
    return VK(vkAllocateMemory(device, &memory, NULL, &b->memory)) &&
           VK(vkBindBufferMemory(device, b->buffer, b->memory, 0));
}

static bool import_buffer(const struct vk_cuda *c, struct vk_cuda_buffer *b, size_t allocated)
{
    struct cuda_handle handle;

    if (!vk_export_memory(c->device, b->memory, &handle))
        return false;
    b->imported = c->share->import_memory(handle, allocated);
    if (!b->imported)
        vk_export_close(&handle);
    else
        b->pointer = c->share->map(b->imported);
    if (!b->pointer)
        log_error("CUDA takes no memory of %s (%s): drivers of one version help",
                  c->device->properties.deviceName, c->share->error());
    return b->pointer;
}

bool vk_cuda_buffer_create(struct vk_cuda *c, size_t bytes, struct vk_cuda_buffer *out)
{
    size_t allocated = 0;

    *out = (struct vk_cuda_buffer){0};
    if (create_buffer(c, bytes, out, &allocated) && import_buffer(c, out, allocated))
        return true;
    vk_cuda_buffer_destroy(c, out);
    return false;
}

void vk_cuda_buffer_destroy(struct vk_cuda *c, struct vk_cuda_buffer *buffer)
{
    c->share->release_memory(buffer->imported);
    vkDestroyBuffer(c->device->device, buffer->buffer, NULL);
    vkFreeMemory(c->device->device, buffer->memory, NULL);
    *buffer = (struct vk_cuda_buffer){0};
}

static void transfer(VkCommandBuffer commands, const struct vk_cuda_buffer *buffer, uint32_t from,
                     VkAccessFlags from_access, uint32_t to, VkAccessFlags to_access)
{
    VkBufferMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER,
        .srcAccessMask = from_access,
        .dstAccessMask = to_access,
        .srcQueueFamilyIndex = from,
        .dstQueueFamilyIndex = to,
        .buffer = buffer->buffer,
        .size = VK_WHOLE_SIZE,
    };

    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT,
                         0, 0, NULL, 1, &barrier, 0, NULL);
}

#define COPIES (VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT)

void vk_cuda_begin(VkCommandBuffer commands, const struct vk_cuda_buffer *buffer, uint32_t family)
{
    transfer(commands, buffer, VK_QUEUE_FAMILY_EXTERNAL, 0, family, COPIES);
}

void vk_cuda_end(VkCommandBuffer commands, const struct vk_cuda_buffer *buffer, uint32_t family)
{
    transfer(commands, buffer, family, COPIES, VK_QUEUE_FAMILY_EXTERNAL, 0);
}

// --- order

void vk_cuda_settle(struct vk_cuda *c)
{
    VkSemaphoreSignalInfo signal = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
        .semaphore = c->written,
        .value = c->last_value,
    };
    uint64_t value;

    if (c->share->settle())
        return;
    if (VK(c->device->semaphore_value(c->device->device, c->written, &value)) &&
        value < c->last_value)
        (void)VK(c->device->signal_semaphore(c->device->device, &signal));
}

static void go_on_without(struct vk_cuda *c)
{
    log_warn("CUDA's semaphores fail (%s): going on without them", c->share->error());
    vk_cuda_settle(c);
    drop_semaphores(c);
}

bool vk_cuda_written(struct vk_cuda *c, uint64_t value, VkSemaphore *out_wait)
{
    *out_wait = VK_NULL_HANDLE;
    if (c->written_imported && c->share->signal(c->written_imported, value)) {
        c->last_value = value;
        *out_wait = c->written;
        return true;
    }
    if (c->written_imported)
        go_on_without(c);
    if (c->share->finish())
        return true;
    log_error("the GPU has failed in the middle of a picture: %s", c->share->error());
    return false;
}

bool vk_cuda_wait(struct vk_cuda *c, uint64_t value)
{
    if (c->done_imported && c->share->wait(c->done_imported, value))
        return true;
    if (c->done_imported)
        go_on_without(c);
    return vk_timeline_wait(c->device, c->done, value);
}
