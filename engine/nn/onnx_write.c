#include "engine/nn/onnx_write.h"

#include <string.h>

#include "base/mem.h"
#include "onnx.pb-c.h"

#define IR_VERSION 7
#define OPSET 13
// Values of TensorProto.DataType and AttributeProto.AttributeType.
enum { DATA_FLOAT = 1, DATA_INT64 = 7 };
enum { KIND_INT = 2, KIND_INTS = 7 };

// Every message, list and text is a block of its own, so that protobuf-c can free them all.
struct onnx_writer {
    Onnx__ModelProto *model;
    int metadata_room, opset_room, node_room, tensor_room, input_room, output_room;
};

// A new message at the end of a list of pointers to messages.
#define ADD(list, count, room, type, init)                                                         \
    ((list) = mem_grow((list), (int)(count), (room), sizeof(*(list))),                             \
     (list)[(count)] = mem_new(1, sizeof(type)), init((list)[(count)]), (list)[(count)++])

struct onnx_writer *onnx_writer_create(const char *graph_name)
{
    struct onnx_writer *w = mem_new(1, sizeof(*w));
    Onnx__ModelProto *m = w->model = mem_new(1, sizeof(*m));
    Onnx__OperatorSetIdProto *opset;

    onnx__model_proto__init(m);
    m->has_ir_version = 1;
    m->ir_version = IR_VERSION;
    m->graph = mem_new(1, sizeof(*m->graph));
    onnx__graph_proto__init(m->graph);
    m->graph->name = mem_strdup(graph_name);
    opset = ADD(m->opset_import, m->n_opset_import, &w->opset_room, Onnx__OperatorSetIdProto,
                onnx__operator_set_id_proto__init);
    opset->domain = mem_strdup("");
    opset->has_version = 1;
    opset->version = OPSET;
    return w;
}

void onnx_writer_destroy(struct onnx_writer **writer)
{
    if (!*writer)
        return;
    onnx__model_proto__free_unpacked((*writer)->model, NULL);
    mem_free(*writer);
    *writer = NULL;
}

void onnx_writer_metadata(struct onnx_writer *w, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *entry =
        ADD(w->model->metadata_props, w->model->n_metadata_props, &w->metadata_room,
            Onnx__StringStringEntryProto, onnx__string_string_entry_proto__init);

    entry->key = mem_strdup(key);
    entry->value = mem_strdup(value);
}

static void describe(Onnx__ValueInfoProto *value, const char *name, int rank, const int64_t *dims)
{
    Onnx__TensorShapeProto *shape = mem_new(1, sizeof(*shape));

    value->name = mem_strdup(name);
    value->type = mem_new(1, sizeof(*value->type));
    onnx__type_proto__init(value->type);
    value->type->tensor_type = mem_new(1, sizeof(*value->type->tensor_type));
    onnx__type_proto__tensor__init(value->type->tensor_type);
    value->type->tensor_type->has_elem_type = 1;
    value->type->tensor_type->elem_type = DATA_FLOAT;
    value->type->tensor_type->shape = shape;
    onnx__tensor_shape_proto__init(shape);
    shape->dim = mem_new((size_t)rank, sizeof(*shape->dim));
    for (shape->n_dim = 0; shape->n_dim < (size_t)rank; shape->n_dim++) {
        Onnx__TensorShapeProto__Dimension *dim = mem_new(1, sizeof(*dim));

        onnx__tensor_shape_proto__dimension__init(dim);
        dim->has_dim_value = 1;
        dim->dim_value = dims[shape->n_dim];
        shape->dim[shape->n_dim] = dim;
    }
}

void onnx_writer_input(struct onnx_writer *w, const char *name, int rank, const int64_t *dims)
{
    describe(ADD(w->model->graph->input, w->model->graph->n_input, &w->input_room,
                 Onnx__ValueInfoProto, onnx__value_info_proto__init),
             name, rank, dims);
}

void onnx_writer_output(struct onnx_writer *w, const char *name, int rank, const int64_t *dims)
{
    describe(ADD(w->model->graph->output, w->model->graph->n_output, &w->output_room,
                 Onnx__ValueInfoProto, onnx__value_info_proto__init),
             name, rank, dims);
}

static int64_t *copy_ints(const int64_t *values, int count)
{
    int64_t *copy = mem_new((size_t)count, sizeof(*copy));

    memcpy(copy, values, (size_t)count * sizeof(*copy));
    return copy;
}

static void add_tensor(struct onnx_writer *w, const char *name, int rank, const int64_t *dims,
                       int data_type, void *values, size_t element_bytes)
{
    Onnx__TensorProto *tensor = ADD(w->model->graph->initializer, w->model->graph->n_initializer,
                                    &w->tensor_room, Onnx__TensorProto, onnx__tensor_proto__init);

    tensor->name = mem_strdup(name);
    tensor->n_dims = (size_t)rank;
    tensor->dims = copy_ints(dims, rank);
    tensor->has_data_type = 1;
    tensor->data_type = data_type;
    tensor->has_raw_data = 1;
    tensor->raw_data.len = element_bytes;
    for (int i = 0; i < rank; i++)
        tensor->raw_data.len *= (size_t)dims[i];
    tensor->raw_data.data = values;
}

void onnx_writer_floats(struct onnx_writer *w, const char *name, int rank, const int64_t *dims,
                        float *values)
{
    add_tensor(w, name, rank, dims, DATA_FLOAT, values, sizeof(*values));
}

void onnx_writer_ints(struct onnx_writer *w, const char *name, int count, const int64_t *values)
{
    int64_t dims[] = {count};

    add_tensor(w, name, 1, dims, DATA_INT64, copy_ints(values, count), sizeof(*values));
}

void onnx_writer_node(struct onnx_writer *w, const char *op, const char *const inputs[4],
                      const char *output)
{
    Onnx__NodeProto *node = ADD(w->model->graph->node, w->model->graph->n_node, &w->node_room,
                                Onnx__NodeProto, onnx__node_proto__init);

    node->op_type = mem_strdup(op);
    node->input = mem_new(4, sizeof(*node->input));
    while (node->n_input < 4 && inputs[node->n_input]) {
        node->input[node->n_input] = mem_strdup(inputs[node->n_input]);
        node->n_input++;
    }
    node->output = mem_new(1, sizeof(*node->output));
    node->output[0] = mem_strdup(output);
    node->n_output = 1;
    node->name = mem_strdup(output);
}

static Onnx__AttributeProto *add_attribute(struct onnx_writer *w, const char *name, int kind)
{
    Onnx__NodeProto *node = w->model->graph->node[w->model->graph->n_node - 1];
    int room = (int)node->n_attribute; // grown one by one: nodes have few
    Onnx__AttributeProto *attribute = ADD(node->attribute, node->n_attribute, &room,
                                          Onnx__AttributeProto, onnx__attribute_proto__init);

    attribute->name = mem_strdup(name);
    attribute->has_type = 1;
    attribute->type = kind;
    return attribute;
}

void onnx_writer_attribute_ints(struct onnx_writer *w, const char *name, int count,
                                const int64_t *values)
{
    Onnx__AttributeProto *attribute = add_attribute(w, name, KIND_INTS);

    attribute->n_ints = (size_t)count;
    attribute->ints = copy_ints(values, count);
}

void onnx_writer_attribute_int(struct onnx_writer *w, const char *name, int64_t value)
{
    Onnx__AttributeProto *attribute = add_attribute(w, name, KIND_INT);

    attribute->has_i = 1;
    attribute->i = value;
}

// protobuf-c's way to write without a copy of the whole.
struct stream_buffer {
    ProtobufCBuffer base;
    FILE *stream;
};

static void append(ProtobufCBuffer *buffer, size_t size, const uint8_t *bytes)
{
    (void)!fwrite(bytes, 1, size, ((struct stream_buffer *)(void *)buffer)->stream);
}

void onnx_writer_save(struct onnx_writer *w, FILE *stream)
{
    struct stream_buffer buffer = {{append}, stream};

    onnx__model_proto__pack_to_buffer(w->model, &buffer.base);
}
