// What happened, for tests and people: counts, violations, session states and a log of events,
// written as JSON to SIM_REPORT at the end of each instance and of the process. The counts go on
// over instances that are created anew.
//
// Thread-safety: call with the runtime's lock held.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// README.md says what each means. Counted since the process started.
struct sim_counts {
    int64_t instances, sessions, swapchains;
    int64_t frames_waited, frames_submitted, frames_discarded;
    int64_t frames_with_layers, frames_not_to_render;
    int64_t periods, submits_in_time, late, missed_periods, periods_excluded, gpu_late;
    int64_t layers_quad, layers_cylinder, layers_projection, layers_max;
    int64_t images_released, distinct_images_shown;
    int64_t haptics, recenters;
    double wait_to_submit_max_ms;
};

struct sim_counts *sim_report_counts(void);

// The texts are copied. Equal rules of equal functions are one entry with a count.
void sim_report_violation(const char *rule, const char *function, int result, const char *text);
int64_t sim_report_violations(const char *rule);
// Allowed by the specification, yet hardly meant.
__attribute__((format(printf, 2, 3))) void sim_report_note(const char *rule, const char *format,
                                                           ...);
__attribute__((format(printf, 2, 3))) void sim_report_event(const char *name, const char *format,
                                                            ...);
// path: a picture that was written, or a message where it could not be.
void sim_report_picture(const char *path);
void sim_report_gpu(const char *name);
// ended: "instance destroyed", "process exit". Does nothing without SIM_REPORT.
void sim_report_write(const char *ended);
// Forgets everything.
void sim_report_reset(void);
