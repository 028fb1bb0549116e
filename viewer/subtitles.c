#include "viewer/subtitles.h"

#include <stdio.h>
#include <string.h>

#include <libavformat/avformat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "viewer/language.h"
#include "viewer/options.h"
#include "viewer/overlay.h"
#include "viewer/subtitle_file.h"
#include "viewer/subtitle_track.h"
#include "viewer/text.h"

#define FILES_MAX 64
#define NO_STREAM (-1)
#define NO_TRACK (-1)
// Languages in --sub-lang that count.
#define WISHES_MAX 64
// A font larger than this is none.
#define FONT_BYTES_MAX (64 << 20)

// What speaks for a track when nobody chose one, the strongest first.
enum {
    MERIT_ASKED = 8 * (WISHES_MAX + 1),
    MERIT_LANGUAGE = 8, // for each place before the last of WISHES_MAX
    MERIT_BESIDE = 4,
    MERIT_DEFAULT = 2,
    MERIT_FORCED = 1
};

struct entry {
    struct subtitle_track *track;
    int stream; // in the container; NO_STREAM: of a file of its own
    int merit;
    char language[16]; // "": not known
};

struct subtitles {
    // set by subtitles_create(), then read-only
    const struct options *options;
    struct overlay_depth depth;
    // the drawing thread's
    struct overlay *overlay;
    int drawn; // the track in the overlay; NO_TRACK: none

    struct monitor monitor;
    // guarded by monitor:
    struct text *text; // NULL: no track yet, or nothing can be drawn
    bool text_asked, text_started;
    struct entry *entries;
    int count, room;
    int chosen; // NO_TRACK: none
    bool hidden;
    int64_t delay_ns;
};

struct subtitles *subtitles_create(const struct options *options)
{
    struct subtitles *s = mem_new(1, sizeof(*s));

    monitor_init(&s->monitor);
    s->options = options;
    s->depth.fixed = options->sub_depth_pct != OPTIONS_SUB_DEPTH_AUTO;
    s->depth.pct = (float)options->sub_depth_pct;
    s->overlay = overlay_create();
    s->chosen = s->drawn = NO_TRACK;
    s->delay_ns = (int64_t)(options->sub_delay_s * NS_PER_S);
    return s;
}

void subtitles_destroy(struct subtitles **subtitles)
{
    struct subtitles *s = *subtitles;

    if (!s)
        return;
    for (int i = 0; i < s->count; i++)
        subtitle_track_destroy(&s->entries[i].track);
    mem_free(s->entries);
    text_destroy(&s->text);
    overlay_destroy(&s->overlay);
    monitor_finish(&s->monitor);
    mem_free(s);
    *subtitles = NULL;
}

// --- the choice

// Monitor held.
static void choose(struct subtitles *s)
{
    int wish = s->options->sub;

    s->chosen = NO_TRACK;
    if (wish == OPTIONS_SUB_AUTO) {
        for (int i = 0; i < s->count; i++)
            if (s->entries[i].merit > (s->chosen < 0 ? 0 : s->entries[s->chosen].merit))
                s->chosen = i;
    } else if (wish != OPTIONS_SUB_NONE && wish <= s->count) {
        s->chosen = wish - 1;
    }
}

// Takes the track over.
static void add(struct subtitles *s, struct subtitle_track *track, int stream, int merit,
                const char *language)
{
    struct entry e = {track, stream, merit, ""};
    int wish;

    if (language && strcmp(language, "und") != 0)
        snprintf(e.language, sizeof(e.language), "%s", language);
    wish = language_wish(s->options->sub_lang, e.language);
    if (wish >= 0 && wish < WISHES_MAX)
        e.merit += MERIT_LANGUAGE * (WISHES_MAX - wish);
    monitor_lock(&s->monitor);
    s->entries = mem_grow(s->entries, s->count, &s->room, sizeof(*s->entries));
    s->entries[s->count++] = e;
    choose(s);
    monitor_unlock(&s->monitor);
}

// --- what libass draws with, made when the first track comes; called before a track is shown

static struct text *get_text(struct subtitles *s)
{
    if (!s->text_asked) {
        s->text = text_create();
        if (s->text)
            text_set_scale(s->text, s->options->sub_scale);
    }
    s->text_asked = true;
    return s->text;
}

static bool is_font(const AVStream *stream)
{
    const AVDictionaryEntry *type = av_dict_get(stream->metadata, "mimetype", NULL, 0);
    const AVCodecParameters *p = stream->codecpar;

    if (p->codec_type != AVMEDIA_TYPE_ATTACHMENT || p->extradata_size <= 0 ||
        p->extradata_size > FONT_BYTES_MAX)
        return false;
    return p->codec_id == AV_CODEC_ID_TTF || p->codec_id == AV_CODEC_ID_OTF ||
           (type && (strstr(type->value, "font") || strstr(type->value, "truetype")));
}

static void add_fonts(struct subtitles *s, const AVFormatContext *container)
{
    for (unsigned i = 0; i < container->nb_streams; i++) {
        const AVStream *stream = container->streams[i];
        const AVDictionaryEntry *name = av_dict_get(stream->metadata, "filename", NULL, 0);

        if (is_font(stream))
            text_add_font(s->text, name ? name->value : "font", stream->codecpar->extradata,
                          stream->codecpar->extradata_size);
    }
}

static int merit_of(const AVStream *stream)
{
    return (stream->disposition & AV_DISPOSITION_DEFAULT ? MERIT_DEFAULT : 0) |
           (stream->disposition & AV_DISPOSITION_FORCED ? MERIT_FORCED : 0);
}

void subtitles_add_streams(struct subtitles *s, AVFormatContext *container, const char *url)
{
    bool any = false;

    for (unsigned i = 0; i < container->nb_streams; i++) {
        const AVStream *stream = container->streams[i];
        const AVDictionaryEntry *language = av_dict_get(stream->metadata, "language", NULL, 0);
        struct subtitle_track *track;

        if (stream->codecpar->codec_type != AVMEDIA_TYPE_SUBTITLE)
            continue;
        track = subtitle_track_create(stream->codecpar, stream->time_base, get_text(s), url);
        if (track)
            add(s, track, (int)i, merit_of(stream), language ? language->value : NULL);
        any |= track != NULL;
    }
    if (any && s->text)
        add_fonts(s, container);
}

// --- feeding

// Monitor held. NO_TRACK: not ours.
static int find(const struct subtitles *s, int stream)
{
    for (int i = 0; i < s->count; i++)
        if (s->entries[i].stream == stream)
            return i;
    return NO_TRACK;
}

bool subtitles_want(const struct subtitles *subtitles, int stream)
{
    struct subtitles *s = (struct subtitles *)subtitles; // its lock only
    int i;

    monitor_lock(&s->monitor);
    i = find(s, stream);
    monitor_unlock(&s->monitor);
    return i != NO_TRACK;
}

void subtitles_feed(struct subtitles *s, const AVPacket *packet, int64_t pts_ns)
{
    struct subtitle_track *track = NULL;
    AVSubtitle decoded;
    int i;

    monitor_lock(&s->monitor);
    i = find(s, packet->stream_index);
    if (i != NO_TRACK && (i == s->chosen || subtitle_track_is_text(s->entries[i].track)))
        track = s->entries[i].track;
    monitor_unlock(&s->monitor);
    if (!track || !subtitle_track_decode(track, packet, &decoded))
        return;
    monitor_lock(&s->monitor);
    subtitle_track_add(track, &decoded, pts_ns);
    monitor_unlock(&s->monitor);
}

void subtitles_wound(struct subtitles *s, int64_t read_ns, int64_t to_ns)
{
    monitor_lock(&s->monitor);
    for (int i = 0; i < s->count; i++)
        if (s->entries[i].stream != NO_STREAM)
            subtitle_track_wound(s->entries[i].track, read_ns, to_ns);
    monitor_unlock(&s->monitor);
}

// --- files

struct file {
    struct subtitles *subtitles;
    int merit;
    char language[16]; // by its name
};

static void take(void *user, struct subtitle_track *track, const char *language)
{
    struct file *f = user;

    add(f->subtitles, track, NO_STREAM, f->merit, language ? language : f->language);
}

static void add_file(struct subtitles *s, const char *path, double frames_per_s, int merit)
{
    struct file f = {s, merit, ""};

    subtitle_file_language(path, f.language, sizeof(f.language));
    subtitle_file_load(path, get_text(s), frames_per_s, take, &f);
}

void subtitles_add_files(struct subtitles *s, const char *film, double frames_per_s)
{
    char *beside[FILES_MAX];
    int count = subtitle_file_find(film, FILES_MAX, beside);

    if (s->options->sub_file)
        add_file(s, s->options->sub_file, frames_per_s, MERIT_ASKED);
    for (int i = 0; i < count; i++) {
        add_file(s, beside[i], frames_per_s, MERIT_BESIDE);
        mem_free(beside[i]);
    }
    if (s->options->sub > s->count)
        log_warn("%s has %d tracks of captions: there is no number %d", film, s->count,
                 s->options->sub);
}

// --- what the viewer asks for

void subtitles_cycle(struct subtitles *s, int step)
{
    monitor_lock(&s->monitor);
    s->chosen += step;
    if (s->chosen >= s->count)
        s->chosen = NO_TRACK;
    else if (s->chosen < NO_TRACK)
        s->chosen = s->count - 1;
    s->hidden = false;
    monitor_unlock(&s->monitor);
}

void subtitles_toggle(struct subtitles *s)
{
    monitor_lock(&s->monitor);
    s->hidden = !s->hidden;
    monitor_unlock(&s->monitor);
}

void subtitles_set_delay(struct subtitles *s, int64_t delay_ns)
{
    monitor_lock(&s->monitor);
    s->delay_ns = delay_ns;
    monitor_unlock(&s->monitor);
}

void subtitles_describe(struct subtitles *s, char *out, int out_size)
{
    const struct entry *e;

    monitor_lock(&s->monitor);
    e = s->chosen == NO_TRACK ? NULL : &s->entries[s->chosen];
    if (s->count == 0)
        snprintf(out, (size_t)out_size, "this film has none");
    else if (!e)
        snprintf(out, (size_t)out_size, "none of %d", s->count);
    else
        snprintf(out, (size_t)out_size, "%d of %d, %s%s%s%s", s->chosen + 1, s->count, e->language,
                 e->language[0] ? ", " : "", subtitle_track_kind(e->track),
                 s->hidden ? ", hidden" : "");
    monitor_unlock(&s->monitor);
}

// --- drawing

// Monitor held. Brings the overlay up to date.
static void update(struct subtitles *s, const struct stereo_frame *f)
{
    struct text_frame frame = {f->eyes.width, f->eyes.height, f->aspect};
    int shown = s->hidden ? NO_TRACK : s->chosen;

    if (shown != NO_TRACK)
        subtitle_track_draw(s->entries[shown].track, s->text, f->pts_ns - s->delay_ns, &frame,
                            shown != s->drawn, s->overlay);
    else if (s->drawn != NO_TRACK)
        overlay_set(s->overlay, NULL, 0, frame.width, frame.height);
    s->drawn = shown;
}

void subtitles_draw(struct subtitles *s, const struct deep3d *converter,
                    const struct stereo_frame *frame)
{
    if (!s)
        return;
    monitor_lock(&s->monitor);
    // with the first frame all fonts are there, and a moment more is not noticed
    if (s->text && !s->text_started)
        text_start(s->text);
    s->text_started |= s->text != NULL;
    update(s, frame);
    monitor_unlock(&s->monitor);
    overlay_draw(s->overlay, converter, &s->depth, frame->pts_ns, &frame->eyes);
}
