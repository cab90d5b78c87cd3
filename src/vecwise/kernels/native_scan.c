/* Reads rows of one byte a coordinate once for one query, and keeps the rows that could be among the k best.

   It must not know Python, nor what the numbers stand for: arrays come with their sizes, answers go into arrays of the
   caller, and a negative answer is an error. `scan.py` is the only caller and proves the bounds. All sums are of whole
   numbers, so that every processor gives the same bits. */

#include "native.h"

#include <math.h>

#define SUMS 8    /* of a row, side by side */
#define LANES 64  /* rows are padded to a multiple of so many coordinates */
#define STRETCH 1024 /* coordinates whose sum of products, at most 127 * 16,319 each, fits an int32 */
#define GROUP 32  /* rows scored before the best are looked for */

/* Codes are stored 128 higher than they are; a query is whole numbers, each also cut into 128 * high + low. */
typedef struct {
    const int16_t *whole;
    const int8_t *high, *low;
} Query;

typedef void (*Score)(const uint8_t *codes, int64_t rows, int64_t width, Query query, int64_t *scores);

WIDE static void score_anywhere(const uint8_t *codes, int64_t rows, int64_t width, Query query, int64_t *scores) {
    for (int64_t row = 0; row < rows; row++, codes += width) {
        scores[row] = 0;
        for (int64_t start = 0; start < width; start += STRETCH) {
            int64_t stop = width - start < STRETCH ? width : start + STRETCH;
            int32_t sum = 0;
            for (int64_t i = start; i < stop; i++) sum += (int16_t)(codes[i] - 128) * query.whole[i];
            scores[row] += sum;
        }
    }
}

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>

/* Four products a lane and step; a lane of a stretch holds at most 255 * 16,383 * 64, and so many lanes need an int64. */
__attribute__((target("avx512f,avx512vnni"))) static void score_vnni(const uint8_t *codes, int64_t rows, int64_t width,
                                                                      Query query, int64_t *scores) {
    for (int64_t row = 0; row < rows; row++) scores[row] = 0;
    for (int64_t start = 0; start < width; start += STRETCH) {
        int64_t stop = width - start < STRETCH ? width : start + STRETCH, lift = 0;
        for (int64_t i = start; i < stop; i++) lift += 128 * query.whole[i];
        for (int64_t row = 0; row < rows; row++) {
            const uint8_t *own = codes + row * width;
            __m512i high = _mm512_setzero_si512(), low = high;
            for (int64_t i = start; i < stop; i += LANES) {
                __m512i code = _mm512_loadu_si512(own + i);
                high = _mm512_dpbusd_epi32(high, code, _mm512_loadu_si512(query.high + i));
                low = _mm512_dpbusd_epi32(low, code, _mm512_loadu_si512(query.low + i));
            }
            __m512i sums = _mm512_add_epi32(_mm512_slli_epi32(high, 7), low);
            __m512i left = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(sums));
            __m512i right = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(sums, 1));
            scores[row] += _mm512_reduce_add_epi64(_mm512_add_epi64(left, right)) - lift;
        }
    }
}

static Score best_score(int64_t portable) {
    return !portable && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni") ? score_vnni
                                                                                                  : score_anywhere;
}
#else
static Score best_score(int64_t portable) {
    (void)portable;
    return score_anywhere;
}
#endif

/* Replace the least of a heap, which stands first, by something larger. */
static void replace_least(double *heap, int64_t size, double value) {
    int64_t i = 0;
    for (int64_t child; (child = 2 * i + 1) < size; i = child) {
        if (child + 1 < size && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= value) break;
        heap[i] = heap[child];
    }
    heap[i] = value;
}

/* A row's score lies within `reach * radius + rounding` of `factor * scale * (codes . query) + offset`. Gives the number
   of rows that could be among the `k` best of those that are `allowed` (all, if NULL): their numbers and the most that each
   could score. `heap` holds -infinity `k` times, and afterwards the k best of what rows score at the least.
   `offsets` may be NULL; `places` and `most` have room for all rows. */
int64_t vecwise_scan(const uint8_t *codes, int64_t rows, int64_t width, const float *scales, const float *radii,
                     const double *offsets, const uint8_t *allowed, const int16_t *whole, const int8_t *high,
                     const int8_t *low, double factor, double reach, double rounding, int64_t portable, int64_t k,
                     double *heap, int64_t *places, double *most) {
    if (rows < 0 || width < LANES || width % LANES || k < 1) return BAD_INPUT;
    Score score = best_score(portable);
    Query query = {whole, high, low};
    int64_t found = 0, scores[GROUP];
    for (int64_t start = 0; start < rows; start += GROUP) {
        int64_t size = rows - start < GROUP ? rows - start : GROUP;
        double upper[GROUP], lower[GROUP];
        score(codes + start * width, size, width, query, scores);
        for (int64_t i = 0; i < size; i++) {
            double middle = factor * (double)scales[start + i] * (double)scores[i] + (offsets ? offsets[start + i] : 0);
            double error = reach * (double)radii[start + i] + rounding;
            upper[i] = middle + error;
            lower[i] = middle - error;
        }
        for (int64_t i = 0; i < size; i++) {
            if (upper[i] < heap[0] || (allowed && !allowed[start + i])) continue;
            places[found] = start + i;
            most[found++] = upper[i];
            if (lower[i] > heap[0]) replace_least(heap, k, lower[i]);
        }
    }
    return found;
}

/* Write rows as whole numbers times a scale in float32, padded to `width`. `sums` gets three numbers a row: the squares of
   the row, of what it was written as, and of what is left, added up. */
WIDE int64_t vecwise_scan_write(const double *rows, int64_t count, int64_t dim, int64_t width, uint8_t *codes, float *scales,
                                double *sums) {
    const double magic = 6755399441055744.0; /* 1.5 * 2^52: what is added to it is rounded to a whole number */
    if (count < 0 || dim < 1 || width < dim || width % LANES) return BAD_INPUT;
    for (int64_t row = 0; row < count; row++, rows += dim, codes += width) {
        double most[SUMS] = {0}, all[SUMS] = {0}, whole[SUMS] = {0}, left[SUMS] = {0}, largest = 0;
        int64_t i = 0;
        for (; i + SUMS <= dim; i += SUMS)
            for (int j = 0; j < SUMS; j++) {
                double x = fabs(rows[i + j]);
                most[j] = x > most[j] ? x : most[j];
            }
        for (; i < dim; i++) most[0] = fabs(rows[i]) > most[0] ? fabs(rows[i]) : most[0];
        for (int j = 0; j < SUMS; j++) largest = most[j] > largest ? most[j] : largest;
        if (!(largest < 1e36)) return BAD_INPUT;
        scales[row] = nextafterf((float)(largest / 127 * (1 + 1e-9)), INFINITY);
        double scale = scales[row];
        for (i = 0; i + SUMS <= dim; i += SUMS)
            for (int j = 0; j < SUMS; j++) {
                double x = rows[i + j], code = x / scale + magic - magic, made = code * scale, rest = x - made;
                codes[i + j] = (uint8_t)((int32_t)code + 128);
                all[j] += x * x;
                whole[j] += made * made;
                left[j] += rest * rest;
            }
        for (; i < dim; i++) {
            double x = rows[i], code = x / scale + magic - magic, made = code * scale, rest = x - made;
            codes[i] = (uint8_t)((int32_t)code + 128);
            all[0] += x * x;
            whole[0] += made * made;
            left[0] += rest * rest;
        }
        for (; i < width; i++) codes[i] = 128;
        for (int j = 1; j < SUMS; j++) all[0] += all[j], whole[0] += whole[j], left[0] += left[j];
        sums[0] = all[0], sums[1] = whole[0], sums[2] = left[0];
        sums += 3;
    }
    return count;
}
