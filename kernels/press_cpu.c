#include "kernels/press.h"

#include <stddef.h>
#include <string.h>

#include "kernels/columns.h"
#include "kernels/variant.h"

static void press_row(const struct press_job *job, int y)
{
    const float *in = job->in + (size_t)y * (size_t)job->width;
    float *out = job->out + (size_t)y * (size_t)job->width;

    for (int x = 0; x < job->width; x++) {
        float v = in[x] > job->low ? in[x] : job->low;
        out[x] = v < job->high ? v : job->high;
    }
    for (int x = 0; x < job->left; x++)
        out[x] = out[job->left];
    for (int x = job->right + 1; x < job->width; x++)
        out[x] = out[job->right];
}

void KERNEL(press)(const struct press_job *job)
{
    size_t row = (size_t)job->width;

    for (int y = job->top; y <= job->bottom; y++)
        press_row(job, y);
    for (int y = 0; y < job->height; y++)
        if (y < job->top || y > job->bottom)
            memcpy(job->out + (size_t)y * row,
                   job->out + (size_t)(y < job->top ? job->top : job->bottom) * row,
                   row * sizeof(*job->out));
}
