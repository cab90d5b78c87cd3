/* Norms of rows, rows divided by their norm, and cells that belong in no vector. Keeps nothing.

   It must not know Python: arrays come with their sizes, answers go into arrays of the caller, and a negative answer is
   an error. `native_norms.py` is the only caller; `norms.py` says the same in NumPy, to the same bits: a cell is added to
   one of 16 sums by its place in the row, and these are joined in halves. */

#include "native.h"

#include <math.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi" /* all that takes wide registers is inlined */
#endif

#define LANES 16
#define BLOCK 128 /* cells that are widened at a time; they stay in the nearest cache */
#define AHEAD 4096 /* bytes; what is read next is asked for so long before: alone, a processor stops at every page */
#define AHEAD_MADE 2048 /* the same for what is written */
#define SUM 1
#define SQUARES 2
#define LARGEST 4
#define INLINE static inline __attribute__((always_inline))

/* Between these, a sum neither overflowed nor lost what matters, be it of magnitudes or of squares. */
static const double SMALL = 1e-280, BIG = 1e280;

typedef double Eight __attribute__((vector_size(64), aligned(8), may_alias));
typedef int64_t Bits __attribute__((vector_size(64), aligned(8), may_alias));

typedef struct {
    double sum, squares, largest;
} Sizes;

INLINE double joined(Eight low, Eight high) {
    Eight c = low + high;
    return ((c[0] + c[4]) + (c[2] + c[6])) + ((c[1] + c[5]) + (c[3] + c[7]));
}

/* Magnitudes are compared as whole numbers, which orders them alike, with NaN above all. */
INLINE void larger(Bits *most, Bits bits) {
    Bits more = bits > *most;
    *most = (bits & more) | (*most & ~more);
}

INLINE void add(const double *cells, int wanted, Eight *sum, Eight *squares, Bits *largest) {
    Eight x = *(const Eight *)cells;
    Bits bits = (Bits)x & INT64_MAX;
    if (wanted & SUM) *sum += (Eight)bits;
    if (wanted & SQUARES) *squares += x * x;
    if (wanted & LARGEST) larger(largest, bits);
}

INLINE double cell(const void *row, int wide, int64_t i) {
    return wide ? ((const double *)row)[i] : (double)((const float *)row)[i];
}

/* What is wanted of one row, whose cells are first divided by 2 to the power of `exponent`. */
INLINE Sizes measure(const void *row, int wide, int64_t size, int wanted, int exponent) {
    Eight sums[2] = {{0}}, squares[2] = {{0}};
    Bits largest[2] = {{0}};
    double own[BLOCK];
    for (int64_t i = 0; i < size; i += BLOCK) {
        const double *part = own;
        int64_t width = size - i < BLOCK ? size - i : BLOCK;
        if (exponent || width < BLOCK) {
            for (int64_t j = 0; j < width; j++) own[j] = exponent ? ldexp(cell(row, wide, i + j), -exponent) : cell(row, wide, i + j);
            for (int64_t j = width; j % LANES; j++) own[j] = 0;
        } else if (wide)
            part = (const double *)row + i;
        else
            for (int j = 0; j < BLOCK; j++) own[j] = ((const float *)row)[i + j];
        for (int64_t j = 0; j < width; j += LANES) {
            add(part + j, wanted, &sums[0], &squares[0], &largest[0]);
            add(part + j + LANES / 2, wanted, &sums[1], &squares[1], &largest[1]);
        }
    }
    larger(&largest[0], largest[1]);
    int64_t bits = 0;
    for (int j = 0; j < LANES / 2; j++) bits = largest[0][j] > bits ? largest[0][j] : bits;
    Sizes found = {joined(sums[0], sums[1]), joined(squares[0], squares[1]), 0};
    memcpy(&found.largest, &bits, sizeof bits);
    return found;
}

/* A row whose length is extreme is first scaled by a power of two, which is exact. NaN and infinity stay what they are. */
static double extreme_length(const double *row, int64_t size) {
    double largest = measure(row, 1, size, LARGEST, 0).largest;
    int exponent;
    if (largest == 0 || !isfinite(largest)) return largest;
    frexp(largest, &exponent);
    return ldexp(sqrt(measure(row, 1, size, SQUARES, exponent).squares), exponent);
}

INLINE const void *row_at(const void *cells, int wide, int64_t start) {
    return (const char *)cells + (wide ? sizeof(double) : sizeof(float)) * (size_t)start;
}

INLINE void measure_rows(const void *cells, int wide, const int64_t *starts, int64_t rows, int64_t dim, int wanted,
                         double *sums, double *lengths, double *largest) {
    for (int64_t row = 0; row < rows; row++) {
        int64_t start = starts ? starts[row] : row * dim, size = starts ? starts[row + 1] - start : dim;
        const void *own = row_at(cells, wide, start);
        Sizes found = measure(own, wide, size, wanted, 0);
        if (sums) sums[row] = found.sum;
        if (largest) largest[row] = found.largest;
        if (!lengths) continue;
        int extreme = wide && !(found.squares > SMALL && found.squares < BIG); /* squares of float32 never are */
        lengths[row] = extreme ? extreme_length(own, size) : sqrt(found.squares);
    }
}

/* Whether rows lie within the cells. */
static int within(const int64_t *starts, int64_t rows, int64_t dim, int64_t count) {
    if (rows < 0 || dim < 0) return 0;
    if (!starts) return !dim || rows <= count / dim;
    for (int64_t row = 0; row < rows; row++)
        if (starts[row] < 0 || starts[row + 1] < starts[row] || starts[row + 1] > count) return 0;
    return 1;
}

INLINE double norm_of(Sizes found, int wanted) {
    return wanted == SUM ? found.sum : wanted == SQUARES ? sqrt(found.squares) : found.largest;
}

/* ---- float32 rows on a processor with the widest registers: the same lanes, widened as they are read ---- */

#ifdef AVX512
#include <immintrin.h>

INLINE AVX512 __m512 sixteen(const float *cells, int64_t left) {
    return left >= LANES ? _mm512_loadu_ps(cells) : _mm512_maskz_loadu_ps((__mmask16)((1 << left) - 1), cells);
}

INLINE AVX512 void widen(__m512 cells, __m512d *low, __m512d *high) {
    *low = _mm512_cvtps_pd(_mm512_castps512_ps256(cells));
    *high = _mm512_cvtps_pd(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(cells), 1)));
}

INLINE AVX512 double joined_512(__m512d low, __m512d high) {
    double c[LANES / 2];
    _mm512_storeu_pd(c, _mm512_add_pd(low, high));
    return ((c[0] + c[4]) + (c[2] + c[6])) + ((c[1] + c[5]) + (c[3] + c[7]));
}

INLINE AVX512 Sizes measure_512(const float *row, int64_t size, int wanted) {
    __m512d sums[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()}, squares[2] = {sums[0], sums[0]}, x[2];
    __m512i largest = _mm512_setzero_si512();
    for (int64_t i = 0; i < size; i += LANES) {
        __builtin_prefetch((const void *)((uintptr_t)(row + i) + AHEAD));
        __m512 cells = sixteen(row + i, size - i);
        cells = _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(cells), _mm512_set1_epi32(INT32_MAX)));
        if (wanted & LARGEST) largest = _mm512_max_epu32(largest, _mm512_castps_si512(cells));
        if (!(wanted & (SUM | SQUARES))) continue;
        widen(cells, &x[0], &x[1]);
        for (int half = 0; half < 2; half++) {
            if (wanted & SUM) sums[half] = _mm512_add_pd(sums[half], x[half]);
            if (wanted & SQUARES) squares[half] = _mm512_add_pd(squares[half], _mm512_mul_pd(x[half], x[half]));
        }
    }
    uint32_t bits = _mm512_reduce_max_epu32(largest);
    float most;
    memcpy(&most, &bits, sizeof most);
    return (Sizes){joined_512(sums[0], sums[1]), joined_512(squares[0], squares[1]), most};
}

INLINE AVX512 void measure_rows_512(const float *cells, const int64_t *starts, int64_t rows, int64_t dim, int wanted,
                                    double *sums, double *lengths, double *largest) {
    for (int64_t row = 0; row < rows; row++) {
        int64_t start = starts ? starts[row] : row * dim, size = starts ? starts[row + 1] - start : dim;
        Sizes found = measure_512(cells + start, size, wanted);
        if (wanted & SUM && sums) sums[row] = found.sum;
        if (wanted & SQUARES && lengths) lengths[row] = sqrt(found.squares);
        if (wanted & LARGEST && largest) largest[row] = found.largest;
    }
}

/* A row times a factor, in float64, rounded once. */
INLINE AVX512 void times_512(const float *row, int64_t size, double factor, float *made) {
    __m512d low, high, both = _mm512_set1_pd(factor);
    for (int64_t i = 0; i < size; i += LANES) {
        __builtin_prefetch((const void *)((uintptr_t)(made + i) + AHEAD_MADE), 1);
        widen(sixteen(row + i, size - i), &low, &high);
        __m256 a = _mm512_cvtpd_ps(_mm512_mul_pd(low, both)), b = _mm512_cvtpd_ps(_mm512_mul_pd(high, both));
        __m512d whole = _mm512_castps_pd(_mm512_castps256_ps512(a));
        __m512 cells = _mm512_castpd_ps(_mm512_insertf64x4(whole, _mm256_castps_pd(b), 1));
        if (size - i >= LANES)
            _mm512_storeu_ps(made + i, cells);
        else
            _mm512_mask_storeu_ps(made + i, (__mmask16)((1 << (size - i)) - 1), cells);
    }
}

INLINE AVX512 void unit_rows_512(const float *cells, const int64_t *starts, int64_t rows, int64_t dim, int wanted, float *made,
                                 uint8_t *some) {
    for (int64_t row = 0; row < rows; row++) {
        int64_t start = starts ? starts[row] : row * dim, size = starts ? starts[row + 1] - start : dim;
        double norm = norm_of(measure_512(cells + start, size, wanted), wanted);
        some[row] = norm > 0;
        times_512(cells + start, size, norm > 0 ? 1 / norm : 1, made + start);
    }
}

static AVX512 void norms_512(const float *cells, const int64_t *starts, int64_t rows, int64_t dim, int wanted, double *sums,
                             double *lengths, double *largest) {
    if (wanted == SUM)
        measure_rows_512(cells, starts, rows, dim, SUM, sums, lengths, largest);
    else if (wanted == SQUARES)
        measure_rows_512(cells, starts, rows, dim, SQUARES, sums, lengths, largest);
    else if (wanted == (SUM | SQUARES))
        measure_rows_512(cells, starts, rows, dim, SUM | SQUARES, sums, lengths, largest);
    else
        measure_rows_512(cells, starts, rows, dim, SUM | SQUARES | LARGEST, sums, lengths, largest);
}

static AVX512 void units_512(const float *cells, const int64_t *starts, int64_t rows, int64_t dim, int wanted, float *made,
                             uint8_t *some) {
    if (wanted == SUM)
        unit_rows_512(cells, starts, rows, dim, SUM, made, some);
    else if (wanted == SQUARES)
        unit_rows_512(cells, starts, rows, dim, SQUARES, made, some);
    else
        unit_rows_512(cells, starts, rows, dim, LARGEST, made, some);
}

#endif

/* Norms of rows into those of `sums` (L1), `lengths` (L2) and `largest` (L-infinity) that are given, in one pass. `count`
   cells are float64 if they are `wide`, float32 otherwise; row i begins at `starts[i]`, or at i * dim without. */
WIDE int64_t vecwise_row_norms(const void *cells, int wide, int64_t count, const int64_t *starts, int64_t rows, int64_t dim,
                               double *sums, double *lengths, double *largest) {
    int wanted = (sums ? SUM : 0) | (lengths ? SQUARES : 0) | (largest ? LARGEST : 0);
    if (!within(starts, rows, dim, count)) return BAD_INPUT;
#ifdef AVX512
    if (!wide && ON_512) {
        norms_512(cells, starts, rows, dim, wanted, sums, lengths, largest);
        return 0;
    }
#endif
#define MEASURE(what)                                                                                                   \
    if (wide)                                                                                                           \
        measure_rows(cells, 1, starts, rows, dim, what, sums, lengths, largest);                                        \
    else                                                                                                                \
        measure_rows(cells, 0, starts, rows, dim, what, sums, lengths, largest)
    if (wanted == SUM) {
        MEASURE(SUM);
    } else if (wanted == SQUARES) {
        MEASURE(SQUARES);
    } else if (wanted == LARGEST) {
        MEASURE(LARGEST);
    } else if (wanted == (SUM | SQUARES)) {
        MEASURE(SUM | SQUARES);
    } else {
        MEASURE(SUM | SQUARES | LARGEST);
    }
    return 0;
}

/* A float64 row whose norm is extreme: scaled by a power of two before it is divided. Gives whether it has a norm. */
static int extreme_unit(const double *row, int64_t size, int wanted, double *made) {
    double largest = measure(row, 1, size, LARGEST, 0).largest;
    int exponent = 0;
    if (largest > 0 && isfinite(largest)) frexp(largest, &exponent);
    double norm = norm_of(measure(row, 1, size, wanted, exponent), wanted);
    if (!(norm > 0)) norm = 1;
    for (int64_t i = 0; i < size; i++) made[i] = ldexp(row[i], -exponent) / norm;
    return largest > 0;
}

INLINE void unit_rows(const void *cells, int wide, const int64_t *starts, int64_t rows, int64_t dim, int wanted, void *made,
                      uint8_t *some) {
    for (int64_t row = 0; row < rows; row++) {
        int64_t start = starts ? starts[row] : row * dim, size = starts ? starts[row + 1] - start : dim;
        const void *own = row_at(cells, wide, start);
        Sizes found = measure(own, wide, size, wanted, 0);
        double norm = norm_of(found, wanted);
        if (wide) {
            const double *from = own;
            double *to = (double *)made + start, sum = wanted == SQUARES ? found.squares : norm;
            some[row] = 1;
            if (sum > SMALL && sum < BIG)
                for (int64_t i = 0; i < size; i++) to[i] = from[i] / norm;
            else
                some[row] = (uint8_t)extreme_unit(from, size, wanted, to);
        } else {
            const float *from = own;
            float *to = (float *)made + start;
            double factor = norm > 0 ? 1 / norm : 1; /* in float64: the result rounds once more, and only once */
            some[row] = norm > 0;
            for (int64_t i = 0; i < size; i += BLOCK) {
                int64_t stop = size - i < BLOCK ? size : i + BLOCK;
                for (int64_t j = i; j < stop; j += 16) __builtin_prefetch(to + j + 2 * BLOCK, 1); /* a tenth quicker */
                for (int64_t j = i; j < stop; j++) to[j] = (float)(from[j] * factor);
            }
        }
    }
}

/* Divide rows by their norm of order 1, 2 or, with 0, L-infinity, into `made`; `some` tells which rows have one. Rows lie
   as for `vecwise_row_norms`. */
WIDE int64_t vecwise_unit_rows(const void *cells, int wide, int64_t count, const int64_t *starts, int64_t rows, int64_t dim,
                               int order, void *made, uint8_t *some) {
    if (!within(starts, rows, dim, count) || order < 0 || order > 2) return BAD_INPUT;
#ifdef AVX512
    if (!wide && ON_512) {
        units_512(cells, starts, rows, dim, order == 1 ? SUM : order == 2 ? SQUARES : LARGEST, made, some);
        return 0;
    }
#endif
#define UNIT(what)                                                                                                      \
    if (wide)                                                                                                           \
        unit_rows(cells, 1, starts, rows, dim, what, made, some);                                                       \
    else                                                                                                                \
        unit_rows(cells, 0, starts, rows, dim, what, made, some)
    if (order == 1) {
        UNIT(SUM);
    } else if (order == 2) {
        UNIT(SQUARES);
    } else {
        UNIT(LARGEST);
    }
    return 0;
}

/* 1 if a cell is NaN or infinite, plus 2 if one is below zero. */
WIDE int64_t vecwise_oddities(const void *cells, int wide, int64_t count) {
    uint64_t odd = 0, below = 0;
    if (wide)
        for (int64_t i = 0; i < count; i++) {
            double x = ((const double *)cells)[i];
            odd |= !(fabs(x) < INFINITY);
            below |= x < 0;
        }
    else
        for (int64_t i = 0; i < count; i++) {
            float x = ((const float *)cells)[i];
            odd |= !(fabsf(x) < INFINITY);
            below |= x < 0;
        }
    return (int64_t)(odd | below << 1);
}
