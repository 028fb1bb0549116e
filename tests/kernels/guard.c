#include "tests/kernels/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GUARD_BYTES 128
#define GUARD_VALUE 0xa5

const int guard_sizes[][2] = {{1, 1},    {1, 7},    {7, 1},   {2, 2},    {3, 5},    {15, 9},
                              {16, 16},  {17, 3},   {33, 31}, {64, 48},  {127, 5},  {321, 33},
                              {513, 17}, {640, 37}, {643, 6}, {1281, 4}, {1027, 19}};
const int guard_size_count = sizeof(guard_sizes) / sizeof(*guard_sizes);

static uint32_t state = 1;

void *guard_new(size_t bytes)
{
    uint8_t *block = NULL;

    // the size stands in front, in a guard of its own
    assert_int_equal(posix_memalign((void **)&block, 64, bytes + 2 * GUARD_BYTES + sizeof(size_t)),
                     0);
    memset(block, GUARD_VALUE, GUARD_BYTES);
    memcpy(block, &bytes, sizeof(bytes));
    memset(block + GUARD_BYTES, 0xcd, bytes);
    memset(block + GUARD_BYTES + bytes, GUARD_VALUE, GUARD_BYTES);
    return block + GUARD_BYTES;
}

void guard_free(void *pointer)
{
    uint8_t *block = (uint8_t *)pointer - GUARD_BYTES;
    size_t bytes;

    memcpy(&bytes, block, sizeof(bytes));
    for (size_t i = sizeof(bytes); i < GUARD_BYTES; i++)
        assert_int_equal(block[i], GUARD_VALUE);
    for (size_t i = 0; i < GUARD_BYTES; i++)
        assert_int_equal(block[GUARD_BYTES + bytes + i], GUARD_VALUE);
    free(block);
}

void random_start(const char *test)
{
    const char *seed = getenv("DEEP3D_SEED");

    state = seed != NULL ? (uint32_t)strtoul(seed, NULL, 10) : 20261122u;
    printf("%s: seed %u\n", test, state);
}

uint32_t random_next(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

int random_int(int least, int most)
{
    return least + (int)(random_next() % (uint32_t)(most - least + 1));
}

float random_float(void)
{
    return (float)(random_next() >> 8) / 16777215.0f;
}

static struct guarded_image new_image(int width, int height, size_t pixel_bytes)
{
    size_t stride = ((size_t)width + 2 * IMAGE_PAD_PX) * pixel_bytes;
    struct guarded_image g = {.block = guard_new(stride * (size_t)height)};

    g.image =
        (struct image){(uint8_t *)g.block + IMAGE_PAD_PX * pixel_bytes, width, height, stride};
    return g;
}

struct guarded_image guarded_image_new(int width, int height)
{
    return new_image(width, height, 4);
}

struct guarded_image guarded_image_new16(int width, int height)
{
    return new_image(width, height, 8);
}

static void fill(struct guarded_image *g, size_t pixel_bytes)
{
    for (int y = 0; y < g->image.height; y++) {
        uint8_t *row = g->image.pixels + (size_t)y * g->image.stride_bytes;
        uint8_t *end = row + (size_t)g->image.width * pixel_bytes;
        for (uint8_t *p = row; p < end; p += 4) {
            uint32_t v = random_next();
            memcpy(p, &v, 4);
        }
        for (uint8_t *p = row; p < end; p += pixel_bytes)
            memset(p + pixel_bytes * 3 / 4, 255, pixel_bytes / 4);
        for (size_t i = 1; i <= IMAGE_PAD_PX; i++) {
            memcpy(row - i * pixel_bytes, row, pixel_bytes);
            memcpy(end + (i - 1) * pixel_bytes, end - pixel_bytes, pixel_bytes);
        }
    }
}

void guarded_image_fill(struct guarded_image *g)
{
    fill(g, 4);
}

void guarded_image_fill16(struct guarded_image *g)
{
    fill(g, 8);
}

void guarded_image_free(struct guarded_image *g)
{
    guard_free(g->block);
}
