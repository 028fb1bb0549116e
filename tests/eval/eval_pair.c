#include "tests/eval/eval_pair.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/eval/eval_metrics.h"

#define REACH 56
// See eval_pair.h.
#define DISPARITY_ZERO 32768
#define DISPARITY_UNIT 64.0f

static struct eval_picture read_side(const char *folder, const char *name, const char *side)
{
    static const char *const endings[] = {"jpg", "png", "jpeg", "webp", "bmp"};
    char path[1200];

    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        snprintf(path, sizeof(path), "%s/%s_%s.%s", folder, name, side, endings[i]);
        FILE *file = fopen(path, "rb");
        if (file != NULL) {
            fclose(file);
            return eval_picture_read(path);
        }
    }
    return (struct eval_picture){0};
}

static void match(struct eval_pair *p)
{
    uint8_t *luma[2];

    for (int i = 0; i < 2; i++) {
        const struct eval_picture *side = i == 0 ? &p->left : &p->right;
        luma[i] = malloc((size_t)(EVAL_PAIR_WIDTH * p->height));
        eval_luma(side->rgba, side->width, side->height, EVAL_PAIR_WIDTH, p->height, luma[i]);
    }
    eval_match(luma[0], luma[1], EVAL_PAIR_WIDTH, p->height, REACH, p->truth);
    free(luma[0]);
    free(luma[1]);
}

// False: there is no file of it.
static bool read_disparity(struct eval_pair *p, const char *folder)
{
    char path[1200];
    int width, height;
    uint16_t *values;

    snprintf(path, sizeof(path), "%s/%s_disparity.png", folder, p->name);
    if (!eval_picture_read_grey16(path, &width, &height, &values))
        return false;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < EVAL_PAIR_WIDTH; x++) {
            int u = (2 * x + 1) * width / (2 * EVAL_PAIR_WIDTH);
            int v = (2 * y + 1) * height / (2 * p->height), value = values[v * width + u];
            p->truth[y * EVAL_PAIR_WIDTH + x] = value == 0 ? NAN
                                                           : (float)(value - DISPARITY_ZERO) /
                                                                 DISPARITY_UNIT * EVAL_PAIR_WIDTH /
                                                                 (float)width;
        }
    free(values);
    return true;
}

// left and right are there; makes the room for the truth.
static bool make_room(struct eval_pair *p)
{
    if (p->left.rgba == NULL || p->right.rgba == NULL || p->left.width != p->right.width ||
        p->left.height != p->right.height || p->left.width < EVAL_PAIR_WIDTH / 2 ||
        p->left.height < 32)
        return false;
    p->height = (p->left.height * EVAL_PAIR_WIDTH + p->left.width / 2) / p->left.width;
    p->truth = malloc((size_t)(EVAL_PAIR_WIDTH * p->height) * sizeof(float));
    return true;
}

bool eval_pair_read(struct eval_pair *p, const char *folder, const char *name)
{
    *p = (struct eval_pair){0};
    snprintf(p->name, sizeof(p->name), "%s", name);
    p->left = read_side(folder, name, "left");
    p->right = read_side(folder, name, "right");
    if (!make_room(p))
        return false;
    if (!read_disparity(p, folder))
        match(p);
    return true;
}

// A part of a picture, drawn out to width x height, linearly along rows.
static struct eval_picture part_of(const struct eval_picture *p, int x0, int y0, int part_width,
                                   int part_height, int width, int height)
{
    struct eval_picture out = {width, height, malloc((size_t)width * (size_t)height * 4)};

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            float u = ((float)x + 0.5f) * (float)part_width / (float)width - 0.5f;
            int a = u > 0 ? (int)u : 0, b = a + 1 < part_width ? a + 1 : a;
            float f = u > (float)a ? u - (float)a : 0;
            size_t row = (size_t)(y0 + y * part_height / height) * (size_t)p->width + (size_t)x0;
            for (int c = 0; c < 4; c++)
                out.rgba[((size_t)y * (size_t)width + (size_t)x) * 4 + (size_t)c] =
                    (uint8_t)((float)p->rgba[(row + (size_t)a) * 4 + (size_t)c] * (1 - f) +
                              (float)p->rgba[(row + (size_t)b) * 4 + (size_t)c] * f + 0.5f);
        }
    return out;
}

bool eval_pair_from_film(struct eval_pair *p, struct eval_film *film, struct stereo_halves halves,
                         int every)
{
    bool half = halves.half, beside = halves.packing == DEEP3D_SIDE_BY_SIDE;
    struct eval_picture both;

    *p = (struct eval_pair){0};
    for (int i = 0; i < every; i++)
        if (!eval_film_next(film, &both))
            return false;
    int w = beside ? both.width / 2 : both.width, h = beside ? both.height : both.height / 2;
    int width = beside && half ? w * 2 : w, height = !beside && half ? h * 2 : h;
    struct eval_picture first = part_of(&both, 0, 0, w, h, width, height);
    struct eval_picture second =
        part_of(&both, beside ? w : 0, beside ? 0 : h, w, h, width, height);
    p->left = halves.right_first ? second : first;
    p->right = halves.right_first ? first : second;
    if (!make_room(p)) {
        eval_pair_free(p);
        return false;
    }
    match(p);
    return true;
}

void eval_pair_free(struct eval_pair *p)
{
    eval_picture_free(&p->left);
    eval_picture_free(&p->right);
    free(p->truth);
    p->truth = NULL;
}
