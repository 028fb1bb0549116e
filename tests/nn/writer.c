#include "tests/nn/writer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/nn/nn.h"

void writer_finish(struct writer *w)
{
    mem_free(w->bytes);
    *w = (struct writer){0};
}

void writer_raw(struct writer *w, const void *bytes, size_t size)
{
    if (w->size + size > w->room) {
        uint8_t *more;

        w->room = (w->size + size) * 2;
        more = mem_new(w->room, 1);
        if (w->size)
            memcpy(more, w->bytes, w->size);
        mem_free(w->bytes);
        w->bytes = more;
    }
    if (size)
        memcpy(w->bytes + w->size, bytes, size);
    w->size += size;
}

static void varint(struct writer *w, uint64_t v)
{
    do {
        uint8_t byte = (uint8_t)((v & 127) | (v > 127 ? 128 : 0));

        writer_raw(w, &byte, 1);
        v >>= 7;
    } while (v);
}

void writer_int(struct writer *w, int field, int64_t value)
{
    varint(w, (uint64_t)field << 3);
    varint(w, (uint64_t)value);
}

void writer_block(struct writer *w, int field, const void *bytes, size_t size)
{
    varint(w, (uint64_t)field << 3 | 2);
    varint(w, size);
    writer_raw(w, bytes, size);
}

void writer_text(struct writer *w, int field, const char *text)
{
    writer_block(w, field, text, strlen(text));
}

void writer_message(struct writer *w, int field, struct writer *inner)
{
    writer_block(w, field, inner->bytes, inner->size);
    writer_finish(inner);
}

// Field 11 of a graph: an input; 12: an output.
static void value(struct writer *graph, int field, const char *name, int64_t type,
                  const int64_t *dims)
{
    struct writer info = {0}, type_proto = {0}, tensor = {0}, shape = {0}, dim = {0};

    for (; *dims; dims++) {
        if (*dims > 0 || *dims < -1)
            writer_int(&dim, 1, *dims);
        else
            writer_text(&dim, 2, "n");
        writer_message(&shape, 1, &dim);
    }
    writer_int(&tensor, 1, type);
    writer_message(&tensor, 2, &shape);
    writer_message(&type_proto, 1, &tensor);
    writer_text(&info, 1, name);
    writer_message(&info, 2, &type_proto);
    writer_message(graph, field, &info);
}

void writer_input(struct writer *graph, const char *name, int64_t type, const int64_t *dims)
{
    value(graph, 11, name, type, dims);
}

void writer_shaped_output(struct writer *graph, const char *name, int64_t type, const int64_t *dims)
{
    value(graph, 12, name, type, dims);
}

void writer_output(struct writer *graph, const char *name)
{
    struct writer info = {0};

    writer_text(&info, 1, name);
    writer_message(graph, 12, &info);
}

static void names(struct writer *w, int field, const char *list)
{
    while (*list) {
        size_t length = strcspn(list, ",");

        writer_block(w, field, list, length);
        list += length + (list[length] == ',');
    }
}

void writer_node(struct writer *graph, const char *op, const char *in, const char *out,
                 struct writer *attributes)
{
    struct writer node = {0};

    names(&node, 1, in);
    names(&node, 2, out);
    writer_text(&node, 3, "the node");
    writer_text(&node, 4, op);
    if (attributes) {
        writer_raw(&node, attributes->bytes, attributes->size);
        writer_finish(attributes);
    }
    writer_message(graph, 1, &node);
}

void writer_attribute_int(struct writer *attributes, const char *name, int64_t value)
{
    struct writer a = {0};

    writer_text(&a, 1, name);
    writer_int(&a, 3, value);
    writer_int(&a, 20, 2);
    writer_message(attributes, 5, &a);
}

void writer_attribute_float(struct writer *attributes, const char *name, float value)
{
    static const uint8_t tag = 2 << 3 | 5; // field 2, of four bytes
    struct writer a = {0};

    writer_text(&a, 1, name);
    writer_raw(&a, &tag, 1);
    writer_raw(&a, &value, sizeof(value));
    writer_int(&a, 20, 1);
    writer_message(attributes, 5, &a);
}

void writer_attribute_text(struct writer *attributes, const char *name, const char *value)
{
    struct writer a = {0};

    writer_text(&a, 1, name);
    writer_text(&a, 4, value);
    writer_int(&a, 20, 3);
    writer_message(attributes, 5, &a);
}

void writer_attribute_ints(struct writer *attributes, const char *name, const int64_t *values,
                           int count)
{
    struct writer a = {0};

    writer_text(&a, 1, name);
    for (int i = 0; i < count; i++)
        writer_int(&a, 8, values[i]);
    writer_int(&a, 20, 7);
    writer_message(attributes, 5, &a);
}

void writer_floats(struct writer *graph, const char *name, const int64_t *dims, const float *values)
{
    struct writer t = {0};
    size_t count = 1;

    for (; *dims; dims++) {
        writer_int(&t, 1, *dims);
        count *= (size_t)*dims;
    }
    writer_int(&t, 2, 1);
    writer_text(&t, 8, name);
    writer_block(&t, 9, values, count * sizeof(float));
    writer_message(graph, 5, &t);
}

void writer_ints(struct writer *graph, const char *name, const int64_t *values, int count)
{
    struct writer t = {0};

    writer_int(&t, 1, count);
    writer_int(&t, 2, 7);
    for (int i = 0; i < count; i++)
        writer_int(&t, 7, values[i]);
    writer_text(&t, 8, name);
    writer_message(graph, 5, &t);
}

void writer_model(struct writer *w, int64_t opset, struct writer *graph)
{
    struct writer import = {0};

    writer_int(w, 1, 8);
    writer_int(&import, 2, opset);
    writer_message(w, 8, &import);
    writer_message(w, 7, graph);
}

struct nn_model *writer_load(struct writer *graph, int64_t opset)
{
    char file[] = "/tmp/nn_writer_XXXXXX";
    int fd = mkstemp(file);
    struct writer w = {0};
    struct nn_model *model = NULL;

    writer_model(&w, opset, graph);
    if (fd >= 0) {
        if (write(fd, w.bytes, w.size) == (ssize_t)w.size)
            model = nn_model_load(file);
        close(fd);
        unlink(file);
    }
    writer_finish(&w);
    return model;
}
