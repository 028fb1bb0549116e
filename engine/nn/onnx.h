// ONNX bytes to a checked graph: names resolved, constants read, operators known, no cycles. Shapes
// are not looked at.
//
// The file is hostile until it has passed here. Format: github.com/onnx/onnx/blob/main/docs/IR.md
// and docs/ExternalData.md.
//
// Thread-safety: independent calls.
#pragma once
#include <stddef.h>

#include "engine/nn/graph.h"

struct onnx_metadata {
    char *key, *value;
};

struct onnx_file {
    struct graph *graph;
    int metadata_count;
    struct onnx_metadata *metadata;
};

// path: for messages, and its folder holds external data. False, logged: out is then empty.
bool onnx_parse(const void *bytes, size_t size, const char *path, struct onnx_file *out);
void onnx_finish(struct onnx_file *file);

// A serialised TensorProto, as in test data sets. NULL, logged.
struct tensor *onnx_parse_tensor(const void *bytes, size_t size, const char *path);

// A whole file of at most 2 GiB - 1 (protobuf's limit); mem_free() it. NULL, logged.
void *onnx_read_file(const char *path, size_t *out_size);
