#include "viewer/depth_wish.h"

#include <stdio.h>

struct conversion_depth depth_wish(const struct options *o, struct display_screen screen)
{
    return (struct conversion_depth){
        .settings = {(float)o->strength, (float)o->convergence, (enum deep3d_shift)o->shift,
                     o->flat},
        .comfort =
            {
                .screen_width_m = (float)screen.width_m,
                .distance_m = (float)screen.distance_m,
                .eye_distance_m = (float)(o->eye_distance_mm / 1000),
                .crossed_max_deg = (float)o->max_crossed_deg,
                .no_budget = !o->budget,
                .auto_convergence = o->auto_convergence,
                .floating_window = o->floating_window,
            },
        .view = (enum deep3d_view)o->view,
    };
}

static const char *convergence_text(const struct options *o, char text[16])
{
    snprintf(text, 16, "%.2f", o->convergence);
    return o->auto_convergence ? "automatic" : text;
}

void depth_wish_describe(const struct options *o, struct display_screen screen, char *text,
                         size_t size)
{
    static const char *const shifts[] = {"", ", left eye moved", ", right eye moved"};
    char number[16], budget[96];

    snprintf(budget, sizeof(budget), "at most %g degrees before it and %g mm behind it",
             o->max_crossed_deg, o->eye_distance_mm);
    snprintf(text, size, "strength %.1f %%, convergence %s, screen %.2f m wide at %.2f m, %s%s%s",
             o->strength, convergence_text(o, number), screen.width_m, screen.distance_m,
             o->budget ? budget : "no budget", o->floating_window ? ", floating window" : "",
             shifts[o->shift]);
}

void depth_wish_say(const struct options *o, char *text, size_t size)
{
    char number[16];

    snprintf(text, size, "Strength %.1f %%, convergence %s%s%s", o->strength,
             convergence_text(o, number), o->budget ? "" : ", no budget",
             o->floating_window ? "" : ", no floating window");
}
