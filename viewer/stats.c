#include "viewer/stats.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define LOAD(field) ((double)atomic_load_explicit(&stats->field, memory_order_relaxed))

struct stats *stats_create(void)
{
    return mem_new(1, sizeof(struct stats));
}

void stats_destroy(struct stats **stats)
{
    mem_free(*stats);
    *stats = NULL;
}

void stats_add_av_offset(struct stats *stats, int64_t offset_ns)
{
    int64_t n = atomic_fetch_add_explicit(&stats->av_offset_count, 1, memory_order_relaxed);

    atomic_store_explicit(&stats->av_offset_us[n % STATS_OFFSETS], (int32_t)(offset_ns / NS_PER_US),
                          memory_order_relaxed);
}

void stats_frame_shown(struct stats *stats, int64_t at_ns)
{
    int64_t none = 0;

    atomic_compare_exchange_strong(&stats->first_frame_ns, &none, at_ns);
    atomic_fetch_add_explicit(&stats->frames_shown, 1, memory_order_relaxed);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct offsets {
    double p50_ms;     // signed
    double p95_abs_ms; // of the magnitude
    double samples;
};

static struct offsets offsets(const struct stats *stats)
{
    int64_t n = atomic_load(&stats->av_offset_count);
    struct offsets result = {.samples = (double)n};
    double *ms;

    n = n < STATS_OFFSETS ? n : STATS_OFFSETS;
    if (n == 0)
        return result;
    ms = mem_new((size_t)n, sizeof(*ms));
    for (int64_t i = 0; i < n; i++)
        ms[i] = atomic_load_explicit(&stats->av_offset_us[i], memory_order_relaxed) / 1000.0;
    qsort(ms, (size_t)n, sizeof(*ms), by_value);
    result.p50_ms = ms[n / 2];
    for (int64_t i = 0; i < n; i++)
        ms[i] = ms[i] < 0 ? -ms[i] : ms[i];
    qsort(ms, (size_t)n, sizeof(*ms), by_value);
    result.p95_abs_ms = ms[n * 95 / 100];
    mem_free(ms);
    return result;
}

static const char *end_name(enum stats_end end)
{
    static const char *const names[] = {"error", "user", "end"};

    return names[end];
}

// Moment of the first stereo frame after the start of the program, in ms; 0: there was none.
static double first_frame_ms(const struct stats *stats)
{
    int64_t first = atomic_load(&stats->first_frame_ns);

    return first ? (double)(first - stats->start_ns) / NS_PER_MS : 0;
}

static void add_stage(cJSON *parent, const char *name, const struct histogram *h)
{
    cJSON *stage = cJSON_AddObjectToObject(parent, name);

    cJSON_AddNumberToObject(stage, "ms_p50", histogram_ms(h, 0.5));
    cJSON_AddNumberToObject(stage, "ms_p99", histogram_ms(h, 0.99));
}

static void add_convert(cJSON *root, const struct stats *stats)
{
    cJSON *convert = cJSON_AddObjectToObject(root, "convert");

    cJSON_AddNumberToObject(convert, "frames", LOAD(frames_converted));
    cJSON_AddNumberToObject(convert, "dropped", LOAD(frames_dropped));
    cJSON_AddNumberToObject(convert, "failed", LOAD(frames_failed));
    cJSON_AddNumberToObject(convert, "ms_p50", histogram_ms(&stats->convert, 0.5));
    cJSON_AddNumberToObject(convert, "ms_p99", histogram_ms(&stats->convert, 0.99));
    cJSON_AddStringToObject(convert, "backend", stats->backend);
    cJSON_AddStringToObject(convert, "model", stats->model);
    add_stage(convert, "prepare", &stats->prepare);
    add_stage(convert, "network", &stats->network);
    add_stage(convert, "filter", &stats->filter);
    add_stage(convert, "synthesis", &stats->synthesis);
    add_stage(convert, "overlay", &stats->overlay);
}

static void add_display(cJSON *root, const struct stats *stats)
{
    cJSON *display = cJSON_AddObjectToObject(root, "display");

    cJSON_AddStringToObject(display, "kind", stats->display);
    cJSON_AddStringToObject(display, "runtime", stats->runtime);
    cJSON_AddStringToObject(display, "device", stats->device);
    cJSON_AddNumberToObject(display, "periods", LOAD(periods));
    cJSON_AddNumberToObject(display, "late", LOAD(late));
    cJSON_AddNumberToObject(display, "frames_shown", LOAD(frames_shown));
    cJSON_AddNumberToObject(display, "frames_skipped", LOAD(frames_skipped));
    cJSON_AddNumberToObject(display, "mirror_frames", LOAD(mirror_frames));
}

static cJSON *to_json(const struct stats *stats, enum stats_end end)
{
    cJSON *root = cJSON_CreateObject(), *part;
    struct offsets av = offsets(stats);

    part = cJSON_AddObjectToObject(root, "source");
    cJSON_AddNumberToObject(part, "frames_decoded", LOAD(frames_decoded));
    cJSON_AddNumberToObject(part, "frames_decoded_on_gpu", LOAD(frames_decoded_on_gpu));
    cJSON_AddNumberToObject(part, "frames_stale", LOAD(frames_stale));
    cJSON_AddNumberToObject(part, "packets_damaged", LOAD(packets_damaged));
    cJSON_AddNumberToObject(part, "media_ms", LOAD(media_ns) / NS_PER_MS);
    add_convert(root, stats);
    stats_governor_add_json(&stats->governor, root);
    stats_comfort_add_json(&stats->comfort, root);
    add_display(root, stats);
    part = cJSON_AddObjectToObject(root, "audio");
    cJSON_AddNumberToObject(part, "underruns", LOAD(audio_underruns));
    part = cJSON_AddObjectToObject(root, "av_offset_ms");
    cJSON_AddNumberToObject(part, "p50", av.p50_ms);
    cJSON_AddNumberToObject(part, "p95", av.p95_abs_ms);
    cJSON_AddNumberToObject(part, "samples", av.samples);
    cJSON_AddNumberToObject(root, "start_to_first_frame_ms", first_frame_ms(stats));
    cJSON_AddNumberToObject(root, "wall_ms",
                            (double)(clock_now_ns() - stats->start_ns) / NS_PER_MS);
    part = cJSON_AddObjectToObject(root, "memory");
    cJSON_AddNumberToObject(part, "peak_rss_bytes", (double)mem_peak_rss_bytes());
    cJSON_AddStringToObject(root, "end", end_name(end));
    return root;
}

bool stats_write_json(const struct stats *stats, const char *path, enum stats_end end)
{
    cJSON *json = to_json(stats, end);
    char *text = cJSON_Print(json);
    FILE *file = fopen(path, "w");
    bool ok = text && file && fputs(text, file) >= 0 && fputc('\n', file) >= 0;

    if (file)
        ok = fclose(file) == 0 && ok;
    if (!ok)
        log_error("cannot write the statistics to %s: %s", path, strerror(errno));
    cJSON_free(text);
    cJSON_Delete(json);
    return ok;
}

void stats_print_summary(const struct stats *stats, enum stats_end end)
{
    struct offsets av = offsets(stats);

    printf("decoded %.0f, converted %.0f (%.1f ms each), dropped %.0f, shown %.0f of them, skipped "
           "%.0f\n",
           LOAD(frames_decoded), LOAD(frames_converted), histogram_ms(&stats->convert, 0.5),
           LOAD(frames_dropped), LOAD(frames_shown), LOAD(frames_skipped));
    printf("display %s: %.0f submits, %.0f late", stats->display, LOAD(periods), LOAD(late));
    if (av.samples > 0)
        printf("; picture to sound %+.1f ms (95 %% within %.1f ms)", av.p50_ms, av.p95_abs_ms);
    printf("\nnetwork %s on %s\n", stats->model, stats->backend);
    if (stats->runtime[0] || stats->device[0])
        printf("runtime %s%s%s\n", stats->runtime[0] ? stats->runtime : "none",
               stats->device[0] ? ", device " : "", stats->device);
    stats_governor_print(&stats->governor);
    stats_comfort_print(&stats->comfort);
    printf("first stereo frame after %.0f ms, peak memory %.0f MB; ended by %s\n",
           first_frame_ms(stats), (double)mem_peak_rss_bytes() / 1e6,
           end == STATS_END_FILE   ? "the end of the film"
           : end == STATS_END_USER ? "the viewer"
                                   : "an error");
}
