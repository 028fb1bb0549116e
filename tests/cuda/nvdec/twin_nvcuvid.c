// libnvcuvid.so.1 on the processor: see nvdec_twin.h. Of its structures, those of Video Codec SDK's
// cuviddec.h, only what comes first is known here.
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvdec_twin.h"

#define INVALID 1
#define NOT_SUPPORTED 801
#define SURFACES_MAX 32
#define UNUSED(name)                                                                               \
    int name(void);                                                                                \
    int name(void)                                                                                 \
    {                                                                                              \
        return NOT_SUPPORTED;                                                                      \
    }

enum { H264 = 4 };
enum { NV12, P016, YUV444, YUV444_16 };

struct caps {
    int codec, chroma;
    unsigned bits_minus_8, reserved[3];
    uint8_t supported, engines;
    uint16_t output_formats;
    unsigned max_width, max_height, max_blocks;
    uint16_t min_width, min_height;
};

struct create {
    unsigned long width, height, surfaces;
    int codec, chroma;
    unsigned long flags, bits_minus_8, intra_only, max_width, max_height, reserved;
    int16_t display_area[4];
    int output_format, deinterlace;
    unsigned long target_width, target_height, output_surfaces;
};

struct picture {
    int blocks_wide, blocks_high, surface, field[3];
    unsigned bytes;
    const uint8_t *bits;
    unsigned slices;
    const unsigned *offsets;
    int is_reference, is_intra;
    unsigned reserved[30];
    struct {
        _Alignas(8) int before[24];
        int order[2]; // of both fields: twice the place in the order of display
    } h264;
};

struct decoder {
    struct create made_as;
    int luma[SURFACES_MAX];
    uint8_t *mapped[SURFACES_MAX]; // by surface; NULL: it is not
    int mapped_count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// guarded by lock:
static struct nvdec_twin_faults faults;
static struct nvdec_twin_counts counts;

nvdec_twin_fail nvdec_twin_set_faults;
nvdec_twin_count nvdec_twin_get_counts;

void nvdec_twin_set_faults(const struct nvdec_twin_faults *now)
{
    pthread_mutex_lock(&lock);
    faults = *now;
    counts.decoded = 0;
    counts.mapped_most = counts.mapped;
    pthread_mutex_unlock(&lock);
}

struct nvdec_twin_counts nvdec_twin_get_counts(void)
{
    struct nvdec_twin_counts now;

    pthread_mutex_lock(&lock);
    now = counts;
    pthread_mutex_unlock(&lock);
    return now;
}

static void demand(bool truth, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "NVDEC's twin: %s\n", what);
    abort();
}

int cuvidGetDecoderCaps(struct caps *c);
int cuvidGetDecoderCaps(struct caps *c)
{
    c->supported = faults.max_bits == 0 || (int)c->bits_minus_8 + 8 <= faults.max_bits;
    c->engines = 1;
    c->max_width = faults.max_width ? (unsigned)faults.max_width : 8192;
    c->max_height = 8192;
    c->max_blocks = 8192 * 8192 / 256;
    c->min_width = c->min_height = 16;
    return 0;
}

int cuvidCreateDecoder(struct decoder **out, const struct create *info);
int cuvidCreateDecoder(struct decoder **out, const struct create *info)
{
    struct decoder *d = calloc(1, sizeof(*d));

    demand(info->surfaces >= 1 && info->surfaces <= SURFACES_MAX, "more than 32 surfaces");
    demand(info->output_surfaces >= 1 && info->output_surfaces <= SURFACES_MAX,
           "more than 32 surfaces to be mapped");
    d->made_as = *info;
    pthread_mutex_lock(&lock);
    counts.decoders++;
    pthread_mutex_unlock(&lock);
    *out = d;
    return 0;
}

int cuvidDestroyDecoder(struct decoder *d);
int cuvidDestroyDecoder(struct decoder *d)
{
    demand(d->mapped_count == 0, "a decoder goes while its surfaces are mapped");
    pthread_mutex_lock(&lock);
    counts.decoders--;
    pthread_mutex_unlock(&lock);
    free(d);
    return 0;
}

int cuvidDecodePicture(struct decoder *d, const struct picture *p);
int cuvidDecodePicture(struct decoder *d, const struct picture *p)
{
    bool fails;

    demand(p->surface >= 0 && p->surface < (int)d->made_as.surfaces, "no such surface");
    pthread_mutex_lock(&lock);
    demand(!d->mapped[p->surface], "decodes into a surface that is mapped");
    counts.decoded++;
    fails = faults.decode_at > 0 && counts.decoded >= faults.decode_at;
    d->luma[p->surface] = 16 + (d->made_as.codec == H264 ? p->h264.order[0] / 2 : 0);
    pthread_mutex_unlock(&lock);
    return fails ? INVALID : 0;
}

// Luma and chroma of the format's height, in rows of the pitch.
static uint8_t *draw(const struct decoder *d, int luma, size_t pitch)
{
    size_t rows = d->made_as.target_height, chroma_rows = rows;
    bool wide = d->made_as.output_format == P016 || d->made_as.output_format == YUV444_16;
    uint8_t *to;

    chroma_rows = d->made_as.output_format <= P016 ? (rows + 1) / 2 : 2 * rows;
    to = malloc(pitch * (rows + chroma_rows));
    // of 16-bit samples the high bytes count; the low ones are below what 10 bits keep
    for (size_t i = 0; i < pitch * (rows + chroma_rows); i++)
        to[i] = (uint8_t)(wide && i % 2 == 0 ? 0 : i < pitch * rows ? luma : 128);
    return to;
}

int cuvidMapVideoFrame64(struct decoder *d, int surface, unsigned long long *out, unsigned *pitch,
                         const void *how);
int cuvidMapVideoFrame64(struct decoder *d, int surface, unsigned long long *out, unsigned *pitch,
                         const void *how)
{
    bool wide = d->made_as.output_format == P016 || d->made_as.output_format == YUV444_16;
    bool fails;

    *pitch = (unsigned)((d->made_as.target_width * (wide ? 2 : 1) + 255) / 256 * 256);
    pthread_mutex_lock(&lock);
    fails = faults.map_at > 0 && counts.decoded >= faults.map_at;
    if (!fails) {
        demand(!d->mapped[surface], "maps a surface twice");
        demand(d->mapped_count < (int)d->made_as.output_surfaces, "maps more than it asked for");
        d->mapped[surface] = draw(d, d->luma[surface], *pitch);
        d->mapped_count++;
        *out = (unsigned long long)(uintptr_t)d->mapped[surface];
        if (++counts.mapped > counts.mapped_most)
            counts.mapped_most = counts.mapped;
    }
    pthread_mutex_unlock(&lock);
    return fails ? INVALID : 0;
}

int cuvidUnmapVideoFrame64(struct decoder *d, unsigned long long pointer);
int cuvidUnmapVideoFrame64(struct decoder *d, unsigned long long pointer)
{
    int i = 0;

    pthread_mutex_lock(&lock);
    while (i < SURFACES_MAX && d->mapped[i] != (uint8_t *)(uintptr_t)pointer)
        i++;
    demand(i < SURFACES_MAX, "unmaps what is not mapped");
    free(d->mapped[i]);
    d->mapped[i] = NULL;
    d->mapped_count--;
    counts.mapped--;
    pthread_mutex_unlock(&lock);
    return 0;
}

UNUSED(cuvidGetDecodeStatus)
UNUSED(cuvidReconfigureDecoder)
UNUSED(cuvidCtxLockCreate)
UNUSED(cuvidCtxLockDestroy)
UNUSED(cuvidCtxLock)
UNUSED(cuvidCtxUnlock)
UNUSED(cuvidCreateVideoSource)
UNUSED(cuvidCreateVideoSourceW)
UNUSED(cuvidDestroyVideoSource)
UNUSED(cuvidSetVideoSourceState)
UNUSED(cuvidGetVideoSourceState)
UNUSED(cuvidGetSourceVideoFormat)
UNUSED(cuvidGetSourceAudioFormat)
UNUSED(cuvidCreateVideoParser)
UNUSED(cuvidParseVideoData)
UNUSED(cuvidDestroyVideoParser)
