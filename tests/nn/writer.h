// Writes ONNX models by hand, right or wrong ones: protobuf's wire format and nothing else.
//
// Thread-safety: a writer belongs to one thread.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct nn_model;

// Appended bytes; all-zero is empty. Finish with writer_finish().
struct writer {
    uint8_t *bytes;
    size_t size, room;
};

void writer_finish(struct writer *w);
void writer_raw(struct writer *w, const void *bytes, size_t size);
void writer_int(struct writer *w, int field, int64_t value);
void writer_block(struct writer *w, int field, const void *bytes, size_t size);
void writer_text(struct writer *w, int field, const char *text);
// Appends `inner` as a field, and empties inner.
void writer_message(struct writer *w, int field, struct writer *inner);

// Parts of a graph. dims end with the first 0; a dimension -1 is free.
void writer_input(struct writer *graph, const char *name, int64_t type, const int64_t *dims);
void writer_output(struct writer *graph, const char *name);
void writer_shaped_output(struct writer *graph, const char *name, int64_t type,
                          const int64_t *dims);
// in and out: comma-separated names. attributes: as writer_attribute_* wrote them, or NULL;
// emptied.
void writer_node(struct writer *graph, const char *op, const char *in, const char *out,
                 struct writer *attributes);
void writer_attribute_int(struct writer *attributes, const char *name, int64_t value);
void writer_attribute_float(struct writer *attributes, const char *name, float value);
void writer_attribute_text(struct writer *attributes, const char *name, const char *value);
void writer_attribute_ints(struct writer *attributes, const char *name, const int64_t *values,
                           int count);
// An int64 tensor of one dimension.
void writer_ints(struct writer *graph, const char *name, const int64_t *values, int count);
// A float32 tensor; dims end with the first 0: {0} is one number.
void writer_floats(struct writer *graph, const char *name, const int64_t *dims,
                   const float *values);
// A file of one graph; empties graph.
void writer_model(struct writer *w, int64_t opset, struct writer *graph);
// The same, as the engine loads it; empties graph. NULL: it was refused, logged, or not written.
struct nn_model *writer_load(struct writer *graph, int64_t opset);
