#include "engine/nn/cuda_form.h"

#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/cuda_draft.h"
#include "engine/nn/cuda_walk.h"

enum nn_type cuda_type(const struct cuda *c, int value)
{
    enum nn_type type = c->graph->values[value].type;

    return type == NN_FLOAT32 && !c->wide[value] ? c->type : type;
}

enum nn_type cuda_matrix_type(const struct cuda *c, int value)
{
    enum nn_type type = c->graph->values[value].type;

    return type == NN_FLOAT32 ? c->type : type;
}

// Device memory that lives as long as the backend. NULL: logged.
static void *take(struct cuda *c, size_t bytes)
{
    void *block = c->api->take(bytes);

    if (!block) {
        log_error("%s: no GPU memory for %zu bytes of weights: %s", c->graph->path, bytes,
                  c->api->error());
        return NULL;
    }
    c->constants = mem_grow(c->constants, c->constant_count, &c->constant_room, sizeof(void *));
    c->constants[c->constant_count++] = block;
    return block;
}

int cuda_buffer(struct cuda *c, size_t bytes, bool now)
{
    void *block;

    if (!now)
        return program_add_buffer(c->program, bytes);
    block = take(c, bytes);
    return block ? program_add_fixed(c->program, block, bytes) : GRAPH_NONE;
}

int cuda_upload(struct cuda *c, const void *data, size_t bytes)
{
    int buffer = cuda_buffer(c, bytes, true);

    if (buffer == GRAPH_NONE)
        return GRAPH_NONE;
    if (!c->api->upload(c->device, c->program->buffers[buffer].data, data, bytes) ||
        !c->api->wait(c->device)) {
        cuda_fail(c, "upload of weights");
        return GRAPH_NONE;
    }
    return buffer;
}

void cuda_put(struct cuda *c, int value, int buffer, enum nn_type type, bool last)
{
    struct cuda_form *f = mem_new(1, sizeof(*f)), **at = &c->forms[value];

    *f = (struct cuda_form){buffer, type, last, NULL};
    while (*at)
        at = &(*at)->next;
    *at = f;
}

int cuda_make(struct cuda *c, int value, enum nn_type type, bool last)
{
    size_t count = (size_t)shape_count(&c->graph->values[value].shape);
    int buffer = cuda_buffer(c, count * nn_type_size(type), c->graph->values[value].constant);

    if (buffer != GRAPH_NONE)
        cuda_put(c, value, buffer, type, last);
    return buffer;
}

const struct cuda_form *cuda_form(struct cuda *c, int value)
{
    const struct tensor *t = c->graph->values[value].constant;

    if (!c->forms[value] && t) {
        int buffer = cuda_upload(c, t->data, tensor_bytes(t));

        if (buffer == GRAPH_NONE)
            return NULL;
        cuda_put(c, value, buffer, t->type, false);
    }
    return c->forms[value];
}

int cuda_want(struct cuda *c, int value, enum nn_type type, bool last)
{
    const struct nn_shape *shape = &c->graph->values[value].shape;
    const struct cuda_form *first = cuda_form(c, value);
    struct cuda_draft d = cuda_draft(NULL, JOB_MAP);
    struct cuda_form made = {.type = type, .last = last && shape->rank >= 3};

    for (const struct cuda_form *f = first; f; f = f->next)
        if (f->type == type && f->last == made.last)
            return f->buffer;
    if (!first)
        return GRAPH_NONE;
    made.buffer = cuda_make(c, value, type, made.last);
    d.kind = "reorder";
    d.job.u.map.integers = !cuda_is_float(type);
    cuda_bind_form(c, &d, 0, value, &made, shape);
    cuda_bind_form(c, &d, 1, value, first, shape);
    cuda_tidy(&d.job, 0, d.job.rank, 0);
    cuda_count(&d.job, d.job.rank);
    if (made.buffer == GRAPH_NONE || !cuda_add(c, NULL, &d, c->graph->values[value].constant))
        return GRAPH_NONE;
    return made.buffer;
}

int cuda_want_rows(struct cuda *c, int value)
{
    return cuda_want(c, value, cuda_type(c, value), false);
}

int cuda_want_matrix(struct cuda *c, int value)
{
    return cuda_want(c, value, cuda_matrix_type(c, value), false);
}
