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

void display_destroy(struct display **display)
{
    if (*display)
        (*display)->ops->destroy(*display);
    *display = NULL;
}
