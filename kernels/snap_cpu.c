#include <stddef.h>
#include <string.h>

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/snap_math.h"
#include "kernels/variant.h"

// Pixels that are worked on side by side, and the side of a window.
#define RUN_PX 8
#define SIDE (2 * SNAP_RADIUS + 1)
// A run with what its windows reach beyond it, in whole vectors.
#define PATCH_PX (2 * RUN_PX)
// Nearness, R, G, B and the square of the colour.
#define PLANES 5
// Columns whose least and greatest are known at a time.
#define CHUNK_PX 128

// All that the windows of a run look at, beyond the picture its border.
struct patch {
    float plane[PLANES][SIDE][PATCH_PX];
};

static inline int within(int v, int size)
{
    return v < 0 ? 0 : v < size ? v : size - 1;
}

KERNEL_INLINE void take_row(const float *restrict row, int x, int width, float *restrict out)
{
    if (x >= 0 && x + PATCH_PX <= width)
        for (int i = 0; i < PATCH_PX; i++)
            out[i] = row[x + i];
    else
        for (int i = 0; i < PATCH_PX; i++)
            out[i] = row[within(x + i, width)];
}

static void take_patch(const struct snap_job *job, int x, int y, struct patch *p)
{
    size_t plane = (size_t)job->width * (size_t)job->height;

    for (int k = 0; k < SIDE; k++) {
        size_t row = (size_t)within(y + k - SNAP_RADIUS, job->height) * (size_t)job->width;
        take_row(job->nearness + row, x - SNAP_RADIUS, job->width, p->plane[0][k]);
        for (size_t c = 0; c < 3; c++)
            take_row(job->guide + c * plane + row, x - SNAP_RADIUS, job->width, p->plane[1 + c][k]);
        for (int i = 0; i < PATCH_PX; i++) {
            float r = p->plane[1][k][i], g = p->plane[2][k][i], b = p->plane[3][k][i];
            p->plane[4][k][i] = r * r + g * g + b * b;
        }
    }
}

// Adds one pixel of each of a run's windows, which begins `dx` pixels along row k of the patch.
KERNEL_INLINE void add(const struct patch *p, int k, int dx, const float *restrict low,
                       const float *restrict unit, float (*restrict sum)[SNAP_SUMS][RUN_PX])
{
    for (int i = 0; i < RUN_PX; i++) {
        float v = p->plane[0][k][i + dx], part = (v - low[i]) * unit[i];
        float weight[2] = {snap_weight(1.0f - part), snap_weight(part)};
        for (int side = 0; side < 2; side++) {
            sum[side][SNAP_WEIGHT][i] += weight[side];
            for (int n = 0; n < PLANES; n++)
                sum[side][SNAP_NEAR + n][i] += weight[side] * p->plane[n][k][i + dx];
        }
    }
}

static void run(const struct snap_job *job, int x, int y, const float *low, const float *range)
{
    float sum[2][SNAP_SUMS][RUN_PX] = {0}, unit[RUN_PX];
    int count = job->width - x < RUN_PX ? job->width - x : RUN_PX;
    float *out = job->out + (size_t)y * (size_t)job->width + (size_t)x;
    struct patch p;

    take_patch(job, x, y, &p);
    for (int i = 0; i < RUN_PX; i++)
        unit[i] = 1.0f / (range[i] > SNAP_FLAT ? range[i] : SNAP_FLAT);
    for (int k = 0; k < SIDE; k++)
        for (int dx = 0; dx < SIDE; dx++)
            add(&p, k, dx, low, unit, sum);
    for (int i = 0; i < count; i++) {
        const int k = SNAP_RADIUS, at = SNAP_RADIUS + i;
        struct snap_depth near, far;
        out[i] = p.plane[0][k][at];
        if (range[i] <= SNAP_FLAT)
            continue;
        near = snap_depth_of(&sum[0][0][i], RUN_PX);
        far = snap_depth_of(&sum[1][0][i], RUN_PX);
        out[i] = snap_pixel(&near, &far, range[i], out[i], p.plane[1][k][at], p.plane[2][k][at],
                            p.plane[3][k][at]);
    }
}

// The least nearness and the range of nearness in the windows about row y, columns x.., `count` of
// them.
static void ranges(const struct snap_job *job, int x, int y, int count, float *restrict low,
                   float *restrict range)
{
    float least[CHUNK_PX + 2 * SNAP_RADIUS], most[CHUNK_PX + 2 * SNAP_RADIUS];
    int first = within(x - SNAP_RADIUS, job->width);
    int last = within(x + count - 1 + SNAP_RADIUS, job->width);
    int skip = first - (x - SNAP_RADIUS), n = last - first + 1, all = count + 2 * SNAP_RADIUS;

    for (int k = 0; k < SIDE; k++) {
        const float *row = job->nearness + (size_t)first +
                           (size_t)within(y + k - SNAP_RADIUS, job->height) * (size_t)job->width;
        for (int i = 0; i < n; i++) {
            least[skip + i] = k == 0 || row[i] < least[skip + i] ? row[i] : least[skip + i];
            most[skip + i] = k == 0 || row[i] > most[skip + i] ? row[i] : most[skip + i];
        }
    }
    for (int i = 0; i < skip; i++)
        least[i] = least[skip], most[i] = most[skip];
    for (int i = skip + n; i < all; i++)
        least[i] = least[i - 1], most[i] = most[i - 1];
    for (int i = 0; i < count; i++) {
        float a = least[i], b = most[i];
        for (int k = 1; k < SIDE; k++) {
            a = least[i + k] < a ? least[i + k] : a;
            b = most[i + k] > b ? most[i + k] : b;
        }
        low[i] = a;
        range[i] = b - a;
    }
}

static void rows(void *user, int first, int end)
{
    const struct snap_job *job = user;
    float low[CHUNK_PX], range[CHUNK_PX];

    for (int y = first; y < end; y++)
        for (int x = 0; x < job->width; x += CHUNK_PX) {
            int count = job->width - x < CHUNK_PX ? job->width - x : CHUNK_PX;
            size_t at = (size_t)y * (size_t)job->width + (size_t)x;
            ranges(job, x, y, count, low, range);
            memcpy(job->out + at, job->nearness + at, (size_t)count * sizeof(float));
            for (int i = 0; i < count; i += RUN_PX) {
                float most = 0.0f;
                for (int k = i; k < i + RUN_PX && k < count; k++)
                    most = range[k] > most ? range[k] : most;
                for (int k = count; k < i + RUN_PX; k++)
                    low[k] = range[k] = 0.0f;
                if (most > SNAP_FLAT)
                    run(job, x + i, y, low + i, range + i);
            }
        }
}

void KERNEL(snap)(const struct snap_job *job)
{
    parallel_rows(job->height, job->threads, rows, (void *)job);
}
