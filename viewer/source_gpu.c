#include "viewer/source_gpu.h"

#include <dlfcn.h>
#include <stdio.h>

// FFmpeg's header wants CUDA's own for two types, which are pointers
#define CUDA_VERSION 0
typedef void *CUcontext;
typedef void *CUstream;
#include <libavutil/hwcontext_cuda.h>

#include <libavutil/hwcontext.h>

#include "base/mem.h"
#include "kernels/cuda_decode.h"
#include "kernels/cuda_library.h"
#include "kernels/kernels.h"

struct source_gpu {
    const struct cuda_decode *cuda;
    AVBufferRef *hardware; // an AVHWDeviceContext
    void *stream;
    bool refused;
};

// Finds CUDA, and makes the GPU current on the calling thread.
static bool enter(struct source_gpu *g, const uint8_t *uuid, char *why, size_t size)
{
    const struct cuda_decode *(*get)(void);
    int index;
    const struct kernels *column = kernels_gpu(uuid, &index, why, size);

    if (!column && uuid) // as the converter does
        column = kernels_gpu(NULL, &index, why, size);
    if (!column || !cuda_library_symbol("deep3d_cuda_decode", &get, why, size))
        return false;
    g->cuda = get();
    snprintf(why, size, "the GPU does not answer");
    return column->device->enter(index);
}

// FFmpeg tells no more than that it failed.
static bool find_decoder(char *why, size_t size)
{
    void *library = dlopen("libnvcuvid.so.1", RTLD_LAZY);

    if (!library) {
        snprintf(why, size,
                 "the driver's part that decodes, libnvcuvid.so.1, is not installed (in a "
                 "container: set NVIDIA_DRIVER_CAPABILITIES=all)");
        return false;
    }
    dlclose(library);
    return true;
}

static bool make_hardware(struct source_gpu *g, char *why, size_t size)
{
    AVCUDADeviceContext *cuda;

    g->hardware = av_hwdevice_ctx_alloc(AV_HWDEVICE_TYPE_CUDA);
    if (!g->hardware) {
        snprintf(why, size, "FFmpeg here was built without it");
        return false;
    }
    cuda = ((AVHWDeviceContext *)(void *)g->hardware->data)->hwctx;
    cuda->cuda_ctx = g->cuda->context();
    cuda->stream = g->stream = g->cuda->stream_create();
    if (!cuda->cuda_ctx || !cuda->stream) {
        snprintf(why, size, "%s", g->cuda->error());
        return false;
    }
    snprintf(why, size, "FFmpeg cannot use the NVIDIA driver; update it");
    return av_hwdevice_ctx_init(g->hardware) >= 0;
}

struct source_gpu *source_gpu_create(const uint8_t *uuid, char *why, size_t size)
{
    struct source_gpu *g = mem_new(1, sizeof(*g));

    if (!enter(g, uuid, why, size) || !make_hardware(g, why, size) || !find_decoder(why, size))
        source_gpu_destroy(&g);
    return g;
}

void source_gpu_destroy(struct source_gpu **gpu)
{
    struct source_gpu *g = *gpu;

    if (!g)
        return;
    av_buffer_unref(&g->hardware);
    if (g->cuda)
        g->cuda->stream_destroy(g->stream);
    mem_free(g);
    *gpu = NULL;
}

static bool knows_cuda(const AVCodec *codec)
{
    const AVCodecHWConfig *way;

    for (int i = 0; (way = avcodec_get_hw_config(codec, i)); i++)
        if (way->pix_fmt == AV_PIX_FMT_CUDA &&
            (way->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX))
            return true;
    return false;
}

// Older ones cost the CPU little, and decoders of MPEG-1, 2 and 4 may differ from one another.
static bool worth_it(enum AVCodecID codec)
{
    return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC || codec == AV_CODEC_ID_VP8 ||
           codec == AV_CODEC_ID_VP9 || codec == AV_CODEC_ID_AV1;
}

const AVCodec *source_gpu_codec(enum AVCodecID codec)
{
    void *at = NULL;
    const AVCodec *c;

    if (!worth_it(codec))
        return NULL;
    // those of NVIDIA's own parser (h264_cuvid ..) are marked as hardware
    while ((c = av_codec_iterate(&at)))
        if (c->id == codec && av_codec_is_decoder(c) &&
            !(c->capabilities & AV_CODEC_CAP_HARDWARE) && knows_cuda(c))
            return c;
    return NULL;
}

// FFmpeg asks again, without it, where the GPU has refused.
static enum AVPixelFormat choose_format(AVCodecContext *decoder, const enum AVPixelFormat *formats)
{
    struct source_gpu *g = decoder->opaque;

    while (*formats != AV_PIX_FMT_NONE && *formats != AV_PIX_FMT_CUDA)
        formats++;
    g->refused = *formats == AV_PIX_FMT_NONE;
    return *formats;
}

void source_gpu_prepare(struct source_gpu *gpu, AVCodecContext *decoder)
{
    gpu->refused = false;
    decoder->hw_device_ctx = av_buffer_ref(gpu->hardware);
    decoder->opaque = gpu;
    decoder->get_format = choose_format;
    decoder->thread_count = 1; // the work is done elsewhere, and each thread would hold a surface
    decoder->extra_hw_frames = SOURCE_GPU_FRAMES;
#ifdef AV_HWACCEL_FLAG_UNSAFE_OUTPUT // surfaces are handed out without a copy; the only way of old
    decoder->hwaccel_flags |= AV_HWACCEL_FLAG_UNSAFE_OUTPUT;
#endif
}

bool source_gpu_refused(const struct source_gpu *gpu)
{
    return gpu->refused;
}

bool source_gpu_finish(struct source_gpu *gpu)
{
    return gpu->cuda->stream_wait(gpu->stream);
}
