// The CUDA backend: a graph becomes jobs (cuda_job.h), jobs become one CUDA graph that is replayed.
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/cuda_state.h"
#include "kernels/cuda_library.h"

static bool fail(const struct cuda *c, const char *what)
{
    log_error("the GPU failed: %s: %s", what, c->api->error());
    return false;
}

enum nn_type cuda_type(const struct cuda *c, int value)
{
    enum nn_type type = c->graph->values[value].type;

    return type == NN_FLOAT32 ? c->type : type;
}

void cuda_steps(const struct nn_shape *shape, bool last, int *out)
{
    int step = 1, channels = last ? (int)shape->dims[1] : 1;

    if (last) {
        out[1] = 1;
        step = channels;
    }
    for (int i = shape->rank - 1; i >= 0; i--)
        if (!last || i != 1) {
            out[i] = step;
            step *= (int)shape->dims[i];
        }
}

// Device memory that lives as long as the backend. NULL: logged.
static void *take(struct cuda *c, size_t bytes)
{
    void *block = c->api->take(bytes);

    if (!block) {
        log_error("%s: no GPU memory for %zu bytes of weights: %s", c->graph->path, bytes,
                  c->api->error());
        return NULL;
    }
    c->constants = mem_grow(c->constants, c->constant_count, &c->constant_room, sizeof(void *));
    c->constants[c->constant_count++] = block;
    return block;
}

int cuda_buffer(struct cuda *c, size_t bytes, bool now)
{
    void *block;

    if (!now)
        return program_add_buffer(c->program, bytes);
    block = take(c, bytes);
    return block ? program_add_fixed(c->program, block, bytes) : GRAPH_NONE;
}

int cuda_upload(struct cuda *c, const void *data, size_t bytes)
{
    int buffer = cuda_buffer(c, bytes, true);

    if (buffer == GRAPH_NONE)
        return GRAPH_NONE;
    if (!c->api->upload(c->device, c->program->buffers[buffer].data, data, bytes) ||
        !c->api->wait(c->device)) {
        fail(c, "upload of weights");
        return GRAPH_NONE;
    }
    return buffer;
}

void cuda_put(struct cuda *c, int value, int buffer, enum nn_type type, bool last)
{
    struct cuda_form *f = mem_new(1, sizeof(*f)), **at = &c->forms[value];

    *f = (struct cuda_form){buffer, type, last, NULL};
    while (*at)
        at = &(*at)->next;
    *at = f;
}

int cuda_make(struct cuda *c, int value, enum nn_type type, bool last)
{
    size_t count = (size_t)shape_count(&c->graph->values[value].shape);
    int buffer = cuda_buffer(c, count * nn_type_size(type), c->graph->values[value].constant);

    if (buffer != GRAPH_NONE)
        cuda_put(c, value, buffer, type, last);
    return buffer;
}

const struct cuda_form *cuda_form(struct cuda *c, int value)
{
    const struct tensor *t = c->graph->values[value].constant;

    if (!c->forms[value] && t) {
        int buffer = cuda_upload(c, t->data, tensor_bytes(t));

        if (buffer == GRAPH_NONE)
            return NULL;
        cuda_put(c, value, buffer, t->type, false);
    }
    return c->forms[value];
}

int cuda_want(struct cuda *c, int value, enum nn_type type, bool last)
{
    const struct nn_shape *shape = &c->graph->values[value].shape;
    const struct cuda_form *first = cuda_form(c, value);
    struct cuda_draft d = cuda_draft(NULL, JOB_MAP);
    struct cuda_form made = {.type = type, .last = last && shape->rank >= 3};

    for (const struct cuda_form *f = first; f; f = f->next)
        if (f->type == type && f->last == made.last)
            return f->buffer;
    if (!first)
        return GRAPH_NONE;
    made.buffer = cuda_make(c, value, type, made.last);
    d.kind = "reorder";
    d.job.u.map.integers = !cuda_is_float(type);
    cuda_bind_form(c, &d, 0, value, &made, shape);
    cuda_bind_form(c, &d, 1, value, first, shape);
    cuda_tidy(&d.job, 0, d.job.rank, 0);
    cuda_count(&d.job, d.job.rank);
    if (made.buffer == GRAPH_NONE || !cuda_add(c, NULL, &d, c->graph->values[value].constant))
        return GRAPH_NONE;
    return made.buffer;
}

int cuda_want_rows(struct cuda *c, int value)
{
    return cuda_want(c, value, cuda_type(c, value), false);
}

struct cuda_draft cuda_draft(const struct node *node, enum job_kind kind)
{
    struct cuda_draft d = {.job.kind = kind, .kind = node ? node->op->name : ""};

    for (int t = 0; t < JOB_TENSORS; t++)
        d.buffers[t] = GRAPH_NONE;
    return d;
}

void cuda_bind_form(struct cuda *c, struct cuda_draft *d, int t, int value,
                    const struct cuda_form *form, const struct nn_shape *over)
{
    const struct nn_shape *shape = &c->graph->values[value].shape;
    int steps[NN_MAX_RANK], lead = over->rank - shape->rank;

    cuda_steps(shape, form->last, steps);
    d->job.rank = over->rank;
    for (int i = 0; i < over->rank; i++) {
        d->job.dims[i] = (int)over->dims[i];
        d->job.t[t].step[i] = i < lead || shape->dims[i - lead] == 1 ? 0 : steps[i - lead];
    }
    d->job.t[t].type = form->type;
    d->buffers[t] = form->buffer;
}

static void swap_dims(struct job *j, int a, int b)
{
    int size = j->dims[a];

    j->dims[a] = j->dims[b];
    j->dims[b] = size;
    for (int t = 0; t < JOB_TENSORS; t++) {
        int step = j->t[t].step[a];

        j->t[t].step[a] = j->t[t].step[b];
        j->t[t].step[b] = step;
    }
}

static void drop_dim(struct job *j, int at)
{
    for (int i = at; i + 1 < j->rank; i++)
        swap_dims(j, i, i + 1);
    j->rank--;
}

// Dimension at+1 goes on where at's next element lies, in every tensor.
static bool is_one(const struct job *j, int at)
{
    for (int t = 0; t < JOB_TENSORS; t++)
        if (j->t[t].step[at] != j->t[t].step[at + 1] * j->dims[at + 1])
            return false;
    return true;
}

void cuda_tidy(struct job *j, int first, int end, int t)
{
    int before = j->rank;

    for (int i = end - 1; i >= first; i--)
        if (j->dims[i] == 1) {
            drop_dim(j, i);
            end--;
        }
    for (int i = first; i < end; i++) // few: by insertion, which keeps equals in order
        for (int k = i; k > first && j->t[t].step[k] > j->t[t].step[k - 1]; k--)
            swap_dims(j, k, k - 1);
    for (int i = end - 2; i >= first; i--)
        if (is_one(j, i)) {
            for (int k = 0; k < JOB_TENSORS; k++)
                j->t[k].step[i] = j->t[k].step[i + 1];
            j->dims[i] *= j->dims[i + 1];
            drop_dim(j, i + 1);
            end--;
        }
    if (first < j->outer)
        j->outer -= before - j->rank;
}

void cuda_count(struct job *j, int end)
{
    j->count = 1;
    for (int i = 0; i < end; i++)
        j->count *= j->dims[i];
}

// One job as a step.
struct job_step {
    struct cuda *cuda;
    struct job job;
    int buffers[JOB_TENSORS], workspace;
};

static void bind_memory(struct job *j, const int *buffers, const struct program *p)
{
    for (int t = 0; t < JOB_TENSORS; t++)
        j->t[t].data = buffers[t] == GRAPH_NONE ? NULL : p->buffers[buffers[t]].data;
}

static bool step_bound(struct step *step, const struct program *p)
{
    struct job_step *s = step->data;

    bind_memory(&s->job, s->buffers, p);
    if (s->workspace != GRAPH_NONE)
        s->job.workspace = p->buffers[s->workspace].data;
    return true;
}

// Steps that are timed alone are waited for.
static bool settled(struct cuda *c, bool ok, const char *what)
{
    return (ok && (!c->timed || c->api->wait(c->device))) || fail(c, what);
}

static bool step_job(struct step *step)
{
    struct job_step *s = step->data;

    return settled(s->cuda, s->cuda->api->launch(s->cuda->device, &s->job), step->kind);
}

// Asks libraries, and keeps account of what that takes.
static void prepare(struct cuda *c, struct job *job)
{
    int64_t begin = clock_now_ns();

    c->api->prepare(c->device, job);
    begin = clock_now_ns() - begin;
    c->prepare_ns += begin;
    c->prepared++;
    log_debug("%s: job %d by %s, chosen in %.1f ms", c->graph->path, c->prepared, c->api->way(job),
              (double)begin / NS_PER_MS);
}

static bool run_now(struct cuda *c, struct cuda_draft *d)
{
    bind_memory(&d->job, d->buffers, c->program);
    return (c->api->launch(c->device, &d->job) && c->api->wait(c->device)) || fail(c, d->kind);
}

bool cuda_add(struct cuda *c, const struct node *n, struct cuda_draft *d, bool now)
{
    struct job_step *s;
    struct step *step;

    if (d->job.count == 0)
        return true;
    for (int t = 0; t < JOB_TENSORS; t++) // so that libraries see what is there
        d->job.t[t].data = d->buffers[t] == GRAPH_NONE ? NULL : d;
    if (now)
        return run_now(c, d);
    if (d->job.kind == JOB_CONV || d->job.kind == JOB_PRODUCT)
        prepare(c, &d->job);
    s = mem_new(1, sizeof(*s));
    *s = (struct job_step){.cuda = c, .job = d->job, .workspace = GRAPH_NONE};
    memcpy(s->buffers, d->buffers, sizeof(s->buffers));
    step = program_add_step(c->program, d->kind, n);
    step->data = s;
    step->bind = step_bound;
    step->run = step_job;
    step->destroy = mem_free;
    step->detail = c->api->way(&s->job);
    for (int t = 0; t < JOB_TENSORS; t++)
        if (s->buffers[t] != GRAPH_NONE)
            program_use(c->program, s->buffers[t]);
    if (s->job.workspace_bytes) {
        s->workspace = program_add_buffer(c->program, s->job.workspace_bytes);
        program_use(c->program, s->workspace);
    }
    return true;
}

bool cuda_fits(const struct cuda *c, const struct node *n)
{
    for (int i = 0; i < n->in_count + n->out_count; i++) {
        int value = i < n->in_count ? n->in[i] : n->out[i - n->in_count];

        if (value != GRAPH_NONE && shape_count(&c->graph->values[value].shape) > JOB_MAX_COUNT)
            return false;
    }
    return true;
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

    return settled(s->cuda,
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
        return fail(c, "memory for copies");
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
    c->forms = NULL;
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
        return fail(c, "the first run");
    ran = clock_now_ns();
    c->recorded = c->api->record(c->device) && program_run(p) && c->api->recorded(c->device);
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
               fail(c, "a run");
    if (c->on_device && !c->api->enter(c->device))
        return fail(c, "a run");
    ok = run_program(p) &&
         ((c->on_device ? c->api->leave : c->api->wait)(c->device) || fail(c, "a run"));
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
