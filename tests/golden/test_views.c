// Both eyes of a scene whose true views are known, from coarse and soft nearness as a network gives
// it.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/stereo.h"
#include "tests/golden/scene.h"

#define NEAR_WIDTH 192
#define NEAR_HEIGHT 112
// Far enough from the sides that nothing comes from outside the picture.
#define MARGIN_PX 24

struct views {
    uint8_t *middle, *truth[2], *drawn[2];
};

static void put_picture(const struct image *image, const uint8_t *rgba)
{
    struct colour_job job = {.width = image->width,
                             .height = image->height,
                             .matrix = colour_matrix_for(COLOUR_IDENTITY, 8, 0, true, false),
                             .out = *image};

    for (int i = 0; i < 3; i++)
        job.component[i] =
            (struct colour_component){rgba + i, (ptrdiff_t)image->width * 4, 4, 0, 0};
    kernels_best()->colour(&job);
}

static struct views make_views(const struct scene *scene, const float *near, int near_width,
                               int near_height)
{
    size_t bytes = (size_t)scene->width * (size_t)scene->height * 4;
    struct stereo *stereo = stereo_create(kernels_best(), 0);
    struct views v = {.middle = malloc(bytes)};

    for (int i = 0; i < 2; i++) {
        v.truth[i] = malloc(bytes);
        v.drawn[i] = malloc(bytes);
        scene_draw(scene, i == 0 ? -1 : 1, v.truth[i]);
    }
    scene_draw(scene, 0, v.middle);
    assert_true(stereo_resize(stereo, scene->width, scene->height));
    put_picture(stereo_picture(stereo), v.middle);
    stereo_shrink(stereo);
    stereo_draw(stereo, &(struct stereo_view){.nearness = near,
                                              .near_width = near_width,
                                              .near_height = near_height,
                                              .gain_px = {scene->gain_px, scene->gain_px},
                                              .convergence = scene->convergence,
                                              .eye = {v.drawn[0], v.drawn[1]},
                                              .stride_bytes = (size_t)scene->width * 4});
    stereo_destroy(&stereo);
    return v;
}

static void free_views(struct views *v)
{
    free(v->middle);
    for (int i = 0; i < 2; i++) {
        free(v->truth[i]);
        free(v->drawn[i]);
    }
}

// floor_db: of each eye; better_db: how much nearer to the truth than the picture itself, which
// plain figures favour.
static void check(const struct scene *scene, const struct views *v, double floor_db,
                  double better_db)
{
    for (int eye = 0; eye < 2; eye++) {
        double got = scene_psnr(scene, v->drawn[eye], v->truth[eye], MARGIN_PX);
        double copy = scene_psnr(scene, v->middle, v->truth[eye], MARGIN_PX);
        double swapped = scene_psnr(scene, v->drawn[eye], v->truth[1 - eye], MARGIN_PX);
        printf("%dx%d %s eye: %.2f dB; the picture itself %.2f, the other eye's truth %.2f\n",
               scene->width, scene->height, eye == 0 ? "left" : "right", got, copy, swapped);
        assert_true(got >= floor_db);
        assert_true(got >= copy + better_db);
        assert_true(got > swapped + better_db);
    }
}

static void coarse_nearness_gives_true_views(void **state)
{
    static const struct scene scenes[] = {{1280, 720, 12.8f, 0.5f}, {854, 480, 8.5f, 0.3f}};
    static float near[NEAR_WIDTH * NEAR_HEIGHT];

    for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
        scene_coarse(&scenes[i], NEAR_WIDTH, NEAR_HEIGHT, near);
        struct views v = make_views(&scenes[i], near, NEAR_WIDTH, NEAR_HEIGHT);
        check(&scenes[i], &v, 37, 12);
        free_views(&v);
    }
}

// With nearness that is exact the only error left is what nobody can know: what stood behind.
static void exact_nearness_gives_true_views(void **state)
{
    static const struct scene scene = {640, 360, 6.4f, 0.5f};
    float *near = malloc((size_t)(scene.width * scene.height) * sizeof(float));

    for (int y = 0; y < scene.height; y++)
        for (int x = 0; x < scene.width; x++)
            near[y * scene.width + x] = scene_nearness(&scene, (float)x, (float)y);
    struct views v = make_views(&scene, near, scene.width, scene.height);
    check(&scene, &v, 36.5, 12);
    free_views(&v);
    free(near);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coarse_nearness_gives_true_views),
        cmocka_unit_test(exact_nearness_gives_true_views),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
