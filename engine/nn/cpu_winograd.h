// Convolutions of 3x3 at stride 1 by Winograd's minimal filtering F(4x4, 3x3): a quarter of the
// multiplications. A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, CVPR
// 2016. Each result is a sum of larger terms that cancel: NMSE some 1e-12 in place of 1e-14.
//
// Pictures lie in blocks of 8 channels, [N][C/8][H][W][8], the last block filled up with zeros.
//
// Thread-safety: constant once arranged; calls are independent.
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct cpu_winograd {
    int images, in_channels, out_channels; // channels: at most CPU_WINOGRAD_CHANNELS
    int in_height, in_width, out_height, out_width;
    int begin_y, begin_x; // padding before the first row and column
    int threads;
    bool adds;            // to what the output holds
    float low, high;      // results are kept between them
    const float *weights; // of cpu_winograd_arrange()
    const float *bias;    // [out_channels], or NULL
};

#define CPU_WINOGRAD_CHANNELS 65536

// Takes clearly less time than multiplying one by one, as oneDNN 2.6 does with AVX2: a model of
// both, from what they take on a Zen 3. The processor must have AVX2 and FMA.
bool cpu_winograd_pays(const struct cpu_winograd *w);
// Floats of arranged weights, and of scratch that a run needs.
size_t cpu_winograd_weights(const struct cpu_winograd *w);
size_t cpu_winograd_scratch(const struct cpu_winograd *w);
// from: [out_channels][in_channels][3][3].
void cpu_winograd_arrange(const struct cpu_winograd *w, const float *from, float *to);
// x: [images][in_channels / 8][in_height][in_width][8], y alike.
void cpu_winograd_run(const struct cpu_winograd *w, const float *x, float *y, float *scratch);
