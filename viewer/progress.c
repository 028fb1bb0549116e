#include "viewer/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define DRAW_NS (NS_PER_S / 4)
#define LINE_NS (30 * NS_PER_S)
#define BAR 24
#define CLEAR "\r\033[K"

struct progress {
    int64_t total, first;
    int64_t start_ns, drawn_ns;
    bool terminal;
};

// A log line takes the place of the bar, which is drawn anew below it.
static void on_line(void *user, enum log_level level, const char *line)
{
    const char *kind = level == LOG_ERROR ? "error: " : level == LOG_WARN ? "warning: " : "";

    fprintf(stderr, CLEAR "deep3d: %s%s\n", kind, line);
}

struct progress *progress_create(int64_t total, int64_t done)
{
    struct progress *p = mem_new(1, sizeof(*p));

    *p = (struct progress){.total = total,
                           .first = done,
                           .start_ns = clock_now_ns(),
                           .drawn_ns = clock_now_ns(),
                           .terminal = isatty(STDERR_FILENO)};
    if (p->terminal)
        log_set_sink(on_line, NULL);
    return p;
}

void progress_destroy(struct progress **progress)
{
    if (!*progress)
        return;
    if ((*progress)->terminal) {
        fputs(CLEAR, stderr);
        log_set_sink(NULL, NULL);
    }
    mem_free(*progress);
    *progress = NULL;
}

// "12:34" or "1:02:03"
static void format_time(char *text, size_t size, int64_t seconds)
{
    long long s = (long long)seconds;

    if (s < 3600)
        snprintf(text, size, "%lld:%02lld", s / 60, s % 60);
    else
        snprintf(text, size, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

void progress_update(struct progress *p, int64_t done)
{
    int64_t now = clock_now_ns();
    double elapsed_s = (double)(now - p->start_ns) / NS_PER_S;
    double per_s = elapsed_s > 0 ? (double)(done - p->first) / elapsed_s : 0;
    char line[160], bar[BAR + 1], left[32];
    int filled;

    if (now - p->drawn_ns < (p->terminal ? DRAW_NS : LINE_NS))
        return;
    p->drawn_ns = now;
    if (p->total > 0 && done <= p->total && per_s > 0) {
        filled = (int)(done * BAR / p->total);
        for (int i = 0; i < BAR; i++)
            bar[i] = i < filled ? '#' : '.';
        bar[BAR] = '\0';
        format_time(left, sizeof(left), (int64_t)((double)(p->total - done) / per_s + 0.5));
        snprintf(line, sizeof(line), "%s%s%s%lld of %lld frames, %.1f frames/s, %s left",
                 p->terminal ? "[" : "", p->terminal ? bar : "", p->terminal ? "] " : "",
                 (long long)done, (long long)p->total, per_s, left);
    } else {
        snprintf(line, sizeof(line), "%lld frames, %.1f frames/s", (long long)done, per_s);
    }
    if (p->terminal)
        fprintf(stderr, CLEAR "%s", line);
    else
        log_info("%s", line);
}
