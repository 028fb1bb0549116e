// The park: a gravel path between autumn trees, late sun from the left, a walker ahead, the ball
// bouncing across.
#include "assets/sample/story.h"
#include "assets/sample/noise.h"

enum material { GROUND, BARK, LEAF, HEDGE, IRON, LANTERN, WOOD, COAT, TROUSERS, SKIN, HAT, BALL };

#define TREE_SPACING_M 7.0f
#define LAMP_SPACING_M 14.0f
#define STEP_S 0.5f
#define BOUNCE_S 0.64f
#define SECONDS 5.0f
#define PATH_HALF_M 1.9f
#define FAR_M 170.0f

static const struct vec sun = {-0.73f, 0.55f, -0.41f};
static const struct vec sunlight = {4.3f, 3.35f, 2.2f};
static const struct vec skylight = {0.42f, 0.55f, 0.85f};

INLINE float trunk(struct vec p)
{
    float radius = 0.2f - 0.02f * p.y + 0.05f / (0.3f + max2(p.y, 0));
    return max2((length2(p.x, p.z) - radius) * 0.9f, p.y - 5);
}

// leaves: the noise that crowns and hedges share, about -0.6..0.6 metres.
INLINE float crown(struct vec p, float grown, float leaves)
{
    struct vec q = vec(p.x, (p.y - 5.3f - grown) * 0.82f, p.z);
    return (length(q) - 2.1f - 0.35f * grown - leaves) * 0.55f;
}

INLINE float bench(struct vec p)
{
    float seat = box(sub(p, vec(0, 0.45f, 0)), vec(0.22f, 0.025f, 0.8f), 0.01f);
    float back = box(sub(p, vec(0.24f, 0.75f, 0)), vec(0.02f, 0.16f, 0.8f), 0.01f);
    float legs =
        box(vec(p.x - 0.04f, p.y - 0.22f, fabsf(p.z) - 0.6f), vec(0.2f, 0.22f, 0.03f), 0.01f);
    return min2(min2(seat, back), legs);
}

INLINE struct surface walker_map(const struct walker *w, struct vec p, struct surface s)
{
    float leg = 1e9f, arm = 1e9f, hands = 1e9f;
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        leg = min2(leg, rod(p, w->hip, w->knee[i], 0.1f, 0.075f));
        leg = min2(leg, rod(p, w->knee[i], w->foot[i], 0.07f, 0.05f));
        leg = min2(leg, rod(p, w->foot[i], add(w->foot[i], vec(0, -0.02f, 0.13f)), 0.05f, 0.04f));
        arm = min2(arm, rod(p, w->shoulder[i], w->elbow[i], 0.075f, 0.065f));
        arm = min2(arm, rod(p, w->elbow[i], w->hand[i], 0.06f, 0.05f));
        hands = min2(hands, ball(p, w->hand[i], 0.055f));
    }
    float torso = rod(p, add(w->hip, vec(0, -0.14f, 0)), w->chest, 0.175f, 0.135f);
    torso = join(torso, rod(p, w->shoulder[0], w->shoulder[1], 0.085f, 0.085f), 0.12f);
    float skin = join(ball(p, w->head, 0.105f), rod(p, w->chest, w->head, 0.06f, 0.05f), 0.04f);
    float hat = pillar(sub(p, add(w->head, vec(0, 0.05f, 0))), 0.115f, 0.11f);
    hat = min2(hat, pillar(sub(p, add(w->head, vec(0, 0.045f, 0))), 0.19f, 0.012f));
    s = nearer(s, leg, TROUSERS);
    s = nearer(s, join(torso, arm, 0.03f), COAT);
    s = nearer(s, min2(skin, hands), SKIN);
    return nearer(s, hat - 0.01f, HAT);
}

INLINE struct surface map(const struct story *s, struct vec p)
{
    float side = fabsf(p.x);
    float leaves = 0.9f * (noise3(scale(p, 1.5f)) - 0.5f) + 0.42f * (noise3(scale(p, 5.7f)) - 0.5f);
    struct surface found = {
        (p.y - 0.05f * smooth_step(PATH_HALF_M, PATH_HALF_M + 0.15f, side)) * 0.95f, GROUND};

    struct vec tree = vec(side - 5, p.y, fold(p.z - 2.5f, TREE_SPACING_M));
    float grown = hash3((int)floorf((p.z - 2.5f) / TREE_SPACING_M + 0.5f), p.x < 0, 7);
    found = nearer(found, trunk(tree), BARK);
    found = nearer(found, crown(tree, grown, leaves), LEAF);
    found = nearer(found,
                   (box(sub(vec(side, p.y, 0), vec(9.5f, 0.6f, 0)), vec(0.7f, 0.9f, 9), 0.3f) -
                    leaves * 0.4f) *
                       0.7f,
                   HEDGE);

    struct vec lamp = vec(side - 2.6f, p.y, fold(p.z - 6, LAMP_SPACING_M));
    float iron = min2(pillar(lamp, 0.045f, 3.3f), pillar(lamp, 0.09f, 0.5f));
    iron = min2(iron, rod(lamp, vec(0, 3.56f, 0), vec(0, 3.68f, 0), 0.14f, 0.02f));
    found = nearer(found, iron, IRON);
    found = nearer(found, ball(lamp, vec(0, 3.44f, 0), 0.17f), LANTERN);
    found = nearer(found, bench(vec(p.x - 2.7f, p.y, fold(p.z - 10, LAMP_SPACING_M))), WOOD);

    found = nearer(found, ball(p, s->ball, s->ball_radius), BALL);
    return walker_map(&s->walker, p, found);
}

static void trace(const struct story *s, const struct rays *r, struct hits *out)
{
    march_rays(map, s, r, sun, 0.05f, 30, 0.6f, out);
}

// A foot swings forward in the air for half of the time and carries the body for the other half.
static void pose_walker(struct walker *w, struct vec ground, float time)
{
    float phase = time * 3.14159265f / STEP_S;
    w->hip = add(ground, vec(0, 0.9f + 0.025f * cosf(2 * phase), 0));
    w->chest = add(w->hip, vec(0, 0.46f, 0.03f));
    w->head = add(w->hip, vec(0, 0.72f, 0.06f));
    for (int i = 0; i < 2; i++) {
        float side = i ? 1 : -1, swing = side * sinf(phase), lift = max2(side * cosf(phase), 0);
        w->foot[i] = add(ground, vec(side * 0.09f, 0.06f + 0.16f * lift, 0.34f * swing));
        struct vec middle = scale(add(w->foot[i], add(w->hip, vec(side * 0.09f, 0, 0))), 0.5f);
        w->knee[i] = add(middle, vec(0, 0, 0.05f + 0.12f * lift));
        w->shoulder[i] = add(w->chest, vec(side * 0.19f, -0.02f, 0));
        w->elbow[i] = add(w->shoulder[i], vec(side * 0.09f, -0.27f, -0.12f * swing - 0.04f));
        w->hand[i] = add(w->elbow[i], vec(-side * 0.01f, -0.22f, -0.14f * swing + 0.08f));
    }
}

static void pose(float time, struct story *out)
{
    *out =
        (struct story){.time = time, .lens = 0.66f, .ball_radius = 0.2f, .ball_axis = vec(0, 0, 1)};
    out->eye = vec(-0.55f + 0.1f * time, 1.5f + 0.02f * sinf(time * 2.1f), 0.85f * time);
    out->target = add(out->eye, vec(0.12f - 0.02f * time, -0.06f, 2));
    float x = -5.2f + 1.95f * time;
    out->ball = vec(x, 0.2f + story_bounce(time, BOUNCE_S, 0.6f), 4.6f + 0.42f * time);
    out->ball_turn = -x / out->ball_radius * 0.5f;
    pose_walker(&out->walker, vec(0.75f, 0, 4.4f + 1.25f * time), time);
}

// The gravel, the grass beside it and the leaves that fell on both.
static struct vec ground_colour(const struct spot *spot)
{
    struct vec p = spot->position;
    float edge = fabsf(p.x) + 0.25f * (fractal(scale(p, 2), 2) - 0.5f);
    float grass = smooth_step(PATH_HALF_M - 0.05f, PATH_HALF_M + 0.08f, edge);
    float fine = expf(-spot->distance / 22);
    float pebbles = fractal(vec(p.x * 34, 0, p.z * 34), 2) * fine + 0.5f * (1 - fine);
    float patches = fractal(vec(p.x * 0.9f, 3, p.z * 0.9f), 3);
    struct vec gravel = scale(vec(0.4f, 0.33f, 0.25f), 0.35f + 0.75f * pebbles + 0.35f * patches);
    float blades = fractal(vec(p.x * 42, 1, p.z * 17), 2) * fine + 0.5f * (1 - fine);
    struct vec lawn = blend(vec(0.07f, 0.13f, 0.025f), vec(0.2f, 0.24f, 0.05f),
                            patches * 0.7f + blades * 0.5f - 0.1f);
    struct vec c = blend(gravel, scale(lawn, 0.5f + blades), grass);
    float fallen = noise3(vec(p.x * 9, 8, p.z * 9)) *
                   (0.62f + 0.5f * fractal(vec(p.x * 0.6f, 5, p.z * 0.6f), 2));
    float leaf = smooth_step(0.66f, 0.7f, fallen) * (0.35f + 0.65f * fine);
    float hue = noise3(vec(p.x * 4, 2, p.z * 4));
    return blend(c, blend(vec(0.5f, 0.15f, 0.02f), vec(0.6f, 0.38f, 0.05f), hue), leaf * 0.9f);
}

static struct vec leaf_colour(const struct spot *spot)
{
    struct vec p = spot->position;
    float cell = floorf((p.z - 2.5f) / TREE_SPACING_M + 0.5f);
    float autumn = hash3((int)cell, p.x < 0, 3);
    struct vec young = vec(0.13f, 0.2f, 0.03f), gold = vec(0.52f, 0.3f, 0.03f),
               rust = vec(0.42f, 0.11f, 0.02f);
    struct vec c = blend(blend(young, gold, smooth_step(0.1f, 0.5f, autumn)), rust,
                         smooth_step(0.55f, 0.95f, autumn));
    float spots = fractal(scale(p, 7), 2), large = noise3(scale(p, 1.1f));
    return scale(blend(c, gold, 0.4f * large), 0.35f + 1.2f * spots);
}

static struct vec colour(const struct story *s, const struct spot *spot)
{
    struct vec p = spot->position;
    switch ((enum material)spot->material) {
    case GROUND:
        return ground_colour(spot);
    case BARK:
        return scale(vec(0.2f, 0.14f, 0.09f),
                     0.35f + 1.2f * fractal(vec(p.x * 14, p.y * 3, p.z * 14), 3));
    case LEAF:
        return leaf_colour(spot);
    case HEDGE:
        return scale(vec(0.08f, 0.14f, 0.035f), 0.4f + 1.2f * fractal(scale(p, 8), 2));
    case IRON:
        return vec(0.04f, 0.05f, 0.05f);
    case LANTERN:
        return vec(0.85f, 0.8f, 0.65f);
    case WOOD:
        return scale(vec(0.35f, 0.19f, 0.08f),
                     0.6f + 0.7f * fractal(vec(p.x * 30, p.y * 30, p.z * 3), 2));
    case COAT: {
        float weave = fractal(scale(p, 45), 2), y = p.y - s->walker.hip.y;
        struct vec cloth =
            fabsf(y - 0.42f) < 0.045f ? vec(0.7f, 0.55f, 0.2f) : vec(0.06f, 0.17f, 0.3f);
        return scale(cloth, 0.6f + 0.8f * weave);
    }
    case TROUSERS:
        return scale(vec(0.1f, 0.085f, 0.075f), 0.6f + 0.8f * fractal(scale(p, 40), 2));
    case SKIN:
        return vec(0.5f, 0.28f, 0.19f);
    case HAT:
        return scale(vec(0.2f, 0.12f, 0.07f), 0.7f + 0.6f * fractal(scale(p, 30), 2));
    case BALL:
        return story_ball_colour(s, p);
    }
    return vec(0.5f, 0.5f, 0.5f);
}

static struct vec sky(struct vec d)
{
    float up = max2(d.y, 0);
    struct vec c =
        blend(vec(1.05f, 0.86f, 0.64f), vec(0.2f, 0.4f, 0.82f), powf(clamp(up * 1.3f, 0, 1), 0.5f));
    struct vec at = scale(vec(d.x, 0.4f, d.z), 1.4f / (up + 0.14f));
    float cloud = smooth_step(0.48f, 0.78f, fractal(at, 5)) * smooth_step(0.02f, 0.25f, up);
    c = blend(c, vec(1.25f, 1.1f, 0.95f), cloud * 0.85f);
    float ridge = 0.035f + 0.06f * fractal(vec(d.x / max2(d.z, 0.1f) * 5, 1, 0), 4);
    float hill = smooth_step(ridge + 0.004f, ridge - 0.004f, d.y);
    return blend(c, vec(0.55f, 0.57f, 0.62f), hill * 0.75f);
}

static struct vec shade(const struct story *s, const struct spot *spot, float *out_mirror)
{
    if (spot->is_sky)
        return sky(spot->direction);
    bool leafy = spot->material == LEAF || spot->material == HEDGE;
    struct vec n = spot->normal, p = spot->position;
    float fine = expf(-spot->distance / 25) * (leafy                      ? 1.3f
                                               : spot->material == GROUND ? 0.25f
                                                                          : 0.08f);
    float grain = leafy ? 8 : 25;
    n = normalize(
        add(n, scale(vec(noise3(scale(p, grain)) - 0.5f, noise3(scale(p, grain + 3)) - 0.5f,
                         noise3(scale(p, grain + 5)) - 0.5f),
                     fine)));
    float facing = dot(n, sun);
    float lit = leafy ? clamp(facing * 0.7f + 0.35f, 0, 1) : max2(facing, 0);
    struct vec light = scale(sunlight, lit * spot->light);
    light = add(light, scale(skylight, spot->open * (0.55f + 0.45f * n.y)));
    light = add(light, scale(vec(0.32f, 0.24f, 0.14f), spot->open * (0.5f - 0.35f * n.y)));
    struct vec c = mul(colour(s, spot), light);
    float shine = spot->material == BALL                                ? 0.35f
                  : spot->material == IRON || spot->material == LANTERN ? 0.5f
                                                                        : 0;
    float gleam = powf(max2(dot(reflect(spot->direction, n), sun), 0), 40);
    c = add(c, scale(sunlight, shine * gleam * spot->light));
    float haze = 1 - expf(-0.011f * max2(spot->distance - 4, 0));
    float towards_sun = powf(max2(dot(spot->direction, sun), 0), 3);
    return blend(c, add(vec(0.95f, 0.84f, 0.68f), scale(vec(0.5f, 0.35f, 0.15f), towards_sun)),
                 haze * 0.92f);
}

static int events(struct sound_event *out)
{
    int n = 0;
    for (float t = STEP_S / 2; t < SECONDS; t += STEP_S)
        out[n++] = (struct sound_event){t, SOUND_STEP, 0.2f, 0.6f};
    for (float t = 0; t < SECONDS; t += BOUNCE_S) {
        struct story s;
        pose(t, &s);
        float pan = clamp((s.ball.x - s.eye.x) / 3, -1, 1);
        out[n++] = (struct sound_event){t, SOUND_BOUNCE, pan, 1 - 0.45f * fabsf(pan)};
    }
    return n;
}

const struct shot shot_avenue = {"avenue", SECONDS, 0.1f, pose, trace, shade, events};
