// Comfort: how much depth is shown, in the units that matter to eyes.
//
// A screen of width W m at distance D m, eyes e m apart. A point whose pictures lie P m apart on
// the screen (P > 0: crossed, in front of it) is fused at distance e * D / (e + P). Behind the
// screen P may go down to -e, where the eyes look parallel: further, they would have to turn
// outwards, which they cannot. In front, the eyes turn inwards by
//
//     angle = 2 atan((e + P) / (2 D)) - 2 atan(e / (2 D))
//
// against the screen, which is kept below a budget (1 degree is the usual advice, ISO 9241-392).
//
// When a scene has more than that, strength is lowered by a factor that is eased inside a shot and
// jumps only at cuts. What still sticks out - things that have just come near - is pressed flat at
// the limit, so that the budget holds in every picture.
//
// Automatic convergence puts the subject of each shot on the screen: the depth that most of the
// picture's middle lies at or behind. It stays where it is while the subject does, and follows
// slowly when that goes. A cut is matched: the new subject begins at the parallax that the old one
// had, so that the eyes need not search, and then comes to the screen.
//
// What is in front of the screen and cut off by its left or right side seems to lie before and
// behind it at once. The floating window brings that side of the screen forward: a black strip in
// the eye that sees less of what lies behind, as wide as the parallax of the nearest thing there.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "engine/deep3d.h"
#include "kernels/spread.h"

// How far pictures of a point may lie apart, in % of the picture's width; INFINITY: no limit.
struct comfort_limits {
    float front_pct, back_pct;
};

// The state that is eased from picture to picture; all-zero: nothing is known.
struct comfort {
    bool known;
    float strength;    // as it is set
    float factor;      // of strength, 0..1
    float convergence; // as it is shown
    float anchor;      // where automatic convergence wants it in this shot
    float subject_pct; // parallax of the subject in the last picture
    float window[2];   // of the floating window, left and right, % of the picture's width
};

// What to draw with.
struct comfort_view {
    float strength, convergence;
    float low, high;     // nearness is to be pressed into this
    float window_pct[2]; // black strips: at the left of the left eye, at the right of the right eye
    struct deep3d_parallax parallax;
};

// None where the screen is not known, whether or not the budget is kept.
struct comfort_limits comfort_limits_for(const struct deep3d_comfort *comfort);
// How far the eyes turn inwards against the screen for parallax in m, degrees; < 0: outwards.
float comfort_angle_deg(const struct deep3d_comfort *comfort, float parallax_m);
// spread: of the picture's nearness. new_shot: what was learnt of the last one does not count.
struct comfort_view comfort_update(struct comfort *state, const struct deep3d_comfort *comfort,
                                   const struct deep3d_settings *settings,
                                   const struct spread *spread, bool new_shot);
