#include "kernels/resize.h"

size_t resize_scratch_floats(int in_width)
{
    return ((size_t)in_width * 4 + 15) / 16 * 16;
}
