// Shapes, element types and tensors: dense host memory, row major.
//
// Thread-safety: no state.
#pragma once
#include "engine/nn/nn.h"

struct tensor {
    enum nn_type type;
    struct nn_shape shape;
    void *data; // NULL: an input that was left out
};

// No tensor has more elements: offsets stay far from overflow.
#define TENSOR_MAX_ELEMENTS (INT64_C(1) << 40)

// Elements. -1 where a dimension is negative or the product passes TENSOR_MAX_ELEMENTS.
int64_t shape_count(const struct nn_shape *shape);
// Product of dims first..end-1, of a shape that shape_count() accepted.
int64_t shape_span(const struct nn_shape *shape, int first, int end);
bool shape_equal(const struct nn_shape *a, const struct nn_shape *b);
// Numpy's rule, ONNX docs/Broadcasting.md. False: they do not fit.
bool shape_broadcast(const struct nn_shape *a, const struct nn_shape *b, struct nn_shape *out);
// Steps in elements through a tensor of shape `from` while walking over shape `over`; 0 where it is
// repeated. from must broadcast to over.
void shape_steps(const struct nn_shape *from, const struct nn_shape *over, int64_t *out_steps);
// "[1,3,224,384]", for messages; `text` is the caller's.
#define SHAPE_TEXT 192
const char *shape_text(const struct nn_shape *shape, char text[SHAPE_TEXT]);

// Undefined contents; NULL where the shape is no shape or there is no memory. Free with
// tensor_destroy().
struct tensor *tensor_create(enum nn_type type, const struct nn_shape *shape);
void tensor_destroy(struct tensor **tensor);
size_t tensor_bytes(const struct tensor *tensor);
int64_t tensor_count(const struct tensor *tensor);
// Element i of an INT32, INT64, BOOL, UINT8 or INT8 tensor.
int64_t tensor_int(const struct tensor *tensor, int64_t i);
// Element i of any type.
double tensor_number(const struct tensor *tensor, int64_t i);

const char *type_name(enum nn_type type);

// IEEE 754 binary16, rounding to nearest even.
float half_to_float(uint16_t half);
uint16_t half_from_float(float value);
