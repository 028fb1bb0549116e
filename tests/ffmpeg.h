// Films and pictures for tests, made by FFmpeg's own program.
//
// Thread-safety: safe.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"

// Fails the test, with the command, where it does not succeed. arguments: as a shell takes them.
static inline void ffmpeg(const char *arguments)
{
    char *command = mem_printf("ffmpeg -v error -y %s", arguments);
    int status = system(command);

    if (status != 0)
        printf("failed: %s\n", command);
    assert_int_equal(status, 0);
    mem_free(command);
}
