// Every pixel format arrives with its colours, matrix and range as tagged, orientation as recorded.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libavutil/display.h>
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "base/log.h"
#include "base/mem.h"
#include "tests/ffmpeg.h"
#include "viewer/source.h"
#include "viewer/source_picture.h"

#define WIDTH 64
#define HEIGHT 48

// --- colours out of struct deep3d_picture, by the definitions of BT.601, BT.709 and BT.2020

static double sample(const struct deep3d_picture *p, int plane, int index, int y)
{
    const uint8_t *row = p->plane[plane] + y * p->stride_bytes[plane];

    return p->bits > 8 ? ((const uint16_t *)row)[index] >> p->shift : row[index];
}

static double luma(const struct deep3d_picture *p, double v)
{
    double unit = pow(2, p->bits - 8);

    return p->full_range ? v / (pow(2, p->bits) - 1) : (v / unit - 16) / 219;
}

static double chroma(const struct deep3d_picture *p, double v)
{
    double unit = pow(2, p->bits - 8);

    return p->full_range ? (v - pow(2, p->bits - 1)) / (pow(2, p->bits) - 1)
                         : (v / unit - 128) / 224;
}

static void from_yuv(enum deep3d_matrix matrix, double y, double u, double v, double rgb[3])
{
    double kr = matrix == DEEP3D_MATRIX_BT601    ? 0.299
                : matrix == DEEP3D_MATRIX_BT2020 ? 0.2627
                                                 : 0.2126;
    double kb = matrix == DEEP3D_MATRIX_BT601    ? 0.114
                : matrix == DEEP3D_MATRIX_BT2020 ? 0.0593
                                                 : 0.0722;

    rgb[0] = y + 2 * (1 - kr) * v;
    rgb[2] = y + 2 * (1 - kb) * u;
    rgb[1] = (y - kr * rgb[0] - kb * rgb[2]) / (1 - kr - kb);
}

static void colour_at(const struct deep3d_picture *p, int x, int y, double rgb[3])
{
    int cx = x >> p->chroma_shift_x, cy = y >> p->chroma_shift_y;
    int red = p->layout == DEEP3D_RGBA ? 0 : 2;

    switch (p->layout) {
    case DEEP3D_RGBA:
    case DEEP3D_BGRA:
        for (int i = 0; i < 3; i++)
            rgb[i] = sample(p, 0, x * 4 + abs(red - i), y) / 255;
        return;
    case DEEP3D_GREY:
        rgb[0] = rgb[1] = rgb[2] = luma(p, sample(p, 0, x, y));
        return;
    case DEEP3D_SEMI_PLANAR:
        from_yuv(p->matrix, luma(p, sample(p, 0, x, y)), chroma(p, sample(p, 1, cx * 2, cy)),
                 chroma(p, sample(p, 1, cx * 2 + 1, cy)), rgb);
        return;
    case DEEP3D_PLANAR:
        if (p->matrix == DEEP3D_MATRIX_RGB) {
            for (int i = 0; i < 3; i++)
                rgb[i] = luma(p, sample(p, (i + 2) % 3, x, y));
            return;
        }
        from_yuv(p->matrix, luma(p, sample(p, 0, x, y)), chroma(p, sample(p, 1, cx, cy)),
                 chroma(p, sample(p, 2, cx, cy)), rgb);
        return;
    }
}

// --- one picture: red, green / blue, white

#define QUADRANT(rgb, name) "color=" rgb ":s=32x24:r=25:d=0.04,format=gbrp[" name "];"
#define PATTERN                                                                                    \
    QUADRANT("0xFF0000", "a")                                                                      \
    QUADRANT("0x00FF00", "b")                                                                      \
    QUADRANT("0x0000FF", "c")                                                                      \
    QUADRANT("0xFFFFFF", "d") "[a][b]hstack[e];[c][d]hstack[f];[e][f]vstack,"

static const double quadrants[4][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 1, 1}};

static struct frame *first_frame(const char *url, struct source **out_source)
{
    struct frame *f = NULL;

    *out_source = source_open(&(struct source_params){.url = url, .no_audio = true});
    if (!*out_source)
        printf("cannot open %s\n", url);
    assert_non_null(*out_source);
    assert_int_equal(source_read_video(*out_source, &f), SOURCE_OK);
    assert_int_equal(f->picture.width, f->av->width);
    assert_int_equal(f->picture.height, f->av->height);
    return f;
}

static void assert_pattern(const char *what, const struct deep3d_picture *p, double within)
{
    for (int q = 0; q < 4; q++) {
        double rgb[3] = {0}, want[3];
        const double *c = quadrants[q];

        colour_at(p, p->width / 4 + (q % 2) * p->width / 2, p->height / 4 + q / 2 * p->height / 2,
                  rgb);
        for (int i = 0; i < 3; i++) {
            want[i] = p->layout == DEEP3D_GREY ? 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2] : c[i];
            if (fabs(rgb[i] - want[i]) > within)
                printf("%s: quadrant %d is %.3f %.3f %.3f\n", what, q, rgb[0], rgb[1], rgb[2]);
            assert_true(fabs(rgb[i] - want[i]) <= within);
        }
    }
}

struct format_case {
    const char *name;
    const char *becomes; // NULL: stays as it is
    enum deep3d_layout layout;
    int bits, shift;
};

static void pixel_formats(void **state)
{
    static const struct format_case cases[] = {
        {"yuv420p", NULL, DEEP3D_PLANAR, 8, 0},
        {"yuv422p", NULL, DEEP3D_PLANAR, 8, 0},
        {"yuv444p", NULL, DEEP3D_PLANAR, 8, 0},
        {"yuv411p", NULL, DEEP3D_PLANAR, 8, 0},
        {"yuv440p", NULL, DEEP3D_PLANAR, 8, 0},
        {"yuvj420p", NULL, DEEP3D_PLANAR, 8, 0},
        {"yuvj422p", NULL, DEEP3D_PLANAR, 8, 0},
        {"yuvj444p", NULL, DEEP3D_PLANAR, 8, 0},
        {"yuv420p9le", NULL, DEEP3D_PLANAR, 9, 0},
        {"yuv420p10le", NULL, DEEP3D_PLANAR, 10, 0},
        {"yuv422p10le", NULL, DEEP3D_PLANAR, 10, 0},
        {"yuv444p10le", NULL, DEEP3D_PLANAR, 10, 0},
        {"yuv422p12le", NULL, DEEP3D_PLANAR, 12, 0},
        {"yuv440p12le", NULL, DEEP3D_PLANAR, 12, 0},
        {"yuv444p14le", NULL, DEEP3D_PLANAR, 14, 0},
        {"yuv420p16le", NULL, DEEP3D_PLANAR, 16, 0},
        {"yuv444p16le", NULL, DEEP3D_PLANAR, 16, 0},
        {"yuva420p", NULL, DEEP3D_PLANAR, 8, 0},
        {"yuva444p10le", NULL, DEEP3D_PLANAR, 10, 0},
        {"nv12", NULL, DEEP3D_SEMI_PLANAR, 8, 0},
        {"nv16", NULL, DEEP3D_SEMI_PLANAR, 8, 0},
        {"nv24", NULL, DEEP3D_SEMI_PLANAR, 8, 0},
        {"p010le", NULL, DEEP3D_SEMI_PLANAR, 10, 6},
        {"p016le", NULL, DEEP3D_SEMI_PLANAR, 16, 0},
        {"gbrp", NULL, DEEP3D_PLANAR, 8, 0},
        {"gbrp10le", NULL, DEEP3D_PLANAR, 10, 0},
        {"gbrp12le", NULL, DEEP3D_PLANAR, 12, 0},
        {"gbrp16le", NULL, DEEP3D_PLANAR, 16, 0},
        {"gbrap", NULL, DEEP3D_PLANAR, 8, 0},
        {"gray", NULL, DEEP3D_GREY, 8, 0},
        {"gray10le", NULL, DEEP3D_GREY, 10, 0},
        {"gray16le", NULL, DEEP3D_GREY, 16, 0},
        {"rgba", NULL, DEEP3D_RGBA, 8, 0},
        {"bgra", NULL, DEEP3D_BGRA, 8, 0},
        {"rgb0", NULL, DEEP3D_RGBA, 8, 0},
        {"bgr0", NULL, DEEP3D_BGRA, 8, 0},
        {"rgb24", "rgba", DEEP3D_RGBA, 8, 0},
        {"bgr24", "rgba", DEEP3D_RGBA, 8, 0},
        {"argb", "rgba", DEEP3D_RGBA, 8, 0},
        {"0bgr", "rgba", DEEP3D_RGBA, 8, 0},
        {"rgb565le", "rgba", DEEP3D_RGBA, 8, 0},
        {"bgr8", "rgba", DEEP3D_RGBA, 8, 0},
        {"pal8", "rgba", DEEP3D_RGBA, 8, 0},
        {"rgb48le", "gbrp16le", DEEP3D_PLANAR, 16, 0},
        {"rgba64be", "gbrp16le", DEEP3D_PLANAR, 16, 0},
        {"x2rgb10le", "gbrp16le", DEEP3D_PLANAR, 16, 0},
        {"gbrp10be", "gbrp16le", DEEP3D_PLANAR, 16, 0},
        {"gbrpf32le", "gbrp16le", DEEP3D_PLANAR, 16, 0},
        {"yuyv422", "yuv422p", DEEP3D_PLANAR, 8, 0},
        {"uyvy422", "yuv422p", DEEP3D_PLANAR, 8, 0},
        {"nv21", "yuv420p", DEEP3D_PLANAR, 8, 0},
        {"yuv410p", "yuv420p", DEEP3D_PLANAR, 8, 0},
        {"yuv420p10be", "yuv420p16le", DEEP3D_PLANAR, 16, 0},
        {"yuv444p16be", "yuv444p16le", DEEP3D_PLANAR, 16, 0},
        {"gray12be", "gray16le", DEEP3D_GREY, 16, 0},
        {"ya8", "gray", DEEP3D_GREY, 8, 0},
        {"monow", "gray", DEEP3D_GREY, 8, 0},
        {"grayf32le", "gray16le", DEEP3D_GREY, 16, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct format_case *c = &cases[i];
        char *url = mem_printf("lavfi:" PATTERN "format=%s", c->name);
        const char *name;
        struct source *source;
        struct frame *f;
        const struct deep3d_picture *p;

        if (!sws_isSupportedOutput(av_get_pix_fmt(c->name))) {
            printf("%s: left out, this FFmpeg cannot make it\n", c->name);
            mem_free(url);
            continue;
        }
        f = first_frame(url, &source);
        p = &f->picture;
        name = av_get_pix_fmt_name(f->av->format);
        if (strcmp(name, c->becomes ? c->becomes : c->name) != 0 || p->layout != c->layout)
            printf("%s became %s, layout %d\n", c->name, name, (int)p->layout);
        assert_string_equal(name, c->becomes ? c->becomes : c->name);
        assert_int_equal(p->layout, c->layout);
        assert_int_equal(p->bits, c->bits);
        assert_int_equal(p->shift, c->shift);
        assert_true(p->plane[0] == f->av->data[0]);
        // one bit a pixel is dithered; FFmpeg's versions differ in how they make floating grey
        if (strcmp(c->name, "monow") != 0 && strcmp(c->name, "grayf32le") != 0)
            assert_pattern(c->name, p, 0.03);
        source_give_back(source, f);
        source_close(&source);
        mem_free(url);
    }
}

// --- tags

static void matrix_and_range_as_tagged(void **state)
{
    static const struct {
        const char *scale, *tag;
        enum deep3d_matrix matrix;
    } matrices[] = {{"bt709", "bt709", DEEP3D_MATRIX_BT709},
                    {"smpte170m", "smpte170m", DEEP3D_MATRIX_BT601},
                    {"bt470bg", "bt470bg", DEEP3D_MATRIX_BT601},
                    {"bt2020", "bt2020nc", DEEP3D_MATRIX_BT2020}};

    for (int i = 0; i < 8; i++) {
        const char *range = i / 4 ? "pc" : "tv";
        char *arguments = mem_printf("-f lavfi -i \"" PATTERN
                                     "scale=out_color_matrix=%s:out_range=%s,format=yuv444p\" "
                                     "-colorspace %s -color_range %s -c:v libx264 -qp 1 tags.mkv",
                                     matrices[i % 4].scale, range, matrices[i % 4].tag, range);
        struct source *source;
        struct frame *f;

        ffmpeg(arguments);
        f = first_frame("tags.mkv", &source);
        assert_int_equal(f->picture.matrix, matrices[i % 4].matrix);
        assert_int_equal(f->picture.full_range, i / 4);
        assert_pattern(arguments, &f->picture, 0.02);
        source_give_back(source, f);
        source_close(&source);
        mem_free(arguments);
    }
}

// What the stream says its samples mean as light.
static void transfer_as_tagged(void **state)
{
    static const struct {
        const char *transfer, *primaries;
        enum deep3d_transfer expected;
        bool wide;
    } tags[] = {{"smpte2084", "bt2020", DEEP3D_TRANSFER_PQ, true},
                {"arib-std-b67", "bt2020", DEEP3D_TRANSFER_HLG, true},
                {"smpte2084", "bt709", DEEP3D_TRANSFER_PQ, false},
                {"bt709", "bt709", DEEP3D_TRANSFER_DISPLAY, false}};

    for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
        char *arguments = mem_printf(
            "-f lavfi -i color=size=64x48:duration=0.1 -color_trc %s -color_primaries %s "
            "-c:v libx264 light.mkv",
            tags[i].transfer, tags[i].primaries);
        struct source *source;
        struct frame *f;

        ffmpeg(arguments);
        f = first_frame("light.mkv", &source);
        assert_int_equal(f->picture.transfer, tags[i].expected);
        assert_int_equal(f->picture.wide_gamut, tags[i].wide);
        source_give_back(source, f);
        source_close(&source);
        mem_free(arguments);
    }
}

static void untagged_matrix_by_size(void **state)
{
    static const struct {
        const char *size;
        enum deep3d_matrix matrix;
    } cases[] = {{"640x480", DEEP3D_MATRIX_BT601},
                 {"720x576", DEEP3D_MATRIX_BT601},
                 {"1280x544", DEEP3D_MATRIX_BT709},
                 {"960x720", DEEP3D_MATRIX_BT709}};

    for (int i = 0; i < 4; i++) {
        char *url = mem_printf("lavfi:color=red:s=%s:d=0.04,format=yuv420p", cases[i].size);
        struct source *source;
        struct frame *f = first_frame(url, &source);

        assert_int_equal(f->picture.matrix, cases[i].matrix);
        assert_false(f->picture.full_range);
        source_give_back(source, f);
        source_close(&source);
        mem_free(url);
    }
}

// Of one colour all over; the left third is opaque, the middle one half, the right one not at all.
static void transparent_photographs_lie_on_black(void **state)
{
    static const struct {
        const char *pixels, *name;
        int bits;
        bool halves; // can be half transparent
    } cases[] = {
        {"format=rgba", "clear.png", 8, true},
        {"format=ya8", "clear.png", 8, true},
        {"format=rgba64be", "clear.png", 16, true},
        {"format=ya16be", "clear.png", 16, true},
        {"split[a][b];[a]palettegen[p];[b][p]paletteuse", "clear.png", 8, false},
        {"format=yuva420p", "clear.webp", 8, true},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *arguments =
            mem_printf("-f lavfi -i \"color=s=63x48:d=0.04,format=rgba,"
                       "geq=r=200:g=200:b=200:a='if(lt(X,21),255,if(lt(X,42),128,0))',"
                       "%s\" -frames:v 1 %s",
                       cases[i].pixels, cases[i].name);
        struct source *source;
        struct frame *f;

        ffmpeg(arguments);
        f = first_frame(cases[i].name, &source);
        assert_int_equal(f->picture.bits, cases[i].bits);
        for (int third = 0; third < 3; third++) {
            double want = third == 0 ? 200.0 / 255 : third == 1 ? 100.0 / 255 : 0, rgb[3];

            colour_at(&f->picture, 10 + third * 21, 24, rgb);
            for (int c = 0; c < 3 && (third != 1 || cases[i].halves); c++) {
                if (fabs(rgb[c] - want) > 0.01)
                    printf("%s: third %d is %.3f, not %.3f\n", cases[i].pixels, third, rgb[c],
                           want);
                assert_true(fabs(rgb[c] - want) <= 0.01);
            }
        }
        source_give_back(source, f);
        source_close(&source);
        mem_free(arguments);
    }
}

// --- orientation

// Where a stored direction points in the upright picture, as struct deep3d_picture says it: first
// the turn, clockwise, then the flip.
static void turn(const struct deep3d_picture *p, int x, int y, int *out_x, int *out_y)
{
    for (int deg = 0; deg < p->rotation_deg; deg += 90) {
        int old_x = x;

        x = -y;
        y = old_x;
    }
    *out_x = p->mirrored ? -x : x;
    *out_y = y;
}

static void display_matrices(void **state)
{
    for (int i = 0; i < 16; i++) {
        struct deep3d_picture p = {.width = 4, .height = 2};
        int32_t m[9];

        av_display_rotation_set(m, i % 4 * 90 + (i % 3 - 1) * 20); // not quite right angles, too
        av_display_matrix_flip(m, i / 4 & 1, i / 8);
        picture_orient(&p, m);
        for (int k = 0; k < 2; k++) {
            int x, y, want_x = m[k * 3], want_y = m[k * 3 + 1];

            turn(&p, k == 0, k == 1, &x, &y);
            // the same direction: at most 20 degrees apart
            assert_true((double)x * want_x + (double)y * want_y > 65536 * 0.9);
        }
    }
}

static void absurd_matrices_change_nothing(void **state)
{
    static const int32_t matrices[][9] = {
        {0},
        {65536, 65536, 0, 65536, 65536, 0, 0, 0, 1 << 30},
        {0, 0, 0, INT32_MAX, INT32_MIN, 0, 0, 0, 1},
    };

    for (int i = 0; i < 3; i++) {
        struct deep3d_picture p = {.width = 4, .height = 2};

        picture_orient(&p, matrices[i]);
        assert_int_equal(p.rotation_deg, 0);
        assert_false(p.mirrored);
    }
}

// Writes a copy of an MP4 with another matrix in its track headers.
static void write_turned(const char *from, const char *to, const int32_t matrix[4])
{
    FILE *f = fopen(from, "rb");
    static uint8_t bytes[1 << 20];
    size_t size = fread(bytes, 1, sizeof(bytes), f);

    fclose(f);
    for (size_t i = 0; i + 92 < size; i++) {
        if (memcmp(bytes + i, "tkhd", 4) != 0)
            continue;
        for (int k = 0; k < 4; k++) {
            static const int at[4] = {0, 1, 3, 4};
            uint8_t *out = bytes + i + 44 + at[k] * 4;

            for (int b = 0; b < 4; b++)
                out[b] = (uint8_t)((uint32_t)matrix[k] >> (24 - 8 * b));
        }
    }
    f = fopen(to, "wb");
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

static void films_stand_upright(void **state)
{
    static const struct {
        int32_t matrix[4];
        int rotation_deg;
        bool mirrored;
    } cases[] = {
        {{65536, 0, 0, 65536}, 0, false},     {{0, 65536, -65536, 0}, 90, false},
        {{-65536, 0, 0, -65536}, 180, false}, {{0, -65536, 65536, 0}, 270, false},
        {{-65536, 0, 0, 65536}, 0, true},     {{0, 65536, 65536, 0}, 90, true},
    };

    // pixels twice as high as wide
    ffmpeg("-f lavfi -i color=red:s=64x32:d=0.2,setsar=1/2 -c:v libx264 -pix_fmt yuv420p turn.mp4");
    for (int i = 0; i < 6; i++) {
        struct source *source;
        struct frame *f;
        bool turned = cases[i].rotation_deg % 180 != 0;

        write_turned("turn.mp4", "turned.mp4", cases[i].matrix);
        f = first_frame("turned.mp4", &source);
        assert_int_equal(f->picture.rotation_deg, cases[i].rotation_deg);
        assert_int_equal(f->picture.mirrored, cases[i].mirrored);
        assert_int_equal(f->picture.width, 64);
        assert_int_equal(source_info(source)->width, turned ? 32 : 64);
        assert_int_equal(source_info(source)->height, turned ? 64 : 32);
        assert_true(fabs(f->aspect - 1) < 1e-6);
        assert_true(source_info(source)->aspect == f->aspect);
        source_give_back(source, f);
        source_close(&source);
    }
}

// EXIF with nothing but an orientation.
#define EXIF(orientation)                                                                          \
    'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, (uint8_t)(orientation), 0, 0, \
        0, 0, 0, 0

static uint8_t photograph[1 << 16];

static size_t read_photograph(const char *from)
{
    FILE *f = fopen(from, "rb");
    size_t size = fread(photograph, 1, sizeof(photograph), f);

    fclose(f);
    return size;
}

// A segment behind the JPEG's first marker.
// Of the next picture after a seek to the beginning, as a person reads it now.
static struct deep3d_picture read_as(struct source *s, enum stereo_input input, bool swap_eyes,
                                     double *out_aspect)
{
    struct deep3d_picture picture;
    struct frame *f;

    source_set_input(s, input, swap_eyes);
    source_seek(s, 0);
    assert_int_equal(source_read_video(s, &f), SOURCE_OK);
    picture = f->picture;
    *out_aspect = f->aspect;
    source_give_back(s, f);
    return picture;
}

static void eyes_are_read_as_a_person_says_meanwhile(void **state)
{
    struct deep3d_picture p;
    struct source *s;
    double aspect;

    ffmpeg("-f lavfi -i testsrc2=s=320x90:d=1 -c:v libx264 -pix_fmt yuv420p eyes.sbs.mp4");
    s = source_open(&(struct source_params){.url = "eyes.sbs.mp4"});
    assert_non_null(s);
    p = read_as(s, STEREO_INPUT_FLAT, false, &aspect);
    assert_int_equal(p.packing, DEEP3D_ONE_EYE);
    assert_float_equal(aspect, 32.0 / 9, 1e-6);
    p = read_as(s, STEREO_INPUT_HALF_TB, true, &aspect);
    assert_int_equal(p.packing, DEEP3D_TOP_BOTTOM);
    assert_true(p.right_first);
    assert_float_equal(aspect, 32.0 / 9, 1e-6);
    p = read_as(s, STEREO_INPUT_AUTO, false, &aspect);
    assert_int_equal(p.packing, DEEP3D_SIDE_BY_SIDE);
    assert_false(p.right_first);
    assert_float_equal(aspect, 16.0 / 9, 1e-6);
    source_close(&s);
}

static void write_jpeg(const char *from, const char *to, int orientation)
{
    uint8_t exif[] = {0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, EXIF(orientation)};
    size_t size = read_photograph(from);
    FILE *f = fopen(to, "wb");

    fwrite(photograph, 1, 2, f);
    fwrite(exif, 1, sizeof(exif), f);
    fwrite(photograph + 2, 1, size - 2, f);
    fclose(f);
}

// A VP8X chunk, which says that EXIF follows, before the picture's own, and EXIF behind it.
static void write_webp(const char *from, const char *to, int orientation)
{
    uint8_t exif[] = {'E', 'X', 'I', 'F', 26, 0, 0, 0, EXIF(orientation)};
    uint8_t extended[] = {'V', 'P', '8', 'X',       10, 0, 0,          0, 8,
                          0,   0,   0,   WIDTH - 1, 0,  0, HEIGHT - 1, 0, 0};
    size_t size = read_photograph(from);
    uint32_t riff = (uint32_t)(size - 8 + sizeof(extended) + sizeof(exif));
    FILE *f = fopen(to, "wb");

    for (int i = 0; i < 4; i++)
        photograph[4 + i] = (uint8_t)(riff >> (8 * i));
    fwrite(photograph, 1, 12, f);
    fwrite(extended, 1, sizeof(extended), f);
    fwrite(photograph + 12, 1, size - 12, f);
    fwrite(exif, 1, sizeof(exif), f);
    fclose(f);
}

// An eXIf chunk behind IHDR; nobody looks at its checksum.
static void write_png(const char *from, const char *to, int orientation)
{
    uint8_t exif[] = {0, 0, 0, 26, 'e', 'X', 'I', 'f', EXIF(orientation), 0, 0, 0, 0};
    size_t size = read_photograph(from);
    FILE *f = fopen(to, "wb");

    fwrite(photograph, 1, 33, f);
    fwrite(exif, 1, sizeof(exif), f);
    fwrite(photograph + 33, 1, size - 33, f);
    fclose(f);
}

static void photographs_stand_upright(void **state)
{
    static const struct {
        int rotation_deg;
        bool mirrored;
    } want[9] = {{0},        {0, false},  {0, true},   {180, false}, {180, true},
                 {90, true}, {90, false}, {270, true}, {270, false}};

    ffmpeg("-f lavfi -i \"" PATTERN "format=yuvj444p\" -frames:v 1 -q:v 1 exif.jpg");
    ffmpeg("-f lavfi -i \"" PATTERN "format=bgra\" -frames:v 1 -lossless 1 exif.webp");
    ffmpeg("-f lavfi -i \"" PATTERN "format=rgb24\" -frames:v 1 exif.png");
    for (int i = 0; i < 24; i++) {
        static const struct {
            const char *from, *to;
            void (*write)(const char *from, const char *to, int orientation);
        } kinds[] = {{"exif.jpg", "oriented.jpg", write_jpeg},
                     {"exif.webp", "oriented.webp", write_webp},
                     {"exif.png", "oriented.png", write_png}};
        int orientation = i / 3 + 1;
        const char *from = kinds[i % 3].from, *to = kinds[i % 3].to;
        struct source *source;
        struct frame *f;

        kinds[i % 3].write(from, to, orientation);
        f = first_frame(to, &source);
        if (f->picture.rotation_deg != want[orientation].rotation_deg)
            printf("%s: orientation %d gives %d\n", to, orientation, f->picture.rotation_deg);
        assert_int_equal(f->picture.rotation_deg, want[orientation].rotation_deg);
        assert_int_equal(f->picture.mirrored, want[orientation].mirrored);
        assert_true(f->picture.full_range);
        assert_int_equal(f->picture.matrix, i % 3 ? DEEP3D_MATRIX_RGB : DEEP3D_MATRIX_BT601);
        assert_pattern(from, &f->picture, 0.03);
        source_give_back(source, f);
        source_close(&source);
    }
}

// What phones keep: tiles of HEVC in a HEIF, put together and turned by libheif.
static void heic_photographs(void **state)
{
    struct source *source;
    struct frame *f;
    size_t size;
    FILE *file;

    ffmpeg("-f lavfi -i \"" PATTERN "format=rgb24\" -frames:v 1 heic.png");
    assert_int_equal(system("heif-enc -q 95 heic.png -o heic.heic >heif-enc.log 2>&1"), 0);
    f = first_frame("heic.heic", &source);
    assert_true(source_info(source)->image);
    assert_pattern("heic.heic", &f->picture, 0.06);
    source_give_back(source, f);
    source_close(&source);

    size = read_photograph("heic.heic");
    file = fopen("cut.heic", "wb");
    fwrite(photograph, 1, size / 2, file);
    fclose(file);
    assert_null(source_open(&(struct source_params){.url = "cut.heic"}));
}

// --- interlaced films

struct film {
    int pictures;
    int64_t times; // of all begins
    double comb;   // how much rows differ from both beside them, all in all
};

static struct film read_film(const char *url, bool keep_fields)
{
    struct source *source = source_open(
        &(struct source_params){.url = url, .no_audio = true, .keep_fields = keep_fields});
    struct film film = {0};
    struct frame *f;

    assert_non_null(source);
    while (source_read_video(source, &f) == SOURCE_OK) {
        const struct deep3d_picture *p = &f->picture;

        film.pictures++;
        film.times += f->pts_ns;
        for (int y = 1; y + 1 < p->height; y++)
            for (int x = 0; x < p->width; x++)
                film.comb +=
                    fabs(2 * sample(p, 0, x, y) - sample(p, 0, x, y - 1) - sample(p, 0, x, y + 1));
        source_give_back(source, f);
    }
    source_close(&source);
    return film;
}

// A bar that moves from field to field has teeth on both sides, and none once the fields are apart.
// No picture is lost, and none moves in time, also where their size changes in the middle.
static void interlaced_films_are_deinterlaced(void **state)
{
#define WOVEN(width, name)                                                                         \
    "-filter_complex \"color=black:s=" width                                                       \
    "x96:r=50:d=0.6[a];color=white:s=16x96:r=50:d=0.6[b];"                                         \
    "[a][b]overlay=x=t*80,tinterlace=interleave_top\" -c:v mpeg2video -b:v 4M -flags "             \
    "+ilme+ildct " name
    struct film kept, apart;

    ffmpeg(WOVEN("128", "woven1.mpg"));
    ffmpeg(WOVEN("160", "woven2.mpg"));
    assert_int_equal(system("cat woven1.mpg woven2.mpg > woven.mpg"), 0);
    kept = read_film("woven.mpg", true);
    apart = read_film("woven.mpg", false);
    assert_in_range(kept.pictures, 28, 30);
    assert_int_equal(apart.pictures, kept.pictures);
    assert_int_equal(apart.times, kept.times);
    assert_true(kept.comb > 0 && apart.comb < kept.comb / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixel_formats),
        cmocka_unit_test(matrix_and_range_as_tagged),
        cmocka_unit_test(transfer_as_tagged),
        cmocka_unit_test(untagged_matrix_by_size),
        cmocka_unit_test(transparent_photographs_lie_on_black),
        cmocka_unit_test(display_matrices),
        cmocka_unit_test(absurd_matrices_change_nothing),
        cmocka_unit_test(films_stand_upright),
        cmocka_unit_test(eyes_are_read_as_a_person_says_meanwhile),
        cmocka_unit_test(photographs_stand_upright),
        cmocka_unit_test(heic_photographs),
        cmocka_unit_test(interlaced_films_are_deinterlaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
