// Figures of quality. Pictures are [height][width * 4] R, G, B, x; planes are [height][width].
//
// Plain MAE and PSNR against the true other view favour doing nothing, so the figures here look at
// edges, structure and order (Mono2Stereo, CVPR 2025; the row, order and rank figures are Spearman
// correlations and the share of right answers to "which of two points in a row is nearer?").
//
// Thread-safety: safe.
#pragma once
#include <stdint.h>

// Mean structural similarity of luma in 7x7 windows (Wang et al. 2004, K1 = 0.01, K2 = 0.03).
double eval_ssim(const uint8_t *a, const uint8_t *b, int width, int height);
// 0.75 * IoU of Canny edges (100, 200) + 0.25 * IoU of where each differs from the left picture by
// more than 5 steps.
double eval_siou(const uint8_t *view, const uint8_t *truth, const uint8_t *left, int width,
                 int height);
// Mean absolute difference within two pixels of the truth's edges, steps of 255.
double eval_edge_error(const uint8_t *view, const uint8_t *truth, int width, int height);

struct eval_order {
    double rank;  // Spearman over all valid points
    double row;   // the same after each row's mean is taken away: a plain ramp gets 0
    double order; // share of right answers for pairs 8..64 px apart in a row; a coin gets 0.5
};
// truth: px, NAN where it is not known. Points are compared as they lie.
struct eval_order eval_order_of(const float *nearness, const float *truth, int width, int height);

// Disparity of the left picture by matching (census 7x7, 9x9 windows, left and right must agree),
// px, NAN where it is not trusted. reach: the largest disparity either way.
void eval_match(const uint8_t *left_luma, const uint8_t *right_luma, int width, int height,
                int reach, float *out);
// [height][width] luma of a picture shrunk by area.
void eval_luma(const uint8_t *rgba, int width, int height, int out_width, int out_height,
               uint8_t *out);
