/* How many numbers of a row are smaller than each of several limits. Keeps nothing.

   It must not know Python, nor what the numbers are: arrays come with their sizes, answers go into an array of the caller.
   `ranks.py` is the only caller, and says the same in NumPy. */

#include "native.h"

#define STRIP 1024 /* numbers of a row that stay in the nearest cache while every limit passes over them */

/* `cells` has `rows` rows of `columns` numbers, `limits` and `counts` have `limited` a row; counts are added to. */
WIDE int64_t vecwise_count_below(const double *cells, int64_t rows, int64_t columns, const double *limits, int64_t limited,
                                 int64_t *counts) {
    if (rows < 0 || columns < 0 || limited < 0) return BAD_INPUT;
    for (int64_t i = 0; i < rows; i++) {
        const double *row = cells + i * columns;
        for (int64_t start = 0; start < columns; start += STRIP) {
            int64_t stop = columns - start < STRIP ? columns : start + STRIP;
            for (int64_t j = 0; j < limited; j++) {
                double limit = limits[i * limited + j];
                int64_t below = 0;
                for (int64_t c = start; c < stop; c++) below += row[c] < limit;
                counts[i * limited + j] += below;
            }
        }
    }
    return 0;
}
