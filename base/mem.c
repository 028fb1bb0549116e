#include "base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static atomic_int blocks_until_failure;

static void *or_die(void *pointer)
{
    if (!pointer) {
        fputs("deep3d: error: out of memory\n", stderr);
        abort();
    }
    return pointer;
}

void *mem_new(size_t count, size_t size)
{
    return or_die(calloc(count ? count : 1, size ? size : 1));
}

void *mem_grow(void *items, int count, int *room, size_t size)
{
    char *bigger;

    if (count < *room)
        return items;
    *room = *room ? *room * 2 : 16;
    bigger = mem_new((size_t)*room, size);
    if (count)
        memcpy(bigger, items, (size_t)count * size);
    mem_free(items);
    return bigger;
}

char *mem_strdup(const char *text)
{
    return text ? or_die(strdup(text)) : NULL;
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    return or_die(text);
}

void *mem_try_block(size_t size)
{
    int left = atomic_load_explicit(&blocks_until_failure, memory_order_relaxed);

    if (left > 0 && atomic_fetch_sub(&blocks_until_failure, 1) == 1)
        return NULL;
    if (size > SIZE_MAX - MEM_ALIGN)
        return NULL;
    size = size ? (size + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN : MEM_ALIGN;
    return aligned_alloc(MEM_ALIGN, size);
}

void mem_free(void *pointer)
{
    free(pointer);
}

void mem_fail_block(int n)
{
    atomic_store(&blocks_until_failure, n);
}

size_t mem_peak_rss_bytes(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (size_t)usage.ru_maxrss * 1024; // Linux counts in KiB
}
