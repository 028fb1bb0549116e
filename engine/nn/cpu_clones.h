// Functions that the compiler makes for several processors; the best one is taken when the program
// starts.
//
// Thread-safety: no state.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define CPU_CLONES                                                                                 \
    __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default"),                \
                   optimize("O"                                                                    \
                            "3")))
#else
#define CPU_CLONES
#endif
