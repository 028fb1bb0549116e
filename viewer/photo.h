// `deep3d convert` of a photograph: into one picture of both eyes (JPEG, PNG, WebP), an MPO as
// stereo cameras write it, or one that sways (GIF, WebP, MP4), by the output's ending and --layout.
//
// A swaying picture shows the views between the two eyes, each drawn with a part of the strength.
#pragma once
#include <stdbool.h>

struct options;

// The output that is asked for is a picture, not a film.
bool photo_is_asked(const struct options *options);
// The program's exit code: 0, or 1, logged.
int photo_run(const struct options *options);
// `deep3d layers`: the depth layers of one picture as a picture (engine/layers.h says what it
// shows). The program's exit code: 0, or 1, logged.
int photo_layers_run(const struct options *options);
