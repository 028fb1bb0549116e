#include "engine/over.h"

#include <math.h>

// Clearly in front, and still close enough to what is behind it that the eyes need not turn.
#define MARGIN_PCT 0.2f

struct span {
    int first, end;
};

// The points of a grid that have a part in from..to (0..1); at least one.
static struct span points(float from, float to, int count)
{
    float last = (float)count - 1;
    float first = fminf(fmaxf(floorf(from * (float)count), 0), last);
    float end = fminf(fmaxf(ceilf(to * (float)count), first + 1), (float)count);

    return (struct span){(int)first, (int)end};
}

float over_parallax_pct(const struct comfort_view *view, float front_max_pct, const float *nearness,
                        int width, int height, const struct deep3d_area *area)
{
    // each eye's view of the area is taken from beside it, by half the parallax of what lies there
    // and half that of what is laid over
    float aside = view->strength / 100, nearest = view->low;
    struct span x = points(area->left - aside, area->right + aside, width);
    struct span y = points(area->top, area->bottom, height);

    for (int row = y.first; row < y.end; row++)
        for (int column = x.first; column < x.end; column++)
            nearest = fmaxf(nearest, nearness[(size_t)row * (size_t)width + (size_t)column]);
    nearest = fminf(nearest, view->high);
    return fminf(view->strength * (nearest - view->convergence) + MARGIN_PCT, front_max_pct);
}
