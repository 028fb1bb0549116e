// The last step of a row of synth_cuda.cu: the pixels of both eyes, taken from the picture as
// sample_row() does.
//
// Thread-safety: no state.
#pragma once
#include "kernels/cuda_bytes.h"
#include "kernels/sample_math.h"
#include "kernels/synth_cuda_strip.h"

// The weights as words in the block's memory, where lanes find any of them at once.
static __device__ inline void synth_load_weights(int *out)
{
    for (int i = (int)threadIdx.x; i < SYNTH_UNIT; i += SYNTH_THREADS) {
        const int8_t *w = sample_weights[i];
        out[i] = (w[0] & 255) | (w[1] & 255) << 8 | (w[2] & 255) << 16 | (w[3] & 255) << 24;
    }
}

// row: of the pixel before the first that `from` counts from.
static __device__ inline unsigned synth_sample(const unsigned *row, const int *weights,
                                               unsigned from)
{
    const unsigned *at = row + from / SYNTH_UNIT;
    unsigned a = at[0], b = at[1], c = at[2], d = at[3];
    int w = weights[from % SYNTH_UNIT];
    // from four pixels to the four bytes of R, of G, of B
    unsigned ab = __byte_perm(a, b, 0x5140), ab_high = __byte_perm(a, b, 0x7362);
    unsigned cd = __byte_perm(c, d, 0x5140), cd_high = __byte_perm(c, d, 0x7362);

    return cuda_pack_clamped(cuda_dot(w, __byte_perm(ab, cd, 0x5410), 32) >> 6,
                             cuda_dot(w, __byte_perm(ab, cd, 0x7632), 32) >> 6,
                             cuda_dot(w, __byte_perm(ab_high, cd_high, 0x5410), 32) >> 6, 255);
}

static __device__ inline unsigned *synth_eye_row(const struct synth_job &job, int eye, int y)
{
    return (unsigned *)(job.eye[eye] + (size_t)y * job.stride_bytes);
}

static __device__ inline const unsigned *synth_picture_row(const struct synth_job &job, int y)
{
    return (const unsigned *)(job.picture.pixels + (size_t)y * job.picture.stride_bytes);
}

// Pixels first..end-1 of an eye's row are the picture's.
static __device__ inline void synth_copy_row(const struct synth_job &job, int eye, int y, int first,
                                             int end)
{
    const unsigned *row = synth_picture_row(job, y);
    unsigned *out = synth_eye_row(job, eye, y);

    for (int x = first + (int)threadIdx.x; x < end; x += SYNTH_THREADS)
        out[x] = row[x];
}

// A thread takes BATCH pixels at a time, so that their loads wait together.
static __device__ inline void synth_sample_run(const unsigned *__restrict__ row,
                                               const int *__restrict__ weights,
                                               const int32_t *__restrict__ map, int width,
                                               unsigned *__restrict__ out)
{
    const int BATCH = 4;
    unsigned most = (unsigned)(width - 1) * SYNTH_UNIT;

    for (int x = (int)threadIdx.x; x < width; x += BATCH * SYNTH_THREADS) {
        unsigned pixel[BATCH];

#pragma unroll
        for (int i = 0; i < BATCH; i++) {
            int own = min(x + i * SYNTH_THREADS, width - 1);
            // nothing outside the row, even where nearness was no number
            pixel[i] = synth_sample(row, weights, umin((unsigned)map[synth_map_index(own)], most));
        }
#pragma unroll
        for (int i = 0; i < BATCH; i++)
            if (x + i * SYNTH_THREADS < width)
                out[x + i * SYNTH_THREADS] = pixel[i];
    }
}

static __device__ inline void synth_sample_row(const struct synth_job &job,
                                               const struct synth_strip &s, int eye, int y)
{
    int left = job.inner.left, right = job.inner.right;

    synth_sample_run(synth_picture_row(job, y) + left - 1, s.weights, s.map + eye * s.map_stride,
                     right - left, synth_eye_row(job, eye, y) + left);
    synth_copy_row(job, eye, y, 0, left);
    synth_copy_row(job, eye, y, right, job.picture.width);
}
