// The table: a Newton's cradle, a mug, books, apples and a plant by a window; the ball rolls in and
// comes to rest. One unit is 20 cm here: small things are built large, so that the steps of march.h
// fit them.
#include "assets/sample/noise.h"
#include "assets/sample/story.h"

enum material {
    TABLE,
    WALL,
    FRAME,
    PAINTING,
    STEEL,
    LACQUER,
    MUG,
    COFFEE,
    COVER,
    PAGES,
    POT,
    PLANT,
    APPLE,
    BALL
};

#define SWING_S 1.2f // there and back
#define SWING_RAD 0.75f
#define SECONDS 4.5f
#define STRING_LENGTH 1.3f
#define STRING_TOP 2.05f
#define BEAD 0.21f
#define WALL_Z 8.0f

static const struct vec sun = {-0.66f, 0.62f, -0.42f};
static const struct vec sunlight = {5.2f, 4.1f, 2.9f};
static const struct vec cradle_at = {0.4f, 0, 2.5f};
static const struct vec mug_at = {-2.2f, 0, 2.15f};
static const struct vec books_at = {-2.0f, 0, 4.3f};
static const struct vec plant_at = {2.75f, 0, 4.5f};
static const struct vec apples_at = {2.35f, 0, 1.75f};

INLINE float bead_x(int i)
{
    return (i - (CRADLE_BALLS - 1) / 2) * 2 * (BEAD + 0.003f);
}

INLINE struct surface cradle(const struct story *s, struct vec p, struct surface found)
{
    float depth = fabsf(p.z);
    struct vec q = vec(p.x, p.y, depth), top = vec(1.2f, STRING_TOP, 0.5f);
    float steel = rod(vec(fabsf(p.x), p.y, depth), vec(top.x, 0.1f, top.z), top, 0.045f, 0.045f);
    steel =
        min2(steel, rod(vec(fabsf(p.x), p.y, depth), vec(0, top.y, top.z), top, 0.045f, 0.045f));
    float strings = 1e9f;
#pragma GCC unroll 5
    for (int i = 0; i < CRADLE_BALLS; i++) {
        struct vec pivot = vec(bead_x(i), STRING_TOP, 0.5f);
        steel = min2(steel, ball(p, s->bead[i], BEAD));
        strings = min2(strings, rod(q, s->bead[i], pivot, 0.012f, 0.012f));
    }
    found = nearer(found, steel, STEEL);
    found = nearer(found, strings, LACQUER);
    return nearer(found, box(sub(p, vec(0, 0.08f, 0)), vec(1.4f, 0.08f, 0.7f), 0.04f), LACQUER);
}

INLINE struct surface mug(struct vec p, struct surface found)
{
    float wall = max2(pillar(p, 0.46f, 1.05f) - 0.02f, -pillar(sub(p, vec(0, 0.12f, 0)), 0.4f, 2));
    float handle = ring(sub(p, vec(-0.5f, 0.52f, 0)), 0.27f, 0.065f);
    handle = max2(handle, 0.43f - length2(p.x, p.z));
    found = nearer(found, join(wall, handle, 0.05f), MUG);
    return nearer(found, pillar(p, 0.41f, 0.85f), COFFEE);
}

INLINE struct vec about_y(struct vec p, float sine, float cosine)
{
    return vec(p.x * cosine - p.z * sine, p.y, p.x * sine + p.z * cosine);
}

INLINE struct surface book(struct vec p, struct vec half, struct surface found)
{
    float cover = box(p, half, 0.02f);
    struct vec inner = vec(half.x - 0.04f, half.y - 0.035f, half.z + 0.1f);
    cover = max2(cover, -box(sub(p, vec(0.08f, 0, 0)), vec(inner.x, inner.y, inner.z), 0));
    found = nearer(found, cover, COVER);
    return nearer(found, box(p, vec(half.x - 0.05f, half.y - 0.03f, half.z - 0.05f), 0), PAGES);
}

INLINE struct surface map(const struct story *s, struct vec p)
{
    struct surface found = {box(sub(p, vec(0, -0.15f, 2.6f)), vec(4.6f, 0.15f, 3.0f), 0.06f),
                            TABLE};
    found = nearer(found, WALL_Z - p.z, WALL);
    struct vec at = sub(p, vec(1.1f, 3.5f, WALL_Z - 0.1f));
    found = nearer(
        found,
        max2(box(at, vec(1.7f, 1.2f, 0.12f), 0.03f), 1.0f - max2(fabsf(at.x) - 0.5f, fabsf(at.y))),
        FRAME);
    found = nearer(found, box(at, vec(1.55f, 1.05f, 0.05f), 0), PAINTING);
    found = cradle(s, sub(p, cradle_at), found);
    found = mug(sub(p, mug_at), found);
    struct vec shelf = sub(p, books_at);
    found =
        book(about_y(sub(shelf, vec(0, 0.21f, 0)), 0.26f, 0.966f), vec(1.25f, 0.2f, 0.9f), found);
    found = book(about_y(sub(shelf, vec(0.05f, 0.58f, 0)), -0.1f, 0.995f), vec(1.1f, 0.16f, 0.8f),
                 found);
    found = book(about_y(sub(shelf, vec(-0.1f, 0.86f, 0)), 0.39f, 0.921f), vec(0.95f, 0.11f, 0.65f),
                 found);

    struct vec pot = sub(p, plant_at);
    float clay = pillar(pot, 0.5f + 0.16f * pot.y, 1.0f) * 0.95f;
    clay = min2(clay, pillar(sub(pot, vec(0, 0.9f, 0)), 0.72f, 0.2f));
    found = nearer(found, clay, POT);
    float leaves = 0.5f * (noise3(scale(p, 2.3f)) - 0.5f) + 0.34f * (noise3(scale(p, 6.1f)) - 0.5f);
    struct vec bush = sub(pot, vec(0, 2.0f, 0));
    found =
        nearer(found, (length(vec(bush.x, bush.y * 0.85f, bush.z)) - 0.9f - leaves) * 0.5f, PLANT);

    struct vec fruit = sub(p, apples_at);
    float apple = ball(fruit, vec(0, 0.33f, 0), 0.35f);
    apple = min2(apple, ball(fruit, vec(0.72f, 0.32f, 0.18f), 0.34f));
    apple = min2(apple, ball(fruit, vec(0.3f, 0.31f, -0.66f), 0.33f));
    found = nearer(found, apple, APPLE);
    return nearer(found, ball(p, s->ball, s->ball_radius), BALL);
}

static void trace(const struct story *s, const struct rays *r, struct hits *out)
{
    march_rays(map, s, r, sun, 0.06f, 12, 0.5f, out);
}

static void pose(float time, struct story *out)
{
    *out =
        (struct story){.time = time, .lens = 0.6f, .ball_radius = 0.42f, .ball_axis = vec(0, 0, 1)};
    float u = smooth_step(-1, SECONDS + 1, time), angle = -0.5f + 0.85f * u;
    out->target = vec(0.15f, 0.85f, 2.7f);
    out->eye = add(out->target, vec(5.6f * sinf(angle), 1.75f - 0.6f * u, -5.6f * cosf(angle)));
    float rest = 1 - time / 3.6f;
    out->ball = vec(-0.75f - 4.0f * max2(rest, 0) * max2(rest, 0), 0.42f, 1.05f);
    out->ball_turn = -out->ball.x / out->ball_radius;
    float wave = sinf(time * 6.2831853f / SWING_S) * SWING_RAD;
    for (int i = 0; i < CRADLE_BALLS; i++) {
        float swing = i == 0 ? -max2(wave, 0) : i == CRADLE_BALLS - 1 ? max2(-wave, 0) : 0;
        out->bead[i] = vec(bead_x(i) + STRING_LENGTH * sinf(swing),
                           STRING_TOP - STRING_LENGTH * cosf(swing), 0);
    }
}

// A landscape in oils, in coordinates of the canvas.
static struct vec painting(float x, float y)
{
    float stroke = fractal(vec(x * 9, y * 26, 2), 3) * 0.35f + 0.82f;
    float ridge = -0.1f + 0.5f * fractal(vec(x * 1.3f, 3, 0), 3);
    float shore = -0.45f + 0.25f * fractal(vec(x * 2, 7, 0), 2);
    struct vec c =
        blend(vec(0.75f, 0.5f, 0.3f), vec(0.2f, 0.34f, 0.5f), clamp(y * 0.8f + 0.2f, 0, 1));
    c = y < ridge ? vec(0.2f, 0.24f, 0.28f) : c;
    c = y < shore ? vec(0.24f, 0.2f, 0.07f) : c;
    return scale(c, stroke);
}

static struct vec wood(struct vec p)
{
    float plank = floorf(p.z / 0.85f), shift = hash3((int)plank, 3, 1);
    float gap = fabsf(fold(p.z - 0.425f, 0.85f));
    struct vec q = vec(p.x * 0.35f + shift * 20, 0,
                       p.z * 5 + 0.8f * fractal(vec(p.x * 0.5f + shift * 9, 0, p.z * 2), 3));
    float rings = fractal(q, 3);
    float fibre = fractal(vec(p.x * 4, 0, p.z * 60), 2);
    struct vec c =
        blend(vec(0.2f, 0.095f, 0.04f), vec(0.46f, 0.25f, 0.11f), smooth_step(0.25f, 0.75f, rings));
    float edge = fabsf(gap - 0.425f);
    return scale(c, (0.65f + 0.45f * fibre) * (0.85f + 0.3f * shift) *
                        (0.35f + 0.65f * smooth_step(0.003f, 0.012f, edge)));
}

static struct vec apple_colour(struct vec p)
{
    struct vec q = sub(p, apples_at);
    int which = q.x > 0.38f && q.z > -0.2f ? 1 : q.z < -0.32f ? 2 : 0;
    static const struct vec base[] = {
        {0.5f, 0.03f, 0.025f}, {0.42f, 0.4f, 0.06f}, {0.55f, 0.12f, 0.03f}};
    float streak = fractal(vec(atan2f(q.z, q.x) * 6, p.y * 2, which), 3),
          freckle = noise3(scale(p, 30));
    return blend(scale(base[which], 0.75f + 0.4f * freckle), vec(0.6f, 0.42f, 0.08f),
                 0.55f * streak * streak);
}

static struct vec colour(const struct story *s, const struct spot *spot)
{
    struct vec p = spot->position;
    switch ((enum material)spot->material) {
    case TABLE:
        return wood(p);
    case WALL: {
        float stripe = smooth_step(0.28f, 0.3f, fabsf(fold(p.x, 1.2f))),
              flower = noise3(scale(vec(p.x, p.y, 0), 5));
        struct vec c = blend(vec(0.34f, 0.4f, 0.34f), vec(0.42f, 0.47f, 0.38f), stripe);
        return scale(c, 0.75f + 0.25f * flower + 0.2f * fractal(scale(p, 0.8f), 3));
    }
    case FRAME:
        return scale(vec(0.5f, 0.33f, 0.1f), 0.6f + 0.7f * fractal(scale(p, 9), 2));
    case PAINTING:
        return painting(p.x - 1.1f, p.y - 3.5f);
    case STEEL:
        return vec(0.1f, 0.1f, 0.105f);
    case LACQUER:
        return vec(0.03f, 0.028f, 0.028f);
    case MUG: {
        float band = fabsf(p.y - 0.62f) < 0.1f;
        float speck = fractal(scale(p, 22), 2);
        return scale(band ? vec(0.72f, 0.66f, 0.52f) : vec(0.05f, 0.2f, 0.3f),
                     0.75f + 0.5f * speck);
    }
    case COFFEE:
        return vec(0.05f, 0.022f, 0.01f);
    case COVER: {
        int which = p.y < 0.42f ? 0 : p.y < 0.745f ? 1 : 2;
        static const struct vec cloth[] = {
            {0.08f, 0.14f, 0.32f}, {0.38f, 0.07f, 0.05f}, {0.1f, 0.24f, 0.13f}};
        return scale(cloth[which], 0.65f + 0.7f * fractal(scale(p, 28), 2));
    }
    case PAGES:
        return scale(vec(0.7f, 0.63f, 0.48f), 0.7f + 0.45f * noise3(vec(2, p.y * 70, 1)));
    case POT:
        return scale(vec(0.5f, 0.2f, 0.1f), 0.65f + 0.6f * fractal(scale(p, 7), 4));
    case PLANT:
        return blend(vec(0.05f, 0.13f, 0.025f), vec(0.22f, 0.34f, 0.06f),
                     clamp(1.6f * fractal(scale(p, 9), 3) - 0.3f, 0, 1));
    case APPLE:
        return apple_colour(p);
    case BALL:
        return story_ball_colour(s, p);
    }
    return vec(0.5f, 0.5f, 0.5f);
}

// The window beside the table, out of sight: four panes that the sun comes through.
static float panes(struct vec p)
{
    float back = (p.x + 8) / -sun.x;
    struct vec q = along(p, sun, back);
    float y = q.y - 6.0f, z = q.z + 1.2f;
    float frame = max2(fabsf(y) - 3.1f, fabsf(z) - 2.9f);
    float bars = min2(fabsf(y), fabsf(z)) - 0.16f;
    return smooth_step(0.15f, -0.15f, max2(frame, -bars));
}

// What a mirrored ray sees that leaves the scene: the room behind the eye, with the window in it.
static struct vec room(struct vec d)
{
    struct vec c =
        blend(vec(0.16f, 0.13f, 0.1f), vec(0.5f, 0.46f, 0.4f), smooth_step(-0.4f, 0.9f, d.y));
    float y = d.y - 0.55f, z = d.z + 0.3f;
    float pane = max2(max2(fabsf(y) - 0.3f, fabsf(z) - 0.34f), 0.03f - min2(fabsf(y), fabsf(z)));
    float glow = d.x < 0 ? smooth_step(0.02f, -0.02f, pane) : 0;
    return add(c, scale(vec(4.2f, 4.0f, 3.6f), glow));
}

static struct vec shade(const struct story *s, const struct spot *spot, float *out_mirror)
{
    static const float mirror[] = {
        [TABLE] = 0.05f,  [STEEL] = 0.72f, [LACQUER] = 0.06f, [MUG] = 0.06f,
        [COFFEE] = 0.05f, [APPLE] = 0.05f, [BALL] = 0.03f};
    if (spot->is_sky)
        return room(spot->direction);
    struct vec n = spot->normal, p = spot->position;
    if (spot->material == TABLE || spot->material == PLANT)
        n = normalize(add(n, scale(vec(noise3(scale(p, 14)) - 0.5f, 0, noise3(scale(p, 19)) - 0.5f),
                                   spot->material == PLANT ? 1.0f : 0.03f)));
    float facing = max2(dot(n, sun), 0), lit = spot->light * panes(p);
    struct vec light = scale(sunlight, facing * lit);
    // the window's sky from the left, the sunny table from below, the room from everywhere
    float left = max2(0.55f - 0.45f * n.x, 0);
    light = add(light, scale(vec(0.5f, 0.56f, 0.66f), left * spot->open * (0.6f + 0.4f * n.y)));
    light = add(light, scale(vec(0.34f, 0.22f, 0.12f),
                             spot->open * (0.6f - 0.4f * n.y) * expf(-p.y * 0.25f)));
    light = add(light, scale(vec(0.17f, 0.15f, 0.13f), spot->open));
    struct vec c = mul(colour(s, spot), light);
    if (spot->material < (int)(sizeof(mirror) / sizeof(mirror[0])) && mirror[spot->material] > 0) {
        float grazing = 1 - max2(-dot(spot->direction, n), 0),
              fresnel = grazing * grazing * grazing * grazing * grazing;
        *out_mirror = mirror[spot->material] + (1 - mirror[spot->material]) * 0.6f * fresnel;
    }
    float gleam = powf(max2(dot(reflect(spot->direction, n), sun), 0), 60);
    float shine = *out_mirror > 0 ? 0.5f : 0.03f;
    return add(c, scale(sunlight, shine * gleam * lit));
}

static int events(struct sound_event *out)
{
    int n = 0;
    for (float t = SWING_S / 2; t < SECONDS; t += SWING_S / 2, n++)
        out[n] = (struct sound_event){t, SOUND_CLICK, n % 2 ? -0.15f : 0.2f, 1};
    return n;
}

const struct shot shot_table = {"table", SECONDS, 0.2f, pose, trace, shade, events};
