// What the simulated headset composes: cylinders, blending, spaces that move with the head,
// projection layers, parts of images.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "tests/headset/client.h"
#include "tests/headset/client_look.h"

static struct client c;
static struct client_image image;

// A focused session and an image of quarters, shown.
static void start(const char *script)
{
    static const char *const extensions[] = {XR_KHR_COMPOSITION_LAYER_CYLINDER_EXTENSION_NAME,
                                             NULL};
    look_environment("SIM_PICTURES_AT=first", script);
    assert_int_equal(client_create_instance(&c, extensions), XR_SUCCESS);
    client_create_session(&c);
    client_run_until(&c, XR_SESSION_STATE_FOCUSED, 0, NULL);
    client_image_create(&c, &image, VK_FORMAT_R8G8B8A8_SRGB, 64, 64);
    look_fill_quarters(&image);
    client_image_show(&c, &image);
}

// Submits the layers, ends everything, and reads what the eyes saw.
static void look(uint32_t count, const void *const *layers, struct picture *left,
                 struct picture *right)
{
    for (int n = 0; n < 3; n++)
        assert_int_equal(
            client_frame(&c, count, (const XrCompositionLayerBaseHeader *const *)layers),
            XR_SUCCESS);
    client_image_destroy(&c, &image);
    assert_int_equal(c.vulkan_messages, 0);
    client_destroy(&c);
    *left = look_picture("t0000.00_left");
    *right = look_picture("t0000.00_right");
    cJSON *report = look_report();
    assert_int_equal(look_number(report, "violations_total"), 0);
    cJSON_Delete(report);
}

static void forget(struct picture *left, struct picture *right)
{
    mem_free(left->pixels);
    mem_free(right->pixels);
}

// On the inside of a cylinder of 2 m around the origin, 60 degrees wide: the edges are at +-30
// degrees.
static void cylinder(void **unused)
{
    start(NULL);
    XrCompositionLayerCylinderKHR layer = {
        .type = XR_TYPE_COMPOSITION_LAYER_CYLINDER_KHR,
        .space = c.local,
        .eyeVisibility = XR_EYE_VISIBILITY_BOTH,
        .subImage = {.swapchain = image.chain, .imageRect = {{0, 0}, {64, 64}}},
        .pose = {.orientation = {.w = 1}},
        .radius = 2,
        .centralAngle = 3.14159265f / 3,
        .aspectRatio = 2};
    const void *layers[] = {&layer};
    struct picture left, right;
    look(1, layers, &left, &right);
    // height: 2 * pi / 3 / 2 = 1.047 m
    float inside = 29 * 3.14159265f / 180, outside = 31 * 3.14159265f / 180;
    for (int eye = 0; eye < 2; eye++) {
        const struct picture *p = eye ? &right : &left;
        XrVector3f corner = {2 * sinf(inside), 0.5f, -2 * cosf(inside)};
        look_assert_seen(p, eye, (XrVector3f){-corner.x, 0.5f, corner.z}, 255, 0, 0);
        look_assert_seen(p, eye, corner, 0, 255, 0);
        look_assert_seen(p, eye, (XrVector3f){-corner.x, -0.5f, corner.z}, 0, 0, 255);
        look_assert_seen(p, eye, (XrVector3f){corner.x, -0.5f, corner.z}, 255, 255, 255);
        look_assert_seen(p, eye, (XrVector3f){2 * sinf(outside), 0.5f, -2 * cosf(outside)}, 0, 0,
                         0);
        look_assert_seen(p, eye, (XrVector3f){corner.x, 0.55f, corner.z}, 0, 0, 0);
    }
    forget(&left, &right);
}

static int srgb_mix(double upper, double lower, double alpha)
{
    double linear = upper * alpha + lower * (1 - alpha);
    return (int)lrint(
        255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055));
}

// Half-transparent red over white: mixed in linear light. Below it the same without the blend bit:
// plain red.
static void blending(void **unused)
{
    start(NULL);
    struct client_image veil;
    client_image_create(&c, &veil, VK_FORMAT_R8G8B8A8_SRGB, 16, 16);
    look_fill(&veil, 255, 0, 0, 128);
    client_image_show(&c, &veil);
    XrCompositionLayerQuad base =
        client_quad(&c, &image, XR_EYE_VISIBILITY_BOTH, (XrVector3f){0, 0, -2}, 2, 2);
    base.subImage.imageRect = (XrRect2Di){{32, 32}, {32, 32}}; // the white quarter only
    XrCompositionLayerQuad mixed =
        client_quad(&c, &veil, XR_EYE_VISIBILITY_BOTH, (XrVector3f){0, 0.5f, -2}, 1, 1);
    mixed.layerFlags = XR_COMPOSITION_LAYER_BLEND_TEXTURE_SOURCE_ALPHA_BIT |
                       XR_COMPOSITION_LAYER_UNPREMULTIPLIED_ALPHA_BIT;
    XrCompositionLayerQuad plain =
        client_quad(&c, &veil, XR_EYE_VISIBILITY_LEFT, (XrVector3f){0, -0.5f, -2}, 1, 1);
    const void *layers[] = {&base, &mixed, &plain};
    struct picture left, right;
    client_frame(&c, 3, (const XrCompositionLayerBaseHeader *const *)layers);
    client_image_destroy(&c, &veil);
    veil.chain = XR_NULL_HANDLE;
    const void *only[] = {&base};
    look(1, only, &left, &right);
    int through = srgb_mix(0, 1, 128 / 255.0);
    look_assert_seen(&left, 0, (XrVector3f){0, 0.5f, -2}, 255, through, through);
    look_assert_seen(&left, 0, (XrVector3f){0, -0.5f, -2}, 255, 0, 0);
    look_assert_seen(&right, 1, (XrVector3f){0, -0.5f, -2}, 255, 255, 255); // of the left eye alone
    look_assert_seen(&left, 0, (XrVector3f){-0.9f, 0.9f, -2}, 255, 255, 255);
    forget(&left, &right);
}

// Numbers of a UNORM format are linear light: 128 of 255 is brighter on the display than 128 of an
// sRGB format.
static void linear_format(void **unused)
{
    start(NULL);
    struct client_image grey;
    client_image_create(&c, &grey, VK_FORMAT_B8G8R8A8_UNORM, 16, 16);
    look_fill(&grey, 255, 128, 0, 255); // B, G, R in memory
    client_image_show(&c, &grey);
    XrCompositionLayerQuad quad =
        client_quad(&c, &grey, XR_EYE_VISIBILITY_BOTH, (XrVector3f){0, 0, -2}, 1, 1);
    const XrCompositionLayerBaseHeader *layers[] = {(const void *)&quad};
    assert_int_equal(client_frame(&c, 1, layers), XR_SUCCESS);
    client_image_destroy(&c, &grey);
    const void *none[] = {NULL};
    struct picture left, right;
    look(0, none, &left, &right);
    int middle = srgb_mix(128 / 255.0, 0, 1);
    look_assert_seen(&left, 0, (XrVector3f){0, 0, -2}, 0, middle, 255);
    look_assert_seen(&right, 1, (XrVector3f){0, 0, -2}, 0, middle, 255);
    forget(&left, &right);
}

// The head turns 20 degrees to the left: what is fixed in LOCAL moves to the right, what is fixed
// to the head stays. And from behind a quad is not seen.
static void head_turned(void **unused)
{
    start("SIM_SCRIPT=start head yaw=20");
    XrCompositionLayerQuad fixed =
        client_quad(&c, &image, XR_EYE_VISIBILITY_BOTH, (XrVector3f){0, 0, -2}, 0.2f, 0.2f);
    XrCompositionLayerQuad carried =
        client_quad(&c, &image, XR_EYE_VISIBILITY_BOTH, (XrVector3f){0, 0.5f, -2}, 0.2f, 0.2f);
    carried.space = c.view;
    XrCompositionLayerQuad turned =
        client_quad(&c, &image, XR_EYE_VISIBILITY_BOTH, (XrVector3f){0, -0.5f, -2}, 0.2f, 0.2f);
    turned.space = c.view;
    turned.pose.orientation = (XrQuaternionf){0, 1, 0, 0};
    const void *layers[] = {&fixed, &carried, &turned};
    struct picture left, right;
    look(3, layers, &left, &right);
    float turn = 20 * 3.14159265f / 180;
    // LOCAL's -Z, seen from the head
    XrVector3f middle = {2 * sinf(turn), 0, -2 * cosf(turn)};
    XrVector3f red = {middle.x - 0.04f, 0.04f, middle.z},
               white = {middle.x + 0.04f, -0.04f, middle.z};
    look_assert_seen(&left, 0, red, 255, 0, 0);
    look_assert_seen(&right, 1, white, 255, 255, 255);
    look_assert_seen(&left, 0, (XrVector3f){-0.05f, 0.55f, -2}, 255, 0, 0);
    look_assert_seen(&left, 0, (XrVector3f){0.05f, 0.45f, -2}, 255, 255, 255);
    look_assert_seen(&left, 0, (XrVector3f){0.05f, -0.45f, -2}, 0, 0, 0);
    forget(&left, &right);
}

// A projection layer with exactly the eye's own pose and angles fills the picture; a part of an
// array image.
static void projection(void **unused)
{
    start(NULL);
    XrViewLocateInfo info = {.type = XR_TYPE_VIEW_LOCATE_INFO,
                             .viewConfigurationType = XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO,
                             .displayTime = c.frame.predictedDisplayTime,
                             .space = c.local};
    XrViewState state = {.type = XR_TYPE_VIEW_STATE};
    XrView views[2] = {{.type = XR_TYPE_VIEW}, {.type = XR_TYPE_VIEW}};
    uint32_t count;
    assert_int_equal(xrLocateViews(c.session, &info, &state, 2, &count, views), XR_SUCCESS);
    assert_true(fabs(views[1].pose.position.x - views[0].pose.position.x - 0.063) < 1e-5);
    XrCompositionLayerProjectionView parts[2];
    for (int eye = 0; eye < 2; eye++)
        parts[eye] = (XrCompositionLayerProjectionView){
            .type = XR_TYPE_COMPOSITION_LAYER_PROJECTION_VIEW,
            .pose = views[eye].pose,
            .fov = views[eye].fov,
            .subImage = {.swapchain = image.chain, .imageRect = {{eye * 32, 0}, {32, 64}}}};
    XrCompositionLayerProjection layer = {.type = XR_TYPE_COMPOSITION_LAYER_PROJECTION,
                                          .space = c.local,
                                          .viewCount = 2,
                                          .views = parts};
    const void *layers[] = {&layer};
    struct picture left, right;
    look(1, layers, &left, &right);
    static const uint8_t colours[4][3] = {{255, 0, 0}, {0, 0, 255}, {0, 255, 0}, {255, 255, 255}};
    for (int n = 0; n < 4; n++) { // upper and lower corners of both eyes
        const struct picture *p = n < 2 ? &left : &right;
        int y = n % 2 ? LOOK_HEIGHT - 5 : 5;
        assert_memory_equal(p->pixels + (y * LOOK_WIDTH + 5) * 3, colours[n], 3);
        assert_memory_equal(p->pixels + (y * LOOK_WIDTH + LOOK_WIDTH - 5) * 3, colours[n], 3);
    }
    forget(&left, &right);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cylinder),      cmocka_unit_test(blending),
        cmocka_unit_test(linear_format), cmocka_unit_test(head_turned),
        cmocka_unit_test(projection),
    };
    return cmocka_run_group_tests(tests, look_start_validation, look_end_validation);
}
