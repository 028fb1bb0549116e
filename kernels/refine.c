#include "kernels/refine.h"

#include "kernels/columns.h"
#include "kernels/refine_scratch.h"

size_t refine_scratch_floats(int grid_width, int radius)
{
    size_t row = (size_t)REFINE_ROW_FLOATS(grid_width), rows = (size_t)(2 * radius + 2);

    // rings of rows, what is summed down them, and a row of zeros and rows to work in
    return row * (rows * (REFINE_INPUTS + REFINE_FITS + REFINE_OWN) + REFINE_SUMS + REFINE_FITS +
                  REFINE_INPUTS + REFINE_SUMS + 4);
}

size_t refine_bands_bytes(int grid_width, int grid_height, int bands)
{
    return (size_t)bands * refine_scratch_floats(grid_width, REFINE_RADIUS_MAX) * sizeof(float);
}
