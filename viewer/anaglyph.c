#include "viewer/anaglyph.h"

#include <math.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "engine/deep3d.h"

#define LIGHT_STEPS 4096 // of 16-bit samples
#define ENCODE_STEPS 4096

struct anaglyph {
    bool fine;                 // samples of 16 bits
    float linear[LIGHT_STEPS]; // sRGB, 8 bits or the upper 12 of 16, to linear light
    float encoded[ENCODE_STEPS + 1];
};

struct anaglyph *anaglyph_create(int bits)
{
    struct anaglyph *a = mem_new(1, sizeof(*a));
    int steps = bits == 16 ? LIGHT_STEPS : 256;

    a->fine = bits == 16;
    for (int i = 0; i < steps; i++) { // IEC 61966-2-1
        float v = (float)i / (float)(steps - 1);

        a->linear[i] = v <= 0.04045f ? v / 12.92f : powf((v + 0.055f) / 1.055f, 2.4f);
    }
    for (int i = 0; i <= ENCODE_STEPS; i++) {
        // steps are square roots, so that the dark ones are fine enough
        float root = (float)i / ENCODE_STEPS, v = root * root;

        a->encoded[i] = v <= 0.0031308f ? 12.92f * v : 1.055f * powf(v, 1 / 2.4f) - 0.055f;
    }
    return a;
}

void anaglyph_destroy(struct anaglyph **anaglyph)
{
    mem_free(*anaglyph);
    *anaglyph = NULL;
}

// Sample i of a row as light.
static float light(const struct anaglyph *a, const uint8_t *row, size_t i)
{
    return a->linear[a->fine ? ((const uint16_t *)(const void *)row)[i] >> 4 : row[i]];
}

static void encode(const struct anaglyph *a, float v, uint8_t *row, size_t i)
{
    v = v < 0 ? 0 : v > 1 ? 1 : v;
    v = a->encoded[(int)(sqrtf(v) * ENCODE_STEPS + 0.5f)];
    if (a->fine)
        ((uint16_t *)(void *)row)[i] = (uint16_t)(v * 65535 + 0.5f);
    else
        row[i] = (uint8_t)(v * 255 + 0.5f);
}

// Red from the left eye, green and blue from the right one, as far as glasses let it be.
static const float dubois[3][6] = {
    {0.456100f, 0.500484f, 0.176381f, -0.0434706f, -0.0879388f, -0.00155529f},
    {-0.0400822f, -0.0378246f, -0.0157589f, 0.378476f, 0.733640f, -0.0184503f},
    {-0.0152161f, -0.0205971f, -0.00546856f, -0.0721527f, -0.112961f, 1.226400f},
};

struct drawing {
    const struct anaglyph *anaglyph;
    const struct deep3d_eyes *eyes, *out;
};

static void draw_rows(void *user, int first, int end)
{
    const struct drawing *d = user;
    const struct anaglyph *a = d->anaglyph;

    for (int y = first; y < end; y++) {
        const uint8_t *left = d->eyes->pixels[0] + (size_t)y * d->eyes->stride_bytes;
        const uint8_t *right = d->eyes->pixels[1] + (size_t)y * d->eyes->stride_bytes;
        uint8_t *out = d->out->pixels[0] + (size_t)y * d->out->stride_bytes;

        for (size_t i = 0; i < (size_t)d->out->width * 4; i += 4) {
            float v[6];

            for (size_t c = 0; c < 3; c++) {
                v[c] = light(a, left, i + c);
                v[3 + c] = light(a, right, i + c);
            }
            for (size_t c = 0; c < 3; c++)
                encode(a,
                       v[0] * dubois[c][0] + v[1] * dubois[c][1] + v[2] * dubois[c][2] +
                           v[3] * dubois[c][3] + v[4] * dubois[c][4] + v[5] * dubois[c][5],
                       out, i + c);
        }
    }
}

void anaglyph_draw(const struct anaglyph *anaglyph, const struct deep3d_eyes *eyes,
                   const struct deep3d_eyes *out)
{
    struct drawing drawing = {anaglyph, eyes, out};

    parallel_rows(out->height, 0, draw_rows, &drawing);
}
