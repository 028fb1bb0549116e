#include "tests/headset/sim_handle.h"

#include <stddef.h>

#define SLOTS 4096 // slot 0 is never used

// number: kind << 48 | generation << 16 | slot
static struct {
    void *object; // NULL: free
    uint32_t generation;
    uint16_t kind;
} slots[SLOTS];

static unsigned next = 1;

uint64_t sim_handle_create(enum sim_kind kind, void *object)
{
    for (int tries = 0; tries < SLOTS; tries++, next = next % (SLOTS - 1) + 1) {
        if (slots[next].object)
            continue;
        slots[next].object = object;
        slots[next].kind = (uint16_t)kind;
        slots[next].generation++;
        return (uint64_t)kind << 48 | (uint64_t)slots[next].generation << 16 | next;
    }
    return 0;
}

static unsigned slot_of(uint64_t number)
{
    unsigned slot = number & 0xffff;
    if (slot == 0 || slot >= SLOTS || !slots[slot].object)
        return 0;
    uint64_t right =
        (uint64_t)slots[slot].kind << 48 | (uint64_t)slots[slot].generation << 16 | slot;
    return right == number ? slot : 0;
}

void *sim_handle_object(enum sim_kind kind, uint64_t number)
{
    unsigned slot = slot_of(number);
    return slot && slots[slot].kind == (uint16_t)kind ? slots[slot].object : NULL;
}

void sim_handle_destroy(uint64_t number)
{
    unsigned slot = slot_of(number);
    if (slot)
        slots[slot].object = NULL;
}
