#include "kernels/synth.h"

#include "kernels/columns.h"
#include "kernels/synth_scratch.h"

size_t synth_scratch_floats(int width)
{
    return SYNTH_SCRATCH_ROWS * (size_t)SYNTH_ROW_FLOATS(width);
}

size_t synth_bands_bytes(int width, int height, int bands)
{
    return (size_t)bands * synth_scratch_floats(width) * sizeof(float);
}
