// Carries pictures from the host's memory to a GPU's, and eyes back: for sources and displays that
// know only the host's.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "engine/canvas.h"
#include "engine/deep3d.h"
#include "kernels/device.h"

struct ferry;

// Never NULL.
struct ferry *ferry_create(const struct device *device);
// Accepts a pointer to NULL; sets it to NULL.
void ferry_destroy(struct ferry **ferry);

// The same picture in GPU memory; the caller's own is not needed any more. Valid until the next
// call, before which the device must have been waited for. Allocates where the picture is larger
// than those before it. False, logged: no memory.
bool ferry_picture(struct ferry *ferry, const struct deep3d_picture *picture,
                   struct deep3d_picture *out);
// Eyes of the same size in GPU memory, to be drawn and then brought with ferry_bring(). Otherwise
// as above.
bool ferry_eyes(struct ferry *ferry, const struct deep3d_eyes *eyes, struct deep3d_eyes *out);
// Queues what was drawn into the caller's eyes.
void ferry_bring(struct ferry *ferry, const struct deep3d_eyes *drawn,
                 const struct deep3d_eyes *eyes);
// A canvas in the host's memory of the eyes' size, to be drawn and then laid on both eyes, which
// lie in GPU memory, with ferry_lay(). Otherwise as above.
bool ferry_canvas(struct ferry *ferry, const struct deep3d_eyes *eyes, struct canvas *out);
void ferry_lay(struct ferry *ferry, const struct canvas *canvas, const struct deep3d_eyes *eyes);
