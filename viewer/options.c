#include "viewer/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/deep3d.h"
#include "viewer/file_url.h"
#include "viewer/option_row.h"

// What a subcommand is, for the help text; row 0 has no word of its own.
struct subcommand_row {
    const char *word, *synopsis, *help;
};

static const struct subcommand_row subcommands[SUBCOMMAND_COUNT] = {
    [SUBCOMMAND_PLAY] = {"", "deep3d [OPTION ...] FILE|FOLDER|URL|IMAGE ...",
                         "Plays ordinary 2D video in stereo 3D, converted while it plays: in an "
                         "OpenXR headset, in a\nwindow, or both."},
    [SUBCOMMAND_CONVERT] =
        {"convert",
         "deep3d convert FILE|URL -o OUT.mkv|mp4|mov|webm|jpg|png|webp|mpo|gif [OPTION ...]",
         "Converts a film into a stereo file, with its sound, subtitles and chapters. What was "
         "done before a\nCtrl-C waits in OUT.part: the same command goes on from there.\n"
         "Ends with 0: done, 1: nothing was done, 2: stopped and can go on (Ctrl-C, disk full), "
         "3: the source failed\nin the middle, NAME.incomplete.EXT holds what came before.\n"
         "A photograph becomes a picture of both eyes, an MPO, or one that sways."},
    [SUBCOMMAND_IMPORT] = {"import", "deep3d import deep3d-0050.params -o MODEL.onnx",
                           "Makes a model for --model of the parameter file that Deep3D was "
                           "published in (MXNet, 2016)."},
    [SUBCOMMAND_LAYERS] = {"layers", "deep3d layers IMAGE -o LAYERS.png [OPTION ...]",
                           "Shows what the network says of a picture: twelve slices from near to "
                           "far, the brighter the likelier\nthat a pixel lies in it. The numbers "
                           "are parallax in % of the picture's width."},
};

// The set of subcommands that have an option: 1 << enum subcommand, and ASIDE.
#define PLAY (1u << SUBCOMMAND_PLAY)
#define CONVERT (1u << SUBCOMMAND_CONVERT)
#define IMPORT (1u << SUBCOMMAND_IMPORT)
#define LAYERS (1u << SUBCOMMAND_LAYERS)
// the option does not change what a file is made of
#define ASIDE (1u << 31)
#define ALL ((1u << SUBCOMMAND_COUNT) - 1)

const char *const options_backends[] = {"auto", "cuda", "cpu", "ref"};
const char *const options_views[] = {"stereo", "layers", "disparity"};

#define FIELD(f) offsetof(struct options, f)

static const struct option_row table[] = {
    {"display", PLAY, OPTION_CHOICE, FIELD(display), .choices = "auto|xr|window|null",
     .help = "where to show it: auto takes the headset and the window, whichever are there; null "
             "converts "
             "every frame and shows none"},
    {"backend", PLAY | CONVERT | LAYERS, OPTION_CHOICE, FIELD(backend),
     .choices = "auto|cuda|cpu|ref",
     .help = "what runs the network: an NVIDIA GPU, oneDNN, or plain C"},
    {"model", PLAY | CONVERT | LAYERS, OPTION_TEXT, FIELD(model), .argument = "FILE",
     .help = "depth network in ONNX; without it, those that ship: a large one on a GPU, else a "
             "small one"},
    {"synthesis", PLAY | CONVERT | LAYERS, OPTION_CHOICE, FIELD(synthesis),
     .choices = "auto|product|original",
     .help = "how the eyes are drawn: our way, or as Deep3D of 2016 did it, to the letter; auto: "
             "as the model's file\n      says"},
    {"view", PLAY | CONVERT, OPTION_CHOICE, FIELD(view), .choices = "stereo|layers|disparity",
     .help = "what both eyes see: the film, its depth layers from near to far, or its disparity "
             "in colours"},
    {"input", PLAY | CONVERT | LAYERS, OPTION_CHOICE, FIELD(input),
     .choices = "auto|flat|sbs|full-sbs|half-sbs|top-bottom|full-tb|half-tb",
     .help = "how the film shows both eyes, if it does: such films are shown as they are; auto: as "
             "it says itself, or\n      as it is named (film.hsbs.mkv); flat: one eye"},
    {"swap-eyes", PLAY | CONVERT, OPTION_FLAG, FIELD(swap_eyes),
     .help = "a film that shows both eyes has the right one first"},
    {"strength", PLAY | CONVERT | LAYERS, OPTION_NUMBER, FIELD(strength), 0, 10,
     DEEP3D_STRENGTH_DEFAULT, .help = "range of parallax in % of the picture's width"},
    {"convergence", PLAY | CONVERT | LAYERS, OPTION_NUMBER, FIELD(convergence), 0, 1,
     DEEP3D_CONVERGENCE_DEFAULT,
     .help = "which depth lies on the screen: 0 the farthest, 1 the nearest; puts "
             "--auto-convergence off",
     .replaces = FIELD(auto_convergence)},
    {"auto-convergence", PLAY | CONVERT, OPTION_SWITCH, FIELD(auto_convergence), .initial = 1,
     .help = "the subject of each shot lies on the screen"},
    {"shift", PLAY | CONVERT, OPTION_CHOICE, FIELD(shift), .choices = "both|left|right",
     .help = "which eye's picture is moved: both by half the parallax, or one by all of it while "
             "the other sees the film as it is"},
    {"budget", PLAY | CONVERT, OPTION_SWITCH, FIELD(budget), .initial = 1,
     .help = "lessen depth that eyes cannot follow on this screen: --max-crossed before it, "
             "--eye-distance behind it"},
    {"eye-distance", PLAY | CONVERT, OPTION_NUMBER, FIELD(eye_distance_mm), 40, 90, 63,
     .help = "between the viewer's eyes, in millimetres"},
    {"max-crossed", PLAY | CONVERT, OPTION_NUMBER, FIELD(max_crossed_deg), 0.05, 10, 1,
     .help = "how far eyes may turn inwards against the screen, in degrees"},
    {"floating-window", PLAY | CONVERT, OPTION_SWITCH, FIELD(floating_window), .initial = 1,
     .help = "black strips hide what the sides of the screen would cut off in front of it"},
    {"flat", PLAY, OPTION_SWITCH, FIELD(flat), .initial = 1,
     .help = "letterbox bars, captions and logos that are part of the film stay flat"},
    {"layout", PLAY, OPTION_CHOICE, FIELD(layout), .initial = LAYOUT_SIDE_BY_SIDE,
     .choices = "left|right|sbs|half-sbs|top-bottom|anaglyph",
     .help = "how the window shows both eyes (anaglyph: red-cyan glasses)"},
    {"fullscreen", PLAY, OPTION_FLAG, FIELD(fullscreen),
     .help = "open the window on the whole screen"},
    {"screen-width", PLAY | CONVERT, OPTION_NUMBER, FIELD(screen_width_m), 0.2, 50, 3,
     .help = "width of the screen in the headset, in metres"},
    {"screen-distance", PLAY | CONVERT, OPTION_NUMBER, FIELD(screen_distance_m), 0.3, 50, 3,
     .help = "how far away it stands, in metres; these two hold for --display null and for files "
             "as well"},
    {"monitor-width", PLAY, OPTION_NUMBER, FIELD(monitor_width_m), 0, 20, 0,
     .help = "width of the monitor that the window is on, in metres; 0: ask the monitor"},
    {"monitor-distance", PLAY, OPTION_NUMBER, FIELD(monitor_distance_m), 0.1, 20, 0.6,
     .help = "how far away it stands, in metres"},
    {"sub", PLAY, OPTION_INT, FIELD(sub), 1, 999, OPTIONS_SUB_AUTO, .choices = "auto|none",
     .argument = "auto|none|N",
     .help = "which captions: a track's number, the film's own first, then those of files; auto: "
             "those asked for or marked, if any"},
    {"sub-file", PLAY, OPTION_TEXT, FIELD(sub_file), .argument = "FILE",
     .help = "captions from this file; files named like the film are found by themselves"},
    {"sub-lang", PLAY, OPTION_TEXT, FIELD(sub_lang), .argument = "LANGUAGES",
     .help = "languages of captions to look for, as in: de,en"},
    {"sub-delay", PLAY, OPTION_NUMBER, FIELD(sub_delay_s), -3600, 3600, 0,
     .help = "show captions so many seconds later"},
    {"sub-scale", PLAY, OPTION_NUMBER, FIELD(sub_scale), 0.1, 10, 1,
     .help = "size of captions that are text"},
    {"sub-depth", PLAY, OPTION_NUMBER, FIELD(sub_depth_pct), -5, 10, OPTIONS_SUB_DEPTH_AUTO,
     .choices = "auto", .argument = "auto|N",
     .help = "how far captions are before the screen: parallax in % of the picture's width; auto: "
             "in front of what they cover"},
    {"audio", PLAY, OPTION_INT, FIELD(audio), 1, 999, 0, .choices = "auto", .argument = "auto|N",
     .help = "which sound: a track's number; auto: by --audio-lang, else as the film prefers"},
    {"audio-lang", PLAY, OPTION_TEXT, FIELD(audio_lang), .argument = "LANGUAGES",
     .help = "languages of sound to look for, as in: de,en"},
    {"audio-delay", PLAY, OPTION_NUMBER, FIELD(audio_delay_s), -OPTIONS_AUDIO_DELAY_MAX_S,
     OPTIONS_AUDIO_DELAY_MAX_S, 0, .help = "hear the sound so many seconds later"},
    {"volume", PLAY, OPTION_NUMBER, FIELD(volume), 0, 130, 100, .help = "loudness in %"},
    {"mute", PLAY, OPTION_FLAG, FIELD(mute), .help = "begin without sound"},
    {"no-audio", PLAY, OPTION_FLAG, FIELD(no_audio), .help = "leave the sound alone altogether"},
    {"speed", PLAY, OPTION_NUMBER, FIELD(speed), OPTIONS_SPEED_MIN, OPTIONS_SPEED_MAX, 1,
     .help = "how fast, 2 is twice; voices keep their pitch"},
    {"start", PLAY, OPTION_NUMBER, FIELD(start_s), 0, 1e6, 0, .help = "where to begin, in seconds"},
    {"loop", PLAY, OPTION_FLAG, FIELD(loop), .help = "begin again after the last file"},
    {"image-duration", PLAY, OPTION_NUMBER, FIELD(image_duration_s), 0.1, 86400, 5,
     .help = "how long a still image is shown, in seconds"},
    {"threads", PLAY | CONVERT | LAYERS | ASIDE, OPTION_INT, FIELD(threads), 0, 256, 0,
     .help = "threads of the conversion; 0: one for each core"},
    {"governor", PLAY, OPTION_SWITCH, FIELD(governor), .initial = 1,
     .help = "where the machine cannot keep up, the network sees smaller or fewer pictures"},
    {"lookahead", PLAY | CONVERT | ASIDE, OPTION_INT, FIELD(lookahead_frames), 1, 240, 8,
     .help = "frames decoded ahead of the conversion"},
    {"hwdec", PLAY | CONVERT | ASIDE, OPTION_CHOICE, FIELD(hwdec), .choices = "auto|no",
     .help = "auto: where the conversion runs on a GPU, that decodes too what it can"},
    {"deinterlace", PLAY | CONVERT | ASIDE, OPTION_CHOICE, FIELD(deinterlace), .choices = "auto|no",
     .help = "auto: interlaced pictures, by the CPU; no: they stay as they are"},
    {"output", CONVERT | IMPORT | LAYERS | ASIDE, OPTION_TEXT, FIELD(output), .letter = 'o',
     .argument = "FILE", .help = "the file to write; of a film, its ending chooses the container"},
    {"layout", CONVERT, OPTION_CHOICE, FIELD(file_layout),
     .choices = "full-sbs|half-sbs|top-bottom|half-tb|anaglyph|frame-packed|pair|disparity|wiggle",
     .help = "how the file shows both eyes (pair: two files, NAME_left and NAME_right; disparity: "
             "nearness as 16-bit grey; wiggle: a photograph that sways, as .gif always does)"},
    {"codec", CONVERT, OPTION_CHOICE, FIELD(codec), .choices = "auto|h264|hevc|av1|ffv1",
     .help = "auto: h264, in .webm av1, for disparity ffv1"},
    {"encoder", CONVERT, OPTION_CHOICE, FIELD(encoder), .choices = "auto|nvenc|software",
     .help = "auto: an NVIDIA GPU's where there is one"},
    {"crf", CONVERT, OPTION_INT, FIELD(crf), 0, 63, -1, .choices = "auto",
     .help = "constant quality, less is better"},
    {"preset", CONVERT, OPTION_TEXT, FIELD(preset), .argument = "NAME",
     .help = "the encoder's own word for speed against size (veryfast, slow, p5, 8, ...)"},
    {"overwrite", CONVERT | ASIDE, OPTION_FLAG, FIELD(overwrite),
     .help = "write over OUT where it is there, and over OUT.part of another conversion"},
    {"stats", PLAY, OPTION_TEXT, FIELD(stats), .argument = "FILE",
     .help = "write what happened to this file, as JSON"},
    {"mean", IMPORT, OPTION_TEXT, FIELD(mean), .argument = "R,G,B|FILE.npz",
     .help = "what the network was trained to have taken from every picture, 0 to 255; without it, "
             "nothing, as the\n      published program has it"},
    {"verbose", ALL | ASIDE, OPTION_FLAG, FIELD(verbose), .help = "say more while playing"},
    {"version", ALL | ASIDE, OPTION_FLAG, FIELD(version), .help = "print the version and end"},
    {"help", ALL | ASIDE, OPTION_FLAG, FIELD(help), .letter = 'h',
     .help = "print this text and end"},
};
#define ROWS (sizeof(table) / sizeof(table[0]))

// The row of --name, --name=value or -n; NULL: the subcommand has none.
static const struct option_row *find(enum subcommand subcommand, const char *text)
{
    size_t length = text[1] == '-' ? strcspn(text + 2, "=") : 0;

    for (size_t i = 0; i < ROWS; i++) {
        const struct option_row *row = &table[i];

        if (!(row->subcommands >> subcommand & 1))
            continue;
        if (length ? strlen(row->name) == length && memcmp(row->name, text + 2, length) == 0
                   : row->letter && text[1] == row->letter && !text[2])
            return row;
    }
    return NULL;
}

// One --name, --name=value, --name value or -n value; *i is moved past a value that stands by
// itself.
static bool parse_option(struct options *o, int argc, char **argv, int *i)
{
    const char *value = strchr(argv[*i], '=');
    const struct option_row *row = find(o->subcommand, argv[*i]);
    const char *word = subcommands[o->subcommand].word, *gap = word[0] ? " " : "";

    if (!row) {
        log_error("unknown option %s; deep3d%s%s --help lists them all", argv[*i], gap, word);
        return false;
    }
    if (value && row->type == OPTION_FLAG) {
        log_error("--%s takes no value", row->name);
        return false;
    }
    if (value)
        return option_row_set(row, o, value + 1);
    if (row->type == OPTION_FLAG)
        return option_row_set(row, o, NULL);
    if (*i + 1 >= argc) {
        log_error("--%s needs a value; deep3d%s%s --help says which", row->name, gap, word);
        return false;
    }
    return option_row_set(row, o, argv[++*i]);
}

// The subcommand that the first argument names; SUBCOMMAND_PLAY: none, it is a file or an option.
static enum subcommand find_subcommand(int argc, char **argv)
{
    for (int c = SUBCOMMAND_PLAY + 1; argc > 1 && c < SUBCOMMAND_COUNT; c++) {
        if (strcmp(argv[1], subcommands[c].word) == 0)
            return c;
    }
    return SUBCOMMAND_PLAY;
}

bool options_parse(struct options *out, int argc, char **argv)
{
    bool only_files = false;

    *out = (struct options){.subcommand = find_subcommand(argc, argv),
                            .files = mem_new((size_t)argc, sizeof(*out->files))};
    for (size_t i = 0; i < ROWS; i++)
        option_row_reset(&table[i], out);
    for (int i = out->subcommand == SUBCOMMAND_PLAY ? 1 : 2; i < argc; i++) {
        if (only_files || argv[i][0] != '-' || !argv[i][1]) {
            file_url_resolve(argv[i]);
            out->files[out->file_count++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            only_files = true;
        } else if (!parse_option(out, argc, argv, &i)) {
            return false;
        }
    }
    return true;
}

void options_finish(struct options *options)
{
    mem_free(options->files);
    options->files = NULL;
}

char *options_describe(const struct options *options)
{
    char *text = mem_strdup("");

    for (size_t i = 0; i < ROWS; i++) {
        char *line, *longer;

        if (!(table[i].subcommands >> options->subcommand & 1) || (table[i].subcommands & ASIDE))
            continue;
        line = option_row_describe(&table[i], options);
        longer = mem_printf("%s%s", text, line);
        mem_free(line);
        mem_free(text);
        text = longer;
    }
    return text;
}

void options_print_help(enum subcommand subcommand)
{
    printf("%s\n\n%s\n\n", subcommands[subcommand].synopsis, subcommands[subcommand].help);
    for (size_t i = 0; i < ROWS; i++)
        if (table[i].subcommands >> subcommand & 1)
            option_row_print_help(&table[i]);
    if (subcommand != SUBCOMMAND_PLAY)
        return;
    puts("\nKeys in the window\n"
         "  space pause   left/right 5 s   up/down 60 s   9/0 volume   m mute   f fullscreen   q "
         "end\n"
         "  1/2 strength   3/4 convergence   c automatic convergence   b budget of depth   w "
         "floating window\n"
         "  t next layout   d next view   r screen before your eyes   < > previous, next file\n"
         "  page up/down next, previous chapter   . , next, previous picture, and pause\n"
         "  [ ] slower, faster   backspace as fast as it was recorded\n"
         "  a/A next, previous sound track   k/K sound sooner, later\n"
         "  j/J next, previous captions   v hide them   z/Z captions sooner, later\n"
         "  i how the film shows both eyes   e left and right exchanged\n");
    for (int c = SUBCOMMAND_PLAY + 1; c < SUBCOMMAND_COUNT; c++)
        printf("  %s\n", subcommands[c].synopsis);
    puts("Ends with 0 when everything was played or the viewer ended it, else with 1.");
}

const char *stereo_layout_name(enum stereo_layout layout)
{
    static const char *const names[] = {"left eye",          "right eye",  "side by side",
                                        "half side by side", "top-bottom", "anaglyph"};

    return names[layout];
}
