#include "engine/nn/onnx_tensor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/onnx.h"

// Values of TensorProto.DataType.
enum {
    DATA_FLOAT = 1,
    DATA_UINT8,
    DATA_INT8,
    DATA_INT32 = 6,
    DATA_INT64,
    DATA_BOOL = 9,
    DATA_FLOAT16
};
// Values of AttributeProto.AttributeType.
enum { KIND_FLOAT = 1, KIND_INT, KIND_STRING, KIND_TENSOR, KIND_FLOATS = 6, KIND_INTS };

bool onnx_type(int data_type, enum nn_type *out)
{
    static const struct {
        int data_type;
        enum nn_type type;
    } types[] = {{DATA_FLOAT, NN_FLOAT32},  {DATA_UINT8, NN_UINT8}, {DATA_INT8, NN_INT8},
                 {DATA_INT32, NN_INT32},    {DATA_INT64, NN_INT64}, {DATA_BOOL, NN_BOOL},
                 {DATA_FLOAT16, NN_FLOAT16}};

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (types[i].data_type == data_type) {
            *out = types[i].type;
            return true;
        }
    return false;
}

bool onnx_shape(const Onnx__TensorShapeProto *from, struct nn_shape *out)
{
    if (!from || from->n_dim > NN_MAX_RANK)
        return false;
    *out = (struct nn_shape){.rank = (int)from->n_dim};
    for (int i = 0; i < out->rank; i++) {
        out->dims[i] = from->dim[i]->has_dim_value ? from->dim[i]->dim_value : -1;
        if (out->dims[i] < -1)
            return false;
        if (out->dims[i] == 0 && from->dim[i]->dim_param)
            out->dims[i] = -1;
    }
    return true;
}

// The folder of the model, with links resolved. NULL: errno says why.
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? mem_printf("%.*s/", (int)(slash - path), path) : mem_strdup(".");
    char *real = realpath(folder, NULL);

    mem_free(folder);
    return real;
}

static bool leads_outside(const char *location)
{
    const char *at = location;

    if (!*location || *location == '/' || strchr(location, '\\'))
        return true;
    while (at) {
        if (!strncmp(at, "..", 2) && (at[2] == '/' || !at[2]))
            return true;
        at = strchr(at, '/');
        at = at ? at + 1 : NULL;
    }
    return false;
}

// Opens location in the model's folder, links followed only while they stay inside. -1, logged.
static int open_external(const char *path, const char *location)
{
    char *folder = folder_of(path), *joined = NULL, *real = NULL;
    int fd = -1;

    if (leads_outside(location)) {
        log_error("%s: weights in '%.200s' are outside the model's folder, and are not read", path,
                  location);
        goto fail;
    }
    joined = mem_printf("%s/%s", folder ? folder : ".", location);
    real = folder ? realpath(joined, NULL) : NULL;
    if (real && (strncmp(real, folder, strlen(folder)) != 0 ||
                 (real[strlen(folder)] != '/' && strcmp(folder, "/") != 0))) {
        log_error("%s: weights in '%.200s' are a link that leaves the model's folder", path,
                  location);
        goto fail;
    }
    fd = real ? open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd < 0)
        log_error("%s: weights in '%.200s' cannot be opened: %s; put the file beside the model",
                  path, location, strerror(errno));
fail:
    free(folder);
    free(real);
    mem_free(joined);
    return fd;
}

static bool parse_count(const char *text, int64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *out >= 0;
}

static bool read_exactly(int fd, char *to, size_t size, int64_t offset)
{
    while (size) {
        ssize_t got = pread(fd, to, size, offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        offset += got;
        size -= (size_t)got;
    }
    return true;
}

static bool read_external(const Onnx__TensorProto *from, const char *path, struct tensor **out,
                          enum nn_type type, const struct nn_shape *shape, size_t bytes)
{
    const char *location = "", *name = from->name ? from->name : "";
    int64_t offset = 0, length = (int64_t)bytes;
    struct stat info;
    bool ok = true;
    int fd;

    for (size_t i = 0; i < from->n_external_data; i++) {
        const char *key = from->external_data[i]->key, *value = from->external_data[i]->value;

        if (!key || !value)
            continue;
        if (!strcmp(key, "location"))
            location = value;
        else if (!strcmp(key, "offset"))
            ok = ok && parse_count(value, &offset);
        else if (!strcmp(key, "length"))
            ok = ok && parse_count(value, &length);
    }
    fd = open_external(path, location);
    if (fd < 0)
        return false;
    // the size is compared before memory is asked for: a small file cannot make a large block
    ok = ok && length == (int64_t)bytes && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
         offset <= info.st_size && length <= info.st_size - offset;
    *out = ok ? tensor_create(type, shape) : NULL;
    ok = *out && read_exactly(fd, (*out)->data, bytes, offset);
    if (!ok)
        log_error("%s: weight '%.100s' is not in '%.200s' as the model says; download both again",
                  path, name, location);
    close(fd);
    return ok;
}

static void copy_int32(const int32_t *from, struct tensor *to, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (to->type == NN_INT32)
            ((int32_t *)to->data)[i] = from[i];
        else if (to->type == NN_FLOAT16)
            ((uint16_t *)to->data)[i] = (uint16_t)from[i];
        else
            ((uint8_t *)to->data)[i] = (uint8_t)from[i]; // bool, uint8, int8
    }
}

// Elements that the file really holds; -1: not in a form for that type.
static int64_t count_inside(const Onnx__TensorProto *from, enum nn_type type)
{
    if (from->has_raw_data)
        return from->raw_data.len % nn_type_size(type)
                   ? -1
                   : (int64_t)(from->raw_data.len / nn_type_size(type));
    if (type == NN_FLOAT32)
        return (int64_t)from->n_float_data;
    return (int64_t)(type == NN_INT64 ? from->n_int64_data : from->n_int32_data);
}

static void copy_inside(const Onnx__TensorProto *from, struct tensor *to, int64_t count)
{
    size_t bytes = (size_t)count * nn_type_size(to->type);

    if (!count)
        return;
    if (from->has_raw_data)
        memcpy(to->data, from->raw_data.data, bytes); // little endian, as every machine of ours
    else if (to->type == NN_FLOAT32)
        memcpy(to->data, from->float_data, bytes);
    else if (to->type == NN_INT64)
        memcpy(to->data, from->int64_data, bytes);
    else
        copy_int32(from->int32_data, to, count);
}

// The file's own bool may be any byte; ours is 0 or 1.
static void clean_bools(struct tensor *t)
{
    uint8_t *at = t->data;

    for (int64_t i = 0, n = t->type == NN_BOOL ? tensor_count(t) : 0; i < n; i++)
        at[i] = at[i] != 0;
}

struct tensor *onnx_tensor_read(const Onnx__TensorProto *from, const char *path)
{
    const char *name = from->name ? from->name : "";
    struct nn_shape shape = {.rank = (int)from->n_dims};
    struct tensor *t = NULL;
    enum nn_type type;
    int64_t count;

    if (!onnx_type(from->data_type, &type)) {
        log_error("%s: tensor '%.100s' has type %d, which is not supported", path, name,
                  from->data_type);
        return NULL;
    }
    for (size_t i = 0; i < from->n_dims && i < NN_MAX_RANK; i++)
        shape.dims[i] = from->dims[i];
    count = from->n_dims <= NN_MAX_RANK ? shape_count(&shape) : -1;
    if (count < 0) {
        log_error("%s: tensor '%.100s' has an impossible shape; the file is damaged", path, name);
        return NULL;
    }
    if (from->data_location == 1) {
        if (!read_external(from, path, &t, type, &shape, (size_t)count * nn_type_size(type)))
            tensor_destroy(&t);
    } else if (count_inside(from, type) != count) {
        log_error(
            "%s: tensor '%.100s' does not hold the elements of its shape; the file is damaged",
            path, name);
    } else if (!(t = tensor_create(type, &shape))) {
        log_error("%s: no memory for tensor '%.100s'", path, name);
    } else {
        copy_inside(from, t, count);
    }
    if (t)
        clean_bools(t);
    return t;
}

static struct tensor *list_tensor(enum nn_type type, int rank, size_t count, const void *data)
{
    struct nn_shape shape = {.rank = rank, .dims = {(int64_t)count}};
    struct tensor *t = tensor_create(type, &shape);

    if (t && count)
        memcpy(t->data, data, count * nn_type_size(type));
    return t;
}

struct tensor *onnx_constant_read(const Onnx__AttributeProto *from, const char *path)
{
    const char *name = from->name ? from->name : "";

    if (!strcmp(name, "value") && from->t)
        return onnx_tensor_read(from->t, path);
    if (!strcmp(name, "value_float"))
        return list_tensor(NN_FLOAT32, 0, 1, &from->f);
    if (!strcmp(name, "value_int"))
        return list_tensor(NN_INT64, 0, 1, &from->i);
    if (!strcmp(name, "value_floats"))
        return list_tensor(NN_FLOAT32, 1, from->n_floats, from->floats);
    if (!strcmp(name, "value_ints"))
        return list_tensor(NN_INT64, 1, from->n_ints, from->ints);
    return NULL;
}

// Old files leave the type out: then what is there decides.
static int kind_of(const Onnx__AttributeProto *from)
{
    if (from->has_type && from->type)
        return from->type;
    if (from->has_f)
        return KIND_FLOAT;
    if (from->has_i)
        return KIND_INT;
    if (from->has_s)
        return KIND_STRING;
    if (from->t)
        return KIND_TENSOR;
    return from->n_floats ? KIND_FLOATS : KIND_INTS;
}

bool onnx_attribute_read(const Onnx__AttributeProto *from, const char *path, struct attribute *out)
{
    out->name = mem_strdup(from->name ? from->name : "");
    out->kind = ATTRIBUTE_OTHER;
    switch (kind_of(from)) {
    case KIND_FLOAT:
        out->kind = ATTRIBUTE_FLOAT;
        out->f = from->f;
        break;
    case KIND_INT:
        out->kind = ATTRIBUTE_INT;
        out->i = from->i;
        break;
    case KIND_STRING:
        out->kind = ATTRIBUTE_STRING;
        out->s = mem_printf("%.*s", (int)(from->s.len < 4096 ? from->s.len : 4096),
                            from->s.data ? (const char *)from->s.data : "");
        break;
    case KIND_TENSOR:
        out->kind = ATTRIBUTE_TENSOR;
        out->t = from->t ? onnx_tensor_read(from->t, path) : NULL;
        return out->t != NULL;
    case KIND_FLOATS:
        out->kind = ATTRIBUTE_FLOATS;
        out->count = (int)from->n_floats;
        out->floats = mem_new(from->n_floats, sizeof(float));
        if (from->n_floats)
            memcpy(out->floats, from->floats, from->n_floats * sizeof(float));
        break;
    case KIND_INTS:
        out->kind = ATTRIBUTE_INTS;
        out->count = (int)from->n_ints;
        out->ints = mem_new(from->n_ints, sizeof(int64_t));
        if (from->n_ints)
            memcpy(out->ints, from->ints, from->n_ints * sizeof(int64_t));
        break;
    default:
        break;
    }
    return true;
}

struct tensor *onnx_parse_tensor(const void *bytes, size_t size, const char *path)
{
    Onnx__TensorProto *proto = onnx__tensor_proto__unpack(NULL, size, bytes);
    struct tensor *t = proto ? onnx_tensor_read(proto, path) : NULL;

    if (!proto)
        log_error("%s: not an ONNX tensor, or damaged", path);
    else
        onnx__tensor_proto__free_unpacked(proto, NULL);
    return t;
}
