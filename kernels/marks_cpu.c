#include "kernels/block_count.h"
#include "kernels/columns.h"
#include "kernels/marks_math.h"
#include "kernels/variant.h"

static void count_edges(const struct marks_job *job)
{
    struct marks_edges edges = {0};
    int width = job->width, left = job->left, right = job->right;

    for (int y = job->top; y < job->bottom; y++) {
        const uint8_t *now = job->luma + (ptrdiff_t)y * width, *old = job->old + (now - job->luma);
        int all = 0, moved = 0;
        for (int x = left; x < right; x++) {
            int edge, moves;
            marks_edge(now + x, old + x, width, &edge, &moves);
            all += edge;
            moved += moves;
        }
        edges.all += (uint32_t)all;
        edges.moved += (uint32_t)moved;
    }
    *job->edges = edges;
}

static void mark(const struct marks_job *job)
{
    int add = marks_add(job->edges, job->add), width = job->width, left = job->left,
        right = job->right;

    for (int y = job->top; y < job->bottom; y++) {
        const uint8_t *now = job->luma + (ptrdiff_t)y * width, *old = job->old + (now - job->luma);
        uint8_t *restrict marks = job->marks + (now - job->luma);
        if (job->cut)
            for (int x = left; x < right; x++)
                marks[x] = marks_next(marks[x], marks_outlives(now + x, old + x, width), add);
        else
            for (int x = left; x < right; x++)
                marks[x] = marks_next(marks[x], marks_stays(now + x, old + x, width), add);
    }
}

void KERNEL(marks)(const struct marks_job *job)
{
    count_edges(job);
    mark(job);
    block_count(job->marks, job->width, job->height, MARKS_FULL, 255, job->counts);
}
