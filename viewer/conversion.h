// The thread between source and ring: takes each decoded frame, converts it, publishes both eyes.
//
// A frame that would be ready only after its time is dropped before it costs anything, unless every
// frame is wanted.
//
// Thread-safety: call from the main thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "engine/deep3d.h"

struct conversion;
struct media_clock;
struct osd;
struct source;
struct stats;
struct stereo_frame;
struct stereo_ring;
struct subtitles;

// How much depth is shown, and how.
struct conversion_depth {
    struct deep3d_settings settings;
    struct deep3d_comfort comfort;
    enum deep3d_view view;
};

// Everything outlives the conversion.
struct conversion_params {
    struct source *source;
    struct deep3d *converter;
    struct media_clock *clock; // NULL, where every frame is kept: none
    struct stats *stats;
    struct subtitles *subtitles; // drawn into both eyes; NULL: none
    struct osd *osd;             // over them; NULL: none
    bool keep_all;               // never drop: a slow machine then plays slowly
    bool governor;               // lessen the network's work where the machine cannot keep up
    // for files that say themselves what their samples mean: films of high dynamic range stay as
    // they are, and are not pressed into what displays show
    bool keep_light;
    struct conversion_depth depth;
    // Optional: sees each converted frame on the conversion's thread before it is published, and
    // may draw over it.
    void (*converted)(void *user, struct deep3d *converter, struct stereo_frame *frame);
    void *user;
};

// Waits for conversion_attach(). NULL, logged: no thread.
struct conversion *conversion_create(const struct conversion_params *params);
// Stop the source first, and make sure that the ring has room or is stopped: the thread may wait in
// it. Accepts a pointer to NULL; sets it to NULL.
void conversion_destroy(struct conversion **conversion);

// Goes on into this ring, which has been restarted at the source's generation.
void conversion_attach(struct conversion *conversion, struct stereo_ring *ring);
// Stops the ring (stereo_ring_stop) and returns once it is no longer used here.
void conversion_detach(struct conversion *conversion);
// source_seek() and stereo_ring_restart() in one step that the thread cannot come between. A ring
// is attached. Returns the new generation.
unsigned conversion_seek(struct conversion *conversion, int64_t pos_ns);
// Holds from the next frame on.
void conversion_set(struct conversion *conversion, const struct conversion_depth *depth);
// The convergence that the last frame was drawn with, native 3D left aside; the one that was set
// before the first frame.
float conversion_convergence(struct conversion *conversion);
