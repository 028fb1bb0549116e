#include "kernels/columns.h"
#include "kernels/plates_math.h"
#include "kernels/variant.h"

static float level_of(const struct plates_job *job, const struct plate *p)
{
    struct plate px = plates_pixels(job, p);
    int bins[PLATES_BINS] = {0}, count = 0;

    for (int y = px.top; y < px.bottom; y++)
        for (int x = px.left; x < px.right; x++, count++)
            bins[plates_bin(job->nearness[(size_t)y * (size_t)job->width + (size_t)x])]++;
    return plates_level(bins, count);
}

static void set_level(const struct plates_job *job, const struct plate *p, float level)
{
    for (int row = plates_block(p->top - 1, job->rows);
         row <= plates_block(p->bottom + 1, job->rows); row++)
        for (int column = plates_block(p->left - 1, job->columns);
             column <= plates_block(p->right + 1, job->columns); column++)
            job->level[row * job->columns + column] = level;
}

void KERNEL(plates)(const struct plates_job *job)
{
    for (int i = 0; i < job->count; i++)
        set_level(job, &job->plate[i], level_of(job, &job->plate[i]));
    for (int y = 0; y < job->height; y++) {
        float *row = job->nearness + (size_t)y * (size_t)job->width;
        for (int x = 0; x < job->width; x++)
            row[x] = plates_pressed(job, x, y, row[x]);
    }
}
