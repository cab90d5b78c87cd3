/* Sums of columns, and the upper triangle of a product added up in float64: what stands between two products. Keeps
   nothing.

   It must not know Python: arrays come with their sizes. `native_scatter.py` is the only caller and says the same in
   NumPy, to the same bits: a column's cells are added one row after the other. */

#include "native.h"

#define AHEAD 8192 /* bytes: what is read next is asked for so long before */

/* Adds every row of a float32 matrix to `sums`, which the caller has set. */
WIDE void vecwise_column_sums(const float *cells, int64_t rows, int64_t dim, double *sums) {
    int64_t row = 0;
    for (; row + 4 <= rows; row += 4) {
        const float *a = cells + row * dim, *b = a + dim, *c = b + dim, *d = c + dim;
        for (int64_t i = 0; i < 4 * dim; i += 16) __builtin_prefetch((const void *)((uintptr_t)(a + i) + AHEAD));
        for (int64_t i = 0; i < dim; i++) sums[i] = (((sums[i] + a[i]) + b[i]) + c[i]) + d[i];
    }
    for (; row < rows; row++)
        for (int64_t i = 0; i < dim; i++) sums[i] += cells[row * dim + i];
}

/* Adds the upper triangle of a square float32 matrix to that of a float64 one; columns lie one after the other. */
WIDE void vecwise_add_upper(const float *from, int64_t dim, double *to) {
    for (int64_t column = 0; column < dim; column++)
        for (int64_t i = 0; i <= column; i++) to[column * dim + i] += from[column * dim + i];
}
