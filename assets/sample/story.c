#include "assets/sample/story.h"
#include "assets/sample/noise.h"

#define STRIPES 6

// v turned round the unit axis by angle (Rodrigues' formula).
static struct vec turned(struct vec v, struct vec axis, float angle)
{
    struct vec side = scale(cross(axis, v), sinf(angle));
    struct vec kept = scale(axis, dot(axis, v) * (1 - cosf(angle)));
    return add(add(scale(v, cosf(angle)), side), kept);
}

struct vec story_ball_colour(const struct story *s, struct vec position)
{
    struct vec p = normalize(turned(sub(position, s->ball), s->ball_axis, -s->ball_turn));
    float sector = atan2f(p.z, p.y) * STRIPES / 6.2831853f;
    float edge = fabsf(sector - floorf(sector) - 0.5f) * 2;
    int stripe = ((int)floorf(sector) % 2 + 2) % 2;
    struct vec red = vec(0.75f, 0.045f, 0.03f), cream = vec(0.85f, 0.8f, 0.68f);
    struct vec c = stripe ? red : cream;
    if (fabsf(p.x) > 0.93f)
        c = vec(0.05f, 0.16f, 0.45f);
    float worn = fractal(scale(p, 9), 3);
    return scale(c, (0.82f + 0.3f * worn) * (edge > 0.97f ? 0.8f : 1));
}

float story_bounce(float time, float period, float height)
{
    float u = time / period - floorf(time / period);
    return 4 * height * u * (1 - u);
}
