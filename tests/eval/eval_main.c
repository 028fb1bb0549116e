#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libavutil/log.h>

#include "base/parallel.h"
#include "engine/deep3d.h"
#include "tests/eval/eval.h"

// Of a 3D film, each so many pictures.
#define EVERY 24

static const char usage[] =
    "usage: deep3d-eval FOLDER|FILM [OPTION ...]\n"
    "FOLDER holds stereo pairs NAME_left.*, NAME_right.*, and where there is one the true "
    "disparity\n"
    "NAME_disparity.png; FILM is an ordinary one, or one that shows both eyes.\n"
    "  --model FILE         depth network; without it, the one that ships\n"
    "  --backend auto|cuda|cpu|ref\n"
    "  --json FILE          the figures, for programs\n"
    "  --pictures DIR       left, nearness, right, difference\n"
    "  --depth network|matched   what views of pairs are drawn with\n"
    "  --layout flat|side-by-side|half-side-by-side|top-bottom|half-top-bottom   how FILM shows "
    "them;\n"
    "                       without it, as the film itself says\n"
    "  --every N            of a 3D film, each Nth picture (24)\n"
    "  --labels FILE        where a film's shots begin: lines \"cut N\", \"fade N M\", \"dissolve "
    "N M\"\n"
    "  --only shots         of a film: nothing but where they begin\n"
    "  --strength N         of the conversion of a film (2)\n";

static const char *option(int argc, char **argv, const char *name)
{
    for (int i = 2; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    return NULL;
}

// Every option has a value, and is one that there is.
static bool check_options(int argc, char **argv)
{
    char text[64];

    for (int i = 2; i < argc; i += 2) {
        snprintf(text, sizeof(text), "  %s ", argv[i]);
        if (i + 1 == argc || argv[i][0] != '-' || strstr(usage, text) == NULL) {
            fprintf(stderr, "deep3d-eval: %s is no option, or has no value\n%s", argv[i], usage);
            return false;
        }
    }
    return true;
}

static bool write_json(const cJSON *json, const char *path)
{
    char *text = cJSON_Print(json);
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    bool ok = path == NULL || (file != NULL && fprintf(file, "%s\n", text) > 0);

    if (file != NULL)
        ok = fclose(file) == 0 && ok;
    if (!ok)
        fprintf(stderr, "deep3d-eval: cannot write %s\n", path);
    cJSON_free(text);
    return ok;
}

// A line for each object with figures: its place, then name and value in turn.
static void print(const cJSON *json, const char *place)
{
    bool begun = false;
    char inner[256];

    for (const cJSON *item = json->child; item != NULL; item = item->next)
        if (cJSON_IsNumber(item)) {
            if (!begun)
                printf("%-28s", place);
            printf("  %s %.4g", item->string, item->valuedouble);
            begun = true;
        }
    if (begun)
        puts("");
    for (const cJSON *item = json->child; item != NULL; item = item->next)
        if (cJSON_IsObject(item)) {
            snprintf(inner, sizeof(inner), "%s%s%s", place, place[0] ? "." : "", item->string);
            print(item, inner);
        }
}

static float number(const char *text, float initial)
{
    return text != NULL ? strtof(text, NULL) : initial;
}

// NULL: AUTO. False: there is no such.
static bool input_named(const char *name, enum stereo_input *out)
{
    static const struct {
        const char *name;
        enum stereo_input input;
    } known[] = {
        {"flat", STEREO_INPUT_FLAT},
        {"side-by-side", STEREO_INPUT_FULL_SBS},
        {"half-side-by-side", STEREO_INPUT_HALF_SBS},
        {"top-bottom", STEREO_INPUT_FULL_TB},
        {"half-top-bottom", STEREO_INPUT_HALF_TB},
    };

    *out = STEREO_INPUT_AUTO;
    for (size_t i = 0; name != NULL && i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(name, known[i].name) == 0)
            *out = known[i].input;
    if (name == NULL || *out != STEREO_INPUT_AUTO)
        return true;
    fprintf(stderr, "deep3d-eval: --layout %s: there is no such\n%s", name, usage);
    return false;
}

// How a film shows both eyes, as --layout or it itself says.
static bool halves_of(const char *path, const char *named, struct stereo_halves *out)
{
    struct eval_film *film;
    enum stereo_input input;
    bool ok;

    if (!input_named(named, &input))
        return false;
    film = eval_film_open(path);
    if (film == NULL)
        return false;
    ok = eval_film_halves(film, input, out);
    eval_film_close(&film);
    if (!ok)
        fprintf(stderr,
                "deep3d-eval: %s shows both eyes in a way that is not read here; name one with "
                "--layout\n",
                path);
    return ok;
}

static bool evaluate(int argc, char **argv, const char *model, cJSON *json)
{
    const char *backend = option(argc, argv, "--backend"), *depth = option(argc, argv, "--depth"),
               *named = option(argc, argv, "--layout"), *every = option(argc, argv, "--every"),
               *pictures = option(argc, argv, "--pictures"), *only = option(argc, argv, "--only");
    struct stereo_halves halves = {0};
    struct stat info;
    bool ok;

    if (stat(argv[1], &info) != 0) {
        fprintf(stderr, "deep3d-eval: %s does not exist\n", argv[1]);
        return false;
    }
    bool film = !S_ISDIR(info.st_mode);
    if (film && !halves_of(argv[1], named, &halves))
        return false;
    if (film && halves.packing == DEEP3D_ONE_EYE)
        return eval_clip(
            &(struct eval_clip_params){
                .path = argv[1],
                .model = model,
                .backend = backend,
                .labels = option(argc, argv, "--labels"),
                .pictures = pictures,
                .strength = number(option(argc, argv, "--strength"), DEEP3D_STRENGTH_DEFAULT),
                .shots_only = only != NULL && strcmp(only, "shots") == 0},
            json);
    if (number(every, EVERY) < 1) {
        fprintf(stderr, "deep3d-eval: --every %s: a number from 1 on is needed\n", every);
        return false;
    }
    struct eval_network *network = eval_network_create(model, backend);
    struct eval_pairs_params params = {network,
                                       argv[1],
                                       halves,
                                       (int)number(every, EVERY),
                                       depth != NULL && strcmp(depth, "matched") == 0,
                                       pictures};
    ok = network != NULL && eval_pairs(&params, json);
    eval_network_destroy(&network);
    return ok;
}

int main(int argc, char **argv)
{
    cJSON *json;
    bool ok;

    parallel_start(argv);
    av_log_set_level(AV_LOG_ERROR);
    if (argc < 2 || argv[1][0] == '-') {
        fputs(usage, stderr);
        return 1;
    }
    if (!check_options(argc, argv))
        return 1;
    const char *model = option(argc, argv, "--model"), *pictures = option(argc, argv, "--pictures");
    if (pictures != NULL)
        mkdir(pictures, 0777);
    json = cJSON_CreateObject();
    ok = evaluate(argc, argv, model != NULL ? model : DEEP3D_MODEL, json) &&
         write_json(json, option(argc, argv, "--json"));
    if (ok)
        print(json, "");
    cJSON_Delete(json);
    return !ok;
}
