#include "engine/nn/cuda_draft.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/cuda_form.h"
#include "engine/nn/cuda_walk.h"

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

static bool step_job(struct step *step)
{
    struct job_step *s = step->data;

    return cuda_settled(s->cuda, s->cuda->api->launch(s->cuda->device, &s->job), step->kind);
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
    return (c->api->launch(c->device, &d->job) && c->api->wait(c->device)) || cuda_fail(c, d->kind);
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
