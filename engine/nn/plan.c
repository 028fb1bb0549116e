#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "engine/nn/backend.h"
#include "engine/nn/model.h"
#include "engine/nn/pass.h"

struct nn_plan {
    const struct nn_model *model;
    struct graph *graph;
    struct program *program;
    const struct backend *backend;
    void *state;
    bool on_device;
    int *inputs; // the graph's array of values
    int input_count;
};

// Best first.
static const struct backend *const backends[] = {
    &backend_cuda,
#ifdef NN_HAVE_ONEDNN
    &backend_onednn,
#endif
    &backend_reference,
};

#define BACKENDS (sizeof(backends) / sizeof(*backends))

static bool fits(const struct nn_shape *declared, const struct nn_shape *asked)
{
    if (declared->rank != asked->rank)
        return false;
    for (int i = 0; i < declared->rank; i++)
        if (asked->dims[i] < 0 || (declared->dims[i] >= 0 && declared->dims[i] != asked->dims[i]))
            return false;
    return true;
}

static bool shape_input(struct graph *g, int index, const struct nn_plan_params *params)
{
    struct value *v = &g->values[g->inputs[index]];
    const struct nn_shape *asked = NULL;
    char a[SHAPE_TEXT], b[SHAPE_TEXT];

    if (params->input_shapes && index < params->input_shape_count)
        asked = &params->input_shapes[index];
    if (asked && !fits(&v->shape, asked)) {
        log_error("%s: input '%s' of shape %s does not take %s", g->path, v->name,
                  shape_text(&v->shape, a), shape_text(asked, b));
        return false;
    }
    for (int i = 0; i < v->shape.rank; i++)
        v->shape.dims[i] = asked ? asked->dims[i] : v->shape.dims[i] < 0 ? 1 : v->shape.dims[i];
    if (shape_count(&v->shape) < 0) {
        log_error("%s: input '%s' is too large", g->path, v->name);
        return false;
    }
    v->shaped = true;
    return true;
}

static bool fix_input(struct graph *g, int index, const void *data)
{
    struct value *v = &g->values[g->inputs[index]];
    struct tensor *t = tensor_create(v->type, &v->shape);

    if (!t) {
        log_error("%s: no memory for input '%s'", g->path, v->name);
        return false;
    }
    memcpy(t->data, data, tensor_bytes(t));
    graph_set_constant(g, g->inputs[index], t);
    return true;
}

static bool prepare_graph(struct graph *g, const struct nn_plan_params *params,
                          const struct backend *backend)
{
    enum nn_type *types = mem_new((size_t)g->output_count, sizeof(*types));
    bool ok = true;

    for (int i = 0; i < g->output_count; i++) // undeclared: as it comes
        types[i] = g->values[g->outputs[i]].typed ? g->values[g->outputs[i]].type : NN_FLOAT32;
    for (int i = 0; i < g->input_count && ok; i++)
        ok = shape_input(g, i, params);
    for (int i = 0; i < g->input_count && ok; i++)
        if (params->input_values && i < params->input_shape_count && params->input_values[i])
            ok = fix_input(g, i, params->input_values[i]);
    if (ok)
        pass_widen(g);
    ok = ok && pass_infer(g) && pass_narrow(g, types) &&
         (!backend->fuses || pass_fuse(g, backend->attends));
    mem_free(types);
    return ok;
}

// Inputs have their buffers before a backend sees the program, outputs keep theirs when it is done.
static void add_inputs(struct nn_plan *plan)
{
    struct program *p = plan->program;

    for (int i = 0; i < plan->input_count; i++) {
        const struct value *v = &plan->graph->values[plan->inputs[i]];

        if (v->constant)
            continue;
        p->plain[plan->inputs[i]] =
            program_add_buffer(p, (size_t)shape_count(&v->shape) * nn_type_size(v->type));
    }
}

static bool keep_outputs(struct nn_plan *plan)
{
    struct program *p = plan->program;

    for (int i = 0; i < plan->input_count; i++) {
        int buffer = p->plain[plan->inputs[i]];

        if (buffer != GRAPH_NONE && !p->buffers[buffer].fixed) {
            p->buffers[buffer].first = 0; // written before the first step
            if (p->buffers[buffer].last < 0)
                p->buffers[buffer].last = 0;
        }
    }
    for (int i = 0; i < plan->graph->output_count; i++) {
        int buffer = backend_plain(p, plan->graph->outputs[i]);

        if (buffer == GRAPH_NONE) {
            log_error("%s: nothing makes the output '%s'", plan->graph->path,
                      plan->graph->values[plan->graph->outputs[i]].name);
            return false;
        }
        program_keep(p, buffer);
    }
    return true;
}

// What planning for a backend has made.
static void clear(struct nn_plan *p)
{
    program_destroy(&p->program);
    if (p->state)
        p->backend->destroy(p->state);
    p->state = NULL;
    graph_destroy(&p->graph);
}

// BUILD_REFUSED: the backend could not; another one may.
enum build_result { BUILD_DONE, BUILD_REFUSED, BUILD_FAILED };

static enum build_result build(struct nn_plan *plan, const struct nn_model *model,
                               const struct nn_plan_params *params)
{
    plan->model = model;
    plan->graph = graph_clone(model->file.graph);
    plan->input_count = plan->graph->input_count;
    plan->inputs = plan->graph->inputs;
    if (!prepare_graph(plan->graph, params, plan->backend))
        return BUILD_FAILED;
    plan->program = program_create(plan->graph);
    add_inputs(plan);
    if (!plan->backend->compile(plan->state, plan->graph, plan->program))
        return BUILD_REFUSED;
    if (!keep_outputs(plan))
        return BUILD_FAILED;
    if (!program_place(plan->program)) // what a GPU has no room for, this machine may have
        return plan->program->take ? BUILD_REFUSED : BUILD_FAILED;
    if (plan->backend->start && !plan->backend->start(plan->state, plan->program))
        return BUILD_REFUSED;
    plan->on_device = params->device && plan->backend->device;
    log_debug("%s: %s, %d steps, slab of %.1f MB, %.1f MB of arranged weights", plan->graph->path,
              nn_plan_backend_name(plan), plan->program->step_count,
              (double)plan->program->slab_bytes / 1e6, (double)plan->program->constant_bytes / 1e6);
    return BUILD_DONE;
}

struct nn_plan *nn_plan_create(const struct nn_model *model, const struct nn_plan_params *params)
{
    struct nn_plan_params full = params ? *params : (struct nn_plan_params){0};
    struct nn_plan *plan = mem_new(1, sizeof(*plan));
    enum build_result result = BUILD_REFUSED;
    bool no_gpu = full.backend == NN_BACKEND_PROCESSOR,
         any = full.backend == NN_BACKEND_AUTO || no_gpu, here = false;

    full.threads = full.threads > 0 ? full.threads : parallel_cores();
    for (size_t i = 0; i < BACKENDS && result == BUILD_REFUSED; i++) {
        if ((!any && full.backend != backends[i]->id) ||
            (no_gpu && backends[i]->id == NN_BACKEND_CUDA))
            continue;
        plan->backend = backends[i];
        plan->state = backends[i]->create(&full);
        if (!plan->state)
            continue;
        here = any = true;
        result = build(plan, model, &full);
        if (result == BUILD_REFUSED && i + 1 < BACKENDS) {
            log_warn("%s: %s cannot plan this network; the next best is used, which is slower",
                     model->file.graph->path, nn_plan_backend_name(plan));
            clear(plan);
        }
    }
    if (!here)
        log_error("%s: the backend asked for is not here; leave the choice to the program",
                  model->file.graph->path);
    if (result != BUILD_DONE)
        nn_plan_destroy(&plan);
    return plan;
}

void nn_plan_destroy(struct nn_plan **plan)
{
    struct nn_plan *p = *plan;

    if (!p)
        return;
    clear(p);
    mem_free(p);
    *plan = NULL;
}

// The name is the model's: passes may have put another value in its place.
static struct nn_value_info info_of(const struct value *v, const char *name)
{
    return (struct nn_value_info){.name = name, .type = v->type, .shape = v->shape};
}

struct nn_value_info nn_plan_input_info(const struct nn_plan *plan, int index)
{
    return info_of(&plan->graph->values[plan->inputs[index]],
                   nn_model_input(plan->model, index).name);
}

struct nn_value_info nn_plan_output_info(const struct nn_plan *plan, int index)
{
    return info_of(&plan->graph->values[plan->graph->outputs[index]],
                   nn_model_output(plan->model, index).name);
}

void *nn_plan_input(struct nn_plan *plan, int index)
{
    int value = plan->inputs[index];
    int buffer = plan->graph->values[value].constant ? GRAPH_NONE : plan->program->plain[value];

    return buffer == GRAPH_NONE ? NULL : plan->program->buffers[buffer].data;
}

const void *nn_plan_output(const struct nn_plan *plan, int index)
{
    return plan->program->buffers[plan->program->plain[plan->graph->outputs[index]]].data;
}

bool nn_plan_on_device(const struct nn_plan *plan)
{
    return plan->on_device;
}

static bool run_with(struct nn_plan *plan, bool (*run_program)(struct program *))
{
    if (plan->backend->run)
        return plan->backend->run(plan->state, plan->program, run_program);
    return run_program(plan->program);
}

bool nn_plan_run(struct nn_plan *plan)
{
    return run_with(plan, program_run);
}

void nn_plan_profile(struct nn_plan *plan, int runs)
{
    for (int i = 0; i < plan->program->step_count; i++)
        plan->program->steps[i].best_ns = 0;
    for (int i = 0; i < runs; i++)
        if (!run_with(plan, program_run_timed))
            return;
    if (runs > 0)
        program_report(plan->program);
}

size_t nn_plan_slab_bytes(const struct nn_plan *plan)
{
    return plan->program->slab_bytes;
}

const char *nn_plan_backend_name(const struct nn_plan *plan)
{
    return plan->backend->describe(plan->state);
}
