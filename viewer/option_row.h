// One option of the program's: what it is called, which values it takes, and which field of struct
// options they go to.
//
// Thread-safety: safe.
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct options;

// The type of the field is in brackets.
enum option_type {
    OPTION_FLAG,   // [bool] true where it is given
    OPTION_SWITCH, // [bool] on or off
    OPTION_INT,    // [int]
    OPTION_NUMBER, // [double]
    OPTION_TEXT,   // [const char *] not copied
    OPTION_CHOICE  // [int] index
};

struct option_row {
    const char *name;
    unsigned subcommands; // the owner's
    enum option_type type;
    size_t offset; // in struct options
    double low, high, initial;
    const char *choices;  // "a|b|c", in the order of the enum; of a number: words that stand for
                          // low - 1, low - 2, ...
    const char *argument; // what the help calls the value
    const char *help;
    size_t replaces; // in struct options: the switch that giving this one puts off; 0: none
    char letter;     // -o is short for --output; 0: it has no short form
};

// Puts the initial value in; flags and texts are left.
void option_row_reset(const struct option_row *row, struct options *options);
// text: NULL for a flag. False, logged: it is none of the values, which are said.
bool option_row_set(const struct option_row *row, struct options *options, const char *text);
// A line of name and value. A new string.
char *option_row_describe(const struct option_row *row, const struct options *options);
// Two lines or more of the help text, to standard output.
void option_row_print_help(const struct option_row *row);
