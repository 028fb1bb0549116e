// Looking at what the simulated headset says and shows, for its tests; everything asserted with
// cmocka.
//
// Thread-safety: one thread.
#pragma once
#include <stdint.h>

#include <cjson/cJSON.h>

#include "tests/headset/client.h"

#define LOOK_WIDTH 960
#define LOOK_HEIGHT 1080

struct picture {
    uint8_t *pixels; // [LOOK_HEIGHT][LOOK_WIDTH][3]; free with mem_free()
};

// client_environment() with report, pictures and frame log in a folder of the test's own, and two
// more variables, each of which may be NULL.
void look_environment(const char *more, const char *even_more);
// At the end of a test program that runs under OpenXR's validation layer
// (XR_CORE_VALIDATION_FILE_NAME): it has written no message. Deletes the file of an earlier run at
// the start.
int look_start_validation(void **unused);
int look_end_validation(void **unused);
// Of the instance that has ended. Free with cJSON_Delete().
cJSON *look_report(void);
double look_number(const cJSON *report, const char *name);
// name: without the folder and ".png".
struct picture look_picture(const char *name);

// Quarters of different colours, so that every mirroring and turning shows: red green / blue white.
void look_fill_quarters(struct client_image *image);
void look_fill(struct client_image *image, int r, int g, int b, int a);

// Where a point, seen from a head at rest in the origin, appears in an eye's picture: by the plain
// formula.
void look_project(int eye, XrVector3f p, double *x, double *y);
// The pixel there has this sRGB colour, within 3.
void look_assert_seen(const struct picture *p, int eye, XrVector3f point, int r, int g, int b);
