#include "kernels/refine.h"

#include "kernels/columns.h"
#include "kernels/refine_scratch.h"

size_t refine_scratch_floats(int grid_width, int radius)
{
    size_t row = (size_t)REFINE_ROW_FLOATS(grid_width), rows = (size_t)(2 * radius + 1);

    // two rings, and rows to work in
    return row * (rows * (REFINE_MOMENTS + REFINE_FITS) + REFINE_MOMENTS + REFINE_WORK);
}

size_t refine_bands_bytes(int grid_width, int grid_height, int bands)
{
    return (size_t)bands * refine_scratch_floats(grid_width, REFINE_RADIUS_MAX) * sizeof(float);
}
