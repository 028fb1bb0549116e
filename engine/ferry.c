#include "engine/ferry.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/picture.h"

struct room {
    uint8_t *block;
    size_t bytes;
};

struct ferry {
    const struct device *device;
    struct room picture_here, picture, eyes; // here: on the host
    struct room canvas_here;
};

struct ferry *ferry_create(const struct device *device)
{
    struct ferry *f = mem_new(1, sizeof(*f));

    f->device = device;
    return f;
}

void ferry_destroy(struct ferry **ferry)
{
    struct ferry *f = *ferry;

    if (f == NULL)
        return;
    f->device->give_host(f->picture_here.block);
    f->device->give(f->picture.block);
    f->device->give(f->eyes.block);
    f->device->give_host(f->canvas_here.block);
    mem_free(f);
    *ferry = NULL;
}

static bool make_room(struct room *room, size_t bytes, void *(*take)(size_t), void (*give)(void *))
{
    if (room->block != NULL && room->bytes >= bytes)
        return true;
    give(room->block);
    room->block = take(bytes);
    room->bytes = bytes;
    if (room->block == NULL)
        log_error("no memory to carry %zu bytes of pictures to or from the GPU", bytes);
    return room->block != NULL;
}

static size_t aligned(size_t bytes)
{
    return (bytes + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
}

static size_t plane_bytes(const struct deep3d_picture *p, int plane)
{
    return aligned(picture_row_bytes(p, plane) * (size_t)picture_rows(p, plane));
}

bool ferry_picture(struct ferry *f, const struct deep3d_picture *p, struct deep3d_picture *out)
{
    const struct device *d = f->device;
    size_t bytes = 0, at = 0;

    for (int i = 0; i < picture_planes(p); i++)
        bytes += plane_bytes(p, i);
    if (!make_room(&f->picture_here, bytes, d->take_host, d->give_host) ||
        !make_room(&f->picture, bytes, d->take, d->give))
        return false;
    *out = *p;
    out->memory = DEEP3D_MEMORY_CUDA;
    for (int i = 0; i < picture_planes(p); at += plane_bytes(p, i), i++) {
        size_t row = picture_row_bytes(p, i);
        for (int y = 0; y < picture_rows(p, i); y++)
            memcpy(f->picture_here.block + at + (size_t)y * row,
                   p->plane[i] + y * p->stride_bytes[i], row);
        out->plane[i] = f->picture.block + at;
        out->stride_bytes[i] = (ptrdiff_t)row;
    }
    d->upload(f->picture.block, f->picture_here.block, bytes);
    return true;
}

bool ferry_eyes(struct ferry *f, const struct deep3d_eyes *eyes, struct deep3d_eyes *out)
{
    size_t stride = aligned((size_t)eyes->width * 4), bytes = stride * (size_t)eyes->height;

    if (!make_room(&f->eyes, 2 * bytes, f->device->take, f->device->give))
        return false;
    *out = (struct deep3d_eyes){.width = eyes->width,
                                .height = eyes->height,
                                .pixels = {f->eyes.block, f->eyes.block + bytes},
                                .stride_bytes = stride,
                                .memory = DEEP3D_MEMORY_CUDA};
    return true;
}

void ferry_bring(struct ferry *f, const struct deep3d_eyes *drawn, const struct deep3d_eyes *eyes)
{
    for (int i = 0; i < 2; i++)
        f->device->download_rows(eyes->pixels[i], eyes->stride_bytes, drawn->pixels[i],
                                 drawn->stride_bytes, (size_t)eyes->width * 4, eyes->height);
}

bool ferry_canvas(struct ferry *f, const struct deep3d_eyes *eyes, struct canvas *out)
{
    size_t stride = (size_t)eyes->width * 4;

    if (!make_room(&f->canvas_here, stride * (size_t)eyes->height, f->device->take_host,
                   f->device->give_host))
        return false;
    *out = (struct canvas){f->canvas_here.block, eyes->width, eyes->height, stride};
    return true;
}

void ferry_lay(struct ferry *f, const struct canvas *canvas, const struct deep3d_eyes *eyes)
{
    for (int i = 0; i < 2; i++)
        f->device->upload_rows(eyes->pixels[i], eyes->stride_bytes, canvas->pixels,
                               canvas->stride_bytes, canvas->stride_bytes, canvas->height);
}
