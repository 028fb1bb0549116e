// Films of high dynamic range on displays of the ordinary kind: which light a signal means, and how
// it is pressed into what displays show.
//
// PQ: SMPTE ST 2084, ITU-R BT.2100. HLG: ARIB STD-B67, BT.2100 with its system gamma for a peak of
// COLOUR_TONE_PEAK_NITS. Pressed by BT.2390's EETF on the largest component, so that colours keep
// their hue; displays' white is BT.2408's 203 cd/m2 of graphics. BT.2020's primaries become
// BT.709's (BT.2087), what lies outside is clipped. Metadata of the film's mastering are not used.
//
// Thread-safety: no state.
#pragma once
#include <stdbool.h>

#include "kernels/colour_tone_math.h"

#define COLOUR_TONE_PEAK_NITS 1000.0
#define COLOUR_TONE_WHITE_NITS 203.0

enum colour_transfer { COLOUR_TRANSFER_PQ, COLOUR_TRANSFER_HLG };

// wide_gamut: the film's primaries are BT.2020's.
void colour_tone_init(struct colour_tone *tone, enum colour_transfer transfer, bool wide_gamut);

// cd/m2 of a PQ signal of 0..1, and back.
double colour_pq_nits(double signal);
double colour_pq_signal(double nits);
// Scene light, 0..1, of an HLG signal.
double colour_hlg_light(double signal);
// BT.2390: the light, in cd/m2, that a display of that white shows for a film of that peak.
double colour_eetf_nits(double nits, double peak_nits, double white_nits);
