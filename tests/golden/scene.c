#include "tests/golden/scene.h"

#include <math.h>

#define DISCS 5
#define SAMPLES 4 // a pixel, along the row

static const struct {
    float x, y, radius, nearness; // parts of the width, the height, the height
    float colour[3];
} discs[DISCS] = {
    {0.20f, 0.60f, 0.20f, 0.55f, {200, 80, 60}},  {0.45f, 0.35f, 0.14f, 0.70f, {70, 160, 220}},
    {0.62f, 0.70f, 0.22f, 0.85f, {90, 200, 90}},  {0.82f, 0.40f, 0.17f, 1.00f, {220, 200, 80}},
    {0.40f, 0.85f, 0.12f, 0.95f, {180, 90, 190}},
};

static float ground_nearness(const struct scene *s, float y)
{
    return 0.35f * y / (float)s->height;
}

static float parallax(const struct scene *s, float nearness)
{
    return s->gain_px * (nearness - s->convergence);
}

// The disc that is seen at a point of an eye's picture, nearest first; -1: the ground.
static int disc_at(const struct scene *s, float side, float x, float y, float *out_x)
{
    int best = -1;

    for (int i = 0; i < DISCS; i++) {
        float own_x = x + side * parallax(s, discs[i].nearness);
        float dx = own_x - discs[i].x * (float)s->width, dy = y - discs[i].y * (float)s->height;
        float r = discs[i].radius * (float)s->height;
        if (dx * dx + dy * dy < r * r && (best < 0 || discs[i].nearness > discs[best].nearness)) {
            best = i;
            *out_x = own_x;
        }
    }
    return best;
}

// Smooth texture with detail down to some eight pixels, fixed to what it is painted on.
static float texture(float x, float y, float phase)
{
    return 25 * sinf(x * 0.11f + phase) * cosf(y * 0.09f) +
           15 * sinf(x * 0.47f + y * 0.31f + phase) + 8 * sinf(x * 0.75f - y * 0.6f);
}

static void colour_at(const struct scene *s, float side, float x, float y, float rgb[3])
{
    static const float ground[3] = {120, 125, 135};
    float own_x = x, unit = 1280.0f / (float)s->width;
    int disc = disc_at(s, side, x, y, &own_x);

    if (disc < 0)
        own_x = x + side * parallax(s, ground_nearness(s, y));
    for (int c = 0; c < 3; c++)
        rgb[c] += (disc < 0 ? ground[c] : discs[disc].colour[c]) +
                  texture(own_x * unit, y * unit, (float)(disc * 2 + c));
}

float scene_nearness(const struct scene *s, float x, float y)
{
    float unused;
    int disc = disc_at(s, 0, x, y, &unused);

    return disc < 0 ? ground_nearness(s, y) : discs[disc].nearness;
}

void scene_draw(const struct scene *s, int eye, uint8_t *out)
{
    for (int y = 0; y < s->height; y++)
        for (int x = 0; x < s->width; x++) {
            float rgb[3] = {0};
            for (int i = 0; i < SAMPLES; i++)
                colour_at(s, (float)eye, (float)x + ((float)i + 0.5f) / SAMPLES - 0.5f, (float)y,
                          rgb);
            for (int c = 0; c < 3; c++) {
                float v = rgb[c] / SAMPLES;
                *out++ = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5f);
            }
            *out++ = 255;
        }
}

void scene_coarse(const struct scene *s, int width, int height, float *out)
{
    float sx = (float)s->width / (float)width, sy = (float)s->height / (float)height;

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            float sum = 0;
            // a window of two cells: a network's edges are soft
            for (int i = 0; i < 64; i++)
                sum += scene_nearness(s, ((float)x + 0.5f + ((float)(i % 8) - 3.5f) / 4) * sx,
                                      ((float)y + 0.5f + ((float)(i / 8) - 3.5f) / 4) * sy);
            *out++ = sum / 64;
        }
}

double scene_psnr(const struct scene *s, const uint8_t *a, const uint8_t *b, int margin_px)
{
    double sum = 0, count = 0;

    for (int y = 0; y < s->height; y++)
        for (int x = margin_px; x < s->width - margin_px; x++)
            for (int c = 0; c < 3; c++) {
                double d = (double)a[(y * s->width + x) * 4 + c] - b[(y * s->width + x) * 4 + c];
                sum += d * d;
                count++;
            }
    return sum > 0 ? 10 * log10(255.0 * 255.0 * count / sum) : 99;
}
