#include "viewer/photo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/packet.h>
#include <libavutil/frame.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "engine/deep3d.h"
#include "viewer/convert_files.h"
#include "viewer/converter_open.h"
#include "viewer/depth_wish.h"
#include "viewer/disparity.h"
#include "viewer/file_name.h"
#include "viewer/frame.h"
#include "viewer/image_file.h"
#include "viewer/mpo.h"
#include "viewer/options.h"
#include "viewer/source.h"
#include "viewer/stereo_pack.h"
#include "viewer/wiggle.h"

// From left to right and back.
#define WIGGLE_VIEWS 12
// How wide the picture of depth layers is.
#define LAYERS_WIDTH_PX 1920

struct photo {
    const struct options *options;
    struct convert_file files[CONVERT_FILES_MAX];
    int file_count;
    struct source *source;
    struct frame *frame;
    struct deep3d *converter;
    struct deep3d_eyes eyes;
};

static bool sways(const struct options *o)
{
    return o->file_layout == FILE_LAYOUT_WIGGLE || file_name_ends(o->output, "gif");
}

// Eyes alone are not enough for it.
static bool shows_depth(const struct options *o)
{
    return o->subcommand == SUBCOMMAND_LAYERS || o->file_layout == FILE_LAYOUT_DISPARITY ||
           sways(o);
}

bool photo_is_asked(const struct options *options)
{
    return options->output && (image_file_takes(options->output) || sways(options) ||
                               file_name_ends(options->output, "mpo"));
}

// --- the picture and its eyes

// Reads the picture. A container that could hold a film, as GIF, is a photograph too where there is
// no second one in it. False, logged: it is a film, or no picture comes.
static bool read_photo(struct photo *p)
{
    struct frame *second;

    if (source_read_video(p->source, &p->frame) != SOURCE_OK)
        return false;
    if (source_info(p->source)->image || source_read_video(p->source, &second) != SOURCE_OK)
        return true;
    source_give_back(p->source, second);
    log_error("%s is a film, and %s would be a picture: name a film to write, as OUT.mkv",
              p->options->files[0], p->options->output);
    return false;
}

static bool open_photo(struct photo *p)
{
    struct source_params params = {.url = p->options->files[0],
                                   .lookahead_frames = 1,
                                   .no_audio = true,
                                   .input = (enum stereo_input)p->options->input,
                                   .swap_eyes = p->options->swap_eyes};

    p->source = source_open(&params);
    if (!p->source)
        return false;
    return (!shows_depth(p->options) || source_has_one_eye(p->source)) && read_photo(p);
}

static bool make_eyes(struct photo *p)
{
    struct deep3d_eyes *e = &p->eyes;

    deep3d_eyes_size(&p->frame->picture, &e->width, &e->height);
    e->stride_bytes = (size_t)e->width * 4;
    for (int eye = 0; eye < 2; eye++)
        e->pixels[eye] = mem_try_block(e->stride_bytes * (size_t)e->height);
    if (!e->pixels[0] || !e->pixels[1])
        log_error("%s: no memory for two pictures of %dx%d", p->options->files[0], e->width,
                  e->height);
    return e->pixels[0] && e->pixels[1];
}

static bool open_all(struct photo *p)
{
    if (!open_photo(p))
        return false;
    p->converter = converter_open(p->options, NULL);
    return p->converter && make_eyes(p);
}

// share: of the strength, 0..1.
static bool convert(struct photo *p, double share)
{
    const struct options *o = p->options;
    struct conversion_depth depth =
        depth_wish(o, (struct display_screen){o->screen_width_m, o->screen_distance_m});

    depth.settings.strength *= (float)share;
    deep3d_reset(p->converter); // each time it is the first picture of a film
    deep3d_set_comfort(p->converter, &depth.comfort);
    deep3d_set_view(p->converter, depth.view);
    return deep3d_convert(p->converter, &p->frame->picture, &depth.settings, &p->eyes);
}

// --- what is made of them

static AVFrame *pack(const struct photo *p, struct stereo_pack *stereo_pack)
{
    int width, height;
    const float *nearness = deep3d_nearness(p->converter, &width, &height);

    if (p->options->file_layout == FILE_LAYOUT_DISPARITY)
        disparity_draw(nearness, width, height, &p->eyes);
    return stereo_pack_run(stereo_pack, &p->eyes);
}

static struct stereo_pack *create_pack(const struct photo *p, enum file_layout layout)
{
    struct stereo_pack_params params = {
        .layout = layout,
        .width = p->eyes.width,
        .height = p->eyes.height,
        .format = layout == FILE_LAYOUT_DISPARITY ? AV_PIX_FMT_GRAY16 : AV_PIX_FMT_RGB0,
    };

    return stereo_pack_create(&params);
}

static bool write_pictures(struct photo *p)
{
    bool ok = convert(p, 1);

    for (int i = 0; ok && i < p->file_count; i++) {
        struct stereo_pack *packer = create_pack(p, p->files[i].layout);
        AVFrame *packed = packer ? pack(p, packer) : NULL;

        ok = packed && image_file_write(p->files[i].path, packed);
        stereo_pack_destroy(&packer);
    }
    return ok;
}

// The eye as a JPEG. NULL, logged.
static AVPacket *encode_eye(const struct photo *p, enum file_layout layout)
{
    struct stereo_pack *packer = create_pack(p, layout);
    AVFrame *packed = packer ? pack(p, packer) : NULL;
    AVPacket *jpeg = packed ? image_file_encode("eye.jpg", packed) : NULL;

    stereo_pack_destroy(&packer);
    return jpeg;
}

static bool write_mpo(struct photo *p)
{
    AVPacket *jpeg[2] = {NULL, NULL};
    struct output_file *file = NULL;
    uint8_t *mpo = NULL;
    size_t bytes = 0;

    if (convert(p, 1)) {
        jpeg[0] = encode_eye(p, FILE_LAYOUT_LEFT);
        jpeg[1] = encode_eye(p, FILE_LAYOUT_RIGHT);
    }
    if (jpeg[0] && jpeg[1])
        mpo = mpo_join((const uint8_t *const[2]){jpeg[0]->data, jpeg[1]->data},
                       (const size_t[2]){(size_t)jpeg[0]->size, (size_t)jpeg[1]->size}, &bytes);
    if (mpo && (file = output_file_create(p->files[0].path)))
        fwrite(mpo, 1, bytes, output_file_stream(file));
    mem_free(mpo);
    av_packet_free(&jpeg[0]);
    av_packet_free(&jpeg[1]);
    return output_file_commit(&file);
}

static bool write_wiggle(struct photo *p)
{
    struct wiggle *wiggle = wiggle_create(p->files[0].path, p->eyes.width, p->eyes.height);
    bool ok = wiggle;

    for (int i = 0; ok && i < WIGGLE_VIEWS; i++) {
        double place = cos(2 * M_PI * i / WIGGLE_VIEWS); // 1: the left eye's, -1: the right eye's

        ok = convert(p, fabs(place)) &&
             wiggle_add(wiggle, p->eyes.pixels[place < 0], (int)p->eyes.stride_bytes);
    }
    if (ok)
        return wiggle_finish(&wiggle);
    wiggle_discard(&wiggle);
    return false;
}

// The sheet has four layers in a row and three in a column, each in the picture's shape.
static bool write_layers(struct photo *p)
{
    AVFrame *sheet = av_frame_alloc();
    bool ok = sheet && convert(p, 1);

    if (ok) {
        sheet->format = AV_PIX_FMT_RGB0;
        sheet->width = LAYERS_WIDTH_PX;
        sheet->height = (int)((int64_t)LAYERS_WIDTH_PX * 3 / 4 * p->eyes.height / p->eyes.width);
        sheet->height = sheet->height < 1                    ? 1
                        : sheet->height > DEEP3D_MAX_SIDE_PX ? DEEP3D_MAX_SIDE_PX
                                                             : sheet->height;
        ok = av_frame_get_buffer(sheet, 0) >= 0;
        if (!ok)
            log_error("%s: no memory for its layers", p->options->files[0]);
    }
    if (ok)
        deep3d_draw_layers(p->converter, sheet->width, sheet->height, sheet->data[0],
                           (size_t)sheet->linesize[0]);
    ok = ok && image_file_write(p->options->output, sheet);
    av_frame_free(&sheet);
    return ok;
}

static bool write_files(struct photo *p)
{
    if (sways(p->options))
        return write_wiggle(p);
    return file_name_ends(p->options->output, "mpo") ? write_mpo(p) : write_pictures(p);
}

static void finish(struct photo *p)
{
    mem_free(p->eyes.pixels[0]);
    mem_free(p->eyes.pixels[1]);
    deep3d_destroy(&p->converter);
    if (p->frame)
        source_give_back(p->source, p->frame);
    source_close(&p->source);
    convert_files_finish(p->files);
}

// Files of which there is one, with both eyes in it.
static bool holds_both(const struct options *o)
{
    bool mpo = file_name_ends(o->output, "mpo");

    return (o->file_layout == FILE_LAYOUT_PAIR && (mpo || sways(o))) ||
           (o->file_layout == FILE_LAYOUT_DISPARITY && mpo);
}

int photo_run(const struct options *options)
{
    struct photo p = {.options = options};
    bool ok = false;

    if (options->file_count != 1)
        log_error("deep3d convert takes one photograph at a time, not %d", options->file_count);
    else if (holds_both(options))
        log_error("%s holds both eyes: leave --layout out, or name a .jpg, .png or .webp",
                  options->output);
    else if ((p.file_count = convert_files_name(options, p.files)) > 0)
        ok = open_all(&p) && write_files(&p);
    for (int i = 0; ok && i < p.file_count; i++)
        log_info("%s: %dx%d an eye", p.files[i].path, p.eyes.width, p.eyes.height);
    finish(&p);
    return !ok;
}

int photo_layers_run(const struct options *options)
{
    struct photo p = {.options = options};
    bool ok = false;

    if (options->file_count != 1 || !options->output)
        log_error("layers takes one picture and -o OUT.png; see deep3d layers --help");
    else if (!image_file_takes(options->output))
        log_error("%s: its ending is none of .png, .jpg and .webp", options->output);
    else if (output_file_same(options->files[0], options->output))
        log_error("%s is both read and written; name another output", options->output);
    else
        ok = open_all(&p) && write_layers(&p);
    finish(&p);
    return !ok;
}
