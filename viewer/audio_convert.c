#include "viewer/audio_convert.h"

#include <libavutil/channel_layout.h>
#include <libavutil/frame.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define CHANNELS_IN_MAX 64

struct audio_convert {
    int rate_hz;
    AVChannelLayout layout;
    struct SwrContext *swr;
    // what swr is made for
    int in_rate_hz, in_format;
    AVChannelLayout in_layout;
    float *frames;
    int capacity;
    bool complained;
};

struct audio_convert *audio_convert_create(int rate_hz, int channels)
{
    // the order in which SDL takes channels
    static const uint64_t masks[9] = {[1] = AV_CH_LAYOUT_MONO,
                                      [2] = AV_CH_LAYOUT_STEREO,
                                      [4] = AV_CH_LAYOUT_QUAD,
                                      [6] = AV_CH_LAYOUT_5POINT1_BACK,
                                      [8] = AV_CH_LAYOUT_7POINT1};
    struct audio_convert *c = mem_new(1, sizeof(*c));

    c->rate_hz = rate_hz;
    av_channel_layout_from_mask(&c->layout, masks[channels]);
    return c;
}

void audio_convert_destroy(struct audio_convert **convert)
{
    struct audio_convert *c = *convert;

    if (!c)
        return;
    swr_free(&c->swr);
    av_channel_layout_uninit(&c->layout);
    av_channel_layout_uninit(&c->in_layout);
    mem_free(c->frames);
    mem_free(c);
    *convert = NULL;
}

void audio_convert_reset(struct audio_convert *convert)
{
    swr_free(&convert->swr);
}

static bool open_with(struct audio_convert *c, const AVFrame *in, const AVChannelLayout *in_layout,
                      const double *matrix)
{
    swr_free(&c->swr);
    // FFmpeg 5's declaration lacks the const
    if (swr_alloc_set_opts2(&c->swr, &c->layout, AV_SAMPLE_FMT_FLT, c->rate_hz,
                            (AVChannelLayout *)in_layout, in->format, in->sample_rate, 0, NULL) < 0)
        return false;
    // mixing many channels into two stays within full scale
    av_opt_set_double(c->swr, "rematrix_maxval", 1.0, 0);
    if (matrix && swr_set_matrix(c->swr, matrix, in_layout->nb_channels) < 0)
        return false;
    return swr_init(c->swr) >= 0;
}

// Channels nobody knows the places of: the first ones, in their order; a single one to all.
static bool open_unknown(struct audio_convert *c, const AVFrame *in)
{
    double matrix[8 * CHANNELS_IN_MAX] = {0};
    AVChannelLayout unknown = {.order = AV_CHANNEL_ORDER_UNSPEC,
                               .nb_channels = in->ch_layout.nb_channels};

    if (unknown.nb_channels < 1 || unknown.nb_channels > CHANNELS_IN_MAX)
        return false;
    for (int i = 0; i < c->layout.nb_channels; i++)
        matrix[i * unknown.nb_channels + i % unknown.nb_channels] = 1;
    return open_with(c, in, &unknown, matrix);
}

static bool open_swr(struct audio_convert *c, const AVFrame *in)
{
    AVChannelLayout usual = {0};
    bool opened;

    if (in->ch_layout.order != AV_CHANNEL_ORDER_UNSPEC && open_with(c, in, &in->ch_layout, NULL))
        return true;
    av_channel_layout_default(&usual, in->ch_layout.nb_channels);
    opened = usual.order == AV_CHANNEL_ORDER_NATIVE && open_with(c, in, &usual, NULL);
    av_channel_layout_uninit(&usual);
    return opened || open_unknown(c, in);
}

static bool prepare(struct audio_convert *c, const AVFrame *in)
{
    if (c->swr && c->in_rate_hz == in->sample_rate && c->in_format == in->format &&
        av_channel_layout_compare(&c->in_layout, &in->ch_layout) == 0)
        return true;
    c->in_rate_hz = in->sample_rate;
    c->in_format = in->format;
    if (av_channel_layout_copy(&c->in_layout, &in->ch_layout) < 0 || !open_swr(c, in)) {
        swr_free(&c->swr);
        return false;
    }
    return true;
}

static bool reserve(struct audio_convert *c, int count)
{
    if (count <= c->capacity)
        return true;
    mem_free(c->frames);
    c->frames = mem_try_block((size_t)count * (size_t)c->layout.nb_channels * sizeof(float));
    c->capacity = c->frames ? count : 0;
    return c->frames != NULL;
}

static bool run(struct audio_convert *c, const AVFrame *in, struct audio_converted *out)
{
    const uint8_t *const *data = in ? (const uint8_t *const *)in->extended_data : NULL;
    int in_count = in ? in->nb_samples : 0, most;
    int64_t delay_ns;

    if (in ? !prepare(c, in) : !c->swr)
        return !in; // the end of nothing is nothing
    delay_ns = swr_get_delay(c->swr, NS_PER_S);
    most = swr_get_out_samples(c->swr, in_count);
    if (most < 0 || !reserve(c, most))
        return false;
    out->pts_ns = in ? in->pts - delay_ns : CLOCK_NONE;
    out->frames = c->frames;
    out->count = swr_convert(c->swr, (uint8_t *[]){(uint8_t *)c->frames}, most,
                             (const uint8_t **)data, in_count);
    return out->count >= 0;
}

bool audio_convert_run(struct audio_convert *convert, const AVFrame *in,
                       struct audio_converted *out)
{
    *out = (struct audio_converted){.pts_ns = CLOCK_NONE};
    if (run(convert, in, out))
        return true;
    out->count = 0;
    if (!convert->complained && in)
        log_warn("sound of %d channels at %d Hz cannot be played: it is left out",
                 in->ch_layout.nb_channels, in->sample_rate);
    convert->complained = true;
    return false;
}
