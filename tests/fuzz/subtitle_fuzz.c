// A caption file of any bytes: its character set, what FFmpeg makes of it, and the track that keeps
// it.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "viewer/overlay.h"
#include "viewer/subtitle_file.h"
#include "viewer/subtitle_track.h"
#include "viewer/text.h"

#define WIDTH 64
#define HEIGHT 36

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void discard(void *user, enum log_level level, const char *line)
{
}

static void look_at(void *user, struct subtitle_track *track, const char *language)
{
    struct overlay *overlay = overlay_create();
    struct text_frame frame = {WIDTH, HEIGHT, 16.0 / 9};

    // without fonts: text is laid out by libass, whose own matter that is
    for (int i = 0; i < 4; i++)
        subtitle_track_draw(track, user, i * NS_PER_S, &frame, i == 2, overlay);
    overlay_destroy(&overlay);
    subtitle_track_destroy(&track);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct text *text = text_create();
    int file = memfd_create("captions", 0);
    char path[64];

    log_set_sink(discard, NULL);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    if (text && file >= 0 && write(file, bytes, size) == (ssize_t)size)
        subtitle_file_load(path, text, 25, look_at, text);
    if (file >= 0)
        close(file);
    text_destroy(&text);
    return 0;
}
