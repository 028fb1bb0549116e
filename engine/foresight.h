// What is known of pictures before they are shown: glances at them, and the shots that those make.
//
// A glance at a picture in GPU memory is queued; what it says is asked for when the verdict on a
// picture is needed, so that the host waits for it as late as possible.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "engine/deep3d.h"
#include "engine/glance.h"
#include "engine/shot.h"
#include "kernels/kernels.h"

#define FORESIGHT_ROOM (DEEP3D_FORESIGHT + 1)

struct foresight {
    const struct kernels *kernels;
    struct shot shot;
    struct shot_step step; // of the pictures since the last one that was converted
    struct glance *glances,
        *there;                // [FORESIGHT_ROOM], on the host and on the device; NULL: no room
    int last;                  // index of the last one
    int unread;                // that the shots have not been told of yet
    struct device_stamp taken; // the last one that was queued
};

// Works in these kernels' memory. False: memory is short; the same again with foresight_room().
bool foresight_init(struct foresight *foresight, const struct kernels *kernels);
void foresight_finish(struct foresight *foresight);
// Goes on with other kernels; what is known stays. Otherwise as foresight_init().
bool foresight_use(struct foresight *foresight, const struct kernels *kernels);
// Makes the room that is missing. False: memory is short.
bool foresight_room(struct foresight *foresight);

// Pictures that were added and wait for their verdict.
int foresight_waiting(const struct foresight *foresight);
// The next picture of the film, in the host's or the kernels' memory. NULL: one that cannot be
// read counts as the one before it. False: FORESIGHT_ROOM wait already, or there is no room.
bool foresight_add(struct foresight *foresight, const struct deep3d_picture *picture);
// The verdict on the oldest that waits, into `step`; nothing where none does. What was queued for
// glances is waited for. False: the device failed; then they count as they were.
bool foresight_next(struct foresight *foresight);
// What follows is another scene. The device was waited for: no picture that was added is read any
// more.
void foresight_reset(struct foresight *foresight);
