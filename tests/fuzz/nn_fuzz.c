// The network loader, shape inference, folding and fusing, on any bytes.
//
// Inputs are planned twice: once left free, and once as constants, so that folding runs the
// reference kernels on them.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/log.h"
#include "engine/nn/onnx.h"
#include "engine/nn/pass.h"

#define FREE_SIZE 6
#define CONSTANT_MAX (1 << 14)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void discard(void *user, enum log_level level, const char *line)
{
}

static void fill(struct tensor *t, int seed)
{
    size_t size = tensor_bytes(t);

    for (size_t i = 0; i < size; i++)
        ((uint8_t *)t->data)[i] = (uint8_t)((int)i % 8 ? 0 : seed + (int)i / 8 % 5);
}

static bool shape_inputs(struct graph *g, bool constant)
{
    for (int i = 0; i < g->input_count; i++) {
        struct value *v = &g->values[g->inputs[i]];

        for (int k = 0; k < v->shape.rank; k++)
            if (v->shape.dims[k] < 0)
                v->shape.dims[k] = FREE_SIZE;
        v->shaped = true;
        if (shape_count(&v->shape) < 0)
            return false;
        if (constant && shape_count(&v->shape) <= CONSTANT_MAX) {
            struct tensor *t = tensor_create(v->type, &v->shape);

            if (!t)
                return false;
            fill(t, i);
            graph_set_constant(g, g->inputs[i], t);
        }
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct onnx_file file;

    log_set_sink(discard, NULL);
    if (!onnx_parse(bytes, size, "fuzz.onnx", &file))
        return 0;
    for (int constant = 0; constant < 2; constant++) {
        struct graph *g = graph_clone(file.graph);

        if (shape_inputs(g, constant)) {
            pass_widen(g);
            if (pass_infer(g))
                pass_fuse(g, true);
        }
        graph_destroy(&g);
    }
    onnx_finish(&file);
    return 0;
}
