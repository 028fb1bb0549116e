#include "tests/cuda/interop/stand_in.h"

void stand_in_begin(struct vk_device *vk)
{
}

bool stand_in_break(enum stand_in_fault fault)
{
    return fault == STAND_IN_WELL;
}
