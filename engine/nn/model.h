// What a model holds; for model.c and plan.c.
//
// Thread-safety: never changes once loaded.
#pragma once
#include "engine/nn/onnx.h"

struct nn_model {
    struct onnx_file file;
};
