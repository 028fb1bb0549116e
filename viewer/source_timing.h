// When a picture begins and how long it is shown, from time stamps that may be missing, doubled or
// out of order.
//
// No picture is ever dropped: one without a usable time stamp is placed after its predecessor.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct timing {
    int64_t usual_ns;         // how long a picture lasts where nothing else is known
    int64_t previous_ns;      // begin of the last picture that was handed on; CLOCK_NONE: none
    int64_t held_ns;          // begin of the picture that waits for its successor; CLOCK_NONE: none
    int64_t held_duration_ns; // as the file says; 0: it does not
    int64_t lasted_ns;        // how long the last picture was shown; 0: none was
};

// usual_ns > 0.
void timing_init(struct timing *t, int64_t usual_ns);
// After a seek: the next picture is the first.
void timing_reset(struct timing *t);
// Offers the next picture; pts_ns may be CLOCK_NONE, duration_ns 0. True: the picture offered
// before is now complete: *out_pts_ns and *out_duration_ns > 0 are its. False: this was the first.
bool timing_next(struct timing *t, int64_t pts_ns, int64_t duration_ns, int64_t *out_pts_ns,
                 int64_t *out_duration_ns);
// The end: completes the picture that still waits. False: there is none.
bool timing_last(struct timing *t, int64_t *out_pts_ns, int64_t *out_duration_ns);
// Begin of the waiting picture as known so far; CLOCK_NONE: none waits.
int64_t timing_held_ns(const struct timing *t);
