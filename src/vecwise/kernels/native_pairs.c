/* Pairs of rows: distances of all pairs, sparse ones of listed pairs too, and the scores of a tile that reach a bound.
   Keeps nothing.

   It must not know Python, nor what rows mean: matrices are C-ordered and come with their sizes, answers go into arrays of
   the caller, and a negative answer is an error. `native_pairs.py` is the only caller; NumPy says the same elsewhere. */

#include "native.h"

#include <math.h>

/* Eight sums side by side, added up at the end in one fixed order: every width of registers gives the same bits. */
#define LANES 8
typedef double lanes __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef int64_t bits __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef float singles __attribute__((vector_size(8 * LANES), aligned(4), may_alias));

enum { MANHATTAN, SQUARED, EUCLIDEAN, CHEBYSHEV, DIFFERING, DOT };

#define SIDE 4 /* rows of each side that a block of sums covers */

/* A sum of squares between these bounds neither overflowed nor lost what vanished. */
#define SQUARES_SAFE(x) ((x) > 0x1p-900 && (x) < 0x1p900)

static inline double added(const double *s) {
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

static inline double largest(const double *s) {
    double most = 0;
    for (int l = 0; l < LANES; l++) most = s[l] > most ? s[l] : most;
    return most;
}

/* The length of a difference whose squares left float64: scaled by its largest magnitude first. */
static double scaled_length(const double *a, const double *b, int64_t dim) {
    double most = 0, sums[LANES] = {0};
    for (int64_t i = 0; i < dim; i++) {
        double d = fabs(a[i] - b[i]);
        most = d > most ? d : most;
    }
    if (most == 0 || isinf(most)) return most;
    for (int64_t i = 0; i < dim; i++) {
        double d = (a[i] - b[i]) / most;
        sums[i % LANES] += d * d;
    }
    return most * sqrt(added(sums));
}

#define STEP_MANHATTAN(s, x, y) s += (lanes)((bits)((x) - (y)) & rest)
#define STEP_SQUARED(s, x, y) \
    do { \
        lanes d = (x) - (y); \
        s += d * d; \
    } while (0)
#define STEP_DIFFERING(s, x, y) s += (lanes)((bits)((x) != (y)) & one)
#define STEP_CHEBYSHEV(s, x, y) \
    do { \
        lanes d = (lanes)((bits)((x) - (y)) & rest); \
        bits more = d > s; \
        s = (lanes)(((bits)d & more) | ((bits)s & ~more)); \
    } while (0)

/* A block of SIDE x SIDE pairs, `a` and `b` rows apart by `dim`; rows beyond the last are the last once more. */
#define BLOCK(NAME, STEP, FINISH) \
    static inline __attribute__((always_inline)) void NAME(const double *const *a, const double *const *b, int64_t dim, \
                                                           double made[SIDE][SIDE]) { \
        const bits rest = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}; \
        const bits one = (bits)(lanes){1, 1, 1, 1, 1, 1, 1, 1}; \
        lanes sums[SIDE][SIDE] = {{{0}}}; \
        double tails[2][SIDE][LANES] = {{{0}}}; \
        (void)rest, (void)one; \
        int64_t whole = dim - dim % LANES; \
        for (int64_t k = 0; k < whole; k += LANES) { \
            lanes x[SIDE], y[SIDE]; \
            for (int i = 0; i < SIDE; i++) x[i] = *(const lanes *)(a[i] + k), y[i] = *(const lanes *)(b[i] + k); \
            for (int i = 0; i < SIDE; i++) \
                for (int j = 0; j < SIDE; j++) STEP(sums[i][j], x[i], y[j]); \
        } \
        if (whole < dim) { \
            for (int i = 0; i < SIDE; i++) { \
                memcpy(tails[0][i], a[i] + whole, (size_t)(dim - whole) * sizeof(double)); \
                memcpy(tails[1][i], b[i] + whole, (size_t)(dim - whole) * sizeof(double)); \
            } \
            for (int i = 0; i < SIDE; i++) \
                for (int j = 0; j < SIDE; j++) \
                    STEP(sums[i][j], *(const lanes *)tails[0][i], *(const lanes *)tails[1][j]); \
        } \
        for (int i = 0; i < SIDE; i++) \
            for (int j = 0; j < SIDE; j++) made[i][j] = FINISH((const double *)&sums[i][j]); \
    }

BLOCK(block_manhattan, STEP_MANHATTAN, added)
BLOCK(block_squared, STEP_SQUARED, added)
BLOCK(block_chebyshev, STEP_CHEBYSHEV, largest)
BLOCK(block_differing, STEP_DIFFERING, added)

#define ALL_PAIRS(NAME, BLOCK_OF) \
    WIDE static void NAME(const double *a, int64_t rows_a, const double *b, int64_t rows_b, int64_t dim, double *out, \
                          int64_t stride, int64_t tile) { \
        for (int64_t first = 0; first < rows_b; first += tile) { \
            int64_t end = rows_b - first < tile ? rows_b : first + tile; \
            for (int64_t i = 0; i < rows_a; i += SIDE) \
                for (int64_t j = first; j < end; j += SIDE) { \
                    const double *x[SIDE], *y[SIDE]; \
                    double made[SIDE][SIDE]; \
                    for (int s = 0; s < SIDE; s++) { \
                        x[s] = a + dim * (i + s < rows_a ? i + s : rows_a - 1); \
                        y[s] = b + dim * (j + s < end ? j + s : end - 1); \
                    } \
                    BLOCK_OF(x, y, dim, made); \
                    for (int s = 0; s < SIDE && i + s < rows_a; s++) \
                        for (int t = 0; t < SIDE && j + t < end; t++) out[(i + s) * stride + j + t] = made[s][t]; \
                } \
        } \
    }

ALL_PAIRS(all_manhattan, block_manhattan)
ALL_PAIRS(all_squared, block_squared)
ALL_PAIRS(all_chebyshev, block_chebyshev)
ALL_PAIRS(all_differing, block_differing)

/* Distances of all rows of `a` to all rows of `b`, into rows of `out` that are `stride` apart. */
int64_t vecwise_distances(const double *a, int64_t rows_a, const double *b, int64_t rows_b, int64_t dim, int64_t kind,
                          double *out, int64_t stride) {
    if (rows_a < 0 || rows_b < 0 || dim < 1 || stride < rows_b) return BAD_INPUT;
    if (!rows_a || !rows_b) return 0;
    int64_t tile = (INT64_C(1) << 16) / dim; /* half a megabyte of `b` stays in the cache */
    tile = tile < 16 ? 16 : tile - tile % SIDE;
    switch (kind) {
    case MANHATTAN: all_manhattan(a, rows_a, b, rows_b, dim, out, stride, tile); break;
    case CHEBYSHEV: all_chebyshev(a, rows_a, b, rows_b, dim, out, stride, tile); break;
    case DIFFERING: all_differing(a, rows_a, b, rows_b, dim, out, stride, tile); break;
    case SQUARED:
    case EUCLIDEAN: all_squared(a, rows_a, b, rows_b, dim, out, stride, tile); break;
    default: return BAD_INPUT;
    }
    if (kind == EUCLIDEAN)
        for (int64_t i = 0; i < rows_a; i++)
            for (int64_t j = 0; j < rows_b; j++) {
                double *made = out + i * stride + j;
                *made = SQUARES_SAFE(*made) ? sqrt(*made) : scaled_length(a + i * dim, b + j * dim, dim);
            }
    return 0;
}

/* ---- sparse rows ---- */

/* One pair of rows whose columns ascend: what they have in common or apart, in the sums that dense rows would have. */
static double merged(const double *x, const int32_t *at, int64_t size, const double *y, const int32_t *also, int64_t other,
                     int64_t kind, double scale) {
    double most = 0, sums[LANES] = {0};
    for (int64_t i = 0, j = 0; i < size || j < other;) {
        int32_t u = i < size ? at[i] : INT32_MAX, v = j < other ? also[j] : INT32_MAX;
        double left = u <= v ? x[i] : 0, right = v <= u ? y[j] : 0, d = (left - right) / scale;
        double *made = sums + ((u <= v ? u : v) & (LANES - 1));
        i += u <= v, j += v <= u;
        switch (kind) {
        case MANHATTAN: *made += fabs(d); break;
        case CHEBYSHEV: most = fabs(d) > most ? fabs(d) : most; break;
        case DIFFERING: *made += left != right; break;
        case DOT: *made += left * right; break;
        default: *made += d * d;
        }
    }
    return kind == CHEBYSHEV ? most : added(sums);
}

typedef struct {
    const double *data;
    const int32_t *columns;
    const int64_t *starts;
} Sparse;

static double sparse_pair(Sparse a, int64_t i, Sparse b, int64_t j, int64_t kind) {
    const double *x = a.data + a.starts[i], *y = b.data + b.starts[j];
    const int32_t *at = a.columns + a.starts[i], *also = b.columns + b.starts[j];
    int64_t size = a.starts[i + 1] - a.starts[i], other = b.starts[j + 1] - b.starts[j];
    double made = merged(x, at, size, y, also, other, kind, 1);
    if (kind != EUCLIDEAN) return made;
    if (SQUARES_SAFE(made)) return sqrt(made);
    double most = merged(x, at, size, y, also, other, CHEBYSHEV, 1);
    return most == 0 || isinf(most) ? most : most * sqrt(merged(x, at, size, y, also, other, SQUARED, most));
}

/* Scores of all pairs of CSR rows into rows of `out` that are `stride` apart, or of listed pairs if `left` is not NULL:
   then `rows_a` is their number. Offsets and columns were checked by the caller. */
int64_t vecwise_sparse(const double *data_a, const int32_t *columns_a, const int64_t *starts_a, int64_t rows_a,
                       const double *data_b, const int32_t *columns_b, const int64_t *starts_b, int64_t rows_b,
                       int64_t kind, const int32_t *left, const int32_t *right, double *out, int64_t stride) {
    Sparse a = {data_a, columns_a, starts_a}, b = {data_b, columns_b, starts_b};
    if (kind < MANHATTAN || kind > DOT) return BAD_INPUT;
    for (int64_t i = 0; i < rows_a; i++)
        if (left)
            out[i] = sparse_pair(a, left[i], b, right[i], kind);
        else
            for (int64_t j = 0; j < rows_b; j++) out[i * stride + j] = sparse_pair(a, i, b, j, kind);
    return 0;
}

/* ---- tiles of scores ---- */

/* Bring cosines into [-1, 1] and those within `rounding` of an end onto it; NaN stays. Rows are `stride` apart. */
WIDE int64_t vecwise_clip(double *scores, int64_t rows, int64_t columns, int64_t stride, double rounding) {
    double high = 1 - rounding, low = rounding - 1;
    for (int64_t i = 0; i < rows; i++) {
        double *row = scores + i * stride;
        for (int64_t j = 0; j < columns; j++) {
            double x = row[j];
            x = x >= high ? 1 : x;
            row[j] = x <= low ? -1 : x;
        }
    }
    return 0;
}

#define STRETCH 64 /* scores that one question is asked of */
#define SIGNS ((int64_t)UINT64_C(0x8000000080000000)) /* of two float32 side by side */

/* Which scores of a tile reach the sum of their row's and their column's bound: their places, row by row, into `left`
   and `right`, which hold `room`. With `above`, only columns behind the row's own number plus `offset`. Gives how many. */
WIDE int64_t vecwise_reaching(const float *scores, int64_t rows, int64_t columns, int64_t stride, const float *of_row,
                              const float *of_column, int64_t above, int64_t offset, int32_t *left, int32_t *right,
                              int64_t room) {
    int64_t made = 0;
    for (int64_t i = 0; i < rows; i++) {
        const float *row = scores + i * stride;
        float least = of_row[i];
        int64_t from = above && i + offset + 1 > 0 ? i + offset + 1 : 0;
        for (int64_t start = from; start < columns; start += STRETCH) {
            int64_t stop = columns - start < STRETCH ? columns : start + STRETCH;
            if (stop - start == STRETCH) {
                bits below = {-1, -1, -1, -1, -1, -1, -1, -1}; /* the sign of a difference never lies */
                for (int j = 0; j < STRETCH; j += 2 * LANES)
                    below &= (bits)(*(const singles *)(row + start + j) - (least + *(const singles *)(of_column + start + j)));
                int64_t all = below[0] & below[1] & below[2] & below[3] & below[4] & below[5] & below[6] & below[7];
                if ((all & SIGNS) == SIGNS) continue;
            }
            for (int64_t j = start; j < stop; j++)
                if (row[j] >= least + of_column[j]) {
                    if (made == room) return NO_ROOM;
                    left[made] = (int32_t)i, right[made++] = (int32_t)j;
                }
        }
    }
    return made;
}

/* The same of products of CSR rows of `a` with columns that stand as CSR rows of `b`, one for each dimension; `sums` has
   room for all columns. Offsets and columns were checked by the caller. */
WIDE int64_t vecwise_reaching_sparse(const double *data_a, const int32_t *dims_a, const int64_t *starts_a, int64_t rows,
                                     const double *data_b, const int32_t *columns_b, const int64_t *starts_b,
                                     int64_t columns, const double *of_row, const double *of_column, int64_t above,
                                     int64_t offset, double *sums, int32_t *left, int32_t *right, int64_t room) {
    int64_t made = 0;
    for (int64_t i = 0; i < rows; i++) {
        int64_t from = above && i + offset + 1 > 0 ? i + offset + 1 : 0;
        if (from >= columns) break;
        memset(sums, 0, (size_t)columns * sizeof *sums);
        for (int64_t c = starts_a[i]; c < starts_a[i + 1]; c++) {
            double x = data_a[c];
            for (int64_t d = starts_b[dims_a[c]]; d < starts_b[dims_a[c] + 1]; d++) sums[columns_b[d]] += x * data_b[d];
        }
        for (int64_t start = from; start < columns; start += STRETCH / 4) {
            int64_t stop = columns - start < STRETCH / 4 ? columns : start + STRETCH / 4, any = 0;
            for (int64_t j = start; j < stop; j++) any |= sums[j] >= of_row[i] + of_column[j];
            for (int64_t j = start; any && j < stop; j++)
                if (sums[j] >= of_row[i] + of_column[j]) {
                    if (made == room) return NO_ROOM;
                    left[made] = (int32_t)i, right[made++] = (int32_t)j;
                }
        }
    }
    return made;
}
