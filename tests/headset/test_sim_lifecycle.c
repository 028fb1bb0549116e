// The simulated headset with a correct client: every state, pictures of what each eye sees, no
// violation, no message of a validation layer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"
#include "tests/headset/client.h"
#include "tests/headset/client_look.h"

static void lifecycle(void **unused)
{
    look_environment("SIM_PICTURES_AT=first,final", NULL);
    struct client c;
    const char *extensions[] = {XR_KHR_CONVERT_TIMESPEC_TIME_EXTENSION_NAME, NULL};
    assert_int_equal(client_create_instance(&c, extensions), XR_SUCCESS);
    client_create_session(&c);
    client_run_until(&c, XR_SESSION_STATE_FOCUSED, 0, NULL);
    static const XrSessionState expected[] = {XR_SESSION_STATE_IDLE, XR_SESSION_STATE_READY,
                                              XR_SESSION_STATE_SYNCHRONIZED,
                                              XR_SESSION_STATE_VISIBLE, XR_SESSION_STATE_FOCUSED};
    assert_memory_equal(c.states, expected, sizeof expected);

    struct client_image left, right;
    client_image_create(&c, &left, VK_FORMAT_R8G8B8A8_SRGB, 640, 360);
    client_image_create(&c, &right, VK_FORMAT_R8G8B8A8_SRGB, 640, 360);
    look_fill_quarters(&left);
    look_fill(&right, 128, 64, 32, 255);
    client_image_show(&c, &left);
    client_image_show(&c, &right);
    // 1.6 x 0.9 m, two metres ahead, a little up and to the right
    XrVector3f middle = {0.2f, 0.1f, -2};
    XrCompositionLayerQuad quads[2] = {
        client_quad(&c, &left, XR_EYE_VISIBILITY_LEFT, middle, 1.6f, 0.9f),
        client_quad(&c, &right, XR_EYE_VISIBILITY_RIGHT, middle, 1.6f, 0.9f)};
    const XrCompositionLayerBaseHeader *layers[] = {(void *)&quads[0], (void *)&quads[1]};
    for (int n = 0; n < 60; n++)
        assert_int_equal(client_frame(&c, 2, layers), XR_SUCCESS);
    assert_int_equal(xrRequestExitSession(c.session), XR_SUCCESS);
    client_run_until(&c, XR_SESSION_STATE_EXITING, 2, layers);
    client_image_destroy(&c, &left);
    client_image_destroy(&c, &right);
    assert_int_equal(c.vulkan_messages, 0);
    client_destroy(&c);

    static const char *const names[2][2] = {{"t0000.00_left", "t0000.00_right"},
                                            {"final_left", "final_right"}};
    for (int n = 0; n < 2; n++) {
        struct picture l = look_picture(names[n][0]), r = look_picture(names[n][1]);
        XrVector3f corner[4] = {
            {-0.59f, 0.54f, -2}, {0.99f, 0.54f, -2}, {-0.59f, -0.34f, -2}, {0.99f, -0.34f, -2}};
        look_assert_seen(&l, 0, corner[0], 255, 0, 0);
        look_assert_seen(&l, 0, corner[1], 0, 255, 0);
        look_assert_seen(&l, 0, corner[2], 0, 0, 255);
        look_assert_seen(&l, 0, corner[3], 255, 255, 255);
        for (int k = 0; k < 4; k++) {
            look_assert_seen(&r, 1, corner[k], 128, 64, 32);
            XrVector3f outside = {corner[k].x + (k % 2 ? 0.03f : -0.03f), corner[k].y, -2};
            look_assert_seen(&l, 0, outside, 0, 0, 0);
            look_assert_seen(&r, 1, outside, 0, 0, 0);
        }
        mem_free(l.pixels);
        mem_free(r.pixels);
    }
    cJSON *json = look_report();
    assert_int_equal(look_number(json, "violations_total"), 0);
    assert_int_equal(look_number(json, "sessions"), 1);
    assert_int_equal(look_number(json, "layers_quad"), look_number(json, "frames_with_layers") * 2);
    assert_int_equal(look_number(json, "distinct_images_shown"), 1);
    assert_int_equal(look_number(json, "periods"), look_number(json, "submits_in_time") +
                                                       look_number(json, "late") +
                                                       look_number(json, "missed_periods"));
    cJSON_Delete(json);
}

// The same point farther away or nearer appears at different places for the two eyes, as geometry
// says.
static void parallax(void **unused)
{
    look_environment("SIM_PICTURES_AT=first", NULL);
    struct client c;
    assert_int_equal(client_create_instance(&c, NULL), XR_SUCCESS);
    client_create_session(&c);
    client_run_until(&c, XR_SESSION_STATE_FOCUSED, 0, NULL);
    struct client_image dot;
    client_image_create(&c, &dot, VK_FORMAT_B8G8R8A8_SRGB, 16, 16);
    look_fill(&dot, 255, 255, 255, 255);
    client_image_show(&c, &dot);
    XrCompositionLayerQuad near =
        client_quad(&c, &dot, XR_EYE_VISIBILITY_BOTH, (XrVector3f){0, 0.1f, -0.5f}, 0.01f, 0.01f);
    XrCompositionLayerQuad far =
        client_quad(&c, &dot, XR_EYE_VISIBILITY_BOTH, (XrVector3f){0, -1, -5}, 0.1f, 0.1f);
    const XrCompositionLayerBaseHeader *layers[] = {(void *)&near, (void *)&far};
    for (int n = 0; n < 10; n++)
        assert_int_equal(client_frame(&c, 2, layers), XR_SUCCESS);
    client_image_destroy(&c, &dot);
    client_destroy(&c);
    struct picture l = look_picture("t0000.00_left"), r = look_picture("t0000.00_right");
    look_assert_seen(&l, 0, (XrVector3f){0, 0.1f, -0.5f}, 255, 255, 255);
    look_assert_seen(&r, 1, (XrVector3f){0, 0.1f, -0.5f}, 255, 255, 255);
    look_assert_seen(&l, 0, (XrVector3f){0, -1, -5}, 255, 255, 255);
    look_assert_seen(&r, 1, (XrVector3f){0, -1, -5}, 255, 255, 255);
    look_assert_seen(&l, 0, (XrVector3f){0.012f, 0.1f, -0.5f}, 0, 0, 0);
    mem_free(l.pixels);
    mem_free(r.pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lifecycle),
        cmocka_unit_test(parallax),
    };
    return cmocka_run_group_tests(tests, look_start_validation, look_end_validation);
}
