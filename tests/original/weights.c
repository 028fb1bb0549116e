#include "tests/original/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS 33

struct array {
    char name[64];
    int64_t dims[5]; // end with 0
    double fan_in;   // 0: no weight
};

static struct array arrays[WEIGHTS_ARRAYS];
static int count;

static void add(const char *name, const char *part, double fan_in, const int64_t dims[5])
{
    struct array *a = &arrays[count++];

    snprintf(a->name, sizeof(a->name), "%s_%s", name, part);
    memcpy(a->dims, dims, sizeof(a->dims));
    a->fan_in = fan_in;
}

static void add_layer(const char *name, int64_t outputs, double fan_in, const int64_t weight[5])
{
    add(name, "weight", fan_in, weight);
    add(name, "bias", 0, (int64_t[5]){outputs});
}

static void add_conv(const char *name, int64_t in, int64_t out)
{
    add_layer(name, out, (double)in * 9, (int64_t[5]){out, in, 3, 3});
}

static void list_arrays(void)
{
    static const struct {
        const char *name;
        int in, out;
    } convs[] = {{"arg:conv1_1", 3, 64},    {"arg:conv2_1", 64, 128},  {"arg:conv3_1", 128, 256},
                 {"arg:conv3_2", 256, 256}, {"arg:conv4_1", 256, 512}, {"arg:conv4_2", 512, 512},
                 {"arg:conv5_1", 512, 512}, {"arg:conv5_2", 512, 512}};
    char name[32];

    count = 0;
    for (int i = 0; i < 8; i++)
        add_conv(convs[i].name, convs[i].in, convs[i].out);
    for (int i = 1; i <= 4; i++) {
        int64_t dims[5] = {32 << i};
        snprintf(name, sizeof(name), "arg:bn_pool%d", i);
        add(name, "gamma", 0, dims);
        add(name, "beta", 0, dims);
        snprintf(name, sizeof(name), "aux:bn_pool%d", i);
        add(name, "moving_mean", 0, dims);
        add(name, "moving_inv_var", 0, dims);
        snprintf(name, sizeof(name), "arg:pred%d", i);
        add_conv(name, dims[0], CHANNELS);
    }
    add_layer("arg:fc6", 512, 30720, (int64_t[5]){512, 30720});
    add_layer("arg:fc7", 512, 512, (int64_t[5]){512, 512});
    add_layer("arg:pred5", CHANNELS * 60, 512, (int64_t[5]){CHANNELS * 60, 512});
    for (int i = 1; i <= 6; i++) {
        int64_t size = i == 1 ? 1 : i == 6 ? 4 : 1 << i;
        snprintf(name, sizeof(name), i == 6 ? "arg:deconv_predup" : "arg:deconv_pred%d", i);
        add_layer(name, CHANNELS, CHANNELS * (i == 1 ? 1 : 4),
                  (int64_t[5]){CHANNELS, CHANNELS, size, size});
    }
    add_conv("arg:convolution0", CHANNELS, CHANNELS);
}

// Chris Wellons' lowbias32.
static uint32_t hash(uint32_t index, uint32_t seed)
{
    uint32_t x = index + seed * 0x9E3779B9u;

    x = (x ^ x >> 16) * 0x7FEB352Du;
    x = (x ^ x >> 15) * 0x846CA68Bu;
    return x ^ x >> 16;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), n = strlen(end);

    return length >= n && strcmp(text + length - n, end) == 0;
}

// The middle of an array's values and half their range.
static void spread(const struct array *a, float *middle, float *half)
{
    double gain = strcmp(a->name, "arg:conv1_1_weight") == 0        ? 1.0 / 128
                  : strcmp(a->name, "arg:convolution0_weight") == 0 ? 0.3
                                                                    : 1;

    *middle = ends_with(a->name, "moving_mean")                                     ? 0.5f
              : ends_with(a->name, "moving_inv_var") || ends_with(a->name, "gamma") ? 1.25f
                                                                                    : 0;
    *half = *middle == 0.5f    ? 0.5f
            : *middle == 1.25f ? 0.75f
            : a->fan_in > 0    ? (float)(gain * sqrt(6 / a->fan_in))
                               : 0.25f;
}

// Of a number that is far from the ends of float16's range; to the nearest.
static uint16_t to_half(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    if ((bits & 0x7fffffff) < 0x38800000) // below 2^-14: steps of 2^-24
        return (uint16_t)(bits >> 31 << 15 | (uint32_t)lrintf(ldexpf(fabsf(value), 24)));
    return (uint16_t)(bits >> 31 << 15 | ((bits & 0x7fffffff) - 0x38000000 + 0x1000) >> 13);
}

static void write_values(struct file *f, int number, const int64_t *dims, bool as_half)
{
    float middle, half;
    size_t size = 1;

    spread(&arrays[number], &middle, &half);
    for (int i = 0; dims[i]; i++)
        size *= (size_t)dims[i];
    for (size_t i = 0; i < size; i++) {
        float unit = (float)(hash((uint32_t)i, (uint32_t)number + 1) >> 8) / 8388608.0f - 1.0f;
        float value = middle + half * unit;
        uint16_t small = to_half(value);
        file_raw(f, as_half ? (const void *)&small : &value, as_half ? 2 : 4);
    }
}

void weights_write(struct file *f, enum file_version version, bool half)
{
    list_arrays();
    file_begin(f, WEIGHTS_ARRAYS);
    for (int i = 0; i < WEIGHTS_ARRAYS; i++) {
        file_head(f, version, arrays[i].dims, half ? 2 : 0);
        write_values(f, i, arrays[i].dims, half);
    }
    file_u64(f, WEIGHTS_ARRAYS);
    for (int i = 0; i < WEIGHTS_ARRAYS; i++)
        file_name(f, arrays[i].name);
}

uint8_t *weights_picture(int width, int height, uint32_t seed)
{
    uint8_t *rgba = malloc((size_t)width * (size_t)height * 4), *out = rgba;

    for (uint32_t y = 0; rgba && y < (uint32_t)height; y++)
        for (uint32_t x = 0; x < (uint32_t)width; x++, out += 4) {
            for (uint32_t c = 0; c < 3; c++) {
                uint32_t tile =
                    x * 24 / (uint32_t)width + y * 10 / (uint32_t)height * 64 + c * 4096;
                uint32_t fine = (y * (uint32_t)width + x) * 3 + c;
                out[c] = (uint8_t)((hash(tile, seed) & 191) + (hash(fine, seed + 1) & 63));
            }
            out[3] = 255;
        }
    return rgba;
}
