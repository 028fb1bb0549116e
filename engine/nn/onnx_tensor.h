// ONNX tensors, types and attributes to ours, each number checked. Used by onnx.c alone.
//
// Thread-safety: independent calls.
#pragma once
#include <stdbool.h>

#include "engine/nn/graph.h"
#include "onnx.pb-c.h"

// False: a type that we have not; nothing is logged.
bool onnx_type(int data_type, enum nn_type *out);
// Free dimensions become -1. False: absent, or more dimensions than NN_MAX_RANK, or a negative one;
// nothing is logged.
bool onnx_shape(const Onnx__TensorShapeProto *from, struct nn_shape *out);
// path: the model's; external data is looked for in its folder and nowhere else. NULL, logged.
struct tensor *onnx_tensor_read(const Onnx__TensorProto *from, const char *path);
// The value of a Constant node. NULL: this attribute holds none that we can read.
struct tensor *onnx_constant_read(const Onnx__AttributeProto *from, const char *path);
// On failure (logged) out may be half filled: attribute_finish() takes it.
bool onnx_attribute_read(const Onnx__AttributeProto *from, const char *path, struct attribute *out);
