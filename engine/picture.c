#include "engine/picture.h"

#include <stdlib.h>

#include "base/log.h"

static bool is_packed(enum deep3d_layout layout)
{
    return layout == DEEP3D_RGBA || layout == DEEP3D_BGRA;
}

static int plane_count(enum deep3d_layout layout)
{
    return layout == DEEP3D_PLANAR ? 3 : layout == DEEP3D_SEMI_PLANAR ? 2 : 1;
}

static bool refuse(const char *what, long value)
{
    log_error("picture refused: %s (%ld)", what, value);
    return false;
}

static bool check_size(const struct deep3d_picture *p)
{
    if (p->width < 1 || p->width > DEEP3D_MAX_SIDE_PX)
        return refuse("width is not 1..16384", p->width);
    if (p->height < 1 || p->height > DEEP3D_MAX_SIDE_PX)
        return refuse("height is not 1..16384", p->height);
    if (p->rotation_deg != 0 && p->rotation_deg != 90 && p->rotation_deg != 180 &&
        p->rotation_deg != 270)
        return refuse("rotation is not 0, 90, 180 or 270", p->rotation_deg);
    return true;
}

// log2 of chroma subsampling, 0 where there is no chroma plane.
static int chroma_shift(const struct deep3d_picture *p, int shift)
{
    return plane_count(p->layout) > 1 ? shift : 0;
}

struct deep3d_size picture_eye_size(const struct deep3d_picture *p)
{
    struct deep3d_size size = {p->width, p->height};
    int shift_x = chroma_shift(p, p->chroma_shift_x), shift_y = chroma_shift(p, p->chroma_shift_y);

    if (p->packing == DEEP3D_SIDE_BY_SIDE)
        size.width = p->width / 2 >> shift_x << shift_x;
    else if (p->packing == DEEP3D_TOP_BOTTOM)
        size.height = p->height / 2 >> shift_y << shift_y;
    return size;
}

static bool check_packing(const struct deep3d_picture *p)
{
    struct deep3d_size eye;

    if ((unsigned)p->packing > DEEP3D_TOP_BOTTOM)
        return refuse("unknown packing", p->packing);
    eye = picture_eye_size(p);
    if (eye.width < 1 || eye.height < 1)
        return refuse("it is too small to show both eyes", eye.width < 1 ? p->width : p->height);
    return true;
}

static bool check_samples(const struct deep3d_picture *p)
{
    if (p->layout < DEEP3D_PLANAR || p->layout > DEEP3D_BGRA)
        return refuse("unknown layout", p->layout);
    if (p->matrix < DEEP3D_MATRIX_BT709 || p->matrix > DEEP3D_MATRIX_RGB)
        return refuse("unknown colour matrix", p->matrix);
    if (p->transfer < DEEP3D_TRANSFER_DISPLAY || p->transfer > DEEP3D_TRANSFER_HLG)
        return refuse("unknown transfer function", p->transfer);
    if (p->bits < 8 || p->bits > 16)
        return refuse("bits of a sample are not 8..16", p->bits);
    if (p->shift < 0 || p->bits + p->shift > (p->bits > 8 ? 16 : 8))
        return refuse("samples are shifted out of their words", p->shift);
    if (is_packed(p->layout) && p->bits != 8)
        return refuse("RGBA and BGRA have 8 bits a sample", p->bits);
    if (p->layout == DEEP3D_SEMI_PLANAR && p->matrix == DEEP3D_MATRIX_RGB)
        return refuse("no semi-planar layout of R, G and B is known", p->layout);
    if (p->layout != DEEP3D_PLANAR && p->layout != DEEP3D_SEMI_PLANAR)
        return true; // no chroma planes
    if (p->chroma_shift_x < 0 || p->chroma_shift_x > 2)
        return refuse("horizontal chroma shift is not 0..2", p->chroma_shift_x);
    if (p->chroma_shift_y < 0 || p->chroma_shift_y > 1)
        return refuse("vertical chroma shift is not 0..1", p->chroma_shift_y);
    if (p->matrix == DEEP3D_MATRIX_RGB && (p->chroma_shift_x != 0 || p->chroma_shift_y != 0))
        return refuse("R, G and B have no subsampling", p->chroma_shift_x);
    return true;
}

int picture_planes(const struct deep3d_picture *p)
{
    return plane_count(p->layout);
}

int picture_rows(const struct deep3d_picture *p, int plane)
{
    return plane > 0 ? (p->height + (1 << p->chroma_shift_y) - 1) >> p->chroma_shift_y : p->height;
}

// Samples of a row of the plane, all components together.
static long row_samples(const struct deep3d_picture *p, int plane)
{
    long chroma = (p->width + (1 << p->chroma_shift_x) - 1) >> p->chroma_shift_x;

    if (is_packed(p->layout))
        return (long)p->width * 4;
    if (plane == 0)
        return p->width;
    return p->layout == DEEP3D_SEMI_PLANAR ? chroma * 2 : chroma;
}

size_t picture_row_bytes(const struct deep3d_picture *p, int plane)
{
    return (size_t)row_samples(p, plane) * (p->bits > 8 ? 2 : 1);
}

struct deep3d_picture picture_eye(const struct deep3d_picture *p, int eye)
{
    struct deep3d_size size = picture_eye_size(p);
    bool second = (eye == 1) != p->right_first;
    struct deep3d_picture out = *p, before = *p; // before: what lies left of the eye, or above it
    int shift_x = chroma_shift(p, p->chroma_shift_x), shift_y = chroma_shift(p, p->chroma_shift_y);

    before.width = second ? (p->width - size.width) >> shift_x << shift_x : 0;
    before.height = second ? (p->height - size.height) >> shift_y << shift_y : 0;
    out.width = size.width;
    out.height = size.height;
    out.packing = DEEP3D_ONE_EYE;
    for (int i = 0; i < plane_count(p->layout); i++)
        out.plane[i] += picture_rows(&before, i) * p->stride_bytes[i] +
                        (ptrdiff_t)picture_row_bytes(&before, i);
    return out;
}

static bool check_planes(const struct deep3d_picture *p)
{
    for (int i = 0; i < plane_count(p->layout); i++) {
        long bytes = (long)picture_row_bytes(p, i), stride = labs((long)p->stride_bytes[i]);
        if (p->plane[i] == NULL)
            return refuse("a plane is missing", i);
        // one row needs no stride
        if (p->height > 1 && stride < bytes)
            return refuse("a plane's stride is shorter than its row", (long)p->stride_bytes[i]);
        if (p->bits > 8 && (((uintptr_t)p->plane[i] | (uintptr_t)p->stride_bytes[i]) & 1) != 0)
            return refuse("a plane of 16-bit words lies at an odd address", i);
    }
    return true;
}

static bool check_memory(const struct deep3d_picture *p, bool gpu)
{
    if (p->memory == DEEP3D_MEMORY_HOST || (gpu && p->memory == DEEP3D_MEMORY_CUDA))
        return true;
    return refuse("it is in GPU memory, but the converter is not; give it one in host memory",
                  p->memory);
}

bool picture_check(const struct deep3d_picture *picture, bool gpu)
{
    if (picture == NULL)
        return refuse("there is none", 0);
    return check_memory(picture, gpu) && check_size(picture) && check_samples(picture) &&
           check_packing(picture) && check_planes(picture);
}

static bool check_eyes_size(const struct deep3d_picture *picture, const struct deep3d_eyes *eyes)
{
    int width, height;

    deep3d_eyes_size(picture, &width, &height);
    if (eyes->width == width && eyes->height == height)
        return true;
    log_error("eyes of %dx%d do not fit a picture that is %dx%d when upright", eyes->width,
              eyes->height, width, height);
    return false;
}

bool picture_check_eyes(const struct deep3d_picture *picture, const struct deep3d_eyes *eyes,
                        bool gpu)
{
    size_t pixel_bytes = eyes->bits == 16 ? 8 : 4;

    if (!check_eyes_size(picture, eyes))
        return false;
    if (eyes->bits != 0 && eyes->bits != 8 && eyes->bits != 16) {
        log_error("eyes have 8 or 16 bits a sample, not %d", eyes->bits);
        return false;
    }
    if (eyes->pixels[0] == NULL || eyes->pixels[1] == NULL ||
        eyes->stride_bytes < (size_t)eyes->width * pixel_bytes ||
        eyes->stride_bytes % pixel_bytes != 0) {
        log_error("eyes have no memory, or rows of %zu bytes that do not fit %d pixels",
                  eyes->stride_bytes, eyes->width);
        return false;
    }
    if (eyes->memory == DEEP3D_MEMORY_HOST || gpu)
        return true;
    log_error("the eyes are in GPU memory, but the converter is not; give it host memory");
    return false;
}

static enum colour_standard standard_of(const struct deep3d_picture *p)
{
    if (is_packed(p->layout))
        return COLOUR_IDENTITY;
    if (p->matrix == DEEP3D_MATRIX_RGB)
        return p->layout == DEEP3D_GREY ? COLOUR_BT709 : COLOUR_IDENTITY;
    return p->matrix == DEEP3D_MATRIX_BT601    ? COLOUR_BT601
           : p->matrix == DEEP3D_MATRIX_BT2020 ? COLOUR_BT2020
                                               : COLOUR_BT709;
}

static struct colour_component component_of(const struct deep3d_picture *p, int plane, int offset,
                                            int step, bool chroma)
{
    return (struct colour_component){
        .samples = p->plane[plane] + offset * (p->bits > 8 ? 2 : 1),
        .stride_bytes = p->stride_bytes[plane],
        .step = step,
        .shift_x = chroma ? p->chroma_shift_x : 0,
        .shift_y = chroma ? p->chroma_shift_y : 0,
    };
}

struct colour_job picture_colour_job(const struct deep3d_picture *p)
{
    // packed R, G, B, and where G, B, R stand in planes
    static const int rgba[3] = {0, 1, 2}, bgra[3] = {2, 1, 0}, gbr[3] = {2, 0, 1};
    enum colour_standard standard = standard_of(p);
    bool full = p->full_range || is_packed(p->layout);
    struct colour_job job = {
        .width = p->width,
        .height = p->height,
        .wide = p->bits > 8,
        .matrix = colour_matrix_for(standard, p->bits, p->shift, full, p->layout == DEEP3D_GREY),
        .quarter_turns = p->rotation_deg / 90,
        .mirrored = p->mirrored,
    };

    for (int i = 0; i < 3; i++) {
        switch (p->layout) {
        case DEEP3D_RGBA:
            job.component[i] = component_of(p, 0, rgba[i], 4, false);
            break;
        case DEEP3D_BGRA:
            job.component[i] = component_of(p, 0, bgra[i], 4, false);
            break;
        case DEEP3D_GREY:
            job.component[i] = component_of(p, 0, 0, 1, false);
            break;
        case DEEP3D_SEMI_PLANAR:
            job.component[i] =
                i == 0 ? component_of(p, 0, 0, 1, false) : component_of(p, 1, i - 1, 2, true);
            break;
        default:
            job.component[i] =
                component_of(p, standard == COLOUR_IDENTITY ? gbr[i] : i, 0, 1, i > 0);
            break;
        }
    }
    return job;
}
