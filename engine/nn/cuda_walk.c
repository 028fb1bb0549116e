#include "engine/nn/cuda_walk.h"

void cuda_steps(const struct nn_shape *shape, bool last, int *out)
{
    int step = 1, channels = last ? (int)shape->dims[1] : 1;

    if (last) {
        out[1] = 1;
        step = channels;
    }
    for (int i = shape->rank - 1; i >= 0; i--)
        if (!last || i != 1) {
            out[i] = step;
            step *= (int)shape->dims[i];
        }
}

static void swap_dims(struct job *j, int a, int b)
{
    int size = j->dims[a];

    j->dims[a] = j->dims[b];
    j->dims[b] = size;
    for (int t = 0; t < JOB_TENSORS; t++) {
        int step = j->t[t].step[a];

        j->t[t].step[a] = j->t[t].step[b];
        j->t[t].step[b] = step;
    }
}

static void drop_dim(struct job *j, int at)
{
    for (int i = at; i + 1 < j->rank; i++)
        swap_dims(j, i, i + 1);
    j->rank--;
}

// Dimension at+1 goes on where at's next element lies, in every tensor.
static bool is_one(const struct job *j, int at)
{
    for (int t = 0; t < JOB_TENSORS; t++)
        if (j->t[t].step[at] != j->t[t].step[at + 1] * j->dims[at + 1])
            return false;
    return true;
}

void cuda_tidy(struct job *j, int first, int end, int t)
{
    int before = j->rank;

    for (int i = end - 1; i >= first; i--)
        if (j->dims[i] == 1) {
            drop_dim(j, i);
            end--;
        }
    for (int i = first; i < end; i++) // few: by insertion, which keeps equals in order
        for (int k = i; k > first && j->t[t].step[k] > j->t[t].step[k - 1]; k--)
            swap_dims(j, k, k - 1);
    for (int i = end - 2; i >= first; i--)
        if (is_one(j, i)) {
            for (int k = 0; k < JOB_TENSORS; k++)
                j->t[k].step[i] = j->t[k].step[i + 1];
            j->dims[i] *= j->dims[i + 1];
            drop_dim(j, i + 1);
            end--;
        }
    if (first < j->outer)
        j->outer -= before - j->rank;
}

void cuda_count(struct job *j, int end)
{
    j->count = 1;
    for (int i = 0; i < end; i++)
        j->count *= j->dims[i];
}
