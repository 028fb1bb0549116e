// The CUDA backend: a graph becomes jobs (cuda_job.h), jobs become one CUDA graph that is replayed.
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/cuda_draft.h"
#include "engine/nn/cuda_form.h"
#include "engine/nn/cuda_range.h"
#include "kernels/cuda_library.h"

bool cuda_fail(const struct cuda *c, const char *what)
{
    log_error("the GPU failed: %s: %s", what, c->api->error());
    return false;
}

bool cuda_settled(struct cuda *c, bool ok, const char *what)
{
    return (ok && (!c->timed || c->api->wait(c->device))) || cuda_fail(c, what);
}

// A copy between a host buffer and a device buffer, as a step.
struct copy_step {
    struct cuda *cuda;
    int from, to;
    const struct program *program;
};

static bool copy_bound(struct step *step, const struct program *p)
{
    ((struct copy_step *)step->data)->program = p;
    return true;
}

static bool step_copy(struct step *step)
{
    const struct copy_step *s = step->data;
    const struct buffer *from = &s->program->buffers[s->from], *to = &s->program->buffers[s->to];
    const struct nn_cuda *api = s->cuda->api;
    bool up = !strcmp(step->kind, "upload");

    return cuda_settled(s->cuda,
                        up ? api->upload(s->cuda->device, to->data, from->data, to->bytes)
                           : api->download(s->cuda->device, to->data, from->data, to->bytes),
                        step->kind);
}

static void add_copy(struct cuda *c, const char *kind, int from, int to)
{
    struct copy_step *s = mem_new(1, sizeof(*s));
    struct step *step = program_add_step(c->program, kind, NULL);

    *s = (struct copy_step){c, from, to, NULL};
    step->data = s;
    step->bind = copy_bound;
    step->run = step_copy;
    step->destroy = mem_free;
    program_use(c->program, from);
    program_use(c->program, to);
}

// Host memory that the GPU copies from and to. False: logged.
static bool give_host_memory(struct cuda *c, int buffer)
{
    struct buffer *b = &c->program->buffers[buffer];
    void *block = c->api->take_host(b->bytes);

    if (!block)
        return cuda_fail(c, "memory for copies");
    c->host = mem_grow(c->host, c->host_count, &c->host_room, sizeof(void *));
    c->host[c->host_count++] = block;
    b->fixed = b->data = block;
    return true;
}

static bool compile_inputs(struct cuda *c)
{
    for (int i = 0; i < c->graph->input_count; i++) {
        int value = c->graph->inputs[i], plain = c->program->plain[value], device;
        enum nn_type type = c->graph->values[value].type;

        if (plain == GRAPH_NONE)
            continue;
        if (c->on_device) {
            cuda_put(c, value, plain, type, false);
            continue;
        }
        if (!give_host_memory(c, plain))
            return false;
        device = cuda_make(c, value, type, false);
        if (c->program->buffers[plain].bytes)
            add_copy(c, "upload", plain, device);
    }
    return true;
}

static bool compile_outputs(struct cuda *c)
{
    for (int i = 0; i < c->graph->output_count; i++) {
        int value = c->graph->outputs[i], host, device;

        if (!c->on_device && backend_plain(c->program, value) != GRAPH_NONE)
            continue;
        device = cuda_want(c, value, c->graph->values[value].type, false);
        if (device == GRAPH_NONE)
            return false;
        c->program->plain[value] = device;
        if (c->on_device)
            continue;
        host = program_add_buffer(c->program, c->program->buffers[device].bytes);
        if (!give_host_memory(c, host))
            return false;
        c->program->plain[value] = host;
        if (c->program->buffers[host].bytes)
            add_copy(c, "download", device, host);
    }
    return true;
}

static bool compile_node(struct cuda *c, const struct node *n)
{
    static enum cuda_result (*const families[])(struct cuda *, const struct node *) = {
        cuda_compile_simple, cuda_compile_layout, cuda_compile_window, cuda_compile_math};
    enum cuda_result result = CUDA_NOT_OURS;

    for (size_t i = 0; i < sizeof(families) / sizeof(*families) && cuda_fits(c, n); i++) {
        result = families[i](c, n);
        if (result != CUDA_NOT_OURS)
            return result == CUDA_DONE;
    }
    return node_fail(c->graph, n, "the GPU does not do this one");
}

static bool compile(void *state, struct graph *graph, struct program *program)
{
    struct cuda *c = state;
    bool ok;

    c->graph = graph;
    c->program = program;
    c->forms = mem_new((size_t)graph->value_count, sizeof(struct cuda_form *));
    c->wide = cuda_range_wide(graph);
    program->take = c->api->take;
    program->give = c->api->give;
    ok = compile_inputs(c);
    for (int i = 0; i < graph->order_count && ok; i++)
        ok = compile_node(c, &graph->nodes[graph->order[i]]);
    ok = ok && compile_outputs(c);
    for (int i = 0; i < graph->value_count; i++)
        while (c->forms[i]) {
            struct cuda_form *next = c->forms[i]->next;

            mem_free(c->forms[i]);
            c->forms[i] = next;
        }
    mem_free(c->forms);
    mem_free(c->wide);
    c->forms = NULL;
    c->wide = NULL;
    return ok;
}

// A run of zeros loads what the GPU needs; then it is recorded.
static bool start(void *state, struct program *p)
{
    struct cuda *c = state;
    int64_t begin = clock_now_ns(), ran;

    if (!program_run(p))
        return false;
    if (!c->api->wait(c->device))
        return cuda_fail(c, "the first run");
    ran = clock_now_ns();
    if (c->api->record(c->device)) {
        bool whole = program_run(p);

        // in any case: the stream would go on recording
        c->recorded = c->api->recorded(c->device) && whole;
    }
    if (!c->recorded)
        log_warn(
            "no CUDA graph of the network (%s): its jobs are started one by one, which is slower",
            c->api->error());
    log_debug("%s: GPU and libraries opened in %.0f ms, %d choices in %.0f ms, first run %.0f ms, "
              "recorded in %.0f ms",
              c->graph->path, (double)c->open_ns / NS_PER_MS, c->prepared,
              (double)c->prepare_ns / NS_PER_MS, (double)(ran - begin) / NS_PER_MS,
              (double)(clock_now_ns() - ran) / NS_PER_MS);
    return true;
}

static bool run(void *state, struct program *p, bool (*run_program)(struct program *))
{
    struct cuda *c = state;
    bool ok;

    c->timed = run_program != program_run;
    if (c->recorded && !c->timed)
        return (c->api->replay(c->device, c->on_device) &&
                (c->on_device || c->api->wait(c->device))) ||
               cuda_fail(c, "a run");
    if (c->on_device && !c->api->enter(c->device))
        return cuda_fail(c, "a run");
    ok = run_program(p) &&
         ((c->on_device ? c->api->leave : c->api->wait)(c->device) || cuda_fail(c, "a run"));
    c->timed = false;
    return ok;
}

static void destroy(void *state)
{
    struct cuda *c = state;

    c->api->close(c->device);
    for (int i = 0; i < c->constant_count; i++)
        c->api->give(c->constants[i]);
    for (int i = 0; i < c->host_count; i++)
        c->api->give_host(c->host[i]);
    mem_free(c->constants);
    mem_free(c->host);
    mem_free(c);
}

static void *create(const struct nn_plan_params *params)
{
    const struct nn_cuda *(*table)(void) = NULL;
    struct cuda *c;
    char text[256];
    bool half = params->precision != NN_PRECISION_FP32;
    int64_t begin = clock_now_ns();

    if (!cuda_library_symbol("deep3d_nn_cuda", &table, text, sizeof(text))) {
        log_debug("no CUDA: %s", text);
        return NULL;
    }
    c = mem_new(1, sizeof(*c));
    c->api = table();
    c->type = half ? NN_FLOAT16 : NN_FLOAT32;
    c->on_device = params->device;
    c->device = c->api->open(half, NULL);
    if (!c->device) {
        log_warn("the GPU is not used: %s", c->api->error());
        mem_free(c);
        return NULL;
    }
    c->open_ns = clock_now_ns() - begin;
    snprintf(c->name, sizeof(c->name), "%s, %s", c->api->describe(c->device),
             half ? "fp16" : "fp32");
    return c;
}

static const char *describe(const void *state)
{
    return ((const struct cuda *)state)->name;
}

const struct backend backend_cuda = {
    .id = NN_BACKEND_CUDA,
    .fuses = true,
    .device = true,
    .create = create,
    .destroy = destroy,
    .compile = compile,
    .start = start,
    .run = run,
    .describe = describe,
};
