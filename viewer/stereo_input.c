#include "viewer/stereo_input.h"

#include <ctype.h>
#include <libavutil/stereo3d.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

// An eye of a film is hardly narrower or wider (width / height), up to Ultra Panavision's 2.76;
// half a film of the widest usual kind, 2.4, is 1.2.
#define NARROWEST 1.22
#define WIDEST 2.8
#define LONGEST_WORD 16

// --- for people

enum stereo_input stereo_input_next(enum stereo_input input)
{
    enum stereo_input next = input == STEREO_INPUT_HALF_TB ? STEREO_INPUT_AUTO : input + 1;

    return next == STEREO_INPUT_SBS || next == STEREO_INPUT_TOP_BOTTOM ? next + 1 : next;
}

const char *stereo_input_describe(enum stereo_input input)
{
    static const char *const texts[] = {
        [STEREO_INPUT_AUTO] = "as it says itself",
        [STEREO_INPUT_FLAT] = "one eye, converted",
        [STEREO_INPUT_SBS] = "side by side",
        [STEREO_INPUT_FULL_SBS] = "side by side, full",
        [STEREO_INPUT_HALF_SBS] = "side by side, half",
        [STEREO_INPUT_TOP_BOTTOM] = "top and bottom",
        [STEREO_INPUT_FULL_TB] = "top and bottom, full",
        [STEREO_INPUT_HALF_TB] = "top and bottom, half",
    };

    return texts[input];
}

// --- names

// What a word of a name may mean, alone or in a name that has the word "3d" as well.
static const struct {
    const char *text;
    bool alone;
    enum stereo_input input;
} meanings[] = {
    {"sbs", true, STEREO_INPUT_SBS},          {"hsbs", true, STEREO_INPUT_HALF_SBS},
    {"halfsbs", true, STEREO_INPUT_HALF_SBS}, {"fsbs", true, STEREO_INPUT_FULL_SBS},
    {"fullsbs", true, STEREO_INPUT_FULL_SBS}, {"lr", false, STEREO_INPUT_SBS},
    {"htab", true, STEREO_INPUT_HALF_TB},     {"hou", false, STEREO_INPUT_HALF_TB},
    {"halfou", true, STEREO_INPUT_HALF_TB},   {"halftab", true, STEREO_INPUT_HALF_TB},
    {"ftab", true, STEREO_INPUT_FULL_TB},     {"fou", false, STEREO_INPUT_FULL_TB},
    {"fullou", true, STEREO_INPUT_FULL_TB},   {"fulltab", true, STEREO_INPUT_FULL_TB},
    {"tab", false, STEREO_INPUT_TOP_BOTTOM},  {"ou", false, STEREO_INPUT_TOP_BOTTOM},
    {"tb", false, STEREO_INPUT_TOP_BOTTOM},
};

// The word in small letters, and what follows it; NULL: there is none any more.
static const char *next_word(const char *text, char word[LONGEST_WORD])
{
    size_t length = 0;

    while (*text && !isalnum((unsigned char)*text))
        text++;
    if (!*text)
        return NULL;
    for (; isalnum((unsigned char)*text); text++)
        if (length < LONGEST_WORD - 1)
            word[length++] = (char)tolower((unsigned char)*text);
    word[length] = 0;
    return text;
}

static enum stereo_input meaning(const char *word, bool beside_3d)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
        if (strcmp(word, meanings[i].text) == 0 && (meanings[i].alone || beside_3d))
            return meanings[i].input;
    return STEREO_INPUT_AUTO;
}

// "half" or "full" before it.
static enum stereo_input told_apart(enum stereo_input input, const char *before)
{
    bool half = strcmp(before, "half") == 0 || strcmp(before, "h") == 0;

    if (!half && strcmp(before, "full") != 0 && strcmp(before, "f") != 0)
        return input;
    if (input == STEREO_INPUT_SBS)
        return half ? STEREO_INPUT_HALF_SBS : STEREO_INPUT_FULL_SBS;
    return input != STEREO_INPUT_TOP_BOTTOM ? input
           : half                           ? STEREO_INPUT_HALF_TB
                                            : STEREO_INPUT_FULL_TB;
}

static bool has_3d(const char *name)
{
    char word[LONGEST_WORD];

    while ((name = next_word(name, word)))
        if (strcmp(word, "3d") == 0)
            return true;
    return false;
}

enum stereo_input stereo_input_named(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    bool beside_3d = has_3d(name);
    char word[LONGEST_WORD], before[LONGEST_WORD] = "";

    while ((name = next_word(name, word))) {
        enum stereo_input input = meaning(word, beside_3d);

        if (input != STEREO_INPUT_AUTO)
            return told_apart(input, before);
        strcpy(before, word);
    }
    return STEREO_INPUT_AUTO;
}

// --- shapes

// Samples themselves say that eyes are drawn out to their full size: those of one eye are at most
// 16:11 (PAL) and at least 8:9 (NTSC), which halves twice as wide or high go beyond.
static bool is_drawn_out(double sample_aspect)
{
    return sample_aspect > 1.6 || (sample_aspect > 0 && sample_aspect < 0.8);
}

// Whether samples are twice as long as they should be in the direction that both eyes share.
static bool is_half(bool beside, int width, int height, double sample_aspect)
{
    double eye = beside ? width / 2.0 / height : width * 2.0 / height;

    if (is_drawn_out(sample_aspect))
        return (sample_aspect > 1) == beside;
    return beside ? eye < NARROWEST : eye > WIDEST;
}

// False: in a way that is not read here.
static bool read_said(const struct AVStereo3D *stereo, enum stereo_input *out)
{
    switch (stereo->type) {
    case AV_STEREO3D_2D:
        *out = STEREO_INPUT_FLAT;
        return true;
    case AV_STEREO3D_SIDEBYSIDE:
        *out = STEREO_INPUT_SBS;
        return true;
    case AV_STEREO3D_TOPBOTTOM:
        *out = STEREO_INPUT_TOP_BOTTOM;
        return true;
    default:
        return false;
    }
}

bool stereo_input_halves(const struct stereo_words *words, int width, int height,
                         double sample_aspect, struct stereo_halves *out)
{
    enum stereo_input input = words->asked;
    bool beside, inverted = words->said && (words->said->flags & AV_STEREO3D_FLAG_INVERT);

    *out = (struct stereo_halves){0};
    if (input == STEREO_INPUT_AUTO && words->said && !read_said(words->said, &input))
        return false;
    if (input == STEREO_INPUT_AUTO)
        input = words->named;
    if (input == STEREO_INPUT_AUTO || input == STEREO_INPUT_FLAT)
        return true;
    beside = input <= STEREO_INPUT_HALF_SBS;
    out->packing = beside ? DEEP3D_SIDE_BY_SIDE : DEEP3D_TOP_BOTTOM;
    out->right_first = inverted != words->swapped;
    out->half = input == STEREO_INPUT_HALF_SBS || input == STEREO_INPUT_HALF_TB ||
                ((input == STEREO_INPUT_SBS || input == STEREO_INPUT_TOP_BOTTOM) &&
                 is_half(beside, width, height, sample_aspect));
    return true;
}

double stereo_halves_aspect(const struct stereo_halves *halves, int width, int height,
                            double sample_aspect)
{
    double aspect = width * (sample_aspect > 0 ? sample_aspect : 1) / height;

    if (halves->packing == DEEP3D_ONE_EYE || (halves->half && !is_drawn_out(sample_aspect)))
        return aspect;
    return halves->packing == DEEP3D_SIDE_BY_SIDE ? aspect / 2 : aspect * 2;
}
