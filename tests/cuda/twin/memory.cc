#include "memory.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <sys/mman.h>

// As much as a GPU may have: addresses, of which those in use become memory.
#define ARENA_BYTES ((size_t)16 << 30)
// What a block takes: behind it are bytes that must be as they were when it is freed.
#define WHOLE(bytes) (((bytes) + 511) / 256 * 256)
#define FILL 0xa5

namespace
{

void demand(bool truth, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "CUDA's twin: %s\n", what);
    abort();
}

// One range, which one call opens or closes as a whole. With huge pages that takes some 20 us; with
// small ones the kernel would go through 512 times as many.
struct arena {
    std::mutex lock;
    char *begin = NULL; // NULL: the heap is in its place
    // guarded by lock:
    std::map<char *, size_t> blocks; // in use
    int working = 0;

    arena()
    {
        // Sanitizers know a block's end and its freeing, but only of the heap's.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        void *range =
            mmap(NULL, ARENA_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        demand(range != MAP_FAILED, "no 16 GiB of addresses");
        begin = (char *)range;
        madvise(begin, ARENA_BYTES, MADV_HUGEPAGE);
#endif
    }

    void protect(int how)
    {
        demand(!begin || mprotect(begin, ARENA_BYTES, how) == 0, "mprotect() failed");
    }

    // The first gap between blocks that is large enough.
    void *take(size_t bytes)
    {
        std::lock_guard<std::mutex> guard(lock);
        char *at = begin;

        for (const auto &block : blocks) {
            if ((size_t)(block.first - at) >= WHOLE(bytes))
                break;
            at = block.first + WHOLE(block.second);
        }
        if (WHOLE(bytes) > (size_t)(begin + ARENA_BYTES - at))
            return NULL;
        blocks[at] = bytes;
        return at;
    }

    void give(char *memory)
    {
        std::lock_guard<std::mutex> guard(lock);
        auto block = blocks.find(memory);

        demand(block != blocks.end(), "frees what is no device memory");
        for (size_t i = block->second; i < WHOLE(block->second); i++)
            demand((uint8_t)memory[i] == FILL, "something was written behind a block");
        blocks.erase(block);
    }
};

// Never destroyed: the last block may be freed after all else.
arena &all = *new arena;

} // namespace

void *cuda_twin_take(size_t bytes)
{
    size_t room = all.begin ? WHOLE(bytes) : (bytes + 255) / 256 * 256;
    void *memory = all.begin ? all.take(bytes) : aligned_alloc(256, room);
    cuda_twin_work filling;

    return memory ? memset(memory, FILL, room) : NULL;
}

void cuda_twin_give(void *memory)
{
    cuda_twin_work looking;

    if (!all.begin)
        free(memory);
    else if (memory)
        all.give((char *)memory);
}

bool cuda_twin_owns(const void *pointer)
{
    return all.begin && (uintptr_t)pointer - (uintptr_t)all.begin < ARENA_BYTES;
}

cuda_twin_work::cuda_twin_work()
{
    std::lock_guard<std::mutex> guard(all.lock);

    if (all.working++ == 0)
        all.protect(PROT_READ | PROT_WRITE);
}

cuda_twin_work::~cuda_twin_work()
{
    std::lock_guard<std::mutex> guard(all.lock);

    if (--all.working == 0)
        all.protect(PROT_NONE);
}
