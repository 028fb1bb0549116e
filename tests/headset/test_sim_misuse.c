// Wrong clients: each misuse gets the error that the specification prescribes, and is recorded
// under its rule.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/headset/client.h"

static struct client c;
static struct client_image image;

// The call gives this error, and the rule's count rises by one.
#define WRONG(call, error, rule)                                                                   \
    do {                                                                                           \
        int64_t before = client_violations(rule);                                                  \
        XrResult got = (call);                                                                     \
        if (got != (error))                                                                        \
            fail_msg("%s gives %d, not %s", #call, got, #error);                                   \
        if (client_violations(rule) != before + 1)                                                 \
            fail_msg("%s is not recorded as %s", #call, rule);                                     \
    } while (0)

static int set_up(void **unused)
{
    static const char *const variables[] = {"SIM_QUIET=1", NULL};
    static const char *const extensions[] = {XR_FB_DISPLAY_REFRESH_RATE_EXTENSION_NAME, NULL};
    client_environment(variables);
    assert_int_equal(client_create_instance(&c, extensions), XR_SUCCESS);
    client_create_session(&c);
    client_run_until(&c, XR_SESSION_STATE_FOCUSED, 0, NULL);
    client_image_create(&c, &image, VK_FORMAT_R8G8B8A8_SRGB, 64, 32);
    return 0;
}

static int tear_down(void **unused)
{
    client_image_destroy(&c, &image);
    client_destroy(&c);
    return 0;
}

static void instance(void **unused)
{
    XrInstance second;
    XrInstanceCreateInfo info = {
        .type = XR_TYPE_INSTANCE_CREATE_INFO,
        .applicationInfo = {.applicationName = "second", .apiVersion = XR_MAKE_VERSION(1, 0, 0)}};
    // the loader itself allows one instance only, and has its own word for it
    assert_true(XR_FAILED(xrCreateInstance(&info, &second)));
    PFN_xrVoidFunction function;
    assert_int_equal(xrGetInstanceProcAddr(c.instance, "xrConvertTimespecTimeToTimeKHR", &function),
                     XR_ERROR_FUNCTION_UNSUPPORTED);
    XrEventDataBuffer event = {.type = XR_TYPE_UNKNOWN};
    WRONG(xrPollEvent(c.instance, &event), XR_ERROR_VALIDATION_FAILURE, "struct_type");
    XrSystemGetInfo get = {.type = XR_TYPE_SYSTEM_GET_INFO, .formFactor = 77};
    XrSystemId system;
    WRONG(xrGetSystem(c.instance, &get, &system), XR_ERROR_VALIDATION_FAILURE, "form_factor");
    get.formFactor = XR_FORM_FACTOR_HANDHELD_DISPLAY;
    assert_int_equal(xrGetSystem(c.instance, &get, &system), XR_ERROR_FORM_FACTOR_UNSUPPORTED);
    XrSystemProperties properties = {.type = XR_TYPE_SYSTEM_PROPERTIES};
    WRONG(xrGetSystemProperties(c.instance, 99, &properties), XR_ERROR_SYSTEM_INVALID, "system_id");
    uint32_t count;
    XrViewConfigurationView views[1] = {{.type = XR_TYPE_VIEW_CONFIGURATION_VIEW}};
    WRONG(xrEnumerateViewConfigurationViews(
              c.instance, c.system, XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO, 1, &count, views),
          XR_ERROR_SIZE_INSUFFICIENT, "two_call_size");
    assert_int_equal(count, 2);
    WRONG(xrEnumerateViewConfigurationViews(
              c.instance, c.system, XR_VIEW_CONFIGURATION_TYPE_PRIMARY_MONO, 0, &count, NULL),
          XR_ERROR_VIEW_CONFIGURATION_TYPE_UNSUPPORTED, "view_configuration");
    XrPath path;
    WRONG(xrStringToPath(c.instance, "no/slash/before", &path), XR_ERROR_PATH_FORMAT_INVALID,
          "path_format");
    WRONG(xrStringToPath(c.instance, "/Upper", &path), XR_ERROR_PATH_FORMAT_INVALID, "path_format");
    WRONG(xrStringToPath(c.instance, "/a/../b", &path), XR_ERROR_PATH_FORMAT_INVALID,
          "path_format");
    WRONG(xrPathToString(c.instance, 12345, 0, &count, NULL), XR_ERROR_PATH_INVALID, "path");
}

static void session(void **unused)
{
    XrSession second;
    XrSessionCreateInfo info = {.type = XR_TYPE_SESSION_CREATE_INFO, .systemId = c.system};
    WRONG(xrCreateSession(c.instance, &info, &second), XR_ERROR_GRAPHICS_DEVICE_INVALID,
          "graphics_binding");
    XrGraphicsBindingVulkan2KHR binding = {.type = XR_TYPE_GRAPHICS_BINDING_VULKAN2_KHR,
                                           .instance = c.vk_instance,
                                           .physicalDevice = c.physical,
                                           .device = c.device,
                                           .queueFamilyIndex = c.family};
    info.next = &binding;
    WRONG(xrCreateSession(c.instance, &info, &second), XR_ERROR_LIMIT_REACHED, "one_session");
    XrSessionBeginInfo begin = {.type = XR_TYPE_SESSION_BEGIN_INFO,
                                .primaryViewConfigurationType =
                                    XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO};
    WRONG(xrBeginSession(c.session, &begin), XR_ERROR_SESSION_RUNNING, "session_running");
    begin.primaryViewConfigurationType = XR_VIEW_CONFIGURATION_TYPE_PRIMARY_MONO;
    WRONG(xrBeginSession(c.session, &begin), XR_ERROR_VIEW_CONFIGURATION_TYPE_UNSUPPORTED,
          "view_configuration");
    PFN_xrRequestDisplayRefreshRateFB request;
    assert_int_equal(xrGetInstanceProcAddr(c.instance, "xrRequestDisplayRefreshRateFB",
                                           (PFN_xrVoidFunction *)&request),
                     XR_SUCCESS);
    WRONG(request(c.session, 47.5f), XR_ERROR_DISPLAY_REFRESH_RATE_UNSUPPORTED_FB, "refresh_rate");
}

static void spaces(void **unused)
{
    XrSpace space;
    XrReferenceSpaceCreateInfo info = {.type = XR_TYPE_REFERENCE_SPACE_CREATE_INFO,
                                       .referenceSpaceType = XR_REFERENCE_SPACE_TYPE_LOCAL};
    WRONG(xrCreateReferenceSpace(c.session, &info, &space), XR_ERROR_POSE_INVALID, "pose_unit");
    info.poseInReferenceSpace.orientation.w = 1;
    info.poseInReferenceSpace.position.x = NAN;
    WRONG(xrCreateReferenceSpace(c.session, &info, &space), XR_ERROR_POSE_INVALID, "pose_finite");
    info.poseInReferenceSpace.position.x = 0;
    info.referenceSpaceType = XR_REFERENCE_SPACE_TYPE_UNBOUNDED_MSFT;
    WRONG(xrCreateReferenceSpace(c.session, &info, &space), XR_ERROR_REFERENCE_SPACE_UNSUPPORTED,
          "reference_space");
    XrSpaceLocation location = {.type = XR_TYPE_SPACE_LOCATION};
    WRONG(xrLocateSpace(c.view, c.local, 0, &location), XR_ERROR_TIME_INVALID, "time_positive");
    location.type = XR_TYPE_VIEW;
    WRONG(xrLocateSpace(c.view, c.local, 1, &location), XR_ERROR_VALIDATION_FAILURE, "struct_type");
    XrViewLocateInfo locate = {.type = XR_TYPE_VIEW_LOCATE_INFO,
                               .viewConfigurationType = XR_VIEW_CONFIGURATION_TYPE_PRIMARY_MONO,
                               .displayTime = 1,
                               .space = c.local};
    XrViewState state = {.type = XR_TYPE_VIEW_STATE};
    uint32_t count;
    WRONG(xrLocateViews(c.session, &locate, &state, 0, &count, NULL),
          XR_ERROR_VIEW_CONFIGURATION_TYPE_UNSUPPORTED, "view_configuration");
    // an unknown structure in the chain is passed over, but noticed
    XrBaseOutStructure foreign = {.type = XR_TYPE_EVENT_DATA_BUFFER};
    location = (XrSpaceLocation){.type = XR_TYPE_SPACE_LOCATION, .next = &foreign};
    WRONG(xrLocateSpace(c.view, c.local, c.frame.predictedDisplayTime, &location), XR_SUCCESS,
          "struct_next");
    // a handle that has died
    info.referenceSpaceType = XR_REFERENCE_SPACE_TYPE_STAGE;
    assert_int_equal(xrCreateReferenceSpace(c.session, &info, &space), XR_SUCCESS);
    assert_int_equal(xrDestroySpace(space), XR_SUCCESS);
    assert_int_equal(xrDestroySpace(space), XR_ERROR_HANDLE_INVALID);
}

static XrSwapchainCreateInfo good_swapchain(void)
{
    return (XrSwapchainCreateInfo){.type = XR_TYPE_SWAPCHAIN_CREATE_INFO,
                                   .usageFlags = XR_SWAPCHAIN_USAGE_COLOR_ATTACHMENT_BIT,
                                   .format = VK_FORMAT_R8G8B8A8_SRGB,
                                   .sampleCount = 1,
                                   .width = 64,
                                   .height = 64,
                                   .faceCount = 1,
                                   .arraySize = 1,
                                   .mipCount = 1};
}

static void swapchain_creation(void **unused)
{
    XrSwapchain chain;
    XrSwapchainCreateInfo info = good_swapchain();
    info.format = VK_FORMAT_R8_UNORM;
    WRONG(xrCreateSwapchain(c.session, &info, &chain), XR_ERROR_SWAPCHAIN_FORMAT_UNSUPPORTED,
          "swapchain_format");
    info = good_swapchain();
    info.width = 0;
    WRONG(xrCreateSwapchain(c.session, &info, &chain), XR_ERROR_VALIDATION_FAILURE,
          "swapchain_size");
    info = good_swapchain();
    info.height = 100000;
    WRONG(xrCreateSwapchain(c.session, &info, &chain), XR_ERROR_VALIDATION_FAILURE,
          "swapchain_size");
    info = good_swapchain();
    info.mipCount = 8;
    WRONG(xrCreateSwapchain(c.session, &info, &chain), XR_ERROR_VALIDATION_FAILURE,
          "swapchain_mips");
    info = good_swapchain();
    info.arraySize = 0;
    WRONG(xrCreateSwapchain(c.session, &info, &chain), XR_ERROR_VALIDATION_FAILURE,
          "swapchain_count");
    info = good_swapchain();
    info.faceCount = 2;
    WRONG(xrCreateSwapchain(c.session, &info, &chain), XR_ERROR_VALIDATION_FAILURE,
          "swapchain_faces");
    info = good_swapchain();
    info.usageFlags = XR_SWAPCHAIN_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT;
    WRONG(xrCreateSwapchain(c.session, &info, &chain), XR_ERROR_FEATURE_UNSUPPORTED,
          "swapchain_usage");
    info = good_swapchain();
    info.createFlags = XR_SWAPCHAIN_CREATE_PROTECTED_CONTENT_BIT;
    WRONG(xrCreateSwapchain(c.session, &info, &chain), XR_ERROR_FEATURE_UNSUPPORTED,
          "swapchain_flags");
    // all mip levels and layers of the right sizes are fine
    info = good_swapchain();
    info.mipCount = 7;
    info.arraySize = 2;
    assert_int_equal(xrCreateSwapchain(c.session, &info, &chain), XR_SUCCESS);
    assert_int_equal(xrDestroySwapchain(chain), XR_SUCCESS);
}

static void swapchain_order(void **unused)
{
    uint32_t index;
    XrSwapchain chain;
    XrSwapchainCreateInfo info = good_swapchain();
    XrSwapchainImageWaitInfo wait = {.type = XR_TYPE_SWAPCHAIN_IMAGE_WAIT_INFO,
                                     .timeout = XR_INFINITE_DURATION};
    assert_int_equal(xrCreateSwapchain(c.session, &info, &chain), XR_SUCCESS);
    WRONG(xrWaitSwapchainImage(chain, &wait), XR_ERROR_CALL_ORDER_INVALID, "wait_without_acquire");
    WRONG(xrReleaseSwapchainImage(chain, NULL), XR_ERROR_CALL_ORDER_INVALID,
          "release_without_wait");
    for (int n = 0; n < 3; n++)
        assert_int_equal(xrAcquireSwapchainImage(chain, NULL, &index), XR_SUCCESS);
    WRONG(xrAcquireSwapchainImage(chain, NULL, &index), XR_ERROR_CALL_ORDER_INVALID, "acquire_all");
    WRONG(xrReleaseSwapchainImage(chain, NULL), XR_ERROR_CALL_ORDER_INVALID,
          "release_without_wait");
    assert_int_equal(xrWaitSwapchainImage(chain, &wait), XR_SUCCESS);
    WRONG(xrWaitSwapchainImage(chain, &wait), XR_ERROR_CALL_ORDER_INVALID, "wait_twice");
    assert_int_equal(xrReleaseSwapchainImage(chain, NULL), XR_SUCCESS);
    assert_int_equal(xrDestroySwapchain(chain), XR_SUCCESS);

    info.createFlags = XR_SWAPCHAIN_CREATE_STATIC_IMAGE_BIT;
    assert_int_equal(xrCreateSwapchain(c.session, &info, &chain), XR_SUCCESS);
    assert_int_equal(xrEnumerateSwapchainImages(chain, 0, &index, NULL), XR_SUCCESS);
    assert_int_equal(index, 1);
    assert_int_equal(xrAcquireSwapchainImage(chain, NULL, &index), XR_SUCCESS);
    assert_int_equal(xrWaitSwapchainImage(chain, &wait), XR_SUCCESS);
    assert_int_equal(xrReleaseSwapchainImage(chain, NULL), XR_SUCCESS);
    WRONG(xrAcquireSwapchainImage(chain, NULL, &index), XR_ERROR_CALL_ORDER_INVALID,
          "acquire_static");
    assert_int_equal(xrDestroySwapchain(chain), XR_SUCCESS);
}

static void frame_order(void **unused)
{
    XrFrameEndInfo end = {.type = XR_TYPE_FRAME_END_INFO,
                          .displayTime = 1,
                          .environmentBlendMode = XR_ENVIRONMENT_BLEND_MODE_OPAQUE};
    XrFrameState state = {.type = XR_TYPE_FRAME_STATE};
    WRONG(xrEndFrame(c.session, &end), XR_ERROR_CALL_ORDER_INVALID, "end_without_begin");
    WRONG(xrBeginFrame(c.session, NULL), XR_ERROR_CALL_ORDER_INVALID, "begin_without_wait");
    assert_int_equal(xrWaitFrame(c.session, NULL, &state), XR_SUCCESS);
    assert_int_equal(xrBeginFrame(c.session, NULL), XR_SUCCESS);
    WRONG(xrBeginFrame(c.session, NULL), XR_ERROR_CALL_ORDER_INVALID, "begin_without_wait");
    XrTime first = state.predictedDisplayTime;
    assert_int_equal(xrWaitFrame(c.session, NULL, &state), XR_SUCCESS);
    assert_true(state.predictedDisplayTime > first);
    assert_int_equal(xrBeginFrame(c.session, NULL), XR_FRAME_DISCARDED);
    end.environmentBlendMode = XR_ENVIRONMENT_BLEND_MODE_ADDITIVE;
    end.displayTime = state.predictedDisplayTime;
    WRONG(xrEndFrame(c.session, &end), XR_ERROR_ENVIRONMENT_BLEND_MODE_UNSUPPORTED, "blend_mode");
    end.environmentBlendMode = XR_ENVIRONMENT_BLEND_MODE_OPAQUE;
    end.displayTime = 0;
    WRONG(xrEndFrame(c.session, &end), XR_ERROR_TIME_INVALID, "time_positive");
    end.displayTime = state.predictedDisplayTime;
    assert_int_equal(xrEndFrame(c.session, &end), XR_SUCCESS);
    WRONG(xrEndFrame(c.session, &end), XR_ERROR_CALL_ORDER_INVALID, "end_without_begin");
}

static XrResult submit(const void *layer, uint32_t count)
{
    const XrCompositionLayerBaseHeader *layers[32];
    for (uint32_t n = 0; n < 32; n++)
        layers[n] = layer;
    XrResult result = client_frame(&c, count, layers);
    assert_true(c.frame.shouldRender);
    return result;
}

static void layers(void **unused)
{
    XrCompositionLayerQuad good =
        client_quad(&c, &image, XR_EYE_VISIBILITY_BOTH, (XrVector3f){0, 0, -1}, 1, 1);
    XrCompositionLayerQuad bad = good;
    WRONG(submit(&bad, 1), XR_ERROR_LAYER_INVALID, "layer_image"); // nothing was released yet
    memset(image.pixels, 200, image.width * image.height * 4);
    client_image_show(&c, &image);
    assert_int_equal(submit(&good, 1), XR_SUCCESS);
    WRONG(submit(NULL, 1), XR_ERROR_LAYER_INVALID, "layer_null");
    bad.type = XR_TYPE_COMPOSITION_LAYER_EQUIRECT2_KHR;
    WRONG(submit(&bad, 1), XR_ERROR_LAYER_INVALID, "layer_type");
    bad.type = XR_TYPE_COMPOSITION_LAYER_CYLINDER_KHR; // its extension is not enabled here
    WRONG(submit(&bad, 1), XR_ERROR_LAYER_INVALID, "layer_type");
    WRONG(submit(&good, 17), XR_ERROR_LAYER_LIMIT_EXCEEDED, "layer_count");
    bad = good;
    bad.layerFlags = 0x80;
    WRONG(submit(&bad, 1), XR_ERROR_VALIDATION_FAILURE, "layer_flags");
    bad = good;
    bad.eyeVisibility = 5;
    WRONG(submit(&bad, 1), XR_ERROR_VALIDATION_FAILURE, "eye_visibility");
    bad = good;
    bad.pose.orientation.w = 1.02f;
    WRONG(submit(&bad, 1), XR_ERROR_POSE_INVALID, "pose_unit");
    bad.pose.orientation.w = 1.009f;
    assert_int_equal(submit(&bad, 1), XR_SUCCESS);
    bad = good;
    bad.subImage.imageRect.extent.width = 65;
    WRONG(submit(&bad, 1), XR_ERROR_SWAPCHAIN_RECT_INVALID, "layer_rect");
    bad = good;
    bad.subImage.imageRect.offset.y = -1;
    WRONG(submit(&bad, 1), XR_ERROR_SWAPCHAIN_RECT_INVALID, "layer_rect");
    bad = good;
    bad.subImage.imageArrayIndex = 1;
    WRONG(submit(&bad, 1), XR_ERROR_VALIDATION_FAILURE, "layer_array_index");
    bad = good;
    bad.size.width = NAN;
    WRONG(submit(&bad, 1), XR_ERROR_VALIDATION_FAILURE, "quad_size");
    bad = good;
    bad.space = XR_NULL_HANDLE;
    WRONG(submit(&bad, 1), XR_ERROR_HANDLE_INVALID, "space");
    bad = good;
    bad.subImage.swapchain = (XrSwapchain)(uintptr_t)0x1234;
    WRONG(submit(&bad, 1), XR_ERROR_HANDLE_INVALID, "swapchain");
    XrCompositionLayerProjectionView view = {.type = XR_TYPE_COMPOSITION_LAYER_PROJECTION_VIEW,
                                             .pose = {.orientation = {.w = 1}},
                                             .fov = {-0.7f, 0.7f, 0.7f, -0.7f},
                                             .subImage = good.subImage};
    XrCompositionLayerProjectionView views[2] = {view, view};
    XrCompositionLayerProjection projection = {.type = XR_TYPE_COMPOSITION_LAYER_PROJECTION,
                                               .space = c.local,
                                               .viewCount = 1,
                                               .views = views};
    WRONG(submit(&projection, 1), XR_ERROR_VALIDATION_FAILURE, "projection_views");
    projection.viewCount = 2;
    assert_int_equal(submit(&projection, 1), XR_SUCCESS);
    views[1].fov.angleLeft = 1;
    WRONG(submit(&projection, 1), XR_ERROR_VALIDATION_FAILURE, "projection_fov");
    views[1].fov.angleLeft = -0.7f;
    views[1].type = 0;
    WRONG(submit(&projection, 1), XR_ERROR_VALIDATION_FAILURE, "struct_type");
    // shown while it is acquired to be drawn anew: with three images that takes three acquisitions
    uint32_t index;
    for (int n = 0; n < 3; n++)
        assert_int_equal(xrAcquireSwapchainImage(image.chain, NULL, &index), XR_SUCCESS);
    WRONG(submit(&good, 1), XR_SUCCESS, "layer_image_acquired");
}

static XrResult create_action(XrActionSet set, const char *name, const char *localized,
                              XrActionType type, XrAction *out)
{
    XrActionCreateInfo info = {.type = XR_TYPE_ACTION_CREATE_INFO, .actionType = type};
    snprintf(info.actionName, sizeof info.actionName, "%s", name);
    snprintf(info.localizedActionName, sizeof info.localizedActionName, "%s", localized);
    return xrCreateAction(set, &info, out);
}

static XrResult suggest(const char *profile, XrAction action, const char *path)
{
    XrActionSuggestedBinding binding = {.action = action};
    XrInteractionProfileSuggestedBinding info = {.type =
                                                     XR_TYPE_INTERACTION_PROFILE_SUGGESTED_BINDING,
                                                 .countSuggestedBindings = 1,
                                                 .suggestedBindings = &binding};
    assert_int_equal(xrStringToPath(c.instance, path, &binding.binding), XR_SUCCESS);
    assert_int_equal(xrStringToPath(c.instance, profile, &info.interactionProfile), XR_SUCCESS);
    return xrSuggestInteractionProfileBindings(c.instance, &info);
}

static void actions(void **unused)
{
    XrActionSetCreateInfo info = {.type = XR_TYPE_ACTION_SET_CREATE_INFO};
    XrActionSet set, loose;
    XrAction select, pose, late;
    WRONG(xrCreateActionSet(c.instance, &info, &set), XR_ERROR_NAME_INVALID, "action_name");
    strcpy(info.actionSetName, "Player");
    WRONG(xrCreateActionSet(c.instance, &info, &set), XR_ERROR_LOCALIZED_NAME_INVALID,
          "action_name");
    strcpy(info.localizedActionSetName, "Player");
    WRONG(xrCreateActionSet(c.instance, &info, &set), XR_ERROR_PATH_FORMAT_INVALID, "action_name");
    strcpy(info.actionSetName, "player");
    assert_int_equal(xrCreateActionSet(c.instance, &info, &set), XR_SUCCESS);
    WRONG(xrCreateActionSet(c.instance, &info, &loose), XR_ERROR_NAME_DUPLICATED, "action_name");
    strcpy(info.actionSetName, "loose");
    strcpy(info.localizedActionSetName, "Loose");
    assert_int_equal(xrCreateActionSet(c.instance, &info, &loose), XR_SUCCESS);

    assert_int_equal(create_action(set, "select", "Select", XR_ACTION_TYPE_BOOLEAN_INPUT, &select),
                     XR_SUCCESS);
    assert_int_equal(create_action(set, "aim", "Aim", XR_ACTION_TYPE_POSE_INPUT, &pose),
                     XR_SUCCESS);
    WRONG(create_action(set, "select", "Other", XR_ACTION_TYPE_BOOLEAN_INPUT, &late),
          XR_ERROR_NAME_DUPLICATED, "action_name");
    WRONG(create_action(set, "x", "X", 99, &late), XR_ERROR_VALIDATION_FAILURE, "action_type");

    const char *simple = "/interaction_profiles/khr/simple_controller";
    WRONG(suggest("/interaction_profiles/nobody/nothing", select,
                  "/user/hand/left/input/select/click"),
          XR_ERROR_PATH_UNSUPPORTED, "interaction_profile");
    WRONG(suggest(simple, select, "/user/hand/left/input/trigger/click"), XR_ERROR_PATH_UNSUPPORTED,
          "binding_path");
    WRONG(suggest("/interaction_profiles/oculus/touch_controller", select,
                  "/user/hand/left/input/a/click"),
          XR_ERROR_PATH_UNSUPPORTED, "binding_path");
    assert_int_equal(suggest("/interaction_profiles/oculus/touch_controller", select,
                             "/user/hand/right/input/a/click"),
                     XR_SUCCESS);
    assert_int_equal(suggest(simple, select, "/user/hand/left/input/select"), XR_SUCCESS);

    XrInteractionProfileState profile = {.type = XR_TYPE_INTERACTION_PROFILE_STATE};
    XrPath left;
    assert_int_equal(xrStringToPath(c.instance, "/user/hand/left", &left), XR_SUCCESS);
    WRONG(xrGetCurrentInteractionProfile(c.session, left, &profile),
          XR_ERROR_ACTIONSET_NOT_ATTACHED, "not_attached");
    XrSessionActionSetsAttachInfo attach = {
        .type = XR_TYPE_SESSION_ACTION_SETS_ATTACH_INFO, .countActionSets = 1, .actionSets = &set};
    assert_int_equal(xrAttachSessionActionSets(c.session, &attach), XR_SUCCESS);
    WRONG(xrAttachSessionActionSets(c.session, &attach), XR_ERROR_ACTIONSETS_ALREADY_ATTACHED,
          "attach_twice");
    WRONG(suggest(simple, select, "/user/hand/left/input/select/click"),
          XR_ERROR_ACTIONSETS_ALREADY_ATTACHED, "action_set_frozen");
    WRONG(create_action(set, "late", "Late", XR_ACTION_TYPE_BOOLEAN_INPUT, &late),
          XR_ERROR_ACTIONSETS_ALREADY_ATTACHED, "action_set_frozen");
    XrActiveActionSet active = {.actionSet = loose};
    XrActionsSyncInfo sync = {
        .type = XR_TYPE_ACTIONS_SYNC_INFO, .countActiveActionSets = 1, .activeActionSets = &active};
    WRONG(xrSyncActions(c.session, &sync), XR_ERROR_ACTIONSET_NOT_ATTACHED, "not_attached");
    active.actionSet = set;
    assert_int_equal(xrSyncActions(c.session, &sync), XR_SUCCESS);
    XrActionStateGetInfo get = {.type = XR_TYPE_ACTION_STATE_GET_INFO, .action = select};
    XrActionStateFloat state = {.type = XR_TYPE_ACTION_STATE_FLOAT};
    WRONG(xrGetActionStateFloat(c.session, &get, &state), XR_ERROR_ACTION_TYPE_MISMATCH,
          "action_type");
    XrActionStateBoolean pressed = {.type = XR_TYPE_ACTION_STATE_BOOLEAN};
    get.subactionPath = left;
    WRONG(xrGetActionStateBoolean(c.session, &get, &pressed), XR_ERROR_PATH_UNSUPPORTED,
          "subaction_path");
    get.subactionPath = XR_NULL_PATH;
    assert_int_equal(xrGetActionStateBoolean(c.session, &get, &pressed), XR_SUCCESS);
    assert_true(pressed.isActive);
    XrActionSpaceCreateInfo space = {.type = XR_TYPE_ACTION_SPACE_CREATE_INFO,
                                     .action = select,
                                     .poseInActionSpace = {.orientation = {.w = 1}}};
    XrSpace out;
    WRONG(xrCreateActionSpace(c.session, &space, &out), XR_ERROR_ACTION_TYPE_MISMATCH,
          "action_type");
}

// Ends the running session the wrong way, so it comes last.
static void session_end(void **unused)
{
    XrFrameState state = {.type = XR_TYPE_FRAME_STATE};
    WRONG(xrEndSession(c.session), XR_ERROR_SESSION_NOT_STOPPING, "session_not_stopping");
    WRONG(xrWaitFrame(c.session, NULL, &state), XR_ERROR_SESSION_NOT_RUNNING,
          "session_not_running");
    WRONG(xrBeginFrame(c.session, NULL), XR_ERROR_SESSION_NOT_RUNNING, "session_not_running");
    WRONG(xrRequestExitSession(c.session), XR_ERROR_SESSION_NOT_RUNNING, "session_not_running");
    WRONG(xrEndSession(c.session), XR_ERROR_SESSION_NOT_RUNNING, "session_not_running");
    XrSessionBeginInfo begin = {.type = XR_TYPE_SESSION_BEGIN_INFO,
                                .primaryViewConfigurationType =
                                    XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO};
    WRONG(xrBeginSession(c.session, &begin), XR_ERROR_SESSION_NOT_READY, "session_not_ready");
}

// What must come before a session.
static void before_session(void **unused)
{
    static const char *const variables[] = {"SIM_QUIET=1", NULL};
    struct client d;
    client_environment(variables);
    assert_int_equal(client_create_instance(&d, NULL), XR_SUCCESS);
    XrSystemGetInfo get = {.type = XR_TYPE_SYSTEM_GET_INFO,
                           .formFactor = XR_FORM_FACTOR_HEAD_MOUNTED_DISPLAY};
    assert_int_equal(xrGetSystem(d.instance, &get, &d.system), XR_SUCCESS);
    XrSession session;
    XrSessionCreateInfo info = {.type = XR_TYPE_SESSION_CREATE_INFO, .systemId = d.system};
    WRONG(xrCreateSession(d.instance, &info, &session), XR_ERROR_GRAPHICS_REQUIREMENTS_CALL_MISSING,
          "graphics_requirements");
    info.systemId = 5;
    WRONG(xrCreateSession(d.instance, &info, &session), XR_ERROR_SYSTEM_INVALID, "system_id");
    PFN_xrGetVulkanGraphicsRequirements2KHR requirements;
    assert_int_equal(xrGetInstanceProcAddr(d.instance, "xrGetVulkanGraphicsRequirements2KHR",
                                           (PFN_xrVoidFunction *)&requirements),
                     XR_SUCCESS);
    XrGraphicsRequirementsVulkan2KHR out = {.type = XR_TYPE_GRAPHICS_REQUIREMENTS_VULKAN2_KHR};
    assert_int_equal(requirements(d.instance, d.system, &out), XR_SUCCESS);
    info.systemId = d.system;
    // a Vulkan instance that was made past the runtime
    VkInstanceCreateInfo vk_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
    VkInstance foreign;
    assert_int_equal(vkCreateInstance(&vk_info, NULL, &foreign), VK_SUCCESS);
    XrGraphicsBindingVulkan2KHR binding = {.type = XR_TYPE_GRAPHICS_BINDING_VULKAN2_KHR,
                                           .instance = foreign};
    info.next = &binding;
    WRONG(xrCreateSession(d.instance, &info, &session), XR_ERROR_GRAPHICS_DEVICE_INVALID,
          "graphics_binding");
    vkDestroyInstance(foreign, NULL);
    assert_int_equal(xrDestroyInstance(d.instance), XR_SUCCESS);
}

// Not the runtime's error but the caller's: names that the application cannot have.
static void instance_creation(void **unused)
{
    static const char *const variables[] = {"SIM_QUIET=1", NULL};
    static const char *const unknown[] = {"XR_NO_such_extension", NULL};
    static const char *const without[] = {
        "SIM_QUIET=1", "SIM_WITHOUT=XR_FB_display_refresh_rate,XR_KHR_convert_timespec_time", NULL};
    static const char *const timespec[] = {XR_KHR_CONVERT_TIMESPEC_TIME_EXTENSION_NAME, NULL};
    static const char *const cylinder[] = {XR_KHR_COMPOSITION_LAYER_CYLINDER_EXTENSION_NAME, NULL};
    struct client d;
    client_environment(variables);
    assert_int_equal(client_create_instance(&d, unknown), XR_ERROR_EXTENSION_NOT_PRESENT);
    assert_int_equal(client_create_instance(&d, timespec), XR_SUCCESS);
    assert_int_equal(xrDestroyInstance(d.instance), XR_SUCCESS);
    client_environment(without);
    assert_int_equal(client_create_instance(&d, timespec), XR_ERROR_EXTENSION_NOT_PRESENT);
    assert_int_equal(client_create_instance(&d, cylinder), XR_SUCCESS);
    assert_int_equal(xrDestroyInstance(d.instance), XR_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest wrong[] = {
        cmocka_unit_test(instance),        cmocka_unit_test(session),
        cmocka_unit_test(spaces),          cmocka_unit_test(swapchain_creation),
        cmocka_unit_test(swapchain_order), cmocka_unit_test(frame_order),
        cmocka_unit_test(layers),          cmocka_unit_test(actions),
        cmocka_unit_test(session_end),
    };
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(before_session),
        cmocka_unit_test(instance_creation),
    };
    int failed = cmocka_run_group_tests(wrong, set_up, tear_down);
    return failed + cmocka_run_group_tests(alone, NULL, NULL);
}
