#include "tests/nn/case.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/nn_cuda.h"
#include "engine/nn/onnx.h"
#include "kernels/cuda_library.h"

static struct tensor *load_tensor(const char *path)
{
    size_t size;
    void *bytes = onnx_read_file(path, &size);
    struct tensor *t = bytes ? onnx_parse_tensor(bytes, size, path) : NULL;

    mem_free(bytes);
    return t;
}

// -1: one of them cannot be read
static int load_all(const char *folder, int index, const char *kind, struct tensor **out)
{
    int count = 0;

    while (count < CASE_MAX_TENSORS) {
        char *path = mem_printf("%s/test_data_set_%d/%s_%d.pb", folder, index, kind, count);
        bool there = access(path, R_OK) == 0;

        out[count] = there ? load_tensor(path) : NULL;
        mem_free(path);
        if (!there)
            return count;
        if (!out[count])
            return -1;
        count++;
    }
    return count;
}

bool case_set_load(const char *folder, int index, struct case_set *out)
{
    *out = (struct case_set){0};
    out->input_count = load_all(folder, index, "input", out->inputs);
    out->output_count = load_all(folder, index, "output", out->outputs);
    if (out->input_count >= 0 && out->output_count > 0)
        return true;
    case_set_finish(out);
    return false;
}

void case_set_finish(struct case_set *set)
{
    for (int i = 0; i < CASE_MAX_TENSORS; i++) {
        tensor_destroy(&set->inputs[i]);
        tensor_destroy(&set->outputs[i]);
    }
}

struct nn_plan *case_plan(const struct nn_model *model, const struct case_set *set,
                          enum nn_backend backend, int threads)
{
    return case_plan_as(model, set,
                        (struct nn_plan_params){.backend = backend,
                                                .precision = NN_PRECISION_FP32,
                                                .threads = threads});
}

struct nn_plan *case_plan_as(const struct nn_model *model, const struct case_set *set,
                             struct nn_plan_params params)
{
    struct nn_shape shapes[CASE_MAX_TENSORS];
    const void *values[CASE_MAX_TENSORS] = {0};

    if (nn_model_input_count(model) != set->input_count) {
        log_error("the model has %d inputs, its data %d", nn_model_input_count(model),
                  set->input_count);
        return NULL;
    }
    params.input_shapes = shapes;
    params.input_values = values;
    params.input_shape_count = set->input_count;
    for (int i = 0; i < set->input_count; i++) {
        shapes[i] = set->inputs[i]->shape;
        if (nn_model_input_decides_shapes(model, i))
            values[i] = set->inputs[i]->data;
    }
    return nn_plan_create(model, &params);
}

// Opened once: copies to and from plans on the GPU, on the calling thread's stream.
static const struct nn_cuda *gpu(struct nn_cuda_device **out)
{
    static const struct nn_cuda *(*table)(void);
    static struct nn_cuda_device *device;
    char text[256];

    if (!device && cuda_library_symbol("deep3d_nn_cuda", &table, text, sizeof(text)))
        device = table()->open(false, NN_CUDA_PER_THREAD);
    *out = device;
    return device ? table() : NULL;
}

bool case_fill(struct nn_plan *plan, const struct case_set *set)
{
    struct nn_cuda_device *device = NULL;
    const struct nn_cuda *api = nn_plan_on_device(plan) ? gpu(&device) : NULL;
    bool ok = api || !nn_plan_on_device(plan);

    for (int i = 0; i < set->input_count && ok; i++) {
        void *to = nn_plan_input(plan, i);
        size_t bytes = tensor_bytes(set->inputs[i]);

        if (to && api)
            ok = api->upload(device, to, set->inputs[i]->data, bytes);
        else if (to)
            memcpy(to, set->inputs[i]->data, bytes);
    }
    return ok;
}

static void compare_one(const struct tensor *got, const struct tensor *want, struct case_error *e)
{
    double difference = 0, square = 0;

    for (int64_t i = 0, n = tensor_count(want); i < n; i++) {
        double a = tensor_number(got, i), b = tensor_number(want, i), d = fabs(a - b);

        square += isfinite(b) ? b * b : 0;
        if (a == b || (isnan(a) && isnan(b)))
            continue;
        // written so that a NaN is an error
        e->close = e->close && d <= 1e-7 + 1e-3 * fabs(b);
        e->max_abs = d <= e->max_abs ? e->max_abs : d;
        difference += d * d;
    }
    difference = square > 0 ? difference / square : difference;
    e->nmse = difference <= e->nmse ? e->nmse : difference;
}

// The output in host memory. NULL: the GPU failed.
static struct tensor *take_output(struct nn_plan *plan, int index)
{
    struct nn_value_info info = nn_plan_output_info(plan, index);
    struct tensor *t = tensor_create(info.type, &info.shape);
    struct nn_cuda_device *device;
    const struct nn_cuda *api;
    bool ok = t != NULL;

    if (t && nn_plan_on_device(plan)) {
        api = gpu(&device);
        ok = api && api->download(device, t->data, nn_plan_output(plan, index), tensor_bytes(t)) &&
             api->wait(device);
    } else if (t) {
        memcpy(t->data, nn_plan_output(plan, index), tensor_bytes(t));
    }
    if (!ok)
        tensor_destroy(&t);
    return t;
}

bool case_wait(struct nn_plan *plan)
{
    struct nn_cuda_device *device;
    const struct nn_cuda *api = nn_plan_on_device(plan) ? gpu(&device) : NULL;

    return !nn_plan_on_device(plan) || (api && api->wait(device));
}

bool case_set_make(const struct nn_model *model, const struct nn_shape *shapes,
                   struct case_set *out)
{
    struct nn_plan *plan;
    bool ok = true;

    *out = (struct case_set){.input_count = nn_model_input_count(model),
                             .output_count = nn_model_output_count(model)};
    for (int i = 0; i < out->input_count && ok; i++) {
        out->inputs[i] = tensor_create(NN_FLOAT32, &shapes[i]);
        ok = out->inputs[i] && nn_model_input(model, i).type == NN_FLOAT32;
        for (int64_t k = 0; ok && k < shape_count(&shapes[i]); k++)
            ((float *)out->inputs[i]->data)[k] = (float)(k * 7919 % 65521) / 65521;
    }
    plan = ok ? case_plan(model, out, NN_BACKEND_REFERENCE, 0) : NULL;
    ok = plan && case_fill(plan, out) && nn_plan_run(plan);
    for (int i = 0; i < out->output_count && ok; i++) {
        out->outputs[i] = take_output(plan, i);
        ok = out->outputs[i] != NULL;
    }
    nn_plan_destroy(&plan);
    if (!ok)
        case_set_finish(out);
    return ok;
}

struct case_error case_compare(struct nn_plan *plan, const struct case_set *set)
{
    struct case_error e = {.same_form = true, .close = true};

    for (int i = 0; i < set->output_count; i++) {
        struct tensor *got = take_output(plan, i);

        if (!got || got->type != set->outputs[i]->type ||
            !shape_equal(&got->shape, &set->outputs[i]->shape))
            e.same_form = e.close = false;
        else
            compare_one(got, set->outputs[i], &e);
        tensor_destroy(&got);
    }
    return e;
}
