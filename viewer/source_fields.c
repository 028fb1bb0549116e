#include "viewer/source_fields.h"

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>

#include "base/log.h"
#include "base/mem.h"

struct source_fields {
    AVRational time_base;
    AVFilterGraph *graph; // NULL: nothing woven has come yet
    AVFilterContext *in, *out;
    int width, height, format; // that the graph is for
    bool refused;  // the filter does not take such pictures: they come out as they went in
    AVFrame *held; // until all before it have come out
};

struct source_fields *source_fields_create(AVRational time_base)
{
    struct source_fields *f = mem_new(1, sizeof(*f));

    f->time_base = time_base;
    f->held = av_frame_alloc();
    if (!f->held)
        source_fields_destroy(&f);
    return f;
}

void source_fields_destroy(struct source_fields **fields)
{
    struct source_fields *f = *fields;

    if (!f)
        return;
    avfilter_graph_free(&f->graph);
    av_frame_free(&f->held);
    mem_free(f);
    *fields = NULL;
}

void source_fields_reset(struct source_fields *f)
{
    avfilter_graph_free(&f->graph);
    av_frame_unref(f->held);
}

bool source_fields_woven(const AVFrame *picture)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
    return picture->flags & AV_FRAME_FLAG_INTERLACED;
#else
    return picture->interlaced_frame;
#endif
}

static bool suits(const struct source_fields *f, const AVFrame *picture)
{
    return f->width == picture->width && f->height == picture->height &&
           f->format == picture->format;
}

bool source_fields_busy(const struct source_fields *f, const AVFrame *picture)
{
    return f->graph || source_fields_woven(picture);
}

static bool make_graph(struct source_fields *f, const AVFrame *picture)
{
    char *format = mem_printf("video_size=%dx%d:pix_fmt=%d:time_base=%d/%d", picture->width,
                              picture->height, picture->format, f->time_base.num, f->time_base.den);
    AVFilterContext *filter = NULL;
    bool ok;

    f->graph = avfilter_graph_alloc();
    ok = f->graph &&
         avfilter_graph_create_filter(&f->in, avfilter_get_by_name("buffer"), "in", format, NULL,
                                      f->graph) >= 0 &&
         avfilter_graph_create_filter(&filter, avfilter_get_by_name("bwdif"), "bwdif",
                                      "mode=send_frame:deint=interlaced", NULL, f->graph) >= 0 &&
         avfilter_graph_create_filter(&f->out, avfilter_get_by_name("buffersink"), "out", NULL,
                                      NULL, f->graph) >= 0 &&
         avfilter_link(f->in, 0, filter, 0) >= 0 && avfilter_link(filter, 0, f->out, 0) >= 0;
    if (ok) {
        avfilter_graph_set_auto_convert(f->graph, AVFILTER_AUTO_CONVERT_NONE);
        ok = avfilter_graph_config(f->graph, NULL) >= 0;
    }
    mem_free(format);
    if (!ok)
        avfilter_graph_free(&f->graph);
    return ok;
}

// A graph for pictures like this. False: there is none, said once.
static bool suit(struct source_fields *f, const AVFrame *picture)
{
    if (suits(f, picture) && (f->graph || f->refused))
        return !f->refused;
    avfilter_graph_free(&f->graph);
    f->width = picture->width;
    f->height = picture->height;
    f->format = picture->format;
    f->refused = !make_graph(f, picture);
    if (f->refused)
        log_warn("interlaced pictures of %dx%d stay as they are: FFmpeg's bwdif does not take them",
                 f->width, f->height);
    return !f->refused;
}

void source_fields_put(struct source_fields *f, AVFrame *picture)
{
    if (f->graph && (!picture || !suits(f, picture)) && av_buffersrc_add_frame(f->in, NULL) < 0)
        avfilter_graph_free(&f->graph); // no memory: what it holds is lost
    if (!picture)
        return;
    picture->pts = picture->best_effort_timestamp;
    av_frame_move_ref(f->held, picture);
}

bool source_fields_get(struct source_fields *f, AVFrame *out)
{
    if (f->graph && av_buffersink_get_frame(f->out, out) >= 0)
        return true;
    if (!f->held->buf[0])
        return false;
    if (suit(f, f->held) && av_buffersrc_add_frame(f->in, f->held) >= 0)
        return av_buffersink_get_frame(f->out, out) >= 0;
    av_frame_move_ref(out, f->held);
    return true;
}
