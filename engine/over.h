// The depth of what is laid over the picture after synthesis: captions, on-screen text.
//
// Thread-safety: pure.
#pragma once
#include "engine/comfort.h"
#include "engine/deep3d.h"

// Parallax in % of the width at which a thing over `area` is in front of all that it covers there
// in either eye, by a small margin, but no nearer than front_max_pct. nearness: [height][width],
// before the view's limits press it.
float over_parallax_pct(const struct comfort_view *view, float front_max_pct, const float *nearness,
                        int width, int height, const struct deep3d_area *area);
