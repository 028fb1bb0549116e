#include "engine/nn/tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

size_t nn_type_size(enum nn_type type)
{
    switch (type) {
    case NN_FLOAT32:
    case NN_INT32:
        return 4;
    case NN_FLOAT16:
        return 2;
    case NN_INT64:
        return 8;
    case NN_BOOL:
    case NN_UINT8:
    case NN_INT8:
        break;
    }
    return 1;
}

const char *type_name(enum nn_type type)
{
    static const char *const names[] = {"float32", "float16", "int32", "int64",
                                        "bool",    "uint8",   "int8"};

    return (unsigned)type < sizeof(names) / sizeof(*names) ? names[type] : "unknown";
}

int64_t shape_count(const struct nn_shape *shape)
{
    int64_t count = 1;
    bool empty = false;

    // an empty tensor's other dimensions are bounded too: they come back as factors of later shapes
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0)
            return -1;
        if (shape->dims[i] == 0)
            empty = true;
        else if (count > TENSOR_MAX_ELEMENTS / shape->dims[i])
            return -1;
        else
            count *= shape->dims[i];
    }
    return empty ? 0 : count;
}

int64_t shape_span(const struct nn_shape *shape, int first, int end)
{
    int64_t count = 1;

    for (int i = first; i < end; i++)
        count *= shape->dims[i];
    return count;
}

bool shape_equal(const struct nn_shape *a, const struct nn_shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return true;
}

bool shape_broadcast(const struct nn_shape *a, const struct nn_shape *b, struct nn_shape *out)
{
    struct nn_shape shape = {.rank = a->rank > b->rank ? a->rank : b->rank};

    for (int i = 0; i < shape.rank; i++) {
        int ia = i - (shape.rank - a->rank), ib = i - (shape.rank - b->rank);
        int64_t da = ia < 0 ? 1 : a->dims[ia], db = ib < 0 ? 1 : b->dims[ib];

        if (da != db && da != 1 && db != 1)
            return false;
        shape.dims[i] = da == 1 ? db : da;
    }
    *out = shape;
    return true;
}

void shape_steps(const struct nn_shape *from, const struct nn_shape *over, int64_t *out_steps)
{
    int64_t step = 1;

    for (int i = over->rank - 1; i >= 0; i--) {
        int f = i - (over->rank - from->rank);
        int64_t dim = f < 0 ? 1 : from->dims[f];

        out_steps[i] = dim == 1 ? 0 : step;
        step *= dim;
    }
}

const char *shape_text(const struct nn_shape *shape, char text[SHAPE_TEXT])
{
    int at = snprintf(text, SHAPE_TEXT, "[");

    for (int i = 0; i < shape->rank; i++)
        at += snprintf(text + at, (size_t)(SHAPE_TEXT - at), i ? ",%" PRId64 : "%" PRId64,
                       shape->dims[i]);
    snprintf(text + at, (size_t)(SHAPE_TEXT - at), "]");
    return text;
}

struct tensor *tensor_create(enum nn_type type, const struct nn_shape *shape)
{
    int64_t count = shape_count(shape);
    struct tensor *t;

    if (count < 0)
        return NULL;
    t = mem_new(1, sizeof(*t));
    t->type = type;
    t->shape = *shape;
    t->data = mem_try_block((size_t)count * nn_type_size(type));
    if (!t->data)
        tensor_destroy(&t);
    return t;
}

void tensor_destroy(struct tensor **tensor)
{
    if (*tensor)
        mem_free((*tensor)->data);
    mem_free(*tensor);
    *tensor = NULL;
}

int64_t tensor_count(const struct tensor *tensor)
{
    return shape_count(&tensor->shape);
}

size_t tensor_bytes(const struct tensor *tensor)
{
    return (size_t)tensor_count(tensor) * nn_type_size(tensor->type);
}

int64_t tensor_int(const struct tensor *tensor, int64_t i)
{
    switch (tensor->type) {
    case NN_INT64:
        return ((const int64_t *)tensor->data)[i];
    case NN_INT32:
        return ((const int32_t *)tensor->data)[i];
    case NN_INT8:
        return ((const int8_t *)tensor->data)[i];
    case NN_BOOL:
    case NN_UINT8:
        return ((const uint8_t *)tensor->data)[i];
    case NN_FLOAT32:
    case NN_FLOAT16:
        break;
    }
    return 0;
}

double tensor_number(const struct tensor *tensor, int64_t i)
{
    if (tensor->type == NN_FLOAT32)
        return ((const float *)tensor->data)[i];
    if (tensor->type == NN_FLOAT16)
        return half_to_float(((const uint16_t *)tensor->data)[i]);
    return (double)tensor_int(tensor, i);
}

float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = (half >> 10) & 31u;
    uint32_t fraction = half & 0x3ffu, bits;
    float value;

    if (exponent == 0) {
        value = (float)fraction * 0x1p-24f; // zero and subnormals
        return sign ? -value : value;
    }
    bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

uint16_t half_from_float(float value)
{
    uint32_t bits, magnitude, sign;

    memcpy(&bits, &value, sizeof(bits));
    sign = bits >> 16 & 0x8000u;
    magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u); // not a number
    if (magnitude >= 0x477ff000u)
        return (uint16_t)(sign | 0x7c00u); // rounds past 65504
    if (magnitude < 0x38800000u) {         // subnormal: let the addition round
        float magic = 0.5f, sum;
        uint32_t half;

        memcpy(&sum, &magnitude, sizeof(sum));
        sum += magic;
        memcpy(&half, &sum, sizeof(half));
        return (uint16_t)(sign | (half - 0x3f000000u));
    }
    magnitude += 0xfffu + (magnitude >> 13 & 1u);
    return (uint16_t)(sign | (magnitude - 0x38000000u) >> 13);
}
