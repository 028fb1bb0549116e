#include "engine/native.h"

#include "engine/picture.h"

void native_draw(struct rig *rig, const struct deep3d_picture *picture, int threads,
                 const struct deep3d_eyes *eyes)
{
    for (int i = 0; i < 2; i++) {
        struct deep3d_picture eye = picture_eye(picture, i);
        struct colour_job job = picture_colour_job(&eye);

        job.out = (struct image){eyes->pixels[i], eyes->width, eyes->height, eyes->stride_bytes};
        job.out_bits = eyes->bits;
        job.bare = true;
        job.tone = rig_tone(rig, picture);
        job.threads = threads;
        rig->kernels->colour(&job);
    }
}
