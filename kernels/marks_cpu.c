#include "kernels/columns.h"
#include "kernels/marks_math.h"
#include "kernels/variant.h"

// Blocks are counted in runs of this many columns.
#define RUN_PX 512

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

// Marks of a row of blocks, as far as a run of RUN_PX columns goes.
static void count_run(const struct marks_job *job, int row, int x, int count, uint8_t *counts)
{
    uint8_t column[RUN_PX] = {0};
    int y = row * MARKS_BLOCK_PX, end = y + MARKS_BLOCK_PX;

    for (; y < end && y < job->height; y++) {
        const uint8_t *marks = job->marks + (ptrdiff_t)y * job->width + x;
        for (int i = 0; i < count; i++)
            column[i] = (uint8_t)(column[i] + (marks[i] >= MARKS_FULL ? 1 : 0));
    }
    for (int i = 0; i < count; i += MARKS_BLOCK_PX) {
        int sum = 0;
        for (int k = 0; k < MARKS_BLOCK_PX; k++)
            sum += column[i + k];
        counts[(x + i) / MARKS_BLOCK_PX] = (uint8_t)sum;
    }
}

static void count_marks(const struct marks_job *job)
{
    int columns = marks_blocks(job->width);

    for (int row = 0; row < marks_blocks(job->height); row++)
        for (int x = 0; x < job->width; x += RUN_PX)
            count_run(job, row, x, job->width - x < RUN_PX ? job->width - x : RUN_PX,
                      job->counts + (ptrdiff_t)row * columns);
}

void KERNEL(marks)(const struct marks_job *job)
{
    count_edges(job);
    mark(job);
    count_marks(job);
}
