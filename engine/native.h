// Native 3D: both eyes out of a picture that shows both, as they are.
//
// Cost: that of the colour conversion of the picture; nothing else is read or written.
#pragma once
#include "engine/deep3d.h"
#include "engine/rig.h"

// picture: checked, and where the rig works; not DEEP3D_ONE_EYE. threads: 0: all cores.
void native_draw(struct rig *rig, const struct deep3d_picture *picture, int threads,
                 const struct deep3d_eyes *eyes);
