// Finds what rays hit, many rays at a time, by walking along them in steps of a map's distance
// (sphere tracing).
//
// A shot gives its map, a function that says how far the nearest surface is from a point.
// march_rays() is inlined into the shot with that map known, so the loops over the rays become
// vector instructions. Source of the method and of the soft shadows (narrowest opening seen on the
// way to the light): J. C. Hart, "Sphere tracing", 1996.
//
// Thread-safety: safe.
#pragma once
#include "assets/sample/solids.h"

struct story; // what moves: the state of a shot at one moment

typedef struct surface march_map(const struct story *s, struct vec p);

#define RAYS 16

struct rays {
    float ox[RAYS], oy[RAYS], oz[RAYS]; // from
    float dx[RAYS], dy[RAYS], dz[RAYS]; // unit direction
    float far[RAYS];                    // gives up here, in metres; 0: a lane without a ray
};

struct hits {
    float t[RAYS]; // metres along the ray; >= far: nothing was hit, all below is undefined
    float nx[RAYS], ny[RAYS], nz[RAYS]; // unit normal
    float material[RAYS];
    float light[RAYS]; // of the sun: 0 in shadow, 1 in full light
    float open[RAYS];  // to the sky: 0 in a closed corner, 1 in the open (ambient occlusion)
};

INLINE void march_hits(march_map *map, const struct story *s, const struct rays *r, float *t)
{
    for (int i = 0; i < RAYS; i++)
        t[i] = 0.01f;
    for (int step = 0; step < 140; step++) {
        int walking = 0;
#pragma omp simd reduction(+ : walking)
        for (int i = 0; i < RAYS; i++) {
            float d = map(s, vec(r->ox[i] + r->dx[i] * t[i], r->oy[i] + r->dy[i] * t[i],
                                 r->oz[i] + r->dz[i] * t[i]))
                          .distance;
            int walks = (d > 0.0004f * t[i] + 0.0002f) & (t[i] < r->far[i]);
            t[i] += walks ? d * 0.85f : 0;
            walking += walks;
        }
        if (!walking)
            break;
    }
}

// The normal is the direction in which the map grows fastest; four samples on a tetrahedron find
// it.
INLINE void march_normals(march_map *map, const struct story *s, const struct rays *r,
                          struct hits *h)
{
    float nx[RAYS] = {0}, ny[RAYS] = {0}, nz[RAYS] = {0};
#pragma GCC unroll 1
    for (int corner = 0; corner < 4; corner++) {
        float x = corner & 1 ? 1 : -1, y = corner & 2 ? 1 : -1, z = x * y;
#pragma omp simd
        for (int i = 0; i < RAYS; i++) {
            float t = h->t[i], e = 0.0006f * t + 0.0004f;
            struct vec p =
                vec(r->ox[i] + r->dx[i] * t, r->oy[i] + r->dy[i] * t, r->oz[i] + r->dz[i] * t);
            struct surface found = map(s, add(p, vec(x * e, y * e, z * e)));
            nx[i] += x * found.distance;
            ny[i] += y * found.distance;
            nz[i] += z * found.distance;
            h->material[i] = found.material;
        }
    }
    for (int i = 0; i < RAYS; i++) {
        struct vec n = normalize(vec(nx[i], ny[i], nz[i]));
        h->nx[i] = n.x;
        h->ny[i] = n.y;
        h->nz[i] = n.z;
    }
}

INLINE void march_light(march_map *map, const struct story *s, const struct rays *r, struct vec sun,
                        float sun_size, float reach, struct hits *h)
{
    float t[RAYS];
    for (int i = 0; i < RAYS; i++) {
        t[i] = 0.02f + 0.002f * h->t[i];
        h->light[i] = 1;
    }
    for (int step = 0; step < 48; step++) {
        int walking = 0;
#pragma omp simd reduction(+ : walking)
        for (int i = 0; i < RAYS; i++) {
            float k = h->t[i];
            float d = map(s, vec(r->ox[i] + r->dx[i] * k + h->nx[i] * 0.004f + sun.x * t[i],
                                 r->oy[i] + r->dy[i] * k + h->ny[i] * 0.004f + sun.y * t[i],
                                 r->oz[i] + r->dz[i] * k + h->nz[i] * 0.004f + sun.z * t[i]))
                          .distance;
            h->light[i] = min2(h->light[i], max2(d, 0) / (sun_size * t[i]));
            int walks = (h->light[i] > 0.01f) & (t[i] < reach) & (k < r->far[i]);
            t[i] += walks ? clamp(d, 0.015f, 0.8f) : 0;
            walking += walks;
        }
        if (!walking)
            break;
    }
    for (int i = 0; i < RAYS; i++)
        h->light[i] = smooth_step(0, 1, h->light[i]);
}

// How much nearer than in the open the surfaces are, a little off the hit along its normal.
INLINE void march_open(march_map *map, const struct story *s, const struct rays *r, float size,
                       struct hits *h)
{
    float closed[RAYS] = {0};
#pragma GCC unroll 1
    for (int k = 1; k <= 4; k++) {
        float e = size * 0.25f * k, weight = 0.5f - 0.08f * k;
#pragma omp simd
        for (int i = 0; i < RAYS; i++) {
            float t = h->t[i];
            float d = map(s, vec(r->ox[i] + r->dx[i] * t + h->nx[i] * e,
                                 r->oy[i] + r->dy[i] * t + h->ny[i] * e,
                                 r->oz[i] + r->dz[i] * t + h->nz[i] * e))
                          .distance;
            closed[i] += (e - d) / e * weight;
        }
    }
    for (int i = 0; i < RAYS; i++)
        h->open[i] = clamp(1 - closed[i], 0.12f, 1);
}

// sun: unit direction to the light. sun_size: width of the soft edge of a shadow, in metres a
// metre. reach: nothing throws a shadow farther than this. corner: size of the darkening in
// corners, in metres.
INLINE void march_rays(march_map *map, const struct story *s, const struct rays *r, struct vec sun,
                       float sun_size, float reach, float corner, struct hits *h)
{
    march_hits(map, s, r, h->t);
    int found = 0;
    for (int i = 0; i < RAYS; i++)
        found += h->t[i] < r->far[i];
    if (!found)
        return;
    march_normals(map, s, r, h);
    march_light(map, s, r, sun, sun_size, reach, h);
    march_open(map, s, r, corner, h);
}
