// deep3d-sample: renders the project's sample clip, or one picture of it.
//
//   deep3d-sample clip OUT.mkv       all shots, lossless (FFV1) with sound; assets/sample/make.sh
//   makes the small file deep3d-sample picture SECONDS OUT.ppm [SAMPLES]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "assets/sample/render.h"
#include "assets/sample/sound.h"
#include "base/log.h"
#include "base/mem.h"

#define WIDTH 1280
#define HEIGHT 720
#define FPS 30
#define SAMPLES 4
#define SHUTTER_S (0.5f / FPS)

static const struct shot *const shots[] = {&shot_avenue, &shot_hall, &shot_table};
#define SHOTS ((int)(sizeof(shots) / sizeof(shots[0])))

struct studio {
    struct picture picture;
    uint8_t *developed; // [HEIGHT][WIDTH][3]
};

static void studio_finish(struct studio *s)
{
    mem_free(s->picture.light);
    mem_free(s->developed);
}

static bool studio_init(struct studio *s)
{
    *s = (struct studio){.picture = {.width = WIDTH, .height = HEIGHT}};
    s->picture.light = mem_try_block(RENDER_BYTES(WIDTH, HEIGHT));
    s->developed = mem_try_block((size_t)WIDTH * HEIGHT * 3);
    if (s->picture.light && s->developed)
        return true;
    log_error("no memory for a picture of %dx%d", WIDTH, HEIGHT);
    studio_finish(s);
    return false;
}

// False when seconds is behind the end.
static bool find_shot(float seconds, const struct shot **out_shot, float *out_time)
{
    for (int i = 0; i < SHOTS; i++) {
        if (seconds < shots[i]->seconds) {
            *out_shot = shots[i];
            *out_time = seconds;
            return true;
        }
        seconds -= shots[i]->seconds;
    }
    return false;
}

static bool take(struct studio *s, int frame, int samples, FILE *out)
{
    const struct shot *shot;
    float time;
    if (!find_shot((frame + 0.01f) / FPS, &shot, &time))
        return false;
    render_picture(shot, time, SHUTTER_S, samples, &s->picture);
    render_develop(&s->picture, frame, s->developed);
    return fwrite(s->developed, WIDTH * 3, HEIGHT, out) == HEIGHT;
}

static bool write_picture(float seconds, const char *path, int samples)
{
    struct studio s;
    if (!studio_init(&s))
        return false;
    FILE *out = fopen(path, "wb");
    bool ok = out && fprintf(out, "P6\n%d %d\n255\n", WIDTH, HEIGHT) > 0 &&
              take(&s, (int)(seconds * FPS + 0.5f), samples, out);
    if (out)
        ok = !fclose(out) && ok;
    if (!ok)
        log_error("%s: no picture of second %.2f could be written there", path, seconds);
    studio_finish(&s);
    return ok;
}

static bool write_pictures(const char *path)
{
    char *command =
        mem_printf("ffmpeg -v error -y -f rawvideo -pixel_format rgb24 -video_size %dx%d "
                   "-framerate %d -i - -c:v ffv1 -pix_fmt bgr0 '%s'",
                   WIDTH, HEIGHT, FPS, path);
    struct studio s;
    bool ok = studio_init(&s);
    FILE *out = NULL;
    float seconds = 0;
    for (int i = 0; i < SHOTS; i++)
        seconds += shots[i]->seconds;
    ok = ok && (out = popen(command, "w"));
    int frames = (int)(seconds * FPS + 0.5f);
    for (int i = 0; ok && i < frames; i++) {
        ok = take(&s, i, SAMPLES, out);
        if (i % 10 == 0)
            log_info("picture %d of %d", i, frames);
    }
    if (out && pclose(out))
        ok = false;
    if (!ok)
        log_error("%s: the pictures could not be written; is the ffmpeg program installed and the "
                  "disk writable?",
                  path);
    studio_finish(&s);
    mem_free(command);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "pictures"))
        return !write_pictures(argv[2]);
    if (argc == 3 && !strcmp(argv[1], "sound"))
        return !sound_write(shots, SHOTS, argv[2]);
    if (argc >= 4 && !strcmp(argv[1], "picture"))
        return !write_picture(strtof(argv[2], NULL), argv[3], argc > 4 ? atoi(argv[4]) : SAMPLES);
    log_error("usage: deep3d-sample pictures OUT.mkv | sound OUT.wav | picture SECONDS OUT.ppm "
              "[SAMPLES]");
    return 2;
}
