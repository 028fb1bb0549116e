// libdeep3d: one ordinary picture in, the pictures of both eyes out.
//
// A depth network gives, for each pixel, how near it is (0 the farthest of the picture, 1 the
// nearest). Both eyes are drawn from the picture by moving each pixel sideways by half its
// parallax, or one of them alone by all of it:
//
//     parallax = strength / 100 * width * (nearness - convergence)      [pixels; > 0: in front of
//     the screen] x_left = x + parallax / 2,  x_right = x - parallax / 2
//
// so `strength` is the whole range of parallax in % of the picture's width and `convergence` says
// which nearness lies on the screen: the words and defaults that users know from iw3.
//
// Thread-safety: a converter belongs to one thread at a time; converters are independent.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Largest width or height of a picture that is accepted, in pixels.
#define DEEP3D_MAX_SIDE_PX 16384

enum deep3d_matrix {
    DEEP3D_MATRIX_BT709,
    DEEP3D_MATRIX_BT601,
    DEEP3D_MATRIX_BT2020,
    DEEP3D_MATRIX_RGB
};

// What samples mean as light. PQ and HLG are pressed into what displays show
// (kernels/colour_tone.h).
enum deep3d_transfer { DEEP3D_TRANSFER_DISPLAY, DEEP3D_TRANSFER_PQ, DEEP3D_TRANSFER_HLG };

// How samples lie in memory.
enum deep3d_layout {
    DEEP3D_PLANAR,      // three planes: Y, U, V, or with DEEP3D_MATRIX_RGB: G, B, R
    DEEP3D_SEMI_PLANAR, // two planes: Y, and U and V in turn (NV12, P010)
    DEEP3D_GREY,        // one plane: Y
    DEEP3D_RGBA,        // one plane, 8 bits a sample: R, G, B, ignored
    DEEP3D_BGRA,        // one plane, 8 bits a sample: B, G, R, ignored
};

// What a picture shows. Both eyes of a native 3D film are shown as they are: no network sees them,
// and settings, comfort and views do not matter.
enum deep3d_packing {
    DEEP3D_ONE_EYE,
    DEEP3D_SIDE_BY_SIDE, // each eye has one half of the stored picture's columns, in whole samples
                         // of chroma
    DEEP3D_TOP_BOTTOM,   // of its rows
};

// Where pixels lie. In CUDA's, work on them is queued on the per-thread default stream of the
// thread that calls (cudaStreamPerThread), in the primary context of the converter's GPU.
enum deep3d_memory { DEEP3D_MEMORY_HOST, DEEP3D_MEMORY_CUDA };

// A decoded picture. All memory stays the caller's.
struct deep3d_picture {
    int width, height; // as stored, before rotation, 1..DEEP3D_MAX_SIDE_PX
    const uint8_t *plane[3];
    ptrdiff_t stride_bytes[3]; // of one row; may be negative
    enum deep3d_layout layout;
    enum deep3d_matrix matrix;
    enum deep3d_transfer transfer;
    bool wide_gamut; // primaries are BT.2020's; only with PQ and HLG
    int bits;  // a sample: 8..16; above 8, samples are 16-bit words of the machine's byte order
    int shift; // how far samples are shifted left in their words (P010: 6), else 0
    int chroma_shift_x; // log2 of horizontal chroma subsampling: 0 or 1 (2 for 4:1:1)
    int chroma_shift_y;
    bool full_range;  // samples 0..2^bits-1, not 16..235
    int rotation_deg; // clockwise turn that makes the picture upright: 0, 90, 180, 270
    bool mirrored;    // flip left and right, after the turn
    enum deep3d_packing packing;
    bool right_first;          // the right eye is on the left side, or on top
    enum deep3d_memory memory; // of the planes. CUDA: only where deep3d_on_gpu()
};

// Both eyes, 8 bits a sample: R, G, B, 255; sRGB-encoded as displays take it. The caller's memory,
// fully written.
//
// For files there are eyes of 16 bits a sample: R, G, B, 65535, in words of the machine's byte
// order. They keep what the picture has above 8 bits; the network and all that follows it still see
// 8. Views other than stereo, and the original's synthesis, have no more than 8 to say. They lie in
// host memory, and a converter in GPU memory goes on with the CPU once it is given some.
struct deep3d_eyes {
    int width, height;   // as deep3d_eyes_size() says
    uint8_t *pixels[2];  // left, right; [height][stride_bytes]
    size_t stride_bytes; // at least a row's pixels, a multiple of one's bytes: 4, or 8
    int bits;            // a sample: 0, 8; 16
    // CUDA: only where deep3d_on_gpu(); complete for what is queued later on the calling thread's
    // per-thread stream
    enum deep3d_memory memory;
};

// How the eyes are drawn.
enum deep3d_synthesis {
    DEEP3D_SYNTHESIS_AUTO,     // as the model's metadata ask
    DEEP3D_SYNTHESIS_PRODUCT,  // as above
    DEEP3D_SYNTHESIS_ORIGINAL, // as Deep3D of 2016 did it (kernels/select.h), for a model of it:
                               // the left eye is the picture, and settings do not matter
};

struct deep3d_params {
    const char *model;     // path of an ONNX file
    const char *gpu_model; // of a larger one for a GPU, with the same kind of output; NULL, or one
                           // that cannot be used: `model` there too
    const char *backend;   // "auto", "cuda", "cpu" (oneDNN), "ref" (plain C); NULL: auto
    int threads;           // 0: all cores
    enum deep3d_synthesis synthesis;
    // which GPU: 16 bytes, as CUDA and Vulkan have them; NULL, or one that CUDA has not: the first
    const uint8_t *gpu_uuid;
};

// What is drawn. All but the first are the same picture for both eyes.
enum deep3d_view {
    DEEP3D_VIEW_STEREO,
    DEEP3D_VIEW_LAYERS,    // the network's answer, sliced from near to far (engine/layers.h)
    DEEP3D_VIEW_DISPARITY, // nearness as colours, with their scale (engine/colours.h)
    DEEP3D_VIEW_COUNT,
};

// Which eye sees a picture that was moved. The other one sees the picture itself, bit by bit.
enum deep3d_shift { DEEP3D_SHIFT_BOTH, DEEP3D_SHIFT_LEFT, DEEP3D_SHIFT_RIGHT };

struct deep3d_settings {
    float strength;    // 0..10, % of width; 0 gives the same picture twice
    float convergence; // 0..1
    enum deep3d_shift shift;
    bool flat; // letterbox bars, burnt-in captions and logos are found and stay flat
};
#define DEEP3D_STRENGTH_DEFAULT 2.0f
#define DEEP3D_CONVERGENCE_DEFAULT 0.5f

// The screen that a person sits before, and what is done for their eyes. All-zero: nothing.
struct deep3d_comfort {
    // of the picture as it is seen; either 0: not known, and there is no budget
    float screen_width_m, distance_m;
    float eye_distance_m;  // 0: 0.063
    float crossed_max_deg; // how far the eyes may turn inwards against the screen; 0: 1 degree
    bool no_budget;        // strength alone counts
    bool auto_convergence; // the subject of each shot lies on the screen; the setting is ignored
    bool floating_window;  // black strips hide what the screen's sides would cut off in front of it
};

// A part of the upright picture, 0..1 of its width and height.
struct deep3d_area {
    float left, top, right, bottom;
};

// What the eyes were given with the last picture, budget and automatic convergence included.
struct deep3d_parallax {
    float strength, convergence;      // as they were drawn with
    float crossed_pct, uncrossed_pct; // the greatest before and behind the screen, % of width, >= 0
    // the same on the screen, and how far the eyes turn for it; 0 where the screen is not known
    float crossed_m, uncrossed_m, crossed_deg, uncrossed_deg;
    float window_pct[2]; // the floating window's strips, left and right
    bool comfortable;    // within the budget, whether or not it is kept
};

// What was taken to be flat in the last picture: what was found in those before it.
struct deep3d_flat {
    int left_px, top_px, right_px, bottom_px; // bars
    float share;                              // of the picture that captions and logos cover, 0..1
};

// Input sizes of a network, at most.
#define DEEP3D_SIZES_MAX 3

struct deep3d_size {
    int width, height;
};

// How much of the network a picture may cost. All-zero: all of it.
struct deep3d_effort {
    int size;  // of its input: 0 the full one, 1, 2 .. smaller ones, as far as the network takes
               // them
    int every; // it sees each picture (0, 1), each second, third ..; the first of a shot always
};

// How long the stages of the last conversion took. A GPU times them by itself, and nobody waits for
// that: there they are of the picture before the last one, without what the host does meanwhile.
struct deep3d_timing {
    int64_t prepare_ns; // colour conversion, upright turn, network input
    int64_t network_ns; // 0: it did not see the picture
    int network_size;   // of its input then, which may not be what was asked for yet: see
                        // deep3d_sizes()
    int64_t filter_ns;  // from the network's answer to a steady disparity
    int64_t synthesis_ns;
};

struct deep3d;

// NULL, logged, where the model cannot be used. A backend that is not here is replaced by the next
// best with a warning.
struct deep3d *deep3d_create(const struct deep3d_params *params);
// Accepts a pointer to NULL; sets it to NULL.
void deep3d_destroy(struct deep3d **converter);

// The converter works in GPU memory: pictures and eyes may lie there, and are copied where they do
// not. False once the GPU has failed: it goes on with the CPU, and both must then be host memory.
bool deep3d_on_gpu(const struct deep3d *converter);

// The size of the eyes for this picture: upright, so exchanged where the rotation is 90 or 270.
void deep3d_eyes_size(const struct deep3d_picture *picture, int *out_width, int *out_height);

// Pictures may be shown before they are converted, in the film's order, up to this many beyond the
// one that is converted next: cuts, flashes and fades are then known before they are seen.
#define DEEP3D_FORESIGHT 4
// Looks at a picture of the film; cheap, whatever its size, and nothing of it is kept. One in GPU
// memory is looked at later: it stays as it is until it was converted, passed over or reset. Each
// one must then be converted or passed over, in the same order. False: DEEP3D_FORESIGHT + 1 wait
// already.
bool deep3d_foresee(struct deep3d *converter, const struct deep3d_picture *picture);
// The oldest picture foreseen will not be converted.
void deep3d_pass_over(struct deep3d *converter);
// Converts the oldest picture foreseen, or any where none is. The first call, and each call with
// another size, allocates; further ones do not.
// When it returns the picture has been read: its memory may be used again.
// False, logged, where the picture's description makes no sense, the eyes have another size, memory
// is short, or the device failed; the converter stays usable: after a failed device it goes on with
// the CPU.
bool deep3d_convert(struct deep3d *converter, const struct deep3d_picture *picture,
                    const struct deep3d_settings *settings, const struct deep3d_eyes *out_eyes);
// What follows is another scene (a seek, another file): forget the past, and what was foreseen.
// What the calling thread has queued on a GPU is done on return: another may convert from now on.
void deep3d_reset(struct deep3d *converter);
// How much depth may be shown to the person before the screen; engine/comfort.h says how. Holds
// from the next picture on; until it is called all is off.
void deep3d_set_comfort(struct deep3d *converter, const struct deep3d_comfort *comfort);
// Holds from the next picture on; DEEP3D_VIEW_STEREO until it is called.
void deep3d_set_view(struct deep3d *converter, enum deep3d_view view);

// Holds from the next picture on; a size that is new takes a while until it holds, without holding
// up pictures. Between the pictures that the network sees, nearness moves along with what is in
// them.
void deep3d_set_effort(struct deep3d *converter, const struct deep3d_effort *effort);
// The input sizes of the network that the effort may choose from, for pictures as the last one.
// out: room for DEEP3D_SIZES_MAX. Returns how many; 0 before the first picture.
int deep3d_sizes(const struct deep3d *converter, struct deep3d_size *out);

// The layers of the last picture, as DEEP3D_VIEW_LAYERS has them, in any size: R, G, B, 255;
// [height][stride_bytes]. Call after a deep3d_convert() that succeeded; of native 3D nothing is
// drawn.
void deep3d_draw_layers(const struct deep3d *converter, int width, int height, uint8_t *pixels,
                        size_t stride_bytes);
// Nearness of the last picture as the network gave it and the filter left it: [height][width], 0
// far .. 1 near. NULL: none is known, as of native 3D. Valid until the next call. From a GPU it is
// brought for the first one who asks, and with each picture for as long as somebody asks; so for
// the next function.
const float *deep3d_nearness(const struct deep3d *converter, int *out_width, int *out_height);
// Where to put something that is drawn over this part of both eyes of the last picture, so that it
// is in front of all that it covers: parallax in % of the width as above (> 0: in front of the
// screen), within the budget of comfort. 0 where no picture was converted yet.
float deep3d_parallax_over(const struct deep3d *converter, const struct deep3d_area *area);
struct deep3d_timing deep3d_last_timing(const struct deep3d *converter);
struct deep3d_parallax deep3d_last_parallax(const struct deep3d *converter);
// All 0 where it is switched off.
struct deep3d_flat deep3d_last_flat(const struct deep3d *converter);
// For people, valid as long as the converter: "oneDNN 2.6.3 fp32"; the name in the model's
// metadata, else the file's.
const char *deep3d_backend_name(const struct deep3d *converter);
const char *deep3d_model_name(const struct deep3d *converter);
