/* Pairs of rows whose inner product in eight bits may reach a bound, where the processor multiplies bytes (AVX-512 VNNI).

   It must not know Python, nor what rows mean: matrices come with their sizes, answers go into arrays of the caller, and
   a negative answer is an error. `native_screen.py` is the only caller; elsewhere products are taken in float32. */

#include "native.h"

#define PANEL 64 /* columns side by side: four registers of sixteen sums */
#define ROWS 6   /* rows of a block: 24 registers hold its sums */

#if defined(__GNUC__) && defined(__x86_64__) && defined(__gnu_linux__)
#include <immintrin.h>
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

int64_t vecwise_multiplies_bytes(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni");
}

/* Written out, since compilers copy the sums around the intrinsic. */
#define ADD_PRODUCTS(sum, bytes, four) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(bytes), "v"(four))

/* The sums of a block: `rows` of `a`, four bytes at a time, with a panel of `b`. */
VNNI static __attribute__((noinline)) void block(const int8_t *a, const uint8_t *panel, int64_t quads,
                                                             __m512i sums[ROWS][4]) {
    __m512i s[ROWS][4]; /* its own, so that it stays in registers */
#pragma GCC unroll 6
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
        for (int g = 0; g < 4; g++) s[i][g] = _mm512_setzero_si512();
    for (int64_t k = 0; k < quads; k++, panel += PANEL * 4) {
        __m512i column[4];
#pragma GCC unroll 4
        for (int g = 0; g < 4; g++) column[g] = _mm512_loadu_si512(panel + 64 * g);
#pragma GCC unroll 6
        for (int i = 0; i < ROWS; i++) {
            int32_t four;
            memcpy(&four, a + (i * quads + k) * 4, 4);
            __m512i row = _mm512_set1_epi32(four);
#pragma GCC unroll 4
            for (int g = 0; g < 4; g++) ADD_PRODUCTS(s[i][g], column[g], row);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
        for (int g = 0; g < 4; g++) sums[i][g] = s[i][g];
}

/* Places of pairs with scale_a[i] * scale_b[j] * (a[i] . (b[j] - 128)) >= of_row[i] + of_column[j], into `left` and
   `right`, which hold `room`; gives how many. `a` are rows of 4 * `quads` signed bytes, at least six of them; `b`
   are panels of 64 columns, in which four bytes of each column lie side by side, unsigned and 128 too large; `surplus[i]`
   is what these 128 add to the products of row i. With `above`, only columns behind the row's number plus `offset`. */
VNNI int64_t vecwise_reaching_bytes(const int8_t *a, int64_t rows, const uint8_t *b, int64_t columns, int64_t quads,
                                    const float *scale_a, const float *scale_b, const int32_t *surplus,
                                    const float *of_row, const float *of_column, int64_t above, int64_t offset,
                                    int32_t *left, int32_t *right, int64_t room) {
    int64_t made = 0;
    if (columns < 0 || quads < 1 || rows < ROWS || columns % PANEL) return BAD_INPUT;
    for (int64_t first = 0; first < columns; first += PANEL) {
        const uint8_t *panel = b + first * quads * 4;
        for (int64_t next = 0; next < rows; next += ROWS) {
            __m512i sums[ROWS][4];
            int64_t start = next < rows - ROWS ? next : rows - ROWS; /* the last block overlaps the one before */
            if (above && first + PANEL <= next + offset + 1) break; /* rows further down see even less */
            block(a + start * quads * 4, panel, quads, sums);
            for (int i = (int)(next - start); i < ROWS; i++)
                for (int g = 0; g < 4; g++) {
                    int64_t row = start + i, column = first + 16 * g;
                    __m512 made_of = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums[i][g], _mm512_set1_epi32(surplus[row])));
                    made_of = _mm512_mul_ps(made_of, _mm512_loadu_ps(scale_b + column));
                    made_of = _mm512_mul_ps(made_of, _mm512_set1_ps(scale_a[row]));
                    __m512 least = _mm512_add_ps(_mm512_loadu_ps(of_column + column), _mm512_set1_ps(of_row[row]));
                    uint32_t found = _mm512_cmp_ps_mask(made_of, least, _CMP_GE_OQ);
                    for (; found; found &= found - 1) {
                        int64_t at = column + __builtin_ctz(found);
                        if (above && at <= row + offset) continue;
                        if (made == room) return NO_ROOM;
                        left[made] = (int32_t)row, right[made++] = (int32_t)at;
                    }
                }
        }
    }
    return made;
}

#else

int64_t vecwise_multiplies_bytes(void) { return 0; }

int64_t vecwise_reaching_bytes(const int8_t *a, int64_t rows, const uint8_t *b, int64_t columns, int64_t quads,
                               const float *scale_a, const float *scale_b, const int32_t *surplus, const float *of_row,
                               const float *of_column, int64_t above, int64_t offset, int32_t *left, int32_t *right,
                               int64_t room) {
    (void)a, (void)rows, (void)b, (void)columns, (void)quads, (void)scale_a, (void)scale_b, (void)surplus, (void)of_row;
    (void)of_column, (void)above, (void)offset, (void)left, (void)right, (void)room;
    return BAD_INPUT;
}

#endif
