// Textures without picture files: hashed value noise and its sums.
//
// The same coordinates give the same value on every machine. Inline and branch-free, see vec.h.
//
// Thread-safety: safe.
#pragma once
#include <stdint.h>
#include "assets/sample/vec.h"

// A number in 0..1 for each lattice point.
INLINE float hash3(int x, int y, int z)
{
    uint32_t h = (uint32_t)x * 0x8da6b343u ^ (uint32_t)y * 0xd8163841u ^ (uint32_t)z * 0xcb1ab31fu;
    h = (h ^ (h >> 15)) * 0x2c1b3c6du;
    h = (h ^ (h >> 12)) * 0x297a2d39u;
    return (float)(int)((h ^ (h >> 15)) >> 8) * (1.0f / 16777216);
}

// Smooth noise in 0..1, one hill or dent a unit.
INLINE float noise3(struct vec p)
{
    float fx = floorf(p.x), fy = floorf(p.y), fz = floorf(p.z);
    int x = (int)fx, y = (int)fy, z = (int)fz;
    float u = p.x - fx, v = p.y - fy, w = p.z - fz;
    u = u * u * (3 - 2 * u);
    v = v * v * (3 - 2 * v);
    w = w * w * (3 - 2 * w);
    float near = mix(mix(hash3(x, y, z), hash3(x + 1, y, z), u),
                     mix(hash3(x, y + 1, z), hash3(x + 1, y + 1, z), u), v);
    float far = mix(mix(hash3(x, y, z + 1), hash3(x + 1, y, z + 1), u),
                    mix(hash3(x, y + 1, z + 1), hash3(x + 1, y + 1, z + 1), u), v);
    return mix(near, far, w);
}

// Sum of `octaves` noises, each of half the size and half the strength; 0..1.
INLINE float fractal(struct vec p, int octaves)
{
    float sum = 0, weight = 0.5f, total = 0;
    for (int i = 0; i < octaves; i++) {
        sum += weight * noise3(p);
        total += weight;
        weight *= 0.5f;
        p = add(scale(p, 2.03f), vec(17.1f, 9.2f, 5.7f));
    }
    return sum / total;
}
