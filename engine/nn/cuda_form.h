// Values as they lie in device memory.
//
// A value has one or more forms: in rows or with channels last, in the plan's precision or in its
// own type. Whoever reads a value says which form it wants; a form that is missing is made by a
// copy, of constants at once. Values of floats are kept in half precision where the plan computes
// so and it holds them (cuda_range.h).
//
// Thread-safety: belongs to one plan.
#pragma once
#include "engine/nn/cuda_state.h"

struct cuda_form {
    int buffer;
    enum nn_type type;
    bool last; // channels last: [N][spatial...][C]; else rows
    struct cuda_form *next;
};

// The type in which the value is kept between jobs.
enum nn_type cuda_type(const struct cuda *c, int value);
// The type in which products read and write it: the plan's, of floats.
enum nn_type cuda_matrix_type(const struct cuda *c, int value);
// The first form of a value; of constants the one that is uploaded. NULL: logged.
const struct cuda_form *cuda_form(struct cuda *c, int value);
// The form in that type and order, made where it is missing. GRAPH_NONE: logged.
int cuda_want(struct cuda *c, int value, enum nn_type type, bool last);
// cuda_want() in rows, in cuda_type().
int cuda_want_rows(struct cuda *c, int value);
// The same in cuda_matrix_type().
int cuda_want_matrix(struct cuda *c, int value);
// A new form of the value, to be written. GRAPH_NONE: logged.
int cuda_make(struct cuda *c, int value, enum nn_type type, bool last);
// The value lies in that buffer as well.
void cuda_put(struct cuda *c, int value, int buffer, enum nn_type type, bool last);
// Memory for results of jobs: of the slab, or for `now` a constant. GRAPH_NONE: logged.
int cuda_buffer(struct cuda *c, size_t bytes, bool now);
// A constant's elements on the device. GRAPH_NONE: logged.
int cuda_upload(struct cuda *c, const void *data, size_t bytes);

static inline bool cuda_is_float(enum nn_type type)
{
    return type == NN_FLOAT32 || type == NN_FLOAT16;
}
