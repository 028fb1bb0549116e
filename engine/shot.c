#include "engine/shot.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define CELLS (SHOT_WIDTH * SHOT_HEIGHT)

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
// A cut is this many times the change that goes on right after it.
#define AFTER_TIMES 1.6f
#define FOLLOW 0.2f
// After a flash, what is left of its change, at most; and the part of the picture that changes its
// way.
#define FLASH_LEFT 0.3f
#define FLASH_ONE_WAY 0.9f
// A picture with less contrast (of 255) is of one colour, unless its cells, to which noise does
// nothing, differ by so much: then it is dim, or in fog.
#define BLANK 4.0f
#define PLAIN 1.0f
// One whose spread (of 255) goes below the first shows a logo at most, until it is above the other.
// A cell adds FAR to it at most: so what covers less than a 64th of a black picture is a logo.
#define DARK 2.0f
#define DARK_ENDS 4.0f
#define FAR 16.0f
// A dissolve: see is_dissolve().
#define DISSOLVE_BEND 0.2f
#define DISSOLVE_ALIKE 0.85f
#define DISSOLVE_DIP 0.88f
#define DISSOLVE_DIP_PAYS 0.6f
#define DISSOLVE_STRIDE 0.55f
#define DISSOLVE_TURN 0.25f
// A fade-in is over when contrast grows by less than this in two pictures, one of which may be a
// copy of the other.
#define FADE_GROWS 1.03f
#define FADE_TURN 0.75f

void shot_reset(struct shot *s)
{
    s->fed = s->told = s->first = s->flash_end = s->dissolve_end = 0;
    s->rising = s->dark = false;
    s->usual_luma = s->usual_colours = 0;
}

int shot_waiting(const struct shot *s)
{
    return (int)(s->fed - s->told);
}

static struct shot_look *look_at(struct shot *s, long n)
{
    return &s->looks[n % SHOT_LOOKS];
}

// mean: of all luma.
static float spread_of(const float *luma, float mean)
{
    float squares = 0;

    for (int i = 0; i < CELLS; i++) {
        float d = fminf(fabsf(luma[i] - mean), FAR);
        squares += d * d;
    }
    return sqrtf(squares / CELLS);
}

static void measure(const struct image *p, struct shot_look *look)
{
    int count[CELLS] = {0};
    float unit = 1.0f / ((float)p->width * (float)p->height);
    double sum = 0, squares = 0;

    memset(look, 0, sizeof(*look));
    for (int y = 0; y < p->height; y++) {
        const uint8_t *row = p->pixels + (size_t)y * p->stride_bytes;
        int cell_row = y * SHOT_HEIGHT / p->height * SHOT_WIDTH;
        for (int x = 0; x < p->width; x++) {
            const uint8_t *c = row + (size_t)x * 4;
            int cell = cell_row + x * SHOT_WIDTH / p->width;
            float luma = 0.2126f * c[0] + 0.7152f * c[1] + 0.0722f * c[2];
            look->luma[cell] += luma;
            count[cell]++;
            sum += (double)luma;
            squares += (double)luma * (double)luma;
            for (int i = 0; i < 3; i++)
                look->colours[i * SHOT_BINS + c[i] * SHOT_BINS / 256] += unit;
        }
    }
    for (int i = 0; i < CELLS; i++)
        look->luma[i] = count[i] > 0 ? look->luma[i] / (float)count[i] : 0.0f;
    sum *= (double)unit;
    look->contrast = (float)sqrt(fmax(squares * (double)unit - sum * sum, 0));
    look->spread = spread_of(look->luma, (float)sum);
}

// Mean absolute difference.
static float difference(const float *a, const float *b, int count)
{
    float sum = 0;

    for (int i = 0; i < count; i++)
        sum += fabsf(a[i] - b[i]);
    return sum / (float)count;
}

static float luma_change(const struct shot_look *a, const struct shot_look *b)
{
    return difference(a->luma, b->luma, CELLS);
}

// Each channel's parts add up to 1; half the sum of differences is the part that changed.
static float colour_change(const struct shot_look *a, const struct shot_look *b)
{
    return difference(a->colours, b->colours, 3 * SHOT_BINS) * SHOT_BINS / 2;
}

void shot_feed(struct shot *s, const struct image *picture)
{
    struct shot_look *look = look_at(s, s->fed);

    assert(shot_waiting(s) <= SHOT_AHEAD);
    measure(picture, look);
    if (s->fed > 0) {
        look->luma_step = luma_change(look, look_at(s, s->fed - 1));
        look->colour_step = colour_change(look, look_at(s, s->fed - 1));
    }
    s->fed++;
}

// The change stands out from those before it.
static bool stands_out(const struct shot *s, float luma, float colours)
{
    if (luma > LUMA_SURE && colours > COLOURS_LEAST)
        return true;
    if (luma > LUMA_LEAST && colours > COLOURS_SURE &&
        colours > COLOURS_SURE_TIMES * s->usual_colours)
        return true;
    return luma > LUMA_LEAST && luma > LUMA_TIMES * s->usual_luma && colours > COLOURS_LEAST &&
           colours > COLOURS_TIMES * s->usual_colours;
}

// Changes as great go on right after: fast motion has begun.
static bool goes_on(struct shot *s, long t)
{
    float luma = look_at(s, t)->luma_step, colours = look_at(s, t)->colour_step;
    int as_great = 0;

    for (long n = t + 1; n < s->fed; n++)
        as_great += look_at(s, n)->luma_step * AFTER_TIMES > luma &&
                    look_at(s, n)->colour_step * AFTER_TIMES > colours;
    return as_great >= 2;
}

// Nearly all of the picture gets brighter, or darker.
static bool one_way(const struct shot_look *before, const struct shot_look *now)
{
    int up = 0, down = 0;

    for (int i = 0; i < CELLS; i++) {
        up += now->luma[i] >= before->luma[i] - 2;
        down += now->luma[i] <= before->luma[i] + 2;
    }
    return (float)up > FLASH_ONE_WAY * CELLS || (float)down > FLASH_ONE_WAY * CELLS;
}

// The picture after the flash that picture t begins; 0: it is none.
static long flash_end(struct shot *s, long t)
{
    const struct shot_look *before = look_at(s, t - 1), *now = look_at(s, t);

    if (!one_way(before, now))
        return 0;
    for (long n = t + 1; n < s->fed; n++)
        if (luma_change(before, look_at(s, n)) < FLASH_LEFT * now->luma_step)
            return n;
    return 0;
}

static bool is_blank(const struct shot_look *look)
{
    return look->contrast < BLANK && look->spread < PLAIN;
}

// Nothing to see but a logo, at most.
static bool is_empty(const struct shot_look *look)
{
    return is_blank(look) || look->spread < DARK;
}

static float mean_of(const float *luma)
{
    float sum = 0;

    for (int i = 0; i < CELLS; i++)
        sum += luma[i];
    return sum / CELLS;
}

// How far `way` goes along `whole`, and what of it goes aside, as a part of the whole.
static float bend(const float *from, const float *way, const float *whole, float *out_part)
{
    float along = 0, length = 1e-6f, aside = 0;

    for (int i = 0; i < CELLS; i++) {
        along += (way[i] - from[i]) * (whole[i] - from[i]);
        length += (whole[i] - from[i]) * (whole[i] - from[i]);
    }
    *out_part = along / length;
    for (int i = 0; i < CELLS; i++) {
        float d = way[i] - from[i] - *out_part * (whole[i] - from[i]);
        aside += d * d;
    }
    return sqrtf(aside / length);
}

// Variances of a and b, and how far they correlate.
static float alike(const float *a, const float *b, float *out_a, float *out_b)
{
    float ma = mean_of(a), mb = mean_of(b), ab = 0, aa = 1e-6f, bb = 1e-6f;

    for (int i = 0; i < CELLS; i++) {
        ab += (a[i] - ma) * (b[i] - mb);
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
    }
    *out_a = aa;
    *out_b = bb;
    return ab / sqrtf(aa * bb);
}

// Between pictures `first` and `last` one scene turns into another: their ends differ and are not
// alike, those between lie on the straight way without great strides, and the middle one has lost
// contrast. The more it has lost, the more may things move meanwhile.
static bool is_dissolve(struct shot *s, long first, long last)
{
    const struct shot_look *a = look_at(s, first), *b = look_at(s, last);
    const struct shot_look *m = look_at(s, (first + last) / 2);
    float a_variance, b_variance, m_variance, part, old_part = 0;

    if (luma_change(a, b) < LUMA_LEAST || colour_change(a, b) < COLOURS_LEAST || is_empty(a) ||
        is_empty(b) || alike(a->luma, b->luma, &a_variance, &b_variance) > DISSOLVE_ALIKE)
        return false;
    alike(m->luma, m->luma, &m_variance, &m_variance);
    float dip = DISSOLVE_DIP - m_variance * 2 / (a_variance + b_variance);
    if (dip < 0)
        return false;
    for (int quarter = 1; quarter < 4; quarter++) {
        const struct shot_look *way = look_at(s, first + (last - first) * quarter / 4);
        if (bend(a->luma, way->luma, b->luma, &part) > DISSOLVE_BEND + DISSOLVE_DIP_PAYS * dip ||
            part < old_part || part > old_part + DISSOLVE_STRIDE)
            return false;
        old_part = part;
    }
    return old_part + DISSOLVE_STRIDE > 1;
}

// The newest pictures, of this shot only, are part of a dissolve.
static bool dissolves(struct shot *s)
{
    static const int lengths[] = {6, 8, 12, 18, 24};
    long last = s->fed - 1;

    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
        if (last - lengths[i] >= s->first && is_dissolve(s, last - lengths[i], last))
            return true;
    return false;
}

static struct shot_step begin(struct shot *s, long t, enum shot_kind kind)
{
    s->first = s->dissolve_end = t;
    s->rising = kind == SHOT_FADE;
    s->dark = false;
    if (s->rising)
        s->marks = look_at(s, t - 1)->contrast;
    return (struct shot_step){.begins = kind, .turn = 1};
}

// A picture shows more than a logo, after some that did not.
static bool leaves_dark(struct shot *s, const struct shot_look *now)
{
    bool was_dark = s->dark;

    s->dark = !s->rising && now->spread < (was_dark ? DARK_ENDS : DARK);
    return was_dark && !s->dark;
}

// Contrast beyond what was there in the dark.
static float risen(const struct shot *s, const struct shot_look *look)
{
    return sqrtf(fmaxf(look->contrast * look->contrast - s->marks * s->marks, 0));
}

static struct shot_step gradual(struct shot *s, long t)
{
    struct shot_step step = {0};

    s->rising = s->rising && risen(s, look_at(s, t)) > FADE_GROWS * risen(s, look_at(s, t - 2));
    if (s->rising) {
        s->first = t; // what gets brighter does not dissolve
        return (struct shot_step){.turn = FADE_TURN};
    }
    if (dissolves(s)) {
        step.begins = t > s->dissolve_end ? SHOT_DISSOLVE : SHOT_SAME;
        s->dissolve_end = s->fed; // right after the newest
    }
    if (t < s->dissolve_end)
        step.turn = DISSOLVE_TURN;
    return step;
}

struct shot_step shot_next(struct shot *s)
{
    long t = s->told++;
    struct shot_look *now = look_at(s, t);

    assert(s->told <= s->fed);
    if (t == 0)
        return begin(s, t, SHOT_CUT);
    if (t < s->flash_end)
        return (struct shot_step){.hold = true};
    bool jump = t != s->flash_end && stands_out(s, now->luma_step, now->colour_step);
    if (jump)
        s->flash_end = flash_end(s, t);
    if (t < s->flash_end || is_blank(now))
        return (struct shot_step){.hold = true};
    if (jump && (now->luma_step > LUMA_SURE || !goes_on(s, t)))
        return begin(s, t, SHOT_CUT);
    if (leaves_dark(s, now) || (t != s->flash_end && is_blank(look_at(s, t - 1))))
        return begin(s, t, SHOT_FADE);
    s->usual_luma += FOLLOW * (now->luma_step - s->usual_luma);
    s->usual_colours += FOLLOW * (now->colour_step - s->usual_colours);
    return gradual(s, t);
}
