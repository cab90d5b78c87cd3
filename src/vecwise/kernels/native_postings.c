/* Sparse rows searched: their cells by column, products with queries that only choose, and the products that decide, in
   float64. Keeps nothing.

   It must not know what the products mean: arrays come with their sizes, answers go into arrays of the caller, and a
   negative answer is an error. `native_postings.py` is the only caller. */

#include "native.h"

#include <math.h>

#define LANES 8 /* of the sums that decide: number i is added to lane i % 8, as in dense rows */
#define COMMON 16 /* columns with a cell in one row of so many are also kept whole: one step then does many rows */
#define LEAST 1e-18f /* weights below it are taken for it, so that no product of two vanishes */

/* Whether the cells of every row lie among `cells`. */
static int within(const int64_t *starts, int64_t rows, int64_t cells) {
    if (starts[0] < 0 || starts[rows] > cells) return 0;
    for (int64_t row = 0; row < rows; row++)
        if (starts[row] > starts[row + 1]) return 0;
    return 1;
}

/* Bring the cells of rows in the order of `slots`, which numbers the columns that are asked for (-1: not). Cells are
   divided by the `length` of their row. `ends` gets where the cells of each of the `asked` numbers end; `places` and
   `weights` have room for all cells. Common columns are also written whole into `dense`, which has room for `room` of
   them, with -0 where there is no cell; `common` gets their numbers there, or -1. Gives how many cells there are. */
int64_t vecwise_by_columns(const int64_t *starts, const int32_t *columns, const double *data, int64_t rows,
                           int64_t cells, const double *length, const int32_t *slots, int64_t width, int64_t asked,
                           int64_t *ends, int32_t *places, float *weights, int64_t room, int32_t *common,
                           float *dense) {
    if (rows > INT32_MAX || !within(starts, rows, cells)) return BAD_INPUT;
    memset(ends, 0, (size_t)asked * sizeof *ends);
    for (int64_t i = starts[0]; i < starts[rows]; i++) {
        if (columns[i] < 0 || columns[i] >= width || slots[columns[i]] >= asked) return BAD_INPUT;
        if (slots[columns[i]] >= 0) ends[slots[columns[i]]]++;
    }
    int64_t total = 0, whole = 0;
    for (int64_t i = 0; i < asked; i++) {
        int64_t size = ends[i];
        common[i] = size * COMMON >= rows && whole < room ? (int32_t)whole++ : -1;
        ends[i] = total; /* where its cells begin, until they are there */
        total += size;
    }
    for (int64_t i = 0; i < whole * rows; i++) dense[i] = -0.0f;
    for (int64_t row = 0; row < rows; row++)
        for (int64_t i = starts[row]; i < starts[row + 1]; i++) {
            int32_t slot = slots[columns[i]];
            if (slot < 0) continue;
            float weight = (float)(data[i] / length[row]);
            if (fabsf(weight) < LEAST) weight = copysignf(LEAST, weight);
            if (common[slot] >= 0) dense[common[slot] * rows + row] = weight;
            places[ends[slot]] = (int32_t)row;
            weights[ends[slot]++] = weight;
        }
    return total;
}

/* Mark rows that nothing was added to by NaN; the first of them go into `bare`, until it has `k`. */
WIDE static int64_t mark(float *scores, int64_t rows, int64_t k, int64_t found, int64_t *bare) {
    for (int64_t row = 0; row < rows && found < k; row++) {
        uint32_t bits;
        memcpy(&bits, scores + row, 4);
        if (bits == UINT32_C(0x80000000)) bare[found++] = row;
    }
    uint32_t *cells = (uint32_t *)(void *)scores;
    for (int64_t row = 0; row < rows; row++) cells[row] = cells[row] == UINT32_C(0x80000000) ? UINT32_C(0x7fc00000) : cells[row];
    return found;
}

/* Add a whole column. A positive weight times -0 is -0, which leaves even -0 as it is. */
WIDE static void add_column(float *scores, const float *column, float weight, int64_t rows) {
    for (int64_t row = 0; row < rows; row++) scores[row] += weight * column[row];
}

/* Products in float32 of sparse queries, whose columns are numbers of slots, with the rows of `vecwise_by_columns`. With
   a `k`, rows that share no column with a query are NaN, and the first k of them go into `bare`, k places a query, and
   how many into `counts`; without one they are 0. */
int64_t vecwise_sparse_products(const int64_t *starts, const int32_t *slots, const float *data, int64_t queries,
                                int64_t cells, const int64_t *ends, int64_t asked, const int32_t *places,
                                const float *weights, const int32_t *common, const float *dense, int64_t rows,
                                int64_t k, float *scores, int64_t *bare, int64_t *counts) {
    if (!within(starts, queries, cells)) return BAD_INPUT;
    for (int64_t q = 0; q < queries; q++, scores += rows) {
        float nothing = k ? -0.0f : 0.0f; /* nothing that is added makes 0 negative again */
        for (int64_t row = 0; row < rows; row++) scores[row] = nothing;
        for (int64_t i = starts[q]; i < starts[q + 1]; i++) {
            if (slots[i] < 0 || slots[i] >= asked) return BAD_INPUT;
            float weight = fabsf(data[i]) < LEAST ? copysignf(LEAST, data[i]) : data[i];
            if (weight > 0 && common[slots[i]] >= 0) {
                add_column(scores, dense + common[slots[i]] * rows, weight, rows);
                continue;
            }
            int64_t end = ends[slots[i]];
            for (int64_t p = slots[i] ? ends[slots[i] - 1] : 0; p < end; p++) scores[places[p]] += weight * weights[p];
        }
        if (k) counts[q] = mark(scores, rows, k, 0, bare + q * k);
    }
    return 0;
}

/* The inner product of each row with itself; column i is added to lane i % 16, as in norms of dense rows. */
int64_t vecwise_sparse_squares(const int64_t *starts, const int32_t *columns, const double *data, int64_t rows,
                               int64_t cells, double *out) {
    if (!within(starts, rows, cells)) return BAD_INPUT;
    for (int64_t row = 0; row < rows; row++) {
        double s[16] = {0};
        for (int64_t i = starts[row]; i < starts[row + 1]; i++) s[columns[i] & 15] += data[i] * data[i];
        for (int half = 8; half; half /= 2)
            for (int l = 0; l < half; l++) s[l] += s[l + half];
        out[row] = s[0];
    }
    return 0;
}

/* Inner products of pairs of a sparse query and a sparse row, or with `apart` their squared distances. */
int64_t vecwise_sparse_dots(const int64_t *q_starts, const int32_t *q_columns, const double *q_data, int64_t asked,
                            int64_t q_cells, const int64_t *starts, const int32_t *columns, const double *data,
                            int64_t rows, int64_t cells, const int64_t *query, const int64_t *row, int64_t pairs,
                            int apart, double *out) {
    if (!within(q_starts, asked, q_cells)) return BAD_INPUT;
    for (int64_t p = 0; p < pairs; p++) {
        if (query[p] < 0 || query[p] >= asked || row[p] < 0 || row[p] >= rows) return BAD_INPUT;
        int64_t i = q_starts[query[p]], last = q_starts[query[p] + 1], j = starts[row[p]], end = starts[row[p] + 1];
        if (j < 0 || j > end || end > cells) return BAD_INPUT;
        double s[LANES] = {0};
        while (apart ? i < last || j < end : i < last && j < end) {
            int32_t ours = i < last ? q_columns[i] : INT32_MAX, theirs = j < end ? columns[j] : INT32_MAX;
            double a = ours <= theirs ? q_data[i] : 0, b = theirs <= ours ? data[j] : 0;
            s[(ours < theirs ? ours : theirs) & (LANES - 1)] += apart ? (a - b) * (a - b) : a * b;
            i += ours <= theirs, j += theirs <= ours;
        }
        out[p] = ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
    }
    return 0;
}
