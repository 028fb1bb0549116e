#include "viewer/source_picture.h"

#include <math.h>

#include <libavcodec/avcodec.h>
#include <libavutil/buffer.h>
#include <libavutil/frame.h>
#include <libavutil/hwcontext.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "base/log.h"
#include "base/mem.h"

// of a row's beginning; what swscale's vector code likes
#define ROW_ALIGN 64
// what swscale's vector code may write behind the last row
#define PADDING_BYTES 64

struct picture_maker {
    bool still, grey_full;
    bool complained;
    // for pixel formats that the converter does not take
    struct SwsContext *scaler;
    AVBufferPool *pool;
    AVFrame *converted;          // blank between calls
    enum AVPixelFormat from, to; // what scaler and pool are for
    int width, height;
    int pool_bytes;
};

struct picture_maker *picture_maker_create(bool still, bool grey_full)
{
    struct picture_maker *m = mem_new(1, sizeof(*m));

    m->still = still;
    m->grey_full = grey_full;
    m->from = m->to = AV_PIX_FMT_NONE;
    return m;
}

void picture_maker_destroy(struct picture_maker **maker)
{
    if (!*maker)
        return;
    sws_freeContext((*maker)->scaler);
    av_buffer_pool_uninit(&(*maker)->pool);
    av_frame_free(&(*maker)->converted);
    mem_free(*maker);
    *maker = NULL;
}

// --- layout: struct deep3d_picture from a pixel format's description

static int bytes_of(const AVComponentDescriptor *c)
{
    return c->depth > 8 ? 2 : 1;
}

// Component alone in its plane, samples one behind the other.
static bool fills_plane(const AVComponentDescriptor *c)
{
    return c->step == bytes_of(c) && c->offset == 0;
}

static bool same_samples(const AVPixFmtDescriptor *d)
{
    for (int i = 1; i < 3; i++)
        if (d->comp[i].depth != d->comp[0].depth || d->comp[i].shift != d->comp[0].shift)
            return false;
    return true;
}

static bool describe_planar(const AVPixFmtDescriptor *d, struct deep3d_picture *out)
{
    // which component lies in plane 0, 1, 2 of DEEP3D_PLANAR
    static const int yuv[3] = {0, 1, 2}, gbr[3] = {1, 2, 0};
    const int *order = d->flags & AV_PIX_FMT_FLAG_RGB ? gbr : yuv;

    for (int i = 0; i < 3; i++) {
        const AVComponentDescriptor *c = &d->comp[order[i]];

        if (c->plane != i || !fills_plane(c))
            return false;
    }
    out->layout = DEEP3D_PLANAR;
    return d->log2_chroma_w <= 2 && d->log2_chroma_h <= 1;
}

static bool describe_semi_planar(const AVPixFmtDescriptor *d, struct deep3d_picture *out)
{
    int bytes = bytes_of(&d->comp[0]);

    if (d->comp[1].plane != 1 || d->comp[2].plane != 1 || !fills_plane(&d->comp[0]) ||
        d->comp[1].step != 2 * bytes || d->comp[2].step != 2 * bytes || d->comp[1].offset != 0 ||
        d->comp[2].offset != bytes)
        return false;
    out->layout = DEEP3D_SEMI_PLANAR;
    return d->log2_chroma_w <= 1 && d->log2_chroma_h <= 1;
}

static bool describe_packed(const AVPixFmtDescriptor *d, struct deep3d_picture *out)
{
    const AVComponentDescriptor *c = d->comp;

    if (!(d->flags & AV_PIX_FMT_FLAG_RGB) || c[0].depth != 8 || c[0].shift != 0)
        return false;
    for (int i = 0; i < 3; i++)
        if (c[i].plane != 0 || c[i].step != 4)
            return false;
    out->layout = c[0].offset == 0 ? DEEP3D_RGBA : DEEP3D_BGRA;
    return c[1].offset == 1 && c[0].offset + c[2].offset == 2;
}

// Fills in layout, bits, shift and chroma shifts. False: the converter does not take this format.
static bool describe_format(enum AVPixelFormat format, struct deep3d_picture *out)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    const uint64_t never = AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                           AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BAYER | AV_PIX_FMT_FLAG_FLOAT;

    if (!d || (d->flags & never) || d->comp[0].depth < 8 || d->comp[0].depth > 16)
        return false;
    if (d->comp[0].depth > 8 && !!(d->flags & AV_PIX_FMT_FLAG_BE) != (AV_NE(1, 0)))
        return false;
    out->bits = d->comp[0].depth;
    out->shift = d->comp[0].shift;
    out->chroma_shift_x = out->chroma_shift_y = 0;
    if (d->nb_components < 3) {
        out->layout = DEEP3D_GREY;
        return d->comp[0].plane == 0 && fills_plane(&d->comp[0]) &&
               !(d->flags & AV_PIX_FMT_FLAG_RGB);
    }
    if (!same_samples(d))
        return false;
    out->chroma_shift_x = d->log2_chroma_w;
    out->chroma_shift_y = d->log2_chroma_h;
    return describe_planar(d, out) || describe_semi_planar(d, out) || describe_packed(d, out);
}

// --- colour

// Untagged YUV, as mpv guesses it: what is larger than standard definition is BT.709.
static enum deep3d_matrix guess_matrix(const struct picture_maker *m, const AVFrame *av)
{
    if (av->color_primaries == AVCOL_PRI_BT2020)
        return DEEP3D_MATRIX_BT2020;
    if (m->still)
        return DEEP3D_MATRIX_BT601;
    return av->width >= 1280 || av->height > 576 ? DEEP3D_MATRIX_BT709 : DEEP3D_MATRIX_BT601;
}

static enum deep3d_matrix matrix_of(const struct picture_maker *m, const AVFrame *av)
{
    switch (av->colorspace) {
    case AVCOL_SPC_BT709:
    case AVCOL_SPC_SMPTE240M: // within a few thousandths of BT.709
        return DEEP3D_MATRIX_BT709;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
    case AVCOL_SPC_FCC:
        return DEEP3D_MATRIX_BT601;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return DEEP3D_MATRIX_BT2020;
    default:
        return guess_matrix(m, av);
    }
}

// yuvj*: FFmpeg's older way to say full range
static bool is_yuvj(enum AVPixelFormat format)
{
    return format == AV_PIX_FMT_YUVJ420P || format == AV_PIX_FMT_YUVJ422P ||
           format == AV_PIX_FMT_YUVJ444P || format == AV_PIX_FMT_YUVJ440P ||
           format == AV_PIX_FMT_YUVJ411P;
}

// Of the samples, wherever they lie.
static enum AVPixelFormat samples_of(const AVFrame *av)
{
    if (av->format != AV_PIX_FMT_CUDA || !av->hw_frames_ctx)
        return av->format;
    return ((const AVHWFramesContext *)(const void *)av->hw_frames_ctx->data)->sw_format;
}

static void describe_colour(const struct picture_maker *m, const AVFrame *av,
                            struct deep3d_picture *out)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(samples_of(av));

    out->transfer = av->color_trc == AVCOL_TRC_SMPTE2084      ? DEEP3D_TRANSFER_PQ
                    : av->color_trc == AVCOL_TRC_ARIB_STD_B67 ? DEEP3D_TRANSFER_HLG
                                                              : DEEP3D_TRANSFER_DISPLAY;
    out->wide_gamut = av->color_primaries == AVCOL_PRI_BT2020;
    if (d->flags & AV_PIX_FMT_FLAG_RGB) {
        out->matrix = DEEP3D_MATRIX_RGB;
        out->full_range = true;
        return;
    }
    out->matrix = matrix_of(m, av);
    out->full_range =
        av->color_range == AVCOL_RANGE_JPEG || is_yuvj(av->format) ||
        (av->color_range == AVCOL_RANGE_UNSPECIFIED && m->grey_full && out->layout == DEEP3D_GREY);
}

// --- conversion of the other pixel formats

static enum AVPixelFormat nearest_format(enum AVPixelFormat from)
{
    static const enum AVPixelFormat ours[] = {
        AV_PIX_FMT_YUV420P,   AV_PIX_FMT_YUV422P,   AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV420P16,
        AV_PIX_FMT_YUV422P16, AV_PIX_FMT_YUV444P16, AV_PIX_FMT_GRAY8,   AV_PIX_FMT_GRAY16,
        AV_PIX_FMT_RGBA,      AV_PIX_FMT_GBRP16,    AV_PIX_FMT_NONE};
    int loss = 0;

    return avcodec_find_best_pix_fmt_of_list(ours, from, 0, &loss);
}

// Colours hidden under what is transparent are not to be seen.
static bool may_be_transparent(const struct picture_maker *m, const AVFrame *av)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(av->format);

    return m->still && d && (d->flags & AV_PIX_FMT_FLAG_ALPHA);
}

static enum AVPixelFormat format_with_alpha(enum AVPixelFormat from)
{
    return av_pix_fmt_desc_get(from)->comp[0].depth > 8 ? AV_PIX_FMT_GBRAP16 : AV_PIX_FMT_RGBA;
}

static void lay_row_on_black(const AVFrame *av, int y)
{
    if (av->format == AV_PIX_FMT_RGBA) {
        uint8_t *pixel = av->data[0] + (ptrdiff_t)y * av->linesize[0];

        for (int x = 0; x < av->width; x++, pixel += 4)
            for (int c = 0; c < 3; c++)
                pixel[c] = (uint8_t)((pixel[c] * pixel[3] + 127) / 255);
        return;
    }
    for (int c = 0; c < 3; c++) {
        uint16_t *samples = (uint16_t *)(void *)(av->data[c] + (ptrdiff_t)y * av->linesize[c]);
        const uint16_t *alpha =
            (const uint16_t *)(const void *)(av->data[3] + (ptrdiff_t)y * av->linesize[3]);

        for (int x = 0; x < av->width; x++)
            samples[x] = (uint16_t)(((uint32_t)samples[x] * alpha[x] + 32767) / 65535);
    }
}

static bool prepare_pool(struct picture_maker *m, int bytes)
{
    if (m->pool && m->pool_bytes == bytes)
        return true;
    av_buffer_pool_uninit(&m->pool);
    m->pool = av_buffer_pool_init((size_t)bytes, NULL);
    m->pool_bytes = bytes;
    return m->pool != NULL;
}

// Range and matrix stay as they are: only the arrangement of samples changes.
static void keep_colours(struct SwsContext *scaler, const AVFrame *av)
{
    const int *table = sws_getCoefficients(SWS_CS_DEFAULT);
    int full = av->color_range == AVCOL_RANGE_JPEG || is_yuvj(av->format);

    sws_setColorspaceDetails(scaler, table, full, table, full, 0, 1 << 16, 1 << 16);
}

static bool prepare_scaler(struct picture_maker *m, const AVFrame *av)
{
    if (m->scaler && m->from == av->format && m->width == av->width && m->height == av->height)
        return true;
    sws_freeContext(m->scaler);
    m->scaler = NULL;
    m->from = av->format;
    m->to = !sws_isSupportedInput(m->from) ? AV_PIX_FMT_NONE
            : may_be_transparent(m, av)    ? format_with_alpha(m->from)
                                           : nearest_format(m->from);
    m->width = av->width;
    m->height = av->height;
    if (m->to == AV_PIX_FMT_NONE)
        return false;
    m->scaler =
        sws_getContext(av->width, av->height, m->from, av->width, av->height, m->to,
                       SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
    if (!m->scaler)
        return false;
    keep_colours(m->scaler, av);
    return true;
}

// A picture of the converted format in the pool's memory.
static bool take_memory(struct picture_maker *m, AVFrame *to)
{
    int bytes = av_image_get_buffer_size(m->to, m->width, m->height, ROW_ALIGN);

    if (bytes < 0 || bytes > INT32_MAX - PADDING_BYTES || !prepare_pool(m, bytes + PADDING_BYTES))
        return false;
    to->buf[0] = av_buffer_pool_get(m->pool);
    if (!to->buf[0])
        return false;
    to->format = m->to;
    to->width = m->width;
    to->height = m->height;
    return av_image_fill_arrays(to->data, to->linesize, to->buf[0]->data, m->to, m->width,
                                m->height, ROW_ALIGN) >= 0;
}

static bool convert(struct picture_maker *m, AVFrame *av)
{
    if (!m->converted)
        m->converted = av_frame_alloc();
    if (!m->converted || !prepare_scaler(m, av))
        return false;
    if (!take_memory(m, m->converted) || av_frame_copy_props(m->converted, av) < 0) {
        av_frame_unref(m->converted);
        return false;
    }
    sws_scale(m->scaler, (const uint8_t *const *)av->data, av->linesize, 0, av->height,
              m->converted->data, m->converted->linesize);
    for (int y = 0; y < av->height && may_be_transparent(m, av); y++)
        lay_row_on_black(m->converted, y);
    av_frame_unref(av);
    av_frame_move_ref(av, m->converted);
    return true;
}

// --- all of it

static bool complain(struct picture_maker *m, const AVFrame *av)
{
    const char *name = av_get_pix_fmt_name(av->format);

    if (!m->complained)
        log_error("a picture of %dx%d, pixel format %s, cannot be used: sides must be 1..%d and "
                  "the format one that FFmpeg converts",
                  av->width, av->height, name ? name : "unknown", DEEP3D_MAX_SIDE_PX);
    m->complained = true;
    return false;
}

bool picture_make(struct picture_maker *maker, AVFrame *av, struct deep3d_picture *out)
{
    struct deep3d_picture p = {0};

    if (av->width < 1 || av->height < 1 || av->width > DEEP3D_MAX_SIDE_PX ||
        av->height > DEEP3D_MAX_SIDE_PX)
        return complain(maker, av);
    if ((may_be_transparent(maker, av) || !describe_format(samples_of(av), &p)) &&
        (!convert(maker, av) || !describe_format(av->format, &p)))
        return complain(maker, av);
    p.memory = av->format == AV_PIX_FMT_CUDA ? DEEP3D_MEMORY_CUDA : DEEP3D_MEMORY_HOST;
    p.width = av->width;
    p.height = av->height;
    describe_colour(maker, av, &p);
    for (int i = 0; i < 3; i++) {
        p.plane[i] = av->data[i];
        p.stride_bytes[i] = av->linesize[i];
    }
    *out = p;
    return true;
}

void picture_orient(struct deep3d_picture *picture, const int32_t matrix[9])
{
    // (p, q) goes to (a p + c q, b p + d q), q pointing down. A clockwise turn by t has b = sin t,
    // d = cos t; flipping left and right afterwards changes the signs of a and c only.
    double a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];

    if (a * d - b * c == 0)
        return;
    picture->rotation_deg = (((int)lround(atan2(b, d) / M_PI_2) + 4) % 4) * 90;
    picture->mirrored = a * d - b * c < 0;
}

void picture_orient_exif(struct deep3d_picture *picture, int orientation)
{
    static const struct {
        int rotation_deg;
        bool mirrored;
    } turns[] = {{0, false}, {0, true},   {180, false}, {180, true},
                 {90, true}, {90, false}, {270, true},  {270, false}};

    if (orientation < 1 || orientation > 8)
        return;
    picture->rotation_deg = turns[orientation - 1].rotation_deg;
    picture->mirrored = turns[orientation - 1].mirrored;
}
