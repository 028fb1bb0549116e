#include "kernels/synth.h"

#include "kernels/synth_scratch.h"

size_t synth_scratch_floats(int width)
{
    return SYNTH_SCRATCH_ROWS * (size_t)SYNTH_ROW_FLOATS(width);
}
