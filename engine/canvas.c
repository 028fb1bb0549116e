#include "engine/canvas.h"

#include <string.h>

#define GLYPH_WIDTH 5
#define GLYPH_HEIGHT 7

// Rows from the top, the lowest bit on the right.
static const struct {
    char character;
    uint8_t rows[GLYPH_HEIGHT];
} glyphs[] = {
    {'0', {14, 17, 17, 17, 17, 17, 14}}, {'1', {4, 12, 4, 4, 4, 4, 14}},
    {'2', {14, 17, 1, 2, 4, 8, 31}},     {'3', {31, 2, 4, 2, 1, 17, 14}},
    {'4', {2, 6, 10, 18, 31, 2, 2}},     {'5', {31, 16, 30, 1, 1, 17, 14}},
    {'6', {6, 8, 16, 30, 17, 17, 14}},   {'7', {31, 1, 2, 4, 8, 8, 8}},
    {'8', {14, 17, 17, 14, 17, 17, 14}}, {'9', {14, 17, 17, 15, 1, 2, 12}},
    {'+', {0, 4, 4, 31, 4, 4, 0}},       {'-', {0, 0, 0, 31, 0, 0, 0}},
    {'.', {0, 0, 0, 0, 0, 12, 12}},      {'%', {24, 25, 2, 4, 8, 19, 3}},
};

static const uint8_t bright[3] = {255, 230, 90}, dark[3] = {0, 0, 0};

void canvas_fill(const struct canvas *c, int x, int y, int width, int height, const uint8_t rgb[3])
{
    int left = x > 0 ? x : 0, right = x + width < c->width ? x + width : c->width;
    int top = y > 0 ? y : 0, bottom = y + height < c->height ? y + height : c->height;

    for (int v = top; v < bottom; v++)
        for (int u = left; u < right; u++)
            memcpy(c->pixels + (size_t)v * c->stride_bytes + (size_t)u * 4,
                   (const uint8_t[4]){rgb[0], rgb[1], rgb[2], 255}, 4);
}

static const uint8_t *rows_of(char character)
{
    static const uint8_t space[GLYPH_HEIGHT];

    for (size_t i = 0; i < sizeof(glyphs) / sizeof(*glyphs); i++)
        if (glyphs[i].character == character)
            return glyphs[i].rows;
    return space;
}

static int dot_px(int height_px)
{
    return height_px > GLYPH_HEIGHT ? height_px / GLYPH_HEIGHT : 1;
}

// All dots, each `grow` pixels larger on every side.
static void dots(const struct canvas *c, int x, int y, int dot, const char *text, int grow,
                 const uint8_t rgb[3])
{
    for (; *text; text++, x += (GLYPH_WIDTH + 1) * dot) {
        const uint8_t *rows = rows_of(*text);
        for (int i = 0; i < GLYPH_WIDTH * GLYPH_HEIGHT; i++)
            if (rows[i / GLYPH_WIDTH] >> (GLYPH_WIDTH - 1 - i % GLYPH_WIDTH) & 1)
                canvas_fill(c, x + i % GLYPH_WIDTH * dot - grow, y + i / GLYPH_WIDTH * dot - grow,
                            dot + 2 * grow, dot + 2 * grow, rgb);
    }
}

void canvas_number(const struct canvas *c, int x, int y, int height_px, const char *text)
{
    int dot = dot_px(height_px);

    dots(c, x, y, dot, text, (dot + 1) / 2, dark);
    dots(c, x, y, dot, text, 0, bright);
}

int canvas_number_width(int height_px, const char *text)
{
    return (int)strlen(text) * (GLYPH_WIDTH + 1) * dot_px(height_px);
}
