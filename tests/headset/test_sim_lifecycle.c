// The simulated headset with a correct client: every state, pictures of what each eye sees, no
// violation, no message of a validation layer.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>
#include <png.h>

#include <cjson/cJSON.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/headset/client.h"

#define WIDTH 960
#define HEIGHT 1080

struct picture {
    uint8_t *pixels; // [HEIGHT][WIDTH][3]
};

static struct picture read_picture(const char *path)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    struct picture p = {0};
    if (!png_image_begin_read_from_file(&image, path))
        fail_msg("%s is not there", path);
    assert_int_equal(image.width, WIDTH);
    assert_int_equal(image.height, HEIGHT);
    image.format = PNG_FORMAT_RGB;
    p.pixels = mem_try_block(WIDTH * HEIGHT * 3);
    assert_non_null(p.pixels);
    assert_true(png_image_finish_read(&image, NULL, p.pixels, 0, NULL));
    return p;
}

static const uint8_t *at(const struct picture *p, double x, double y)
{
    return p->pixels + ((int)y * WIDTH + (int)x) * 3;
}

static void assert_colour(const struct picture *p, double x, double y, int r, int g, int b)
{
    const uint8_t *c = at(p, x, y);
    if (abs(c[0] - r) > 3 || abs(c[1] - g) > 3 || abs(c[2] - b) > 3)
        fail_msg("pixel %g,%g is %d,%d,%d, expected %d,%d,%d", x, y, c[0], c[1], c[2], r, g, b);
}

static cJSON *read_report(const char *path)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    cJSON *report = cJSON_Parse(text);
    assert_non_null(report);
    return report;
}

static double number(const cJSON *report, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(report, name);
    assert_non_null(item);
    return item->valuedouble;
}

static char folder[] = "/tmp/sim_lifecycle_XXXXXX";
static char variables[8][256];

// SIM_REPORT, SIM_PICTURES and SIM_FRAME_LOG in a folder of our own, and two more.
static void environment(const char *more, const char *even_more)
{
    const char *list[8] = {0};
    snprintf(variables[0], 256, "SIM_REPORT=%s/report.json", folder);
    snprintf(variables[1], 256, "SIM_PICTURES=%s", folder);
    snprintf(variables[2], 256, "SIM_FRAME_LOG=%s/frames.csv", folder);
    for (int n = 0; n < 3; n++)
        list[n] = variables[n];
    list[3] = more;
    list[4] = more ? even_more : NULL;
    client_environment(list);
}

static cJSON *report(void)
{
    char path[256];
    snprintf(path, sizeof path, "%s/report.json", folder);
    return read_report(path);
}

static struct picture picture(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s.png", folder, name);
    return read_picture(path);
}

// Quarters of different colours, so that every mirroring and turning shows: red green / blue white.
static void fill_quarters(struct client_image *image)
{
    static const uint8_t colours[4][4] = {
        {255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}};
    for (uint32_t y = 0; y < image->height; y++)
        for (uint32_t x = 0; x < image->width; x++)
            memcpy(image->pixels + (y * image->width + x) * 4,
                   colours[(y >= image->height / 2) * 2 + (x >= image->width / 2)], 4);
}

static void fill(struct client_image *image, int r, int g, int b, int a)
{
    for (uint32_t n = 0; n < image->width * image->height; n++) {
        uint8_t *p = image->pixels + n * 4;
        p[0] = (uint8_t)r;
        p[1] = (uint8_t)g;
        p[2] = (uint8_t)b;
        p[3] = (uint8_t)a;
    }
}

// Where a point of LOCAL appears in an eye's picture, by the plain formula; the head rests in the
// origin.
static void project(int eye, XrVector3f p, double *x, double *y)
{
    double degrees = 3.14159265358979323846 / 180, ex = eye ? 0.0315 : -0.0315;
    double left = tan((eye ? -42 : -50) * degrees), right = tan((eye ? 50 : 42) * degrees),
           up = tan(49 * degrees);
    *x = ((p.x - ex) / -p.z - left) / (right - left) * WIDTH;
    *y = (up - p.y / -p.z) / (2 * up) * HEIGHT;
}

static void assert_seen(const struct picture *p, int eye, XrVector3f point, int r, int g, int b)
{
    double x, y;
    project(eye, point, &x, &y);
    assert_colour(p, x, y, r, g, b);
}

static void lifecycle(void **unused)
{
    environment("SIM_PICTURES_AT=first,final", NULL);
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
    fill_quarters(&left);
    fill(&right, 128, 64, 32, 255);
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
        struct picture l = picture(names[n][0]), r = picture(names[n][1]);
        XrVector3f corner[4] = {
            {-0.59f, 0.54f, -2}, {0.99f, 0.54f, -2}, {-0.59f, -0.34f, -2}, {0.99f, -0.34f, -2}};
        assert_seen(&l, 0, corner[0], 255, 0, 0);
        assert_seen(&l, 0, corner[1], 0, 255, 0);
        assert_seen(&l, 0, corner[2], 0, 0, 255);
        assert_seen(&l, 0, corner[3], 255, 255, 255);
        for (int k = 0; k < 4; k++) {
            assert_seen(&r, 1, corner[k], 128, 64, 32);
            XrVector3f outside = {corner[k].x + (k % 2 ? 0.03f : -0.03f), corner[k].y, -2};
            assert_seen(&l, 0, outside, 0, 0, 0);
            assert_seen(&r, 1, outside, 0, 0, 0);
        }
        mem_free(l.pixels);
        mem_free(r.pixels);
    }
    cJSON *json = report();
    assert_int_equal(number(json, "violations_total"), 0);
    assert_int_equal(number(json, "sessions"), 1);
    assert_int_equal(number(json, "layers_quad"), number(json, "frames_with_layers") * 2);
    assert_int_equal(number(json, "distinct_images_shown"), 1);
    assert_int_equal(number(json, "periods"), number(json, "submits_in_time") +
                                                  number(json, "late") +
                                                  number(json, "missed_periods"));
    cJSON_Delete(json);
}

// The same point farther away or nearer appears at different places for the two eyes, as geometry
// says.
static void parallax(void **unused)
{
    environment("SIM_PICTURES_AT=first", NULL);
    struct client c;
    assert_int_equal(client_create_instance(&c, NULL), XR_SUCCESS);
    client_create_session(&c);
    client_run_until(&c, XR_SESSION_STATE_FOCUSED, 0, NULL);
    struct client_image dot;
    client_image_create(&c, &dot, VK_FORMAT_B8G8R8A8_SRGB, 16, 16);
    fill(&dot, 255, 255, 255, 255);
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
    struct picture l = picture("t0000.00_left"), r = picture("t0000.00_right");
    assert_seen(&l, 0, (XrVector3f){0, 0.1f, -0.5f}, 255, 255, 255);
    assert_seen(&r, 1, (XrVector3f){0, 0.1f, -0.5f}, 255, 255, 255);
    assert_seen(&l, 0, (XrVector3f){0, -1, -5}, 255, 255, 255);
    assert_seen(&r, 1, (XrVector3f){0, -1, -5}, 255, 255, 255);
    assert_seen(&l, 0, (XrVector3f){0.012f, 0.1f, -0.5f}, 0, 0, 0);
    mem_free(l.pixels);
    mem_free(r.pixels);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lifecycle),
        cmocka_unit_test(parallax),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
