#include "engine/colours.h"

#include <stdio.h>

static const uint8_t inferno[][3] = {
    {0, 0, 4},      {10, 7, 34},     {30, 12, 69},    {56, 9, 98},   {81, 14, 108},
    {105, 22, 110}, {128, 31, 108},  {152, 39, 102},  {176, 49, 91}, {198, 61, 77},
    {217, 77, 61},  {233, 97, 43},   {244, 121, 24},  {250, 148, 7}, {252, 176, 20},
    {248, 205, 55}, {242, 234, 105}, {252, 255, 164},
};
#define STEPS ((int)(sizeof(inferno) / sizeof(*inferno)) - 1)
#define TICKS 4

void colours_row(const float *nearness, int count, uint8_t *out)
{
    for (int x = 0; x < count; x++) {
        float at = nearness[x] > 0 ? nearness[x] * STEPS : 0; // also for NaN
        int step = at < STEPS - 1 ? (int)at : STEPS - 1;
        float part = at < STEPS ? at - (float)step : 1;
        for (int c = 0; c < 3; c++)
            out[x * 4 + c] = (uint8_t)((float)inferno[step][c] * (1 - part) +
                                       (float)inferno[step + 1][c] * part + 0.5f);
        out[x * 4 + 3] = 255;
    }
}

void colours_scale(const struct canvas *canvas, float strength, float convergence)
{
    static const uint8_t white[3] = {255, 255, 255};
    int bar_height = canvas->height * 3 / 5, top = (canvas->height - bar_height) / 2;
    int bar_width = canvas->width / 60 + 2, left = canvas->width - 2 * bar_width;
    int letters = canvas->height / 30 + 7;

    canvas_fill(canvas, left - 1, top - 1, bar_width + 2, bar_height + 2, white);
    for (int y = 0; y < bar_height; y++) {
        float nearness = 1 - ((float)y + 0.5f) / (float)bar_height;
        uint8_t pixel[4];
        colours_row(&nearness, 1, pixel);
        canvas_fill(canvas, left, top + y, bar_width, 1, pixel);
    }
    for (int i = 0; i <= TICKS; i++) {
        float nearness = 1 - (float)i / TICKS;
        int y = top + i * bar_height / TICKS;
        char text[24];
        snprintf(text, sizeof(text), "%+.1f%%", (double)(strength * (nearness - convergence)));
        canvas_fill(canvas, left - bar_width / 3, y, bar_width / 3, 1, white);
        canvas_number(canvas, left - bar_width / 2 - canvas_number_width(letters, text),
                      y - letters / 2, letters, text);
    }
}
