#include <assert.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/cuda/interop/stand_in.h"
#include "tests/cuda/twin/cuda_external.h"

#define SEMAPHORES 64

// Semaphores that were "exported": CUDA's twin comes back here with them.
struct lent {
    struct cuda_twin_semaphore twin;
    VkSemaphore semaphore;
};

static struct vk_device *lender;
static struct lent lent[SEMAPHORES];
static int lent_count;

static void signal_lent(void *user, uint64_t value)
{
    const struct lent *l = user;
    VkSemaphoreSignalInfo info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
        .semaphore = l->semaphore,
        .value = value,
    };

    if (!VK(lender->signal_semaphore(lender->device, &info)))
        abort();
}

static void wait_for_lent(void *user, uint64_t value)
{
    const struct lent *l = user;

    if (!vk_timeline_wait(lender, l->semaphore, value))
        abort();
}

static VKAPI_ATTR VkResult VKAPI_CALL get_semaphore_fd(VkDevice device,
                                                       const VkSemaphoreGetFdInfoKHR *info,
                                                       int *out_fd)
{
    struct lent *l = &lent[lent_count++ % SEMAPHORES];
    const struct cuda_twin_semaphore *twin = &l->twin;
    int ends[2];

    *l = (struct lent){{l, signal_lent, wait_for_lent}, info->semaphore};
    if (pipe(ends) != 0 || write(ends[1], &twin, sizeof(twin)) != sizeof(twin))
        return VK_ERROR_TOO_MANY_OBJECTS;
    close(ends[1]);
    *out_fd = ends[0];
    return VK_SUCCESS;
}

// The program's own calls come here instead of the Vulkan loader.
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetDeviceProcAddr(VkDevice device, const char *name)
{
    PFN_vkGetDeviceProcAddr next = (PFN_vkGetDeviceProcAddr)dlsym(RTLD_NEXT, "vkGetDeviceProcAddr");

    if (strcmp(name, "vkGetSemaphoreFdKHR") == 0)
        return (PFN_vkVoidFunction)get_semaphore_fd;
    return next(device, name);
}

// Lavapipe makes plain ones.
VKAPI_ATTR VkResult VKAPI_CALL vkCreateSemaphore(VkDevice device, const VkSemaphoreCreateInfo *info,
                                                 const VkAllocationCallbacks *allocator,
                                                 VkSemaphore *out)
{
    PFN_vkCreateSemaphore next = (PFN_vkCreateSemaphore)dlsym(RTLD_NEXT, "vkCreateSemaphore");
    VkSemaphoreTypeCreateInfo type = *(const VkSemaphoreTypeCreateInfo *)info->pNext;
    VkSemaphoreCreateInfo plain = *info;

    assert(type.sType == VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
    type.pNext = NULL;
    plain.pNext = &type;
    return next(device, &plain, allocator, out);
}

// CUDA's twin is whatever GPU Vulkan has.
static void name_twin(const struct vk_device *vk)
{
    char digits[2 * VK_UUID_SIZE + 1];

    for (size_t i = 0; i < VK_UUID_SIZE; i++)
        snprintf(digits + 2 * i, 3, "%02x", vk->uuid[i]);
    setenv("CUDA_TWIN_UUID", digits, 1);
}

void stand_in_begin(struct vk_device *vk)
{
    lender = vk;
    name_twin(vk);
    vk->exports_semaphores = true;
}

bool stand_in_break(enum stand_in_fault fault)
{
    static const enum cuda_twin_fault faults[] = {CUDA_TWIN_WELL, CUDA_TWIN_WITHOUT_SEMAPHORES,
                                                  CUDA_TWIN_DEAD};

    cuda_twin_be(faults[fault]);
    return true;
}
