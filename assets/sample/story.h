// What the sample clip tells: its shots, what moves in them, and when something can be heard.
//
// A ball goes for a walk: it bounces across an avenue in a park, through a sunlit hall, and ends on
// a table beside a Newton's cradle. Every movement is a formula of the time, so pictures and sounds
// meet without a file between them.
//
// Thread-safety: safe; nothing here keeps state.
#pragma once
#include <stdbool.h>
#include "assets/sample/march.h"

#define CRADLE_BALLS 5

// A walker's joints, from the hips down and up; index 0 left, 1 right.
struct walker {
    struct vec hip, chest, head, knee[2], foot[2], shoulder[2], elbow[2], hand[2];
};

struct story {
    float time; // seconds since the shot began
    struct vec eye, target;
    float lens; // half of the picture's width, in metres at one metre
    struct vec ball;
    float ball_radius;
    struct vec ball_axis; // unit; the ball turns round it
    float ball_turn;      // radians
    struct walker walker;
    struct vec bead[CRADLE_BALLS]; // centres of the cradle's balls, seen from its middle
};

// One point on a surface (or the sky) and the ray that found it.
struct spot {
    struct vec direction, position, normal;
    float distance, light, open;
    int material;
    bool is_sky;
};

enum sound_kind { SOUND_STEP, SOUND_BOUNCE, SOUND_CLICK };

// Something that can be heard. pan: -1 left .. 1 right. strength: 0..1.
struct sound_event {
    float time; // seconds since the shot began
    enum sound_kind kind;
    float pan, strength;
};
#define EVENTS_MAX 64

struct shot {
    const char *name;
    float seconds;
    float echo; // 0: in the open .. 1: a large hall
    void (*pose)(float time, struct story *out);
    // Fills hits for all lanes of rays.
    void (*trace)(const struct story *s, const struct rays *r, struct hits *out);
    // Linear light that leaves the spot towards the eye. out_mirror: the part of a mirrored ray to
    // be added, 0..1.
    struct vec (*shade)(const struct story *s, const struct spot *spot, float *out_mirror);
    // Returns how many events were written, at most EVENTS_MAX.
    int (*events)(struct sound_event *out);
};

extern const struct shot shot_avenue, shot_hall, shot_table;

// Colour of the ball that all shots share. Not for spots on other things.
struct vec story_ball_colour(const struct story *s, struct vec position);
// Height of a ball's underside that bounces every `period` seconds to `height`, on the ground at
// time 0.
float story_bounce(float time, float period, float height);
