#include "viewer/option_row.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#define ON_OFF "on|off"

static void *field(struct options *o, const struct option_row *row)
{
    return (char *)o + row->offset;
}

void option_row_reset(const struct option_row *row, struct options *o)
{
    if (row->type == OPTION_NUMBER)
        *(double *)field(o, row) = row->initial;
    else if (row->type == OPTION_INT || row->type == OPTION_CHOICE)
        *(int *)field(o, row) = (int)row->initial;
    else if (row->type == OPTION_SWITCH)
        *(bool *)field(o, row) = row->initial != 0;
}

// Index of `text` among "a|b|c"; -1: not one of them.
static int find_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    int index = 0;

    for (const char *c = choices;; index++) {
        size_t n = strcspn(c, "|");

        if (n == length && memcmp(c, text, n) == 0)
            return index;
        if (!c[n])
            return -1;
        c += n + 1;
    }
}

static bool set_number(const struct option_row *row, const char *text, double *out)
{
    char *end;

    errno = 0;
    *out = strtod(text, &end);
    if (end == text || *end || errno == ERANGE || !isfinite(*out) ||
        (row->type == OPTION_INT && *out != floor(*out))) {
        log_error("--%s: \"%s\" is not a%s number", row->name, text,
                  row->type == OPTION_INT ? " whole" : "");
        return false;
    }
    if (*out < row->low || *out > row->high) {
        log_error("--%s: %s is out of range, allowed are %g to %g", row->name, text, row->low,
                  row->high);
        return false;
    }
    return true;
}

bool option_row_set(const struct option_row *row, struct options *o, const char *text)
{
    double number;
    int choice = row->choices ? find_choice(row->choices, text) : -1;

    if (row->replaces)
        *(bool *)((char *)o + row->replaces) = false;
    switch (row->type) {
    case OPTION_FLAG:
        *(bool *)field(o, row) = true;
        return true;
    case OPTION_SWITCH:
        choice = find_choice(ON_OFF, text);
        if (choice < 0)
            log_error("--%s: \"%s\" is not one of %s", row->name, text, ON_OFF);
        else
            *(bool *)field(o, row) = choice == 0;
        return choice >= 0;
    case OPTION_TEXT:
        *(const char **)field(o, row) = text;
        return true;
    case OPTION_CHOICE:
        if (choice < 0)
            log_error("--%s: \"%s\" is not one of %s", row->name, text, row->choices);
        else
            *(int *)field(o, row) = choice;
        return choice >= 0;
    case OPTION_INT:
    case OPTION_NUMBER:
        if (choice >= 0)
            number = row->low - 1 - choice;
        else if (!set_number(row, text, &number))
            return false;
        if (row->type == OPTION_INT)
            *(int *)field(o, row) = (int)number;
        else
            *(double *)field(o, row) = number;
        return true;
    }
    return false;
}

char *option_row_describe(const struct option_row *row, const struct options *o)
{
    const void *value = (const char *)o + row->offset;
    const char *word = row->type == OPTION_TEXT ? *(const char *const *)value : NULL;
    double number = row->type == OPTION_FLAG || row->type == OPTION_SWITCH ? *(const bool *)value
                    : row->type == OPTION_NUMBER                           ? *(const double *)value
                    : row->type == OPTION_TEXT                             ? 0
                                                                           : *(const int *)value;

    return mem_printf("%s %s%.9g\n", row->name, word ? word : "", number);
}

// The n-th of "a|b|c", into text.
static const char *choice_name(const char *choices, int n, char *text, size_t size)
{
    for (; n > 0; n--)
        choices += strcspn(choices, "|") + 1;
    snprintf(text, size, "%.*s", (int)strcspn(choices, "|"), choices);
    return text;
}

void option_row_print_help(const struct option_row *row)
{
    char left[96], initial[32];

    snprintf(left, sizeof(left), "--%s %s", row->name,
             row->type == OPTION_CHOICE   ? row->choices
             : row->type == OPTION_SWITCH ? ON_OFF
             : row->argument              ? row->argument
             : row->type == OPTION_FLAG   ? ""
                                          : "N");
    if (row->letter)
        printf("  -%c, %s\n      %s", row->letter, left, row->help);
    else
        printf("  %s\n      %s", left, row->help);
    if (row->initial < row->low)
        printf(" (%g to %g, default auto)", row->low, row->high);
    else if (row->type == OPTION_NUMBER || row->type == OPTION_INT)
        printf(" (%g to %g, default %g)", row->low, row->high, row->initial);
    else if (row->type == OPTION_CHOICE)
        printf(" (default %s)",
               choice_name(row->choices, (int)row->initial, initial, sizeof(initial)));
    else if (row->type == OPTION_SWITCH)
        printf(" (default %s)", row->initial != 0 ? "on" : "off");
    puts("");
}
