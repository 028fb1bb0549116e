#include "tests/eval/eval_picture.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/stereo3d.h>
#include <libswscale/swscale.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct eval_film {
    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    struct SwsContext *scale;
    int stream;
    bool flushed;
    bool waiting; // frame is the next picture
    enum stereo_input named;
    struct eval_picture picture;
};

void eval_film_close(struct eval_film **film)
{
    struct eval_film *f = *film;

    if (f == NULL)
        return;
    avformat_close_input(&f->format);
    avcodec_free_context(&f->codec);
    av_packet_free(&f->packet);
    av_frame_free(&f->frame);
    sws_freeContext(f->scale);
    eval_picture_free(&f->picture);
    free(f);
    *film = NULL;
}

static bool open_codec(struct eval_film *f)
{
    const AVCodec *codec = NULL;

    f->stream = av_find_best_stream(f->format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (f->stream < 0)
        return false;
    f->codec = avcodec_alloc_context3(codec);
    return avcodec_parameters_to_context(f->codec, f->format->streams[f->stream]->codecpar) >= 0 &&
           avcodec_open2(f->codec, codec, NULL) >= 0;
}

static bool decode(struct eval_film *f)
{
    if (f->waiting) {
        f->waiting = false;
        return true;
    }
    for (;;) {
        int got = avcodec_receive_frame(f->codec, f->frame);
        if (got == 0)
            return true;
        if (got != AVERROR(EAGAIN) || f->flushed)
            return false;
        if (av_read_frame(f->format, f->packet) < 0) {
            f->flushed = true;
            avcodec_send_packet(f->codec, NULL);
            continue;
        }
        if (f->packet->stream_index == f->stream)
            avcodec_send_packet(f->codec, f->packet);
        av_packet_unref(f->packet);
    }
}

// Of the stream, else of its first picture.
static const AVStereo3D *stereo_of(const struct eval_film *f)
{
    const AVStream *stream = f->format->streams[f->stream];
    const AVFrameSideData *of_frame = av_frame_get_side_data(f->frame, AV_FRAME_DATA_STEREO3D);
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    const AVPacketSideData *of_stream =
        av_packet_side_data_get(stream->codecpar->coded_side_data,
                                stream->codecpar->nb_coded_side_data, AV_PKT_DATA_STEREO3D);
    const void *data = of_stream != NULL ? of_stream->data : NULL;
#else
    const void *data = av_stream_get_side_data(stream, AV_PKT_DATA_STEREO3D, NULL);
#endif

    if (data == NULL && of_frame != NULL)
        data = of_frame->data;
    return data;
}

struct eval_film *eval_film_open(const char *path)
{
    struct eval_film *f = calloc(1, sizeof(*f));

    f->packet = av_packet_alloc();
    f->frame = av_frame_alloc();
    if (avformat_open_input(&f->format, path, NULL, NULL) < 0 ||
        avformat_find_stream_info(f->format, NULL) < 0 || !open_codec(f) || !decode(f)) {
        fprintf(stderr, "deep3d-eval: %s cannot be decoded\n", path);
        eval_film_close(&f);
        return NULL;
    }
    f->waiting = true; // the first picture says what the container does not
    f->named = stereo_input_named(path);
    return f;
}

bool eval_film_halves(const struct eval_film *f, enum stereo_input asked, struct stereo_halves *out)
{
    AVRational aspect =
        av_guess_sample_aspect_ratio(f->format, f->format->streams[f->stream], f->frame);
    struct stereo_words words = {.asked = asked, .said = stereo_of(f), .named = f->named};

    return stereo_input_halves(&words, f->frame->width, f->frame->height,
                               aspect.num > 0 ? av_q2d(aspect) : 0, out);
}

bool eval_film_next(struct eval_film *f, struct eval_picture *out)
{
    if (!decode(f))
        return false;
    if (f->picture.width != f->frame->width || f->picture.height != f->frame->height) {
        eval_picture_free(&f->picture);
        f->picture =
            (struct eval_picture){f->frame->width, f->frame->height,
                                  malloc((size_t)f->frame->width * (size_t)f->frame->height * 4)};
    }
    f->scale =
        sws_getCachedContext(f->scale, f->frame->width, f->frame->height, f->frame->format,
                             f->picture.width, f->picture.height, AV_PIX_FMT_RGB0,
                             SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
    if (f->scale == NULL || f->picture.rgba == NULL)
        return false;
    sws_scale(f->scale, (const uint8_t *const *)f->frame->data, f->frame->linesize, 0,
              f->frame->height, (uint8_t *[]){f->picture.rgba}, (int[]){f->picture.width * 4});
    av_frame_unref(f->frame);
    *out = f->picture;
    return true;
}

struct eval_picture eval_picture_read(const char *path)
{
    struct eval_film *film = eval_film_open(path);
    struct eval_picture picture = {0};

    if (film != NULL && eval_film_next(film, &picture))
        film->picture.rgba = NULL; // it is the caller's now
    eval_film_close(&film);
    return picture;
}

void eval_picture_free(struct eval_picture *picture)
{
    free(picture->rgba);
    *picture = (struct eval_picture){0};
}

bool eval_picture_write(const char *path, const uint8_t *rgba, int width, int height)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGBA};
    uint8_t *opaque = malloc((size_t)width * (size_t)height * 4);
    bool ok;

    for (int i = 0; i < width * height; i++) {
        memcpy(opaque + (size_t)i * 4, rgba + (size_t)i * 4, 3);
        opaque[(size_t)i * 4 + 3] = 255;
    }
    ok = png_image_write_to_file(&image, path, 0, opaque, 0, NULL) != 0;
    if (!ok)
        fprintf(stderr, "deep3d-eval: cannot write %s: %s\n", path, image.message);
    free(opaque);
    return ok;
}

static uint8_t clamp_byte(int v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static void sheet_pixel(const struct eval_sheet *s, int x, int y, uint8_t *out[4])
{
    size_t at = ((size_t)y * (size_t)s->width + (size_t)x) * 4;
    int near_x = x * s->near_width / s->width, near_y = y * s->near_height / s->height;

    memcpy(out[0], s->left + at, 4);
    memset(out[1], clamp_byte((int)(255 * s->nearness[near_y * s->near_width + near_x])), 4);
    memcpy(out[2], s->right + at, 4);
    for (int c = 0; c < 4; c++)
        out[3][c] = clamp_byte(128 + s->right[at + (size_t)c] - s->right_truth[at + (size_t)c]);
}

bool eval_picture_write_sheet(const char *path, const struct eval_sheet *s)
{
    size_t row = (size_t)s->width * 8;
    uint8_t *rgba = malloc(row * (size_t)s->height * 2);
    bool ok;

    for (int y = 0; y < s->height; y++)
        for (int x = 0; x < s->width; x++) {
            uint8_t *at = rgba + (size_t)y * row + (size_t)x * 4,
                    *below = at + row * (size_t)s->height;
            sheet_pixel(s, x, y, (uint8_t *[]){at, at + row / 2, below, below + row / 2});
        }
    ok = eval_picture_write(path, rgba, s->width * 2, s->height * 2);
    free(rgba);
    return ok;
}

bool eval_picture_read_grey16(const char *path, int *out_width, int *out_height, uint16_t **out)
{
    FILE *file = fopen(path, "rb");
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    uint16_t *volatile pixels = NULL;

    if (file == NULL || setjmp(png_jmpbuf(png))) {
        if (file != NULL) {
            fprintf(stderr, "deep3d-eval: %s is no PNG of 16 bits, grey\n", path);
            fclose(file);
        }
        png_destroy_read_struct(&png, &info, NULL);
        free(pixels);
        return false;
    }
    png_init_io(png, file);
    png_read_info(png, info);
    *out_width = (int)png_get_image_width(png, info);
    *out_height = (int)png_get_image_height(png, info);
    if (png_get_bit_depth(png, info) != 16 ||
        png_get_color_type(png, info) != PNG_COLOR_TYPE_GRAY ||
        png_get_interlace_type(png, info) != PNG_INTERLACE_NONE)
        png_error(png, "another format");
    png_set_swap(png); // to this machine's byte order
    pixels = malloc((size_t)*out_width * (size_t)*out_height * sizeof(*pixels));
    for (int y = 0; y < *out_height; y++)
        png_read_row(png, (png_bytep)(pixels + (size_t)y * (size_t)*out_width), NULL);
    png_destroy_read_struct(&png, &info, NULL);
    fclose(file);
    *out = pixels;
    return true;
}
