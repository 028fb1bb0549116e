// Colour: every column of the table against plain C, bit for bit, and plain C against the formulas
// of the standards in 64-bit floats, written here on their own.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kernels/guard.h"

struct source {
    struct colour_job job;
    void *block[3];
    enum colour_standard standard;
    int bits, shift;
    bool full, grey;
};

static void free_source(struct source *s)
{
    for (int i = 0; i < 3; i++)
        if (s->block[i] != NULL)
            guard_free(s->block[i]);
}

// A plane of random samples with exactly the bytes it needs.
static void make_plane(struct source *s, int index, int columns, int rows, int samples,
                       bool upside_down)
{
    size_t word = s->bits > 8 ? 2 : 1, row = (size_t)(columns * samples) * word;
    uint8_t *block = guard_new(row * (size_t)rows);

    for (size_t i = 0; i < (size_t)(columns * samples * rows); i++) {
        uint32_t v = (random_next() & ((1u << s->bits) - 1)) << s->shift;
        if (word == 1)
            block[i] = (uint8_t)v;
        else
            ((uint16_t *)(void *)block)[i] = (uint16_t)v;
    }
    s->block[index] = block;
    s->job.component[index] = (struct colour_component){
        .samples = upside_down ? block + row * (size_t)(rows - 1) : block,
        .stride_bytes = upside_down ? -(ptrdiff_t)row : (ptrdiff_t)row,
        .step = samples,
    };
}

static int subsampled(int size, int shift)
{
    return (size + (1 << shift) - 1) >> shift;
}

static struct source random_source(int width, int height)
{
    static const int bits[] = {8, 8, 8, 9, 10, 12, 16};
    static const int shifts[][2] = {{0, 0}, {1, 0}, {1, 1}, {2, 0}};
    struct source s = {.bits = bits[random_int(0, 6)]};
    int layout = random_int(0, 3), sub = random_int(0, 3);
    bool flip = random_int(0, 1) != 0;

    s.shift = s.bits == 10 ? random_int(0, 1) * 6 : 0;
    s.full = random_int(0, 1) != 0;
    s.standard = (enum colour_standard)random_int(COLOUR_BT709, COLOUR_BT2020);
    s.job.width = width;
    s.job.height = height;
    if (layout == 3) { // packed R, G, B, x
        s.bits = 8, s.shift = 0, s.standard = COLOUR_IDENTITY;
        make_plane(&s, 0, width, height, 4, flip);
        for (int i = 1; i < 3; i++) {
            s.job.component[i] = s.job.component[0];
            s.job.component[i].samples += i;
        }
    } else {
        make_plane(&s, 0, width, height, 1, flip);
        make_plane(&s, 1, subsampled(width, shifts[sub][0]), subsampled(height, shifts[sub][1]),
                   layout == 1 ? 2 : 1, flip);
        if (layout == 1) {
            s.job.component[2] = s.job.component[1];
            s.job.component[2].samples += s.bits > 8 ? 2 : 1;
        } else {
            make_plane(&s, 2, subsampled(width, shifts[sub][0]), subsampled(height, shifts[sub][1]),
                       1, flip);
        }
        for (int i = 1; i < 3; i++) {
            s.job.component[i].shift_x = shifts[sub][0];
            s.job.component[i].shift_y = shifts[sub][1];
        }
    }
    s.grey = layout == 2;
    if (s.grey) {
        s.job.component[1] = s.job.component[2] = s.job.component[0];
    }
    s.job.wide = s.bits > 8;
    s.job.matrix = colour_matrix_for(s.standard, s.bits, s.shift, s.full, s.grey);
    s.job.quarter_turns = random_int(0, 3);
    s.job.mirrored = random_int(0, 1) != 0;
    s.job.threads = random_int(1, 3);
    return s;
}

static double sample_at(const struct source *s, const struct colour_component *c, int x, int y)
{
    const uint8_t *row = c->samples + y * c->stride_bytes;

    return s->bits > 8 ? (double)(((const uint16_t *)(const void *)row)[x * c->step] >> s->shift)
                       : (double)row[x * c->step];
}

static double clamped(const struct source *s, const struct colour_component *c, int x, int y)
{
    int columns = subsampled(s->job.width, c->shift_x),
        rows = subsampled(s->job.height, c->shift_y);

    x = x < columns ? x : columns - 1;
    y = y < 0 ? 0 : y < rows ? y : rows - 1;
    return sample_at(s, c, x, y);
}

// Chroma at a pixel: co-sited with the left column, midway between rows.
static double interpolated(const struct source *s, int component, int x, int y)
{
    const struct colour_component *c = &s->job.component[component];
    double u = (double)x / (1 << c->shift_x), v = c->shift_y ? ((double)y + 0.5) / 2 - 0.5 : y;
    int x0 = (int)floor(u), y0 = (int)floor(v);
    double fx = u - x0, fy = v - y0;
    double top = clamped(s, c, x0, y0) * (1 - fx) + clamped(s, c, x0 + 1, y0) * fx;
    double bottom = clamped(s, c, x0, y0 + 1) * (1 - fx) + clamped(s, c, x0 + 1, y0 + 1) * fx;

    return top * (1 - fy) + bottom * fy;
}

// The standards' equations, step by step: to 0..1 and -0.5..0.5, then to R, G, B.
static void exact_rgb(const struct source *s, int x, int y, double rgb[3])
{
    static const double kr[] = {0.2126, 0.299, 0.2627}, kb[] = {0.0722, 0.114, 0.0593};
    double scale = pow(2, s->bits - 8), top = pow(2, s->bits) - 1, v[3];

    for (int i = 0; i < 3; i++)
        v[i] = interpolated(s, i, x, y);
    if (s->standard == COLOUR_IDENTITY) {
        for (int i = 0; i < 3; i++)
            rgb[i] = s->full ? v[i] / top : (v[i] - 16 * scale) / (219 * scale);
        return;
    }
    double luma = s->full ? v[0] / top : (v[0] - 16 * scale) / (219 * scale);
    double unit = s->full ? top : 224 * scale;
    double cb = s->grey ? 0 : (v[1] - 128 * scale) / unit,
           cr = s->grey ? 0 : (v[2] - 128 * scale) / unit;
    rgb[0] = luma + 2 * (1 - kr[s->standard]) * cr;
    rgb[2] = luma + 2 * (1 - kb[s->standard]) * cb;
    rgb[1] = (luma - kr[s->standard] * rgb[0] - kb[s->standard] * rgb[2]) /
             (1 - kr[s->standard] - kb[s->standard]);
}

// Where a stored pixel stands when the picture is turned clockwise and then mirrored.
static void upright(const struct colour_job *job, int x, int y, int *column, int *row)
{
    int w = job->width, h = job->height;

    for (int turn = 0; turn < job->quarter_turns; turn++) {
        int t = x;
        x = h - 1 - y;
        y = t;
        t = w, w = h, h = t;
    }
    *column = job->mirrored ? w - 1 - x : x;
    *row = y;
}

static struct guarded_image output_for(const struct source *s)
{
    bool lying = (s->job.quarter_turns & 1) != 0;

    int width = lying ? s->job.height : s->job.width, height = lying ? s->job.width : s->job.height;

    return s->job.out_bits == 16 ? guarded_image_new16(width, height)
                                 : guarded_image_new(width, height);
}

static int sample_of(const uint8_t *pixel, int i, bool fine)
{
    return fine ? ((const uint16_t *)(const void *)pixel)[i] : pixel[i];
}

static void compare_with_formulas(const struct source *s, const struct image *out)
{
    bool fine = s->job.out_bits == 16;
    double most = fine ? 65535 : 255, tolerance = fine ? 1 : 0.502;

    for (int y = 0; y < s->job.height; y++)
        for (int x = 0; x < s->job.width; x++) {
            double rgb[3];
            int column, row;
            exact_rgb(s, x, y, rgb);
            upright(&s->job, x, y, &column, &row);
            const uint8_t *p =
                out->pixels + (size_t)row * out->stride_bytes + (size_t)column * (fine ? 8 : 4);
            for (int i = 0; i < 3; i++) {
                double want = fmin(fmax(rgb[i] * most, 0), most);
                if (fabs(sample_of(p, i, fine) - want) > tolerance)
                    fail_msg("pixel %d,%d channel %d: %d, formula says %.3f (bits %d, standard %d)",
                             x, y, i, sample_of(p, i, fine), want, s->bits, s->standard);
            }
            assert_int_equal(sample_of(p, 3, fine), most);
        }
}

static void against_formulas(void **state)
{
    random_start("colour against formulas");
    for (int i = 0; i < guard_size_count * 12; i++) {
        const int *size = guard_sizes[i % guard_size_count];
        struct source s = random_source(size[0], size[1]);
        s.job.out_bits = i % 3 == 0 ? 16 : 0;
        struct guarded_image out = output_for(&s);
        s.job.out = out.image;
        kernels_column(0)->colour(&s.job);
        compare_with_formulas(&s, &out.image);
        guarded_image_free(&out);
        free_source(&s);
    }
}

static void columns_agree(void **state)
{
    static struct colour_tone tone;

    colour_tone_init(&tone, COLOUR_TRANSFER_HLG, true);
    random_start("colour columns");
    for (int i = 0; i < guard_size_count * 20; i++) {
        const int *size = guard_sizes[i % guard_size_count];
        struct source s = random_source(size[0], size[1]);
        s.job.out_bits = i % 4 == 0 ? 16 : 8;
        s.job.bare = i % 5 == 0;
        struct guarded_image want = output_for(&s);
        s.job.tone = i % 3 == 0 ? &tone : NULL;
        size_t bytes = want.image.stride_bytes * (size_t)want.image.height;
        s.job.out = want.image;
        kernels_column(0)->colour(&s.job);
        for (int column = 1; kernels_column(column) != NULL; column++) {
            struct guarded_image got = output_for(&s);
            s.job.out = got.image;
            kernels_column(column)->colour(&s.job);
            assert_memory_equal(got.block, want.block, bytes);
            guarded_image_free(&got);
        }
        guarded_image_free(&want);
        free_source(&s);
    }
}

// One pixel of one colour.
static uint32_t convert_one(enum colour_standard standard, int bits, int shift, bool full, int y,
                            int u, int v)
{
    uint16_t words[3] = {(uint16_t)(y << shift), (uint16_t)(u << shift), (uint16_t)(v << shift)};
    uint8_t bytes[3] = {(uint8_t)y, (uint8_t)u, (uint8_t)v};
    struct guarded_image out = guarded_image_new(1, 1);
    struct colour_job job = {.width = 1,
                             .height = 1,
                             .wide = bits > 8,
                             .matrix = colour_matrix_for(standard, bits, shift, full, false),
                             .out = out.image,
                             .threads = 1};
    uint32_t pixel;

    for (int i = 0; i < 3; i++)
        job.component[i] =
            (struct colour_component){bits > 8 ? (uint8_t *)&words[i] : &bytes[i], 2, 1, 0, 0};
    kernels_best()->colour(&job);
    memcpy(&pixel, out.image.pixels, 4);
    guarded_image_free(&out);
    return pixel;
}

// Values as the standards and test charts print them (75 % and 100 % bars).
static void known_values(void **state)
{
    assert_int_equal(convert_one(COLOUR_BT709, 8, 0, false, 16, 128, 128), 0xff000000u);
    assert_int_equal(convert_one(COLOUR_BT709, 8, 0, false, 235, 128, 128), 0xffffffffu);
    assert_int_equal(convert_one(COLOUR_BT709, 8, 0, false, 63, 102, 240),
                     0xff0001ffu); // red, G = 0.6
    assert_int_equal(convert_one(COLOUR_BT601, 8, 0, false, 81, 90, 240),
                     0xff0000feu); // red, Y = 81.48
    assert_int_equal(convert_one(COLOUR_BT601, 8, 0, true, 76, 85, 255), 0xff0000feu); // JPEG's red
    assert_int_equal(convert_one(COLOUR_BT709, 10, 0, false, 940, 512, 512), 0xffffffffu);
    assert_int_equal(convert_one(COLOUR_BT709, 10, 6, false, 940, 512, 512), 0xffffffffu); // P010
    assert_int_equal(convert_one(COLOUR_BT709, 8, 0, false, 255, 128, 128),
                     0xffffffffu); // over white
    assert_int_equal(convert_one(COLOUR_IDENTITY, 8, 0, true, 10, 20, 30), 0xff1e140au);
    assert_int_equal(convert_one(COLOUR_IDENTITY, 16, 0, true, 65535, 0, 32768), 0xff8000ffu);
}

// Values that the standards print: ST 2084 and BT.2100's tables, BT.2408's levels.
static void transfer_functions(void **state)
{
    assert_float_equal(colour_pq_nits(0), 0, 1e-6);
    assert_float_equal(colour_pq_nits(1), 10000, 1e-3);
    assert_float_equal(colour_pq_nits(0.5081), 100, 0.2);
    assert_float_equal(colour_pq_nits(0.5807), 203, 0.4);
    assert_float_equal(colour_pq_nits(0.7518), 1000, 2);
    for (int i = 0; i <= 100; i++)
        assert_float_equal(colour_pq_signal(colour_pq_nits(i / 100.0)), i / 100.0, 1e-6);
    assert_float_equal(colour_hlg_light(0.5), 1.0 / 12, 1e-9);
    assert_float_equal(colour_hlg_light(1), 1, 1e-6);
    // 75 % of HLG is graphics' white: 203 cd/m2 on a display of 1000
    assert_float_equal(1000 * pow(colour_hlg_light(0.75), 1.2), 203, 1);
}

static void pressed_into_displays(void **state)
{
    double last = 0;

    assert_float_equal(colour_eetf_nits(50, 1000, 203), 50, 1e-6); // below the knee nothing changes
    assert_float_equal(colour_eetf_nits(1000, 1000, 203), 203, 1e-6);
    assert_float_equal(colour_eetf_nits(5000, 1000, 203), 203, 1e-6);
    assert_float_equal(colour_eetf_nits(500, 400, 1000), 500, 1e-6); // a display that shows it all
    for (int nits = 1; nits <= 1000; nits++) {
        double shown = colour_eetf_nits(nits, 1000, 203);

        assert_true(shown > last && shown <= nits + 1e-9);
        last = shown;
    }
}

// One grey pixel of full range, 10 bits.
static int shown_grey(const struct colour_tone *tone, int signal)
{
    struct colour_matrix m = colour_matrix_for(COLOUR_BT2020, 10, 0, true, false);
    uint32_t p = colour_pack(colour_tone_rgb(&m, tone, (float)signal, 512, 512));

    // the gamut's matrix keeps greys grey
    assert_true(abs((int)(p & 255) - (int)(p >> 8 & 255)) <= 1);
    assert_true(abs((int)(p & 255) - (int)(p >> 16 & 255)) <= 1);
    assert_int_equal(p >> 24, 255);
    return (int)(p & 255);
}

static void tones_are_shown(void **state)
{
    struct colour_tone pq, hlg;
    int last = -1;

    colour_tone_init(&pq, COLOUR_TRANSFER_PQ, true);
    colour_tone_init(&hlg, COLOUR_TRANSFER_HLG, true);
    assert_int_equal(shown_grey(&pq, 0), 0);
    assert_int_equal(shown_grey(&hlg, 0), 0);
    assert_true(shown_grey(&pq, 1023) == 255 && shown_grey(&hlg, 1023) == 255);
    assert_true(shown_grey(&pq, 769) >= 254); // 1000 cd/m2
    // 50 cd/m2 of a white of 203: sRGB of 0.2463 is 0.533
    assert_in_range(shown_grey(&pq, (int)(colour_pq_signal(50) * 1023 + 0.5)), 135, 137);
    for (int i = 0; i < 1024; i++) {
        int now = shown_grey(&pq, i);

        assert_true(now >= last && now - last <= 3);
        last = now;
    }
    // both ways to say 203 cd/m2 look alike
    assert_true(abs(shown_grey(&hlg, 767) - shown_grey(&pq, 594)) <= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_formulas),      cmocka_unit_test(columns_agree),
        cmocka_unit_test(known_values),          cmocka_unit_test(transfer_functions),
        cmocka_unit_test(pressed_into_displays), cmocka_unit_test(tones_are_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
