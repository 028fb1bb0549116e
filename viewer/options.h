// Everything that a person sets, in one table: name, type, range, default, help, and the
// subcommands that it belongs to. The command line is made from it: `deep3d [SUBCOMMAND] [OPTION
// ...] FILE ...`, where no subcommand means: play.
//
// Thread-safety: read-only once parsed, but for the fields that commands change on the main thread.
#pragma once
#include <stdbool.h>

enum subcommand {
    SUBCOMMAND_PLAY,
    SUBCOMMAND_CONVERT,
    SUBCOMMAND_IMPORT,
    SUBCOMMAND_LAYERS,
    SUBCOMMAND_COUNT
};

enum display_kind { DISPLAY_KIND_AUTO, DISPLAY_KIND_XR, DISPLAY_KIND_WINDOW, DISPLAY_KIND_NULL };

// How the window shows two eyes in one picture.
enum stereo_layout {
    LAYOUT_LEFT,
    LAYOUT_RIGHT,
    LAYOUT_SIDE_BY_SIDE,      // both at full width
    LAYOUT_HALF_SIDE_BY_SIDE, // each squeezed to half its width, as 3D televisions take it
    LAYOUT_TOP_BOTTOM,        // left above right, both at full height
    LAYOUT_ANAGLYPH,          // red-cyan glasses, Dubois' matrices
    LAYOUT_COUNT,
};

// Words instead of numbers.
#define OPTIONS_SUB_AUTO 0
#define OPTIONS_SUB_NONE (-1)
#define OPTIONS_SUB_DEPTH_AUTO (-6)
#define OPTIONS_SPEED_MIN 0.25
#define OPTIONS_SPEED_MAX 4.0
#define OPTIONS_AUDIO_DELAY_MAX_S 2.0
// How a file shows two eyes; the words of --layout in this order.
enum file_layout {
    FILE_LAYOUT_FULL_SBS, // left beside right, both at full width
    FILE_LAYOUT_HALF_SBS, // each squeezed to half its width
    FILE_LAYOUT_TOP_BOTTOM,
    FILE_LAYOUT_HALF_TB,
    FILE_LAYOUT_ANAGLYPH,     // red-cyan glasses
    FILE_LAYOUT_FRAME_PACKED, // as HDMI: left, a black gap, right below
    FILE_LAYOUT_PAIR,         // a file for each eye
    FILE_LAYOUT_DISPARITY,    // nearness as 16-bit grey
    FILE_LAYOUT_WIGGLE,       // of photographs: sways between the eyes
    // one file of a pair; not on the command line
    FILE_LAYOUT_LEFT,
    FILE_LAYOUT_RIGHT,
};

enum file_codec {
    FILE_CODEC_AUTO,
    FILE_CODEC_H264,
    FILE_CODEC_HEVC,
    FILE_CODEC_AV1,
    FILE_CODEC_FFV1
};
enum file_encoder { FILE_ENCODER_AUTO, FILE_ENCODER_NVENC, FILE_ENCODER_SOFTWARE };

enum hwdec { HWDEC_AUTO, HWDEC_NO };
enum deinterlace { DEINTERLACE_AUTO, DEINTERLACE_NO };

// Names of the backends as deep3d_params takes them.
extern const char *const options_backends[];
// Names of enum deep3d_view.
extern const char *const options_views[];

struct options {
    enum subcommand subcommand;
    int display;       // enum display_kind
    int layout;        // enum stereo_layout
    int backend;       // index in options_backends
    int synthesis;     // enum deep3d_synthesis
    int view;          // enum deep3d_view
    const char *model; // NULL: the one that ships
    const char *stats;
    const char *output; // NULL: not given
    int file_layout;    // enum file_layout
    int input;          // enum stereo_input
    int codec;          // enum file_codec
    int encoder;        // enum file_encoder
    int crf;            // constant quality; -1: the encoder's usual
    const char *preset; // NULL: the encoder's usual
    const char *mean;   // as engine/original/mean.h takes it; NULL: none
    double strength, convergence;
    int shift; // enum deep3d_shift
    bool governor;
    bool budget, auto_convergence, floating_window, flat;
    double eye_distance_mm, max_crossed_deg;
    double screen_width_m, screen_distance_m;   // the virtual screen in a headset
    double monitor_width_m, monitor_distance_m; // what the window is on; width 0: asked for
    double volume;                              // 0..130
    double image_duration_s;
    double start_s;       // where to begin
    int sub;              // number of the track of captions, from 1; OPTIONS_SUB_*
    const char *sub_file; // NULL: none
    const char *sub_lang; // "de,en"; NULL: no wish
    double sub_delay_s, sub_scale;
    double sub_depth_pct;   // parallax; OPTIONS_SUB_DEPTH_AUTO
    int audio;              // number of the sound track, from 1; 0: auto
    const char *audio_lang; // "de,en"; NULL: no wish
    double audio_delay_s;
    double speed; // media time per time
    int threads;
    int lookahead_frames;
    int hwdec;       // enum hwdec
    int deinterlace; // enum deinterlace
    bool swap_eyes; // of a native 3D film
    bool mute, no_audio, fullscreen, loop, overwrite, verbose, help, version;
    const char **files; // argv's own strings; file_url.h tells which were URLs
    int file_count;
};

// Fills in defaults, then what argv says. False, logged: an option that the subcommand does not
// have, value missing, not a number, or out of range. URLs of files become their paths in argv.
bool options_parse(struct options *out, int argc, char **argv);
void options_finish(struct options *options);
// The help text of a subcommand, made from the table, to standard output.
void options_print_help(enum subcommand subcommand);
// The options that shape what a file is made of, a line each: two runs with the same text write the
// same film. To be freed with mem_free().
char *options_describe(const struct options *options);
const char *stereo_layout_name(enum stereo_layout layout);
