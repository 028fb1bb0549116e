// Attention: product, softmax, product, for a block of rows of one matrix at a time, so that the
// scores between them stay in a core's cache and never lie in the slab as a whole. Blocks are
// shared among the threads; each primitive runs on one.
#include <limits.h>
#include <omp.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "engine/nn/cpu_clones.h"
#include "engine/nn/onednn_state.h"

// Of the scores of a block: half of what a core's own cache has today.
#define BLOCK_BYTES (512 << 10)
#define ROWS_MIN 16
#define ARGS_MAX 4

// A primitive with memory objects of one thread's own.
struct call {
    dnnl_primitive_t primitive;
    int count;
    dnnl_exec_arg_t args[ARGS_MAX];
};

// What a block goes through. narrow: scores into bf16, in fp32 there is none.
enum { SCORES, SOFTMAX, NARROW, RESULT, STAGES };
// The node's inputs, its result, and every thread's room.
enum { Q, K, V, MASK, Y, ROOM, BUFFERS };

// What a thread writes: scores, in bf16 again, room for primitives.
struct room {
    size_t scores, narrow, scratch, bytes; // offsets; bytes of all
};

struct attention_step {
    dnnl_stream_t stream;
    const char *path;
    int threads;
    int64_t matrices, blocks; // blocks of a matrix
    int64_t rows, block;      // of a matrix; of every block but the last
    int64_t width, columns, depth, element;
    struct room room;
    int buffers[BUFFERS]; // MASK may be GRAPH_NONE
    char *at[BUFFERS];
    struct nn_shape scores;          // [...][rows][columns]
    int64_t mask_step[NN_MAX_RANK];  // through it
    struct call (*calls)[2][STAGES]; // of each thread: full blocks, a shorter last one
};

static void attention_destroy(void *data)
{
    struct attention_step *s = data;

    for (int t = 0; t < s->threads && s->calls; t++)
        for (int i = 0; i < 2 * STAGES; i++) {
            struct call *c = &s->calls[t][i / STAGES][i % STAGES];

            for (int k = 0; k < c->count; k++)
                dnnl_memory_destroy(c->args[k].memory);
            if (t == 0)
                dnnl_primitive_destroy(c->primitive);
        }
    mem_free(s->calls);
    mem_free(s);
}

static bool attention_bind(struct step *step, const struct program *p)
{
    struct attention_step *s = step->data;

    for (int i = 0; i < BUFFERS; i++)
        s->at[i] = s->buffers[i] == GRAPH_NONE ? NULL : p->buffers[s->buffers[i]].data;
    return true;
}

CPU_CLONES
static void add_row(float *restrict y, const float *x, int64_t step, int64_t n)
{
    if (step)
        for (int64_t i = 0; i < n; i++)
            y[i] += x[i];
    else
        for (int64_t i = 0; i < n; i++)
            y[i] += *x;
}

// row: among all rows of all matrices.
static void add_mask(const struct attention_step *s, int64_t row, int64_t count, float *scores)
{
    const struct nn_shape *shape = &s->scores;

    for (int64_t i = 0; i < count; i++) {
        int64_t at = 0, rest = row + i;

        for (int k = shape->rank - 2; k >= 0; rest /= shape->dims[k--])
            at += rest % shape->dims[k] * s->mask_step[k];
        add_row(scores + i * s->columns, (const float *)s->at[MASK] + at,
                s->mask_step[shape->rank - 1], s->columns);
    }
}

static bool call_run(const struct attention_step *s, struct call *c, void *const *memory)
{
    for (int i = 0; i < c->count; i++)
        if (dnnl_memory_set_data_handle(c->args[i].memory, memory[i]) != dnnl_success)
            return false;
    return dnnl_primitive_execute(c->primitive, s->stream, c->count, c->args) == dnnl_success;
}

static bool run_block(const struct attention_step *s, int item, int thread)
{
    int64_t matrix = item / s->blocks, first = item % s->blocks * s->block;
    int64_t row = matrix * s->rows + first, count = s->rows - first;
    struct call *c = s->calls[thread][count < s->block];
    char *room = s->at[ROOM] + (size_t)thread * s->room.bytes;
    char *scores = room + s->room.scores, *weights = room + s->room.narrow,
         *scratch = room + s->room.scratch;
    void *memory[STAGES][ARGS_MAX] = {
        [SCORES] = {s->at[Q] + row * s->width * s->element,
                    s->at[K] + matrix * s->width * s->columns * s->element, scores, scratch},
        [SOFTMAX] = {scores, scores, scratch},
        [NARROW] = {scores, weights, scratch},
        [RESULT] = {weights, s->at[V] + matrix * s->columns * s->depth * s->element,
                    s->at[Y] + row * s->depth * s->element, scratch},
    };
    bool ok = call_run(s, &c[SCORES], memory[SCORES]);

    if (s->at[MASK])
        add_mask(s, row, count < s->block ? count : s->block, (float *)scores);
    for (int i = SOFTMAX; i < STAGES && ok; i++)
        if (c[i].primitive)
            ok = call_run(s, &c[i], memory[i]);
    return ok;
}

struct job {
    const struct attention_step *s;
    bool failed;
};

static void some_blocks(void *user, int first, int end)
{
    struct job *job = user;

    int items = (int)(job->s->matrices * job->s->blocks);
    // parallel_rows gives thread t the items from items * t / threads on
    int thread = (int)(((int64_t)first * job->s->threads + items - 1) / items);

    for (int i = first; i < end; i++)
        if (!run_block(job->s, i, thread))
            __atomic_store_n(&job->failed, true, __ATOMIC_RELAXED);
}

static bool attention_run(struct step *step)
{
    const struct attention_step *s = step->data;
    struct job job = {s, false};

    parallel_rows((int)(s->matrices * s->blocks), s->threads, some_blocks, &job);
    if (job.failed)
        log_error("%s: oneDNN failed to run %s '%s'", s->path, step->kind, step->name);
    return !job.failed;
}

static onednn_md matrix(struct onednn *o, int64_t rows, int64_t columns, dnnl_data_type_t type)
{
    return onednn_md_dense(&o->arena, 2, (int64_t[]){rows, columns}, type);
}

static dnnl_primitive_desc_t scores_pd(struct onednn *o, const struct attention_step *s,
                                       int64_t rows, float scale)
{
    dnnl_primitive_attr_t attr = onednn_attr();
    dnnl_post_ops_t ops = NULL;
    dnnl_primitive_desc_t pd;

    if (dnnl_post_ops_create(&ops) == dnnl_success) {
        onednn_post_eltwise(ops, dnnl_eltwise_linear, scale, 0);
        dnnl_primitive_attr_set_post_ops(attr, ops);
        dnnl_post_ops_destroy(ops);
    }
    pd = onednn_pd_matmul(&o->arena, matrix(o, rows, s->width, o->type),
                          matrix(o, s->width, s->columns, o->type), NULL,
                          matrix(o, rows, s->columns, dnnl_f32), attr);
    dnnl_primitive_attr_destroy(attr);
    return pd;
}

// The primitives of a block of so many rows. False: oneDNN has not all of them.
static bool describe(struct onednn *o, const struct attention_step *s, int64_t rows, float scale,
                     dnnl_primitive_desc_t *pd)
{
    dnnl_primitive_attr_t attr = onednn_attr();
    onednn_md scores = matrix(o, rows, s->columns, dnnl_f32);
    onednn_md weights = matrix(o, rows, s->columns, o->type);

    pd[SCORES] = scores_pd(o, s, rows, scale);
    pd[SOFTMAX] = onednn_pd_softmax(&o->arena, scores, 1, attr);
    pd[NARROW] = o->type == dnnl_f32 ? NULL : onednn_pd_reorder(&o->arena, scores, weights, attr);
    pd[RESULT] = onednn_pd_matmul(&o->arena, weights, matrix(o, s->columns, s->depth, o->type),
                                  NULL, matrix(o, rows, s->depth, o->type), attr);
    dnnl_primitive_attr_destroy(attr);
    return pd[SCORES] && pd[SOFTMAX] && (pd[NARROW] || o->type == dnnl_f32) && pd[RESULT];
}

static const struct {
    int index;
    dnnl_query_t query;
} arguments[STAGES][ARGS_MAX] = {
    [SCORES] = {{DNNL_ARG_SRC, dnnl_query_src_md},
                {DNNL_ARG_WEIGHTS, dnnl_query_weights_md},
                {DNNL_ARG_DST, dnnl_query_dst_md},
                {DNNL_ARG_SCRATCHPAD, dnnl_query_scratchpad_md}},
    [SOFTMAX] = {{DNNL_ARG_SRC, dnnl_query_src_md},
                 {DNNL_ARG_DST, dnnl_query_dst_md},
                 {DNNL_ARG_SCRATCHPAD, dnnl_query_scratchpad_md}},
    [NARROW] = {{DNNL_ARG_FROM, dnnl_query_src_md},
                {DNNL_ARG_TO, dnnl_query_dst_md},
                {DNNL_ARG_SCRATCHPAD, dnnl_query_scratchpad_md}},
    [RESULT] = {{DNNL_ARG_SRC, dnnl_query_src_md},
                {DNNL_ARG_WEIGHTS, dnnl_query_weights_md},
                {DNNL_ARG_DST, dnnl_query_dst_md},
                {DNNL_ARG_SCRATCHPAD, dnnl_query_scratchpad_md}},
};

static size_t scratch_bytes(const_dnnl_primitive_desc_t pd)
{
    onednn_md md = pd ? onednn_md_of(pd, dnnl_query_scratchpad_md, 0) : NULL;

    return md ? onednn_md_bytes(md) : 0;
}

static bool make_call(struct onednn *o, struct call *c, int stage, dnnl_primitive_t primitive,
                      const_dnnl_primitive_desc_t pd)
{
    c->primitive = primitive;
    for (int i = 0; i < ARGS_MAX && arguments[stage][i].index; i++) {
        onednn_md md = onednn_md_of(pd, arguments[stage][i].query, 0);

        if (arguments[stage][i].index == DNNL_ARG_SCRATCHPAD && !scratch_bytes(pd))
            break;
        c->args[i].arg = arguments[stage][i].index;
        if (dnnl_memory_create(&c->args[i].memory, md, o->arena.engine, DNNL_MEMORY_NONE) !=
            dnnl_success)
            return false;
        c->count++;
    }
    return true;
}

static bool make_calls(struct onednn *o, struct attention_step *s,
                       dnnl_primitive_desc_t pd[2][STAGES])
{
    s->calls = mem_new((size_t)s->threads, sizeof(*s->calls));
    for (int i = 0; i < 2 * STAGES; i++) {
        const_dnnl_primitive_desc_t from = pd[i / STAGES][i % STAGES];
        dnnl_primitive_t primitive;

        if (!from)
            continue;
        if (dnnl_primitive_create(&primitive, from) != dnnl_success)
            return false;
        for (int t = 0; t < s->threads; t++)
            if (!make_call(o, &s->calls[t][i / STAGES][i % STAGES], i % STAGES, primitive, from))
                return false;
    }
    return true;
}

static size_t aligned(size_t bytes)
{
    return (bytes + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
}

static void lay_out_room(struct attention_step *s, dnnl_primitive_desc_t pd[2][STAGES])
{
    size_t scores = aligned((size_t)(s->block * s->columns) * sizeof(float)), scratch = 0;

    for (int i = 0; i < 2 * STAGES; i++) {
        size_t bytes = scratch_bytes(pd[i / STAGES][i % STAGES]);

        scratch = bytes > scratch ? bytes : scratch;
    }
    s->room.narrow = s->element == sizeof(float) ? 0 : scores; // fp32: where the scores are
    s->room.scratch = s->room.narrow + scores;
    s->room.bytes = s->room.scratch + aligned(scratch);
}

// Small enough for the cache and enough of them for the threads, but each worth its calls.
static void choose_blocks(struct attention_step *s, int threads)
{
    int64_t cached = BLOCK_BYTES / (s->columns * (int64_t)sizeof(float));
    int64_t shared = s->matrices * s->rows / (threads > 1 ? 4 * threads : 1);
    int64_t most = cached < shared ? cached : shared;

    most = most < ROWS_MIN ? ROWS_MIN : most;
    s->blocks = (s->rows + most - 1) / most;
    s->block = (s->rows + s->blocks - 1) / s->blocks;
    s->threads = threads < s->matrices * s->blocks ? threads : (int)(s->matrices * s->blocks);
}

// The shapes. False: not for us.
static bool measure(struct onednn *o, const struct node *n, struct attention_step *s)
{
    const struct graph *g = o->graph;
    const struct nn_shape *q = in_shape(g, n, 0), *v = in_shape(g, n, 2);

    s->path = g->path;
    s->stream = o->stream;
    s->element = o->type == dnnl_f32 ? sizeof(float) : sizeof(uint16_t);
    s->matrices = shape_span(q, 0, q->rank - 2);
    s->rows = q->dims[q->rank - 2];
    s->width = q->dims[q->rank - 1];
    s->columns = v->dims[v->rank - 2];
    s->depth = v->dims[v->rank - 1];
    s->scores = *q;
    s->scores.dims[q->rank - 1] = s->columns;
    if (n->in_count > 3)
        shape_steps(in_shape(g, n, 3), &s->scores, s->mask_step);
    choose_blocks(s, o->threads);
    return s->matrices * s->blocks < INT_MAX;
}

// False: logged.
static bool add_step(struct onednn *o, const struct node *n, struct attention_step *s,
                     dnnl_primitive_desc_t pd[2][STAGES])
{
    struct step *step;
    bool ok = true;

    for (int i = Q; i <= MASK; i++)
        s->buffers[i] = i < n->in_count ? onednn_want(o, n->in[i],
                                                      i == MASK ? onednn_plain_md(o, n->in[i])
                                                                : onednn_rows_md(o, n->in[i]))
                                        : GRAPH_NONE;
    lay_out_room(s, pd);
    s->buffers[Y] = onednn_make(o, n->out[0], onednn_rows_md(o, n->out[0]));
    s->buffers[ROOM] = program_add_buffer(o->program, (size_t)s->threads * s->room.bytes);
    for (int i = 0; i < n->in_count; i++)
        ok = ok && s->buffers[i] != GRAPH_NONE;
    step = program_add_step(o->program, n->op->name, n);
    *step = (struct step){.kind = step->kind,
                          .name = step->name,
                          .data = s,
                          .bind = attention_bind,
                          .run = attention_run,
                          .destroy = attention_destroy,
                          .detail = onednn_implementation(pd[0][SCORES])};
    if (!ok)
        return false;
    for (int i = 0; i < BUFFERS; i++)
        if (s->buffers[i] != GRAPH_NONE)
            program_use(o->program, s->buffers[i]);
    ok = make_calls(o, s, pd);
    if (!ok)
        log_error("%s: oneDNN could not make %s '%s'; is memory short?", s->path, n->op->name,
                  n->name);
    return ok;
}

enum onednn_result onednn_compile_attention(struct onednn *o, const struct node *n)
{
    struct attention_step s = {0}, *kept;
    dnnl_primitive_desc_t pd[2][STAGES] = {{0}};
    float scale = node_float(n, "scale", 1);
    enum onednn_result result = ONEDNN_NOT_OURS;

    if (!measure(o, n, &s))
        return ONEDNN_NOT_OURS;
    omp_set_num_threads(1); // blocks are what is shared
    if (describe(o, &s, s.block, scale, pd[0]) &&
        (s.rows % s.block == 0 || describe(o, &s, s.rows % s.block, scale, pd[1]))) {
        kept = mem_new(1, sizeof(*kept));
        *kept = s;
        result = add_step(o, n, kept, pd) ? ONEDNN_DONE : ONEDNN_FAILED;
    }
    omp_set_num_threads(o->threads);
    return result;
}
