#include "assets/sample/render.h"
#include <string.h>
#include "assets/sample/noise.h"
#include "base/parallel.h"

#define TILE 4 // a packet of rays is a square of TILE x TILE pixels
#define FAR_M 170.0f

struct pass {
    const struct shot *shot;
    struct story story;
    struct vec right, up, forward;
    float jitter_x, jitter_y; // in pixels
    float weight;
    struct picture *out;
};

static bool shade_ray(const struct pass *pass, const struct rays *r, const struct hits *h, int i,
                      struct vec *out_light, struct vec *out_normal, float *out_mirror)
{
    struct spot spot = {.direction = vec(r->dx[i], r->dy[i], r->dz[i]),
                        .distance = min2(h->t[i], r->far[i])};
    spot.is_sky = h->t[i] >= r->far[i];
    spot.position = along(vec(r->ox[i], r->oy[i], r->oz[i]), spot.direction, spot.distance);
    if (!spot.is_sky) {
        spot.normal = vec(h->nx[i], h->ny[i], h->nz[i]);
        spot.light = h->light[i];
        spot.open = h->open[i];
        spot.material = (int)h->material[i];
    }
    *out_mirror = 0;
    *out_normal = spot.normal;
    *out_light = pass->shot->shade(&pass->story, &spot, out_mirror);
    return *out_mirror > 0 && !spot.is_sky;
}

// Adds what the mirroring lanes see. One bounce: a mirror in a mirror shows its own colour.
static void add_mirrored(const struct pass *pass, const struct rays *first, const struct hits *h,
                         const struct vec *normal, const float *mirror, struct vec *light)
{
    struct rays r = {0};
    for (int i = 0; i < RAYS; i++) {
        struct vec d = vec(first->dx[i], first->dy[i], first->dz[i]);
        struct vec o =
            along(vec(first->ox[i], first->oy[i], first->oz[i]), d, min2(h->t[i], FAR_M));
        o = along(o, normal[i], 0.006f);
        d = reflect(d, normal[i]);
        r.ox[i] = o.x, r.oy[i] = o.y, r.oz[i] = o.z;
        r.dx[i] = d.x, r.dy[i] = d.y, r.dz[i] = d.z;
        r.far[i] = mirror[i] > 0 ? FAR_M : 0;
    }
    struct hits seen;
    pass->shot->trace(&pass->story, &r, &seen);
    for (int i = 0; i < RAYS; i++) {
        struct vec more, unused_normal;
        float unused_mirror;
        if (mirror[i] <= 0)
            continue;
        shade_ray(pass, &r, &seen, i, &more, &unused_normal, &unused_mirror);
        light[i] = along(light[i], more, mirror[i]);
    }
}

static void render_tile(const struct pass *pass, int left, int top)
{
    int width = pass->out->width, height = pass->out->height;
    struct rays r;
    for (int i = 0; i < RAYS; i++) {
        float x = (left + i % TILE + pass->jitter_x) / width * 2 - 1;
        float y = ((top + i / TILE + pass->jitter_y) * 2 - height) / width;
        struct vec d = add(pass->forward, scale(pass->right, x * pass->story.lens));
        d = normalize(along(d, pass->up, -y * pass->story.lens));
        r.ox[i] = pass->story.eye.x, r.oy[i] = pass->story.eye.y, r.oz[i] = pass->story.eye.z;
        r.dx[i] = d.x, r.dy[i] = d.y, r.dz[i] = d.z;
        r.far[i] = FAR_M;
    }
    struct hits h;
    pass->shot->trace(&pass->story, &r, &h);
    struct vec light[RAYS], normal[RAYS];
    float mirror[RAYS];
    int mirrors = 0;
    for (int i = 0; i < RAYS; i++)
        mirrors += shade_ray(pass, &r, &h, i, &light[i], &normal[i], &mirror[i]);
    if (mirrors)
        add_mirrored(pass, &r, &h, normal, mirror, light);
    for (int i = 0; i < RAYS; i++) {
        float *pixel = pass->out->light + ((size_t)(top + i / TILE) * width + left + i % TILE) * 3;
        pixel[0] += min2(light[i].x, 8) * pass->weight;
        pixel[1] += min2(light[i].y, 8) * pass->weight;
        pixel[2] += min2(light[i].z, 8) * pass->weight;
    }
}

static void render_rows(void *user, int first, int end)
{
    const struct pass *pass = user;
    for (int row = first; row < end; row++)
        for (int left = 0; left < pass->out->width; left += TILE)
            render_tile(pass, left, row * TILE);
}

void render_picture(const struct shot *shot, float time, float shutter, int samples,
                    struct picture *out)
{
    memset(out->light, 0, RENDER_BYTES(out->width, out->height));
    for (int i = 0; i < samples; i++) {
        struct pass pass = {.shot = shot, .weight = 1.0f / samples, .out = out};
        shot->pose(time + shutter * i / samples, &pass.story);
        pass.forward = normalize(sub(pass.story.target, pass.story.eye));
        pass.right = normalize(cross(vec(0, 1, 0), pass.forward));
        pass.up = cross(pass.forward, pass.right);
        // the R2 sequence spreads points evenly for any count (M. Roberts, 2018)
        float x = 0.5f + 0.7548777f * i, y = 0.5f + 0.5698403f * i;
        pass.jitter_x = x - floorf(x);
        pass.jitter_y = y - floorf(y);
        parallel_rows(out->height / TILE, 0, render_rows, &pass);
    }
}

// A film's response: toe, straight part, shoulder. K. Narkowicz's fit of the ACES curve, 2016.
static float film(float v)
{
    return clamp(v * (2.51f * v + 0.03f) / (v * (2.43f * v + 0.59f) + 0.14f), 0, 1);
}

void render_develop(const struct picture *in, int seed, uint8_t *out)
{
    for (int y = 0; y < in->height; y++)
        for (int x = 0; x < in->width; x++) {
            float dx = (float)x / in->width - 0.5f, dy = (float)y / in->height - 0.5f;
            float vignette = 1 - 0.55f * (dx * dx + dy * dy);
            float grain = (hash3(x, y, seed) - 0.5f) * 2.5f;
            for (int c = 0; c < 3; c++) {
                size_t at = ((size_t)y * in->width + x) * 3 + c;
                float v = powf(film(in->light[at] * vignette * 0.6f), 1 / 2.2f) * 255;
                out[at] = (uint8_t)clamp(v + grain + 0.5f, 0, 255);
            }
        }
}
