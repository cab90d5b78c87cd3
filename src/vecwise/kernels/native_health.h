/* The survey of rows of one type of cells, CELL, whose bits are BITS: included by `native_health.c` once for each type. It must
   not know more than that file. */

static inline BITS NAMED(bits_of)(CELL x) {
    BITS bits;
    x += (CELL)0; /* -0.0 becomes 0.0 */
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* A row's own numbers. What is missing in the last sixteen cells counts as zeros, and is read apart: sums stay in registers
   only where nothing else happens between them. Rows are asked for a page ahead: no processor looks so far by itself. */
WIDE static void NAMED(read_row)(const CELL *row, int64_t dim, const double *center, const double *weights,
                                 const Survey *told, int64_t place) {
    double l1[LANES] = {0}, l2[LANES] = {0}, far[LANES] = {0};
    uint32_t hash[LANES] = {0}, filled[LANES] = {0};
    int64_t j = 0;
    CELL rest[LANES] = {0};
#define READ(cells)                                                    \
    for (int k = 0; k < LANES; k++) {                                  \
        double x = cells[k], d = (x - center[j + k]) * weights[j + k]; \
        BITS bits = NAMED(bits_of)(cells[k]);                          \
        l1[k] += fabs(x);                                              \
        l2[k] += x * x;                                                \
        far[k] += d * d;                                               \
        hash[k] = MIXED(hash[k], bits);                                \
        filled[k] += (uint32_t)(bits < 1 ? bits : 1);                  \
    }
    for (; j + LANES <= dim; j += LANES) {
        for (int ahead = 0; ahead < LANES * (int)sizeof(CELL); ahead += 64) PREFETCH((const char *)(row + j) + AHEAD + ahead);
        READ((row + j))
    }
    if (j < dim) {
        memcpy(rest, row + j, (size_t)(dim - j) * sizeof *row);
        READ(rest)
    }
#undef READ
    for (int k = 0; k < LANES; k++) told->filled[k] += filled[k];
    told->l1[place] = total(l1);
    told->l2[place] = total(l2);
    told->far[place] = sqrt(total(far));
    digest(hash, told->digests + 2 * place);
}

/* The length of a row, and what its cells are multiplied by, one number after the other, to give it length 1. A row of
   unusual size is brought to a usual one by a power of two first, which loses nothing; 1 tells of such a row. */
static int NAMED(settle_row)(const CELL *row, int64_t dim, const Survey *told, int64_t place, double *scales) {
    double largest = 0, sum = 0, squares = told->l2[place];
    int finite = 1, exponent = 0;
    if (!isfinite(told->l1[place]))
        for (int64_t j = 0; j < dim; j++) finite &= isfinite(row[j]) != 0;
    told->bad[place] = (uint8_t)!finite;
    told->l2[place] = sqrt(squares);
    scales[0] = squares > 0 ? 1 / told->l2[place] : 0;
    scales[1] = 1;
    if (!finite || (squares > SAFE && squares < 1 / SAFE)) return 0;
    for (int64_t j = 0; j < dim; j++) largest = fabs(row[j]) > largest ? fabs(row[j]) : largest;
    if (!(largest > 0)) return 0;
    frexp(largest, &exponent);
    scales[0] = ldexp(1, exponent < -1000 ? 1000 : -exponent);
    for (int64_t j = 0; j < dim; j++) sum += row[j] * scales[0] * (row[j] * scales[0]);
    told->l2[place] = sqrt(sum) / scales[0];
    scales[1] = 1 / sqrt(sum);
    return 1;
}

/* Rows by dimensions, four at a time or one. */
WIDE static void NAMED(read_four)(const CELL *restrict a, const CELL *restrict b, const CELL *restrict c,
                                  const CELL *restrict d, int64_t dim, const double *scales, const uint32_t *keys,
                                  const double *restrict center, double *restrict sum, double *restrict squares,
                                  double *restrict units, CELL *restrict low, CELL *restrict high,
                                  uint32_t *restrict hashes) {
    const double s = scales[0], t = scales[1], u = scales[2], v = scales[3];
    const uint32_t p = keys[0], q = keys[1], r = keys[2], o = keys[3];
    for (int64_t j = 0; j < dim; j++) {
        double w = a[j], x = b[j], y = c[j], z = d[j];
        double e = w - center[j], f = x - center[j], g = y - center[j], h = z - center[j];
        BITS k = NAMED(bits_of)(a[j]), l = NAMED(bits_of)(b[j]), m = NAMED(bits_of)(c[j]), n = NAMED(bits_of)(d[j]);
        sum[j] += (e + f) + (g + h);
        squares[j] += (e * e + f * f) + (g * g + h * h);
        units[j] += (w * s + x * t) + (y * u + z * v);
        CELL least = SMALLER(SMALLER(a[j], b[j]), SMALLER(c[j], d[j])), most = LARGER(LARGER(a[j], b[j]), LARGER(c[j], d[j]));
        low[j] = SMALLER(least, low[j]);
        high[j] = LARGER(most, high[j]);
        hashes[j] += FOLDED(k) * p + FOLDED(l) * q + FOLDED(m) * r + FOLDED(n) * o;
    }
}

static void NAMED(read_one)(const CELL *row, int64_t dim, const double *scales, uint32_t key, const Survey *told) {
    CELL *low = told->edges, *high = low + dim;
    for (int64_t j = 0; j < dim; j++) {
        double x = row[j], d = x - told->center[j];
        BITS bits = NAMED(bits_of)(row[j]);
        told->sum[j] += d;
        told->squares[j] += d * d;
        told->units[j] += x * scales[0] * scales[1];
        low[j] = SMALLER(row[j], low[j]);
        high[j] = LARGER(row[j], high[j]);
        told->hashes[j] += FOLDED(bits) * key;
    }
}

static void NAMED(survey)(const CELL *values, int64_t rows, int64_t dim, const Survey *told) {
    const CELL *waiting[TOGETHER];
    double scales[TOGETHER], own[2];
    uint32_t keys[TOGETHER];
    int64_t count = 0;
    for (int64_t i = 0; i < rows; i++) {
        const CELL *row = values + i * dim;
        const uint32_t key = ((uint32_t)i * FIRST ^ SECOND) | 1;
        NAMED(read_row)(row, dim, told->center, told->weights, told, i);
        int unusual = NAMED(settle_row)(row, dim, told, i, own);
        if (told->bad[i]) continue;
        if (unusual) {
            NAMED(read_one)(row, dim, own, key, told);
            continue;
        }
        waiting[count] = row, scales[count] = own[0], keys[count] = key;
        if (++count < TOGETHER) continue;
        NAMED(read_four)(waiting[0], waiting[1], waiting[2], waiting[3], dim, scales, keys, told->center, told->sum,
                         told->squares, told->units, told->edges, (CELL *)told->edges + dim, told->hashes);
        count = 0;
    }
    own[1] = 1;
    for (int64_t k = 0; k < count; k++) {
        own[0] = scales[k];
        NAMED(read_one)(waiting[k], dim, own, keys[k], told);
    }
}
