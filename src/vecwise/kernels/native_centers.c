/* The center nearest to each row, product, choice and sums in one: scores never leave the registers.

   It must not know Python: arrays come with their sizes, answers go into arrays of the caller, and a negative answer is
   an error. It is there for processors with 512-bit registers; `native_kmeans.py`, its only caller, asks first. */

#include "native.h"

#include <math.h>

#if defined(__GNUC__) && defined(__x86_64__) && defined(__gnu_linux__)

#include <immintrin.h>

#define LANES 16
#define COLUMNS 4 /* registers of centers: 64 centers are looked at together */
#define TOGETHER 6 /* rows at a time: their 24 sums, 4 columns and a cell fill the 32 registers */
#define FUSED __attribute__((target("avx512f")))

typedef struct {
    __m512 best, next;
    __m512i place;
} leaders;

int64_t vecwise_has_fused(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") != 0;
}

/* Let 64 more scores of a row, less the halves of the centers' squared lengths, compete. */
FUSED static inline void compete(leaders *lead, const __m512 *sums, const float *halves, int32_t first) {
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (int c = 0; c < COLUMNS; c++) {
        __m512 made = _mm512_sub_ps(sums[c], _mm512_loadu_ps(halves + c * LANES));
        __mmask16 better = _mm512_cmp_ps_mask(made, lead->best, _CMP_GT_OQ);
        lead->next = _mm512_max_ps(lead->next, _mm512_min_ps(made, lead->best));
        lead->best = _mm512_mask_mov_ps(lead->best, better, made);
        lead->place = _mm512_mask_mov_epi32(lead->place, better,
                                            _mm512_add_epi32(lanes, _mm512_set1_epi32(first + c * LANES)));
    }
}

/* The best of all lanes, and how far it leads: not at all where two lanes share it. */
FUSED static inline int32_t winner(const leaders *lead, float *ahead) {
    float best = _mm512_reduce_max_ps(lead->best);
    unsigned lanes = _mm512_cmp_ps_mask(lead->best, _mm512_set1_ps(best), _CMP_EQ_OQ);
    __mmask16 first = (__mmask16)(lanes & -lanes);
    *ahead = best - _mm512_reduce_max_ps(_mm512_mask_mov_ps(lead->best, first, lead->next));
    return _mm512_mask_reduce_max_epi32(first, lead->place);
}

FUSED static inline float length_of(const float *row, int64_t dim) {
    __m512 lanes = _mm512_setzero_ps();
    int64_t j = 0;
    float rest = 0;
    for (; j + LANES <= dim; j += LANES) {
        __m512 cells = _mm512_loadu_ps(row + j);
        lanes = _mm512_fmadd_ps(cells, cells, lanes);
    }
    for (; j < dim; j++) rest += row[j] * row[j];
    return sqrtf(_mm512_reduce_add_ps(lanes) + rest);
}

/* The center nearest to a row by differences in double precision, the first of equals; the lanes are those of
   `vecwise_measure_rows_single`. */
FUSED static int32_t nearest_exactly(const float *row, const double *centers, int64_t count, int64_t dim) {
    double least = INFINITY;
    int32_t place = 0;
    for (int64_t c = 0; c < count; c++) {
        const double *center = centers + c * dim;
        double lanes[LANES] = {0};
        int64_t j = 0;
        for (; j + LANES <= dim; j += LANES)
            for (int l = 0; l < LANES; l++) lanes[l] += (row[j + l] - center[j + l]) * (row[j + l] - center[j + l]);
        for (int l = 0; j + l < dim; l++) lanes[l] += (row[j + l] - center[j + l]) * (row[j + l] - center[j + l]);
        for (int width = LANES / 2; width; width /= 2)
            for (int l = 0; l < width; l++) lanes[l] += lanes[l + width];
        if (lanes[0] < least) least = lanes[0], place = (int32_t)c;
    }
    return place;
}

/* Each row's center: the one whose product with the row, less half its squared length, is the largest. `packed` holds
   `strips` of 64 centers, `(strips, dim, 64)`; the halves of those that are no center are infinite. Where the best leads
   by at most `slope` times the row's length plus `least`, another could be the nearest as well. Without `exact` such
   rows go to `doubtful`, and their label says nothing. With `exact`, the `count` centers in double precision, they are
   measured again, and each row is added to `sums` of its center and counted, one after the other. Gives how many such
   rows there were. */
FUSED int64_t vecwise_nearest_centers(const float *values, const float *packed, const float *halves, int64_t rows,
                                      int64_t dim, int64_t strips, float slope, float least, int32_t *labels,
                                      int64_t *doubtful, const double *exact, int64_t count, double *sums,
                                      int64_t *counts) {
    int64_t found = 0;
    for (int64_t i = 0; i < rows; i += TOGETHER) {
        const float *row[TOGETHER];
        leaders lead[TOGETHER];
        for (int r = 0; r < TOGETHER; r++) {
            row[r] = values + (i + r < rows ? i + r : rows - 1) * dim;
            lead[r].best = lead[r].next = _mm512_set1_ps(-INFINITY);
            lead[r].place = _mm512_setzero_si512();
        }
        for (int64_t s = 0; s < strips; s++) {
            const float *center = packed + s * dim * COLUMNS * LANES;
            __m512 scores[TOGETHER][COLUMNS];
            for (int r = 0; r < TOGETHER; r++)
                for (int c = 0; c < COLUMNS; c++) scores[r][c] = _mm512_setzero_ps();
            for (int64_t start = 0; start < dim; start += LANES) {
                int64_t stop = dim - start < LANES ? dim : start + LANES;
                for (int r = 0; r < TOGETHER && !s; r++) /* the next rows come from memory while these are multiplied */
                    __builtin_prefetch(row[r] + TOGETHER * dim + start);
                for (int64_t j = start; j < stop; j++, center += COLUMNS * LANES) {
                    __m512 cells[COLUMNS];
                    for (int c = 0; c < COLUMNS; c++) cells[c] = _mm512_loadu_ps(center + c * LANES);
                    for (int r = 0; r < TOGETHER; r++) {
                        __m512 cell = _mm512_set1_ps(row[r][j]);
                        for (int c = 0; c < COLUMNS; c++) scores[r][c] = _mm512_fmadd_ps(cell, cells[c], scores[r][c]);
                    }
                }
            }
            for (int r = 0; r < TOGETHER; r++)
                compete(lead + r, scores[r], halves + s * COLUMNS * LANES, (int32_t)(s * COLUMNS * LANES));
        }
        for (int r = 0; r < TOGETHER && i + r < rows; r++) {
            float ahead;
            int32_t label = winner(lead + r, &ahead);
            int sure = ahead > slope * length_of(row[r], dim) + least;
            if (!exact) {
                doubtful[found] = i + r;
            } else {
                if (!sure) label = nearest_exactly(row[r], exact, count, dim);
                if (label < 0 || label >= count) return BAD_INPUT;
                double *sum = sums + label * dim;
                for (int64_t j = 0; j < dim; j++) sum[j] += row[r][j];
                counts[label]++;
            }
            labels[i + r] = label;
            found += !sure;
        }
    }
    return found;
}

#else

int64_t vecwise_has_fused(void) { return 0; }

int64_t vecwise_nearest_centers(const float *values, const float *packed, const float *halves, int64_t rows,
                                int64_t dim, int64_t strips, float slope, float least, int32_t *labels,
                                int64_t *doubtful, const double *exact, int64_t count, double *sums,
                                int64_t *counts) {
    (void)values, (void)packed, (void)halves, (void)rows, (void)dim, (void)strips, (void)slope, (void)least;
    (void)labels, (void)doubtful, (void)exact, (void)count, (void)sums, (void)counts;
    return BAD_INPUT;
}

#endif
