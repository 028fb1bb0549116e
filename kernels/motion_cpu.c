#include "kernels/motion.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/columns.h"
#include "kernels/variant.h"

// What a pixel of length costs, in sums of differences of a block.
#define LENGTH_PRICE 24
// A block row is searched in runs of this many pixels.
#define RUN_PX 64
#define RUN_BLOCKS (RUN_PX / MOTION_SEARCH_PX)

// Sums over a block's rows of the differences in each column.
static inline void column_differences(const struct motion_job *job, int x, int y, int dx, int dy,
                                      uint16_t *restrict sum)
{
    for (int i = 0; i < RUN_PX; i++)
        sum[i] = 0;
    for (int r = 0; r < MOTION_SEARCH_PX; r++) {
        const uint8_t *a = job->now.luma + (y + r) * job->now.stride_px + x;
        const uint8_t *b = job->old.luma + (y + r + dy) * job->old.stride_px + x + dx;
        for (int i = 0; i < RUN_PX; i++)
            sum[i] = (uint16_t)(sum[i] + (a[i] > b[i] ? a[i] - b[i] : b[i] - a[i]));
    }
}

struct best {
    int cost[RUN_BLOCKS];
    struct motion_vector vector[RUN_BLOCKS];
};

static inline void try_vector(const struct motion_job *job, int x, int y, int dx, int dy,
                              struct best *best)
{
    uint16_t sum[RUN_PX];

    column_differences(job, x, y, dx, dy, sum);
    for (int b = 0; b < RUN_BLOCKS; b++) {
        int cost = (abs(dx) + abs(dy)) * LENGTH_PRICE;
        for (int i = 0; i < MOTION_SEARCH_PX; i++)
            cost += sum[b * MOTION_SEARCH_PX + i];
        if (cost < best->cost[b]) {
            best->cost[b] = cost;
            best->vector[b] = (struct motion_vector){(int8_t)dx, (int8_t)dy};
        }
    }
}

static void search(const struct motion_job *job)
{
    int columns = motion_blocks(job->width), rows = motion_blocks(job->height);

    for (int row = 0; row < rows; row++)
        for (int x = 0; x < job->width; x += RUN_PX) {
            struct best best;
            int first = x / MOTION_SEARCH_PX,
                count = columns - first < RUN_BLOCKS ? columns - first : RUN_BLOCKS;
            for (int b = 0; b < RUN_BLOCKS; b++)
                best.cost[b] = INT32_MAX;
            for (int dy = -MOTION_Y; dy <= MOTION_Y; dy++)
                for (int dx = -MOTION_X; dx <= MOTION_X; dx++)
                    try_vector(job, x, row * MOTION_SEARCH_PX, dx, dy, &best);
            memcpy(job->blocks + row * columns + first, best.vector,
                   (size_t)count * sizeof(*best.vector));
        }
}

// Differences around a cell, two pixels further than itself on each side.
static int cell_cost(const struct motion_job *job, int x, int y, struct motion_vector v)
{
    int sum = (abs(v.x) + abs(v.y)) * LENGTH_PRICE;

    for (int r = -2; r < MOTION_CELL_PX + 2; r++) {
        const uint8_t *a = job->now.luma + (y + r) * job->now.stride_px + x - 2;
        const uint8_t *b = job->old.luma + (y + r + v.y) * job->old.stride_px + x - 2 + v.x;
        for (int i = 0; i < MOTION_CELL_PX + 4; i++)
            sum += a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
    }
    return sum;
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
