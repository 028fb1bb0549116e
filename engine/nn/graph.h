// The graph of a network: values, the nodes between them, constants. What the loader makes and the
// passes change.
//
// Values and nodes are named by index; both arrays only grow, so an index stays good. A removed
// node stays as a hole.
//
// Thread-safety: a graph that nobody changes may be read by many.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "engine/nn/tensor.h"

#define GRAPH_NONE (-1) // an input that was left out

struct op; // op.h

struct attribute {
    char *name;
    enum attribute_kind {
        ATTRIBUTE_INT,
        ATTRIBUTE_FLOAT,
        ATTRIBUTE_STRING,
        ATTRIBUTE_TENSOR,
        ATTRIBUTE_INTS,
        ATTRIBUTE_FLOATS,
        ATTRIBUTE_OTHER, // a kind that no operator of ours reads
    } kind;
    int64_t i;
    float f;
    char *s;
    struct tensor *t;
    int count; // of ints or floats
    int64_t *ints;
    float *floats;
};

// Element-wise functions that a node may apply to its result before it is written.
enum activation {
    ACTIVATION_NONE,
    ACTIVATION_RELU,
    ACTIVATION_LEAKY, // a: slope below zero
    ACTIVATION_CLIP,  // a..b
    ACTIVATION_SIGMOID,
    ACTIVATION_TANH,
    ACTIVATION_ELU,       // a: alpha
    ACTIVATION_GELU,      // exact, by erf
    ACTIVATION_GELU_TANH, // its approximation
    ACTIVATION_SWISH,     // x sigmoid(x)
    ACTIVATION_HARDSWISH,
    ACTIVATION_HARDSIGMOID, // clip(a x + b, 0, 1)
};

struct node {
    const struct op *op;
    char *name; // never NULL
    int in_count, out_count;
    int *in;  // values; GRAPH_NONE: left out
    int *out; // values; GRAPH_NONE: not asked for
    int attribute_count;
    struct attribute *attributes;
    bool removed;
    // what passes have put onto it: activation(result + value `residual`)
    int residual; // GRAPH_NONE: none
    enum activation activation;
    float a, b;
};

struct value {
    char *name;
    enum nn_type type;
    bool typed;  // type is known
    bool shaped; // shape is known, and nothing in it is free
    struct nn_shape shape;
    struct tensor *constant; // NULL: computed when run
    bool borrowed;           // constant belongs to another graph
};

struct graph {
    char *path; // for messages
    int opset;
    int node_count, node_room;
    struct node *nodes;
    int value_count, value_room;
    struct value *values;
    int input_count, output_count;
    int *inputs, *outputs;
    int *order; // graph_sort()'s: node indices, order_count of them
    int order_count;
};

struct graph *graph_create(const char *path, int opset);
void graph_destroy(struct graph **graph);
// A copy to be changed; constants are borrowed: the original must live longer.
struct graph *graph_clone(const struct graph *graph);

// New value; name is copied and may be NULL.
int graph_add_value(struct graph *graph, const char *name);
// Takes the tensor over.
int graph_add_constant(struct graph *graph, const char *name, struct tensor *tensor);
// Makes a value a constant; takes the tensor over.
void graph_set_constant(struct graph *graph, int value, struct tensor *tensor);
// New node without attributes; arrays and name are copied. The pointer is good until the next node
// is added.
struct node *graph_add_node(struct graph *graph, const struct op *op, const char *name,
                            const int *in, int in_count, const int *out, int out_count);
// Everything that read value v reads to[v], the graph's outputs as well. to: value_count entries.
void graph_replace(struct graph *graph, const int *to);
// Orders the nodes so that each comes after what it reads, and removes those that no output needs.
// False: a cycle; logged.
bool graph_sort(struct graph *graph);
// For each value: how many nodes and graph outputs read it. Array of value_count, free with
// mem_free().
int *graph_count_uses(const struct graph *graph);
// For each value: the node that makes it, or GRAPH_NONE. Free with mem_free().
int *graph_find_producers(const struct graph *graph);

// Attributes of a node; the default where it has none of that name and kind.
const struct attribute *node_attribute(const struct node *node, const char *name);
int64_t node_int(const struct node *node, const char *name, int64_t fallback);
float node_float(const struct node *node, const char *name, float fallback);
const char *node_string(const struct node *node, const char *name, const char *fallback);
// NULL and count 0 where absent.
const int64_t *node_ints(const struct node *node, const char *name, int *out_count);
// Adds or overwrites.
void node_set_int(struct node *node, const char *name, int64_t value);
void node_set_float(struct node *node, const char *name, float value);
void attribute_finish(struct attribute *attribute);

// The value at input i, or NULL where it was left out.
struct value *node_in(const struct graph *graph, const struct node *node, int i);
bool node_is(const struct node *node, const char *op_name);

// Logs "FILE: OP 'NODE': reason" and returns false.
__attribute__((format(printf, 3, 4))) bool
node_fail(const struct graph *graph, const struct node *node, const char *format, ...);
