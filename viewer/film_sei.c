#include "viewer/film_sei.h"

#include <math.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libavutil/mastering_display_metadata.h>

#include "base/mem.h"

#define FRAME_PACKING 45
#define MASTERING_DISPLAY 137
#define LIGHT_LEVEL 144
#define PAYLOAD_MAX 64
#define H264_SEI 6
#define H264_DELIMITER 9
#define HEVC_PREFIX_SEI 39
#define HEVC_DELIMITER 35

struct film_sei {
    bool hevc;
    uint8_t unit[4 * PAYLOAD_MAX]; // with start code
    int bytes;
};

// --- bits

struct payload {
    uint8_t data[PAYLOAD_MAX]; // all-zero at first
    int bits;
};

static void put(struct payload *p, int count, uint32_t value)
{
    while (count-- > 0) {
        if (value >> count & 1)
            p->data[p->bits / 8] |= (uint8_t)(0x80 >> p->bits % 8);
        p->bits++;
    }
}

// Exp-Golomb code of 0 or 1.
static void put_ue(struct payload *p, unsigned value)
{
    put(p, value ? 3 : 1, value ? 2 : 1);
}

static void align(struct payload *p)
{
    if (p->bits % 8) {
        put(p, 1, 1);
        p->bits = (p->bits + 7) / 8 * 8;
    }
}

// --- payloads

// How players are to take the eyes apart; 0: not at all.
static unsigned arrangement(enum file_layout layout)
{
    switch (layout) {
    case FILE_LAYOUT_FULL_SBS:
    case FILE_LAYOUT_HALF_SBS:
        return 3;
    case FILE_LAYOUT_TOP_BOTTOM:
    case FILE_LAYOUT_HALF_TB:
        return 4;
    default:
        return 0;
    }
}

static void frame_packing(struct payload *p, bool hevc, enum file_layout layout)
{
    bool half = layout == FILE_LAYOUT_HALF_SBS || layout == FILE_LAYOUT_HALF_TB;

    put_ue(p, 0);                   // id
    put(p, 1, 0);                   // cancel
    put(p, 7, arrangement(layout)); //
    put(p, 1, 0);                   // quincunx
    put(p, 6, 1);                   // the first eye is the left one
    put(p, 6, 0);                   // not flipped, no fields, not self-contained
    put(p, 16, 0);                  // grid positions
    put(p, 8, 0);                   // reserved
    if (hevc) {
        put(p, 1, 1);    // holds until another comes
        put(p, 1, half); // sample aspect is that of whole eyes
    } else {
        put_ue(p, 1);
        put(p, 1, 0); // no extension
    }
    align(p);
}

static uint32_t scaled(AVRational value, int scale)
{
    double v = value.den ? av_q2d(value) * scale + 0.5 : 0;

    return v > 0 ? (uint32_t)fmin(v, UINT32_MAX) : 0;
}

static void mastering_display(struct payload *p, const AVMasteringDisplayMetadata *m)
{
    static const int green_blue_red[] = {1, 2, 0};

    for (int i = 0; i < 3; i++)
        for (int xy = 0; xy < 2; xy++)
            put(p, 16, scaled(m->display_primaries[green_blue_red[i]][xy], 50000));
    for (int xy = 0; xy < 2; xy++)
        put(p, 16, scaled(m->white_point[xy], 50000));
    put(p, 32, scaled(m->max_luminance, 10000));
    put(p, 32, scaled(m->min_luminance, 10000));
}

// --- the unit

static void add_byte(struct film_sei *s, int *zeros, uint8_t byte)
{
    if (*zeros >= 2 && byte <= 3) { // no start code may appear inside
        s->unit[s->bytes++] = 3;
        *zeros = 0;
    }
    s->unit[s->bytes++] = byte;
    *zeros = byte ? 0 : *zeros + 1;
}

static void add(struct film_sei *s, uint8_t type, const struct payload *p)
{
    static const uint8_t start[] = {0, 0, 0, 1};
    int zeros = 0;

    memcpy(s->unit + s->bytes, start, sizeof(start));
    s->bytes += (int)sizeof(start);
    if (s->hevc) {
        add_byte(s, &zeros, HEVC_PREFIX_SEI << 1);
        add_byte(s, &zeros, 1);
    } else {
        add_byte(s, &zeros, H264_SEI);
    }
    add_byte(s, &zeros, type);
    add_byte(s, &zeros, (uint8_t)(p->bits / 8));
    for (int i = 0; i < p->bits / 8; i++)
        add_byte(s, &zeros, p->data[i]);
    add_byte(s, &zeros, 0x80); // end of the unit
}

static const void *side_data(const AVFrame *f, enum AVFrameSideDataType type)
{
    const AVFrameSideData *data = av_frame_get_side_data(f, type);

    return data ? data->data : NULL;
}

struct film_sei *film_sei_create(int codec_id, enum file_layout layout, const AVFrame *colours)
{
    const AVMasteringDisplayMetadata *display =
        side_data(colours, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
    const AVContentLightMetadata *light = side_data(colours, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
    struct film_sei *s = mem_new(1, sizeof(*s));
    struct payload p = {0};

    s->hevc = codec_id == AV_CODEC_ID_HEVC;
    if (arrangement(layout)) {
        frame_packing(&p, s->hevc, layout);
        add(s, FRAME_PACKING, &p);
    }
    if (display && display->has_primaries && display->has_luminance) {
        p = (struct payload){0};
        mastering_display(&p, display);
        add(s, MASTERING_DISPLAY, &p);
    }
    if (light) {
        p = (struct payload){0};
        put(&p, 16, light->MaxCLL);
        put(&p, 16, light->MaxFALL);
        add(s, LIGHT_LEVEL, &p);
    }
    if (s->bytes == 0 || (codec_id != AV_CODEC_ID_H264 && !s->hevc))
        film_sei_destroy(&s);
    return s;
}

void film_sei_destroy(struct film_sei **sei)
{
    mem_free(*sei);
    *sei = NULL;
}

// --- into a packet

// Bytes of the access unit delimiter that must stay first; 0: there is none.
static int delimiter_bytes(const struct film_sei *s, const AVPacket *packet)
{
    const uint8_t *d = packet->data;
    int start = packet->size > 6 && d[2] == 1 ? 3 : 4;
    int type;

    if (packet->size < 8)
        return 0;
    type = s->hevc ? d[start] >> 1 & 63 : d[start] & 31;
    if (type != (s->hevc ? HEVC_DELIMITER : H264_DELIMITER))
        return 0;
    return start + (s->hevc ? 3 : 2);
}

bool film_sei_insert(const struct film_sei *sei, AVPacket *packet)
{
    int before = delimiter_bytes(sei, packet), behind = packet->size - before;

    if (av_grow_packet(packet, sei->bytes) < 0)
        return false;
    memmove(packet->data + before + sei->bytes, packet->data + before, (size_t)behind);
    memcpy(packet->data + before, sei->unit, (size_t)sei->bytes);
    return true;
}
