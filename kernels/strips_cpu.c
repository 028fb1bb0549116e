#include "kernels/strips.h"

#include <string.h>

#include "kernels/columns.h"
#include "kernels/variant.h"

void KERNEL(strips)(const struct strips_job *job)
{
    static const uint8_t black[] = {0, 0, 0, 255}, black16[] = {0, 0, 0, 0, 0, 0, 255, 255};
    size_t bytes = job->bits == 16 ? sizeof(black16) : sizeof(black);

    for (int eye = 0; eye < 2; eye++)
        for (int y = job->top; job->count[eye] > 0 && y < job->bottom; y++) {
            uint8_t *row = job->eye[eye] + (size_t)y * job->stride_bytes;
            for (int x = job->first[eye]; x < job->first[eye] + job->count[eye]; x++)
                memcpy(row + (size_t)x * bytes, job->bits == 16 ? black16 : black, bytes);
        }
}
