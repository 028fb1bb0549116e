// NVDEC's twin: libnvcuvid.so.1 on the processor, so that FFmpeg's way to the hardware decoder is
// run and checked where there is none. It decodes nothing: each picture's luma is 16 + its place in
// the order of display since the last IDR picture (H.264), chroma 128; of other codecs 16 all over.
//
// It keeps the hardware's promises and holds its user to them: a surface that is mapped, or more
// surfaces than were asked for, stop the program with a line that says so. What FFmpeg wants of the
// CUDA driver is libcuda.so.1 beside it (twin_cuda.c). Pictures are on the heap, where a test reads
// them too.
//
// Thread-safety: safe; the faults are to be set while nothing decodes.
#pragma once

// How it fails; all-zero: it does not.
struct nvdec_twin_faults {
    int max_width; // wider pictures are refused; 0: none are
    int max_bits;  // deeper ones are; 0: none are
    int decode_at; // the picture of this number, from 1, and all later ones fail; 0: none does
    int map_at;    // can be read no more, likewise
};

struct nvdec_twin_counts {
    int decoders;    // that live
    int mapped;      // surfaces that are
    int mapped_most; // at once
    int decoded;     // pictures, since the faults were set
};

// Through dlsym().
typedef void nvdec_twin_fail(const struct nvdec_twin_faults *faults);
typedef struct nvdec_twin_counts nvdec_twin_count(void);
