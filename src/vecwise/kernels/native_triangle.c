/* The products of a float32 block with itself, less a shift: one triangle, added up in float64. Keeps nothing.

   It must not know Python: arrays come with their sizes. `native_scatter.py` is the only caller; on a processor without
   the registers it gives 0, and BLAS does the work. Every cell of the triangle is one sum in float32 over the rows of the
   block, in their order, each product and its addition rounded once together. */

#include "native.h"

#define PANEL 16 /* columns that lie side by side once they are packed: a register of float32 */

#ifdef AVX512
#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))
#define AT_ONCE 8 /* columns on the right that a sum is kept for, beside up to three panels on the left */

/* Panels of a block, row after row in each; a line more than they fill, or all would meet in the same part of a cache. */
static int64_t stride(int64_t rows) { return (rows + 1) * PANEL; }

static AVX512 void pack(const float *cells, int64_t rows, int64_t dim, const float *shift, float *packed) {
    for (int64_t row = 0; row < rows; row++)
        for (int64_t i = 0; i < dim; i += PANEL) {
            __mmask16 some = dim - i < PANEL ? (__mmask16)((1 << (dim - i)) - 1) : (__mmask16)0xffff;
            __m512 own = _mm512_maskz_loadu_ps(some, cells + row * dim + i);
            own = _mm512_sub_ps(own, _mm512_maskz_loadu_ps(some, shift + i));
            _mm512_store_ps(packed + i / PANEL * stride(rows) + row * PANEL, own);
        }
}

/* Adds a register of sums to the cells from row `i` on of column `j`, as far as they belong to the triangle. */
INLINE AVX512 void add(__m512 sums, int64_t i, int64_t j, double *column) {
    __mmask16 some = j - i + 1 < PANEL ? (__mmask16)((1 << (j - i + 1)) - 1) : (__mmask16)0xffff;
    __mmask8 low = (__mmask8)some, high = (__mmask8)(some >> 8);
    __m512d first = _mm512_cvtps_pd(_mm512_castps512_ps256(sums));
    __m512d second = _mm512_cvtps_pd(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(sums), 1)));
    _mm512_mask_storeu_pd(column + i, low, _mm512_add_pd(_mm512_maskz_loadu_pd(low, column + i), first));
    if (high) _mm512_mask_storeu_pd(column + i + 8, high, _mm512_add_pd(_mm512_maskz_loadu_pd(high, column + i + 8), second));
}

/* `panels` panels on the left, from row `i` of the triangle on, times eight columns of a panel on the right, from `j` on. */
INLINE AVX512 void tile(const float *left, const float *right, int64_t rows, int panels, int64_t i, int64_t j, int64_t dim,
                        double *upper) {
    __m512 sums[3][AT_ONCE];
    for (int p = 0; p < panels; p++)
        for (int c = 0; c < AT_ONCE; c++) sums[p][c] = _mm512_setzero_ps();
    for (int64_t row = 0; row < rows; row++) {
        __m512 own[3];
        for (int p = 0; p < panels; p++) own[p] = _mm512_load_ps(left + p * stride(rows) + row * PANEL);
        for (int c = 0; c < AT_ONCE; c++) {
            __m512 other = _mm512_set1_ps(right[row * PANEL + c]);
            for (int p = 0; p < panels; p++) sums[p][c] = _mm512_fmadd_ps(own[p], other, sums[p][c]);
        }
    }
    for (int c = 0; c < AT_ONCE && j + c < dim; c++)
        for (int p = 0; p < panels; p++)
            if (i + p * PANEL <= j + c) add(sums[p][c], i + p * PANEL, j + c, upper + (j + c) * dim);
}

static AVX512 void add_triangle(const float *packed, int64_t rows, int64_t dim, double *upper) {
    int64_t count = (dim + PANEL - 1) / PANEL;
    for (int64_t to = 0; to < count; to++)
        for (int64_t from = 0; from <= to;) {
            int64_t panels = to - from + 1 >= 3 ? 3 : to - from + 1, i = from * PANEL, j = to * PANEL;
            const float *left = packed + from * stride(rows);
            for (int half = 0; half < PANEL; half += AT_ONCE) {
                const float *right = packed + to * stride(rows) + half;
                if (panels == 3)
                    tile(left, right, rows, 3, i, j + half, dim, upper);
                else if (panels == 2)
                    tile(left, right, rows, 2, i, j + half, dim, upper);
                else
                    tile(left, right, rows, 1, i, j + half, dim, upper);
            }
            from += panels;
        }
}
#endif

/* Adds the upper triangle of the products of all columns, less `shift`, to `upper`, whose columns lie one after the other.
   `packed` is room for `size` numbers, at a multiple of 64 bytes. Gives 1, or 0 where the processor cannot do it. */
int64_t vecwise_add_triangle(const float *cells, int64_t rows, int64_t dim, const float *shift, float *packed, int64_t size,
                             double *upper) {
    if (rows < 0 || rows > size / PANEL - 1 || dim < 1 || (rows + 1) * PANEL > size / ((dim + PANEL - 1) / PANEL))
        return BAD_INPUT;
#ifdef AVX512
    if (((uintptr_t)packed & 63) == 0 && ON_512) {
        pack(cells, rows, dim, shift, packed);
        add_triangle(packed, rows, dim, upper);
        return 1;
    }
#endif
    (void)cells, (void)shift, (void)packed, (void)upper;
    return 0;
}
