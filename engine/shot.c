#include "engine/shot.h"

#include <math.h>
#include <string.h>

// Least changes of luma (of 255) and colours (of 1) that a cut makes, and how many times the usual
// change it must be.
#define LUMA_LEAST 10.0f
#define LUMA_TIMES 3.0f
#define COLOURS_LEAST 0.12f
#define COLOURS_TIMES 2.5f
// So different that no other sign is needed; so many other colours that fast motion before does not
// matter.
#define LUMA_SURE 55.0f
#define COLOURS_SURE 0.3f
#define COLOURS_SURE_TIMES 3.0f
#define FOLLOW 0.2f

void shot_reset(struct shot *s)
{
    memset(s, 0, sizeof(*s));
}

static void measure(const struct image *p, float *luma, float *colours)
{
    int count[SHOT_WIDTH * SHOT_HEIGHT] = {0};
    // every other pixel of a picture that has enough of them
    int step = p->width >= 4 * SHOT_WIDTH && p->height >= 4 * SHOT_HEIGHT ? 2 : 1;
    float unit =
        1.0f / ((float)((p->width + step - 1) / step) * (float)((p->height + step - 1) / step));

    memset(luma, 0, SHOT_WIDTH * SHOT_HEIGHT * sizeof(*luma));
    memset(colours, 0, 3 * SHOT_BINS * sizeof(*colours));
    for (int y = 0; y < p->height; y += step) {
        const uint8_t *row = p->pixels + (size_t)y * p->stride_bytes;
        int cell_row = y * SHOT_HEIGHT / p->height * SHOT_WIDTH;
        for (int x = 0; x < p->width; x += step) {
            const uint8_t *c = row + (size_t)x * 4;
            int cell = cell_row + x * SHOT_WIDTH / p->width;
            luma[cell] += 0.2126f * c[0] + 0.7152f * c[1] + 0.0722f * c[2];
            count[cell]++;
            for (int i = 0; i < 3; i++)
                colours[i * SHOT_BINS + c[i] * SHOT_BINS / 256] += unit;
        }
    }
    for (int i = 0; i < SHOT_WIDTH * SHOT_HEIGHT; i++)
        luma[i] = count[i] > 0 ? luma[i] / (float)count[i] : 0.0f;
}

// Mean absolute difference.
static float difference(const float *a, const float *b, int count)
{
    float sum = 0;

    for (int i = 0; i < count; i++)
        sum += fabsf(a[i] - b[i]);
    return sum / (float)count;
}

static bool is_cut(const struct shot *s, float luma, float colours)
{
    if (luma > LUMA_SURE && colours > COLOURS_LEAST)
        return true;
    if (luma > LUMA_LEAST && colours > COLOURS_SURE &&
        colours > COLOURS_SURE_TIMES * s->usual_colours)
        return true;
    return luma > LUMA_LEAST && luma > LUMA_TIMES * s->usual_luma && colours > COLOURS_LEAST &&
           colours > COLOURS_TIMES * s->usual_colours;
}

bool shot_feed(struct shot *s, const struct image *picture)
{
    float luma[SHOT_WIDTH * SHOT_HEIGHT], colours[3 * SHOT_BINS];
    bool first = s->pictures == 0, cut = first;

    measure(picture, luma, colours);
    if (!first) {
        s->last_luma = difference(luma, s->luma, SHOT_WIDTH * SHOT_HEIGHT);
        // each channel's parts add up to 1; half the sum of differences is the part that changed
        s->last_colours = difference(colours, s->colours, 3 * SHOT_BINS) * SHOT_BINS / 2;
        cut = is_cut(s, s->last_luma, s->last_colours);
        if (!cut) {
            s->usual_luma += FOLLOW * (s->last_luma - s->usual_luma);
            s->usual_colours += FOLLOW * (s->last_colours - s->usual_colours);
        }
    }
    memcpy(s->luma, luma, sizeof(luma));
    memcpy(s->colours, colours, sizeof(colours));
    s->pictures++;
    s->length = cut ? 1 : s->length + 1;
    return cut;
}
