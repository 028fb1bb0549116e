#include <string.h>

#include "kernels/block_count.h"
#include "kernels/columns.h"
#include "kernels/strokes_math.h"
#include "kernels/variant.h"

static void judge(const struct strokes_job *job)
{
    int left = job->left, right = job->right, youngest = strokes_youngest(job->edges);

    for (int y = job->top; y < job->bottom; y++) {
        const uint8_t *now = job->luma + (ptrdiff_t)y * job->width;
        const uint8_t *old = job->old + (now - job->luma);
        uint8_t *restrict state = job->state + (now - job->luma);
        if (job->cut)
            memset(state + left, STROKES_OTHER, (size_t)(right > left ? right - left : 0));
        else
            for (int x = left; x < right; x++)
                state[x] = strokes_next(state[x], youngest, now + x, old + x);
    }
}

void KERNEL(strokes)(const struct strokes_job *job)
{
    judge(job);
    block_count(job->state, job->width, job->height, STROKES_FRESH, STROKES_FRESH_LAST, job->fresh);
    block_count(job->state, job->width, job->height, STROKES_FRESH, 255, job->all);
}
