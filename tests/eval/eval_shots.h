// Where a film's shots begin, as they were found and as they should have been.
//
// Labels are a text file, a line each, pictures counted from 0; what stands after # is not read:
//     cut 120             picture 120 is the first of a new shot
//     fade 200 230        the old shot begins to go with picture 200, the new one is all there with
//     230 dissolve 300 320    the same, one through the other
//
// Thread-safety: belongs to one thread.
#pragma once
#include <stdbool.h>

#include "engine/shot.h"

struct cJSON;

#define EVAL_SHOTS_MAX 4096

struct eval_shot {
    enum shot_kind kind;
    int first, last; // pictures; found shots begin at once: first == last
};

struct eval_shots {
    int count;
    struct eval_shot shot[EVAL_SHOTS_MAX];
};

// False, with a line on standard error, where the file cannot be read or a line makes no sense.
bool eval_shots_read(struct eval_shots *out, const char *path);
void eval_shots_add(struct eval_shots *shots, enum shot_kind kind, int first, int last);

struct eval_found {
    int found, missed, wrong;
};

// kind: of the labels; a label is found where any shot begins within it (2 pictures later at most
// where it is gradual; exactly there where it is a cut). What was found and belongs to no label is
// wrong for its own kind. The film's first picture does not count.
struct eval_found eval_shots_judge(const struct eval_shots *found, const struct eval_shots *labels,
                                   enum shot_kind kind);
// Precision and recall of each kind, and the places, into json.
void eval_shots_report(const struct eval_shots *found, const struct eval_shots *labels,
                       struct cJSON *json);
