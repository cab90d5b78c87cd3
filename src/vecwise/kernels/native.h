/* What the files of the compiled kernel share: codes of errors, eight bytes as a number, wide registers. It must not
   know more. */

#ifndef VECWISE_NATIVE_H
#define VECWISE_NATIVE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NO_MEMORY (-1)
#define NO_ROOM (-2)
#define BAD_INPUT (-3)

/* A function that is compiled three times, for wider and wider registers; the widest that the processor has is called.
   Loops that sum floating-point numbers must fix the order of their sums by lanes written out (an array of 16 sums):
   then every width gives the same bits, since nothing is contracted or reordered (see FLAGS in hatch_build.py). */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

/* Functions written for the widest registers stand in `#ifdef AVX512`, are declared `AVX512`, and are called where
   `ON_512`. VECWISE_PLAIN leaves them out, so that tests see what other processors do. */
#if defined(__GNUC__) && defined(__x86_64__) && !defined(VECWISE_PLAIN)
#define AVX512 __attribute__((target("avx512f")))
#define ON_512 __builtin_cpu_supports("avx512f")
#endif

/* Up to eight bytes as one number; `left` bytes may be read. */
static inline uint64_t load(const uint8_t *from, int64_t size, int64_t left) {
    uint64_t x = 0;
    if (left < 8) {
        memcpy(&x, from, (size_t)(size < left ? size : left));
        return x;
    }
    memcpy(&x, from, 8);
    return size < 8 ? x & ((UINT64_C(1) << (8 * size)) - 1) : x;
}

#endif
