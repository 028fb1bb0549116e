#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libavutil/log.h>

#include "base/parallel.h"
#include "tests/eval/eval.h"

static const char *option(int argc, char **argv, const char *name)
{
    for (int i = 2; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    return NULL;
}

static bool write_json(const cJSON *json, const char *path)
{
    char *text = cJSON_Print(json);
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    bool ok = path == NULL || (file != NULL && fprintf(file, "%s\n", text) > 0);

    puts(text);
    if (file != NULL)
        ok = fclose(file) == 0 && ok;
    if (!ok)
        fprintf(stderr, "deep3d-eval: cannot write %s\n", path);
    cJSON_free(text);
    return ok;
}

static bool evaluate(const char *input, const char *model, const char *backend, bool matched,
                     const char *pictures, cJSON *json)
{
    struct eval_network *network;
    struct stat info;
    bool ok;

    if (stat(input, &info) != 0) {
        fprintf(stderr, "deep3d-eval: %s does not exist\n", input);
        return false;
    }
    if (!S_ISDIR(info.st_mode))
        return eval_clip(model, backend, input, pictures, json);
    network = eval_network_create(model, backend);
    ok = network != NULL && eval_pairs(network, input, matched, pictures, json);
    eval_network_destroy(&network);
    return ok;
}

int main(int argc, char **argv)
{
    const char *model = option(argc, argv, "--model"), *pictures = option(argc, argv, "--pictures"),
               *depth = option(argc, argv, "--depth");
    cJSON *json;
    bool ok;

    parallel_start(argv);
    av_log_set_level(AV_LOG_ERROR);
    if (argc < 2 || argv[1][0] == '-') {
        fprintf(stderr, "usage: deep3d-eval FOLDER|FILM [--model FILE] [--backend "
                        "auto|cuda|cpu|ref] [--depth network|matched] [--json FILE] "
                        "[--pictures DIR]\n"
                        "FOLDER holds stereo pairs NAME_left.*, NAME_right.*\n");
        return 1;
    }
    if (pictures != NULL)
        mkdir(pictures, 0777);
    json = cJSON_CreateObject();
    ok = evaluate(argv[1], model != NULL ? model : DEEP3D_MODEL, option(argc, argv, "--backend"),
                  depth != NULL && strcmp(depth, "matched") == 0, pictures, json) &&
         write_json(json, option(argc, argv, "--json"));
    cJSON_Delete(json);
    return !ok;
}
