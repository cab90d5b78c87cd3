/* The best of many scores: candidates of every query, chosen from tiles of a matrix product by a running threshold.

   It must not know what the scores mean: larger is better, and `slack` says how far a score may be off. A candidate
   stays as long as it could be among the k best. The arrays are the caller's, with the sizes it says; there is no
   state between calls but theirs. `native_select.py` is the only caller. */

#include "native.h"

#include <math.h>

#define AT_ONCE 64 /* scores compared together */
#define BESIDE 4   /* rows multiplied together */

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

/* Whether one of `AT_ONCE` scores reaches the threshold. */
static inline int reached(const float *scores, float threshold) {
    int hits = 0;
    for (int i = 0; i < AT_ONCE; i++) hits |= scores[i] >= threshold;
    return hits;
}

/* Scan a row of `columns` scores, times `scale` plus `shift` where there are any; those that reach the threshold are
   candidates. Gives how many there are now, or room + 1 when they are too many to be told apart. */
WIDE static int64_t scan(const float *row, const float *scale, const float *shift, int64_t columns, int32_t first,
                         float *scores, int32_t *places, int64_t held, int64_t room, int64_t k, float slack,
                         float *threshold) {
    float some[AT_ONCE];
    for (int64_t start = 0; start < columns; start += AT_ONCE) {
        const float *here = row + start;
        if (columns - start < AT_ONCE || scale || shift) {
            int64_t many = columns - start < AT_ONCE ? columns - start : AT_ONCE;
            for (int64_t i = 0; i < AT_ONCE; i++) some[i] = i < many ? here[i] : NAN;
            for (int64_t i = 0; scale && i < many; i++) some[i] *= scale[start + i];
            for (int64_t i = 0; shift && i < many; i++) some[i] += shift[start + i];
            here = some;
        }
        if (!reached(here, *threshold)) continue;
        uint8_t flags[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++) flags[i] = here[i] >= *threshold;
        for (int word = 0; word < AT_ONCE; word += 8) {
            uint64_t hits;
            memcpy(&hits, flags + word, 8);
            for (; hits; hits &= hits - 1) {
                int64_t i = word + __builtin_ctzll(hits) / 8;
                if (held == room) {
                    held = compact(scores, places, held, k, slack, threshold);
                    if (held == room) return room + 1;
                }
                if (!(here[i] >= *threshold)) continue; /* which may have risen */
                scores[held] = here[i], places[held++] = (int32_t)(first + start + i);
            }
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

/* Rows as bytes: each divided by its `scale`, which its largest number makes 127, and rounded. `lost` gets the length of
   what rounding took, `surplus` 128 times the sum of the bytes. Rows of bytes are `width` long, of which `dim` are
   written. */
WIDE int64_t vecwise_as_bytes(const float *values, int64_t rows, int64_t dim, int64_t width, int8_t *bytes,
                              float *scales, double *lost, int32_t *surplus) {
    if (dim < 1 || dim > width || dim >= 1 << 16) return BAD_INPUT;
    for (int64_t row = 0; row < rows; row++, values += dim, bytes += width) {
        float most[16] = {0}, sums[16] = {0}, largest = 0, sum = 0;
        const float middle = 12582912.0f; /* adding it and taking it away rounds to whole numbers */
        int64_t whole = dim - dim % 16;
        int32_t total = 0;
        for (int64_t i = 0; i < whole; i += 16)
            for (int j = 0; j < 16; j++) most[j] = fabsf(values[i + j]) > most[j] ? fabsf(values[i + j]) : most[j];
        for (int j = 0; j < 16; j++) largest = most[j] > largest ? most[j] : largest;
        for (int64_t i = whole; i < dim; i++) largest = fabsf(values[i]) > largest ? fabsf(values[i]) : largest;
        float scale = largest > 0x1p-100f ? largest / 127.0f : 1.0f, factor = 1.0f / scale;
        for (int64_t i = 0; i < whole; i += 16)
            for (int j = 0; j < 16; j++) {
                float x = values[i + j] * factor, near = (x + middle) - middle, rest = x - near;
                bytes[i + j] = (int8_t)(int32_t)near;
                sums[j] += rest * rest;
            }
        for (int64_t i = whole; i < dim; i++) {
            float x = values[i] * factor, near = (x + middle) - middle, rest = x - near;
            bytes[i] = (int8_t)(int32_t)near;
            sum += rest * rest;
        }
        for (int64_t i = 0; i < dim; i++) total += bytes[i];
        for (int j = 0; j < 16; j++) sum += sums[j];
        /* In units of the scale no square vanishes; a row too short for a scale becomes zeros and is lost whole. */
        lost[row] = largest > 0x1p-100f ? (double)scale * sqrt((double)sum) : largest * sqrt((double)dim);
        scales[row] = scale, surplus[row] = 128 * total;
    }
    return 0;
}

/* Eight numbers as one; every processor computes the same bits with them, in one register or in four. */
typedef double Eight __attribute__((vector_size(64)));
typedef float EightSingle __attribute__((vector_size(32)));
typedef double EightDouble __attribute__((vector_size(64)));

static inline double folded(const Eight *s) {
    return (((*s)[0] + (*s)[4]) + ((*s)[1] + (*s)[5])) + (((*s)[2] + (*s)[6]) + ((*s)[3] + (*s)[7]));
}

/* Inner products of a query and `BESIDE` or one of some rows in float64, or with `apart` their squared distances: eight sums
   for each row, added up in a fixed order. Rows side by side let no addition wait for the one before it. */
#define ROWS_BESIDE(COUNT, TYPE, EIGHT)                                                                         \
    Eight sums[COUNT] = {{0}};                                                                                  \
    int64_t i = 0;                                                                                              \
    for (; i + 8 <= dim; i += 8) {                                                                              \
        EIGHT some;                                                                                             \
        memcpy(&some, query + i, sizeof some);                                                                  \
        Eight a = __builtin_convertvector(some, Eight);                                                         \
        for (int r = 0; r < COUNT; r++) {                                                                       \
            memcpy(&some, rows + r * dim + i, sizeof some);                                                     \
            if (COUNT > 1) __builtin_prefetch(rows + r * dim + i + ahead);                                      \
            Eight b = __builtin_convertvector(some, Eight), step = a - b;                                       \
            sums[r] += apart ? step * step : a * b;                                                             \
        }                                                                                                       \
    }                                                                                                           \
    for (int j = 0; i < dim; i++, j++)                                                                          \
        for (int r = 0; r < COUNT; r++) {                                                                       \
            double a = (double)query[i], b = (double)rows[r * dim + i], step = a - b;                           \
            sums[r][j] += apart ? step * step : a * b;                                                          \
        }                                                                                                       \
    for (int r = 0; r < COUNT; r++) out[r] = folded(sums + r);

#define DOTS(NAME, TYPE, EIGHT)                                                                                 \
    WIDE static void NAME(const TYPE *query, const TYPE *rows, int64_t dim, double *out) {                      \
        const int apart = 0;                                                                                    \
        const int64_t ahead = 0;                                                                                \
        ROWS_BESIDE(1, TYPE, EIGHT)                                                                             \
    }                                                                                                           \
    WIDE static void NAME##_apart(const TYPE *query, const TYPE *rows, int64_t dim, double *out) {              \
        const int apart = 1;                                                                                    \
        const int64_t ahead = 0;                                                                                \
        ROWS_BESIDE(1, TYPE, EIGHT)                                                                             \
    }                                                                                                           \
    WIDE static void NAME##_beside(const TYPE *query, const TYPE *rows, int64_t dim, int64_t ahead, double *out) { \
        const int apart = 0;                                                                                    \
        ROWS_BESIDE(BESIDE, TYPE, EIGHT)                                                                        \
    }                                                                                                           \
    WIDE static void NAME##_apart_beside(const TYPE *query, const TYPE *rows, int64_t dim, int64_t ahead, double *out) { \
        const int apart = 1;                                                                                    \
        ROWS_BESIDE(BESIDE, TYPE, EIGHT)                                                                        \
    }                                                                                                           \
    int64_t vecwise_##NAME(const TYPE *queries, const TYPE *rows, int64_t dim, const int64_t *query,            \
                           const int64_t *row, int64_t pairs, int64_t queries_there, int64_t rows_there,        \
                           int apart, double *out) {                                                            \
        for (int64_t i = 0; i < pairs; i++) {                                                                   \
            if (query[i] < 0 || query[i] >= queries_there || row[i] < 0 || row[i] >= rows_there)                \
                return BAD_INPUT;                                                                               \
            if (i + 4 < pairs && row[i + 4] >= 0 && row[i + 4] < rows_there)                                    \
                __builtin_prefetch(rows + row[i + 4] * dim);                                                    \
            (apart ? NAME##_apart : NAME)(queries + query[i] * dim, rows + row[i] * dim, dim, out + i);         \
        }                                                                                                       \
        return 0;                                                                                               \
    }                                                                                                           \
    int64_t vecwise_##NAME##_all(const TYPE *query, const TYPE *rows, int64_t count, int64_t dim, int apart,    \
                                 double *out) {                                                                 \
        int64_t i = 0;                                                                                          \
        for (; i + BESIDE <= count; i += BESIDE)                                                                \
            (apart ? NAME##_apart_beside : NAME##_beside)(query, rows + i * dim, dim,                           \
                                                          i + 2 * BESIDE <= count ? BESIDE * dim : 0, out + i); \
        for (; i < count; i++) (apart ? NAME##_apart : NAME)(query, rows + i * dim, dim, out + i);              \
        return 0;                                                                                               \
    }

DOTS(dots_single, float, EightSingle)
DOTS(dots_double, double, EightDouble)

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
