#include "viewer/subtitle_track.h"

#include <ass/ass.h>
#include <math.h>
#include <string.h>

#include <libavutil/intreadwrite.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/deep3d.h"
#include "viewer/overlay.h"

// More than any film has; beyond is damage.
#define CAPTIONS_MAX 65536
// Unpacked pictures that are kept. A film is decoded little ahead of what is shown.
#define PICTURES_KEPT 32
// Of text that does not say how long.
#define TEXT_NS (5 * NS_PER_S)
// Types of a teletext page: captions, and those for people who do not hear well.
#define TELETEXT_CAPTIONS 2
#define TELETEXT_IMPAIRED 5
// "until the next one"
#define NO_END UINT32_MAX

// A caption of pictures; without any it ends the one before.
struct picture {
    int64_t start_ns;
    int64_t end_ns;   // INT64_MAX: not known; until the next one
    int64_t read_ns;  // up to where the film was read, at least, without finding that one
    AVPacket *packed; // NULL: decoded
    AVSubtitle decoded;
    int width, height; // of the canvas it lies on; 0: not known
};

struct subtitle_track {
    AVCodecContext *decoder;
    const AVCodecDescriptor *codec;
    bool full;  // said so already
    bool whole; // of a file, which is read once

    ASS_Track *events; // NULL: pictures
    struct picture *pictures;
    int picture_count, picture_room;
    int64_t latest_ns; // start of the one read last, if the film was read on since; else CLOCK_NONE
    int64_t shown_ns;  // start of the picture in the overlay; CLOCK_NONE: none is
    struct text_frame frame;
};

// --- up and down

// The pages of teletext that are captions; the others are news. The descriptor (ETSI EN 300 468,
// 6.2.43) has two bytes for each: type and magazine, number. False: it names none.
static bool choose_pages(AVCodecContext *decoder, const AVCodecParameters *p)
{
    char pages[256] = ""; // "888,889,"
    size_t length = 0;

    for (int i = 0; i + 1 < p->extradata_size && length + 8 < sizeof(pages); i += 2) {
        int type = p->extradata[i] >> 3, magazine = p->extradata[i] & 7;

        if (type == TELETEXT_CAPTIONS || type == TELETEXT_IMPAIRED)
            length += (size_t)snprintf(pages + length, sizeof(pages) - length, "%d%02x,",
                                       magazine ? magazine : 8, p->extradata[i + 1]);
    }
    return length > 0 && av_opt_set(decoder->priv_data, "txt_page", pages, 0) >= 0;
}

static bool open_decoder(struct subtitle_track *t, const AVCodecParameters *p, AVRational time_base)
{
    const AVCodec *codec = avcodec_find_decoder(p->codec_id);

    t->decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!t->decoder || avcodec_parameters_to_context(t->decoder, p) < 0)
        return false;
    if (p->codec_id == AV_CODEC_ID_DVB_TELETEXT && !choose_pages(t->decoder, p))
        return false;
    t->decoder->pkt_timebase = time_base;
    return avcodec_open2(t->decoder, codec, NULL) >= 0;
}

struct subtitle_track *subtitle_track_create(const AVCodecParameters *p, AVRational time_base,
                                             struct text *text, const char *name)
{
    struct subtitle_track *t = mem_new(1, sizeof(*t));
    bool is_text;

    t->shown_ns = t->latest_ns = CLOCK_NONE;
    t->codec = avcodec_descriptor_get(p->codec_id);
    is_text = t->codec && (t->codec->props & AV_CODEC_PROP_TEXT_SUB);
    if (!t->codec || (is_text && !text) || !open_decoder(t, p, time_base))
        goto fail;
    if (is_text && !(t->events = text_new_track(text)))
        goto fail;
    if (is_text) {
        // winding makes FFmpeg count anew; add_text() knows what is there by its text
        ass_set_check_readorder(t->events, 0);
        if (t->decoder->subtitle_header)
            ass_process_codec_private(t->events, (char *)t->decoder->subtitle_header,
                                      t->decoder->subtitle_header_size);
    }
    return t;
fail:
    log_warn("%s: captions of type %s cannot be shown here", name, avcodec_get_name(p->codec_id));
    subtitle_track_destroy(&t);
    return NULL;
}

static void drop_picture(struct picture *p)
{
    av_packet_free(&p->packed);
    avsubtitle_free(&p->decoded);
}

void subtitle_track_destroy(struct subtitle_track **track)
{
    struct subtitle_track *t = *track;

    if (!t)
        return;
    for (int i = 0; i < t->picture_count; i++)
        drop_picture(&t->pictures[i]);
    mem_free(t->pictures);
    if (t->events)
        ass_free_track(t->events);
    avcodec_free_context(&t->decoder);
    mem_free(t);
    *track = NULL;
}

bool subtitle_track_is_text(const struct subtitle_track *t)
{
    return t->events;
}

const char *subtitle_track_kind(const struct subtitle_track *t)
{
    return t->codec->name;
}

int subtitle_track_count(const struct subtitle_track *t)
{
    return t->events ? t->events->n_events : t->picture_count;
}

// --- decoding

bool subtitle_track_decode(struct subtitle_track *t, const AVPacket *packet, AVSubtitle *out)
{
    int got = 0;

    *out = (AVSubtitle){0};
    if (avcodec_decode_subtitle2(t->decoder, out, &got, (AVPacket *)packet) >= 0)
        return got;
    log_trace("a damaged caption was left out");
    avsubtitle_free(out);
    return false;
}

// The last one that begins by then.
static struct picture *picture_at(struct subtitle_track *t, int64_t time_ns)
{
    for (int i = t->picture_count - 1; i >= 0; i--) {
        if (t->pictures[i].start_ns <= time_ns)
            return &t->pictures[i];
    }
    return NULL;
}

static struct picture *latest_picture(struct subtitle_track *t)
{
    struct picture *p = t->latest_ns == CLOCK_NONE ? NULL : picture_at(t, t->latest_ns);

    return p && p->start_ns == t->latest_ns ? p : NULL;
}

void subtitle_track_wound(struct subtitle_track *t, int64_t read_ns, int64_t to_ns)
{
    struct picture *latest = latest_picture(t);

    avcodec_flush_buffers(t->decoder);
    if (!latest || (to_ns >= latest->start_ns && to_ns <= read_ns)) // it is read on as before
        return;
    if (latest->read_ns < read_ns)
        latest->read_ns = read_ns;
    t->latest_ns = CLOCK_NONE;
}

// --- text

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_event(const ASS_Event *a, const ASS_Event *b)
{
    return a->Start == b->Start && a->Duration == b->Duration && a->Layer == b->Layer &&
           a->Style == b->Style && a->MarginL == b->MarginL && a->MarginR == b->MarginR &&
           a->MarginV == b->MarginV && same_text(a->Effect, b->Effect) &&
           same_text(a->Text, b->Text);
}

// The last event is there already, read before the film was wound.
static void drop_repeated(ASS_Track *events)
{
    int last = events->n_events - 1;

    for (int i = 0; i < last; i++) {
        if (same_event(&events->events[i], &events->events[last])) {
            ass_free_event(events, last);
            events->n_events--;
            return;
        }
    }
}

static bool room_left(struct subtitle_track *t)
{
    if (subtitle_track_count(t) < CAPTIONS_MAX)
        return true;
    if (!t->full)
        log_warn("more than %d captions in one track: the rest is left out", CAPTIONS_MAX);
    t->full = true;
    return false;
}

static void add_text(struct subtitle_track *t, const AVSubtitle *s, int64_t start_ns,
                     int64_t lasts_ns)
{
    for (unsigned i = 0; i < s->num_rects; i++) {
        char *line = s->rects[i]->ass;
        int before = t->events->n_events;

        if (!line || !room_left(t))
            continue;
        ass_process_chunk(t->events, line, (int)strlen(line), start_ns / NS_PER_MS,
                          lasts_ns / NS_PER_MS);
        if (t->events->n_events > before && !t->whole)
            drop_repeated(t->events);
    }
}

// --- pictures

// In order of start; one of the same moment is replaced, and what was known of its end is kept.
static void add_picture(struct subtitle_track *t, const struct picture *p)
{
    int at = t->picture_count;

    while (at > 0 && t->pictures[at - 1].start_ns > p->start_ns)
        at--;
    if (at > 0 && t->pictures[at - 1].start_ns == p->start_ns) {
        struct picture *there = &t->pictures[at - 1], before = *there;

        drop_picture(there);
        *there = *p;
        there->read_ns = before.read_ns;
        if (there->end_ns == INT64_MAX)
            there->end_ns = before.end_ns;
        return;
    }
    t->pictures = mem_grow(t->pictures, t->picture_count, &t->picture_room, sizeof(*t->pictures));
    memmove(&t->pictures[at + 1], &t->pictures[at],
            (size_t)(t->picture_count - at) * sizeof(*t->pictures));
    t->pictures[at] = *p;
    t->picture_count++;
}

// The first or the last.
static void drop_farthest(struct subtitle_track *t, int64_t from_ns)
{
    int last = t->picture_count - 1;
    bool first = from_ns - t->pictures[0].start_ns >= t->pictures[last].start_ns - from_ns;

    drop_picture(&t->pictures[first ? 0 : last]);
    if (first)
        memmove(t->pictures, t->pictures + 1, (size_t)last * sizeof(*t->pictures));
    t->picture_count--;
}

// It follows the one that was read before it.
static void add_read_picture(struct subtitle_track *t, const struct picture *p)
{
    struct picture *before = latest_picture(t);

    if (before && before->end_ns == INT64_MAX && before->start_ns < p->start_ns)
        before->end_ns = p->start_ns;
    if (t->picture_count == PICTURES_KEPT)
        drop_farthest(t, p->start_ns);
    add_picture(t, p);
    t->latest_ns = p->start_ns;
}

void subtitle_track_add(struct subtitle_track *t, AVSubtitle *s, int64_t pts_ns)
{
    int64_t start_ns = pts_ns + s->start_display_time * NS_PER_MS;
    int64_t lasts_ns = (s->end_display_time - (int64_t)s->start_display_time) * NS_PER_MS;
    bool ends = s->end_display_time != NO_END && lasts_ns > 0;
    struct picture p = {
        .start_ns = start_ns,
        .end_ns = ends ? start_ns + lasts_ns : INT64_MAX,
        .read_ns = start_ns,
        .decoded = *s,
        .width = t->decoder->width,
        .height = t->decoder->height,
    };

    if (!t->events) {
        add_read_picture(t, &p);
        return;
    }
    add_text(t, s, start_ns, ends ? lasts_ns : TEXT_NS);
    avsubtitle_free(s);
}

void subtitle_track_load(struct subtitle_track *t, const AVPacket *packet, int64_t pts_ns)
{
    struct picture p = {.start_ns = pts_ns, .end_ns = INT64_MAX};
    AVSubtitle decoded;

    t->whole = true;
    if (t->events) {
        if (subtitle_track_decode(t, packet, &decoded))
            subtitle_track_add(t, &decoded, pts_ns);
    } else if (room_left(t) && (p.packed = av_packet_clone(packet))) {
        add_picture(t, &p);
    }
}

static void unpack(struct subtitle_track *t, struct picture *p)
{
    if (!p->packed)
        return;
    avcodec_flush_buffers(t->decoder);
    if (subtitle_track_decode(t, p->packed, &p->decoded) && p->decoded.end_display_time != NO_END &&
        p->decoded.end_display_time > p->decoded.start_display_time)
        p->end_ns = p->start_ns + p->decoded.end_display_time * NS_PER_MS;
    p->width = t->decoder->width;
    p->height = t->decoder->height;
    av_packet_free(&p->packed);
}

// --- drawing pictures

// Where the canvas of a track lies in the frame.
struct fit {
    double scale_x, scale_y, left, top;
};

static struct fit fit_canvas(const struct subtitle_track *t, const struct picture *p,
                             const struct text_frame *f)
{
    double width = p->width > 0 ? p->width : f->width;
    double height = p->height > 0 ? p->height : f->height;
    struct fit fit = {f->width / width, f->height / height, 0, 0};

    // made for the whole disc picture, square in shape; the film's black bars may have been cut off
    if (t->codec->id == AV_CODEC_ID_HDMV_PGS_SUBTITLE) {
        fit.scale_y = fit.scale_x * f->aspect * f->height / f->width;
        fit.top = (f->height - height * fit.scale_y) / 2;
    }
    return fit;
}

// R, G, B, A, premultiplied; NULL: no memory.
static uint8_t *make_rgba(const AVSubtitleRect *r)
{
    uint8_t *rgba = mem_try_block((size_t)r->w * (size_t)r->h * 4), *out = rgba;

    for (int y = 0; rgba && y < r->h; y++) {
        for (int x = 0; x < r->w; x++, out += 4) {
            uint32_t argb = AV_RN32(r->data[1] + 4 * r->data[0][y * (ptrdiff_t)r->linesize[0] + x]);
            uint32_t a = argb >> 24;

            out[0] = (uint8_t)(((argb >> 16 & 255) * a + 127) / 255);
            out[1] = (uint8_t)(((argb >> 8 & 255) * a + 127) / 255);
            out[2] = (uint8_t)(((argb & 255) * a + 127) / 255);
            out[3] = (uint8_t)a;
        }
    }
    return rgba;
}

// NULL: it cannot be.
static uint8_t *resize_rgba(const uint8_t *rgba, int width, int height, int to_width, int to_height)
{
    struct SwsContext *sws = sws_getContext(width, height, AV_PIX_FMT_RGBA, to_width, to_height,
                                            AV_PIX_FMT_RGBA, SWS_BILINEAR, NULL, NULL, NULL);
    uint8_t *out = mem_try_block((size_t)to_width * (size_t)to_height * 4);

    if (sws && out) {
        sws_scale(sws, &rgba, &(int){width * 4}, 0, height, &out, &(int){to_width * 4});
    } else {
        mem_free(out);
        out = NULL;
    }
    sws_freeContext(sws);
    return out;
}

// False: not to be shown. The piece's pixels are the caller's to free.
static bool make_piece(const AVSubtitleRect *r, const struct fit *fit, const struct text_frame *f,
                       struct overlay_piece *out)
{
    int width = (int)lround(fmin(fmax(r->w * fit->scale_x, 1), f->width));
    int height = (int)lround(fmin(fmax(r->h * fit->scale_y, 1), f->height));
    uint8_t *rgba;

    if (r->type != SUBTITLE_BITMAP || !r->data[0] || !r->data[1] || r->w <= 0 || r->h <= 0 ||
        r->w > DEEP3D_MAX_SIDE_PX || r->h > DEEP3D_MAX_SIDE_PX)
        return false;
    *out = (struct overlay_piece){.x = (int)lround(fit->left + r->x * fit->scale_x),
                                  .y = (int)lround(fit->top + r->y * fit->scale_y),
                                  .width = width,
                                  .height = height,
                                  .stride_bytes = (size_t)width * 4};
    // into the picture, where it was made for a bar below it
    if (out->y > f->height - height)
        out->y = f->height - height;
    if (out->y < 0)
        out->y = 0;
    rgba = make_rgba(r);
    if (rgba && (width != r->w || height != r->h)) {
        uint8_t *resized = resize_rgba(rgba, r->w, r->h, width, height);

        mem_free(rgba);
        rgba = resized;
    }
    out->rgba = rgba;
    return rgba;
}

static void show_picture(struct subtitle_track *t, const struct picture *p,
                         const struct text_frame *f, struct overlay *overlay)
{
    struct overlay_piece *pieces = mem_new(p->decoded.num_rects, sizeof(*pieces));
    struct fit fit = fit_canvas(t, p, f);
    int count = 0;

    for (unsigned i = 0; i < p->decoded.num_rects; i++)
        count += make_piece(p->decoded.rects[i], &fit, f, &pieces[count]);
    overlay_set(overlay, pieces, count, f->width, f->height);
    for (int i = 0; i < count; i++)
        mem_free((void *)pieces[i].rgba);
    mem_free(pieces);
}

// The last one that begins by then: what has no end is shown as far as the film was read behind it.
static bool is_shown(struct subtitle_track *t, const struct picture *p, int64_t time_ns)
{
    if (p->end_ns == INT64_MAX && !t->whole && p != latest_picture(t))
        return time_ns < p->read_ns;
    return time_ns < p->end_ns;
}

static void draw_pictures(struct subtitle_track *t, int64_t time_ns, const struct text_frame *f,
                          bool anew, struct overlay *overlay)
{
    struct picture *p = picture_at(t, time_ns);

    if (p)
        unpack(t, p);
    if (p && (!is_shown(t, p, time_ns) || p->decoded.num_rects == 0))
        p = NULL;
    anew |=
        f->width != t->frame.width || f->height != t->frame.height || f->aspect != t->frame.aspect;
    if (!anew && t->shown_ns == (p ? p->start_ns : CLOCK_NONE))
        return;
    t->frame = *f;
    t->shown_ns = p ? p->start_ns : CLOCK_NONE;
    if (p)
        show_picture(t, p, f, overlay);
    else
        overlay_set(overlay, NULL, 0, f->width, f->height);
}

void subtitle_track_draw(struct subtitle_track *t, struct text *text, int64_t time_ns,
                         const struct text_frame *frame, bool anew, struct overlay *overlay)
{
    if (t->events)
        text_draw(text, t->events, time_ns, frame, anew, overlay);
    else
        draw_pictures(t, time_ns, frame, anew, overlay);
}
