#include "tests/eval/eval_layout.h"

#include <libavutil/stereo3d.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

// An eye of a film is hardly narrower or wider (width / height), up to Ultra Panavision's 2.76;
// half a film of the widest usual kind, 2.4, is 1.2.
#define NARROWEST 1.22
#define WIDEST 2.8

bool eval_layout_named(const char *name, struct eval_layout *out)
{
    static const struct {
        const char *name;
        struct eval_layout layout;
    } known[] = {
        {"flat", {EVAL_FLAT, false, false}},
        {"side-by-side", {EVAL_SIDE_BY_SIDE, false, false}},
        {"half-side-by-side", {EVAL_SIDE_BY_SIDE, true, false}},
        {"top-bottom", {EVAL_TOP_BOTTOM, false, false}},
        {"half-top-bottom", {EVAL_TOP_BOTTOM, true, false}},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(name, known[i].name) == 0) {
            *out = known[i].layout;
            return true;
        }
    return false;
}

static enum eval_layout_kind kind_of(const struct AVStereo3D *stereo)
{
    if (stereo == NULL || stereo->type == AV_STEREO3D_2D)
        return EVAL_FLAT;
    switch (stereo->type) {
    case AV_STEREO3D_SIDEBYSIDE:
        return EVAL_SIDE_BY_SIDE;
    case AV_STEREO3D_TOPBOTTOM:
        return EVAL_TOP_BOTTOM;
    default:
        return EVAL_OTHER;
    }
}

// Whether samples are twice as long as they should be in the direction that both eyes share.
static bool is_half(enum eval_layout_kind kind, int width, int height, double sample_aspect)
{
    bool beside = kind == EVAL_SIDE_BY_SIDE;
    double eye = beside ? width / 2.0 / height : width * 2.0 / height;

    if (sample_aspect > 0 && fabs(log2(sample_aspect)) > 0.5)
        return (sample_aspect > 1) == beside;
    return beside ? eye < NARROWEST : eye > WIDEST;
}

struct eval_layout eval_layout_of(const struct AVStereo3D *stereo, int width, int height,
                                  double sample_aspect)
{
    struct eval_layout layout = {.kind = kind_of(stereo)};

    if (layout.kind == EVAL_SIDE_BY_SIDE || layout.kind == EVAL_TOP_BOTTOM) {
        layout.half = is_half(layout.kind, width, height, sample_aspect);
        layout.right_first = (stereo->flags & AV_STEREO3D_FLAG_INVERT) != 0;
    }
    return layout;
}
