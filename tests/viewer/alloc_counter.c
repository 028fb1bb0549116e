// Preloaded into the player (LD_PRELOAD): counts memory that the player's own code asks for while a
// film plays.
//
// A request counts when the instruction that makes it lies in the executable itself, not in a
// library, and when it comes between ALLOC_COUNTER_FROM_MS and ALLOC_COUNTER_TO_MS after the start.
// At the end, ALLOC_COUNTER_REPORT gets one line per thread and place: "name offset count", the
// offset for addr2line.
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PLACES 256

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void *__libc_memalign(size_t align, size_t size);

struct place {
    char thread[16];
    uintptr_t offset;
    long count;
};

static uintptr_t text_begin, text_end, base_address;
static int64_t from_ns = INT64_MAX, to_ns;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// guarded by lock:
static struct place places[PLACES];
static int place_count;

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

// The first object that the linker lists is the executable.
static int find_text(struct dl_phdr_info *info, size_t size, void *user)
{
    base_address = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

        if (segment->p_type == PT_LOAD && segment->p_flags & PF_X) {
            text_begin = info->dlpi_addr + segment->p_vaddr;
            text_end = text_begin + segment->p_memsz;
        }
    }
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    const char *from = getenv("ALLOC_COUNTER_FROM_MS"), *to = getenv("ALLOC_COUNTER_TO_MS");

    dl_iterate_phdr(find_text, NULL);
    if (from && to) {
        from_ns = now_ns() + atoll(from) * 1000000;
        to_ns = now_ns() + atoll(to) * 1000000;
    }
}

static void count(void *caller)
{
    uintptr_t address = (uintptr_t)caller;
    int64_t now;
    char thread[16] = "";
    int i;

    if (address < text_begin || address >= text_end)
        return;
    now = now_ns();
    if (now < from_ns || now >= to_ns)
        return;
    pthread_getname_np(pthread_self(), thread, sizeof(thread));
    pthread_mutex_lock(&lock);
    for (i = 0; i < place_count; i++) {
        if (places[i].offset == address - base_address && strcmp(places[i].thread, thread) == 0)
            break;
    }
    if (i < PLACES) {
        if (i == place_count)
            place_count++;
        memcpy(places[i].thread, thread, sizeof(thread));
        places[i].offset = address - base_address;
        places[i].count++;
    }
    pthread_mutex_unlock(&lock);
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("ALLOC_COUNTER_REPORT");
    FILE *file = path ? fopen(path, "w") : NULL;

    if (!file)
        return;
    for (int i = 0; i < place_count; i++)
        fprintf(file, "%s 0x%lx %ld\n", places[i].thread, (unsigned long)places[i].offset,
                places[i].count);
    fclose(file);
}

void *malloc(size_t size)
{
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_calloc(n, size);
}

void *realloc(void *pointer, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_realloc(pointer, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_memalign(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    count(__builtin_return_address(0));
    *out = __libc_memalign(align, size);
    return *out ? 0 : 12; // ENOMEM
}
