#include "kernels/select_scratch.h"

size_t select_scratch_floats(int picture_width, int width)
{
    return SELECT_ROWS * SELECT_ROW_FLOATS(picture_width, width) + 2 * SELECT_NET_FLOATS(width);
}
