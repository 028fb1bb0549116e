#include "viewer/eye_scaler.h"

#include <libavutil/frame.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "base/mem.h"
#include "kernels/kernels.h"

#define ROW_ALIGN 64
// What our kernel makes of 16 bits, where swscale must go on from there.
#define WHOLE_FORMAT AV_PIX_FMT_YUV420P10

struct eye_scaler {
    struct eye_scaler_params params;
    struct SwsContext *sws; // NULL: our kernel does all of it
    bool ours;              // eyes of 16 bits become YUV
    AVFrame *whole;         // of WHOLE_FORMAT, in the eye's size; NULL: not needed
};

// --- creation

static int matrix_number(enum deep3d_matrix matrix)
{
    return matrix == DEEP3D_MATRIX_BT601    ? SWS_CS_ITU601
           : matrix == DEEP3D_MATRIX_BT2020 ? SWS_CS_BT2020
                                            : SWS_CS_ITU709;
}

static bool is_rgb(int format)
{
    return av_pix_fmt_desc_get(format)->flags & AV_PIX_FMT_FLAG_RGB;
}

static bool chroma_is_halved(int format)
{
    return av_pix_fmt_desc_get(format)->log2_chroma_w > 0;
}

// NULL: not possible.
static struct SwsContext *make_sws(const struct eye_scaler_params *p, enum AVPixelFormat from)
{
    struct SwsContext *sws = sws_alloc_context();
    const int *table = sws_getCoefficients(matrix_number(p->matrix));

    if (!sws)
        return NULL;
    av_opt_set_int(sws, "srcw", p->width, 0);
    av_opt_set_int(sws, "srch", p->height, 0);
    av_opt_set_int(sws, "src_format", from, 0);
    av_opt_set_int(sws, "dstw", p->to_width, 0);
    av_opt_set_int(sws, "dsth", p->to_height, 0);
    av_opt_set_int(sws, "dst_format", p->format, 0);
    av_opt_set_int(sws, "sws_flags", SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP, 0);
    if (chroma_is_halved(p->format)) // on the left column, as encoders are told
        av_opt_set_int(sws, "dst_h_chr_pos", 0, 0);
    if (chroma_is_halved(from))
        av_opt_set_int(sws, "src_h_chr_pos", 0, 0);
    sws_setColorspaceDetails(sws, table, is_rgb(from), table, is_rgb(p->format), 0, 1 << 16,
                             1 << 16);
    if (sws_init_context(sws, NULL, NULL) >= 0)
        return sws;
    sws_freeContext(sws);
    return NULL;
}

static AVFrame *make_whole(int width, int height)
{
    AVFrame *f = av_frame_alloc();

    if (!f)
        return NULL;
    f->format = WHOLE_FORMAT;
    f->width = width;
    f->height = height;
    if (av_frame_get_buffer(f, ROW_ALIGN) < 0)
        av_frame_free(&f);
    return f;
}

// Whether our kernel writes the format itself: 10 bits, 4:2:0, in planes or with U and V in turn.
static bool kernel_writes(int format)
{
    return format == AV_PIX_FMT_YUV420P10 || format == AV_PIX_FMT_P010;
}

struct eye_scaler *eye_scaler_create(const struct eye_scaler_params *params)
{
    struct eye_scaler *s = mem_new(1, sizeof(*s));
    enum AVPixelFormat from = params->bits == 16 ? AV_PIX_FMT_RGBA64 : AV_PIX_FMT_RGB0;
    bool same_size = params->width == params->to_width && params->height == params->to_height;

    s->params = *params;
    s->ours = params->bits == 16 && !is_rgb(params->format);
    if (s->ours && same_size && kernel_writes(params->format))
        return s;
    if (s->ours) {
        from = WHOLE_FORMAT;
        s->whole = make_whole(params->width, params->height);
    }
    s->sws = make_sws(params, from);
    if (!s->sws || (s->ours && !s->whole))
        eye_scaler_destroy(&s);
    return s;
}

void eye_scaler_destroy(struct eye_scaler **scaler)
{
    if (!*scaler)
        return;
    sws_freeContext((*scaler)->sws);
    av_frame_free(&(*scaler)->whole);
    mem_free(*scaler);
    *scaler = NULL;
}

// --- a picture

static enum colour_standard standard_of(enum deep3d_matrix matrix)
{
    return matrix == DEEP3D_MATRIX_BT601    ? COLOUR_BT601
           : matrix == DEEP3D_MATRIX_BT2020 ? COLOUR_BT2020
                                            : COLOUR_BT709;
}

// Where x, y lies in each plane.
static void find_planes(const AVFrame *frame, int x, int y, uint8_t *planes[4])
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(frame->format);
    int steps[4];

    av_image_fill_max_pixsteps(steps, NULL, d);
    for (int i = 0; i < 4 && frame->data[i]; i++) {
        int shift_x = i == 1 || i == 2 ? d->log2_chroma_w : 0;
        int shift_y = i == 1 || i == 2 ? d->log2_chroma_h : 0;

        planes[i] = frame->data[i] + (ptrdiff_t)(y >> shift_y) * frame->linesize[i] +
                    (ptrdiff_t)(x >> shift_x) * steps[i];
    }
}

static void to_yuv(const struct eye_scaler *s, const uint8_t *pixels, size_t stride_bytes,
                   const AVFrame *to, uint8_t *const planes[4])
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(to->format);
    bool turns = d->comp[1].plane == d->comp[2].plane;
    struct yuv_job job = {
        .pixels = pixels,
        .stride_bytes = stride_bytes,
        .width = s->params.width,
        .height = s->params.height,
        .matrix = colour_matrix_back(standard_of(s->params.matrix), d->comp[0].depth),
        .shift = d->comp[0].shift,
        .luma = planes[0],
        .chroma = {planes[1], turns ? planes[1] + sizeof(uint16_t) : planes[2]},
        .luma_stride_bytes = (size_t)to->linesize[0],
        .chroma_stride_bytes = (size_t)to->linesize[1],
        .chroma_step = turns ? 2 : 1,
    };

    kernels_best()->yuv(&job);
}

void eye_scaler_run(struct eye_scaler *s, const uint8_t *pixels, size_t stride_bytes,
                    const AVFrame *to, int x, int y)
{
    uint8_t *planes[4] = {NULL};
    const uint8_t *from[4] = {pixels};
    int strides[4] = {(int)stride_bytes};

    find_planes(to, x, y, planes);
    if (!s->sws) {
        to_yuv(s, pixels, stride_bytes, to, planes);
        return;
    }
    if (s->whole) {
        to_yuv(s, pixels, stride_bytes, s->whole, s->whole->data);
        for (int i = 0; i < 3; i++) {
            from[i] = s->whole->data[i];
            strides[i] = s->whole->linesize[i];
        }
    }
    sws_scale(s->sws, from, strides, 0, s->params.height, planes, to->linesize);
}
