#include "viewer/audio_tempo.h"

#include <string.h>

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/channel_layout.h>
#include <libavutil/frame.h>

#include "base/log.h"
#include "base/mem.h"

// atempo itself goes down to half speed
#define ATEMPO_MIN 0.5

struct audio_tempo {
    AVFilterGraph *graph;
    AVFilterContext *in, *out;
    AVFrame *frame;
    int rate_hz;
    AVChannelLayout layout; // any of so many channels: each is treated alike
    bool complained;
};

static bool fine(struct audio_tempo *t, int result)
{
    if (result < 0 && !t->complained) {
        log_warn("sound cannot be made faster or slower: %s", av_err2str(result));
        t->complained = true;
    }
    return result >= 0;
}

static bool make_filters(struct audio_tempo *t, double speed)
{
    char *format = mem_printf("sample_rate=%d:sample_fmt=flt:channel_layout=0x%llx:time_base=1/%d",
                              t->rate_hz, (unsigned long long)t->layout.u.mask, t->rate_hz);
    char *filters = speed < ATEMPO_MIN
                        ? mem_printf("atempo=%.6f,atempo=%.6f", ATEMPO_MIN, speed / ATEMPO_MIN)
                        : mem_printf("atempo=%.6f", speed);
    AVFilterInOut *from = avfilter_inout_alloc(), *to = avfilter_inout_alloc();
    bool ok = false;

    t->graph = avfilter_graph_alloc();
    t->frame = av_frame_alloc();
    if (t->graph && t->frame && from && to &&
        fine(t, avfilter_graph_create_filter(&t->in, avfilter_get_by_name("abuffer"), "in", format,
                                             NULL, t->graph)) &&
        fine(t, avfilter_graph_create_filter(&t->out, avfilter_get_by_name("abuffersink"), "out",
                                             NULL, NULL, t->graph))) {
        *from = (AVFilterInOut){av_strdup("in"), t->in, 0, NULL};
        *to = (AVFilterInOut){av_strdup("out"), t->out, 0, NULL};
        ok = fine(t, avfilter_graph_parse_ptr(t->graph, filters, &to, &from, NULL)) &&
             fine(t, avfilter_graph_config(t->graph, NULL));
    }
    avfilter_inout_free(&from);
    avfilter_inout_free(&to);
    mem_free(filters);
    mem_free(format);
    return ok;
}

struct audio_tempo *audio_tempo_create(int rate_hz, int channels, double speed)
{
    struct audio_tempo *t = mem_new(1, sizeof(*t));

    t->rate_hz = rate_hz;
    av_channel_layout_default(&t->layout, channels);
    if (!make_filters(t, speed))
        avfilter_graph_free(&t->graph);
    return t;
}

void audio_tempo_destroy(struct audio_tempo **tempo)
{
    struct audio_tempo *t = *tempo;

    if (!t)
        return;
    avfilter_graph_free(&t->graph);
    av_frame_free(&t->frame);
    mem_free(t);
    *tempo = NULL;
}

bool audio_tempo_put(struct audio_tempo *t, const float *frames, int count)
{
    size_t bytes = (size_t)count * (size_t)t->layout.nb_channels * sizeof(float);

    if (!t->graph)
        return false;
    if (count == 0)
        return fine(t, av_buffersrc_add_frame(t->in, NULL));
    av_frame_unref(t->frame);
    t->frame->format = AV_SAMPLE_FMT_FLT;
    t->frame->sample_rate = t->rate_hz;
    t->frame->ch_layout = t->layout; // native: nothing in it is to be copied
    t->frame->nb_samples = count;
    if (!fine(t, av_frame_get_buffer(t->frame, 0)))
        return false;
    if (frames)
        memcpy(t->frame->data[0], frames, bytes);
    else
        memset(t->frame->data[0], 0, bytes);
    return fine(t, av_buffersrc_add_frame(t->in, t->frame));
}

int audio_tempo_get(struct audio_tempo *t, const float **out)
{
    if (!t->graph)
        return 0;
    av_frame_unref(t->frame);
    if (av_buffersink_get_frame(t->out, t->frame) < 0) // none yet, or none any more
        return 0;
    *out = (const float *)t->frame->data[0];
    return t->frame->nb_samples;
}
