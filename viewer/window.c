#include "viewer/window.h"

#include <SDL.h>
#include <SDL_vulkan.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "viewer/commands.h"
#include "viewer/options.h"

#define PROGRAM "deep3d"
#define WIDTH 1280
#define HEIGHT 720
#define SMALLEST 64
#define DEFAULT_REFRESH_HZ 60
// Monitors say their size, but not all of them the truth: pixels are square and within this, and
// 96 is what desktops make up.
#define LEAST_DPI 15
#define MOST_DPI 600
#define MADE_UP_DPI 96
#define SDL2_COMPAT_PATCH 50 // its versions' last numbers begin here

struct window {
    SDL_Window *sdl;
    const char **extensions;
    uint32_t extension_count;
};

// --- opening and closing

static void read_extensions(struct window *w)
{
    unsigned count = 0;

    if (SDL_Vulkan_GetInstanceExtensions(w->sdl, &count, NULL) && count > 0) {
        w->extensions = mem_new(count, sizeof(*w->extensions));
        if (SDL_Vulkan_GetInstanceExtensions(w->sdl, &count, w->extensions))
            w->extension_count = count;
    }
}

struct window *window_create(const struct options *options)
{
    enum log_level level = options->display == DISPLAY_KIND_WINDOW ? LOG_ERROR : LOG_INFO;
    Uint32 flags = SDL_WINDOW_VULKAN | SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI |
                   (options->fullscreen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    struct window *w;

    // asked first: libwayland complains on its own where there is no desktop at all
    if (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY") && !getenv("SDL_VIDEODRIVER")) {
        log_write(level, "no window: no display here; DISPLAY or WAYLAND_DISPLAY names it");
        return NULL;
    }
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0) {
        log_write(level, "no window: no display here (%s); DISPLAY or WAYLAND_DISPLAY names it",
                  SDL_GetError());
        return NULL;
    }
    w = mem_new(1, sizeof(*w));
    // what SDL falls back to without a desktop
    if (!strcmp(SDL_GetCurrentVideoDriver(), "offscreen") ||
        !strcmp(SDL_GetCurrentVideoDriver(), "dummy")) {
        log_write(level, "no window: no display here; DISPLAY or WAYLAND_DISPLAY names it");
        goto fail;
    }
    w->sdl = SDL_CreateWindow(PROGRAM, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, WIDTH,
                              HEIGHT, flags);
    if (!w->sdl) {
        log_write(level, "no window: SDL's %s driver: %s", SDL_GetCurrentVideoDriver(),
                  SDL_GetError());
        goto fail;
    }
    read_extensions(w);
    if (w->extension_count == 0) {
        log_write(level, "no window: Vulkan cannot draw on this display (%s)", SDL_GetError());
        goto fail;
    }
    SDL_SetWindowMinimumSize(w->sdl, SMALLEST, SMALLEST);
    SDL_ShowCursor(options->fullscreen ? SDL_DISABLE : SDL_ENABLE);
    window_set_title(w, options->file_count > 0 ? options->files[0] : NULL);
    return w;
fail:
    window_destroy(&w);
    return NULL;
}

void window_destroy(struct window **window)
{
    struct window *w = *window;

    if (!w)
        return;
    if (w->sdl)
        SDL_DestroyWindow(w->sdl);
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
    mem_free(w->extensions);
    mem_free(w);
    *window = NULL;
}

void window_set_title(struct window *window, const char *file)
{
    const char *slash = file ? strrchr(file, '/') : NULL;
    // of an address that ends in a slash, all of it
    const char *name = slash && slash[1] ? slash + 1 : file;
    char *title = name ? mem_printf("%s - %s", name, PROGRAM) : mem_strdup(PROGRAM);

    SDL_SetWindowTitle(window->sdl, title);
    mem_free(title);
}

// --- Vulkan

const char *const *window_instance_extensions(struct window *window, uint32_t *out_count)
{
    *out_count = window->extension_count;
    return window->extensions;
}

bool window_create_surface(struct window *window, VkInstance instance, VkSurfaceKHR *out)
{
    if (SDL_Vulkan_CreateSurface(window->sdl, instance, out))
        return true;
    log_error("Vulkan cannot draw in the window: %s", SDL_GetError());
    return false;
}

bool window_can_present(void *window, VkInstance instance, VkPhysicalDevice physical,
                        uint32_t family)
{
    VkSurfaceKHR surface;
    VkBool32 supported = VK_FALSE;

    if (!window_create_surface(window, instance, &surface))
        return false;
    if (vkGetPhysicalDeviceSurfaceSupportKHR(physical, family, surface, &supported) != VK_SUCCESS)
        supported = VK_FALSE;
    vkDestroySurfaceKHR(instance, surface, NULL);
    return supported;
}

// --- events

enum shift { ANY_SHIFT, WITHOUT_SHIFT, WITH_SHIFT };

struct key {
    SDL_Keycode code;
    enum shift shift;
    bool repeats; // while held down
    enum command_kind kind;
    double value;
};

// < and > are keys of their own on some keyboards, shifted comma and full stop on others
static const struct key keys[] = {
    {SDLK_SPACE, ANY_SHIFT, false, COMMAND_PAUSE, 0},
    {SDLK_p, ANY_SHIFT, false, COMMAND_PAUSE, 0},
    {SDLK_q, ANY_SHIFT, false, COMMAND_QUIT, 0},
    {SDLK_f, ANY_SHIFT, false, COMMAND_FULLSCREEN, 0},
    {SDLK_m, ANY_SHIFT, false, COMMAND_MUTE, 0},
    {SDLK_t, ANY_SHIFT, false, COMMAND_LAYOUT, 0},
    {SDLK_d, ANY_SHIFT, false, COMMAND_VIEW, 0},
    {SDLK_i, ANY_SHIFT, false, COMMAND_INPUT, 0},
    {SDLK_e, ANY_SHIFT, false, COMMAND_SWAP_EYES, 0},
    {SDLK_r, ANY_SHIFT, false, COMMAND_RECENTER, 0},
    {SDLK_LEFT, WITHOUT_SHIFT, true, COMMAND_SEEK_BY, -5},
    {SDLK_RIGHT, WITHOUT_SHIFT, true, COMMAND_SEEK_BY, 5},
    {SDLK_LEFT, WITH_SHIFT, true, COMMAND_SEEK_BY, -1},
    {SDLK_RIGHT, WITH_SHIFT, true, COMMAND_SEEK_BY, 1},
    {SDLK_UP, ANY_SHIFT, true, COMMAND_SEEK_BY, 60},
    {SDLK_DOWN, ANY_SHIFT, true, COMMAND_SEEK_BY, -60},
    {SDLK_PAGEUP, ANY_SHIFT, false, COMMAND_CHAPTER_BY, 1},
    {SDLK_PAGEDOWN, ANY_SHIFT, false, COMMAND_CHAPTER_BY, -1},
    {SDLK_PERIOD, WITHOUT_SHIFT, true, COMMAND_STEP, 1},
    {SDLK_COMMA, WITHOUT_SHIFT, true, COMMAND_STEP, -1},
    {SDLK_LEFTBRACKET, ANY_SHIFT, true, COMMAND_SPEED_BY, 1 / 1.1},
    {SDLK_RIGHTBRACKET, ANY_SHIFT, true, COMMAND_SPEED_BY, 1.1},
    {SDLK_BACKSPACE, ANY_SHIFT, false, COMMAND_SPEED_BY, 0},
    {SDLK_9, ANY_SHIFT, true, COMMAND_VOLUME_BY, -0.05},
    {SDLK_0, ANY_SHIFT, true, COMMAND_VOLUME_BY, 0.05},
    {SDLK_1, ANY_SHIFT, true, COMMAND_STRENGTH_BY, -0.1},
    {SDLK_2, ANY_SHIFT, true, COMMAND_STRENGTH_BY, 0.1},
    {SDLK_3, ANY_SHIFT, true, COMMAND_CONVERGENCE_BY, -0.05},
    {SDLK_4, ANY_SHIFT, true, COMMAND_CONVERGENCE_BY, 0.05},
    {SDLK_a, WITHOUT_SHIFT, false, COMMAND_AUDIO_TRACK, 1},
    {SDLK_a, WITH_SHIFT, false, COMMAND_AUDIO_TRACK, -1},
    {SDLK_k, WITHOUT_SHIFT, true, COMMAND_AUDIO_DELAY_BY, -0.05},
    {SDLK_k, WITH_SHIFT, true, COMMAND_AUDIO_DELAY_BY, 0.05},
    {SDLK_j, WITHOUT_SHIFT, false, COMMAND_SUBTITLE_TRACK, 1},
    {SDLK_j, WITH_SHIFT, false, COMMAND_SUBTITLE_TRACK, -1},
    {SDLK_v, ANY_SHIFT, false, COMMAND_SUBTITLE_SHOW, 0},
    {SDLK_z, WITHOUT_SHIFT, true, COMMAND_SUBTITLE_DELAY_BY, -0.1},
    {SDLK_z, WITH_SHIFT, true, COMMAND_SUBTITLE_DELAY_BY, 0.1},
    {SDLK_c, ANY_SHIFT, false, COMMAND_AUTO_CONVERGENCE, 0},
    {SDLK_b, ANY_SHIFT, false, COMMAND_BUDGET, 0},
    {SDLK_w, ANY_SHIFT, false, COMMAND_FLOATING_WINDOW, 0},
    {SDLK_LESS, WITHOUT_SHIFT, false, COMMAND_NEXT, -1},
    {SDLK_LESS, WITH_SHIFT, false, COMMAND_NEXT, 1},
    {SDLK_COMMA, WITH_SHIFT, false, COMMAND_NEXT, -1},
    {SDLK_GREATER, ANY_SHIFT, false, COMMAND_NEXT, 1},
    {SDLK_PERIOD, WITH_SHIFT, false, COMMAND_NEXT, 1},
};

// Digits count by their place: some keyboards have them only with shift.
static SDL_Keycode key_code(const SDL_Keysym *sym)
{
    if (sym->scancode >= SDL_SCANCODE_1 && sym->scancode <= SDL_SCANCODE_9)
        return SDLK_1 + (SDL_Keycode)(sym->scancode - SDL_SCANCODE_1);
    return sym->scancode == SDL_SCANCODE_0 ? SDLK_0 : sym->sym;
}

static void key_pressed(const struct window *w, const SDL_KeyboardEvent *event,
                        struct command_queue *commands)
{
    SDL_Keycode code = key_code(&event->keysym);
    enum shift shift = event->keysym.mod & KMOD_SHIFT ? WITH_SHIFT : WITHOUT_SHIFT;

    if (event->keysym.mod & (KMOD_CTRL | KMOD_ALT | KMOD_GUI))
        return; // the desktop's
    if (code == SDLK_ESCAPE && !event->repeat && window_fullscreen(w))
        command_queue_push(commands, COMMAND_FULLSCREEN, 0);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct key *k = &keys[i];

        if (k->code == code && (k->shift == ANY_SHIFT || k->shift == shift) &&
            (k->repeats || !event->repeat))
            command_queue_push(commands, k->kind, k->value);
    }
}

bool window_events(struct window *window, struct command_queue *commands)
{
    bool wants_draw = false;
    SDL_Event event;

    while (SDL_PollEvent(&event)) {
        switch (event.type) {
        case SDL_QUIT: // closed, or the program was asked to end
            command_queue_push(commands, COMMAND_QUIT, 0);
            break;
        case SDL_KEYDOWN:
            key_pressed(window, &event.key, commands);
            break;
        case SDL_MOUSEBUTTONDOWN:
            if (event.button.button == SDL_BUTTON_LEFT && event.button.clicks == 2)
                command_queue_push(commands, COMMAND_FULLSCREEN, 0);
            break;
        case SDL_WINDOWEVENT: // rare, so any of them may redraw
            wants_draw = true;
            break;
        }
    }
    return wants_draw;
}

void window_wait(int timeout_ms)
{
    SDL_WaitEventTimeout(NULL, timeout_ms);
}

// --- state

void window_toggle_fullscreen(struct window *window)
{
    bool fullscreen = !window_fullscreen(window);

    if (SDL_SetWindowFullscreen(window->sdl, fullscreen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) != 0)
        log_warn("the window cannot change to %s: %s", fullscreen ? "fullscreen" : "a window",
                 SDL_GetError());
    SDL_ShowCursor(window_fullscreen(window) ? SDL_DISABLE : SDL_ENABLE);
}

bool window_fullscreen(const struct window *window)
{
    return SDL_GetWindowFlags(window->sdl) & SDL_WINDOW_FULLSCREEN;
}

bool window_may_starve(const struct window *window)
{
    return !strcmp(SDL_GetCurrentVideoDriver(), "wayland");
}

bool window_visible(const struct window *window)
{
    return !(SDL_GetWindowFlags(window->sdl) & (SDL_WINDOW_MINIMIZED | SDL_WINDOW_HIDDEN));
}

void window_size(const struct window *window, int *out_width, int *out_height)
{
    SDL_Vulkan_GetDrawableSize(window->sdl, out_width, out_height);
}

// The mode of the monitor that the window is on. False: not known.
static bool monitor_mode(const struct window *window, int *out_display, SDL_DisplayMode *out)
{
    *out_display = SDL_GetWindowDisplayIndex(window->sdl);
    return *out_display >= 0 && SDL_GetCurrentDisplayMode(*out_display, out) == 0;
}

// SDL 3 under the name of SDL 2 knows no sizes: it makes them up from the desktop's scale.
static bool sizes_are_known(void)
{
    SDL_version version;

    SDL_GetVersion(&version);
    return version.patch < SDL2_COMPAT_PATCH;
}

double window_monitor_width_m(const struct window *window)
{
    SDL_DisplayMode mode;
    float across, down;
    int display;

    if (!sizes_are_known() || !monitor_mode(window, &display, &mode) ||
        SDL_GetDisplayDPI(display, NULL, &across, &down) != 0 || fabsf(across - MADE_UP_DPI) < 1 ||
        across < LEAST_DPI || across > MOST_DPI || fabsf(across - down) > across / 10)
        return 0;
    return mode.w / across * 0.0254;
}

double window_part_of_monitor(const struct window *window)
{
    SDL_DisplayMode mode;
    int display, width;

    SDL_GetWindowSize(window->sdl, &width, NULL);
    return monitor_mode(window, &display, &mode) && mode.w > 0 ? (double)width / mode.w : 1;
}

int64_t window_refresh_ns(const struct window *window)
{
    SDL_DisplayMode mode;
    int display;

    if (!monitor_mode(window, &display, &mode) || mode.refresh_rate <= 0)
        mode.refresh_rate = DEFAULT_REFRESH_HZ;
    return NS_PER_S / mode.refresh_rate;
}
