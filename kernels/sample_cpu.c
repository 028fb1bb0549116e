#include "kernels/sample_math.h"

#include "kernels/columns.h"
#include "kernels/synth.h"
#include "kernels/variant.h"

void KERNEL(sample_row)(const uint8_t *row, const int32_t *map, int count, uint8_t *out)
{
    for (int x = 0; x < count; x++) {
        const uint8_t *p = row + ((map[x] / SYNTH_UNIT) - 1) * 4;
        const int8_t *w = sample_weights[map[x] % SYNTH_UNIT];
        for (int c = 0; c < 4; c++) {
            int v = (w[0] * p[c] + w[1] * p[c + 4] + w[2] * p[c + 8] + w[3] * p[c + 12] + 32) >> 6;
            out[x * 4 + c] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
}

void KERNEL(sample_row16)(const uint16_t *row, const int32_t *map, int count, uint16_t *out)
{
    for (int x = 0; x < count; x++) {
        const uint16_t *p = row + ((map[x] / SYNTH_UNIT) - 1) * 4;
        const int8_t *w = sample_weights[map[x] % SYNTH_UNIT];
        for (int c = 0; c < 4; c++) {
            int v = (w[0] * p[c] + w[1] * p[c + 4] + w[2] * p[c + 8] + w[3] * p[c + 12] + 32) >> 6;
            out[x * 4 + c] = (uint16_t)(v < 0 ? 0 : v > 65535 ? 65535 : v);
        }
    }
}
