// What the script makes happen: each fault with the codes that the specification prescribes, and
// pacing.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/thread.h"
#include "tests/headset/client.h"
#include "tests/headset/client_look.h"

static struct client c;
static struct client_image image;
static XrCompositionLayerQuad quad;
static const XrCompositionLayerBaseHeader *layers[1];

static void start_session(void)
{
    client_create_session(&c);
    client_run_until(&c, XR_SESSION_STATE_FOCUSED, 0, NULL);
    client_image_create(&c, &image, VK_FORMAT_R8G8B8A8_SRGB, 64, 64);
    look_fill(&image, 255, 255, 255, 255);
    client_image_show(&c, &image);
    quad = client_quad(&c, &image, XR_EYE_VISIBILITY_BOTH, (XrVector3f){0, 0, -2}, 1, 1);
    layers[0] = (const void *)&quad;
}

static void start(const char *script, const char *more)
{
    static const char *const extensions[] = {XR_KHR_CONVERT_TIMESPEC_TIME_EXTENSION_NAME,
                                             XR_FB_DISPLAY_REFRESH_RATE_EXTENSION_NAME, NULL};
    look_environment(script, more);
    assert_int_equal(client_create_instance(&c, extensions), XR_SUCCESS);
    start_session();
}

static void finish(void)
{
    client_image_destroy(&c, &image);
    assert_int_equal(c.vulkan_messages, 0);
    client_destroy(&c);
    cJSON *report = look_report();
    assert_int_equal(look_number(report, "violations_total"), 0);
    cJSON_Delete(report);
}

static bool seen(XrSessionState state)
{
    for (int n = 0; n < c.state_count; n++)
        if (c.states[n] == state)
            return true;
    return false;
}

// Off: nothing to render, frames go on. On: as before.
static void doff_and_don(void **unused)
{
    start("SIM_SCRIPT=0.1 doff; 0.3 don", NULL);
    client_run_until(&c, XR_SESSION_STATE_SYNCHRONIZED, 1, layers);
    assert_int_equal(client_frame(&c, 1, layers), XR_SUCCESS);
    assert_false(c.frame.shouldRender);
    client_run_until(&c, XR_SESSION_STATE_FOCUSED, 1, layers);
    assert_int_equal(client_frame(&c, 1, layers), XR_SUCCESS);
    assert_true(c.frame.shouldRender);
    finish();
}

static void unfocus(void **unused)
{
    start("SIM_SCRIPT=0.05 unfocus; 0.15 focus", NULL);
    client_run_until(&c, XR_SESSION_STATE_VISIBLE, 1, layers);
    assert_int_equal(client_frame(&c, 1, layers), XR_SUCCESS);
    assert_true(c.frame.shouldRender);
    client_run_until(&c, XR_SESSION_STATE_FOCUSED, 1, layers);
    finish();
}

static void stop_and_resume(void **unused)
{
    start("SIM_SCRIPT=0.05 stop; 0.3 resume", NULL);
    client_run_until(&c, XR_SESSION_STATE_IDLE, 1,
                     layers); // the client ends the session in between
    assert_true(seen(XR_SESSION_STATE_STOPPING));
    assert_false(c.running);
    client_run_until(&c, XR_SESSION_STATE_FOCUSED, 1, layers);
    finish();
}

static void exit_asked(void **unused)
{
    start("SIM_SCRIPT=0.05 exit", NULL);
    client_run_until(&c, XR_SESSION_STATE_EXITING, 1, layers);
    static const XrSessionState last[] = {XR_SESSION_STATE_VISIBLE, XR_SESSION_STATE_SYNCHRONIZED,
                                          XR_SESSION_STATE_STOPPING, XR_SESSION_STATE_IDLE,
                                          XR_SESSION_STATE_EXITING};
    assert_memory_equal(c.states + c.state_count - 5, last, sizeof last);
    finish();
}

// First XR_SESSION_LOSS_PENDING for all successes, then XR_ERROR_SESSION_LOST; destroying works; a
// new session, too.
static void session_lost(void **unused)
{
    start("SIM_SCRIPT=0.05 session_lost grace=0.1", NULL);
    XrResult result = XR_SUCCESS;
    while (result == XR_SUCCESS) {
        client_poll(&c);
        result = client_frame(&c, 1, layers);
    }
    assert_int_equal(result, XR_SESSION_LOSS_PENDING);
    client_poll(&c);
    assert_int_equal(c.state, XR_SESSION_STATE_LOSS_PENDING);
    while (result == XR_SESSION_LOSS_PENDING)
        result = client_frame(&c, 1, layers);
    assert_int_equal(result, XR_ERROR_SESSION_LOST);
    uint32_t index;
    XrReferenceSpaceCreateInfo info = {.type = XR_TYPE_REFERENCE_SPACE_CREATE_INFO,
                                       .referenceSpaceType = XR_REFERENCE_SPACE_TYPE_VIEW,
                                       .poseInReferenceSpace = {.orientation = {.w = 1}}};
    XrSpace space;
    assert_int_equal(xrAcquireSwapchainImage(image.chain, NULL, &index), XR_ERROR_SESSION_LOST);
    assert_int_equal(xrCreateReferenceSpace(c.session, &info, &space), XR_ERROR_SESSION_LOST);
    assert_int_equal(xrRequestExitSession(c.session), XR_ERROR_SESSION_LOST);
    assert_int_equal(xrEndSession(c.session), XR_ERROR_SESSION_LOST);
    assert_int_equal(xrDestroySpace(c.view), XR_SUCCESS);
    client_image_destroy(&c, &image);
    client_destroy_session(&c);
    client_destroy_vulkan(&c);
    start_session();
    assert_int_equal(client_frame(&c, 1, layers), XR_SUCCESS);
    finish();
}

// XR_ERROR_INSTANCE_LOST from all but destroying; no runtime for a while; then all anew.
static void instance_lost(void **unused)
{
    start("SIM_SCRIPT=0.05 instance_lost in=0.05 down=1.5", NULL);
    XrResult result = XR_SUCCESS;
    while (result == XR_SUCCESS) {
        client_poll(&c);
        result = client_frame(&c, 1, layers);
    }
    assert_int_equal(c.last_event.type, XR_TYPE_EVENT_DATA_INSTANCE_LOSS_PENDING);
    assert_int_equal(result, XR_ERROR_INSTANCE_LOST);
    XrEventDataBuffer event = {.type = XR_TYPE_EVENT_DATA_BUFFER};
    XrPath path;
    XrSystemGetInfo get = {.type = XR_TYPE_SYSTEM_GET_INFO,
                           .formFactor = XR_FORM_FACTOR_HEAD_MOUNTED_DISPLAY};
    assert_int_equal(xrPollEvent(c.instance, &event), XR_ERROR_INSTANCE_LOST);
    assert_int_equal(xrStringToPath(c.instance, "/user/head", &path), XR_ERROR_INSTANCE_LOST);
    assert_int_equal(xrGetSystem(c.instance, &get, &c.system), XR_ERROR_INSTANCE_LOST);
    assert_int_equal(xrBeginFrame(c.session, NULL), XR_ERROR_INSTANCE_LOST);
    client_image_destroy(&c, &image);
    client_destroy(&c);
    assert_int_equal(client_create_instance(&c, NULL), XR_ERROR_RUNTIME_UNAVAILABLE);
    int64_t give_up = clock_now_ns() + 10 * NS_PER_S;
    while (client_create_instance(&c, NULL) != XR_SUCCESS) {
        assert_true(clock_now_ns() < give_up);
        clock_sleep_until_ns(clock_now_ns() + 20 * NS_PER_MS);
    }
    start_session();
    assert_int_equal(client_frame(&c, 1, layers), XR_SUCCESS);
    finish();
}

static void no_headset(void **unused)
{
    static const char *const variables[] = {"SIM_SCRIPT=start no_headset; +0.1 headset", NULL};
    client_environment(variables);
    assert_int_equal(client_create_instance(&c, NULL), XR_SUCCESS);
    XrSystemGetInfo get = {.type = XR_TYPE_SYSTEM_GET_INFO,
                           .formFactor = XR_FORM_FACTOR_HEAD_MOUNTED_DISPLAY};
    assert_int_equal(xrGetSystem(c.instance, &get, &c.system), XR_ERROR_FORM_FACTOR_UNAVAILABLE);
    clock_sleep_until_ns(clock_now_ns() + 120 * NS_PER_MS);
    assert_int_equal(xrGetSystem(c.instance, &get, &c.system), XR_SUCCESS);
    client_destroy(&c);
}

static XrVector3f view_in_local(XrTime time)
{
    XrSpaceLocation location = {.type = XR_TYPE_SPACE_LOCATION};
    assert_int_equal(xrLocateSpace(c.view, c.local, time, &location), XR_SUCCESS);
    assert_true(location.locationFlags & XR_SPACE_LOCATION_POSITION_VALID_BIT);
    return location.pose.position;
}

// The person has walked a metre to the right and recentres: LOCAL changes at the time announced,
// not before.
static void recenter(void **unused)
{
    start("SIM_SCRIPT=start head x=1 yaw=90; 0.05 recenter", NULL);
    int64_t give_up = clock_now_ns() + 2 * NS_PER_S;
    while (c.last_event.type != XR_TYPE_EVENT_DATA_REFERENCE_SPACE_CHANGE_PENDING) {
        assert_true(clock_now_ns() < give_up);
        assert_int_equal(client_frame(&c, 1, layers), XR_SUCCESS);
        client_poll(&c);
    }
    const XrEventDataReferenceSpaceChangePending *change = (const void *)&c.last_event;
    assert_int_equal(change->referenceSpaceType, XR_REFERENCE_SPACE_TYPE_LOCAL);
    assert_true(change->poseValid);
    assert_true(fabsf(change->poseInPreviousSpace.position.x - 1) < 1e-5f);
    assert_true(fabsf(change->poseInPreviousSpace.orientation.y - 0.70711f) < 1e-4f);
    assert_true(fabsf(view_in_local(change->changeTime - 1).x - 1) < 1e-5f);
    assert_true(fabsf(view_in_local(change->changeTime).x) < 1e-5f);
    finish();
}

static void buttons(void **unused)
{
    start("SIM_SCRIPT=+0 axis path=/user/hand/left/input/thumbstick x=0.5 y=-1;"
          "0.02 press path=/user/hand/right/input/a/click; 0.3 release "
          "path=/user/hand/right/input/a/click",
          "SIM_CONTROLLER=/interaction_profiles/oculus/touch_controller");
    XrActionSetCreateInfo set_info = {.type = XR_TYPE_ACTION_SET_CREATE_INFO,
                                      .actionSetName = "player",
                                      .localizedActionSetName = "Player"};
    XrActionSet set;
    assert_int_equal(xrCreateActionSet(c.instance, &set_info, &set), XR_SUCCESS);
    XrActionCreateInfo pause_info = {.type = XR_TYPE_ACTION_CREATE_INFO,
                                     .actionName = "pause",
                                     .actionType = XR_ACTION_TYPE_BOOLEAN_INPUT,
                                     .localizedActionName = "Pause"};
    XrActionCreateInfo seek_info = {.type = XR_TYPE_ACTION_CREATE_INFO,
                                    .actionName = "seek",
                                    .actionType = XR_ACTION_TYPE_VECTOR2F_INPUT,
                                    .localizedActionName = "Seek"};
    XrAction pause, seek;
    assert_int_equal(xrCreateAction(set, &pause_info, &pause), XR_SUCCESS);
    assert_int_equal(xrCreateAction(set, &seek_info, &seek), XR_SUCCESS);
    XrActionSuggestedBinding bindings[2] = {{.action = pause}, {.action = seek}};
    XrInteractionProfileSuggestedBinding suggested = {
        .type = XR_TYPE_INTERACTION_PROFILE_SUGGESTED_BINDING,
        .countSuggestedBindings = 2,
        .suggestedBindings = bindings};
    xrStringToPath(c.instance, "/user/hand/right/input/a/click", &bindings[0].binding);
    xrStringToPath(c.instance, "/user/hand/left/input/thumbstick", &bindings[1].binding);
    xrStringToPath(c.instance, "/interaction_profiles/oculus/touch_controller",
                   &suggested.interactionProfile);
    assert_int_equal(xrSuggestInteractionProfileBindings(c.instance, &suggested), XR_SUCCESS);
    XrSessionActionSetsAttachInfo attach = {
        .type = XR_TYPE_SESSION_ACTION_SETS_ATTACH_INFO, .countActionSets = 1, .actionSets = &set};
    assert_int_equal(xrAttachSessionActionSets(c.session, &attach), XR_SUCCESS);
    XrActiveActionSet active = {.actionSet = set};
    XrActionsSyncInfo sync = {
        .type = XR_TYPE_ACTIONS_SYNC_INFO, .countActiveActionSets = 1, .activeActionSets = &active};
    XrActionStateGetInfo get = {.type = XR_TYPE_ACTION_STATE_GET_INFO};
    int rises = 0, falls = 0;
    for (int n = 0; n < 60; n++) {
        assert_int_equal(client_frame(&c, 1, layers), XR_SUCCESS);
        assert_int_equal(xrSyncActions(c.session, &sync), XR_SUCCESS);
        XrActionStateBoolean state = {.type = XR_TYPE_ACTION_STATE_BOOLEAN};
        get.action = pause;
        assert_int_equal(xrGetActionStateBoolean(c.session, &get, &state), XR_SUCCESS);
        assert_true(state.isActive);
        rises += state.changedSinceLastSync && state.currentState;
        falls += state.changedSinceLastSync && !state.currentState;
        XrActionStateVector2f stick = {.type = XR_TYPE_ACTION_STATE_VECTOR2F};
        get.action = seek;
        assert_int_equal(xrGetActionStateVector2f(c.session, &get, &stick), XR_SUCCESS);
        assert_true(stick.currentState.x == 0.5f && stick.currentState.y == -1);
    }
    assert_int_equal(rises, 1);
    assert_int_equal(falls, 1);
    client_poll(&c);
    assert_int_equal(c.last_event.type, XR_TYPE_EVENT_DATA_INTERACTION_PROFILE_CHANGED);
    finish();
}

// A head that sways is where the script says at each display time, also ahead of now.
static void swaying(void **unused)
{
    start("SIM_SCRIPT=start sway amp=0.1 yaw=0 period=0.5", NULL);
    float least = 1, most = -1;
    for (int n = 0; n < 60; n++) {
        assert_int_equal(client_frame(&c, 1, layers), XR_SUCCESS);
        float x = view_in_local(c.frame.predictedDisplayTime).x;
        float half_later = view_in_local(c.frame.predictedDisplayTime + NS_PER_S / 4).x;
        assert_true(fabsf(x + half_later) < 1e-4f);
        least = x < least ? x : least;
        most = x > most ? x : most;
    }
    assert_true(least < -0.08f && least > -0.1001f && most > 0.08f && most < 0.1001f);
    finish();
}

struct waiter {
    struct thread thread;
    atomic_int waited;
    atomic_bool stop;
};

// xrWaitFrame on a thread of its own, as engines with a pipeline do.
static void wait_frames(void *user)
{
    struct waiter *w = user;
    XrFrameState state = {.type = XR_TYPE_FRAME_STATE};
    while (!atomic_load(&w->stop) && xrWaitFrame(c.session, NULL, &state) == XR_SUCCESS) {
        c.frame = state;
        atomic_fetch_add(&w->waited, 1);
    }
}

static void until_waited(struct waiter *w, int count)
{
    int64_t give_up = clock_now_ns() + 3 * NS_PER_S;
    while (atomic_load(&w->waited) < count) {
        assert_true(clock_now_ns() < give_up);
        clock_sleep_until_ns(clock_now_ns() + NS_PER_MS);
    }
}

// A second wait blocks until the first frame is begun, and does not wait for its end.
static void pipelined(void **unused)
{
    start(NULL, NULL);
    struct waiter w = {0};
    assert_true(thread_start(&w.thread, "waiter", THREAD_NORMAL, wait_frames, &w));
    for (int n = 1; n <= 20; n++) {
        until_waited(&w, n);
        if (n == 1) {
            clock_sleep_until_ns(clock_now_ns() + 60 * NS_PER_MS);
            assert_int_equal(atomic_load(&w.waited), 1);
        }
        XrTime time = c.frame.predictedDisplayTime;
        if (n == 20)
            atomic_store(&w.stop, true);
        assert_int_equal(xrBeginFrame(c.session, NULL), XR_SUCCESS);
        until_waited(&w, n + 1); // before the end of this one
        XrFrameEndInfo end = {.type = XR_TYPE_FRAME_END_INFO,
                              .displayTime = time,
                              .environmentBlendMode = XR_ENVIRONMENT_BLEND_MODE_OPAQUE,
                              .layerCount = 1,
                              .layers = layers};
        assert_int_equal(xrEndFrame(c.session, &end), XR_SUCCESS);
    }
    thread_join(&w.thread);
    finish();
}

static void held_image(void **unused)
{
    start("SIM_SCRIPT=+0 hold_images n=2", NULL);
    uint32_t index;
    XrSwapchainImageWaitInfo wait = {.type = XR_TYPE_SWAPCHAIN_IMAGE_WAIT_INFO,
                                     .timeout = NS_PER_MS};
    assert_int_equal(xrAcquireSwapchainImage(image.chain, NULL, &index), XR_SUCCESS);
    assert_int_equal(xrWaitSwapchainImage(image.chain, &wait), XR_TIMEOUT_EXPIRED);
    assert_int_equal(xrWaitSwapchainImage(image.chain, &wait), XR_TIMEOUT_EXPIRED);
    assert_int_equal(xrWaitSwapchainImage(image.chain, &wait), XR_SUCCESS);
    assert_int_equal(xrReleaseSwapchainImage(image.chain, NULL), XR_SUCCESS);
    finish();
}

static int64_t to_clock_ns(XrTime time)
{
    PFN_xrConvertTimeToTimespecTimeKHR convert;
    assert_int_equal(xrGetInstanceProcAddr(c.instance, "xrConvertTimeToTimespecTimeKHR",
                                           (PFN_xrVoidFunction *)&convert),
                     XR_SUCCESS);
    struct timespec t;
    assert_int_equal(convert(c.instance, time, &t), XR_SUCCESS);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

// A client that does nothing else is on time; display times lie ahead, whole periods apart. A slow
// one is late.
static void pacing(void **unused)
{
    start("SIM_RATE_HZ=60", NULL);
    XrTime before = 0;
    int well_ahead = 0; // not all of them, as a loaded machine may let us wait
    for (int n = 0; n < 60; n++) {
        assert_int_equal(client_frame(&c, 1, layers), XR_SUCCESS);
        XrTime time = c.frame.predictedDisplayTime;
        assert_int_equal(c.frame.predictedDisplayPeriod, NS_PER_S / 60);
        if (before)
            assert_int_equal((time - before) % (NS_PER_S / 60), 0);
        before = time;
        int64_t ahead = to_clock_ns(time) - clock_now_ns();
        well_ahead += ahead > 10 * NS_PER_MS && ahead < 30 * NS_PER_MS;
    }
    assert_true(well_ahead > 20);
    for (int n = 0; n < 10; n++) { // two and a half periods each
        XrFrameState state = {.type = XR_TYPE_FRAME_STATE};
        assert_int_equal(xrWaitFrame(c.session, NULL, &state), XR_SUCCESS);
        assert_int_equal(xrBeginFrame(c.session, NULL), XR_SUCCESS);
        clock_sleep_until_ns(clock_now_ns() + 41 * NS_PER_MS);
        XrFrameEndInfo end = {.type = XR_TYPE_FRAME_END_INFO,
                              .displayTime = state.predictedDisplayTime,
                              .environmentBlendMode = XR_ENVIRONMENT_BLEND_MODE_OPAQUE,
                              .layerCount = 1,
                              .layers = layers};
        assert_int_equal(xrEndFrame(c.session, &end), XR_SUCCESS);
    }
    client_image_destroy(&c, &image);
    client_destroy(&c);
    cJSON *report = look_report();
    assert_true(look_number(report, "late") >= 10);
    assert_true(look_number(report, "missed_periods") >= 9);
    assert_true(look_number(report, "submits_in_time") > 20);
    assert_int_equal(look_number(report, "periods"), look_number(report, "late") +
                                                         look_number(report, "missed_periods") +
                                                         look_number(report, "submits_in_time"));
    cJSON_Delete(report);
}

static void rate(void **unused)
{
    start("SIM_SCRIPT=0.05 rate hz=120", "SIM_RATE_HZ=60");
    PFN_xrGetDisplayRefreshRateFB get;
    assert_int_equal(
        xrGetInstanceProcAddr(c.instance, "xrGetDisplayRefreshRateFB", (PFN_xrVoidFunction *)&get),
        XR_SUCCESS);
    float hz;
    assert_int_equal(get(c.session, &hz), XR_SUCCESS);
    assert_true(hz == 60);
    for (int n = 0; n < 20; n++)
        assert_int_equal(client_frame(&c, 1, layers), XR_SUCCESS);
    client_poll(&c);
    assert_int_equal(c.last_event.type, XR_TYPE_EVENT_DATA_DISPLAY_REFRESH_RATE_CHANGED_FB);
    assert_int_equal(c.frame.predictedDisplayPeriod, NS_PER_S / 120);
    finish();
}

// Who does not poll loses events, and is told so.
static void events_lost(void **unused)
{
    char script[4096] = "SIM_SCRIPT=";
    for (int n = 0; n < 100; n++)
        strcat(script, "0.01 recenter;");
    start(script, NULL);
    for (int n = 0; n < 5; n++)
        assert_int_equal(client_frame(&c, 1, layers), XR_SUCCESS);
    XrEventDataBuffer event = {.type = XR_TYPE_EVENT_DATA_BUFFER};
    assert_int_equal(xrPollEvent(c.instance, &event), XR_SUCCESS);
    assert_int_equal(event.type, XR_TYPE_EVENT_DATA_EVENTS_LOST);
    assert_true(((XrEventDataEventsLost *)&event)->lostEventCount >= 30);
    finish();
}

// A test that failed leaves its instance behind; the next one wants its own.
static int clean(void **unused)
{
    if (c.instance)
        client_destroy(&c);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(doff_and_don, clean),
        cmocka_unit_test_teardown(unfocus, clean),
        cmocka_unit_test_teardown(stop_and_resume, clean),
        cmocka_unit_test_teardown(exit_asked, clean),
        cmocka_unit_test_teardown(session_lost, clean),
        cmocka_unit_test_teardown(instance_lost, clean),
        cmocka_unit_test_teardown(no_headset, clean),
        cmocka_unit_test_teardown(recenter, clean),
        cmocka_unit_test_teardown(buttons, clean),
        cmocka_unit_test_teardown(swaying, clean),
        cmocka_unit_test_teardown(pipelined, clean),
        cmocka_unit_test_teardown(held_image, clean),
        cmocka_unit_test_teardown(pacing, clean),
        cmocka_unit_test_teardown(rate, clean),
        cmocka_unit_test_teardown(events_lost, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
