#include "viewer/alsa_log.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

// as alsa/error.h declares them; SDL loads the library, we do not link it
typedef void handler(const char *file, int line, const char *function, int error,
                     const char *format, ...);
typedef int set_handler(handler *handler);

__attribute__((format(printf, 5, 6))) static void
forward(const char *file, int line, const char *function, int error, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    log_trace("alsa: %s: %s", function ? function : "?", text);
}

void alsa_log_install(void)
{
    void *library = dlopen("libasound.so.2", RTLD_LAZY | RTLD_LOCAL);
    set_handler *set = NULL;

    if (!library)
        return;
    // ISO C has no conversion from dlsym's pointer to one to a function
    *(void **)&set = dlsym(library, "snd_lib_error_set_handler");
    if (set)
        set(forward);
    // stays loaded: it keeps the pointer
}
