#include "engine/planner.h"

struct nn_plan *planner_plan(const struct planner_job *job)
{
    struct nn_shape shape = {.rank = 4, .dims = {1, 3, job->height, job->width}};
    struct nn_plan_params params = {.backend = job->backend,
                                    .precision = job->precision,
                                    .threads = job->threads,
                                    .input_shapes = &shape,
                                    .input_shape_count = 1,
                                    .device = job->device->gpu};

    job->device->enter(job->gpu);
    return nn_plan_create(job->model, &params);
}

static void run(void *user)
{
    struct planner *p = user;

    p->plan = planner_plan(&p->job);
    atomic_store(&p->done, true);
}

bool planner_start(struct planner *p, const struct planner_job *job)
{
    *p = (struct planner){.job = *job};
    p->busy = thread_start(&p->thread, "plan", THREAD_BACKGROUND, run, p);
    return p->busy;
}

bool planner_ready(const struct planner *p)
{
    return p->busy && atomic_load(&p->done);
}

struct nn_plan *planner_take(struct planner *p)
{
    struct nn_plan *plan;

    if (!p->busy)
        return NULL;
    thread_join(&p->thread);
    plan = p->plan;
    p->plan = NULL;
    p->busy = false;
    return plan;
}
