#include "viewer/stereo_pack.h"

#include <string.h>

#include <libavutil/frame.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "viewer/anaglyph.h"
#include "viewer/eye_scaler.h"

#define GAP_SHARE 24 // HDMI 1.4: 45 rows of 1080, 30 of 720
#define ROW_ALIGN 64

// Where an eye goes in the packed picture.
struct place {
    int x, y, width, height;
    struct eye_scaler *scaler;
};

struct stereo_pack {
    struct stereo_pack_params params;
    int eye_width, eye_height; // what is used of each eye
    int width, height;
    struct place place[2];     // left, right; width 0: not shown
    struct deep3d_eyes canvas; // one picture of the packed size, for layouts drawn here; pixels[0]
    struct anaglyph *anaglyph; // NULL: another layout
    AVFrame *frame;
    // for eyes that came in another size than the first ones
    struct deep3d_eyes fitted;
    struct SwsContext *fitter;
};

// --- samples

static bool is_fine(const struct stereo_pack *p)
{
    return p->params.eye_bits == 16;
}

static enum AVPixelFormat eye_format(const struct stereo_pack *p)
{
    return is_fine(p) ? AV_PIX_FMT_RGBA64 : AV_PIX_FMT_RGB0;
}

static size_t pixel_bytes(const struct stereo_pack *p)
{
    return is_fine(p) ? 8 : 4;
}

// --- shape

static bool chroma_is_halved(int format)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);

    return d->log2_chroma_w > 0 || d->log2_chroma_h > 0;
}

static void put(struct stereo_pack *p, int eye, int x, int y, int width, int height)
{
    p->place[eye] = (struct place){x, y, width, height, NULL};
    p->width = x + width;
    p->height = y + height;
}

static int gap(int height)
{
    return (height + GAP_SHARE / 2) / GAP_SHARE;
}

// Fills in places and sizes.
static void arrange(struct stereo_pack *p)
{
    int unit = chroma_is_halved(p->params.format) ? 2 : 1;
    int w = p->eye_width = p->params.width / unit * unit, half_w = w / 2 / unit * unit;
    int h = p->eye_height = p->params.height / unit * unit, half_h = h / 2 / unit * unit;

    switch (p->params.layout) {
    case FILE_LAYOUT_FULL_SBS:
        put(p, 0, 0, 0, w, h);
        put(p, 1, w, 0, w, h);
        break;
    case FILE_LAYOUT_HALF_SBS:
        put(p, 0, 0, 0, half_w, h);
        put(p, 1, half_w, 0, half_w, h);
        break;
    case FILE_LAYOUT_TOP_BOTTOM:
        put(p, 0, 0, 0, w, h);
        put(p, 1, 0, h, w, h);
        break;
    case FILE_LAYOUT_HALF_TB:
        put(p, 0, 0, 0, w, half_h);
        put(p, 1, 0, half_h, w, half_h);
        break;
    case FILE_LAYOUT_FRAME_PACKED:
        put(p, 0, 0, 0, w, (2 * h + gap(h) + unit - 1) / unit * unit);
        break;
    case FILE_LAYOUT_RIGHT:
        put(p, 1, 0, 0, w, h);
        break;
    default:
        put(p, 0, 0, 0, w, h);
        break;
    }
}

double stereo_pack_stretch(enum file_layout layout)
{
    return layout == FILE_LAYOUT_HALF_SBS ? 2 : layout == FILE_LAYOUT_HALF_TB ? 0.5 : 1;
}

void stereo_pack_size(const struct stereo_pack *pack, int *out_width, int *out_height)
{
    *out_width = pack->width;
    *out_height = pack->height;
}

// Layouts whose picture is drawn as RGB before it is converted.
static bool is_drawn(enum file_layout layout)
{
    return layout == FILE_LAYOUT_ANAGLYPH || layout == FILE_LAYOUT_FRAME_PACKED;
}

// --- up and down

static bool make_scalers(struct stereo_pack *p)
{
    bool drawn = is_drawn(p->params.layout);
    struct eye_scaler_params params = {.width = drawn ? p->width : p->eye_width,
                                       .height = drawn ? p->height : p->eye_height,
                                       .bits = p->params.eye_bits,
                                       .format = p->params.format,
                                       .matrix = p->params.matrix};

    for (int i = 0; i < 2; i++) {
        struct place *to = &p->place[i];

        if (to->width == 0 || p->params.layout == FILE_LAYOUT_DISPARITY)
            continue;
        params.to_width = to->width;
        params.to_height = to->height;
        to->scaler = eye_scaler_create(&params);
        if (!to->scaler)
            return false;
    }
    return true;
}

static bool make_canvas(struct stereo_pack *p)
{
    size_t stride = (size_t)p->width * pixel_bytes(p), bytes = stride * (size_t)p->height;

    p->canvas = (struct deep3d_eyes){.width = p->width,
                                     .height = p->height,
                                     .pixels = {mem_try_block(bytes)},
                                     .stride_bytes = stride};
    if (p->canvas.pixels[0])
        memset(p->canvas.pixels[0], 0, bytes);
    return p->canvas.pixels[0];
}

struct stereo_pack *stereo_pack_create(const struct stereo_pack_params *params)
{
    struct stereo_pack *p = mem_new(1, sizeof(*p));

    p->params = *params;
    p->frame = av_frame_alloc();
    if (params->layout == FILE_LAYOUT_ANAGLYPH)
        p->anaglyph = anaglyph_create(params->eye_bits);
    arrange(p);
    if (p->width < 1 || p->height < 1) {
        log_error("pictures of %dx%d are too small for this layout", params->width, params->height);
        goto fail;
    }
    if (!p->frame || (is_drawn(params->layout) && !make_canvas(p)) || !make_scalers(p)) {
        log_error("pictures of %dx%d cannot be packed as %s: no memory, or too large",
                  params->width, params->height, av_get_pix_fmt_name(params->format));
        goto fail;
    }
    return p;
fail:
    stereo_pack_destroy(&p);
    return NULL;
}

void stereo_pack_destroy(struct stereo_pack **pack)
{
    struct stereo_pack *p = *pack;

    if (!p)
        return;
    for (int i = 0; i < 2; i++)
        eye_scaler_destroy(&p->place[i].scaler);
    sws_freeContext(p->fitter);
    mem_free(p->fitted.pixels[0]);
    mem_free(p->fitted.pixels[1]);
    mem_free(p->canvas.pixels[0]);
    anaglyph_destroy(&p->anaglyph);
    av_frame_free(&p->frame);
    mem_free(p);
    *pack = NULL;
}

// --- drawing

struct rows {
    const struct stereo_pack *pack;
    const struct deep3d_eyes *eyes;
};

static void frame_packed_rows(void *user, int first, int end)
{
    const struct rows *r = user;
    const struct deep3d_eyes *canvas = &r->pack->canvas;
    int second = r->pack->eye_height + gap(r->pack->eye_height);

    for (int y = first; y < end; y++)
        for (int eye = 0; eye < 2; eye++)
            memcpy(canvas->pixels[0] + (size_t)(y + eye * second) * canvas->stride_bytes,
                   r->eyes->pixels[eye] + (size_t)y * r->eyes->stride_bytes,
                   (size_t)canvas->width * pixel_bytes(r->pack));
}

// --- eyes of another size than the first ones

static bool make_fitted(struct stereo_pack *p)
{
    struct deep3d_eyes *f = &p->fitted;
    size_t stride = (size_t)p->params.width * pixel_bytes(p);
    size_t bytes = stride * (size_t)p->params.height;

    if (f->pixels[1])
        return true;
    *f = (struct deep3d_eyes){.width = p->params.width,
                              .height = p->params.height,
                              .pixels = {mem_try_block(bytes), mem_try_block(bytes)},
                              .stride_bytes = stride};
    return f->pixels[0] && f->pixels[1];
}

static bool fit(struct stereo_pack *p, const struct deep3d_eyes *eyes)
{
    bool grey = p->params.layout == FILE_LAYOUT_DISPARITY;
    enum AVPixelFormat format = grey ? AV_PIX_FMT_GRAY16 : eye_format(p);

    p->fitter = sws_getCachedContext(p->fitter, eyes->width, eyes->height, format, p->params.width,
                                     p->params.height, format, SWS_BICUBIC, NULL, NULL, NULL);
    if (!p->fitter || !make_fitted(p))
        return false;
    for (int eye = 0; eye < (grey ? 1 : 2); eye++)
        sws_scale(p->fitter, (const uint8_t *const[4]){eyes->pixels[eye]},
                  (const int[4]){(int)eyes->stride_bytes}, 0, eyes->height,
                  (uint8_t *const[4]){p->fitted.pixels[eye]},
                  (const int[4]){(int)p->fitted.stride_bytes});
    return true;
}

// --- a picture

// A writable frame of the packed size: the last one, unless an encoder still holds it.
static bool prepare_frame(struct stereo_pack *p)
{
    if (p->frame->buf[0] && av_frame_is_writable(p->frame))
        return true;
    av_frame_unref(p->frame);
    p->frame->format = p->params.format;
    p->frame->width = p->width;
    p->frame->height = p->height;
    return av_frame_get_buffer(p->frame, ROW_ALIGN) >= 0;
}

static void copy_grey(struct stereo_pack *p, const struct deep3d_eyes *eyes)
{
    av_image_copy_plane(p->frame->data[0], p->frame->linesize[0], eyes->pixels[0],
                        (int)eyes->stride_bytes, p->width * 2, p->height);
}

AVFrame *stereo_pack_run(struct stereo_pack *pack, const struct deep3d_eyes *eyes)
{
    bool fits = eyes->width == pack->params.width && eyes->height == pack->params.height;
    struct rows rows = {pack, fits ? eyes : &pack->fitted};

    if (!prepare_frame(pack) || (!fits && !fit(pack, eyes))) {
        log_error("no memory for a picture of %dx%d", pack->width, pack->height);
        return NULL;
    }
    if (pack->params.layout == FILE_LAYOUT_DISPARITY) {
        copy_grey(pack, rows.eyes);
        return pack->frame;
    }
    if (is_drawn(pack->params.layout)) {
        if (pack->anaglyph)
            anaglyph_draw(pack->anaglyph, rows.eyes, &pack->canvas);
        else
            parallel_rows(pack->eye_height, 0, frame_packed_rows, &rows);
        eye_scaler_run(pack->place[0].scaler, pack->canvas.pixels[0], pack->canvas.stride_bytes,
                       pack->frame, 0, 0);
        return pack->frame;
    }
    for (int eye = 0; eye < 2; eye++)
        if (pack->place[eye].width > 0)
            eye_scaler_run(pack->place[eye].scaler, rows.eyes->pixels[eye], rows.eyes->stride_bytes,
                           pack->frame, pack->place[eye].x, pack->place[eye].y);
    return pack->frame;
}
