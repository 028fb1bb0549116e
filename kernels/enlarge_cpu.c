#include "kernels/enlarge.h"

#include <math.h>
#include <stddef.h>

#include "kernels/columns.h"
#include "kernels/variant.h"

void KERNEL(enlarge)(const struct enlarge_job *job)
{
    float step_x = (float)job->in_width / (float)job->width,
          step_y = (float)job->in_height / (float)job->height, *out = job->out;

    for (int y = 0; y < job->height; y++) {
        float v = fmaxf(((float)y + 0.5f) * step_y - 0.5f, 0);
        int top = (int)v, below = top + 1 < job->in_height ? top + 1 : top;
        const float *a = job->in + (size_t)top * (size_t)job->in_width,
                    *b = job->in + (size_t)below * (size_t)job->in_width;
        for (int x = 0; x < job->width; x++) {
            float u = fmaxf(((float)x + 0.5f) * step_x - 0.5f, 0);
            int left = (int)u, right = left + 1 < job->in_width ? left + 1 : left;
            float upper = a[left] + (u - (float)left) * (a[right] - a[left]);
            float lower = b[left] + (u - (float)left) * (b[right] - b[left]);
            *out++ = upper + (v - (float)top) * (lower - upper);
        }
    }
}
