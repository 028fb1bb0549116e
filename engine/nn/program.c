#include "engine/nn/program.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

struct program *program_create(const struct graph *graph)
{
    struct program *p = mem_new(1, sizeof(*p));

    p->graph = graph;
    p->plain = mem_new((size_t)graph->value_count, sizeof(int));
    for (int i = 0; i < graph->value_count; i++)
        p->plain[i] = GRAPH_NONE;
    return p;
}

void program_destroy(struct program **program)
{
    struct program *p = *program;

    if (!p)
        return;
    for (int i = 0; i < p->step_count; i++)
        if (p->steps[i].destroy)
            p->steps[i].destroy(p->steps[i].data);
    for (int i = 0; i < p->constant_count; i++)
        mem_free(p->constants[i]);
    mem_free(p->constants);
    mem_free(p->steps);
    mem_free(p->buffers);
    mem_free(p->plain);
    if (p->give)
        p->give(p->slab);
    else
        mem_free(p->slab);
    mem_free(p);
    *program = NULL;
}

int program_add_buffer(struct program *p, size_t bytes)
{
    p->buffers = mem_grow(p->buffers, p->buffer_count, &p->buffer_room, sizeof(*p->buffers));
    p->buffers[p->buffer_count] =
        (struct buffer){.bytes = bytes, .whole = GRAPH_NONE, .first = INT_MAX, .last = -1};
    return p->buffer_count++;
}

int program_add_fixed(struct program *p, const void *data, size_t bytes)
{
    int buffer = program_add_buffer(p, bytes);

    p->buffers[buffer].fixed = data;
    p->buffers[buffer].data = (void *)data;
    return buffer;
}

void *program_add_constant(struct program *p, size_t bytes, int *out_buffer)
{
    void *block = mem_try_block(bytes);

    if (!block) {
        log_error("%s: no memory for %zu bytes of weights", p->graph->path, bytes);
        return NULL;
    }
    p->constants = mem_grow(p->constants, p->constant_count, &p->constant_room, sizeof(void *));
    p->constants[p->constant_count++] = block;
    p->constant_bytes += bytes;
    *out_buffer = program_add_fixed(p, block, bytes);
    return block;
}

void program_join(struct program *p, int buffer, int whole, size_t at)
{
    p->buffers[buffer].whole = whole;
    p->buffers[buffer].at = at;
}

static bool is_within(const struct program *p, int part, int whole)
{
    while (part != GRAPH_NONE && part != whole)
        part = p->buffers[part].whole;
    return part == whole;
}

bool program_share(const struct program *p, int a, int b)
{
    return is_within(p, a, b) || is_within(p, b, a);
}

struct step *program_add_step(struct program *p, const char *kind, const struct node *node)
{
    p->steps = mem_grow(p->steps, p->step_count, &p->step_room, sizeof(*p->steps));
    p->steps[p->step_count] = (struct step){.kind = kind, .name = node ? node->name : ""};
    return &p->steps[p->step_count++];
}

void program_use(struct program *p, int buffer)
{
    struct buffer *b = &p->buffers[buffer];
    int now = p->step_count - 1;

    b->first = now < b->first ? now : b->first;
    b->last = now > b->last ? now : b->last;
}

void program_keep(struct program *p, int buffer)
{
    p->buffers[buffer].first = 0;
    p->buffers[buffer].last = INT_MAX;
}

// Of a GPU's memory: cuBLASLt takes it for granted, as cudaMalloc() gives it.
#define GPU_ALIGN 256

static size_t aligned(const struct program *p, size_t bytes)
{
    size_t align = p->take ? GPU_ALIGN : MEM_ALIGN;

    return (bytes + align - 1) / align * align;
}

static int by_size(const void *a, const void *b)
{
    const struct buffer *x = *(const struct buffer *const *)a,
                        *y = *(const struct buffer *const *)b;

    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

static int by_offset(const void *a, const void *b)
{
    const struct buffer *x = *(const struct buffer *const *)a,
                        *y = *(const struct buffer *const *)b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

// A whole lives as long as its parts, so that they may be written before it is used.
static void spread_lives(struct program *p)
{
    for (int i = 0; i < p->buffer_count; i++)
        for (int w = p->buffers[i].whole; w != GRAPH_NONE; w = p->buffers[w].whole) {
            struct buffer *whole = &p->buffers[w];

            if (p->buffers[i].first < whole->first)
                whole->first = p->buffers[i].first;
            if (p->buffers[i].last > whole->last)
                whole->last = p->buffers[i].last;
        }
}

static char *address(const struct program *p, int buffer)
{
    size_t at = 0;

    for (; p->buffers[buffer].whole != GRAPH_NONE; buffer = p->buffers[buffer].whole)
        at += p->buffers[buffer].at;
    return p->slab + p->buffers[buffer].offset + at;
}

// The lowest place for b among those placed already (sorted by offset) that live at the same time.
static size_t find_place(const struct program *p, const struct buffer *b,
                         struct buffer *const *placed, int count)
{
    size_t at = 0, bytes = aligned(p, b->bytes);

    for (int i = 0; i < count; i++) {
        const struct buffer *other = placed[i];
        size_t end = other->offset + aligned(p, other->bytes);

        if (other->last < b->first || other->first > b->last)
            continue;
        if (other->offset >= at + bytes)
            break;
        if (end > at)
            at = end;
    }
    return at;
}

// Largest first, each as low as it fits: what ggml and TensorFlow Lite do, within a few % of the
// best in practice.
static void place_all(struct program *p)
{
    struct buffer **queue = mem_new((size_t)p->buffer_count, sizeof(struct buffer *));
    struct buffer **placed = mem_new((size_t)p->buffer_count, sizeof(struct buffer *));
    int count = 0;

    for (int i = 0; i < p->buffer_count; i++)
        if (!p->buffers[i].fixed && p->buffers[i].whole == GRAPH_NONE &&
            p->buffers[i].first <= p->buffers[i].last)
            queue[count++] = &p->buffers[i];
    qsort(queue, (size_t)count, sizeof(*queue), by_size);
    for (int i = 0; i < count; i++) {
        size_t end;
        int at = i;

        queue[i]->offset = find_place(p, queue[i], placed, i);
        while (at > 0 && by_offset(&queue[i], &placed[at - 1]) < 0) {
            placed[at] = placed[at - 1];
            at--;
        }
        placed[at] = queue[i];
        end = queue[i]->offset + aligned(p, queue[i]->bytes);
        if (end > p->slab_bytes)
            p->slab_bytes = end;
    }
    mem_free(queue);
    mem_free(placed);
}

// A small file may ask for very much; taking it would take the machine down.
static bool fits_machine(const struct program *p)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t half = pages > 0 && page > 0 ? (size_t)pages / 2 * (size_t)page : SIZE_MAX;

    if (p->slab_bytes <= half)
        return true;
    log_error(
        "%s: this input size needs %.1f GB, more than half of the memory of this machine; choose "
        "a smaller one",
        p->graph->path, (double)p->slab_bytes / 1e9);
    return false;
}

bool program_place(struct program *p)
{
    spread_lives(p);
    place_all(p);
    if (!p->take && !fits_machine(p))
        return false;
    p->slab = p->take ? p->take(p->slab_bytes) : mem_try_block(p->slab_bytes);
    if (!p->slab) {
        log_error("%s: no %smemory for the %zu bytes that this input size needs; choose a smaller "
                  "one",
                  p->graph->path, p->take ? "GPU " : "", p->slab_bytes);
        return false;
    }
    // touched now, not while the first picture is converted; and padding that nobody writes is zero
    if (!p->take)
        memset(p->slab, 0, p->slab_bytes);
    for (int i = 0; i < p->buffer_count; i++)
        if (!p->buffers[i].fixed)
            p->buffers[i].data = address(p, i);
    for (int i = 0; i < p->step_count; i++)
        if (p->steps[i].bind && !p->steps[i].bind(&p->steps[i], p))
            return false;
    return true;
}

bool program_run(struct program *p)
{
    for (int i = 0; i < p->step_count; i++)
        if (!p->steps[i].run(&p->steps[i]))
            return false;
    return true;
}

bool program_run_timed(struct program *p)
{
    for (int i = 0; i < p->step_count; i++) {
        int64_t start = clock_now_ns();

        if (!p->steps[i].run(&p->steps[i]))
            return false;
        start = clock_now_ns() - start;
        if (!p->steps[i].best_ns || start < p->steps[i].best_ns)
            p->steps[i].best_ns = start;
    }
    return true;
}

static void report_kinds(const struct program *p)
{
    char *seen = mem_new((size_t)p->step_count, 1);

    for (int i = 0; i < p->step_count; i++) {
        int64_t sum = 0;
        int count = 0;

        for (int k = i; k < p->step_count && !seen[i]; k++)
            if (!strcmp(p->steps[k].kind, p->steps[i].kind)) {
                seen[k] = k > i;
                sum += p->steps[k].best_ns;
                count++;
            }
        if (count)
            log_info("%9.3f ms  %4d x %s", (double)sum / NS_PER_MS, count, p->steps[i].kind);
    }
    mem_free(seen);
}

static int by_time(const void *a, const void *b)
{
    const struct step *x = *(const struct step *const *)a, *y = *(const struct step *const *)b;

    return x->best_ns < y->best_ns ? 1 : -(x->best_ns > y->best_ns);
}

void program_report(const struct program *p)
{
    const struct step **steps = mem_new((size_t)p->step_count, sizeof(struct step *));

    report_kinds(p);
    for (int i = 0; i < p->step_count; i++)
        steps[i] = &p->steps[i];
    qsort(steps, (size_t)p->step_count, sizeof(*steps), by_time);
    for (int i = 0; i < p->step_count && i < 25; i++)
        log_info("%9.3f ms  step %d: %s %s %s", (double)steps[i]->best_ns / NS_PER_MS,
                 (int)(steps[i] - p->steps), steps[i]->kind, steps[i]->name,
                 steps[i]->detail ? steps[i]->detail : "");
    mem_free(steps);
}
