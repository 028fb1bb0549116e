#include "kernels/kernels.h"

#include <stddef.h>

#include "kernels/columns.h"

#if defined(KERNELS_X86)
static int column_count(void)
{
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
        !__builtin_cpu_supports("bmi2"))
        return 1;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl") ||
        !__builtin_cpu_supports("avx512cd"))
        return 2;
    return 3;
}

static const struct kernels *const columns[] = {&kernels_plain, &kernels_avx2, &kernels_avx512};
#else
static int column_count(void)
{
    return 1;
}

static const struct kernels *const columns[] = {&kernels_plain};
#endif

const struct kernels *kernels_column(int index)
{
    return index >= 0 && index < column_count() ? columns[index] : NULL;
}

const struct kernels *kernels_best(void)
{
    return columns[column_count() - 1];
}
