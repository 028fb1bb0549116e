// Writes ONNX models: nodes, weights and metadata, opset 13, float32.
//
// Names and sizes are the caller's business: nothing is checked here; nn_model_load() says what is
// wrong. All text is copied; weights are taken over.
//
// Thread-safety: belongs to one thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct onnx_writer;

// Never returns NULL.
struct onnx_writer *onnx_writer_create(const char *graph_name);
// Accepts a pointer to NULL; sets it to NULL.
void onnx_writer_destroy(struct onnx_writer **writer);

void onnx_writer_metadata(struct onnx_writer *writer, const char *key, const char *value);
void onnx_writer_input(struct onnx_writer *writer, const char *name, int rank, const int64_t *dims);
void onnx_writer_output(struct onnx_writer *writer, const char *name, int rank,
                        const int64_t *dims);
// values: dense, from mem_try_block() or mem_new(); freed with the writer.
void onnx_writer_floats(struct onnx_writer *writer, const char *name, int rank, const int64_t *dims,
                        float *values);
// One dimension.
void onnx_writer_ints(struct onnx_writer *writer, const char *name, int count,
                      const int64_t *values);
// Up to four names of inputs, NULL past the last. The node is named as its output.
void onnx_writer_node(struct onnx_writer *writer, const char *op, const char *const inputs[4],
                      const char *output);
// Attributes of the node that was written last.
void onnx_writer_attribute_ints(struct onnx_writer *writer, const char *name, int count,
                                const int64_t *values);
void onnx_writer_attribute_int(struct onnx_writer *writer, const char *name, int64_t value);

// Writes the file as far as it can be written: the stream's ferror() tells.
void onnx_writer_save(struct onnx_writer *writer, FILE *stream);
