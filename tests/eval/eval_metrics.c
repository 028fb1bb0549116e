#include "tests/eval/eval_metrics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CANNY_LOW 100
#define CANNY_HIGH 200
#define CHANGED 5

static uint8_t luma_of(const uint8_t *p)
{
    return (uint8_t)((299 * p[0] + 587 * p[1] + 114 * p[2] + 500) / 1000);
}

static uint8_t *luma_plane(const uint8_t *rgba, int count)
{
    uint8_t *out = malloc((size_t)count);

    for (int i = 0; i < count; i++)
        out[i] = luma_of(rgba + (size_t)i * 4);
    return out;
}

double eval_ssim(const uint8_t *a, const uint8_t *b, int width, int height)
{
    enum { WINDOW = 7 };
    const double c1 = 6.5025, c2 = 58.5225, n = WINDOW * WINDOW;
    uint8_t *la = luma_plane(a, width * height), *lb = luma_plane(b, width * height);
    double sum = 0, count = 0;

    for (int y = 0; y + WINDOW <= height; y += 2)
        for (int x = 0; x + WINDOW <= width; x += 2) {
            double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
            for (int i = 0; i < WINDOW * WINDOW; i++) {
                int at = (y + i / WINDOW) * width + x + i % WINDOW;
                double u = la[at], v = lb[at];
                ma += u, mb += v, aa += u * u, bb += v * v, ab += u * v;
            }
            ma /= n, mb /= n;
            double va = (aa / n - ma * ma) * n / (n - 1), vb = (bb / n - mb * mb) * n / (n - 1);
            double vab = (ab / n - ma * mb) * n / (n - 1);
            sum +=
                (2 * ma * mb + c1) * (2 * vab + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
            count++;
        }
    free(la);
    free(lb);
    return count > 0 ? sum / count : 0;
}

struct gradient {
    int *strength; // |gx| + |gy|
    uint8_t *way;  // 0 horizontal, 1 rising, 2 vertical, 3 falling
};

static struct gradient sobel(const uint8_t *p, int width, int height)
{
    struct gradient g = {calloc((size_t)(width * height), sizeof(int)),
                         calloc((size_t)(width * height), 1)};

    for (int y = 1; y < height - 1; y++)
        for (int x = 1; x < width - 1; x++) {
            const uint8_t *m = p + y * width + x, *u = m - width, *d = m + width;
            int gx = u[1] + 2 * m[1] + d[1] - u[-1] - 2 * m[-1] - d[-1];
            int gy = d[-1] + 2 * d[0] + d[1] - u[-1] - 2 * u[0] - u[1];
            double slope = fabs((double)gy) / (fabs((double)gx) + 1e-9);
            g.strength[y * width + x] = abs(gx) + abs(gy);
            g.way[y * width + x] = slope < 0.41421356     ? 0
                                   : slope > 2.41421356   ? 2
                                   : (gx > 0) == (gy > 0) ? 3
                                                          : 1;
        }
    return g;
}

// 0 none, 1 weak, 2 strong; weak ones that touch strong ones become strong.
static void trace(uint8_t *edge, int width, int height)
{
    int *stack = malloc((size_t)(width * height) * sizeof(int)), top = 0;

    for (int i = 0; i < width * height; i++)
        if (edge[i] == 2)
            stack[top++] = i;
    while (top > 0) {
        int at = stack[--top];
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                int near = at + dy * width + dx; // edges keep off the border
                if (edge[near] == 1) {
                    edge[near] = 2;
                    stack[top++] = near;
                }
            }
    }
    for (int i = 0; i < width * height; i++)
        edge[i] = edge[i] == 2;
    free(stack);
}

static uint8_t *canny(const uint8_t *rgba, int width, int height)
{
    static const int step_x[4] = {1, 1, 0, 1}, step_y[4] = {0, -1, 1, 1};
    uint8_t *luma = luma_plane(rgba, width * height), *edge = calloc((size_t)(width * height), 1);
    struct gradient g = sobel(luma, width, height);

    for (int y = 2; y < height - 2; y++)
        for (int x = 2; x < width - 2; x++) {
            int at = y * width + x, step = step_y[g.way[at]] * width + step_x[g.way[at]],
                s = g.strength[at];
            if (s > CANNY_LOW && s > g.strength[at - step] && s >= g.strength[at + step])
                edge[at] = s > CANNY_HIGH ? 2 : 1;
        }
    trace(edge, width, height);
    free(luma);
    free(g.strength);
    free(g.way);
    return edge;
}

static double iou(const uint8_t *a, const uint8_t *b, int count)
{
    double both = 0, either = 0;

    for (int i = 0; i < count; i++) {
        both += a[i] && b[i];
        either += a[i] || b[i];
    }
    return either > 0 ? both / either : 1;
}

static uint8_t *changed(const uint8_t *view, const uint8_t *left, int count)
{
    uint8_t *out = malloc((size_t)count);

    for (int i = 0; i < count; i++)
        out[i] = abs(luma_of(view + (size_t)i * 4) - luma_of(left + (size_t)i * 4)) > CHANGED;
    return out;
}

double eval_siou(const uint8_t *view, const uint8_t *truth, const uint8_t *left, int width,
                 int height)
{
    uint8_t *planes[4] = {canny(view, width, height), canny(truth, width, height),
                          changed(view, left, width * height),
                          changed(truth, left, width * height)};
    double result = 0.75 * iou(planes[0], planes[1], width * height) +
                    0.25 * iou(planes[2], planes[3], width * height);

    for (int i = 0; i < 4; i++)
        free(planes[i]);
    return result;
}

double eval_edge_error(const uint8_t *view, const uint8_t *truth, int width, int height)
{
    uint8_t *edge = canny(truth, width, height), *near = calloc((size_t)(width * height), 1);
    double sum = 0, count = 0;

    for (int y = 2; y < height - 2; y++)
        for (int x = 2; x < width - 2; x++)
            for (int i = 0; edge[y * width + x] && i < 25; i++)
                near[(y + i / 5 - 2) * width + x + i % 5 - 2] = 1;
    for (int i = 0; i < width * height; i++)
        for (int c = 0; near[i] && c < 3; c++) {
            sum += abs(view[(size_t)i * 4 + (size_t)c] - truth[(size_t)i * 4 + (size_t)c]);
            count++;
        }
    free(edge);
    free(near);
    return count > 0 ? sum / count : 0;
}

struct item {
    float value;
    int index;
};

static int by_value(const void *a, const void *b)
{
    float x = ((const struct item *)a)->value, y = ((const struct item *)b)->value;

    return (x > y) - (x < y);
}

// Ranks, equal values share their mean.
static void ranks(const float *values, int count, double *out)
{
    struct item *items = malloc((size_t)count * sizeof(*items));

    for (int i = 0; i < count; i++)
        items[i] = (struct item){values[i], i};
    qsort(items, (size_t)count, sizeof(*items), by_value);
    for (int i = 0; i < count;) {
        int end = i;
        while (end < count && items[end].value == items[i].value)
            end++;
        for (int k = i; k < end; k++)
            out[items[k].index] = (i + end - 1) / 2.0;
        i = end;
    }
    free(items);
}

static double spearman(const float *a, const float *b, int count)
{
    double *ra = malloc((size_t)count * sizeof(double) + 1),
           *rb = malloc((size_t)count * sizeof(double) + 1);
    double mean = (count - 1) / 2.0, ab = 0, aa = 0, bb = 0;

    ranks(a, count, ra);
    ranks(b, count, rb);
    for (int i = 0; i < count; i++) {
        ab += (ra[i] - mean) * (rb[i] - mean);
        aa += (ra[i] - mean) * (ra[i] - mean);
        bb += (rb[i] - mean) * (rb[i] - mean);
    }
    free(ra);
    free(rb);
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

// Valid points, and the same less their rows' means where a row has enough of them.
static int gather(const float *nearness, const float *truth, int width, int height, float *a,
                  float *b, float *row_a, float *row_b, int *out_rows)
{
    int count = 0, rows = 0;

    for (int y = 0; y < height; y++) {
        int begin = count;
        double ma = 0, mb = 0;
        for (int x = 0; x < width; x++)
            if (!isnan(truth[y * width + x])) {
                a[count] = nearness[y * width + x];
                b[count] = truth[y * width + x];
                ma += a[count], mb += b[count];
                count++;
            }
        int n = count - begin;
        for (int i = begin; n > width / 8 && i < count; i++, rows++) {
            row_a[rows] = a[i] - (float)(ma / n);
            row_b[rows] = b[i] - (float)(mb / n);
        }
    }
    *out_rows = rows;
    return count;
}

static double order_share(const float *nearness, const float *truth, int width, int height,
                          float clear)
{
    double right = 0, count = 0;

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x += 3)
            for (int step = 8; step <= 64 && x + step < width; step += 8) {
                int i = y * width + x, k = i + step;
                float d = truth[i] - truth[k];
                if (isnan(d) || fabsf(d) <= clear)
                    continue;
                float p = nearness[i] - nearness[k];
                right += p == 0 ? 0.5 : (p > 0) == (d > 0);
                count++;
            }
    return count > 0 ? right / count : 0.5;
}

static int by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

struct eval_order eval_order_of(const float *nearness, const float *truth, int width, int height)
{
    float *planes = calloc((size_t)(width * height) * 4, sizeof(float));
    float *a = planes, *b = a + width * height, *row_a = b + width * height,
          *row_b = row_a + width * height;
    int rows, count = gather(nearness, truth, width, height, a, b, row_a, row_b, &rows);
    struct eval_order o = {spearman(a, b, count), spearman(row_a, row_b, rows), 0.5};

    if (count > 0) {
        qsort(b, (size_t)count, sizeof(*b), by_float);
        float range = b[(int)(0.97 * (count - 1))] - b[(int)(0.03 * (count - 1))];
        o.order = order_share(nearness, truth, width, height, fmaxf(1.5f, 0.1f * range));
    }
    free(planes);
    return o;
}

void eval_luma(const uint8_t *rgba, int width, int height, int out_width, int out_height,
               uint8_t *out)
{
    for (int y = 0; y < out_height; y++)
        for (int x = 0; x < out_width; x++) {
            int x0 = x * width / out_width, x1 = (x + 1) * width / out_width;
            int y0 = y * height / out_height, y1 = (y + 1) * height / out_height, sum = 0,
                count = 0;
            for (int v = y0; v < y1 || v == y0; v++)
                for (int u = x0; u < x1 || u == x0; u++, count++)
                    sum += luma_of(rgba + ((size_t)v * (size_t)width + (size_t)u) * 4);
            out[y * out_width + x] = (uint8_t)(sum / count);
        }
}
