#include "tests/headset/sim_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/headset/sim_config.h"

#define FINDINGS 128
#define EVENTS 4096
#define PICTURES 256

struct finding {
    char *rule, *function, *text;
    int result;
    int64_t count, first_ns;
};

struct findings {
    struct finding entry[FINDINGS];
    int used;
    int64_t total;
};

struct event {
    int64_t time_ns;
    const char *name; // a literal
    char *detail;
};

static struct sim_counts counts;
static struct findings violations, notes;
static struct event events[EVENTS];
static int event_count;
static char *pictures[PICTURES];
static int picture_count;
static char *gpu;

struct sim_counts *sim_report_counts(void)
{
    return &counts;
}

static void add(struct findings *f, const char *rule, const char *function, int result,
                const char *text)
{
    f->total++;
    for (int i = 0; i < f->used; i++) {
        if (!strcmp(f->entry[i].rule, rule) && !strcmp(f->entry[i].function, function)) {
            f->entry[i].count++;
            return;
        }
    }
    if (f->used == FINDINGS)
        return;
    f->entry[f->used++] = (struct finding){
        mem_strdup(rule), mem_strdup(function), mem_strdup(text), result, 1, clock_now_ns()};
}

void sim_report_violation(const char *rule, const char *function, int result, const char *text)
{
    add(&violations, rule, function, result, text);
}

int64_t sim_report_violations(const char *rule)
{
    int64_t count = 0;
    for (int i = 0; i < violations.used; i++)
        if (!strcmp(violations.entry[i].rule, rule))
            count += violations.entry[i].count;
    return count;
}

void sim_report_note(const char *rule, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    add(&notes, rule, "", 0, text);
}

void sim_report_event(const char *name, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (sim_config()->verbose)
        fprintf(stderr, "sim_headset: %s %s\n", name, text);
    if (event_count < EVENTS)
        events[event_count++] = (struct event){clock_now_ns(), name, mem_strdup(text)};
}

void sim_report_picture(const char *path)
{
    if (picture_count < PICTURES)
        pictures[picture_count++] = mem_strdup(path);
}

void sim_report_gpu(const char *name)
{
    mem_free(gpu);
    gpu = mem_strdup(name);
}

static void write_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(file, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(file, "\\u%04x", *c);
        else
            fputc(*c, file);
    }
    fputc('"', file);
}

static void write_findings(FILE *file, const char *name, const struct findings *f)
{
    fprintf(file, "  \"%s_total\": %" PRId64 ",\n  \"%s\": [", name, f->total, name);
    for (int i = 0; i < f->used; i++) {
        const struct finding *e = &f->entry[i];
        fprintf(file, "%s\n    {\"rule\": ", i ? "," : "");
        write_string(file, e->rule);
        fprintf(file, ", \"function\": ");
        write_string(file, e->function);
        fprintf(file,
                ", \"result\": %d, \"count\": %" PRId64 ", \"first_ns\": %" PRId64 ", \"text\": ",
                e->result, e->count, e->first_ns);
        write_string(file, e->text);
        fputc('}', file);
    }
    fprintf(file, "],\n");
}

static void write_counts(FILE *file)
{
    const struct {
        const char *name;
        int64_t value;
    } table[] = {
        {"instances", counts.instances},
        {"sessions", counts.sessions},
        {"swapchains", counts.swapchains},
        {"frames_waited", counts.frames_waited},
        {"frames_submitted", counts.frames_submitted},
        {"frames_discarded", counts.frames_discarded},
        {"frames_with_layers", counts.frames_with_layers},
        {"frames_not_to_render", counts.frames_not_to_render},
        {"periods", counts.periods},
        {"submits_in_time", counts.submits_in_time},
        {"late", counts.late},
        {"missed_periods", counts.missed_periods},
        {"periods_excluded", counts.periods_excluded},
        {"gpu_late", counts.gpu_late},
        {"layers_quad", counts.layers_quad},
        {"layers_cylinder", counts.layers_cylinder},
        {"layers_projection", counts.layers_projection},
        {"layers_max", counts.layers_max},
        {"images_released", counts.images_released},
        {"distinct_images_shown", counts.distinct_images_shown},
        {"haptics", counts.haptics},
        {"recenters", counts.recenters},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        fprintf(file, "  \"%s\": %" PRId64 ",\n", table[i].name, table[i].value);
    double share = counts.periods ? (double)counts.submits_in_time / (double)counts.periods : 0;
    fprintf(file, "  \"in_time_fraction\": %.6f,\n", share);
    fprintf(file, "  \"wait_to_submit_max_ms\": %.3f,\n", counts.wait_to_submit_max_ms);
}

static void write_events(FILE *file)
{
    fprintf(file, "  \"events\": [");
    for (int i = 0; i < event_count; i++) {
        fprintf(file, "%s\n    {\"ns\": %" PRId64 ", \"event\": ", i ? "," : "", events[i].time_ns);
        write_string(file, events[i].name);
        fprintf(file, ", \"detail\": ");
        write_string(file, events[i].detail);
        fputc('}', file);
    }
    fprintf(file, "],\n  \"states\": [");
    bool first = true;
    for (int i = 0; i < event_count; i++) {
        if (strcmp(events[i].name, "state"))
            continue;
        fputs(first ? "" : ", ", file);
        write_string(file, events[i].detail);
        first = false;
    }
    fprintf(file, "],\n  \"pictures\": [");
    for (int i = 0; i < picture_count; i++) {
        fputs(i ? ", " : "", file);
        write_string(file, pictures[i]);
    }
    fprintf(file, "],\n");
}

void sim_report_write(const char *ended)
{
    const char *path = sim_config()->report;
    if (!path)
        return;
    // written beside it and renamed, so that a reader never sees half a report
    char *half = mem_printf("%s.part", path);
    FILE *file = fopen(half, "w");
    if (!file) {
        fprintf(stderr, "sim_headset: cannot write the report %s: check that its folder exists\n",
                half);
        mem_free(half);
        return;
    }
    fprintf(file, "{\n  \"runtime\": \"deep3d simulated headset\",\n  \"gpu\": ");
    write_string(file, gpu ? gpu : "");
    fprintf(file, ",\n  \"rate_hz\": %g,\n", sim_config()->rate_hz);
    write_counts(file);
    write_findings(file, "violations", &violations);
    write_findings(file, "notes", &notes);
    write_events(file);
    fprintf(file, "  \"ended\": ");
    write_string(file, ended);
    fprintf(file, "\n}\n");
    if (fclose(file) || rename(half, path))
        fprintf(stderr, "sim_headset: cannot write the report %s\n", path);
    mem_free(half);
}

static void forget(struct findings *f)
{
    for (int i = 0; i < f->used; i++) {
        mem_free(f->entry[i].rule);
        mem_free(f->entry[i].function);
        mem_free(f->entry[i].text);
    }
    *f = (struct findings){0};
}

void sim_report_reset(void)
{
    counts = (struct sim_counts){0};
    forget(&violations);
    forget(&notes);
    for (int i = 0; i < event_count; i++)
        mem_free(events[i].detail);
    for (int i = 0; i < picture_count; i++)
        mem_free(pictures[i]);
    event_count = picture_count = 0;
    mem_free(gpu);
    gpu = NULL;
}
