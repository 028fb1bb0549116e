// The CPU backend: oneDNN primitives where it has one, the reference kernels elsewhere. Layouts are
// oneDNN's choice; a value is put back into rows only where a reference kernel or the caller reads
// it.
#include <limits.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/onednn_state.h"

struct primitive_step {
    dnnl_primitive_t primitive;
    dnnl_stream_t stream;
    int count;
    int *buffers;
    dnnl_exec_arg_t *args;
};

static void primitive_destroy(void *data)
{
    struct primitive_step *s = data;

    for (int i = 0; i < s->count; i++)
        dnnl_memory_destroy(s->args[i].memory);
    dnnl_primitive_destroy(s->primitive);
    mem_free(s->buffers);
    mem_free(s->args);
    mem_free(s);
}

static bool primitive_bind(struct step *step, const struct program *p)
{
    struct primitive_step *s = step->data;

    for (int i = 0; i < s->count; i++)
        if (dnnl_memory_set_data_handle(s->args[i].memory, p->buffers[s->buffers[i]].data) !=
            dnnl_success) {
            log_error("%s: oneDNN does not take memory for %s '%s'", p->graph->path, step->kind,
                      step->name);
            return false;
        }
    return true;
}

static bool primitive_run(struct step *step)
{
    struct primitive_step *s = step->data;
    dnnl_status_t status = dnnl_primitive_execute(s->primitive, s->stream, s->count, s->args);

    if (status != dnnl_success)
        log_error("oneDNN failed to run %s '%s' (status %d)", step->kind, step->name, (int)status);
    return status == dnnl_success;
}

dnnl_primitive_attr_t onednn_attr(void)
{
    dnnl_primitive_attr_t attr = NULL;

    if (dnnl_primitive_attr_create(&attr) == dnnl_success)
        dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    return attr;
}

static bool set_argument(struct onednn *o, struct primitive_step *s, const struct argument *a)
{
    s->args[s->count].arg = a->index;
    if (dnnl_memory_create(&s->args[s->count].memory, a->md, o->arena.engine, DNNL_MEMORY_NONE) !=
        dnnl_success)
        return false;
    s->buffers[s->count++] = a->buffer;
    program_use(o->program, a->buffer);
    return true;
}

bool onednn_add_primitive(struct onednn *o, const char *kind, const struct node *node,
                          const_dnnl_primitive_desc_t pd, const struct argument *arguments,
                          int count)
{
    onednn_md scratch = onednn_md_of(pd, dnnl_query_scratchpad_md, 0);
    struct primitive_step *s = mem_new(1, sizeof(*s));
    struct step *step = program_add_step(o->program, kind, node);
    bool ok;

    step->data = s;
    step->bind = primitive_bind;
    step->run = primitive_run;
    step->destroy = primitive_destroy;
    step->detail = onednn_implementation(pd); // the arena keeps pd
    s->stream = o->stream;
    s->buffers = mem_new((size_t)count + 1, sizeof(int));
    s->args = mem_new((size_t)count + 1, sizeof(*s->args));
    ok = dnnl_primitive_create(&s->primitive, pd) == dnnl_success;
    for (int i = 0; i < count && ok; i++)
        ok = set_argument(o, s, &arguments[i]);
    if (ok && scratch && onednn_md_bytes(scratch)) {
        struct argument a = {DNNL_ARG_SCRATCHPAD, scratch,
                             program_add_buffer(o->program, onednn_md_bytes(scratch))};

        ok = set_argument(o, s, &a);
    }
    if (!ok)
        log_error("%s: oneDNN could not make %s '%s'; is memory short?", o->graph->path, kind,
                  step->name);
    return ok;
}

onednn_md onednn_ranked_md(struct onednn *o, int value, int rank, dnnl_data_type_t type)
{
    const struct nn_shape *s = &o->graph->values[value].shape;
    int64_t dims[NN_MAX_RANK];

    for (int i = 0; i < rank; i++)
        dims[i] = i < rank - s->rank ? 1 : s->dims[i - (rank - s->rank)];
    return onednn_md_dense(&o->arena, rank, dims, type);
}

onednn_md onednn_plain_md(struct onednn *o, int value)
{
    return onednn_ranked_md(o, value, o->graph->values[value].shape.rank, dnnl_f32);
}

onednn_md onednn_rows_md(struct onednn *o, int value)
{
    return onednn_ranked_md(o, value, o->graph->values[value].shape.rank, o->type);
}

void onednn_put(struct onednn *o, int value, onednn_md md, int buffer)
{
    struct form *f = mem_new(1, sizeof(*f));

    *f = (struct form){md, buffer, o->forms[value]};
    o->forms[value] = f;
    if (o->program->plain[value] == GRAPH_NONE && onednn_md_equal(md, onednn_plain_md(o, value)))
        o->program->plain[value] = buffer;
}

const struct form *onednn_form(struct onednn *o, int value)
{
    int plain = backend_plain(o->program, value);

    if (!o->forms[value] && plain != GRAPH_NONE)
        onednn_put(o, value, onednn_plain_md(o, value), plain);
    return o->forms[value];
}

int onednn_make(struct onednn *o, int value, onednn_md md)
{
    int buffer = program_add_buffer(o->program, onednn_md_bytes(md));

    onednn_put(o, value, md, buffer);
    return buffer;
}

// Runs a reorder of constants at once. False: logged.
static bool reorder_now(struct onednn *o, const_dnnl_primitive_desc_t pd, onednn_md from_md,
                        const void *from, onednn_md to_md, void *to)
{
    onednn_md scratch_md = onednn_md_of(pd, dnnl_query_scratchpad_md, 0);
    size_t scratch_bytes = scratch_md ? onednn_md_bytes(scratch_md) : 0;
    void *scratch = mem_try_block(scratch_bytes);
    dnnl_memory_t memory[3] = {0};
    dnnl_primitive_t primitive = NULL;
    bool ok =
        scratch && dnnl_primitive_create(&primitive, pd) == dnnl_success &&
        dnnl_memory_create(&memory[0], from_md, o->arena.engine, (void *)from) == dnnl_success &&
        dnnl_memory_create(&memory[1], to_md, o->arena.engine, to) == dnnl_success &&
        (!scratch_bytes ||
         dnnl_memory_create(&memory[2], scratch_md, o->arena.engine, scratch) == dnnl_success);
    dnnl_exec_arg_t args[3] = {
        {DNNL_ARG_FROM, memory[0]}, {DNNL_ARG_TO, memory[1]}, {DNNL_ARG_SCRATCHPAD, memory[2]}};

    ok =
        ok &&
        dnnl_primitive_execute(primitive, o->stream, scratch_bytes ? 3 : 2, args) == dnnl_success &&
        dnnl_stream_wait(o->stream) == dnnl_success;
    for (int i = 0; i < 3; i++)
        dnnl_memory_destroy(memory[i]);
    dnnl_primitive_destroy(primitive);
    mem_free(scratch);
    if (!ok)
        log_error("%s: oneDNN could not arrange weights; is memory short?", o->graph->path);
    return ok;
}

// A new buffer with from's elements as `md` says. GRAPH_NONE: logged.
static int reorder(struct onednn *o, int value, onednn_md from_md, int from, onednn_md md)
{
    dnnl_primitive_attr_t attr = onednn_attr();
    dnnl_primitive_desc_t pd = onednn_pd_reorder(&o->arena, from_md, md, attr);
    const void *constant = o->program->buffers[from].fixed;
    int buffer = GRAPH_NONE;

    dnnl_primitive_attr_destroy(attr);
    if (!pd) {
        log_error("%s: oneDNN cannot rearrange '%s'", o->graph->path, o->graph->values[value].name);
        return GRAPH_NONE;
    }
    if (constant) {
        void *block = program_add_constant(o->program, onednn_md_bytes(md), &buffer);

        if (block)
            memset(block, 0, onednn_md_bytes(md)); // padding
        return block && reorder_now(o, pd, from_md, constant, md, block) ? buffer : GRAPH_NONE;
    }
    buffer = program_add_buffer(o->program, onednn_md_bytes(md));
    {
        struct argument args[] = {{DNNL_ARG_FROM, from_md, from}, {DNNL_ARG_TO, md, buffer}};

        return onednn_add_primitive(o, "reorder", NULL, pd, args, 2) ? buffer : GRAPH_NONE;
    }
}

int onednn_want(struct onednn *o, int value, onednn_md md)
{
    const struct form *first = onednn_form(o, value);
    int buffer;

    for (const struct form *f = first; f; f = f->next)
        if (onednn_md_equal(f->md, md))
            return f->buffer;
    if (!first)
        return GRAPH_NONE;
    buffer = reorder(o, value, first->md, first->buffer, md);
    if (buffer != GRAPH_NONE)
        onednn_put(o, value, md, buffer);
    return buffer;
}

int onednn_want_view(struct onednn *o, int value, onednn_md view, onednn_md md)
{
    int plain = onednn_want(o, value, onednn_plain_md(o, value));

    if (plain == GRAPH_NONE || onednn_md_equal(view, md))
        return plain;
    return reorder(o, value, view, plain, md);
}

bool onednn_dies_here(const struct onednn *o, int value)
{
    return o->last_reader[value] <= o->position;
}

static bool holds(const struct onednn *o, int value, int buffer)
{
    int plain = o->program->plain[value];

    if (plain != GRAPH_NONE && program_share(o->program, plain, buffer))
        return true;
    for (const struct form *f = o->forms[value]; f; f = f->next)
        if (program_share(o->program, f->buffer, buffer))
            return true;
    return false;
}

bool onednn_is_writable(const struct onednn *o, int value, int buffer)
{
    if (o->program->buffers[buffer].fixed)
        return false;
    for (int v = 0; v < o->value_count; v++)
        if (v != value && o->last_reader[v] >= o->position && holds(o, v, buffer))
            return false;
    return true;
}

void onednn_forget(struct onednn *o, int value, int buffer)
{
    struct form **at = &o->forms[value];

    while (*at && (*at)->buffer != buffer)
        at = &(*at)->next;
    if (*at) {
        struct form *gone = *at;

        *at = gone->next;
        mem_free(gone);
    }
    if (o->program->plain[value] == buffer)
        o->program->plain[value] = GRAPH_NONE;
}

bool onednn_copy(struct onednn *o, onednn_md md, int from, int to)
{
    dnnl_primitive_attr_t attr = onednn_attr();
    dnnl_primitive_desc_t pd = onednn_pd_reorder(&o->arena, md, md, attr);
    struct argument args[] = {{DNNL_ARG_FROM, md, from}, {DNNL_ARG_TO, md, to}};

    dnnl_primitive_attr_destroy(attr);
    return pd && onednn_add_primitive(o, "copy", NULL, pd, args, 2);
}

bool onednn_has_isa(dnnl_cpu_isa_t isa)
{
    return (dnnl_get_effective_cpu_isa() & isa) == isa;
}

// bfloat16 is faster only on AMX; asked for, it also runs where the processor multiplies it at all.
static dnnl_data_type_t choose_type(enum nn_precision precision)
{
    if (precision == NN_PRECISION_AUTO)
        return onednn_has_isa(dnnl_cpu_isa_avx512_core_amx) ? dnnl_bf16 : dnnl_f32;
    if (precision == NN_PRECISION_BF16 && onednn_has_isa(dnnl_cpu_isa_avx512_core_bf16))
        return dnnl_bf16;
    if (precision != NN_PRECISION_FP32)
        log_warn("this processor does not compute in the precision asked for; float32 is used");
    return dnnl_f32;
}

static void set_name(struct onednn *o)
{
    const dnnl_version_t *v = dnnl_version();

    snprintf(o->name, sizeof(o->name), "oneDNN %d.%d.%d %s", v->major, v->minor, v->patch,
             o->type == dnnl_bf16 ? "bf16" : "fp32");
}

static void destroy(void *state)
{
    struct onednn *o = state;
    dnnl_engine_t engine = o->arena.engine;

    onednn_arena_finish(&o->arena);
    if (o->stream)
        dnnl_stream_destroy(o->stream);
    if (engine)
        dnnl_engine_destroy(engine);
    mem_free(o);
}

static void *create(const struct nn_plan_params *params)
{
    struct onednn *o = mem_new(1, sizeof(*o));

    o->threads = params->threads;
    o->type = choose_type(params->precision);
    if (dnnl_engine_create(&o->arena.engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&o->stream, o->arena.engine, dnnl_stream_default_flags) !=
            dnnl_success) {
        log_debug("oneDNN does not run here");
        destroy(o);
        return NULL;
    }
    set_name(o);
    return o;
}

static void find_last_readers(struct onednn *o)
{
    const struct graph *g = o->graph;

    for (int i = 0; i < g->order_count; i++) {
        const struct node *n = &g->nodes[g->order[i]];

        for (int k = 0; k < n->in_count; k++)
            if (n->in[k] != GRAPH_NONE)
                o->last_reader[n->in[k]] = i;
        if (n->residual != GRAPH_NONE)
            o->last_reader[n->residual] = i;
    }
    for (int i = 0; i < g->output_count; i++)
        o->last_reader[g->outputs[i]] = INT_MAX;
    for (int i = 0; i < g->value_count; i++)
        if (g->values[i].constant)
            o->last_reader[i] = INT_MAX;
}

// The dense form of a value, made where it is not there. False: logged.
static bool make_plain(struct onednn *o, int value)
{
    if (value == GRAPH_NONE || backend_plain(o->program, value) != GRAPH_NONE)
        return true;
    return onednn_want(o, value, onednn_plain_md(o, value)) != GRAPH_NONE;
}

static bool compile_call(struct onednn *o, const struct node *n)
{
    for (int i = 0; i < n->in_count; i++)
        if (!make_plain(o, n->in[i]))
            return false;
    if (!make_plain(o, n->residual))
        return false;
    backend_add_call(o->program, n, NULL);
    return true;
}

static bool compile_all(struct onednn *o)
{
    const struct graph *g = o->graph;

    for (o->position = 0; o->position < g->order_count; o->position++) {
        const struct node *n = &g->nodes[g->order[o->position]];
        enum onednn_result result = onednn_compile_node(o, n);

        if (result == ONEDNN_NOT_OURS)
            result = compile_call(o, n) ? ONEDNN_DONE : ONEDNN_FAILED;
        if (result == ONEDNN_FAILED)
            return false;
    }
    for (int i = 0; i < g->output_count; i++)
        if (!make_plain(o, g->outputs[i]))
            return false;
    return true;
}

static bool compile(void *state, struct graph *graph, struct program *program)
{
    struct onednn *o = state;
    int before = omp_get_max_threads();
    bool ok;

    o->graph = graph;
    o->program = program;
    o->value_count = graph->value_count;
    o->forms = mem_new((size_t)graph->value_count, sizeof(struct form *));
    o->last_reader = mem_new((size_t)graph->value_count, sizeof(int));
    find_last_readers(o);
    omp_set_num_threads(o->threads); // primitives are made for a number of threads
    ok = compile_all(o);
    omp_set_num_threads(before);
    for (int i = 0; i < o->value_count; i++)
        while (o->forms[i]) {
            struct form *next = o->forms[i]->next;

            mem_free(o->forms[i]);
            o->forms[i] = next;
        }
    mem_free(o->forms);
    mem_free(o->last_reader);
    return ok;
}

static bool run(void *state, struct program *program, bool (*run_program)(struct program *))
{
    struct onednn *o = state;
    int before = omp_get_max_threads();
    bool ok;

    omp_set_num_threads(o->threads);
    ok = run_program(program);
    omp_set_num_threads(before);
    return ok;
}

static const char *describe(const void *state)
{
    return ((const struct onednn *)state)->name;
}

const struct backend backend_onednn = {
    .id = NN_BACKEND_CPU,
    .fuses = true,
    .attends = true,
    .create = create,
    .destroy = destroy,
    .compile = compile,
    .run = run,
    .describe = describe,
};
