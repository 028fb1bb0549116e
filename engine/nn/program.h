// A program: what a plan runs, step after step, and the memory between the steps.
//
// Backends add buffers and steps; program_place() then gives each buffer its place in one slab, so
// that two buffers share memory where their lives do not meet. Buffers are named by index.
//
// Thread-safety: belongs to one thread.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/nn/graph.h"

struct program;
struct step;

// Addresses are known now. False: logged.
typedef bool step_bind(struct step *step, const struct program *program);
// False: the device failed; logged.
typedef bool step_run(struct step *step);
typedef void step_destroy(void *data);

struct step {
    const char *kind; // for profiles: "reorder", an operator's name, ...
    const char *name; // of the node; lives as long as the graph
    void *data;       // the step's own
    step_bind *bind;  // NULL: nothing to do
    step_run *run;
    step_destroy *destroy; // of data; NULL: nothing to do
    const char *detail;    // for profiles: what does it, or NULL; lives as long as the step
    int64_t best_ns;       // of program_run_timed(); 0: never timed
};

struct buffer {
    size_t bytes;
    int first, last;   // steps that use it; first > last: none does
    size_t offset;     // in the slab
    const void *fixed; // a constant outside the slab, or NULL
    int whole;         // the buffer that this is a part of, or GRAPH_NONE
    size_t at;         // where in it
    void *data;        // address once placed
};

struct program {
    const struct graph *graph;
    int step_count, step_room;
    struct step *steps;
    int buffer_count, buffer_room;
    struct buffer *buffers;
    int *plain; // of each value: the buffer of its dense, row major form; GRAPH_NONE: there is none
                // (yet)
    char *slab;
    // where the slab comes from, zeroed, and goes to; NULL: this machine's own memory
    void *(*take)(size_t bytes);
    void (*give)(void *slab);
    size_t slab_bytes, constant_bytes;
    int constant_count, constant_room;
    void **constants; // blocks of program_add_constant
};

struct program *program_create(const struct graph *graph);
void program_destroy(struct program **program);

int program_add_buffer(struct program *program, size_t bytes);
// Memory that lives with the program, to be filled at once. NULL, logged: there is none.
void *program_add_constant(struct program *program, size_t bytes, int *out_buffer);
// A buffer over memory of somebody else, who outlives the program.
int program_add_fixed(struct program *program, const void *data, size_t bytes);
// Makes a buffer, which is not fixed and no part yet, a part of another: it is the memory from byte
// `at` on, a multiple of MEM_ALIGN.
void program_join(struct program *program, int buffer, int whole, size_t at);
// The buffers share memory, whatever the slab's places.
bool program_share(const struct program *program, int a, int b);
// Appends a step. The pointer is good until the next one.
struct step *program_add_step(struct program *program, const char *kind, const struct node *node);
// The last step added reads or writes the buffer.
void program_use(struct program *program, int buffer);
// The buffer keeps its contents after the run.
void program_keep(struct program *program, int buffer);

// Places all buffers, takes the slab, binds the steps. False, logged: no memory, or a step failed
// to bind.
bool program_place(struct program *program);
bool program_run(struct program *program);
// The same, keeping each step's shortest time: the longer ones are of whatever else the machine
// does.
bool program_run_timed(struct program *program);
// Logs where the time of the timed runs went.
void program_report(const struct program *program);
