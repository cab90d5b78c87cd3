/* The best of many scores: candidates of every query, chosen from tiles of a matrix product by a running threshold.

   It must not know what the scores mean: larger is better, and `slack` says how far a score may be off. A candidate
   stays as long as it could be among the k best. The arrays are the caller's, with the sizes it says; there is no
   state between calls but theirs. `native_select.py` is the only caller. */

#include "native.h"

#include <math.h>

#define AT_ONCE 64 /* scores compared together */

static inline void swap_at(float *scores, int32_t *places, int64_t a, int64_t b) {
    float score = scores[a];
    int32_t place = places[a];
    scores[a] = scores[b], places[a] = places[b];
    scores[b] = score, places[b] = place;
}

/* The k-th largest of n scores, which are put in another order (Hoare's selection, the middle one as pivot). */
static float kth_largest(float *scores, int32_t *places, int64_t n, int64_t k) {
    int64_t left = 0, right = n - 1, want = k - 1;
    while (left < right) {
        float pivot = scores[left + (right - left) / 2];
        int64_t i = left, j = right;
        while (i <= j) {
            while (scores[i] > pivot) i++;
            while (scores[j] < pivot) j--;
            if (i <= j) swap_at(scores, places, i++, j--);
        }
        if (want <= j)
            right = j;
        else if (want >= i)
            left = i;
        else
            break;
    }
    return scores[want];
}

/* Drop what cannot be among the k best any more; gives how many stay. */
static int64_t compact(float *scores, int32_t *places, int64_t n, int64_t k, float slack, float *threshold) {
    if (n < k) return n;
    float least = kth_largest(scores, places, n, k) - slack;
    if (least > *threshold) *threshold = least;
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++) {
        scores[kept] = scores[i], places[kept] = places[i];
        kept += scores[i] >= least;
    }
    return kept;
}

/* How many of `AT_ONCE` scores reach the threshold. */
WIDE static int reaching(const float *scores, float threshold) {
    int hits = 0;
    for (int i = 0; i < AT_ONCE; i++) hits += scores[i] >= threshold;
    return hits;
}

/* Scores times `scale` plus `shift`, where there are any. */
WIDE static void scaled(const float *row, const float *scale, const float *shift, int64_t many, float *out) {
    for (int64_t i = 0; i < many; i++) out[i] = row[i];
    if (scale)
        for (int64_t i = 0; i < many; i++) out[i] *= scale[i];
    if (shift)
        for (int64_t i = 0; i < many; i++) out[i] += shift[i];
}

/* Scan a row of `columns` scores; those that reach the threshold are candidates. Gives how many there are now, or
   room + 1 when they are too many to be told apart. */
static int64_t scan(const float *row, const float *scale, const float *shift, int64_t columns, int32_t first,
                    float *scores, int32_t *places, int64_t held, int64_t room, int64_t k, float slack,
                    float *threshold) {
    float some[AT_ONCE];
    for (int64_t start = 0; start < columns; start += AT_ONCE) {
        int64_t many = columns - start < AT_ONCE ? columns - start : AT_ONCE;
        const float *here = row + start;
        if (scale || shift) {
            scaled(here, scale ? scale + start : NULL, shift ? shift + start : NULL, many, some);
            here = some;
        }
        if (many == AT_ONCE && !reaching(here, *threshold)) continue;
        for (int64_t i = 0; i < many; i++) {
            if (!(here[i] >= *threshold)) continue;
            if (held == room) {
                held = compact(scores, places, held, k, slack, threshold);
                if (held == room) return room + 1;
                if (!(here[i] >= *threshold)) continue;
            }
            scores[held] = here[i], places[held++] = (int32_t)(first + start + i);
        }
    }
    return held;
}

/* Take a tile of scores, `queries` rows of `columns` (`stride` apart), whose columns are the rows from `first` on.
   Each query has `room` places for candidates, of which `held` are taken; a query that overflows gets room + 1 and
   is left alone from then on. */
int64_t vecwise_select(const float *tile, int64_t queries, int64_t columns, int64_t stride, const float *scale,
                       const float *shift, int64_t first, int64_t k, int64_t room, const float *slack,
                       float *threshold, float *scores, int32_t *places, int64_t *held) {
    if (k < 1 || room < k + 1 || columns > stride || first < 0 || first + columns > INT32_MAX) return BAD_INPUT;
    for (int64_t q = 0; q < queries; q++) {
        if (held[q] > room || held[q] < 0) continue;
        held[q] = scan(tile + q * stride, scale, shift, columns, (int32_t)first, scores + q * room,
                       places + q * room, held[q], room, k, slack[q], threshold + q);
    }
    return 0;
}

/* Drop what cannot be among the k best, for every query. */
int64_t vecwise_compact(int64_t queries, int64_t k, int64_t room, const float *slack, float *threshold, float *scores,
                        int32_t *places, int64_t *held) {
    if (k < 1 || room < k + 1) return BAD_INPUT;
    for (int64_t q = 0; q < queries; q++)
        if (held[q] >= 0 && held[q] <= room)
            held[q] = compact(scores + q * room, places + q * room, held[q], k, slack[q], threshold + q);
    return 0;
}

/* Inner products of a query and some rows in float64: eight sums side by side, added up in a fixed order. */
#define DOTS(NAME, TYPE)                                                                                        \
    WIDE static double NAME(const TYPE *a, const TYPE *b, int64_t dim) {                                        \
        double sums[8] = {0};                                                                                   \
        int64_t i = 0;                                                                                          \
        for (; i + 8 <= dim; i += 8)                                                                            \
            for (int j = 0; j < 8; j++) sums[j] += (double)a[i + j] * (double)b[i + j];                         \
        for (int j = 0; i < dim; i++, j++) sums[j] += (double)a[i] * (double)b[i];                              \
        return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));       \
    }                                                                                                           \
    WIDE static double NAME##_apart(const TYPE *a, const TYPE *b, int64_t dim) {                                \
        double sums[8] = {0};                                                                                   \
        int64_t i = 0;                                                                                          \
        for (; i + 8 <= dim; i += 8)                                                                            \
            for (int j = 0; j < 8; j++) {                                                                       \
                double apart = (double)a[i + j] - (double)b[i + j];                                             \
                sums[j] += apart * apart;                                                                       \
            }                                                                                                   \
        for (int j = 0; i < dim; i++, j++) {                                                                    \
            double apart = (double)a[i] - (double)b[i];                                                         \
            sums[j] += apart * apart;                                                                           \
        }                                                                                                       \
        return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));       \
    }                                                                                                           \
    int64_t vecwise_##NAME(const TYPE *queries, const TYPE *rows, int64_t dim, const int64_t *query,            \
                           const int64_t *row, int64_t pairs, int64_t queries_there, int64_t rows_there,        \
                           int apart, double *out) {                                                            \
        for (int64_t i = 0; i < pairs; i++) {                                                                   \
            if (query[i] < 0 || query[i] >= queries_there || row[i] < 0 || row[i] >= rows_there)                \
                return BAD_INPUT;                                                                               \
            if (i + 4 < pairs && row[i + 4] >= 0 && row[i + 4] < rows_there)                                    \
                __builtin_prefetch(rows + row[i + 4] * dim);                                                    \
            const TYPE *a = queries + query[i] * dim, *b = rows + row[i] * dim;                                 \
            out[i] = apart ? NAME##_apart(a, b, dim) : NAME(a, b, dim);                                         \
        }                                                                                                       \
        return 0;                                                                                               \
    }                                                                                                           \
    int64_t vecwise_##NAME##_all(const TYPE *query, const TYPE *rows, int64_t count, int64_t dim, int apart,    \
                                 double *out) {                                                                 \
        for (int64_t i = 0; i < count; i++)                                                                     \
            out[i] = apart ? NAME##_apart(query, rows + i * dim, dim) : NAME(query, rows + i * dim, dim);       \
        return 0;                                                                                               \
    }

DOTS(dots_single, float)
DOTS(dots_double, double)

/* Inner products of one sparse query with sparse rows, by the columns of the rows (CSC): added up column by column,
   in float64. `sums` has a cell a row and comes zeroed. Values are float32 or float64 (`wide`). */
int64_t vecwise_postings(const int64_t *starts, const int32_t *rows, const void *values, int wide, int64_t columns,
                         int64_t there, const int32_t *terms, const double *weights, int64_t count, double *sums) {
    for (int64_t t = 0; t < count; t++) {
        if (terms[t] < 0 || terms[t] >= columns) return BAD_INPUT;
        int64_t begin = starts[terms[t]], end = starts[terms[t] + 1];
        double weight = weights[t];
        for (int64_t i = begin; i < end; i++) {
            if (rows[i] < 0 || rows[i] >= there) return BAD_INPUT;
            double value = wide ? ((const double *)values)[i] : (double)((const float *)values)[i];
            sums[rows[i]] += weight * value;
        }
    }
    return 0;
}

/* The places of the k best of `n` scores, larger first, the earlier place first of equals; NaN is no score. Gives how
   many there are. A heap whose top is the worst kept. */
static inline int before(double a, int64_t i, double b, int64_t j) { return a > b || (a == b && i < j); }

static void sink(double *scores, int64_t *places, int64_t n, int64_t at) {
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= n) return;
        if (child + 1 < n && before(scores[child], places[child], scores[child + 1], places[child + 1])) child++;
        if (!before(scores[at], places[at], scores[child], places[child])) return;
        double score = scores[at];
        int64_t place = places[at];
        scores[at] = scores[child], places[at] = places[child];
        scores[child] = score, places[child] = place;
        at = child;
    }
}

int64_t vecwise_best(const double *given, int64_t n, int64_t k, double *scores, int64_t *places) {
    if (k < 1) return BAD_INPUT;
    int64_t held = 0;
    for (int64_t i = 0; i < n; i++) {
        if (given[i] != given[i]) continue;
        if (held < k) {
            scores[held] = given[i], places[held++] = i;
            if (held == k)
                for (int64_t at = k / 2; at-- > 0;) sink(scores, places, k, at);
        } else if (given[i] > scores[0]) { /* an equal one stands later, and so behind */
            scores[0] = given[i], places[0] = i;
            sink(scores, places, k, 0);
        }
    }
    if (held < k)
        for (int64_t at = held / 2; at-- > 0;) sink(scores, places, held, at);
    for (int64_t end = held - 1; end > 0; end--) {
        double score = scores[0];
        int64_t place = places[0];
        scores[0] = scores[end], places[0] = places[end];
        scores[end] = score, places[end] = place;
        sink(scores, places, end, 0);
    }
    return held;
}
