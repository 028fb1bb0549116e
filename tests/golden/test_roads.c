// The converter in a GPU's memory against the one on the processor, with everything that it does;
// what goes between the memories; and what it does when the GPU fails.
//
// The networks give the same bits on each device, so everything must. The program is linked so that
// the GPU's column passes through its hands (-Wl,--wrap): it counts, and lets things fail.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/nn/nn.h"
#include "kernels/kernels.h"
#include "tests/golden/roads_film.h"

#define LEVELS_MODEL "roads_levels.onnx"
#define RELATIVE_MODEL "roads_relative.onnx"
#define GPU_MODEL "roads_gpu.onnx"

static char last_line[512];
static int warnings;

static void keep_line(void *user, enum log_level level, const char *line)
{
    if (level > LOG_WARN)
        return;
    warnings++;
    snprintf(last_line, sizeof(last_line), "%s", line);
}

// What the converter does with its GPU.
static struct {
    long takes, uploaded, downloaded, largest_download, waits, launches;
    int fail_take, fail_launch, fail_wait; // the n-th from now; 0: none
    bool failed;                           // since it was last told
} seen;

static const struct device *gpu;
static struct device watched_device;
static struct kernels watched;

static bool fails(int *n)
{
    return *n > 0 && --*n == 0;
}

static void *watched_take(size_t bytes)
{
    seen.takes++;
    return fails(&seen.fail_take) ? NULL : gpu->take(bytes);
}

static void *watched_take_host(size_t bytes)
{
    seen.takes++;
    return fails(&seen.fail_take) ? NULL : gpu->take_host(bytes);
}

static void watched_upload(void *to, const void *from, size_t bytes)
{
    seen.uploaded += (long)bytes;
    gpu->upload(to, from, bytes);
}

static void watched_upload_rows(void *to, size_t to_stride, const void *from, size_t from_stride,
                                size_t row_bytes, int rows)
{
    seen.uploaded += (long)row_bytes * rows;
    gpu->upload_rows(to, to_stride, from, from_stride, row_bytes, rows);
}

static void note_download(long bytes)
{
    seen.downloaded += bytes;
    seen.largest_download = bytes > seen.largest_download ? bytes : seen.largest_download;
}

static void watched_download(void *to, const void *from, size_t bytes)
{
    note_download((long)bytes);
    gpu->download(to, from, bytes);
}

static void watched_download_rows(void *to, size_t to_stride, const void *from, size_t from_stride,
                                  size_t row_bytes, int rows)
{
    note_download((long)row_bytes * rows);
    gpu->download_rows(to, to_stride, from, from_stride, row_bytes, rows);
}

static bool watched_check(void)
{
    bool ok = !seen.failed;

    seen.failed = false;
    return gpu->check() && ok;
}

static bool watched_wait(void)
{
    seen.waits++;
    seen.failed = seen.failed || fails(&seen.fail_wait);
    return gpu->wait() && watched_check();
}

static bool watched_wait_for(const struct device_stamp *stamp)
{
    seen.waits++;
    seen.failed = seen.failed || fails(&seen.fail_wait);
    return gpu->wait_for(stamp) && watched_check();
}

const struct kernels *__real_kernels_gpu(const uint8_t *uuid, int *out_index, char *text,
                                         size_t size);
const struct kernels *__wrap_kernels_gpu(const uint8_t *uuid, int *out_index, char *text,
                                         size_t size);
struct nn_plan *__real_nn_plan_create(const struct nn_model *model,
                                      const struct nn_plan_params *params);
struct nn_plan *__wrap_nn_plan_create(const struct nn_model *model,
                                      const struct nn_plan_params *params);

static const struct kernels *real;

#define WATCHED(kernel)                                                                            \
    static void watched_##kernel(const struct kernel##_job *job)                                   \
    {                                                                                              \
        seen.launches++;                                                                           \
        seen.failed = seen.failed || fails(&seen.fail_launch);                                     \
        real->kernel(job);                                                                         \
    }
#define ALL_KERNELS(each)                                                                          \
    each(colour) each(resize) each(shrink) each(levels) each(motion) each(steady) each(refine)     \
        each(synth) each(luma) each(grey) each(carry) each(spread) each(range) each(enlarge)       \
            each(edges) each(press) each(marks) each(strokes) each(plates) each(strips)            \
                each(glance) each(snap)

ALL_KERNELS(WATCHED)

const struct kernels *__wrap_kernels_gpu(const uint8_t *uuid, int *out_index, char *text,
                                         size_t size)
{
    const struct kernels *k = __real_kernels_gpu(uuid, out_index, text, size);

    if (k == NULL)
        return NULL;
    real = k;
    gpu = k->device;
    watched_device = *gpu;
    watched_device.take = watched_take;
    watched_device.take_host = watched_take_host;
    watched_device.upload = watched_upload;
    watched_device.upload_rows = watched_upload_rows;
    watched_device.download = watched_download;
    watched_device.download_rows = watched_download_rows;
    watched_device.wait = watched_wait;
    watched_device.wait_for = watched_wait_for;
    watched_device.check = watched_check;
    watched = *k;
    watched.device = &watched_device;
#define WATCH(kernel) watched.kernel = watched_##kernel;
    ALL_KERNELS(WATCH)
    return &watched;
}

static bool exact = true;
static bool no_networks; // the GPU runs none

// In single precision, whatever the device prefers.
struct nn_plan *__wrap_nn_plan_create(const struct nn_model *model,
                                      const struct nn_plan_params *params)
{
    struct nn_plan_params single = *params;

    if (exact)
        single.precision = NN_PRECISION_FP32;
    if (no_networks)
        single.backend = NN_BACKEND_REFERENCE;
    return __real_nn_plan_create(model, &single);
}

static struct deep3d *create(const char *model, const char *backend)
{
    struct deep3d *c = deep3d_create(&(struct deep3d_params){.model = model, .backend = backend});

    assert_non_null(c);
    return c;
}

// One picture of a film in both memories, with eyes.
struct shown {
    size_t bytes, eye_bytes;
    struct deep3d_picture here, there;
    struct deep3d_eyes eyes, eyes_there;
    uint8_t *planes, *planes_there, *expected[2];
};

static struct shown shown_new(const struct film *film, size_t slack)
{
    struct shown s = {.bytes = film_bytes(film)};

    s.planes = gpu->take_host(s.bytes);
    s.planes_there = gpu->take(s.bytes);
    s.here = film_picture(film, s.planes);
    s.there = film_picture(film, s.planes_there);
    s.there.memory = DEEP3D_MEMORY_CUDA;
    deep3d_eyes_size(&s.here, &s.eyes.width, &s.eyes.height);
    s.eyes.stride_bytes = (size_t)s.eyes.width * 4 + slack;
    s.eyes_there = s.eyes;
    s.eyes_there.memory = DEEP3D_MEMORY_CUDA;
    s.eye_bytes = s.eyes.stride_bytes * (size_t)s.eyes.height;
    for (int i = 0; i < 2; i++) {
        s.eyes.pixels[i] = malloc(s.eye_bytes);
        s.expected[i] = malloc(s.eye_bytes);
        s.eyes_there.pixels[i] = gpu->take(s.eye_bytes);
        memset(s.expected[i], 0x77, s.eye_bytes);
    }
    return s;
}

static void shown_free(struct shown *s)
{
    gpu->give_host(s->planes);
    gpu->give(s->planes_there);
    for (int i = 0; i < 2; i++) {
        free(s->eyes.pixels[i]);
        free(s->expected[i]);
        gpu->give(s->eyes_there.pixels[i]);
    }
}

static void draw(struct shown *s, const struct film *film, int index)
{
    film_draw(film, index, s->planes);
    gpu->upload(s->planes_there, s->planes, s->bytes);
    for (int i = 0; i < 2; i++) { // what lies between the rows must stay as it is
        memset(s->eyes.pixels[i], 0x77, s->eye_bytes);
        gpu->upload(s->eyes_there.pixels[i], s->eyes.pixels[i], s->eye_bytes);
    }
    assert_true(gpu->wait());
}

// How a converter is asked for picture `index`.
struct wishes {
    struct deep3d_settings settings;
    struct deep3d_comfort comfort;
    enum deep3d_view view;
    struct deep3d_effort effort;
};

static struct wishes wishes_at(int index)
{
    static const enum deep3d_view views[] = {DEEP3D_VIEW_STEREO, DEEP3D_VIEW_STEREO,
                                             DEEP3D_VIEW_LAYERS, DEEP3D_VIEW_STEREO,
                                             DEEP3D_VIEW_DISPARITY};

    return (struct wishes){
        .settings = {.strength = index % 7 == 6 ? 0 : 2 + (float)(index % 4),
                     .convergence = 0.3f + 0.1f * (float)(index % 3),
                     .shift = (enum deep3d_shift)(index / 3 % 3),
                     .flat = index % 11 != 10},
        .comfort = {.screen_width_m = index % 2 ? 4 : 0,
                    .distance_m = 3,
                    .auto_convergence = index % 5 > 2,
                    .floating_window = index % 3 > 0},
        .view = index > 24 ? views[index % 5] : DEEP3D_VIEW_STEREO,
        .effort = {.every = index > 14 ? 2 : 1},
    };
}

static bool convert(struct deep3d *c, const struct wishes *w, const struct deep3d_picture *picture,
                    const struct deep3d_eyes *eyes)
{
    deep3d_set_comfort(c, &w->comfort);
    deep3d_set_view(c, w->view);
    deep3d_set_effort(c, &w->effort);
    return deep3d_convert(c, picture, &w->settings, eyes);
}

static void expect_eyes(struct shown *s, bool there, const char *what, int index)
{
    for (int i = 0; i < 2; i++) {
        if (there)
            gpu->download(s->eyes.pixels[i], s->eyes_there.pixels[i], s->eye_bytes);
        assert_true(gpu->wait());
        if (memcmp(s->eyes.pixels[i], s->expected[i], s->eye_bytes) != 0)
            fail_msg("%s: eye %d of picture %d differs from the processor's", what, i, index);
    }
}

static void expect_the_same(const struct deep3d *a, const struct deep3d *b,
                            const struct deep3d_area *area)
{
    struct deep3d_parallax p = deep3d_last_parallax(a), q = deep3d_last_parallax(b);
    struct deep3d_flat f = deep3d_last_flat(a), g = deep3d_last_flat(b);
    int width, height, other_width, other_height;
    const float *near = deep3d_nearness(a, &width, &height);
    const float *other = deep3d_nearness(b, &other_width, &other_height);

    assert_true(width == other_width && height == other_height);
    assert_memory_equal(near, other, (size_t)(width * height) * sizeof(*near));
    assert_memory_equal(&f, &g, sizeof(f));
    assert_true(p.strength == q.strength && p.convergence == q.convergence &&
                p.crossed_pct == q.crossed_pct && p.uncrossed_pct == q.uncrossed_pct &&
                p.window_pct[0] == q.window_pct[0] && p.window_pct[1] == q.window_pct[1]);
    assert_true(deep3d_parallax_over(a, area) == deep3d_parallax_over(b, area));
}

// A film on both roads. Pictures and eyes lie in either memory, in turn.
static void compare(const char *model, const struct film *film, int pictures, const char *what)
{
    struct deep3d *cpu = create(model, "ref"), *on_gpu = create(model, "cuda");
    struct shown s = shown_new(film, 12);
    const struct deep3d_area area = {0.2f, 0.6f, 0.8f, 0.9f};
    float flat = 0;

    assert_true(deep3d_on_gpu(on_gpu) && !deep3d_on_gpu(cpu));
    for (int i = 0; i < pictures; i++) {
        struct wishes w = wishes_at(i);
        struct deep3d_eyes expected = s.eyes;
        bool there = i % 3 > 0;
        draw(&s, film, i);
        for (int eye = 0; eye < 2; eye++)
            expected.pixels[eye] = s.expected[eye];
        assert_true(convert(cpu, &w, &s.here, &expected));
        assert_true(
            convert(on_gpu, &w, i % 2 ? &s.there : &s.here, there ? &s.eyes_there : &s.eyes));
        expect_eyes(&s, there, what, i);
        if (i % 4 > 1 && film->packing == DEEP3D_ONE_EYE) // asked for by some, and not by others
            expect_the_same(cpu, on_gpu, &area);
        flat = fmaxf(flat, deep3d_last_flat(cpu).share);
    }
    assert_true(deep3d_on_gpu(on_gpu));
    assert_true(flat > 0 || !film->caption);
    printf("%s: %d pictures the same; captions covered %.3f of them\n", what, pictures,
           (double)flat);
    shown_free(&s);
    deep3d_destroy(&cpu);
    deep3d_destroy(&on_gpu);
}

static void both_roads_give_the_same(void **state)
{
    static const struct film films[] = {
        {.width = 321, .height = 203, .layout = DEEP3D_RGBA, .bits = 8},
        {.width = 400,
         .height = 226,
         .layout = DEEP3D_SEMI_PLANAR,
         .bits = 8,
         .bars = true,
         .caption = true},
        {.width = 203,
         .height = 131,
         .layout = DEEP3D_SEMI_PLANAR,
         .bits = 10,
         .shift = 6,
         .rotation_deg = 90},
        {.width = 131,
         .height = 203,
         .layout = DEEP3D_PLANAR,
         .bits = 10,
         .transfer = DEEP3D_TRANSFER_PQ,
         .rotation_deg = 270,
         .mirrored = true},
        {.width = 97, .height = 61, .layout = DEEP3D_PLANAR, .bits = 8, .rotation_deg = 180},
        {.width = 5, .height = 3, .layout = DEEP3D_PLANAR, .bits = 8},
        {.width = 1, .height = 1, .layout = DEEP3D_RGBA, .bits = 8},
    };

    for (size_t i = 0; i < sizeof(films) / sizeof(*films); i++) {
        char what[64];
        snprintf(what, sizeof(what), "film %zu, %dx%d", i, films[i].width, films[i].height);
        compare(LEVELS_MODEL, &films[i], films[i].caption ? 40 : 20, what);
    }
    compare(RELATIVE_MODEL, &films[4], 20, "relative depth");
}

// What comes must be known before it is shown, whichever memory it lies in.
static void native_3d_is_the_same(void **state)
{
    static const struct film films[] = {
        {.width = 405,
         .height = 226,
         .layout = DEEP3D_SEMI_PLANAR,
         .bits = 8,
         .packing = DEEP3D_SIDE_BY_SIDE},
        {.width = 203,
         .height = 131,
         .layout = DEEP3D_PLANAR,
         .bits = 10,
         .transfer = DEEP3D_TRANSFER_PQ,
         .rotation_deg = 90,
         .packing = DEEP3D_TOP_BOTTOM,
         .right_first = true},
    };

    for (size_t i = 0; i < sizeof(films) / sizeof(*films); i++)
        compare(LEVELS_MODEL, &films[i], 6, "native 3D");
}

static void what_comes_is_foreseen_alike(void **state)
{
    enum { AHEAD = 3, PICTURES = 24 };
    static const struct film film = {
        .width = 200, .height = 112, .layout = DEEP3D_SEMI_PLANAR, .bits = 8};
    struct deep3d *cpu = create(LEVELS_MODEL, "ref"), *on_gpu = create(LEVELS_MODEL, "auto");
    struct wishes w = wishes_at(1);
    struct shown s[AHEAD];

    for (int i = 0; i < AHEAD; i++)
        s[i] = shown_new(&film, 0);
    for (int i = 0; i < PICTURES + AHEAD - 1; i++) {
        struct shown *next = &s[i % AHEAD], *due = &s[(i + 1) % AHEAD];
        struct deep3d_eyes expected = due->eyes;
        draw(next, &film, i);
        if (i == 13) // a flash
            memset(next->planes, 235, (size_t)(film.width * film.height));
        gpu->upload(next->planes_there, next->planes, next->bytes);
        assert_true(gpu->wait());
        assert_true(deep3d_foresee(cpu, &next->here) && deep3d_foresee(on_gpu, &next->there));
        if (i + 1 < AHEAD)
            continue;
        for (int eye = 0; eye < 2; eye++)
            expected.pixels[eye] = due->expected[eye];
        assert_true(convert(cpu, &w, &due->here, &expected));
        assert_true(convert(on_gpu, &w, &due->there, &due->eyes_there));
        expect_eyes(due, true, "with foresight", i + 1 - AHEAD);
    }
    for (int i = 0; i < AHEAD; i++)
        shown_free(&s[i]);
    deep3d_destroy(&cpu);
    deep3d_destroy(&on_gpu);
}

// A picture may go where it came from once it was reset, and another thread may convert.
static void a_reset_waits(void **state)
{
    static const struct film film = {
        .width = 200, .height = 112, .layout = DEEP3D_SEMI_PLANAR, .bits = 8};
    struct deep3d *c = create(LEVELS_MODEL, "cuda");
    struct shown s = shown_new(&film, 0);

    draw(&s, &film, 0);
    assert_true(deep3d_foresee(c, &s.there));
    seen.waits = 0;
    deep3d_reset(c);
    assert_int_equal(seen.waits, 1);
    shown_free(&s);
    deep3d_destroy(&c);
}

// A smaller input is planned beside the pictures, at its own time: waited for on both roads.
static void smaller_inputs_give_the_same(void **state)
{
    static const struct film film = {.width = 200, .height = 112, .layout = DEEP3D_RGBA, .bits = 8};
    struct deep3d *c[2] = {create(LEVELS_MODEL, "ref"), create(LEVELS_MODEL, "cuda")};
    struct shown s = shown_new(&film, 0);
    struct wishes w = wishes_at(1);
    float *near[2];
    int width, height;

    draw(&s, &film, 0);
    for (int i = 0; i < 2; i++) {
        w.effort.size = 0;
        assert_true(convert(c[i], &w, &s.here, &s.eyes));
        const float *answer = deep3d_nearness(c[i], &width, &height);
        size_t bytes = (size_t)(width * height) * sizeof(float);
        near[i] = memcpy(malloc(bytes), answer, bytes);
        w.effort.size = 1;
        for (int n = 0; n < 400 && memcmp(near[i], answer, bytes) == 0; n++) {
            clock_sleep_until_ns(clock_now_ns() + 5 * NS_PER_MS);
            deep3d_reset(c[i]);
            assert_true(convert(c[i], &w, &s.here, &s.eyes));
            answer = deep3d_nearness(c[i], &width, &height);
        }
        assert_memory_not_equal(near[i], answer, bytes);
        memcpy(near[i], answer, bytes);
    }
    assert_memory_equal(near[0], near[1], (size_t)(width * height) * sizeof(float));
    for (int i = 0; i < 2; i++) {
        free(near[i]);
        deep3d_destroy(&c[i]);
    }
    shown_free(&s);
}

// Pictures stay where they are: a few numbers and the small luma are all that comes to the host,
// and nothing is allocated.
static void pictures_stay_in_the_gpu(void **state)
{
    static const struct film film = {.width = 640,
                                     .height = 360,
                                     .layout = DEEP3D_SEMI_PLANAR,
                                     .bits = 8,
                                     .bars = true,
                                     .caption = true};
    struct deep3d *c = create(LEVELS_MODEL, "cuda");
    struct shown s = shown_new(&film, 0);
    struct wishes w = wishes_at(1);
    enum { GLANCE = 160 * 90 * 4, NUMBERS = 8000, PICTURES = 8 };
    long launches = 0;

    w.settings.flat = true;
    for (int i = 0; i < 3 + PICTURES; i++) {
        draw(&s, &film, i);
        if (i == 3)
            memset(&seen, 0, sizeof(seen));
        assert_true(convert(c, &w, &s.there, &s.eyes_there));
        launches = seen.launches;
    }
    printf("a picture of %ld bytes: %ld came to the host, %ld to the GPU, %ld jobs, %ld waits\n",
           (long)s.bytes, seen.downloaded / PICTURES, seen.uploaded / PICTURES, launches / PICTURES,
           seen.waits / PICTURES);
    assert_int_equal(seen.takes, 0);
    assert_true(seen.downloaded <= PICTURES * (long)(GLANCE + NUMBERS));
    assert_true(seen.largest_download <= GLANCE);
    assert_true(seen.uploaded <= PICTURES * (long)NUMBERS);
    assert_int_equal(seen.waits, 2 * PICTURES); // one for the glance
    struct deep3d_timing t = deep3d_last_timing(c);
    assert_true(t.prepare_ns > 0 && t.network_ns > 0 && t.filter_ns > 0 && t.synthesis_ns > 0);
    shown_free(&s);
    deep3d_destroy(&c);
}

// A fresh converter on the processor is what it must then be like.
static void expect_cpu(struct deep3d *c, const struct film *film, struct shown *s,
                       const struct wishes *w)
{
    struct deep3d *cpu = create(LEVELS_MODEL, "ref");
    struct deep3d_eyes expected = s->eyes;

    assert_false(deep3d_on_gpu(c));
    for (int eye = 0; eye < 2; eye++)
        expected.pixels[eye] = s->expected[eye];
    deep3d_reset(c);
    draw(s, film, 0);
    assert_true(convert(cpu, w, &s->here, &expected));
    assert_true(convert(c, w, &s->here, &s->eyes));
    expect_eyes(s, false, "after the GPU failed", 0);
    last_line[0] = '\0';
    assert_false(convert(c, w, &s->there, &s->eyes));
    assert_non_null(strstr(last_line, "GPU memory"));
    assert_false(convert(c, w, &s->here, &s->eyes_there));
    deep3d_destroy(&cpu);
}

// Each allocation in turn is refused: the picture is converted all the same.
static void a_full_gpu_is_survived(void **state)
{
    static const struct film film = {.width = 200, .height = 112, .layout = DEEP3D_RGBA, .bits = 8};
    struct wishes w = wishes_at(1);
    int failed = 0;

    for (int n = 1, more = 1; more; n++) {
        struct shown s = shown_new(&film, 0);
        memset(&seen, 0, sizeof(seen));
        seen.fail_take = n;
        warnings = 0;
        struct deep3d *c = create(LEVELS_MODEL, "cuda");
        draw(&s, &film, 0);
        assert_true(convert(c, &w, &s.here, &s.eyes));
        more = seen.fail_take == 0;
        if (!deep3d_on_gpu(c)) {
            failed++;
            assert_non_null(strstr(last_line, "going on with the CPU"));
            assert_in_range(warnings, 1, 2); // what is short, and what follows
            expect_cpu(c, &film, &s, &w);
        }
        seen.fail_take = 0;
        deep3d_destroy(&c);
        shown_free(&s);
    }
    printf("%d allocations were refused in turn\n", failed);
    assert_true(failed > 20);
}

// Each job in turn fails, in the third picture: with host memory nothing is lost; eyes in the GPU's
// are lost, and the next picture says why.
static void a_gpu_that_fails_is_survived(void **state)
{
    static const struct film film = {
        .width = 200, .height = 112, .layout = DEEP3D_RGBA, .bits = 8, .caption = true};
    struct wishes w = wishes_at(1);
    int failed = 0;

    for (int n = 1; n == 1 || failed == n - 1; n++) {
        struct shown s = shown_new(&film, 0);
        struct deep3d *c = create(LEVELS_MODEL, "cuda");
        bool there = n % 2 == 0;
        for (int i = 0; i < 3; i++) {
            memset(&seen, 0, sizeof(seen));
            seen.fail_launch = i == 2 ? n : 0;
            seen.fail_wait = i == 2 && n == 3;
            warnings = 0;
            draw(&s, &film, i);
            bool ok = convert(c, &w, there ? &s.there : &s.here, there ? &s.eyes_there : &s.eyes);
            assert_true(ok || (i == 2 && there));
        }
        if (!deep3d_on_gpu(c)) {
            failed++;
            assert_int_equal(warnings, 1);
            expect_cpu(c, &film, &s, &w);
        }
        seen.fail_launch = 0;
        deep3d_destroy(&c);
        shown_free(&s);
    }
    printf("%d jobs failed in turn\n", failed);
    assert_true(failed > 12);
}

// Another network on a GPU; the processor's goes on where the GPU's is none or does not run there,
// and after the GPU has failed.
static void a_gpu_may_have_its_own_network(void **state)
{
    static const struct film film = {.width = 200, .height = 112, .layout = DEEP3D_RGBA, .bits = 8};
    static const struct {
        const char *backend, *gpu_model, *expected;
        bool no_networks;
    } cases[] = {
        {"cuda", GPU_MODEL, GPU_MODEL, false},
        {"ref", GPU_MODEL, LEVELS_MODEL, false},
        {"auto", GPU_MODEL, LEVELS_MODEL, true},
        {"auto", RELATIVE_MODEL, LEVELS_MODEL, false},
        {"auto", "roads_nowhere.onnx", LEVELS_MODEL, false},
    };
    struct wishes w = wishes_at(1);

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct shown s = shown_new(&film, 0);
        struct deep3d *c = deep3d_create(&(struct deep3d_params){
            .model = LEVELS_MODEL, .gpu_model = cases[i].gpu_model, .backend = cases[i].backend});

        assert_non_null(c);
        no_networks = cases[i].no_networks;
        draw(&s, &film, 0);
        assert_true(convert(c, &w, &s.here, &s.eyes));
        assert_string_equal(deep3d_model_name(c), cases[i].expected);
        assert_int_equal(deep3d_on_gpu(c), strcmp(cases[i].backend, "ref") != 0);
        no_networks = false;
        if (i == 0) {
            memset(&seen, 0, sizeof(seen));
            seen.fail_launch = 1;
            draw(&s, &film, 1);
            assert_true(convert(c, &w, &s.here, &s.eyes));
            assert_string_equal(deep3d_model_name(c), LEVELS_MODEL);
            expect_cpu(c, &film, &s, &w);
        }
        deep3d_destroy(&c);
        shown_free(&s);
    }
}

// Shown by a GPU that CUDA does not have: the first one converts.
static void another_gpu_may_show_the_pictures(void **state)
{
    static const uint8_t nobody[16] = "no such GPU here";
    struct deep3d *c = deep3d_create(
        &(struct deep3d_params){.model = LEVELS_MODEL, .backend = "auto", .gpu_uuid = nobody});

    assert_non_null(c);
    assert_true(deep3d_on_gpu(c));
    deep3d_destroy(&c);
}

static const char *shipped_model; // NULL: not given

// A real network is near on both roads, not the same, in the precision that each one prefers.
static void a_real_network_is_near(void **state)
{
    static const struct film film = {
        .width = 1280, .height = 720, .layout = DEEP3D_SEMI_PLANAR, .bits = 8};
    struct wishes w = wishes_at(1);
    struct deep3d *cpu, *on_gpu;
    struct shown s;
    struct deep3d_eyes expected;
    double error = 0;

    if (shipped_model == NULL)
        skip();
    exact = false;
    cpu = create(shipped_model, "ref");
    on_gpu = create(shipped_model, "cuda");
    s = shown_new(&film, 0);
    expected = s.eyes;
    draw(&s, &film, 0);
    for (int eye = 0; eye < 2; eye++)
        expected.pixels[eye] = s.expected[eye];
    assert_true(convert(cpu, &w, &s.here, &expected));
    assert_true(convert(on_gpu, &w, &s.there, &s.eyes));
    for (size_t i = 0; i < s.eye_bytes; i++)
        error += pow((double)s.eyes.pixels[0][i] - s.expected[0][i], 2) / (double)s.eye_bytes;
    printf("%s and %s: %.1f dB\n", deep3d_backend_name(cpu), deep3d_backend_name(on_gpu),
           10 * log10(255 * 255 / error));
    assert_true(error < 255.0 * 255 / 1e4); // 40 dB
    shown_free(&s);
    deep3d_destroy(&cpu);
    deep3d_destroy(&on_gpu);
    exact = true;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_roads_give_the_same),
        cmocka_unit_test(native_3d_is_the_same),
        cmocka_unit_test(what_comes_is_foreseen_alike),
        cmocka_unit_test(a_reset_waits),
        cmocka_unit_test(smaller_inputs_give_the_same),
        cmocka_unit_test(pictures_stay_in_the_gpu),
        cmocka_unit_test(a_full_gpu_is_survived),
        cmocka_unit_test(a_gpu_that_fails_is_survived),
        cmocka_unit_test(a_gpu_may_have_its_own_network),
        cmocka_unit_test(another_gpu_may_show_the_pictures),
        cmocka_unit_test(a_real_network_is_near),
    };
    char text[256];
    int index;

    if (kernels_gpu(NULL, &index, text, sizeof(text)) == NULL) {
        printf("SKIPPED: no GPU to test on: %s\n", text);
        return 77;
    }
    printf("on %s\n", text);
    shipped_model = argc > 1 ? argv[1] : NULL;
    assert_true(gpu->enter(index));
    log_set_sink(keep_line, NULL);
    film_network(LEVELS_MODEL, false);
    film_network(GPU_MODEL, false);
    film_network(RELATIVE_MODEL, true);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
