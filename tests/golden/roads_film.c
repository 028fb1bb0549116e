#include "tests/golden/roads_film.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/nn/onnx_write.h"

static bool packed(const struct film *f)
{
    return f->layout == DEEP3D_RGBA;
}

static size_t word(const struct film *f)
{
    return f->bits > 8 ? 2 : 1;
}

// Samples of the luma plane, and of one chroma plane.
static size_t luma_samples(const struct film *f)
{
    return (size_t)f->width * (size_t)f->height;
}

static size_t chroma_samples(const struct film *f)
{
    return (size_t)((f->width + 1) / 2) * (size_t)((f->height + 1) / 2);
}

size_t film_bytes(const struct film *f)
{
    return packed(f) ? 4 * luma_samples(f) : (luma_samples(f) + 2 * chroma_samples(f)) * word(f);
}

// 0..255 at a point of the picture; channel 0..2.
static int value_at(const struct film *f, int index, int channel, int x, int y)
{
    unsigned scene = (unsigned)(index / FILM_CUT), u = (unsigned)(x + index % FILM_CUT * 3);
    unsigned cell = u / 13 * 2654435761u ^ (unsigned)y / 11 * 40503u ^ scene * 2246822519u;
    int bar = f->height / 8, left = f->width / 3, top = f->height * 5 / 8;

    if (f->bars && (y < bar || y >= f->height - bar))
        return channel > 0 && !packed(f) ? 128 : 16;
    if (f->caption && y >= top && y < top + 20 && x >= left && x < left + f->width / 3)
        return (x - left) % 5 < 2 || (x * 7 + y / 3) % 13 < 2 ? 235 : 20;
    return (int)(30 + (cell >> (7 + channel)) % 120 + u * 7 % 40);
}

static void put(const struct film *f, uint8_t *plane, size_t at, int value)
{
    uint16_t wide = (uint16_t)((value << (f->bits - 8) | (value & 3)) << f->shift);

    if (f->bits > 8)
        memcpy(plane + at * 2, &wide, 2);
    else
        plane[at] = (uint8_t)value;
}

static void draw_chroma(const struct film *f, int index, uint8_t *plane)
{
    int width = (f->width + 1) / 2, height = (f->height + 1) / 2;
    bool semi = f->layout == DEEP3D_SEMI_PLANAR;

    for (int c = 0; c < 2; c++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                size_t i = (size_t)y * (size_t)width + (size_t)x;
                put(f, plane, semi ? 2 * i + (size_t)c : i + (size_t)c * chroma_samples(f),
                    value_at(f, index, 1 + c, 2 * x, 2 * y));
            }
}

void film_draw(const struct film *f, int index, uint8_t *planes)
{
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++) {
            size_t at = (size_t)y * (size_t)f->width + (size_t)x;
            for (int c = 0; packed(f) && c < 4; c++)
                planes[at * 4 + (size_t)c] = (uint8_t)(c < 3 ? value_at(f, index, c, x, y) : 255);
            if (!packed(f))
                put(f, planes, at, value_at(f, index, 0, x, y));
        }
    if (!packed(f))
        draw_chroma(f, index, planes + luma_samples(f) * word(f));
}

struct deep3d_picture film_picture(const struct film *f, uint8_t *planes)
{
    ptrdiff_t row = (ptrdiff_t)((size_t)f->width * word(f));
    ptrdiff_t half = (ptrdiff_t)((size_t)((f->width + 1) / 2) * word(f));
    uint8_t *chroma = planes + luma_samples(f) * word(f);
    struct deep3d_picture p = {
        .width = f->width,
        .height = f->height,
        .plane = {planes},
        .stride_bytes = {packed(f) ? (ptrdiff_t)f->width * 4 : row},
        .layout = f->layout,
        .matrix = packed(f) ? DEEP3D_MATRIX_RGB : DEEP3D_MATRIX_BT709,
        .transfer = f->transfer,
        .wide_gamut = f->transfer != DEEP3D_TRANSFER_DISPLAY,
        .bits = f->bits,
        .shift = f->shift,
        .chroma_shift_x = !packed(f),
        .chroma_shift_y = !packed(f),
        .full_range = packed(f),
        .rotation_deg = f->rotation_deg,
        .mirrored = f->mirrored,
        .packing = f->packing,
        .right_first = f->right_first,
    };

    if (packed(f))
        return p;
    p.plane[1] = chroma;
    p.stride_bytes[1] = f->layout == DEEP3D_SEMI_PLANAR ? 2 * half : half;
    if (f->layout == DEEP3D_PLANAR) {
        p.plane[2] = chroma + chroma_samples(f) * word(f);
        p.stride_bytes[2] = half;
    }
    return p;
}

void film_network(const char *path, bool relative)
{
    const int64_t in[] = {1, 3, -1, -1}, out[] = {1, relative ? 1 : 3, -1, -1}, axis[] = {1};
    struct onnx_writer *w = onnx_writer_create("film");
    FILE *stream = fopen(path, "wb");

    onnx_writer_metadata(w, "deep3d.output", relative ? "inverse_depth" : "distribution");
    onnx_writer_metadata(w, "deep3d.input_width", "96");
    onnx_writer_metadata(w, "deep3d.input_height", "64");
    onnx_writer_metadata(w, "deep3d.multiple", "16");
    onnx_writer_metadata(w, "deep3d.order", "RGB");
    onnx_writer_metadata(w, "deep3d.mean", "0");
    onnx_writer_metadata(w, "deep3d.scale", "1");
    onnx_writer_input(w, "picture", 4, in);
    onnx_writer_node(w, relative ? "ReduceMax" : "Relu", (const char *const[4]){"picture"},
                     "answer");
    if (relative)
        onnx_writer_attribute_ints(w, "axes", 1, axis);
    onnx_writer_output(w, "answer", 4, out);
    onnx_writer_save(w, stream);
    fclose(stream);
    onnx_writer_destroy(&w);
}
