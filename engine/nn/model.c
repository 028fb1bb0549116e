#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/nn/model.h"
#include "engine/nn/op.h"

struct nn_model *nn_model_load(const char *path)
{
    struct nn_model *model = NULL;
    size_t size;
    void *bytes = onnx_read_file(path, &size);

    if (!bytes)
        return NULL;
    model = mem_new(1, sizeof(*model));
    if (!onnx_parse(bytes, size, path, &model->file))
        nn_model_destroy(&model);
    mem_free(bytes);
    return model;
}

void nn_model_destroy(struct nn_model **model)
{
    if (*model)
        onnx_finish(&(*model)->file);
    mem_free(*model);
    *model = NULL;
}

int nn_model_input_count(const struct nn_model *model)
{
    return model->file.graph->input_count;
}

int nn_model_output_count(const struct nn_model *model)
{
    return model->file.graph->output_count;
}

static struct nn_value_info info_of(const struct value *v)
{
    return (struct nn_value_info){.name = v->name, .type = v->type, .shape = v->shape};
}

struct nn_value_info nn_model_input(const struct nn_model *model, int index)
{
    const struct graph *g = model->file.graph;

    return info_of(&g->values[g->inputs[index]]);
}

struct nn_value_info nn_model_output(const struct nn_model *model, int index)
{
    const struct graph *g = model->file.graph;

    return info_of(&g->values[g->outputs[index]]);
}

const char *nn_model_metadata(const struct nn_model *model, const char *key)
{
    for (int i = 0; i < model->file.metadata_count; i++)
        if (!strcmp(model->file.metadata[i].key, key))
            return model->file.metadata[i].value;
    return NULL;
}

// Marks what a node reads as deciding shapes; `from` bits of its inputs.
static void mark_inputs(const struct node *n, uint32_t which, char *deciding)
{
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i] != GRAPH_NONE && (i >= 32 ? which == UINT32_MAX : which >> i & 1))
            deciding[n->in[i]] = 1;
}

bool nn_model_input_decides_shapes(const struct nn_model *model, int index)
{
    const struct graph *g = model->file.graph;
    char *deciding = mem_new((size_t)g->value_count, 1);
    bool decides;

    // backwards: what makes a deciding value decides too, but a Shape node reads no element
    for (int i = g->order_count - 1; i >= 0; i--) {
        const struct node *n = &g->nodes[g->order[i]];
        bool any = false;

        for (int k = 0; k < n->out_count; k++)
            any = any || (n->out[k] != GRAPH_NONE && deciding[n->out[k]]);
        if (any && strcmp(n->op->name, "Shape") != 0)
            mark_inputs(n, UINT32_MAX, deciding);
        mark_inputs(n, n->op->shape_inputs, deciding);
    }
    decides = deciding[g->inputs[index]];
    mem_free(deciding);
    return decides;
}

// The node that reads the value's elements first; NULL: none does. Casts and arithmetic with
// constants, as in front of networks that take raw pictures, are passed over.
static const struct node *first_reader(const struct graph *g, int value)
{
    static const char *const passed[] = {"Cast", "Identity", "Add", "Sub", "Mul", "Div"};

    for (int i = 0; i < g->order_count; i++) {
        const struct node *n = &g->nodes[g->order[i]];
        bool pass = false;

        if (n->in_count < 1 || n->in[0] != value || node_is(n, "Shape"))
            continue;
        for (size_t k = 0; k < sizeof(passed) / sizeof(*passed); k++)
            pass = pass || node_is(n, passed[k]);
        if (!pass)
            return n;
        value = n->out[0];
    }
    return NULL;
}

int nn_model_input_patch(const struct nn_model *model, int index)
{
    const struct graph *g = model->file.graph;
    const struct node *n = first_reader(g, g->inputs[index]);
    const struct tensor *weights = n && node_is(n, "Conv") ? in_constant(g, n, 1) : NULL;
    int count;
    const int64_t *strides = n ? node_ints(n, "strides", &count) : NULL;

    if (!weights || weights->shape.rank != 4 || !strides || count != 2 || strides[0] < 1 ||
        strides[0] > 1024)
        return 1;
    for (int i = 0; i < 2; i++)
        if (strides[i] != strides[0] || weights->shape.dims[2 + i] != strides[0])
            return 1;
    return (int)strides[0];
}
