/* Rows and the centers nearest to them: the best of each row's scores, rows added up by center, and their distances.

   It must not know Python, nor how scores were made: arrays come with their sizes, answers go into arrays of the
   caller, and a negative answer is an error. `native_kmeans.py` is the only caller; `kmeans.py` says the same in NumPy. */

#include "native.h"

#include <math.h>

#define LANES 16

/* The largest squared length of rows in single precision; the caller allows for its rounding. */
WIDE float vecwise_longest_row(const float *values, int64_t rows, int64_t dim) {
    float longest = 0;
    for (int64_t i = 0; i < rows; i++) {
        const float *row = values + i * dim;
        float lanes[LANES] = {0}, sum = 0;
        int64_t j = 0;
        for (; j + LANES <= dim; j += LANES)
            for (int l = 0; l < LANES; l++) lanes[l] += row[j + l] * row[j + l];
        for (int l = 0; j + l < dim; l++) lanes[l] += row[j + l] * row[j + l];
        for (int l = 0; l < LANES; l++) sum += lanes[l];
        longest = sum > longest ? sum : longest;
    }
    return longest;
}

/* Each row's center: the one whose score less half its squared length is the largest. Scores are `(rows, padded)`, and
   the halves of columns that are no center are infinite. A center within `slack` of the largest could be the nearest as
   well: rows that have one go to `doubtful`, and their label says nothing. Gives how many they are. */
WIDE int64_t vecwise_best_centers(const float *scores, const float *halves, int64_t rows, int64_t padded, float slack,
                                  int32_t *labels, int64_t *doubtful) {
    int64_t found = 0;
    if (padded < LANES || padded % LANES) return BAD_INPUT;
    for (int64_t i = 0; i < rows; i++) {
        const float *row = scores + i * padded;
        float best[LANES], next[LANES];
        int32_t place[LANES];
        for (int l = 0; l < LANES; l++) best[l] = row[l] - halves[l], next[l] = -INFINITY, place[l] = l;
        for (int64_t j = LANES; j < padded; j += LANES)
            for (int l = 0; l < LANES; l++) {
                float made = row[j + l] - halves[j + l], low = made > best[l] ? best[l] : made;
                place[l] = made > best[l] ? (int32_t)j + l : place[l];
                best[l] = made > best[l] ? made : best[l];
                next[l] = low > next[l] ? low : next[l];
            }
        for (int width = LANES / 2; width; width /= 2)
            for (int l = 0; l < width; l++) {
                float other = best[l + width], low = other > best[l] ? best[l] : other;
                float last = next[l] > next[l + width] ? next[l] : next[l + width];
                place[l] = other > best[l] ? place[l + width] : place[l];
                best[l] = other > best[l] ? other : best[l];
                next[l] = low > last ? low : last;
            }
        labels[i] = place[0];
        doubtful[found] = i;
        found += !(best[0] - next[0] > slack);
    }
    return found;
}

/* Add each row less the shift to the sum of its center, one row after the other, and count it. */
#define ADD_ROWS(NAME, TYPE)                                                                                          \
    WIDE int64_t NAME(const TYPE *values, const double *shift, const int32_t *labels, int64_t rows, int64_t dim,      \
                      int64_t centers, double *sums, int64_t *counts) {                                               \
        for (int64_t i = 0; i < rows; i++) {                                                                          \
            if (labels[i] < 0 || labels[i] >= centers) return BAD_INPUT;                                              \
            const TYPE *row = values + i * dim;                                                                       \
            double *sum = sums + labels[i] * dim;                                                                     \
            for (int64_t j = 0; j < dim; j++) sum[j] += (double)row[j] - shift[j];                                    \
            counts[labels[i]]++;                                                                                      \
        }                                                                                                             \
        return 0;                                                                                                     \
    }

/* The squared distance of each row, less the shift, to its center, from differences. */
#define MEASURE_ROWS(NAME, TYPE)                                                                                      \
    WIDE int64_t NAME(const TYPE *values, const double *shift, const double *centers, const int32_t *labels,          \
                      int64_t rows, int64_t dim, int64_t count, double *squares) {                                    \
        for (int64_t i = 0; i < rows; i++) {                                                                          \
            if (labels[i] < 0 || labels[i] >= count) return BAD_INPUT;                                                \
            const TYPE *row = values + i * dim;                                                                       \
            const double *center = centers + labels[i] * dim;                                                         \
            double lanes[LANES] = {0};                                                                                \
            int64_t j = 0;                                                                                            \
            for (; j + LANES <= dim; j += LANES)                                                                      \
                for (int l = 0; l < LANES; l++) {                                                                     \
                    double apart = (double)row[j + l] - shift[j + l] - center[j + l];                                 \
                    lanes[l] += apart * apart;                                                                        \
                }                                                                                                     \
            for (int l = 0; j + l < dim; l++) {                                                                       \
                double apart = (double)row[j + l] - shift[j + l] - center[j + l];                                     \
                lanes[l] += apart * apart;                                                                            \
            }                                                                                                         \
            for (int width = LANES / 2; width; width /= 2)                                                            \
                for (int l = 0; l < width; l++) lanes[l] += lanes[l + width];                                         \
            squares[i] = lanes[0];                                                                                    \
        }                                                                                                             \
        return 0;                                                                                                     \
    }

ADD_ROWS(vecwise_add_rows_single, float)
ADD_ROWS(vecwise_add_rows_double, double)
MEASURE_ROWS(vecwise_measure_rows_single, float)
MEASURE_ROWS(vecwise_measure_rows_double, double)
