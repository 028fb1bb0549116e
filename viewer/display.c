#include "viewer/display.h"

#include <stddef.h>

enum display_state display_poll(struct display *display)
{
    return display->ops->poll(display);
}

void display_command(struct display *display, int kind, double value)
{
    if (display->ops->command)
        display->ops->command(display, kind, value);
}

struct display_screen display_screen(const struct display *display)
{
    const struct options *o = display->context.options;

    if (display->ops->screen)
        return display->ops->screen(display);
    return (struct display_screen){o->screen_width_m, o->screen_distance_m};
}

void display_destroy(struct display **display)
{
    if (*display)
        (*display)->ops->destroy(*display);
    *display = NULL;
}
