#include "tests/headset/sim_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

static struct sim_config config;
static bool is_read;

static double number(const char *name, double fallback, double low, double high)
{
    const char *text = getenv(name);
    if (!text || !*text)
        return fallback;
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno || *end || !(value >= low && value <= high)) {
        fprintf(stderr, "sim_headset: %s=%s is not a number from %g to %g; %g is used\n", name,
                text, low, high, fallback);
        return fallback;
    }
    return value;
}

static bool flag(const char *name)
{
    const char *text = getenv(name);
    return text && *text && strcmp(text, "0") != 0;
}

static void text(const char *name, const char *fallback, const char **out)
{
    mem_free((void *)*out);
    const char *value = getenv(name);
    *out = mem_strdup(value && *value ? value : fallback);
}

static void picture_size(void)
{
    config.picture_width = 960;
    config.picture_height = 1080;
    const char *value = getenv("SIM_PICTURE_SIZE");
    if (!value || !*value)
        return;
    int width, height;
    char rest;
    if (sscanf(value, "%dx%d%c", &width, &height, &rest) == 2 && width >= 16 && width <= 4096 &&
        height >= 16 && height <= 4096) {
        config.picture_width = width;
        config.picture_height = height;
    } else {
        fprintf(
            stderr,
            "sim_headset: SIM_PICTURE_SIZE=%s is not WIDTHxHEIGHT (16 to 4096); 960x1080 is used\n",
            value);
    }
}

// A script is a file's name where there is such a file, else the text itself.
static void script(void)
{
    text("SIM_SCRIPT", NULL, &config.script);
    FILE *file = config.script ? fopen(config.script, "r") : NULL;
    if (!file)
        return;
    char *content = mem_new(1, 65536);
    size_t length = fread(content, 1, 65535, file);
    content[length] = 0;
    fclose(file);
    mem_free((void *)config.script);
    config.script = content;
}

void sim_config_read(void)
{
    config.rate_hz = number("SIM_RATE_HZ", 90, 20, 240);
    config.compose_ns = (int64_t)(number("SIM_COMPOSE_MS", 2, 0, 20) * NS_PER_MS);
    config.offset_ns = (int64_t)(number("SIM_TIME_OFFSET_S", 1234.5678, 0, 1e6) * NS_PER_S);
    config.ipd_m = number("SIM_IPD_MM", 63, 0, 100) / 1000;
    config.eye_height_m = number("SIM_EYE_HEIGHT_M", 1.6, 0, 3);
    config.gpu = (int)number("SIM_GPU", 0, 0, 64);
    config.quiet = flag("SIM_QUIET");
    config.verbose = flag("SIM_VERBOSE");
    picture_size();
    text("SIM_REPORT", NULL, &config.report);
    text("SIM_FRAME_LOG", NULL, &config.frame_log);
    text("SIM_PICTURES", NULL, &config.pictures);
    text("SIM_PICTURES_AT", "0.5,2,final", &config.pictures_at);
    text("SIM_WITHOUT", "", &config.without);
    text("SIM_CONTROLLER", "/interaction_profiles/khr/simple_controller", &config.controller);
    script();
    is_read = true;
}

const struct sim_config *sim_config(void)
{
    if (!is_read)
        sim_config_read();
    return &config;
}

bool sim_config_offers(const char *extension)
{
    size_t length = strlen(extension);
    for (const char *p = sim_config()->without; (p = strstr(p, extension)); p += length) {
        bool starts = p == sim_config()->without || p[-1] == ',' || p[-1] == ' ';
        if (starts && (p[length] == 0 || p[length] == ',' || p[length] == ' '))
            return false;
    }
    return true;
}
