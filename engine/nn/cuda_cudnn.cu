// Convolutions by cuDNN 9's backend graph API. For one pattern, convolution + residual + bias in
// the result's type, then Relu or nothing, it has ready-made kernels; elsewhere it does the
// convolution alone. Everything else it would compile at run time, which takes a second for each
// shape, and even to ask for that takes most of one.
//
// docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-graph-library.html
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cudnn.h>

#include "engine/nn/cuda_way.h"

#define ASKED 100    // configurations that a heuristic is asked for
#define FAVOURITES 3 // and at most taken, the best first
#define KNOBS 32     // of an engine

#define CUDNN_FUNCTIONS(X)                                                                         \
    X(cudnnCreate)                                                                                 \
    X(cudnnDestroy)                                                                                \
    X(cudnnSetStream)                                                                              \
    X(cudnnGetVersion)                                                                             \
    X(cudnnGetErrorString)                                                                         \
    X(cudnnBackendCreateDescriptor)                                                                \
    X(cudnnBackendDestroyDescriptor)                                                               \
    X(cudnnBackendSetAttribute)                                                                    \
    X(cudnnBackendGetAttribute)                                                                    \
    X(cudnnBackendFinalize)                                                                        \
    X(cudnnBackendExecute)

struct cuda_cudnn {
    cudnnHandle_t handle;
    cudnnBackendDescriptor_t absent; // properties of a GPU that is not here, in a handle's place
#define X(name) decltype(&name) name##_;
    CUDNN_FUNCTIONS(X)
#undef X
};

static cudnnStatus_t open_absent(struct cuda_cudnn *c, const char *properties)
{
    cudnnStatus_t status =
        c->cudnnBackendCreateDescriptor_(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &c->absent);

    if (status == CUDNN_STATUS_SUCCESS)
        status =
            c->cudnnBackendSetAttribute_(c->absent, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                                         CUDNN_TYPE_CHAR, (int64_t)strlen(properties), properties);
    return status == CUDNN_STATUS_SUCCESS ? c->cudnnBackendFinalize_(c->absent) : status;
}

static cudnnStatus_t open_here(struct cuda_cudnn *c, cudaStream_t stream)
{
    cudnnStatus_t status = c->cudnnCreate_(&c->handle);

    return status == CUDNN_STATUS_SUCCESS ? c->cudnnSetStream_(c->handle, stream) : status;
}

struct cuda_cudnn *cuda_cudnn_open(cudaStream_t stream, const char *properties, char *text,
                                   size_t size)
{
    struct cuda_cudnn *c = new cuda_cudnn();
    cudnnStatus_t status = CUDNN_STATUS_NOT_INITIALIZED;
#define X(name) {#name, (void **)&c->name##_},
    const std::vector<cuda_symbol> symbols = {CUDNN_FUNCTIONS(X)};
#undef X
    bool whole = cuda_library_load("libcudnn.so.9", DEEP3D_CUDNN_FOLDER, symbols);

    if (whole)
        status = properties ? open_absent(c, properties) : open_here(c, stream);
    if (status == CUDNN_STATUS_SUCCESS) {
        unsigned version = (unsigned)c->cudnnGetVersion_();

        snprintf(text, size, "cuDNN %u.%u.%u", version / 10000, version / 100 % 100, version % 100);
        return c;
    }
    snprintf(text, size, "no cuDNN 9 (%s)",
             whole ? c->cudnnGetErrorString_(status) : "libcudnn.so.9 was not found");
    cuda_cudnn_close(c);
    return NULL;
}

void cuda_cudnn_close(struct cuda_cudnn *c)
{
    if (c->absent)
        c->cudnnBackendDestroyDescriptor_(c->absent);
    if (c->handle)
        c->cudnnDestroy_(c->handle);
    delete c;
}

namespace
{

enum { NO_NAME = -1 };

// Descriptors of one graph; all go together.
struct arena {
    struct cuda_cudnn *c;
    std::vector<cudnnBackendDescriptor_t> all;
    bool ok = true;

    explicit arena(struct cuda_cudnn *cudnn) : c(cudnn)
    {
    }
    arena(const arena &) = delete;
    ~arena()
    {
        for (size_t i = all.size(); i-- > 0;)
            c->cudnnBackendDestroyDescriptor_(all[i]);
    }
    cudnnBackendDescriptor_t add(cudnnBackendDescriptorType_t type)
    {
        cudnnBackendDescriptor_t d = NULL;

        ok = ok && c->cudnnBackendCreateDescriptor_(type, &d) == CUDNN_STATUS_SUCCESS;
        if (d)
            all.push_back(d);
        return d;
    }
    void set(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name,
             cudnnBackendAttributeType_t type, int64_t count, const void *values)
    {
        ok = ok &&
             c->cudnnBackendSetAttribute_(d, name, type, count, values) == CUDNN_STATUS_SUCCESS;
    }
    void set(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name,
             cudnnBackendDescriptor_t value)
    {
        set(d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value);
    }
    // Which GPU: by the handle, or by the properties of one that is not here. An absent name: the
    // descriptor learns it from others.
    void set_gpu(cudnnBackendDescriptor_t d, int by_handle, int by_properties)
    {
        if (c->absent && by_properties != NO_NAME)
            set(d, (cudnnBackendAttributeName_t)by_properties, c->absent);
        if (!c->absent && by_handle != NO_NAME)
            set(d, (cudnnBackendAttributeName_t)by_handle, CUDNN_TYPE_HANDLE, 1, &c->handle);
    }
    // Up to `most` values. False: it has no such attribute.
    bool get(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name,
             cudnnBackendAttributeType_t type, int64_t most, int64_t *out_count, void *out_values)
    {
        return d && c->cudnnBackendGetAttribute_(d, name, type, most, out_count, out_values) ==
                        CUDNN_STATUS_SUCCESS;
    }
    bool finalize(cudnnBackendDescriptor_t d)
    {
        ok = ok && c->cudnnBackendFinalize_(d) == CUDNN_STATUS_SUCCESS;
        return ok;
    }
};

// Names of tensors in graphs and variant packs: the job's index, and virtual ones after them.
enum { FIRST_VIRTUAL = JOB_TENSORS };

cudnnDataType_t data_type(enum nn_type type)
{
    return type == NN_FLOAT16 ? CUDNN_DATA_HALF : CUDNN_DATA_FLOAT;
}

// A tensor of n, channels, height, width that lies with channels last.
cudnnBackendDescriptor_t tensor(arena &a, int64_t name, cudnnDataType_t type, int64_t n, int64_t c,
                                int64_t h, int64_t w, bool is_virtual)
{
    const int64_t dims[4] = {n, c, h, w}, steps[4] = {c * h * w, 1, w * c, c}, alignment = 16;
    cudnnBackendDescriptor_t d = a.add(CUDNN_BACKEND_TENSOR_DESCRIPTOR);

    a.set(d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    a.set(d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims);
    a.set(d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, steps);
    a.set(d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &name);
    a.set(d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    a.set(d, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual);
    a.finalize(d);
    return d;
}

cudnnBackendDescriptor_t convolution(arena &a, const struct job_window &w)
{
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    int64_t spatial = 2, begin[2], end[2], dilation[2], stride[2];
    cudnnBackendDescriptor_t d = a.add(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);

    for (int i = 0; i < 2; i++) {
        begin[i] = w.begin[1 + i];
        end[i] = w.end[1 + i];
        dilation[i] = w.dilation[1 + i];
        stride[i] = w.stride[1 + i];
    }
    a.set(d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &spatial);
    a.set(d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    a.set(d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    a.set(d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, begin);
    a.set(d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, end);
    a.set(d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilation);
    a.set(d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, stride);
    a.finalize(d);
    return d;
}

// A transposed convolution is the way back through another one: the same operation by other names.
struct operation_names {
    cudnnBackendDescriptorType_t type;
    cudnnBackendAttributeName_t in, weights, out, convolution, alpha, beta;
};
const struct operation_names forward = {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                                        CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                        CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                        CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                                        CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                                        CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                                        CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
const struct operation_names backward = {
    CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};

cudnnBackendDescriptor_t convolution_operation(arena &a, const struct job_window &window,
                                               cudnnBackendDescriptor_t x,
                                               cudnnBackendDescriptor_t w,
                                               cudnnBackendDescriptor_t y)
{
    const struct operation_names &names = window.transpose ? backward : forward;
    const double one = 1.0, zero = 0.0;
    cudnnBackendDescriptor_t conv = convolution(a, window), d = a.add(names.type);

    a.set(d, names.in, x);
    a.set(d, names.weights, w);
    a.set(d, names.out, y);
    a.set(d, names.convolution, conv);
    a.set(d, names.alpha, CUDNN_TYPE_DOUBLE, 1, &one);
    a.set(d, names.beta, CUDNN_TYPE_DOUBLE, 1, &zero);
    a.finalize(d);
    return d;
}

// second NULL: of one operand.
cudnnBackendDescriptor_t pointwise(arena &a, cudnnBackendDescriptor_t function,
                                   cudnnBackendDescriptor_t x, cudnnBackendDescriptor_t second,
                                   cudnnBackendDescriptor_t y)
{
    cudnnBackendDescriptor_t d = a.add(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);

    a.set(d, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, function);
    a.set(d, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (second)
        a.set(d, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, second);
    a.set(d, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    a.finalize(d);
    return d;
}

cudnnBackendDescriptor_t function(arena &a, cudnnPointwiseMode_t mode)
{
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    cudnnBackendDescriptor_t d = a.add(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);

    a.set(d, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    a.set(d, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &type);
    a.finalize(d);
    return d;
}

bool has_epilogue(const struct job &j)
{
    return j.t[3].data || j.t[4].data || j.activation;
}

// The pattern with ready-made kernels.
bool fuses(const struct job &j)
{
    return !j.u.window.transpose && j.t[5].data &&
           (j.activation == ACTIVATION_NONE || j.activation == ACTIVATION_RELU);
}

// The graph of the job; bare: of its convolution alone. NULL: cuDNN refuses.
cudnnBackendDescriptor_t make_graph(arena &a, const struct job &j, bool bare)
{
    const struct job_window &w = j.u.window;
    cudnnDataType_t type = data_type(j.t[0].type);
    int64_t n = j.dims[0], k = j.dims[4], h = j.dims[2], x = j.dims[3], name = FIRST_VIRTUAL;
    bool residual = !bare && j.t[4].data, relu = !bare && j.activation == ACTIVATION_RELU;
    int steps_left = bare ? 0 : residual + 1 + relu;
    std::vector<cudnnBackendDescriptor_t> operations;
    // a result that others read stays in registers, in single precision
    auto result = [&] {
        return steps_left-- ? tensor(a, name++, CUDNN_DATA_FLOAT, n, k, h, x, true)
                            : tensor(a, 0, type, n, k, h, x, false);
    };
    cudnnBackendDescriptor_t input =
        tensor(a, 1, type, n, (int64_t)w.inputs * w.group, w.in[1], w.in[2], false);
    cudnnBackendDescriptor_t weights =
        w.transpose
            ? tensor(a, 5, type, w.inputs * w.group, w.outputs, w.kernel[1], w.kernel[2], false)
            : tensor(a, 2, type, k, w.inputs, w.kernel[1], w.kernel[2], false);
    cudnnBackendDescriptor_t y = result();
    auto then = [&](cudnnPointwiseMode_t mode, cudnnBackendDescriptor_t second) {
        cudnnBackendDescriptor_t next = result();

        operations.push_back(pointwise(a, function(a, mode), y, second, next));
        y = next;
    };

    operations.push_back(convolution_operation(a, w, input, weights, y));
    if (residual) // before the bias: else there is no ready-made kernel
        then(CUDNN_POINTWISE_ADD, tensor(a, 4, type, n, k, h, x, false));
    if (!bare)
        then(CUDNN_POINTWISE_ADD, tensor(a, 5, type, 1, k, 1, 1, false));
    if (relu)
        then(CUDNN_POINTWISE_RELU_FWD, NULL);
    cudnnBackendDescriptor_t d = a.add(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    a.set(d, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
          (int64_t)operations.size(), operations.data());
    a.set_gpu(d, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, NO_NAME);
    return a.finalize(d) ? d : NULL;
}

// An engine's plan, with the graph that it is of.
struct cudnn_way : cuda_way {
    std::shared_ptr<arena> of; // its engine and tensors are in there
    arena own;
    cudnnBackendDescriptor_t plan = NULL;

    cudnn_way(struct cuda_cudnn *c, std::shared_ptr<arena> a) : of(std::move(a)), own(c)
    {
    }
    bool run(const struct job *job, cudaStream_t stream) override
    {
        arena a(own.c);
        int64_t names[JOB_TENSORS];
        void *data[JOB_TENSORS];
        int count = 0;
        cudnnBackendDescriptor_t pack = a.add(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);

        for (int t = 0; t < JOB_TENSORS; t++) {
            bool transpose = job->u.window.transpose;
            // 5: the weights of a transposed convolution, the bias of another
            bool used = t == 2   ? !transpose
                        : t == 3 ? false
                        : t == 4 ? !bare
                                 : t < 2 || !bare || transpose;

            if (!used || !job->t[t].data)
                continue;
            names[count] = t;
            data[count++] = job->t[t].data;
        }
        a.set(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count, data);
        a.set(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, names);
        a.set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &job->workspace);
        if (!a.finalize(pack) ||
            own.c->cudnnBackendExecute_(own.c->handle, plan, pack) != CUDNN_STATUS_SUCCESS)
            return false;
        if (bare && has_epilogue(*job))
            cuda_epilogue(job, stream);
        return true;
    }
};

cudnnBackendDescriptor_t engine_of(arena &a, cudnnBackendDescriptor_t config)
{
    cudnnBackendDescriptor_t engine = a.add(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    int64_t count = 0;

    a.get(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &engine);
    return engine;
}

// Ready-made; and single precision stays that: no TF32.
bool suits(arena &a, cudnnBackendDescriptor_t engine, bool single)
{
    cudnnBackendBehaviorNote_t behaviour[CUDNN_BEHAVIOR_NOTE_TYPE_COUNT];
    cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    int64_t behaviours = 0, count = 0;

    if (!a.get(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE,
               CUDNN_BEHAVIOR_NOTE_TYPE_COUNT, &behaviours, behaviour) ||
        !a.get(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
               CUDNN_NUMERICAL_NOTE_TYPE_COUNT, &count, notes))
        return false;
    for (int64_t i = 0; i < behaviours; i++)
        if (behaviour[i] == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION)
            return false;
    for (int64_t i = 0; i < count && single; i++)
        if (notes[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE ||
            notes[i] == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS)
            return false;
    return true;
}

#define NAME "cuDNN "
#define NAME_BARE "cuDNN alone "

// The engine's number and its knobs: "cuDNN 10 2=1 14=3". False: there is no room.
bool name_config(arena &a, cudnnBackendDescriptor_t config, bool bare, char *name, size_t size)
{
    cudnnBackendDescriptor_t choices[KNOBS];
    int64_t index = -1, count = 0, knobs = 0;
    size_t used;

    for (int i = 0; i < KNOBS; i++)
        choices[i] = a.add(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
    if (!a.get(engine_of(a, config), CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count,
               &index) ||
        !a.get(config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR, KNOBS,
               &knobs, choices) ||
        knobs > KNOBS)
        return false;
    used = (size_t)snprintf(name, size, "%s%lld", bare ? NAME_BARE : NAME, (long long)index);
    for (int64_t i = 0; i < knobs && used < size; i++) {
        cudnnBackendKnobType_t type;
        int64_t value = 0;

        if (!a.get(choices[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &count,
                   &type) ||
            !a.get(choices[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &count,
                   &value))
            return false;
        used += (size_t)snprintf(name + used, size - used, " %d=%lld", (int)type, (long long)value);
    }
    return used < size;
}

// What name_config() named: cuDNN itself checks whether the graph has such an engine. NULL: it has
// not.
cudnnBackendDescriptor_t named_config(arena &a, cudnnBackendDescriptor_t of, const char *name)
{
    cudnnBackendDescriptor_t engine = a.add(CUDNN_BACKEND_ENGINE_DESCRIPTOR),
                             config = a.add(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    std::vector<cudnnBackendDescriptor_t> choices;
    char *at;
    int64_t index = strtoll(name, &at, 10);
    int type, read;
    long long value;

    a.set(engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, of);
    a.set(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &index);
    a.set_gpu(engine, NO_NAME, CUDNN_ATTR_ENGINE_DEVICEPROP);
    if (at == name || !a.finalize(engine))
        return NULL;
    for (; sscanf(at, " %d=%lld%n", &type, &value, &read) == 2; at += read) {
        cudnnBackendKnobType_t knob = (cudnnBackendKnobType_t)type;
        int64_t wide = value;

        choices.push_back(a.add(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR));
        a.set(choices.back(), CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &knob);
        a.set(choices.back(), CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &wide);
        if (choices.size() > KNOBS || !a.finalize(choices.back()))
            return NULL;
    }
    a.set(config, CUDNN_ATTR_ENGINECFG_ENGINE, engine);
    if (!choices.empty())
        a.set(config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR,
              (int64_t)choices.size(), choices.data());
    return *at == '\0' && a.finalize(config) ? config : NULL;
}

// Adds the configuration's way, if it needs no more memory than there is for it.
void add_way(std::shared_ptr<arena> a, cudnnBackendDescriptor_t config, bool bare, cuda_ways *out)
{
    std::unique_ptr<cudnn_way> way(new cudnn_way(a->c, a));
    int64_t bytes = 0, got = 0;

    way->bare = bare;
    way->plan = way->own.add(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    way->own.set_gpu(way->plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE,
                     CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP);
    way->own.set(way->plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
    if (!name_config(*a, config, bare, way->name, sizeof(way->name)) ||
        !way->own.finalize(way->plan) ||
        !way->own.get(way->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1,
                      &got, &bytes) ||
        (size_t)bytes > CUDA_WORKSPACE_MAX)
        return;
    way->workspace_bytes = (size_t)bytes;
    out->push_back(std::move(way));
}

void add_favourites(std::shared_ptr<arena> a, cudnnBackendDescriptor_t of, bool bare, bool single,
                    cudnnBackendHeurMode_t mode, cuda_ways *out)
{
    cudnnBackendDescriptor_t heuristic = a->add(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    cudnnBackendDescriptor_t configs[ASKED];
    int64_t count = 0;

    a->set(heuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, of);
    a->set(heuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    a->set_gpu(heuristic, NO_NAME, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP);
    if (!a->finalize(heuristic))
        return;
    for (int i = 0; i < ASKED; i++)
        configs[i] = a->add(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    if (!a->ok || !a->get(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                          ASKED, &count, configs))
        return;
    for (int i = 0; i < count && i < ASKED && out->size() < FAVOURITES; i++)
        if (suits(*a, engine_of(*a, configs[i]), single))
            add_way(a, configs[i], bare, out);
}

// Two spatial dimensions, dense tensors with channels last.
bool is_ours(const struct job &j)
{
    const struct job_window &w = j.u.window;
    int inputs = w.inputs * w.group;

    return w.in[0] == 1 && w.kernel[0] == 1 && j.dims[1] == 1 && j.t[1].step[4] == 1 &&
           j.t[1].step[3] == inputs && j.t[0].step[4] == 1 && j.t[0].step[3] == j.dims[4];
}

} // namespace

cuda_ways cuda_cudnn_ways(struct cuda_cudnn *c, const struct job *job, const char *name)
{
    bool single = job->t[0].type == NN_FLOAT32;
    cuda_ways ways;

    if (!is_ours(*job))
        return ways;
    for (int bare = !fuses(*job); bare < 2 && ways.empty(); bare++) {
        const char *start = bare ? NAME_BARE : NAME;
        std::shared_ptr<arena> a = std::make_shared<arena>(c);
        cudnnBackendDescriptor_t of = make_graph(*a, *job, bare != 0);

        if (!of)
            continue;
        if (!name) {
            add_favourites(a, of, bare != 0, single, CUDNN_HEUR_MODE_A, &ways);
        } else if (!strncmp(name, start, strlen(start))) {
            cudnnBackendDescriptor_t config = named_config(*a, of, name + strlen(start));

            if (config)
                add_way(a, config, bare != 0, &ways);
        }
    }
    return ways;
}
