#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/parallel.h"
#include "engine/original/original.h"
#include "viewer/convert.h"
#include "viewer/display_xr.h"
#include "viewer/options.h"
#include "viewer/photo.h"
#include "viewer/player.h"
#include "viewer/stats.h"

static void on_signal(int number)
{
    player_interrupt();
    convert_interrupt();
}

static int play(struct options *options, int64_t start_ns)
{
    struct stats *stats = stats_create();
    enum stats_end end;
    bool written = true;
    int code;

    stats->start_ns = start_ns;
    end = player_run(options, stats);
    stats_print_summary(stats, end);
    if (options->stats)
        written = stats_write_json(stats, options->stats, end);
    code = end == STATS_END_ERROR || !written;
    if (xr_left_behind()) {
        fflush(NULL);
        _exit(code);
    }
    stats_destroy(&stats);
    return code;
}

static int convert(struct options *options, int64_t start_ns)
{
    signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error of writing, not the end
    return photo_is_asked(options) ? photo_run(options) : (int)convert_run(options);
}

static int import(struct options *options, int64_t start_ns)
{
    struct original_params params = {options->files[0], options->output, options->mean};

    if (options->file_count != 1 || !options->output) {
        log_error("import takes one parameter file and -o MODEL.onnx; see deep3d import --help");
        return 1;
    }
    if (!original_import(&params))
        return 1;
    log_info("%s is ready: deep3d --model %s FILM plays with it", options->output, options->output);
    return 0;
}

static int layers(struct options *options, int64_t start_ns)
{
    return photo_layers_run(options);
}

// What each subcommand does: returns the program's exit code.
static int (*const runners[SUBCOMMAND_COUNT])(struct options *, int64_t start_ns) = {
    [SUBCOMMAND_PLAY] = play,
    [SUBCOMMAND_CONVERT] = convert,
    [SUBCOMMAND_IMPORT] = import,
    [SUBCOMMAND_LAYERS] = layers,
};

int main(int argc, char **argv)
{
    parallel_start(argv);
    int64_t start_ns = clock_now_ns();
    struct options options;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
    int code = 0;

    if (!options_parse(&options, argc, argv)) {
        code = 1;
    } else if (options.help) {
        options_print_help(options.subcommand);
    } else if (options.version) {
        puts("deep3d " DEEP3D_VERSION);
    } else if (options.file_count == 0) {
        log_error("no file is named; deep3d --help says how");
        code = 1;
    } else {
        if (options.verbose)
            log_set_level(LOG_DEBUG);
        sigaction(SIGINT, &action, NULL); // a second one ends at once
        sigaction(SIGTERM, &action, NULL);
        code = runners[options.subcommand](&options, start_ns);
    }
    options_finish(&options);
    return code;
}
