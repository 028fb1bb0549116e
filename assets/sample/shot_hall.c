// The hall: two rows of columns, low sun through the windows on the left, a polished floor; the
// ball bounces nearer.
#include "assets/sample/noise.h"
#include "assets/sample/story.h"

enum material { FLOOR, STONE, PLASTER, MARBLE, BALL };

#define BAY_M 4.0f // from column to column
#define AISLE_M 3.0f
#define WALL_M 6.0f
#define WALL_THICK_M 0.7f
#define END_M 27.0f
#define VAULT_M 6.0f
#define BOUNCE_S 0.7f
#define SECONDS 4.5f

static const struct vec sun = {-0.775f, 0.535f, -0.335f};
static const struct vec sunlight = {9.5f, 7.4f, 4.9f};

// To the edge of the window of a bay, seen from the side; negative inside the opening.
INLINE float window(float y, float z)
{
    float across = fabsf(fold(z, BAY_M));
    float square = max2(across - 0.8f, fabsf(y - 2.6f) - 1.5f);
    return min2(square, length2(across, y - 4.1f) - 0.8f);
}

INLINE float column(struct vec p)
{
    float shaft = pillar(p, 0.36f - 0.012f * p.y, 4.4f);
    float foot = box(sub(p, vec(0, 0.12f, 0)), vec(0.52f, 0.12f, 0.52f), 0.02f);
    float head = box(sub(p, vec(0, 4.42f, 0)), vec(0.5f, 0.14f, 0.5f), 0.03f);
    float bulge = length2(length2(p.x, p.z) - 0.38f, p.y - 0.3f) - 0.09f;
    float collar = length2(length2(p.x, p.z) - 0.34f, p.y - 4.18f) - 0.06f;
    return min2(min2(join(shaft, bulge, 0.05f), join(shaft, collar, 0.05f)), min2(foot, head));
}

INLINE float urn(struct vec p)
{
    float body = join(ball(p, vec(0, 1.55f, 0), 0.3f),
                      rod(p, vec(0, 1.2f, 0), vec(0, 2, 0), 0.09f, 0.13f), 0.12f);
    return min2(join(body, pillar(sub(p, vec(0, 1.1f, 0)), 0.2f, 0.07f), 0.06f),
                length2(length2(p.x, p.z) - 0.15f, p.y - 2.02f) - 0.045f);
}

INLINE struct surface map(const struct story *s, struct vec p)
{
    float side = fabsf(p.x);
    struct surface found = {p.y, FLOOR};
    found = nearer(
        found, max2(column(vec(side - AISLE_M, p.y, fold(p.z - BAY_M / 2, BAY_M))), p.z - END_M),
        STONE);

    float arcade = max2(fabsf(side - AISLE_M) - 0.3f, 4.5f - p.y);
    arcade = max2(arcade, 1.52f - length2(p.y - 4.5f, fold(p.z, BAY_M)));
    float vault = max2(AISLE_M - length2(p.x, max2(p.y - VAULT_M, 0)), VAULT_M - p.y);
    vault = max2(vault, side - WALL_M - WALL_THICK_M);
    float rib = max2(vault - 0.14f, fabsf(fold(p.z - BAY_M / 2, BAY_M)) - 0.2f);
    found = nearer(found, max2(min2(arcade, rib), p.z - END_M), STONE);
    float wall = max2(max2(WALL_M - side, side - WALL_M - WALL_THICK_M), -window(p.y, p.z));
    float ends =
        min2(max2(END_M - p.z, 1.7f - length2(p.x, p.y - 4.6f)), min2(END_M + 0.4f - p.z, p.z + 9));
    found = nearer(found, min2(max2(min2(wall, vault), p.z - END_M), ends), PLASTER);

    struct vec q = vec(side - 1.75f, p.y, fold(p.z - 4, 2 * BAY_M));
    found = nearer(found, box(sub(q, vec(0, 0.53f, 0)), vec(0.3f, 0.53f, 0.3f), 0.02f), MARBLE);
    found = nearer(found, box(sub(q, vec(0, 1.05f, 0)), vec(0.36f, 0.05f, 0.36f), 0.02f), MARBLE);
    found = nearer(found, urn(q), MARBLE);
    return nearer(found, ball(p, s->ball, s->ball_radius), BALL);
}

static void trace(const struct story *s, const struct rays *r, struct hits *out)
{
    march_rays(map, s, r, sun, 0.03f, 14, 0.7f, out);
}

static void pose(float time, struct story *out)
{
    *out =
        (struct story){.time = time, .lens = 0.62f, .ball_radius = 0.2f, .ball_axis = vec(1, 0, 0)};
    float u = smooth_step(-0.8f, SECONDS + 0.8f, time);
    out->eye = vec(-4.9f + 4.6f * u, 1.5f + 0.1f * u, -2.2f + 2.4f * u);
    out->target = vec(-0.6f + 1.0f * u, 1.85f, 9);
    float z = 15 - 3.05f * time;
    out->ball = vec(-0.55f + 0.32f * time, 0.2f + story_bounce(time, BOUNCE_S, 0.75f), z);
    out->ball_turn = z / out->ball_radius * 0.5f;
}

static struct vec colour(const struct story *s, const struct spot *spot)
{
    struct vec p = spot->position;
    float fine = expf(-spot->distance / 20);
    switch ((enum material)spot->material) {
    case FLOOR: {
        float gap = min2(fabsf(fold(p.x, 0.75f)), fabsf(fold(p.z, 0.75f)));
        int dark = ((int)floorf(p.x / 0.75f) + (int)floorf(p.z / 0.75f)) & 1;
        struct vec warp = add(scale(p, 2.5f), vec(0, dark * 9, 2 * fractal(scale(p, 3), 3)));
        float vein = fabsf(fractal(warp, 4) - 0.5f) * 2;
        struct vec light =
            blend(vec(0.42f, 0.38f, 0.33f), vec(0.66f, 0.61f, 0.53f), smooth_step(0, 0.25f, vein));
        struct vec black =
            blend(vec(0.22f, 0.1f, 0.06f), vec(0.1f, 0.05f, 0.04f), smooth_step(0, 0.2f, vein));
        return scale(dark ? black : light, 0.6f + 0.4f * smooth_step(0.004f, 0.012f, gap));
    }
    case STONE: {
        float course = fabsf(fold(p.y, 0.75f)) < 0.008f ? 0.7f : 1;
        float rough = fractal(scale(p, 24), 4) * fine + 0.5f * (1 - fine),
              stain = fractal(scale(p, 0.9f), 3);
        return scale(vec(0.56f, 0.46f, 0.34f), course * (0.25f + 0.8f * rough + 0.5f * stain));
    }
    case PLASTER: {
        float stain = fractal(scale(p, 0.7f), 4),
              rough = fractal(scale(p, 16), 2) * fine + 0.5f * (1 - fine);
        struct vec c =
            p.y < 1.1f && fabsf(p.x) > 3 ? vec(0.3f, 0.17f, 0.12f) : vec(0.62f, 0.55f, 0.44f);
        return scale(c, 0.55f + 0.55f * stain + 0.2f * rough);
    }
    case MARBLE: {
        float vein =
            fabsf(fractal(add(scale(p, 3), vec(fractal(scale(p, 5), 3), 0, 0)), 4) - 0.5f) * 2;
        return blend(vec(0.36f, 0.38f, 0.4f), vec(0.74f, 0.72f, 0.68f), smooth_step(0, 0.3f, vein));
    }
    case BALL:
        return story_ball_colour(s, p);
    }
    return vec(0.5f, 0.5f, 0.5f);
}

static struct vec sky(struct vec d)
{
    return blend(vec(3.0f, 2.7f, 2.3f), vec(1.5f, 2.0f, 3.0f), clamp(d.y * 1.5f, 0, 1));
}

// Dust in the sun: how much of the ray's first part, in metres, is in the beams that the windows
// let in.
static float beams(const struct spot *spot)
{
    enum { POINTS = 28 };
    float reach = min2(spot->distance, 26), lit = 0;
    struct vec eye = along(spot->position, spot->direction, -spot->distance);
    struct vec d = spot->direction;
    float start = hash3((int)(d.x * 4096), (int)(d.y * 4096), 5);
    for (int i = 0; i < POINTS; i++) {
        struct vec p = along(eye, d, reach * (i + start) / POINTS);
        float back = (p.x + WALL_M) / -sun.x;
        struct vec q = along(p, sun, back);
        lit += smooth_step(0.12f, -0.12f, window(q.y, q.z)) * (back > 0 ? expf(-back * 0.16f) : 0);
    }
    return lit * reach / POINTS;
}

static struct vec shade(const struct story *s, const struct spot *spot, float *out_mirror)
{
    struct vec dust = scale(sunlight, 0.01f * beams(spot));
    if (spot->is_sky)
        return add(sky(spot->direction), dust);
    struct vec n = spot->normal, p = spot->position;
    float facing = max2(dot(n, sun), 0), open = spot->open;
    // light thrown back by the sunny floor, and the sky's from the windows on both sides
    float from_floor = (0.5f - 0.5f * n.y) * expf(-max2(p.y, 0) * 0.12f);
    float from_side = 0.45f + 0.4f * n.x * (p.x < 0 ? -0.4f : 0.5f) + 0.15f * n.y;
    struct vec light = scale(sunlight, facing * spot->light);
    light = add(light, scale(vec(0.62f, 0.42f, 0.25f), from_floor * open));
    light = add(light, scale(vec(0.3f, 0.33f, 0.39f), from_side * open));
    struct vec c = mul(colour(s, spot), light);
    if (spot->material == FLOOR) {
        float grazing = 1 - max2(-dot(spot->direction, n), 0);
        *out_mirror = 0.05f + 0.5f * grazing * grazing * grazing * grazing * grazing;
    }
    float shine = spot->material == BALL ? 0.25f : spot->material == MARBLE ? 0.15f : 0;
    c = add(c, scale(sunlight, shine * spot->light *
                                   powf(max2(dot(reflect(spot->direction, n), sun), 0), 50)));
    float haze = 1 - expf(-0.008f * spot->distance);
    return add(blend(c, vec(0.6f, 0.52f, 0.4f), haze), dust);
}

static int events(struct sound_event *out)
{
    int n = 0;
    for (float t = BOUNCE_S; t < SECONDS; t += BOUNCE_S)
        out[n++] = (struct sound_event){t, SOUND_BOUNCE, 0.1f * t, 0.35f + 0.14f * t};
    return n;
}

const struct shot shot_hall = {"hall", SECONDS, 0.7f, pose, trace, shade, events};
