// deep3d-eval: how good the depth and the views of a model are, on stereo pairs and on films.
//
// Thread-safety: belongs to one thread.
#pragma once
#include <stdbool.h>

#include "engine/depth.h"
#include "tests/eval/eval_picture.h"

struct cJSON;

// The depth network alone, each picture on its own.
struct eval_network;

struct eval_network *eval_network_create(const char *model, const char *backend);
// Accepts a pointer to NULL; sets it to NULL.
void eval_network_destroy(struct eval_network **network);
// False where it failed; the answer is valid until the next run.
bool eval_network_run(struct eval_network *network, const struct eval_picture *picture,
                      struct depth_answer *out);
// The distribution behind the last answer, [levels][height][width], farthest first; NULL: the model
// gives none.
const float *eval_network_levels(const struct eval_network *network, int *out_levels);

struct eval_pairs_params {
    struct eval_network *network;
    const char *path;            // a folder of pairs, or a 3D film
    struct stereo_halves halves; // of a film; DEEP3D_ONE_EYE: it is a folder
    int every;                   // of a film, each so many pictures; > 0
    bool matched_depth;   // views are drawn with the pair's own disparity, not the network's answer
    const char *pictures; // a folder that results are written to, or NULL
};

// Each adds what was found to json. False, with a line on standard error: there was nothing.
bool eval_pairs(const struct eval_pairs_params *params, struct cJSON *json);

struct eval_clip_params {
    const char *path;
    const char *model, *backend; // as in struct deep3d_params
    const char *labels;          // eval_shots.h; NULL: there are none
    const char *pictures;        // a folder that results are written to, or NULL
    float strength;
    bool shots_only; // nothing is converted
};

bool eval_clip(const struct eval_clip_params *params, struct cJSON *json);
