#include "engine/foresight.h"

#include <math.h>
#include <string.h>

bool foresight_init(struct foresight *f, const struct kernels *kernels)
{
    *f = (struct foresight){.kernels = kernels};
    return foresight_room(f);
}

void foresight_finish(struct foresight *f)
{
    f->kernels->device->give(f->there);
    f->kernels->device->give_host(f->glances);
    f->kernels->device->stamp_finish(&f->taken);
    f->there = f->glances = NULL;
}

// Tells the shots of all that was looked at.
static bool read(struct foresight *f)
{
    bool ok = f->unread == 0 || f->kernels->device->wait_for(&f->taken);

    for (; f->unread > 0 && f->glances != NULL; f->unread--) {
        int i = (f->last - f->unread + 1 + FORESIGHT_ROOM) % FORESIGHT_ROOM;
        struct image image = glance_image(&f->glances[i]);
        shot_feed(&f->shot, &image);
    }
    return ok;
}

bool foresight_use(struct foresight *f, const struct kernels *kernels)
{
    read(f);
    foresight_finish(f);
    f->kernels = kernels;
    return foresight_room(f);
}

bool foresight_room(struct foresight *f)
{
    const struct device *d = f->kernels->device;

    if (f->glances != NULL)
        return true;
    f->there = d->take(FORESIGHT_ROOM * sizeof(*f->there));
    f->glances = d->take_host(FORESIGHT_ROOM * sizeof(*f->glances));
    if (f->there != NULL && f->glances != NULL) {
        memset(f->glances, 0, FORESIGHT_ROOM * sizeof(*f->glances));
        return true;
    }
    foresight_finish(f);
    return false;
}

int foresight_waiting(const struct foresight *f)
{
    return shot_waiting(&f->shot) + f->unread;
}

static void look_at(struct foresight *f, const struct deep3d_picture *picture)
{
    const struct device *d = f->kernels->device;
    struct glance *there = &f->there[f->last];
    struct glance_job job = glance_job(picture, there->pixels[0]);

    f->kernels->glance(&job);
    d->download(&f->glances[f->last], there, sizeof(*there));
    d->stamp(&f->taken);
}

bool foresight_add(struct foresight *f, const struct deep3d_picture *picture)
{
    int before = f->last;

    if (f->glances == NULL || foresight_waiting(f) >= FORESIGHT_ROOM)
        return false;
    f->last = (f->last + 1) % FORESIGHT_ROOM;
    f->unread++;
    if (picture != NULL && picture->memory == DEEP3D_MEMORY_CUDA) {
        look_at(f, picture);
    } else if (picture != NULL) {
        glance_take(&f->glances[f->last], picture);
    } else {
        f->kernels->device->wait_for(&f->taken); // else it may still be on its way
        memcpy(&f->glances[f->last], &f->glances[before], sizeof(*f->glances));
    }
    return true;
}

bool foresight_next(struct foresight *f)
{
    bool ok = read(f);
    struct shot_step step;

    if (shot_waiting(&f->shot) == 0)
        return ok;
    step = shot_next(&f->shot);
    step.turn = fmaxf(step.turn, f->step.turn); // a cut among pictures that were left out
    f->step = step;
    return ok;
}

void foresight_reset(struct foresight *f)
{
    shot_reset(&f->shot);
    f->unread = 0;
    f->step = (struct shot_step){0};
}
