// The whole converter with the model that ships: what it gives, what it refuses, and what it does
// when memory is short.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/deep3d.h"
#include "tests/golden/scene.h"

#ifndef DEEP3D_MODEL
#error DEEP3D_MODEL is the path of the model
#endif

static char last_line[512];

static void keep_line(void *user, enum log_level level, const char *line)
{
    if (level <= LOG_WARN)
        snprintf(last_line, sizeof(last_line), "%s", line);
}

static const struct deep3d_settings usual = {.strength = DEEP3D_STRENGTH_DEFAULT,
                                             .convergence = DEEP3D_CONVERGENCE_DEFAULT};

struct setup {
    struct deep3d *converter;
    struct scene scene;
    uint8_t *rgba;
    struct deep3d_picture picture;
    struct deep3d_eyes eyes;
};

static struct deep3d *create(const char *backend)
{
    return deep3d_create(&(struct deep3d_params){.model = DEEP3D_MODEL, .backend = backend});
}

static void setup_size(struct setup *s, int width, int height, int rotation_deg)
{
    size_t bytes = (size_t)width * (size_t)height * 4;

    s->scene = (struct scene){width, height, 0, 0};
    s->rgba = malloc(bytes);
    scene_draw(&s->scene, 0, s->rgba);
    s->picture = (struct deep3d_picture){.width = width,
                                         .height = height,
                                         .plane = {s->rgba},
                                         .stride_bytes = {(ptrdiff_t)width * 4},
                                         .layout = DEEP3D_RGBA,
                                         .matrix = DEEP3D_MATRIX_RGB,
                                         .bits = 8,
                                         .full_range = true,
                                         .rotation_deg = rotation_deg};
    deep3d_eyes_size(&s->picture, &s->eyes.width, &s->eyes.height);
    s->eyes.stride_bytes = (size_t)s->eyes.width * 4;
    for (int i = 0; i < 2; i++)
        s->eyes.pixels[i] = calloc(1, bytes);
}

static void setup_free(struct setup *s)
{
    deep3d_destroy(&s->converter);
    free(s->rgba);
    free(s->eyes.pixels[0]);
    free(s->eyes.pixels[1]);
}

static float range_of_nearness(const struct deep3d *converter)
{
    float least = 1, most = 0;
    int width, height;
    const float *near = deep3d_nearness(converter, &width, &height);

    assert_non_null(near);
    for (int i = 0; i < width * height; i++) {
        assert_true(near[i] >= 0 && near[i] <= 1);
        least = fminf(least, near[i]);
        most = fmaxf(most, near[i]);
    }
    return most - least;
}

static void both_eyes_come_out(void **state)
{
    struct setup s = {.converter = create(NULL)};

    assert_non_null(s.converter);
    setup_size(&s, 640, 360, 0);
    assert_true(deep3d_convert(s.converter, &s.picture, &usual, &s.eyes));
    double between = scene_psnr(&s.scene, s.eyes.pixels[0], s.eyes.pixels[1], 0);
    printf("eyes differ by %.1f dB; model %s on %s\n", between, deep3d_model_name(s.converter),
           deep3d_backend_name(s.converter));
    assert_true(between > 12 && between < 40);
    float range = range_of_nearness(s.converter);
    assert_true(range > 0.1f);
    struct deep3d_timing t = deep3d_last_timing(s.converter);
    assert_true(t.prepare_ns > 0 && t.network_ns > 0 && t.filter_ns > 0 && t.synthesis_ns > 0);
    setup_free(&s);
}

// Black, and bars of eight colours: nothing in them has depth.
static void pages_are_flat(void **state)
{
    struct setup s = {.converter = create("cpu")};
    float black, bars;

    setup_size(&s, 640, 360, 0);
    memset(s.rgba, 0, 640 * 360 * 4);
    assert_true(deep3d_convert(s.converter, &s.picture, &usual, &s.eyes));
    black = range_of_nearness(s.converter);
    for (int i = 0; i < 640 * 360; i++)
        for (int c = 0; c < 3; c++)
            s.rgba[i * 4 + c] = (i % 640 / 80) >> c & 1 ? 235 : 16;
    deep3d_reset(s.converter);
    assert_true(deep3d_convert(s.converter, &s.picture, &usual, &s.eyes));
    bars = range_of_nearness(s.converter);
    printf("range of nearness: black %.3f, bars %.3f\n", (double)black, (double)bars);
    assert_true(black < 0.1f && bars < 0.1f);
    setup_free(&s);
}

static void no_strength_gives_the_picture(void **state)
{
    struct setup s = {.converter = create("cpu")};
    struct deep3d_settings none = {.convergence = 0.5f};

    setup_size(&s, 321, 203, 0);
    assert_true(deep3d_convert(s.converter, &s.picture, &none, &s.eyes));
    assert_memory_equal(s.eyes.pixels[0], s.rgba, 321 * 203 * 4);
    assert_memory_equal(s.eyes.pixels[1], s.rgba, 321 * 203 * 4);
    setup_free(&s);
}

// All of the parallax in one eye: the other one sees the picture itself, and between them lies as
// much as when both share it.
static void either_eye_may_stay_as_it_is(void **state)
{
    struct setup s = {.converter = create("cpu")};
    struct deep3d_settings one = usual;
    uint8_t *both[2];

    setup_size(&s, 643, 361, 0);
    size_t bytes = s.eyes.stride_bytes * (size_t)s.eyes.height;
    assert_true(deep3d_convert(s.converter, &s.picture, &usual, &s.eyes));
    for (int i = 0; i < 2; i++)
        both[i] = memcpy(malloc(bytes), s.eyes.pixels[i], bytes);
    for (int eye = 0; eye < 2; eye++) {
        one.shift = eye == 0 ? DEEP3D_SHIFT_LEFT : DEEP3D_SHIFT_RIGHT;
        deep3d_reset(s.converter);
        assert_true(deep3d_convert(s.converter, &s.picture, &one, &s.eyes));
        assert_memory_equal(s.eyes.pixels[1 - eye], s.rgba, bytes);
        // further from the picture than an eye with half of it, and the same way
        double half = scene_psnr(&s.scene, both[eye], s.rgba, 0);
        double whole = scene_psnr(&s.scene, s.eyes.pixels[eye], s.rgba, 0);
        double same = scene_psnr(&s.scene, s.eyes.pixels[eye], both[eye], 0);
        double other = scene_psnr(&s.scene, s.eyes.pixels[eye], both[1 - eye], 0);
        printf("eye %d: half the shift %.1f dB from the picture, all of it %.1f; %.1f from half of "
               "it, %.1f from half the other way\n",
               eye, half, whole, same, other);
        assert_true(whole < half - 1 && same > other + 2);
    }
    free(both[0]);
    free(both[1]);
    setup_free(&s);
}

// Pictures of any size and turn, one after the other in one converter; the same one again gives the
// same eyes.
static void sizes_may_change(void **state)
{
    static const int sizes[][3] = {{1, 1, 0},        {640, 272, 0}, {360, 640, 90}, {97, 61, 270},
                                   {1280, 200, 180}, {3, 480, 0},   {5000, 2, 0},   {3, 4001, 270}};
    struct setup s = {.converter = create("cpu")};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct setup one = {0};
        setup_size(&one, sizes[i][0], sizes[i][1], sizes[i][2]);
        size_t bytes = one.eyes.stride_bytes * (size_t)one.eyes.height;
        uint8_t *first = malloc(bytes);
        assert_true(deep3d_convert(s.converter, &one.picture, &usual, &one.eyes));
        memcpy(first, one.eyes.pixels[0], bytes);
        deep3d_reset(s.converter);
        assert_true(deep3d_convert(s.converter, &one.picture, &usual, &one.eyes));
        assert_memory_equal(first, one.eyes.pixels[0], bytes);
        free(first);
        setup_free(&one);
    }
    setup_free(&s);
}

static void bad_pictures_are_refused(void **state)
{
    struct setup s = {.converter = create("cpu")};

    setup_size(&s, 64, 48, 0);
#define REFUSED(...)                                                                               \
    do {                                                                                           \
        struct deep3d_picture p = s.picture;                                                       \
        last_line[0] = '\0';                                                                       \
        __VA_ARGS__;                                                                               \
        assert_false(deep3d_convert(s.converter, &p, &usual, &s.eyes));                            \
        assert_true(last_line[0] != '\0');                                                         \
    } while (0)
    REFUSED(p.width = 0);
    REFUSED(p.height = -1);
    REFUSED(p.width = DEEP3D_MAX_SIDE_PX + 1);
    REFUSED(p.width = 65); // the eyes are 64 wide
    REFUSED(p.rotation_deg = 45);
    REFUSED(p.rotation_deg = 90); // the eyes lie
    REFUSED(p.plane[0] = NULL);
    REFUSED(p.stride_bytes[0] = 64 * 4 - 1);
    REFUSED(p.bits = 7);
    REFUSED(p.bits = 10);
    REFUSED(p.bits = 17);
    REFUSED(p.memory = DEEP3D_MEMORY_CUDA); // a converter on the CPU
    REFUSED(p.shift = 1);
    REFUSED(p.shift = -1);
    REFUSED(p.layout = (enum deep3d_layout)9);
    REFUSED(p.matrix = (enum deep3d_matrix)9);
    REFUSED(p.layout = DEEP3D_PLANAR); // two planes are missing
    REFUSED(p.layout = DEEP3D_SEMI_PLANAR);
    REFUSED(p.layout = DEEP3D_GREY; p.bits = 16; p.plane[0]++; p.stride_bytes[0] = 128);
    REFUSED(p.layout = DEEP3D_PLANAR; p.plane[1] = p.plane[2] = p.plane[0];
            p.stride_bytes[1] = p.stride_bytes[2] = 64; p.chroma_shift_x = 3);
    REFUSED(p.layout = DEEP3D_PLANAR; p.plane[1] = p.plane[2] = p.plane[0];
            p.stride_bytes[1] = p.stride_bytes[2] = 64; p.chroma_shift_y = 2);
    REFUSED(p.layout = DEEP3D_PLANAR; p.plane[1] = p.plane[2] = p.plane[0];
            p.stride_bytes[1] = p.stride_bytes[2] = 64;
            p.chroma_shift_x = 1); // R, G and B are never subsampled
    REFUSED(p.layout = DEEP3D_PLANAR; p.matrix = DEEP3D_MATRIX_BT709;
            p.plane[1] = p.plane[2] = p.plane[0]; p.stride_bytes[1] = p.stride_bytes[2] = 31;
            p.chroma_shift_x = 1);
    assert_true(deep3d_convert(s.converter, &s.picture, &usual, &s.eyes));
    setup_free(&s);
}

static void bad_settings_and_eyes_are_refused(void **state)
{
    static const struct deep3d_settings bad[] = {
        {.strength = -1, .convergence = 0.5f},           {.strength = 11, .convergence = 0.5f},
        {.strength = 2, .convergence = -0.1f},           {.strength = 2, .convergence = 1.1f},
        {.strength = NAN, .convergence = 0.5f},          {.strength = 2, .convergence = NAN},
        {.strength = 2, .convergence = 0.5f, .shift = 3}};
    struct setup s = {.converter = create("cpu")};

    setup_size(&s, 64, 48, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(deep3d_convert(s.converter, &s.picture, &bad[i], &s.eyes));
    struct deep3d_eyes eyes = s.eyes;
    eyes.stride_bytes = 64 * 4 - 4;
    assert_false(deep3d_convert(s.converter, &s.picture, &usual, &eyes));
    eyes = s.eyes;
    eyes.stride_bytes++;
    assert_false(deep3d_convert(s.converter, &s.picture, &usual, &eyes));
    eyes = s.eyes;
    eyes.pixels[1] = NULL;
    assert_false(deep3d_convert(s.converter, &s.picture, &usual, &eyes));
    eyes = s.eyes;
    eyes.memory = DEEP3D_MEMORY_CUDA;
    assert_false(deep3d_on_gpu(s.converter));
    assert_false(deep3d_convert(s.converter, &s.picture, &usual, &eyes));
    setup_free(&s);
}

// Each large block in turn is not there: no crash, a reason, and the next try succeeds. (The many
// blocks of the network are made up for by another backend, and looked at less closely.)
static void short_memory_is_survived(void **state)
{
    struct setup s = {0};
    int failed = 0;

    setup_size(&s, 200, 120, 0);
    for (int n = 1, ok = 0; failed < 10 && n < 400; n += ok ? 5 : 1) {
        s.converter = create(NULL);
        assert_non_null(s.converter);
        last_line[0] = '\0';
        mem_fail_block(n);
        ok = deep3d_convert(s.converter, &s.picture, &usual, &s.eyes);
        mem_fail_block(0);
        if (!ok) {
            failed++;
            assert_true(last_line[0] != '\0');
            assert_true(deep3d_convert(s.converter, &s.picture, &usual, &s.eyes));
        }
        deep3d_destroy(&s.converter);
    }
    printf("%d blocks failed in turn\n", failed);
    assert_true(failed >= 8);
    setup_free(&s);
}

static void what_is_missing_is_said(void **state)
{
    last_line[0] = '\0';
    assert_null(deep3d_create(&(struct deep3d_params){.model = "/no/such/model.onnx"}));
    assert_non_null(strstr(last_line, "/no/such/model.onnx"));
    assert_null(deep3d_create(&(struct deep3d_params){.model = NULL}));
    assert_null(deep3d_create(&(struct deep3d_params){.model = DEEP3D_MODEL, .backend = "abacus"}));
    assert_non_null(strstr(last_line, "abacus"));
}

// A machine without CUDA plays on the CPU, after a line that says so.
static void another_backend_takes_over(void **state)
{
    struct setup s = {.converter = create("cuda")};

    assert_non_null(s.converter);
    setup_size(&s, 64, 48, 0);
    last_line[0] = '\0';
    assert_true(deep3d_convert(s.converter, &s.picture, &usual, &s.eyes));
    if (strstr(deep3d_backend_name(s.converter), "oneDNN") != NULL)
        assert_non_null(strstr(last_line, "CUDA"));
    last_line[0] = '\0';
    assert_true(deep3d_convert(s.converter, &s.picture, &usual, &s.eyes));
    assert_string_equal(last_line, ""); // once is enough
    setup_free(&s);
}

// The same picture again and again: nearness settles and stays.
static void a_still_picture_stands_still(void **state)
{
    struct setup s = {.converter = create(NULL)};
    uint8_t *first;
    size_t bytes;

    setup_size(&s, 320, 180, 0);
    bytes = s.eyes.stride_bytes * (size_t)s.eyes.height;
    first = malloc(bytes);
    assert_true(deep3d_convert(s.converter, &s.picture, &usual, &s.eyes));
    memcpy(first, s.eyes.pixels[0], bytes);
    for (int i = 0; i < 4; i++)
        assert_true(deep3d_convert(s.converter, &s.picture, &usual, &s.eyes));
    assert_true(scene_psnr(&s.scene, first, s.eyes.pixels[0], 0) > 45);
    free(first);
    setup_free(&s);
}

static void convert(struct setup *s)
{
    assert_true(deep3d_convert(s->converter, &s->picture, &usual, &s->eyes));
}

// Mean difference of two answers, the first one looked at `shift` points further right.
static double apart(const float *a, const float *b, int width, int height, int shift)
{
    double sum = 0;

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width - shift; x++)
            sum += fabs((double)a[y * width + x + shift] - (double)b[y * width + x]);
    return sum / ((width - shift) * height);
}

// The network sees each third picture of a shot; in those between, nearness goes with what is in
// the picture. A cut is seen at once.
static void nearness_moves_along(void **state)
{
    enum { STEP_PX = 16 };
    struct setup s = {.converter = create(NULL)};
    int width, height;

    setup_size(&s, 960, 360, 0);
    s.picture.width = s.eyes.width = 640; // a window on the scene, which goes to the right
    deep3d_set_effort(s.converter, &(struct deep3d_effort){.every = 3});
    for (int i = 0; i < 3; i++) {
        convert(&s);
        assert_true((deep3d_last_timing(s.converter).network_ns > 0) == (i == 0));
    }
    deep3d_reset(s.converter);
    convert(&s);
    assert_true(deep3d_last_timing(s.converter).network_ns > 0);
    const float *near = deep3d_nearness(s.converter, &width, &height);
    size_t bytes = (size_t)(width * height) * sizeof(float);
    float *first = memcpy(malloc(bytes), near, bytes);
    for (int i = 1; i < 3; i++) {
        s.picture.plane[0] = s.rgba + (size_t)(i * STEP_PX) * 4;
        convert(&s);
        assert_true(deep3d_last_timing(s.converter).network_ns == 0);
    }
    near = deep3d_nearness(s.converter, &width, &height);
    int moved = 2 * STEP_PX * width / 640;
    printf("moved by %d points: %.4f from where things were, %.4f from where they are now\n", moved,
           apart(first, near, width, height, 0), apart(first, near, width, height, moved));
    assert_true(apart(first, near, width, height, moved) <
                0.3 * apart(first, near, width, height, 0));
    memset(s.rgba, 200, (size_t)960 * 360 * 4);
    for (int y = 0; y < 360; y++)
        memset(s.rgba + (size_t)y * 960 * 4, y % 60 < 30 ? 10 : 240, (size_t)960 * 2);
    convert(&s);
    assert_true(deep3d_last_timing(s.converter).network_ns > 0);
    free(first);
    setup_free(&s);
}

// Each smaller input gives much the same depth, at the same size, without a jump, and is planned
// while pictures go on.
static void inputs_may_become_smaller(void **state)
{
    struct setup s = {.converter = create(NULL)};
    struct deep3d_size sizes[DEEP3D_SIZES_MAX];
    int width, height, count, now_width, now_height;

    setup_size(&s, 640, 360, 0);
    assert_int_equal(deep3d_sizes(s.converter, sizes), 0);
    convert(&s);
    count = deep3d_sizes(s.converter, sizes);
    assert_int_equal(count, 3);
    const float *near = deep3d_nearness(s.converter, &width, &height);
    size_t bytes = (size_t)(width * height) * sizeof(float);
    float *full = memcpy(malloc(bytes), near, bytes);
    double last = 0;
    for (int size = count; size >= 0; size--) { // one too small is the smallest
        deep3d_set_effort(s.converter, &(struct deep3d_effort){.size = size});
        double far = last;
        for (int i = 0; i < 400 && (size == count - 1 ? far == 0 : far == last); i++) {
            clock_sleep_until_ns(clock_now_ns() + 5 * NS_PER_MS);
            deep3d_reset(s.converter);
            convert(&s);
            near = deep3d_nearness(s.converter, &now_width, &now_height);
            assert_true(now_width == width && now_height == height);
            far = apart(full, near, width, height, 0);
        }
        printf("%dx%d: %.4f from the full size\n", sizes[size < count ? size : count - 1].width,
               sizes[size < count ? size : count - 1].height, far);
        assert_true(far < 0.15 && (size == 0) == (far == 0));
        last = far;
    }
    deep3d_set_effort(s.converter, &(struct deep3d_effort){.size = 1});
    convert(&s); // and destroyed while it is busy
    free(full);
    setup_free(&s);
}

// Black bars above and below, and light on this part of what is between them, other for each n.
static void draw_lights(struct setup *s, int bar, unsigned percent, int n)
{
    int width = s->picture.width, height = s->picture.height;

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            unsigned hash =
                ((unsigned)((x + n) / 9) * 2654435761u ^ (unsigned)(y / 11) * 40503u) >> 9;
            int light = hash % 100 < percent ? 60 + (int)(hash >> 11 & 127) : 12;
            uint8_t *p = s->rgba + ((size_t)y * (size_t)width + (size_t)x) * 4;

            memset(p, y < bar || y >= height - bar ? 0 : light, 3);
            p[3] = 255;
        }
}

// The bars of one film are none of the next one, however dark that is at its sides; after winding
// they are there at once.
static void bars_are_of_one_film(void **state)
{
    struct deep3d_settings flat = usual;
    struct setup s = {.converter = create(NULL)};

    flat.flat = true;
    setup_size(&s, 320, 180, 0);
    for (int i = 0; i < 16; i++) {
        draw_lights(&s, 24, 90, i);
        assert_true(deep3d_convert(s.converter, &s.picture, &flat, &s.eyes));
    }
    assert_int_equal(deep3d_last_flat(s.converter).top_px, 24);
    for (int film = 0; film < 2; film++) {
        deep3d_reset(s.converter);
        for (int i = 0; i < 4; i++) {
            draw_lights(&s, film ? 0 : 24, film ? 30 : 90, i);
            assert_true(deep3d_convert(s.converter, &s.picture, &flat, &s.eyes));
        }
        assert_int_equal(deep3d_last_flat(s.converter).top_px, film ? 0 : 24);
        assert_int_equal(deep3d_last_flat(s.converter).bottom_px, film ? 0 : 24);
    }
    setup_free(&s);
}

// One of two scenes, lit by a flash or not.
static void draw_scene(struct setup *s, bool second, bool flash)
{
    for (int i = 0; i < s->picture.width * s->picture.height; i++) {
        int x = i % s->picture.width, y = i / s->picture.width;
        bool near = abs(x - s->picture.width / 2) < 60 && y > 60;

        for (int c = 0; c < 3; c++) {
            int light = second ? 190 - y / 2 - 90 * near + 25 * (c == 0)
                               : 40 + y / 2 + 20 * ((x / 20 + y / 20) & 1) + 40 * (c == 2);
            light += 70 * flash;
            s->rgba[i * 4 + c] = (uint8_t)(light < 0 ? 0 : light > 255 ? 255 : light);
        }
    }
}

// What lies on the screen two pictures after a cut that a flash follows; left_out: the cut's
// picture came too late.
static float converged_after_cut(bool left_out)
{
    enum { CUT = 8, END = CUT + 3, AHEAD = 4 };
    struct setup s = {.converter = create(NULL)};
    float convergence;
    int fed = 0;

    setup_size(&s, 320, 180, 0);
    deep3d_set_comfort(
        s.converter,
        &(struct deep3d_comfort){.screen_width_m = 3, .distance_m = 3, .auto_convergence = true});
    for (int i = 0; i < END; i++) {
        for (; fed <= i + AHEAD; fed++) {
            draw_scene(&s, fed >= CUT, fed == CUT + 1);
            assert_true(deep3d_foresee(s.converter, &s.picture));
        }
        draw_scene(&s, i >= CUT, i == CUT + 1);
        if (i == CUT && left_out)
            deep3d_pass_over(s.converter);
        else
            convert(&s);
    }
    convergence = deep3d_last_parallax(s.converter).convergence;
    setup_free(&s);
    return convergence;
}

static void a_cut_that_is_left_out_counts(void **state)
{
    assert_float_equal(converged_after_cut(true), converged_after_cut(false), 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_eyes_come_out),
        cmocka_unit_test(pages_are_flat),
        cmocka_unit_test(no_strength_gives_the_picture),
        cmocka_unit_test(either_eye_may_stay_as_it_is),
        cmocka_unit_test(sizes_may_change),
        cmocka_unit_test(bad_pictures_are_refused),
        cmocka_unit_test(bad_settings_and_eyes_are_refused),
        cmocka_unit_test(short_memory_is_survived),
        cmocka_unit_test(what_is_missing_is_said),
        cmocka_unit_test(another_backend_takes_over),
        cmocka_unit_test(a_still_picture_stands_still),
        cmocka_unit_test(nearness_moves_along),
        cmocka_unit_test(inputs_may_become_smaller),
        cmocka_unit_test(bars_are_of_one_film),
        cmocka_unit_test(a_cut_that_is_left_out_counts),
    };

    log_set_sink(keep_line, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
