#include "tests/headset/client.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"

extern char **environ;

#ifdef __SANITIZE_THREAD__
// The driver's own locks are atomics that the thread sanitizer does not see.
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:libvulkan_lvp.so\nrace:libVkLayer\nrace:libLLVM\ndeadlock:libVkLayer\n";
}
#endif

#ifdef __SANITIZE_ADDRESS__
// What the loaders, the driver and the layers of others leave behind is not ours to free.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libopenxr_loader\nleak:libvulkan\nleak:libVkLayer\nleak:libXrApiLayer\n"
           "leak:libLLVM\n";
}

// They are told by their names, which only libraries that stay loaded have.
__attribute__((constructor)) static void keep_loaded(void)
{
    static const char *const names[] = {"libvulkan_lvp.so", "libVkLayer_khronos_validation.so"};
    for (int n = 0; n < 2; n++)
        dlopen(names[n], RTLD_LAZY | RTLD_NODELETE);
}
#endif

#define FUNCTION(c, name)                                                                          \
    PFN_##name name##_;                                                                            \
    assert_int_equal(xrGetInstanceProcAddr((c)->instance, #name, (PFN_xrVoidFunction *)&name##_),  \
                     XR_SUCCESS)

// The runtime stays loaded once it was, so that this is the one that the loader uses.
static void *runtime_symbol(const char *name)
{
    void *library = dlopen(SIM_HEADSET_LIBRARY, RTLD_NOW);
    assert_non_null(library);
    void *symbol = dlsym(library, name);
    assert_non_null(symbol);
    dlclose(library);
    return symbol;
}

void client_environment(const char *const *variables)
{
    char names[64][64];
    int count = 0;
    for (char **e = environ; *e && count < 64; e++)
        if (!strncmp(*e, "SIM_", 4))
            snprintf(names[count++], sizeof names[0], "%.*s", (int)strcspn(*e, "="), *e);
    while (count)
        unsetenv(names[--count]);
    for (; *variables; variables++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*variables, "="), *variables);
        setenv(name, *variables + strlen(name) + 1, 1);
    }
    void (*reset)(void) = (void (*)(void))runtime_symbol("sim_headset_reset");
    reset();
}

int64_t client_violations(const char *rule)
{
    int64_t (*count)(const char *) =
        (int64_t(*)(const char *))runtime_symbol("sim_headset_violations");
    return count(rule);
}

XrResult client_create_instance(struct client *c, const char *const *extensions)
{
    *c = (struct client){0};
    const char *names[16] = {XR_KHR_VULKAN_ENABLE2_EXTENSION_NAME};
    uint32_t count = 1;
    while (extensions && *extensions)
        names[count++] = *extensions++;
    XrInstanceCreateInfo info = {.type = XR_TYPE_INSTANCE_CREATE_INFO,
                                 .applicationInfo = {.applicationName = "headset test",
                                                     .apiVersion = XR_MAKE_VERSION(1, 0, 0)},
                                 .enabledExtensionCount = count,
                                 .enabledExtensionNames = names};
    return xrCreateInstance(&info, &c->instance);
}

static VKAPI_ATTR VkBool32 VKAPI_CALL message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                              VkDebugUtilsMessageTypeFlagsEXT types,
                                              const VkDebugUtilsMessengerCallbackDataEXT *data,
                                              void *user)
{
    struct client *c = user;
    c->vulkan_messages++;
    fprintf(stderr, "Vulkan: %s\n", data->pMessage);
    return VK_FALSE;
}

static void create_vk_instance(struct client *c)
{
    // the validation layer, where the environment asks for it, speaks through the messenger
    const char *layers[] = {"VK_LAYER_KHRONOS_validation"};
    const char *extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
    bool validate = getenv("CLIENT_VALIDATION") != NULL;
    VkDebugUtilsMessengerCreateInfoEXT messenger = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = message,
        .pUserData = c,
    };
    VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                     .apiVersion = VK_API_VERSION_1_1};
    VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                 .pNext = validate ? &messenger : NULL,
                                 .pApplicationInfo = &application,
                                 .enabledLayerCount = validate,
                                 .ppEnabledLayerNames = layers,
                                 .enabledExtensionCount = validate,
                                 .ppEnabledExtensionNames = extensions};
    XrVulkanInstanceCreateInfoKHR xr_info = {.type = XR_TYPE_VULKAN_INSTANCE_CREATE_INFO_KHR,
                                             .systemId = c->system,
                                             .pfnGetInstanceProcAddr = vkGetInstanceProcAddr,
                                             .vulkanCreateInfo = &info};
    FUNCTION(c, xrCreateVulkanInstanceKHR);
    VkResult result;
    assert_int_equal(xrCreateVulkanInstanceKHR_(c->instance, &xr_info, &c->vk_instance, &result),
                     XR_SUCCESS);
    assert_int_equal(result, VK_SUCCESS);
    if (!validate)
        return;
    PFN_vkCreateDebugUtilsMessengerEXT create =
        (PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(c->vk_instance,
                                                                  "vkCreateDebugUtilsMessengerEXT");
    assert_int_equal(create(c->vk_instance, &messenger, NULL, &c->messenger), VK_SUCCESS);
}

static void create_vk_device(struct client *c)
{
    XrVulkanGraphicsDeviceGetInfoKHR get = {.type = XR_TYPE_VULKAN_GRAPHICS_DEVICE_GET_INFO_KHR,
                                            .systemId = c->system,
                                            .vulkanInstance = c->vk_instance};
    FUNCTION(c, xrGetVulkanGraphicsDevice2KHR);
    assert_int_equal(xrGetVulkanGraphicsDevice2KHR_(c->instance, &get, &c->physical), XR_SUCCESS);
    VkQueueFamilyProperties families[16];
    uint32_t count = 16;
    vkGetPhysicalDeviceQueueFamilyProperties(c->physical, &count, families);
    while (!(families[c->family].queueFlags & VK_QUEUE_GRAPHICS_BIT))
        assert_true(++c->family < count);
    float priority = 1;
    VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                     .queueFamilyIndex = c->family,
                                     .queueCount = 1,
                                     .pQueuePriorities = &priority};
    VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                               .queueCreateInfoCount = 1,
                               .pQueueCreateInfos = &queue};
    XrVulkanDeviceCreateInfoKHR xr_info = {.type = XR_TYPE_VULKAN_DEVICE_CREATE_INFO_KHR,
                                           .systemId = c->system,
                                           .pfnGetInstanceProcAddr = vkGetInstanceProcAddr,
                                           .vulkanPhysicalDevice = c->physical,
                                           .vulkanCreateInfo = &info};
    FUNCTION(c, xrCreateVulkanDeviceKHR);
    VkResult result;
    assert_int_equal(xrCreateVulkanDeviceKHR_(c->instance, &xr_info, &c->device, &result),
                     XR_SUCCESS);
    assert_int_equal(result, VK_SUCCESS);
    vkGetDeviceQueue(c->device, c->family, 0, &c->queue);
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .queueFamilyIndex = c->family};
    assert_int_equal(vkCreateCommandPool(c->device, &pool, NULL, &c->pool), VK_SUCCESS);
}

static XrSpace create_space(struct client *c, XrReferenceSpaceType type)
{
    XrReferenceSpaceCreateInfo info = {.type = XR_TYPE_REFERENCE_SPACE_CREATE_INFO,
                                       .referenceSpaceType = type,
                                       .poseInReferenceSpace = {.orientation = {.w = 1}}};
    XrSpace space;
    assert_int_equal(xrCreateReferenceSpace(c->session, &info, &space), XR_SUCCESS);
    return space;
}

void client_create_session(struct client *c)
{
    XrSystemGetInfo get = {.type = XR_TYPE_SYSTEM_GET_INFO,
                           .formFactor = XR_FORM_FACTOR_HEAD_MOUNTED_DISPLAY};
    assert_int_equal(xrGetSystem(c->instance, &get, &c->system), XR_SUCCESS);
    XrGraphicsRequirementsVulkan2KHR requirements = {.type =
                                                         XR_TYPE_GRAPHICS_REQUIREMENTS_VULKAN2_KHR};
    FUNCTION(c, xrGetVulkanGraphicsRequirements2KHR);
    assert_int_equal(xrGetVulkanGraphicsRequirements2KHR_(c->instance, c->system, &requirements),
                     XR_SUCCESS);
    create_vk_instance(c);
    create_vk_device(c);
    XrGraphicsBindingVulkan2KHR binding = {.type = XR_TYPE_GRAPHICS_BINDING_VULKAN2_KHR,
                                           .instance = c->vk_instance,
                                           .physicalDevice = c->physical,
                                           .device = c->device,
                                           .queueFamilyIndex = c->family};
    XrSessionCreateInfo info = {
        .type = XR_TYPE_SESSION_CREATE_INFO, .next = &binding, .systemId = c->system};
    assert_int_equal(xrCreateSession(c->instance, &info, &c->session), XR_SUCCESS);
    c->local = create_space(c, XR_REFERENCE_SPACE_TYPE_LOCAL);
    c->view = create_space(c, XR_REFERENCE_SPACE_TYPE_VIEW);
}

static void change_state(struct client *c, XrSessionState state)
{
    c->state = state;
    if (c->state_count < 64)
        c->states[c->state_count++] = state;
    XrSessionBeginInfo begin = {.type = XR_TYPE_SESSION_BEGIN_INFO,
                                .primaryViewConfigurationType =
                                    XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO};
    if (state == XR_SESSION_STATE_READY) {
        assert_int_equal(xrBeginSession(c->session, &begin), XR_SUCCESS);
        c->running = true;
    } else if (state == XR_SESSION_STATE_STOPPING) {
        assert_int_equal(xrEndSession(c->session), XR_SUCCESS);
        c->running = false;
    }
}

void client_poll(struct client *c)
{
    for (;;) {
        XrEventDataBuffer event = {.type = XR_TYPE_EVENT_DATA_BUFFER};
        XrResult result = xrPollEvent(c->instance, &event);
        if (result != XR_SUCCESS)
            return;
        if (event.type == XR_TYPE_EVENT_DATA_SESSION_STATE_CHANGED)
            change_state(c, ((XrEventDataSessionStateChanged *)&event)->state);
        else
            c->last_event = event;
    }
}

XrResult client_frame(struct client *c, uint32_t count,
                      const XrCompositionLayerBaseHeader *const *layers)
{
    c->frame = (XrFrameState){.type = XR_TYPE_FRAME_STATE};
    XrResult result = xrWaitFrame(c->session, NULL, &c->frame);
    if (XR_SUCCEEDED(result))
        result = xrBeginFrame(c->session, NULL);
    if (XR_FAILED(result))
        return result;
    XrFrameEndInfo end = {.type = XR_TYPE_FRAME_END_INFO,
                          .displayTime = c->frame.predictedDisplayTime,
                          .environmentBlendMode = XR_ENVIRONMENT_BLEND_MODE_OPAQUE,
                          .layerCount = c->frame.shouldRender ? count : 0,
                          .layers = layers};
    return xrEndFrame(c->session, &end);
}

void client_run_until(struct client *c, XrSessionState state, uint32_t count,
                      const XrCompositionLayerBaseHeader *const *layers)
{
    int64_t give_up = clock_now_ns() + 10 * NS_PER_S;
    for (client_poll(c); c->state != state; client_poll(c)) {
        assert_true(clock_now_ns() < give_up);
        if (c->running)
            assert_int_equal(client_frame(c, count, layers), XR_SUCCESS);
        else
            clock_sleep_until_ns(clock_now_ns() + NS_PER_MS);
    }
}

void client_destroy_session(struct client *c)
{
    vkDeviceWaitIdle(c->device);
    assert_int_equal(xrDestroySession(c->session), XR_SUCCESS);
    c->session = XR_NULL_HANDLE;
    c->running = false;
}

void client_destroy_vulkan(struct client *c)
{
    vkDestroyCommandPool(c->device, c->pool, NULL);
    vkDestroyDevice(c->device, NULL);
    if (c->messenger) {
        PFN_vkDestroyDebugUtilsMessengerEXT destroy =
            (PFN_vkDestroyDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
                c->vk_instance, "vkDestroyDebugUtilsMessengerEXT");
        destroy(c->vk_instance, c->messenger, NULL);
    }
    vkDestroyInstance(c->vk_instance, NULL);
    c->device = VK_NULL_HANDLE;
}

void client_destroy(struct client *c)
{
    if (c->session)
        client_destroy_session(c);
    if (c->device)
        client_destroy_vulkan(c);
    assert_int_equal(xrDestroyInstance(c->instance), XR_SUCCESS);
    c->instance = XR_NULL_HANDLE;
}

void client_finish(struct client *c)
{
    assert_int_equal(xrRequestExitSession(c->session), XR_SUCCESS);
    client_run_until(c, XR_SESSION_STATE_EXITING, 0, NULL);
    client_destroy(c);
}

// Images

static uint32_t host_memory(struct client *c, uint32_t types)
{
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(c->physical, &memory);
    VkMemoryPropertyFlags wanted =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    for (uint32_t type = 0; type < memory.memoryTypeCount; type++)
        if (types & 1u << type && (memory.memoryTypes[type].propertyFlags & wanted) == wanted)
            return type;
    fail();
    return 0;
}

void client_image_create(struct client *c, struct client_image *image, VkFormat format,
                         uint32_t width, uint32_t height)
{
    *image = (struct client_image){.width = width, .height = height};
    XrSwapchainCreateInfo info = {.type = XR_TYPE_SWAPCHAIN_CREATE_INFO,
                                  .usageFlags = XR_SWAPCHAIN_USAGE_TRANSFER_DST_BIT |
                                                XR_SWAPCHAIN_USAGE_COLOR_ATTACHMENT_BIT,
                                  .format = format,
                                  .sampleCount = 1,
                                  .width = width,
                                  .height = height,
                                  .faceCount = 1,
                                  .arraySize = 1,
                                  .mipCount = 1};
    assert_int_equal(xrCreateSwapchain(c->session, &info, &image->chain), XR_SUCCESS);
    XrSwapchainImageVulkan2KHR images[8];
    for (int n = 0; n < 8; n++)
        images[n] = (XrSwapchainImageVulkan2KHR){.type = XR_TYPE_SWAPCHAIN_IMAGE_VULKAN2_KHR};
    assert_int_equal(xrEnumerateSwapchainImages(image->chain, 8, &image->count,
                                                (XrSwapchainImageBaseHeader *)images),
                     XR_SUCCESS);
    for (uint32_t n = 0; n < image->count; n++)
        image->images[n] = images[n].image;
    VkBufferCreateInfo buffer = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                 .size = (VkDeviceSize)width * height * 4,
                                 .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT};
    assert_int_equal(vkCreateBuffer(c->device, &buffer, NULL, &image->staging), VK_SUCCESS);
    VkMemoryRequirements need;
    vkGetBufferMemoryRequirements(c->device, image->staging, &need);
    VkMemoryAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                     .allocationSize = need.size,
                                     .memoryTypeIndex = host_memory(c, need.memoryTypeBits)};
    assert_int_equal(vkAllocateMemory(c->device, &allocate, NULL, &image->memory), VK_SUCCESS);
    assert_int_equal(vkBindBufferMemory(c->device, image->staging, image->memory, 0), VK_SUCCESS);
    assert_int_equal(
        vkMapMemory(c->device, image->memory, 0, VK_WHOLE_SIZE, 0, (void **)&image->pixels),
        VK_SUCCESS);
}

static void barrier(VkCommandBuffer commands, VkImage image, VkImageLayout from, VkImageLayout to)
{
    VkImageMemoryBarrier b = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                              .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                              .dstAccessMask =
                                  VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
                              .oldLayout = from,
                              .newLayout = to,
                              .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                              .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                              .image = image,
                              .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                         VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0, NULL, 1, &b);
}

static void upload(struct client *c, struct client_image *image, VkImage target)
{
    VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                            .commandPool = c->pool,
                                            .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                            .commandBufferCount = 1};
    VkCommandBuffer commands;
    assert_int_equal(vkAllocateCommandBuffers(c->device, &allocate, &commands), VK_SUCCESS);
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    vkBeginCommandBuffer(commands, &begin);
    barrier(commands, target, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
            VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
    VkBufferImageCopy region = {.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                .imageExtent = {image->width, image->height, 1}};
    vkCmdCopyBufferToImage(commands, image->staging, target, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                           1, &region);
    barrier(commands, target, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
            VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
    vkEndCommandBuffer(commands);
    VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                           .commandBufferCount = 1,
                           .pCommandBuffers = &commands};
    assert_int_equal(vkQueueSubmit(c->queue, 1, &submit, VK_NULL_HANDLE), VK_SUCCESS);
    vkQueueWaitIdle(c->queue);
    vkFreeCommandBuffers(c->device, c->pool, 1, &commands);
}

void client_image_show(struct client *c, struct client_image *image)
{
    uint32_t index;
    XrSwapchainImageWaitInfo wait = {.type = XR_TYPE_SWAPCHAIN_IMAGE_WAIT_INFO,
                                     .timeout = XR_INFINITE_DURATION};
    assert_int_equal(xrAcquireSwapchainImage(image->chain, NULL, &index), XR_SUCCESS);
    assert_int_equal(xrWaitSwapchainImage(image->chain, &wait), XR_SUCCESS);
    upload(c, image, image->images[index]);
    assert_int_equal(xrReleaseSwapchainImage(image->chain, NULL), XR_SUCCESS);
}

void client_image_destroy(struct client *c, struct client_image *image)
{
    vkDestroyBuffer(c->device, image->staging, NULL);
    vkFreeMemory(c->device, image->memory, NULL);
    if (c->session)
        assert_int_equal(xrDestroySwapchain(image->chain), XR_SUCCESS);
}

XrCompositionLayerQuad client_quad(const struct client *c, const struct client_image *image,
                                   XrEyeVisibility eye, XrVector3f at, float width_m,
                                   float height_m)
{
    return (XrCompositionLayerQuad){
        .type = XR_TYPE_COMPOSITION_LAYER_QUAD,
        .space = c->local,
        .eyeVisibility = eye,
        .subImage = {.swapchain = image->chain,
                     .imageRect = {{0, 0}, {(int32_t)image->width, (int32_t)image->height}}},
        .pose = {.orientation = {.w = 1}, .position = at},
        .size = {width_m, height_m},
    };
}
