#include "kernels/colour_tone.h"

#include <math.h>

// ST 2084
#define M1 (2610.0 / 16384)
#define M2 (2523.0 / 4096 * 128)
#define C1 (3424.0 / 4096)
#define C2 (2413.0 / 4096 * 32)
#define C3 (2392.0 / 4096 * 32)

double colour_pq_nits(double signal)
{
    double e = pow(signal > 0 ? signal : 0, 1 / M2), top = e - C1;

    return 10000 * pow((top > 0 ? top : 0) / (C2 - C3 * e), 1 / M1);
}

double colour_pq_signal(double nits)
{
    double y = pow((nits > 0 ? nits : 0) / 10000, M1);

    return pow((C1 + C2 * y) / (1 + C3 * y), M2);
}

double colour_hlg_light(double signal)
{
    const double a = 0.17883277, b = 0.28466892, c = 0.55991073;

    return signal <= 0.5 ? signal * signal / 3 : (exp((signal - c) / a) + b) / 12;
}

double colour_eetf_nits(double nits, double peak_nits, double white_nits)
{
    double peak = colour_pq_signal(peak_nits), most = colour_pq_signal(white_nits) / peak;
    double knee = 1.5 * most - 0.5, e = colour_pq_signal(nits) / peak, t;

    if (most >= 1 || e < knee)
        return nits;
    e = e < 1 ? e : 1;
    t = (e - knee) / (1 - knee);
    e = (2 * t * t * t - 3 * t * t + 1) * knee + (t * t * t - 2 * t * t + t) * (1 - knee) +
        (-2 * t * t * t + 3 * t * t) * most;
    return colour_pq_nits(e * peak);
}

// IEC 61966-2-1
static double srgb(double light)
{
    return light <= 0.0031308 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055;
}

static void set_gamut(struct colour_tone *tone, bool wide)
{
    static const float narrow[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    // BT.2087, table 4's inverse
    static const float from_2020[3][3] = {{1.6605f, -0.5876f, -0.0728f},
                                          {-0.1246f, 1.1329f, -0.0083f},
                                          {-0.0182f, -0.1006f, 1.1187f}};
    static const float luma_2020[3] = {0.2627f, 0.6780f, 0.0593f},
                       luma_709[3] = {0.2126f, 0.7152f, 0.0722f};

    for (int i = 0; i < 3; i++) {
        tone->luminance[i] = wide ? luma_2020[i] : luma_709[i];
        for (int k = 0; k < 3; k++)
            tone->gamut[i][k] = wide ? from_2020[i][k] : narrow[i][k];
    }
}

void colour_tone_init(struct colour_tone *tone, enum colour_transfer transfer, bool wide_gamut)
{
    const double peak = COLOUR_TONE_PEAK_NITS, white = COLOUR_TONE_WHITE_NITS;
    bool hlg = transfer == COLOUR_TRANSFER_HLG;

    set_gamut(tone, wide_gamut);
    for (int i = 0; i < COLOUR_TONE_STEPS; i++) {
        double at = (double)i / (COLOUR_TONE_STEPS - 1), light = at * at, nits = light * peak;

        tone->light[i] = (float)fmin(hlg ? colour_hlg_light(at) : colour_pq_nits(at) / peak, 1);
        // the system gamma of a peak of 1000 cd/m2 is 1.2; at nothing the gain is nothing
        tone->system[i] = (float)(hlg ? pow(light, 0.2) : 1);
        // light of 1 is the peak before, displays' white after
        tone->press[i] =
            (float)(i ? colour_eetf_nits(nits, peak, white) / nits * peak / white : peak / white);
        tone->shown[i] = (float)(255 * srgb(light));
    }
}
