#include "engine/nn/onnx.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/onnx_tensor.h"
#include "engine/nn/op.h"
#include "onnx.pb-c.h"

#define OPSET_TESTED 20

// Memory that the protobuf reader may use. A few bytes of file can become a message of a hundred,
// so a small hostile file could ask for very much.
struct budget {
    size_t left;
};

static void *budget_alloc(void *user, size_t size)
{
    struct budget *b = user;
    size_t cost = size + 32;

    if (cost < size || cost > b->left)
        return NULL;
    b->left -= cost;
    return malloc(size ? size : 1);
}

static void budget_free(void *user, void *pointer)
{
    free(pointer);
}

void *onnx_read_file(const char *path, size_t *out_size)
{
    FILE *f = fopen(path, "rb");
    struct stat info;
    void *bytes = NULL;

    if (!f) {
        log_error("%s: cannot be opened: %s", path, strerror(errno));
        return NULL;
    }
    if (fstat(fileno(f), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > INT32_MAX) {
        log_error("%s: not a file of at most 2 GiB", path);
        goto fail;
    }
    *out_size = (size_t)info.st_size;
    bytes = mem_try_block(*out_size);
    if (!bytes) {
        log_error("%s: no memory for its %zu bytes", path, *out_size);
        goto fail;
    }
    if (fread(bytes, 1, *out_size, f) != *out_size) {
        log_error("%s: cannot be read to its end", path);
        goto fail;
    }
    fclose(f);
    return bytes;
fail:
    mem_free(bytes);
    fclose(f);
    return NULL;
}

// Names to values: open addressing, power of two, at most half full.
struct names {
    int *slots; // value index + 1; 0: free
    size_t mask;
};

static size_t hash(const char *text)
{
    size_t h = 1469598103934665603u; // FNV-1a

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h ^ h >> 29;
}

static void names_init(struct names *n, size_t count)
{
    size_t room = 16;

    while (room < count * 2 + 2)
        room *= 2;
    n->slots = mem_new(room, sizeof(*n->slots));
    n->mask = room - 1;
}

static int *names_slot(const struct names *n, const struct graph *g, const char *name)
{
    size_t i = hash(name) & n->mask;

    while (n->slots[i] && strcmp(g->values[n->slots[i] - 1].name, name) != 0)
        i = (i + 1) & n->mask;
    return &n->slots[i];
}

static int names_find(const struct names *n, const struct graph *g, const char *name)
{
    return *names_slot(n, g, name) - 1; // GRAPH_NONE is -1
}

// A new value. GRAPH_NONE, logged: the name is taken.
static int define(struct names *n, struct graph *g, const char *name, const char *what)
{
    int *slot = names_slot(n, g, name);

    if (*slot) {
        log_error("%s: two things are called '%.100s' (the second: %s); the file is damaged",
                  g->path, name, what);
        return GRAPH_NONE;
    }
    *slot = graph_add_value(g, name) + 1;
    return *slot - 1;
}

static const char *text(const char *s)
{
    return s ? s : "";
}

static bool read_input(struct graph *g, struct names *names, const Onnx__ValueInfoProto *info)
{
    const Onnx__TypeProto__Tensor *t = info->type ? info->type->tensor_type : NULL;
    const char *name = text(info->name);
    int index = names_find(names, g, name);
    struct value *v;

    if (index != GRAPH_NONE && g->values[index].constant)
        return true; // an initializer listed among the inputs: its default, which stays
    index = define(names, g, name, "an input");
    if (index == GRAPH_NONE)
        return false;
    v = &g->values[index];
    if (!t || !onnx_type(t->elem_type, &v->type)) {
        log_error("%s: input '%.100s' is not a tensor of a supported type (type %d)", g->path, name,
                  t ? t->elem_type : 0);
        return false;
    }
    v->typed = true;
    if (!onnx_shape(t->shape, &v->shape)) {
        log_error(
            "%s: input '%.100s' has no usable shape; export it with a fixed rank of at most %d",
            g->path, name, NN_MAX_RANK);
        return false;
    }
    g->inputs[g->input_count++] = index;
    return true;
}

static bool read_output(struct graph *g, struct names *names, const Onnx__ValueInfoProto *info)
{
    const Onnx__TypeProto__Tensor *t = info->type ? info->type->tensor_type : NULL;
    const char *name = text(info->name);
    int index = names_find(names, g, name);
    struct value *v;

    if (index == GRAPH_NONE) {
        log_error("%s: nothing makes the output '%.100s'; the file is damaged", g->path, name);
        return false;
    }
    v = &g->values[index];
    if (!v->typed && t && onnx_type(t->elem_type, &v->type))
        v->typed = true;
    if (!v->constant && v->shape.rank == 0 && t)
        onnx_shape(t->shape, &v->shape);
    g->outputs[g->output_count++] = index;
    return true;
}

static bool read_initializers(struct graph *g, struct names *names, const Onnx__GraphProto *from)
{
    for (size_t i = 0; i < from->n_initializer; i++) {
        const Onnx__TensorProto *proto = from->initializer[i];
        struct tensor *t = onnx_tensor_read(proto, g->path);
        int index = t ? define(names, g, text(proto->name), "a weight") : GRAPH_NONE;

        if (index == GRAPH_NONE) {
            tensor_destroy(&t);
            return false;
        }
        graph_set_constant(g, index, t);
    }
    return true;
}

// Results first, so that nodes may stand in any order.
static bool define_outputs(struct graph *g, struct names *names, const Onnx__NodeProto *from)
{
    for (size_t k = 0; k < from->n_output; k++)
        if (*text(from->output[k]) &&
            define(names, g, from->output[k], text(from->op_type)) == GRAPH_NONE)
            return false;
    return true;
}

static bool check_domain(const struct graph *g, const Onnx__NodeProto *from)
{
    const char *domain = text(from->domain);

    if (!*domain || !strcmp(domain, "ai.onnx"))
        return true;
    log_error(
        "%s: node '%.100s' uses operator %.100s of '%.100s', which this program does not have",
        g->path, text(from->name), text(from->op_type), domain);
    return false;
}

static bool resolve(struct graph *g, const struct names *names, const Onnx__NodeProto *from,
                    int *in, int *out)
{
    for (size_t k = 0; k < from->n_input; k++) {
        in[k] = *text(from->input[k]) ? names_find(names, g, from->input[k]) : GRAPH_NONE;
        if (in[k] == GRAPH_NONE && *text(from->input[k])) {
            log_error(
                "%s: %.100s '%.100s' reads '%.100s', which nothing makes; the file is damaged",
                g->path, text(from->op_type), text(from->name), from->input[k]);
            return false;
        }
    }
    for (size_t k = 0; k < from->n_output; k++)
        out[k] = *text(from->output[k]) ? names_find(names, g, from->output[k]) : GRAPH_NONE;
    return true;
}

// A Constant node is no node: its value becomes a constant.
static bool read_constant(struct graph *g, const Onnx__NodeProto *from, const int *out)
{
    bool one = from->n_output == 1 && out[0] != GRAPH_NONE;

    for (size_t i = 0; i < from->n_attribute && one; i++) {
        struct tensor *t = onnx_constant_read(from->attribute[i], g->path);

        if (t) {
            graph_set_constant(g, out[0], t);
            return true;
        }
        tensor_destroy(&t);
    }
    log_error("%s: Constant '%.100s' has %s", g->path, text(from->name),
              one ? "no value of a supported kind" : "more than one output, or none");
    return false;
}

static bool check_arity(const struct graph *g, const struct node *n)
{
    if (n->in_count > n->op->in_max || n->out_count > n->op->out_max || n->out_count < 1)
        return node_fail(g, n, "it has %d inputs and %d outputs, which ONNX does not allow",
                         n->in_count, n->out_count);
    for (int i = 0; i < n->op->in_min; i++)
        if (i >= n->in_count || n->in[i] == GRAPH_NONE)
            return node_fail(g, n, "input %d is missing", i);
    for (int i = 0; i < (node_is(n, "Split") ? n->out_count : 1); i++)
        if (n->out[i] == GRAPH_NONE)
            return node_fail(g, n, "output %d is left out, which is not supported", i);
    return true;
}

static bool add_node(struct graph *g, const Onnx__NodeProto *from, const int *in, const int *out)
{
    const struct op *op = op_find(text(from->op_type));
    struct node *n;

    if (!op) {
        log_error("%s: node '%.100s' uses operator %.100s, which this program does not have",
                  g->path, text(from->name), text(from->op_type));
        return false;
    }
    if (g->opset < op->since) {
        log_error(
            "%s: node '%.100s' uses %s as opset %d had it, which is not supported; export with "
            "opset 11 to 20",
            g->path, text(from->name), op->name, g->opset);
        return false;
    }
    n = graph_add_node(g, op, from->name, in, (int)from->n_input, out, (int)from->n_output);
    n->attributes = mem_new(from->n_attribute, sizeof(*n->attributes));
    for (size_t i = 0; i < from->n_attribute; i++) {
        n->attribute_count++; // also the half-read one is freed with the node
        if (!onnx_attribute_read(from->attribute[i], g->path, &n->attributes[i]))
            return false;
    }
    return check_arity(g, n);
}

static bool read_node(struct graph *g, const struct names *names, const Onnx__NodeProto *from)
{
    int *in = mem_new(from->n_input, sizeof(*in)), *out = mem_new(from->n_output, sizeof(*out));
    bool ok = false;

    if (from->n_input > OP_ANY || from->n_output > OP_ANY || from->n_attribute > OP_ANY)
        log_error("%s: node '%.100s' has more than %d connections", g->path, text(from->name),
                  OP_ANY);
    else if (check_domain(g, from) && resolve(g, names, from, in, out))
        ok = !strcmp(text(from->op_type), "Constant")
                 ? read_constant(g, from, out)
                 : add_node(g, from, in, out);
    mem_free(in);
    mem_free(out);
    return ok;
}

static bool read_graph(struct graph *g, struct names *names, const Onnx__GraphProto *from)
{
    g->inputs = mem_new(from->n_input, sizeof(int));
    g->outputs = mem_new(from->n_output, sizeof(int));
    if (!from->n_output) {
        log_error("%s: the network has no output", g->path);
        return false;
    }
    if (!read_initializers(g, names, from))
        return false;
    for (size_t i = 0; i < from->n_input; i++)
        if (!read_input(g, names, from->input[i]))
            return false;
    for (size_t i = 0; i < from->n_node; i++)
        if (!define_outputs(g, names, from->node[i]))
            return false;
    for (size_t i = 0; i < from->n_node; i++)
        if (!read_node(g, names, from->node[i]))
            return false;
    for (size_t i = 0; i < from->n_output; i++)
        if (!read_output(g, names, from->output[i]))
            return false;
    return graph_sort(g);
}

static int64_t find_opset(const Onnx__ModelProto *model)
{
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const char *domain = text(model->opset_import[i]->domain);

        if (!*domain || !strcmp(domain, "ai.onnx"))
            return model->opset_import[i]->version;
    }
    return 0;
}

static bool check_opset(const char *path, int64_t opset)
{
    if (opset < 1 || opset > 1000) {
        log_error("%s: ONNX opset %" PRId64 " is not supported; export with opset 11 to 20", path,
                  opset);
        return false;
    }
    if (opset > OPSET_TESTED)
        log_debug("%s: ONNX opset %" PRId64 " is newer than 20, which was tested", path, opset);
    return true;
}

static size_t count_names(const Onnx__GraphProto *graph)
{
    size_t count = graph->n_input + graph->n_initializer;

    for (size_t i = 0; i < graph->n_node; i++)
        count += graph->node[i]->n_output;
    return count;
}

static void read_metadata(const Onnx__ModelProto *model, struct onnx_file *out)
{
    out->metadata = mem_new(model->n_metadata_props, sizeof(*out->metadata));
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *entry = model->metadata_props[i];

        out->metadata[out->metadata_count].key = mem_strdup(text(entry->key));
        out->metadata[out->metadata_count++].value = mem_strdup(text(entry->value));
    }
}

bool onnx_parse(const void *bytes, size_t size, const char *path, struct onnx_file *out)
{
    struct budget budget = {((size_t)64 << 20) + 4 * size};
    ProtobufCAllocator allocator = {budget_alloc, budget_free, &budget};
    Onnx__ModelProto *model = onnx__model_proto__unpack(&allocator, size, bytes);
    struct names names = {0};
    int64_t opset;

    *out = (struct onnx_file){0};
    if (!model || !model->graph) {
        log_error("%s: not an ONNX model, or damaged", path);
        goto fail;
    }
    opset = find_opset(model);
    if (!check_opset(path, opset))
        goto fail;
    out->graph = graph_create(path, (int)opset);
    names_init(&names, count_names(model->graph));
    if (!read_graph(out->graph, &names, model->graph))
        goto fail;
    read_metadata(model, out);
    onnx__model_proto__free_unpacked(model, &allocator);
    mem_free(names.slots);
    return true;
fail:
    if (model)
        onnx__model_proto__free_unpacked(model, &allocator);
    mem_free(names.slots);
    onnx_finish(out);
    return false;
}

void onnx_finish(struct onnx_file *file)
{
    for (int i = 0; i < file->metadata_count; i++) {
        mem_free(file->metadata[i].key);
        mem_free(file->metadata[i].value);
    }
    mem_free(file->metadata);
    graph_destroy(&file->graph);
    *file = (struct onnx_file){0};
}
