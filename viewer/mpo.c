#include "viewer/mpo.h"

#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

// What stands before every segment's own "MPF" data: marker, length, "MPF\0".
#define MARK_BYTES 8
// From the TIFF header on, where all offsets begin: header, index with its entries, attributes.
#define INDEX_AT 8
#define INDEX_BYTES (2 + 3 * 12 + 4)
#define ENTRIES_AT (INDEX_AT + INDEX_BYTES)
#define ENTRY_BYTES 16
#define ATTRIBUTES_AT (ENTRIES_AT + 2 * ENTRY_BYTES)
#define ATTRIBUTES_BYTES (2 + 3 * 12 + 4)
#define LEFT_BYTES (MARK_BYTES + ATTRIBUTES_AT + ATTRIBUTES_BYTES)
#define RIGHT_BYTES (MARK_BYTES + INDEX_AT + ATTRIBUTES_BYTES)

enum field {
    MPF_VERSION = 0xb000,
    IMAGE_COUNT,
    ENTRIES,
    IMAGE_NUMBER = 0xb101,
    BASE_VIEW = 0xb204
};
enum field_type { LONG = 4, UNDEFINED = 7 };
#define TYPE_DISPARITY 0x020002u
#define REPRESENTATIVE (1u << 29)

static uint8_t *put(uint8_t *at, uint32_t value, int bytes)
{
    while (bytes-- > 0)
        *at++ = (uint8_t)(value >> (8 * bytes));
    return at;
}

static uint8_t *put_field(uint8_t *at, enum field tag, enum field_type type, uint32_t count,
                          uint32_t value)
{
    at = put(at, tag, 2);
    at = put(at, type, 2);
    at = put(at, count, 4);
    return put(at, value, 4);
}

static uint8_t *put_version(uint8_t *at)
{
    return put_field(at, MPF_VERSION, UNDEFINED, 4, 0x30313030); // "0100"
}

// The segment's beginning, big-endian; its first directory stands at INDEX_AT.
static uint8_t *put_head(uint8_t *at, int segment_bytes)
{
    at = put(at, 0xffe2, 2);
    at = put(at, (uint32_t)segment_bytes - 2, 2);
    memcpy(at, "MPF", 4);
    at = put(at + 4, 0x4d4d002a, 4);
    return put(at, INDEX_AT, 4);
}

static uint8_t *put_attributes(uint8_t *at, uint32_t number)
{
    at = put(at, 3, 2);
    at = put_version(at);
    at = put_field(at, IMAGE_NUMBER, LONG, 1, number);
    at = put_field(at, BASE_VIEW, LONG, 1, 1);
    return put(at, 0, 4);
}

static uint8_t *put_entry(uint8_t *at, uint32_t kind, size_t bytes, size_t offset)
{
    at = put(at, kind, 4);
    at = put(at, (uint32_t)bytes, 4);
    at = put(at, (uint32_t)offset, 4);
    return put(at, 0, 4); // depends on no other
}

// bytes: of both pictures with their segments; right_at: from the left segment's TIFF header.
static uint8_t *put_left_segment(uint8_t *at, const size_t bytes[2], size_t right_at)
{
    at = put_head(at, LEFT_BYTES);
    at = put(at, 3, 2);
    at = put_version(at);
    at = put_field(at, IMAGE_COUNT, LONG, 1, 2);
    at = put_field(at, ENTRIES, UNDEFINED, 2 * ENTRY_BYTES, ENTRIES_AT);
    at = put(at, ATTRIBUTES_AT, 4);
    at = put_entry(at, REPRESENTATIVE | TYPE_DISPARITY, bytes[0], 0);
    at = put_entry(at, TYPE_DISPARITY, bytes[1], right_at);
    return put_attributes(at, 1);
}

// Where the segment goes: behind SOI, and behind JFIF's APP0, which wants to be first. 0: no JPEG.
static size_t place(const uint8_t *jpeg, size_t bytes)
{
    size_t length;

    if (bytes < 6 || jpeg[0] != 0xff || jpeg[1] != 0xd8 || jpeg[2] != 0xff)
        return 0;
    if (jpeg[3] != 0xe0)
        return 2;
    length = (size_t)jpeg[4] << 8 | jpeg[5];
    return length >= 2 && 4 + length <= bytes ? 4 + length : 0;
}

uint8_t *mpo_join(const uint8_t *const jpeg[2], const size_t bytes[2], size_t *out_bytes)
{
    size_t at[2] = {place(jpeg[0], bytes[0]), place(jpeg[1], bytes[1])};
    size_t whole[2] = {bytes[0] + LEFT_BYTES, bytes[1] + RIGHT_BYTES};
    uint8_t *file, *end;

    if (!at[0] || !at[1] || whole[0] > INT32_MAX || whole[1] > INT32_MAX - whole[0]) {
        log_error("an MPO is made of two JPEGs of 2 GiB at most together");
        return NULL;
    }
    *out_bytes = whole[0] + whole[1];
    file = end = mem_try_block(*out_bytes);
    if (!file) {
        log_error("no memory for an MPO of %zu bytes", *out_bytes);
        return NULL;
    }
    memcpy(end, jpeg[0], at[0]);
    end = put_left_segment(end + at[0], whole, whole[0] - at[0] - MARK_BYTES);
    memcpy(end, jpeg[0] + at[0], bytes[0] - at[0]);
    end += bytes[0] - at[0];
    memcpy(end, jpeg[1], at[1]);
    end = put_attributes(put_head(end + at[1], RIGHT_BYTES), 2);
    memcpy(end, jpeg[1] + at[1], bytes[1] - at[1]);
    return file;
}
