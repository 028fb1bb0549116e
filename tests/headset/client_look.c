#include "tests/headset/client_look.h"

#include <errno.h>
#include <glob.h>
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

#include "base/mem.h"

static struct picture read_picture(const char *path)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    struct picture p = {0};
    if (!png_image_begin_read_from_file(&image, path))
        fail_msg("%s is not there", path);
    assert_int_equal(image.width, LOOK_WIDTH);
    assert_int_equal(image.height, LOOK_HEIGHT);
    image.format = PNG_FORMAT_RGB;
    p.pixels = mem_try_block(LOOK_WIDTH * LOOK_HEIGHT * 3);
    assert_non_null(p.pixels);
    assert_true(png_image_finish_read(&image, NULL, p.pixels, 0, NULL));
    return p;
}

static const uint8_t *at(const struct picture *p, double x, double y)
{
    return p->pixels + ((int)y * LOOK_WIDTH + (int)x) * 3;
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

double look_number(const cJSON *report, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(report, name);
    assert_non_null(item);
    return item->valuedouble;
}

static char folder[128]; // beside the program; empty: not made yet
static char variables[8][256];

// What an earlier run left there proves nothing.
static void empty_folder(void)
{
    static const char *const files[] = {"report.json", "frames.csv", "*.png"};
    snprintf(folder, sizeof folder, "%s_out", program_invocation_short_name);
    mkdir(folder, 0777);
    for (int n = 0; n < 3; n++) {
        char pattern[256];
        glob_t found;
        snprintf(pattern, sizeof pattern, "%s/%s", folder, files[n]);
        if (glob(pattern, 0, NULL, &found))
            continue;
        for (size_t k = 0; k < found.gl_pathc; k++)
            remove(found.gl_pathv[k]);
        globfree(&found);
    }
}

void look_environment(const char *more, const char *even_more)
{
    const char *list[8] = {0};
    empty_folder();
    snprintf(variables[0], 256, "SIM_REPORT=%s/report.json", folder);
    snprintf(variables[1], 256, "SIM_PICTURES=%s", folder);
    snprintf(variables[2], 256, "SIM_FRAME_LOG=%s/frames.csv", folder);
    for (int n = 0; n < 3; n++)
        list[n] = variables[n];
    list[3] = "SIM_PICTURES_AT=none"; // but where the test says otherwise
    list[4] = more;
    list[5] = more ? even_more : NULL;
    client_environment(list);
}

cJSON *look_report(void)
{
    char path[256];
    snprintf(path, sizeof path, "%s/report.json", folder);
    return read_report(path);
}

struct picture look_picture(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s.png", folder, name);
    return read_picture(path);
}

// Quarters of different colours, so that every mirroring and turning shows: red green / blue white.
void look_fill_quarters(struct client_image *image)
{
    static const uint8_t colours[4][4] = {
        {255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}};
    for (uint32_t y = 0; y < image->height; y++)
        for (uint32_t x = 0; x < image->width; x++)
            memcpy(image->pixels + (y * image->width + x) * 4,
                   colours[(y >= image->height / 2) * 2 + (x >= image->width / 2)], 4);
}

void look_fill(struct client_image *image, int r, int g, int b, int a)
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
void look_project(int eye, XrVector3f p, double *x, double *y)
{
    double degrees = 3.14159265358979323846 / 180, ex = eye ? 0.0315 : -0.0315;
    double left = tan((eye ? -42 : -50) * degrees), right = tan((eye ? 50 : 42) * degrees),
           up = tan(49 * degrees);
    *x = ((p.x - ex) / -p.z - left) / (right - left) * LOOK_WIDTH;
    *y = (up - p.y / -p.z) / (2 * up) * LOOK_HEIGHT;
}

void look_assert_seen(const struct picture *p, int eye, XrVector3f point, int r, int g, int b)
{
    double x, y;
    look_project(eye, point, &x, &y);
    assert_colour(p, x, y, r, g, b);
}

int look_start_validation(void **unused)
{
    const char *file = getenv("XR_CORE_VALIDATION_FILE_NAME");
    if (file)
        remove(file);
    return 0;
}

// The layer makes its file with its first message.
int look_end_validation(void **unused)
{
    const char *file = getenv("XR_CORE_VALIDATION_FILE_NAME");
    FILE *messages = file ? fopen(file, "r") : NULL;
    if (!messages)
        return 0;
    char line[512];
    while (fgets(line, sizeof line, messages))
        fputs(line, stderr);
    fclose(messages);
    return 1;
}
