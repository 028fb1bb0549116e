// The whole player as a person starts it: frames a second, how much faster than the film, time to
// the first stereo frame, peak memory, and on the simulated headset the share of periods that got
// their submit in time.
#include <cjson/cJSON.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define MAX_RUNS 15

extern char **environ;

// Measured figures, one array each.
enum figure {
    FPS,
    REALTIME,
    FIRST_FRAME_MS,
    PEAK_RSS,
    CONVERT_MS,
    IN_TIME,
    AV_P50,
    AV_P95,
    FIGURES
};

static const char *const names[FIGURES] = {
    "frames_per_s",   "times_real_time", "start_to_first_frame_ms", "peak_rss_bytes",
    "convert_ms_p50", "periods_in_time", "av_offset_ms_p50",        "av_offset_ms_p95",
};

static double at(const cJSON *json, const char *object, const char *item)
{
    const cJSON *parent = object ? cJSON_GetObjectItem(json, object) : json;

    return cJSON_GetNumberValue(cJSON_GetObjectItem(parent, item));
}

static bool play(const char *clip, const char *display, const char *stats)
{
    char *argv[] = {(char *)DEEP3D_PLAYER,
                    (char *)"--display",
                    (char *)display,
                    (char *)"--stats",
                    (char *)stats,
                    (char *)clip,
                    NULL};
    pid_t child;
    int status;

    if (strcmp(display, "xr") == 0)
        setenv("XR_RUNTIME_JSON", DEEP3D_SIM_HEADSET, 0);
    fflush(stdout);
    return posix_spawn(&child, DEEP3D_PLAYER, NULL, NULL, argv, environ) == 0 &&
           waitpid(child, &status, 0) == child && status == 0;
}

static bool read_figures(const char *stats, double out[FIGURES])
{
    static char text[65536];
    FILE *file = fopen(stats, "r");
    cJSON *json;
    double frames, wall_s, periods;

    if (!file)
        return false;
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    json = cJSON_Parse(text);
    frames = at(json, "convert", "frames");
    wall_s = at(json, NULL, "wall_ms") / 1000;
    periods = at(json, "display", "periods");
    out[FPS] = frames / wall_s;
    out[REALTIME] = at(json, "source", "media_ms") / 1000 / wall_s;
    out[FIRST_FRAME_MS] = at(json, NULL, "start_to_first_frame_ms");
    out[PEAK_RSS] = at(json, "memory", "peak_rss_bytes");
    out[CONVERT_MS] = at(json, "convert", "ms_p50");
    out[IN_TIME] = periods > 0 ? 1 - at(json, "display", "late") / periods : 0;
    out[AV_P50] = at(json, "av_offset_ms", "p50");
    out[AV_P95] = at(json, "av_offset_ms", "p95");
    cJSON_Delete(json);
    return true;
}

int bench_play(int argc, char **argv)
{
    const char *display = bench_option(argc, argv, "display"),
               *runs_text = bench_option(argc, argv, "runs");
    const char *clip = argc > 1 ? argv[1] : "--";
    int runs = runs_text ? atoi(runs_text) : 1;
    double values[FIGURES][MAX_RUNS], run[FIGURES];
    char stats[] = "/tmp/deep3d-bench-XXXXXX";
    int file = mkstemp(stats);
    bool ok = file >= 0;
    cJSON *json = cJSON_CreateObject();

    display = display ? display : "null";
    if (clip[0] == '-' || runs < 1 || runs > MAX_RUNS || !ok) {
        fprintf(stderr, "deep3d-bench play: needs a clip first, and 1 to %d runs\n", MAX_RUNS);
        return 1;
    }
    for (int r = 0; ok && r < runs; r++) {
        ok = play(clip, display, stats) && read_figures(stats, run);
        for (int f = 0; f < FIGURES; f++)
            values[f][r] = run[f];
    }
    cJSON_AddStringToObject(json, "clip", clip);
    cJSON_AddStringToObject(json, "display", display);
    cJSON_AddNumberToObject(json, "runs", runs);
    for (int f = 0; ok && f < FIGURES; f++)
        cJSON_AddNumberToObject(json, names[f], bench_median(values[f], runs));
    if (ok)
        ok = bench_write(json, bench_option(argc, argv, "json"));
    else
        fprintf(stderr, "deep3d-bench play: %s was not played to its end\n", clip);
    cJSON_Delete(json);
    close(file);
    remove(stats);
    return !ok;
}
