// Names of the compiled variants of one kernel source.
//
// Every X_cpu.c is compiled once for any processor and, on x86-64, again for AVX2 and for AVX-512,
// each time with another KERNELS_VARIANT (kernels/CMakeLists.txt). All are compiled without
// contraction of a*b+c, so that every variant gives the same bits.
#pragma once

#ifndef KERNELS_VARIANT
#define KERNELS_VARIANT plain
#endif
#define KERNEL_PASTE(name, variant) name##_##variant
#define KERNEL_EXPAND(name, variant) KERNEL_PASTE(name, variant)
// KERNEL(colour): colour_plain, colour_avx2, ...
#define KERNEL(name) KERNEL_EXPAND(name, KERNELS_VARIANT)

// For functions whose arguments are constants at each call: the compiler must make each a loop of
// its own.
#define KERNEL_INLINE static inline __attribute__((always_inline))
