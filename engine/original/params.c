#include "engine/original/params.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#define LIST_MAGIC UINT64_C(0x112)
#define V1_MAGIC 0xF993FAC8u
#define V2_MAGIC 0xF993FAC9u
#define V3_MAGIC 0xF993FACAu
// Far above what any network of that time had: a small file cannot ask for a large table.
#define MAX_ARRAYS 4096
#define MAX_NAME 256

enum { TYPE_FLOAT32 = 0, TYPE_FLOAT16 = 2 };
enum { STORAGE_DENSE = 0 };

// What is left to read. Reading past the end gives zeros and sets `cut`.
struct reader {
    const uint8_t *at;
    size_t left;
    bool cut;
    const char *path;
};

static const uint8_t *take(struct reader *r, uint64_t size)
{
    const uint8_t *at = r->at;

    if (r->cut || size > r->left) {
        r->cut = true;
        return NULL;
    }
    r->at += size;
    r->left -= (size_t)size;
    return at;
}

static uint64_t take_number(struct reader *r, int bytes)
{
    const uint8_t *at = take(r, (uint64_t)bytes);
    uint64_t value = 0;

    for (int i = 0; at && i < bytes; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

static int32_t take_i32(struct reader *r)
{
    return (int32_t)(uint32_t)take_number(r, 4);
}

static bool say_cut(const struct reader *r)
{
    log_error("%s: the file ends in the middle; it was not copied or downloaded completely, get it "
              "again",
              r->path);
    return false;
}

// rank dims of `bytes` bytes each, and their product.
static bool read_shape(struct reader *r, int index, int64_t rank, int bytes,
                       struct params_array *out)
{
    out->count = 1;
    if (rank < 0 || rank > PARAMS_MAX_RANK) {
        log_error("%s: array %d has %" PRId64 " dimensions, or this is no MXNet parameter file",
                  r->path, index + 1, rank);
        return false;
    }
    out->rank = (int)rank;
    for (int i = 0; i < rank; i++) {
        out->dims[i] = (int64_t)take_number(r, bytes);
        if (r->cut)
            return say_cut(r);
        // more elements than bytes are left cannot be there; so the product never overflows
        if (out->dims[i] < 0 ||
            (out->dims[i] > 0 && out->count > r->left / (uint64_t)out->dims[i])) {
            log_error("%s: array %d is larger than the file; it was not copied completely, or is "
                      "damaged",
                      r->path, index + 1);
            return false;
        }
        out->count *= (size_t)out->dims[i];
    }
    return true;
}

static bool read_data(struct reader *r, int index, struct params_array *out)
{
    int32_t type;

    take(r, 8); // context
    type = take_i32(r);
    if (!r->cut && type != TYPE_FLOAT32 && type != TYPE_FLOAT16) {
        log_error("%s: array %d has MXNet's element type %" PRId32
                  "; only float32 (0) and float16 (2) can be imported",
                  r->path, index + 1, type);
        return false;
    }
    out->half = type == TYPE_FLOAT16;
    out->data = take(r, (uint64_t)out->count * (out->half ? 2 : 4));
    return r->cut ? say_cut(r) : true;
}

static bool read_array(struct reader *r, int index, struct params_array *out)
{
    uint32_t first = (uint32_t)take_number(r, 4);
    bool newer = first == V2_MAGIC || first == V3_MAGIC, scalar;
    int32_t storage = newer ? take_i32(r) : STORAGE_DENSE;
    int64_t rank = newer               ? take_i32(r)
                   : first == V1_MAGIC ? (int64_t)take_number(r, 4)
                                       : (int64_t)first;

    if (r->cut)
        return say_cut(r);
    if (storage != STORAGE_DENSE) {
        log_error("%s: array %d is sparse; save the model with dense arrays", r->path, index + 1);
        return false;
    }
    scalar = first == V3_MAGIC && rank == 0;
    if (first == V3_MAGIC && rank == -1)
        rank = 0;
    if (!read_shape(r, index, rank, newer || first == V1_MAGIC ? 8 : 4, out))
        return false;
    if (out->rank > 0 || scalar)
        return read_data(r, index, out);
    out->count = 0; // nothing more is stored of an empty array
    return true;
}

static bool name_is_text(const uint8_t *name, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++)
        if (name[i] <= ' ' || name[i] > '~')
            return false;
    return true;
}

static bool read_name(struct reader *r, const struct params_file *file, int index)
{
    struct params_array *array = &file->arrays[index];
    uint64_t length = take_number(r, 8);
    const uint8_t *name = take(r, length);
    char *whole;

    if (!name)
        return say_cut(r);
    if (length < 5 || length > MAX_NAME || !name_is_text(name, length) ||
        (memcmp(name, "arg:", 4) != 0 && memcmp(name, "aux:", 4) != 0)) {
        log_error("%s: the name of array %d is not of the form arg:NAME or aux:NAME", r->path,
                  index + 1);
        return false;
    }
    whole = mem_printf("%.*s", (int)length - 4, (const char *)name + 4);
    array->auxiliary = name[1] == 'u';
    if (params_find(&(struct params_file){index, file->arrays}, whole, array->auxiliary)) {
        log_error("%s: two arrays are named %s", r->path, whole);
        mem_free(whole);
        return false;
    }
    array->name = whole;
    return true;
}

static bool read_file(struct reader *r, struct params_file *out)
{
    uint64_t magic = take_number(r, 8), count;

    take(r, 8); // reserved
    count = take_number(r, 8);
    if (!r->cut && magic != LIST_MAGIC) {
        log_error("%s: not an MXNet parameter file; Deep3D's weights are in deep3d-0050.params",
                  r->path);
        return false;
    }
    if (r->cut)
        return say_cut(r);
    if (count > MAX_ARRAYS) {
        log_error("%s: it says that it holds %" PRIu64 " arrays; it is damaged", r->path, count);
        return false;
    }
    out->arrays = mem_new((size_t)count, sizeof(*out->arrays));
    for (out->count = 0; out->count < (int)count; out->count++)
        if (!read_array(r, out->count, &out->arrays[out->count]))
            return false;
    if (take_number(r, 8) != count && !r->cut) {
        log_error("%s: it has not as many names as arrays; it is damaged", r->path);
        return false;
    }
    for (int i = 0; i < out->count; i++)
        if (!read_name(r, out, i))
            return false;
    if (r->cut)
        return say_cut(r);
    if (r->left > 0)
        log_error("%s: %zu bytes follow its end; it is damaged", r->path, r->left);
    return r->left == 0;
}

bool params_parse(const void *bytes, size_t size, const char *path, struct params_file *out)
{
    struct reader r = {bytes, size, false, path};

    *out = (struct params_file){0};
    if (read_file(&r, out))
        return true;
    params_finish(out);
    return false;
}

void params_finish(struct params_file *file)
{
    for (int i = 0; i < file->count; i++)
        mem_free(file->arrays[i].name);
    mem_free(file->arrays);
    *file = (struct params_file){0};
}

const struct params_array *params_find(const struct params_file *file, const char *name,
                                       bool auxiliary)
{
    for (int i = 0; i < file->count; i++)
        if (file->arrays[i].auxiliary == auxiliary && strcmp(file->arrays[i].name, name) == 0)
            return &file->arrays[i];
    return NULL;
}

// IEEE 754 binary16.
static float half_to_float(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    float value = exponent == 0    ? ldexpf((float)fraction, -24)
                  : exponent == 31 ? (fraction ? NAN : INFINITY)
                                   : ldexpf((float)(1024 + fraction), exponent - 25);

    return half & 0x8000 ? -value : value;
}

bool params_floats(const struct params_array *array, float *out)
{
    bool finite = true;

    if (!array->half && array->count > 0)
        memcpy(out, array->data, array->count * sizeof(*out));
    for (size_t i = 0; i < array->count; i++) {
        if (array->half)
            out[i] = half_to_float((uint16_t)(array->data[2 * i] | array->data[2 * i + 1] << 8));
        finite = finite && isfinite(out[i]);
    }
    return finite;
}
