#include "kernels/motion_sums.h"

#include <stdlib.h>

#include "kernels/columns.h"

// What a pixel of length costs, in sums of differences of a block.
#define LENGTH_PRICE 24
#define VECTORS_X (2 * MOTION_X + 1)
#define VECTORS ((2 * MOTION_Y + 1) * VECTORS_X)

static struct motion_vector vector_of(int index)
{
    return (struct motion_vector){(int8_t)(index % VECTORS_X - MOTION_X),
                                  (int8_t)(index / VECTORS_X - MOTION_Y)};
}

static int price(struct motion_vector v)
{
    return (abs(v.x) + abs(v.y)) * LENGTH_PRICE;
}

static const uint8_t *at(struct motion_plane plane, int x, int y)
{
    return plane.luma + y * plane.stride_px + x;
}

// The cheapest vectors of a run of blocks; of equal ones the first.
struct best {
    int32_t cost[MOTION_RUN_BLOCKS], index[MOTION_RUN_BLOCKS];
};

static void try_vector(const struct motion_job *job, int x, int y, int index, struct best *best)
{
    struct motion_vector v = vector_of(index);
    int32_t sum[MOTION_RUN_BLOCKS], more = price(v);

    KERNEL(motion_sums)
    (at(job->now, x, y), job->now.stride_px, at(job->old, x + v.x, y + v.y), job->old.stride_px,
     sum);
    for (int b = 0; b < MOTION_RUN_BLOCKS; b++) {
        int32_t cost = sum[b] + more;
        best->index[b] = cost < best->cost[b] ? index : best->index[b];
        best->cost[b] = cost < best->cost[b] ? cost : best->cost[b];
    }
}

static void search(const struct motion_job *job)
{
    int columns = motion_blocks(job->width), rows = motion_blocks(job->height);

    for (int row = 0; row < rows; row++)
        for (int first = 0; first < columns; first += MOTION_RUN_BLOCKS) {
            struct best best = {0};
            for (int b = 0; b < MOTION_RUN_BLOCKS; b++)
                best.cost[b] = INT32_MAX;
            for (int i = 0; i < VECTORS; i++)
                try_vector(job, first * MOTION_SEARCH_PX, row * MOTION_SEARCH_PX, i, &best);
            for (int b = 0; b < MOTION_RUN_BLOCKS && first + b < columns; b++)
                job->blocks[row * columns + first + b] = vector_of(best.index[b]);
        }
}

// Differences around a cell, further than itself on each side.
static int cell_cost(const struct motion_job *job, int x, int y, struct motion_vector v)
{
    x -= MOTION_AROUND_PX;
    y -= MOTION_AROUND_PX;
    return price(v) + KERNEL(motion_sum)(at(job->now, x, y), job->now.stride_px,
                                         at(job->old, x + v.x, y + v.y), job->old.stride_px);
}

static struct motion_vector choose(const struct motion_job *job, int cell_x, int cell_y)
{
    int columns = motion_blocks(job->width), rows = motion_blocks(job->height);
    int x = cell_x * MOTION_CELL_PX, y = cell_y * MOTION_CELL_PX, bx = x / MOTION_SEARCH_PX,
        by = y / MOTION_SEARCH_PX;
    static const int around[5][2] = {{0, 0}, {-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    struct motion_vector best = {0, 0};
    int least = cell_cost(job, x, y, best);

    for (int i = 0; i < 5; i++) {
        int u = bx + around[i][0], v = by + around[i][1];
        if (u < 0 || u >= columns || v < 0 || v >= rows)
            continue;
        struct motion_vector vector = job->blocks[v * columns + u];
        int cost = cell_cost(job, x, y, vector);
        if (cost < least) {
            least = cost;
            best = vector;
        }
    }
    return best;
}

void KERNEL(motion)(const struct motion_job *job)
{
    int columns = motion_cells(job->width), rows = motion_cells(job->height);

    search(job);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++)
            job->cells[y * columns + x] = choose(job, x, y);
}
