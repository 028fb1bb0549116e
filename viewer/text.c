#include "viewer/text.h"

#include <ass/ass.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "viewer/overlay.h"

#define FAMILY "sans-serif"
// libass' own scale of messages: 0 fatal .. 7 debug
#define ASS_LEVEL_ERROR 1
#define ASS_LEVEL_INFO 4

struct text {
    ASS_Library *library;
    ASS_Renderer *renderer;
    bool own_fonts; // a film's; its captions name them
    bool started;
    struct text_frame frame;      // that the renderer is set to
    struct overlay_piece *pieces; // of the last change
    int room;
};

static void take_message(int level, const char *format, va_list args, void *user)
{
    char line[512];

    if (level > ASS_LEVEL_INFO)
        return;
    vsnprintf(line, sizeof(line), format, args);
    // a font that is replaced by a similar one is no news to a viewer
    log_write(level <= ASS_LEVEL_ERROR ? LOG_DEBUG : LOG_TRACE, "libass: %s", line);
}

struct text *text_create(void)
{
    struct text *t = mem_new(1, sizeof(*t));

    t->library = ass_library_init();
    if (!t->library)
        goto fail;
    ass_set_message_cb(t->library, take_message, NULL);
    ass_set_extract_fonts(t->library, 1);
    t->renderer = ass_renderer_init(t->library);
    if (!t->renderer)
        goto fail;
    return t;
fail:
    log_warn("libass does not start: no captions, no on-screen text");
    text_destroy(&t);
    return NULL;
}

void text_destroy(struct text **text)
{
    struct text *t = *text;

    if (!t)
        return;
    if (t->renderer)
        ass_renderer_done(t->renderer);
    if (t->library)
        ass_library_done(t->library);
    mem_free(t->pieces);
    mem_free(t);
    *text = NULL;
}

void text_add_font(struct text *t, const char *name, const uint8_t *font, int size)
{
    t->own_fonts = true;
    ass_add_font(t->library, name, (const char *)font, size);
}

struct ass_track *text_new_track(struct text *t)
{
    ASS_Track *track = ass_new_track(t->library);

    if (!track)
        log_error("no memory for captions");
    return track;
}

// Without any font libass draws nothing, and says so only in passing.
static bool draws(struct text *t)
{
    static const char header[] =
        "[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: Default," FAMILY ",20\n";
    char line[] = "0,0,Default,,0,0,0,,A";
    ASS_Track *track = text_new_track(t);
    bool drawn = false;

    if (!track)
        return false;
    ass_process_codec_private(track, (char *)header, sizeof(header) - 1);
    ass_process_chunk(track, line, sizeof(line) - 1, 0, 1);
    ass_set_frame_size(t->renderer, 64, 64);
    drawn = ass_render_frame(t->renderer, track, 0, NULL) != NULL;
    ass_free_track(track);
    return drawn;
}

bool text_start(struct text *t)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;

    ass_set_fonts(t->renderer, NULL, FAMILY, ASS_FONTPROVIDER_AUTODETECT, NULL, 1);
    t->started = t->own_fonts || draws(t);
    if (!t->started && !atomic_flag_test_and_set(&said))
        log_warn("no font was found: captions of text and on-screen text are left out; install "
                 "one, in Debian fonts-dejavu-core");
    return t->started;
}

void text_set_scale(struct text *t, double scale)
{
    ass_set_font_scale(t->renderer, scale);
}

// True: the frame is another one than before.
static bool set_frame(struct text *t, const struct text_frame *f)
{
    double pixel_aspect = f->aspect * f->height / f->width;

    if (f->width == t->frame.width && f->height == t->frame.height && f->aspect == t->frame.aspect)
        return false;
    t->frame = *f;
    ass_set_frame_size(t->renderer, f->width, f->height);
    ass_set_storage_size(t->renderer, f->width, f->height);
    ass_set_pixel_aspect(t->renderer, pixel_aspect > 0 ? pixel_aspect : 1);
    return true;
}

static int take_images(struct text *t, const ASS_Image *image)
{
    int count = 0;

    for (; image; image = image->next) {
        uint32_t colour = image->color; // R, G, B, 255 - A

        if (image->w <= 0 || image->h <= 0)
            continue;
        t->pieces = mem_grow(t->pieces, count, &t->room, sizeof(*t->pieces));
        t->pieces[count++] = (struct overlay_piece){
            .x = image->dst_x,
            .y = image->dst_y,
            .width = image->w,
            .height = image->h,
            .stride_bytes = (size_t)image->stride,
            .coverage = image->bitmap,
            .colour = {(uint8_t)(colour >> 24), (uint8_t)(colour >> 16), (uint8_t)(colour >> 8),
                       (uint8_t)(255 - (colour & 255))},
        };
    }
    return count;
}

void text_draw(struct text *t, struct ass_track *track, int64_t time_ns,
               const struct text_frame *frame, bool anew, struct overlay *overlay)
{
    const ASS_Image *images;
    int changed = 0, count;

    if (!t->started)
        return;
    anew |= set_frame(t, frame);
    images = ass_render_frame(t->renderer, track, time_ns / NS_PER_MS, &changed);
    if (!changed && !anew)
        return;
    count = take_images(t, images); // may move `pieces`
    overlay_set(overlay, t->pieces, count, frame->width, frame->height);
}
