// Host memory.
//
// Small objects abort when memory runs out: there is nothing sensible left to do. Frames, tensors
// and other large blocks are asked for with mem_try_*, are checked by the caller, and can be made
// to fail in tests.
//
// Thread-safety: safe.
#pragma once
#include <stddef.h>

// count objects of size bytes, zeroed. Never returns NULL. Free with mem_free().
void *mem_new(size_t count, size_t size);
// An array of mem_new() with room for one more than its `count` items: itself, or a larger copy in
// its place with what is new zeroed. *room: items it has room for; 0 with items NULL for none.
// Never returns NULL.
void *mem_grow(void *items, int count, int *room, size_t size);
// Copies text; never NULL. text NULL gives NULL.
char *mem_strdup(const char *text);
// printf into a new string; never NULL.
__attribute__((format(printf, 1, 2))) char *mem_printf(const char *format, ...);

// Alignment of every large block, in bytes: a cache line, and an AVX-512 register.
#define MEM_ALIGN 64
// A large block, MEM_ALIGN-aligned, contents undefined. size 0 gives a valid pointer.
// NULL when there is no memory (or a test asked for it); nothing is logged: the caller knows what
// it was for.
void *mem_try_block(size_t size);
// Both kinds; NULL is allowed.
void mem_free(void *pointer);

// Tests only: the n-th mem_try_block() from now fails (1: the next one), once. 0: none does.
void mem_fail_block(int n);
// Peak resident size of the process in bytes; 0 where the system does not tell.
size_t mem_peak_rss_bytes(void);
