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
// The distribution behind the last answer, [levels][height][width]; NULL: the model gives none.
const float *eval_network_levels(const struct eval_network *network, int *out_levels);

// Adds what was found to json. matched_depth: views are drawn with the pair's own matched
// disparity, not with the network's answer. pictures: a folder that results are written to, or
// NULL.
bool eval_pairs(struct eval_network *network, const char *folder, bool matched_depth,
                const char *pictures, struct cJSON *json);
// model, backend: as in struct deep3d_params.
bool eval_clip(const char *model, const char *backend, const char *path, const char *pictures,
               struct cJSON *json);
