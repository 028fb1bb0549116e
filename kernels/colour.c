#include "kernels/colour.h"

// Luma weights of red and blue.
static void weights(enum colour_standard standard, double *kr, double *kb)
{
    switch (standard) {
    case COLOUR_BT601:
        *kr = 0.299, *kb = 0.114;
        break;
    case COLOUR_BT2020:
        *kr = 0.2627, *kb = 0.0593;
        break;
    default:
        *kr = 0.2126, *kb = 0.0722;
        break;
    }
}

struct colour_matrix colour_matrix_for(enum colour_standard standard, int bits, int shift,
                                       bool full_range, bool grey)
{
    double unit = (double)(1 << (bits - 8)), word = (double)(1 << shift);
    double black = full_range ? 0 : 16 * unit, zero = 128 * unit;
    double luma = 255 / ((full_range ? (double)((1 << bits) - 1) : 219 * unit));
    double chroma = grey ? 0 : 255 / ((full_range ? (double)((1 << bits) - 1) : 224 * unit));
    double kr, kb, rows[3][3];
    struct colour_matrix c;

    weights(standard, &kr, &kb);
    double kg = 1 - kr - kb;
    double from_yuv[3][3] = {
        {luma, 0, 2 * (1 - kr) * chroma},
        {luma, -2 * (1 - kb) * kb / kg * chroma, -2 * (1 - kr) * kr / kg * chroma},
        {luma, 2 * (1 - kb) * chroma, 0},
    };
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++)
            rows[i][j] = standard == COLOUR_IDENTITY ? (i == j ? luma : 0) : from_yuv[i][j];
        double zeros =
            standard == COLOUR_IDENTITY ? rows[i][0] + rows[i][1] + rows[i][2] : rows[i][0];
        double offset = -black * zeros;
        if (standard != COLOUR_IDENTITY)
            offset -= zero * (rows[i][1] + rows[i][2]);
        for (int j = 0; j < 3; j++)
            c.m[i][j] = (float)(rows[i][j] / word);
        c.m[i][3] = (float)offset;
    }
    return c;
}

struct colour_matrix colour_matrix_back(enum colour_standard standard, int bits)
{
    double unit = (double)(1 << (bits - 8)), luma = 219 * unit / 65535, chroma = 224 * unit / 65535;
    double kr, kb;

    weights(standard, &kr, &kb);
    double y[3] = {kr, 1 - kr - kb, kb};
    struct colour_matrix c = {.m = {[0][3] = (float)(16 * unit),
                                    [1][3] = (float)(128 * unit),
                                    [2][3] = (float)(128 * unit)}};
    for (int i = 0; i < 3; i++) {
        c.m[0][i] = (float)(luma * y[i]);
        c.m[1][i] = (float)(chroma * ((i == 2) - y[i]) / (2 * (1 - kb)));
        c.m[2][i] = (float)(chroma * ((i == 0) - y[i]) / (2 * (1 - kr)));
    }
    return c;
}
