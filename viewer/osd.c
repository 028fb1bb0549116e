#include "viewer/osd.h"

#include <ass/ass.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "viewer/overlay.h"
#include "viewer/text.h"

#define SHOWN_NS (1500 * NS_PER_MS)
#define LEAST_PCT 0.3f

static const char header[] =
    "[Script Info]\nScriptType: v4.00+\nPlayResX: 1280\nPlayResY: 720\nWrapStyle: 1\n"
    "[V4+ Styles]\n"
    "Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, BorderStyle, "
    "Outline, Shadow, Alignment, MarginL, MarginR, MarginV\n"
    "Style: Default,sans-serif,34,&H00ffffff,&H20000000,&H00000000,1,2,0,7,36,36,28\n";

struct osd {
    struct monitor monitor;
    // guarded by monitor:
    char line[256]; // of libass: fields, then the text
    bool changed;
    int64_t until_ns;
    bool shown; // the overlay holds something

    // drawing:
    struct text *text;
    ASS_Track *track;
    struct overlay *overlay;
};

struct osd *osd_create(void)
{
    struct osd *o = mem_new(1, sizeof(*o));

    monitor_init(&o->monitor);
    o->overlay = overlay_create();
    o->text = text_create();
    if (!o->text || !text_start(o->text) || !(o->track = text_new_track(o->text)))
        goto fail;
    ass_process_codec_private(o->track, (char *)header, sizeof(header) - 1);
    return o;
fail:
    osd_destroy(&o);
    return NULL;
}

void osd_destroy(struct osd **osd)
{
    struct osd *o = *osd;

    if (!o)
        return;
    if (o->track)
        ass_free_track(o->track);
    text_destroy(&o->text);
    overlay_destroy(&o->overlay);
    monitor_finish(&o->monitor);
    mem_free(o);
    *osd = NULL;
}

// What libass would take for its own commands.
static void make_harmless(char *text)
{
    for (; *text; text++) {
        if (*text == '{')
            *text = '(';
        else if (*text == '}')
            *text = ')';
        else if (*text == '\\')
            *text = '/';
    }
}

void osd_show(struct osd *o, const char *format, ...)
{
    char text[200];
    va_list args;

    if (!o)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    make_harmless(text);
    log_debug("on screen: %s", text);
    monitor_lock(&o->monitor);
    snprintf(o->line, sizeof(o->line), "0,0,Default,,0,0,0,,%s", text);
    o->changed = true;
    o->until_ns = clock_now_ns() + SHOWN_NS;
    monitor_unlock(&o->monitor);
}

// Monitor held: brings the track up to date.
static void take_line(struct osd *o)
{
    ass_flush_events(o->track);
    ass_process_chunk(o->track, o->line, (int)strlen(o->line), 0, 1);
    o->changed = false;
}

bool osd_stale(struct osd *o)
{
    bool stale;

    if (!o)
        return false;
    monitor_lock(&o->monitor);
    stale = clock_now_ns() < o->until_ns ? o->changed : o->shown;
    monitor_unlock(&o->monitor);
    return stale;
}

void osd_draw(struct osd *o, const struct deep3d *converter, const struct stereo_frame *f)
{
    struct text_frame frame = {f->eyes.width, f->eyes.height, f->aspect};
    struct overlay_depth depth = {.least_pct = LEAST_PCT};
    bool show, shown;

    if (!o)
        return;
    monitor_lock(&o->monitor);
    show = clock_now_ns() < o->until_ns;
    if (show && o->changed)
        take_line(o);
    shown = o->shown;
    o->shown = show;
    monitor_unlock(&o->monitor);
    if (!show) {
        if (shown)
            overlay_set(o->overlay, NULL, 0, frame.width, frame.height);
        return;
    }
    text_draw(o->text, o->track, 0, &frame, !shown, o->overlay);
    overlay_draw(o->overlay, converter, &depth, f->pts_ns, &f->eyes);
}
