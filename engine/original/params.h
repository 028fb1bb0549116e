// MXNet's parameter file, as Deep3D (2016) was published in: a list of named arrays.
//
// Format, little-endian (apache/mxnet, src/ndarray/ndarray.cc): u64 0x112, u64 reserved, u64 count,
// that many arrays, u64 count, that many names (u64 length, bytes), "arg:NAME" or "aux:NAME". An
// array's first u32 tells its version: 0xF993FAC8 V1, ..C9 V2, ..CA V3, anything else is the number
// of dimensions of a V0 array, which is what a file of 2016 holds.
//     V0  u32 rank, u32 dims[], context, i32 type, data
//     V1  magic, u32 rank, i64 dims[], context, i32 type, data
//     V2  magic, i32 storage, i32 rank, i64 dims[], context, i32 type, data
//     V3  as V2; rank 0 is a scalar, -1 nothing
// The context (i32 device, i32 number) says where the array lay, and is of no interest.
//
// The file is hostile until it has passed here: every length is checked against what is left.
//
// Thread-safety: independent calls.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARAMS_MAX_RANK 8

struct params_array {
    char *name;     // without "arg:" or "aux:"
    bool auxiliary; // "aux:"
    bool half;      // float16, else float32
    int rank;       // 0: a scalar, or empty
    int64_t dims[PARAMS_MAX_RANK];
    size_t count;        // of elements; 0: empty
    const uint8_t *data; // in the caller's bytes, any alignment
};

struct params_file {
    int count;
    struct params_array *arrays;
};

// path: for messages. False, logged: the file is cut, or is none, or holds other things than dense
// float32 and float16 arrays with names that differ; out is then empty. The bytes must outlive out.
bool params_parse(const void *bytes, size_t size, const char *path, struct params_file *out);
void params_finish(struct params_file *file);

// NULL: there is none.
const struct params_array *params_find(const struct params_file *file, const char *name,
                                       bool auxiliary);
// All elements. False where one is not a finite number.
bool params_floats(const struct params_array *array, float *out);
