#include "viewer/source_heif.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <libavformat/avio.h>
#include <libavutil/error.h>
#include <libavutil/mem.h>
#include <libheif/heif.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/deep3d.h"

#define BUFFER_BYTES 65536
// enough to know the kind of file, as libheif asks for it
#define BRAND_BYTES 12

struct source_heif {
    uint8_t *ppm;
    size_t ppm_bytes, position;
    AVIOContext *io;
};

bool source_heif_is_one(const char *path)
{
    uint8_t head[BRAND_BYTES];
    FILE *file = fopen(path, "rb");
    bool is_one = file && fread(head, sizeof(head), 1, file) == 1 &&
                  heif_check_filetype(head, sizeof(head)) == heif_filetype_yes_supported;

    if (file)
        fclose(file);
    return is_one;
}

static bool fine(const char *path, struct heif_error error)
{
    if (error.code != heif_error_Ok)
        log_error("cannot read the photograph %s: %s", path, error.message);
    return error.code == heif_error_Ok;
}

// Rows of RGB samples, 8 bits or big-endian 16 bits each, as PPM keeps them.
static bool write_ppm(struct source_heif *h, const struct heif_image *image, int bits)
{
    int stride, width = heif_image_get_width(image, heif_channel_interleaved);
    int height = heif_image_get_height(image, heif_channel_interleaved);
    const uint8_t *rows = heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
    size_t row_bytes = (size_t)width * (bits > 8 ? 6 : 3);
    char head[64];
    int head_bytes = snprintf(head, sizeof(head), "P6 %d %d %d\n", width, height, (1 << bits) - 1);

    h->ppm_bytes = (size_t)head_bytes + row_bytes * (size_t)height;
    h->ppm = rows ? av_malloc(h->ppm_bytes) : NULL;
    if (!h->ppm)
        return false;
    memcpy(h->ppm, head, (size_t)head_bytes);
    for (int y = 0; y < height; y++)
        memcpy(h->ppm + head_bytes + row_bytes * (size_t)y, rows + (ptrdiff_t)stride * y,
               row_bytes);
    return true;
}

static bool decode(struct source_heif *h, const char *path, struct heif_image_handle *handle)
{
    int bits = heif_image_handle_get_luma_bits_per_pixel(handle);
    struct heif_image *image = NULL;
    bool ok;

    if (heif_image_handle_get_width(handle) > DEEP3D_MAX_SIDE_PX ||
        heif_image_handle_get_height(handle) > DEEP3D_MAX_SIDE_PX) {
        log_error("the photograph %s is too large: at most %d pixels a side", path,
                  DEEP3D_MAX_SIDE_PX);
        return false;
    }
    ok = fine(path, heif_decode_image(handle, &image, heif_colorspace_RGB,
                                      bits > 8 ? heif_chroma_interleaved_RRGGBB_BE
                                               : heif_chroma_interleaved_RGB,
                                      NULL)) &&
         write_ppm(h, image, bits > 8 ? bits : 8);
    heif_image_release(image);
    return ok;
}

static bool load(struct source_heif *h, const char *path)
{
    struct heif_context *context = heif_context_alloc();
    struct heif_image_handle *handle = NULL;
    bool ok = fine(path, heif_context_read_from_file(context, path, NULL)) &&
              fine(path, heif_context_get_primary_image_handle(context, &handle)) &&
              decode(h, path, handle);

    heif_image_handle_release(handle);
    heif_context_free(context);
    return ok;
}

static int read_ppm(void *user, uint8_t *out, int size)
{
    struct source_heif *h = user;
    size_t left = h->ppm_bytes - h->position, count = (size_t)size < left ? (size_t)size : left;

    if (count == 0)
        return AVERROR_EOF;
    memcpy(out, h->ppm + h->position, count);
    h->position += count;
    return (int)count;
}

static int64_t seek_ppm(void *user, int64_t offset, int whence)
{
    struct source_heif *h = user;

    if (whence == AVSEEK_SIZE)
        return (int64_t)h->ppm_bytes;
    if (whence != SEEK_SET || offset < 0 || offset > (int64_t)h->ppm_bytes)
        return AVERROR(EINVAL);
    h->position = (size_t)offset;
    return offset;
}

struct source_heif *source_heif_open(const char *path)
{
    struct source_heif *h = mem_new(1, sizeof(*h));
    uint8_t *buffer = NULL;

    if (!load(h, path))
        goto fail;
    buffer = av_malloc(BUFFER_BYTES);
    if (buffer)
        h->io = avio_alloc_context(buffer, BUFFER_BYTES, 0, h, read_ppm, NULL, seek_ppm);
    if (!h->io)
        goto fail;
    return h;
fail:
    av_free(buffer);
    source_heif_close(&h);
    return NULL;
}

void source_heif_close(struct source_heif **heif)
{
    struct source_heif *h = *heif;

    if (!h)
        return;
    if (h->io)
        av_freep(&h->io->buffer);
    avio_context_free(&h->io);
    av_free(h->ppm);
    mem_free(h);
    *heif = NULL;
}

AVIOContext *source_heif_io(struct source_heif *heif)
{
    avio_seek(heif->io, 0, SEEK_SET);
    return heif->io;
}
