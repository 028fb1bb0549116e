#include "engine/near_copy.h"

void near_copy_init(struct near_copy *c, const struct device *device)
{
    *c = (struct near_copy){.device = device};
}

void near_copy_finish(struct near_copy *c)
{
    c->device->give_host(c->values);
    c->values = NULL;
}

bool near_copy_resize(struct near_copy *c, size_t count)
{
    if (!c->device->gpu || (c->values != NULL && c->count == count))
        return true;
    c->device->give_host(c->values);
    c->values = c->device->take_host(count * sizeof(*c->values));
    c->count = count;
    c->valid = false;
    return c->values != NULL;
}

void near_copy_next(struct near_copy *c, const float *nearness)
{
    c->valid = c->asked && c->device->gpu;
    c->asked = false;
    if (c->valid)
        c->device->download(c->values, nearness, c->count * sizeof(*c->values));
}

const float *near_copy_get(struct near_copy *c, const float *nearness)
{
    if (!c->device->gpu)
        return nearness;
    c->asked = true;
    if (!c->valid) {
        c->device->download(c->values, nearness, c->count * sizeof(*c->values));
        c->valid = c->device->wait();
    }
    return c->valid ? c->values : NULL;
}
