/* One pass over rows of float32 or float64 that tells what `health` needs to know: of every row its norms, its distance from a
   center and a digest, of every dimension sums, extremes and a digest. Keeps nothing.

   It must not know Python: arrays come with their sizes, answers go into arrays of the caller. `native_health.py` is the only
   caller, and `survey.py` says the same in NumPy. */

#include "native.h"

#include <math.h>

#define LANES 16     /* cells whose sums are kept apart, so that every width of registers gives the same bits */
#define TOGETHER 4   /* rows that dimensions are summed over at a time, while they are in the nearest cache */
#define SAFE 1e-280  /* below it squares have lost digits, and above its inverse they overflow */

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)0)
#endif
#define AHEAD 4096 /* bytes */

/* Large odd numbers without a pattern, those of xxHash. */
#define FIRST 2654435761u
#define SECOND 2246822519u
#define LONG_FIRST UINT64_C(11400714785074694791)
#define LONG_SECOND UINT64_C(14029467366897019727)

typedef struct {
    const double *center, *weights; /* distances are of weighted differences from the center */
    double *l1, *l2, *far;          /* of every row */
    uint64_t *digests;              /* two of every row */
    uint8_t *bad;                   /* whether a row holds NaN or infinity: it is left out of what dimensions are told */
    double *sum, *squares, *units;  /* of every dimension: differences from the center, their squares, rows at length 1 */
    void *edges;                    /* the smallest cells, then the largest */
    uint32_t *hashes;
    int64_t *filled;                /* cells that are not zero, by lane */
} Survey;

/* A round of xxHash: a change of one word changes the hash for good. */
static inline uint32_t rounded(uint32_t hash, uint32_t word) {
    hash += word * SECOND;
    return (hash << 13 | hash >> 19) * FIRST;
}

/* Sixteen hashes as two numbers, each of which depends on all of them. */
static inline void digest(const uint32_t *hash, uint64_t *made) {
    uint32_t half[LANES / 2], four[LANES / 4];
    for (int k = 0; k < LANES / 2; k++) half[k] = rounded(hash[k], hash[k + LANES / 2]);
    for (int k = 0; k < LANES / 4; k++) four[k] = rounded(half[k], half[k + LANES / 4]);
    uint64_t x = (uint64_t)four[1] << 32 | four[0], y = (uint64_t)four[3] << 32 | four[2];
    x ^= x >> 31, y ^= y >> 31;
    made[0] = x * LONG_FIRST + y * LONG_SECOND;
    made[1] = x * LONG_SECOND - y * LONG_FIRST;
    made[0] ^= made[0] >> 32, made[1] ^= made[1] >> 29;
}

static inline double total(const double *lanes) {
    double half[LANES / 2];
    for (int k = 0; k < LANES / 2; k++) half[k] = lanes[k] + lanes[k + LANES / 2];
    return ((half[0] + half[4]) + (half[2] + half[6])) + ((half[1] + half[5]) + (half[3] + half[7]));
}

#define SMALLER(a, b) ((a) < (b) ? (a) : (b))
#define LARGER(a, b) ((a) > (b) ? (a) : (b))

#define CELL float
#define BITS uint32_t
#define NAMED(name) name##_single
#define MIXED(hash, bits) rounded(hash, bits)
#define FOLDED(bits) (bits ^ bits >> 16)
#include "native_health.h"
#undef CELL
#undef BITS
#undef NAMED
#undef MIXED
#undef FOLDED

#define CELL double
#define BITS uint64_t
#define NAMED(name) name##_double
#define MIXED(hash, bits) rounded(rounded(hash, (uint32_t)(bits)), (uint32_t)(bits >> 32))
#define FOLDED(bits) ((uint32_t)(bits ^ bits >> 32 ^ bits >> 48))
#include "native_health.h"

/* Survey rows of `dim` cells, of float64 where `wide`; gives how many cells are not zero. `rows_told` holds l1, l2 and
   distance of every row, `dims_told` three sums of every dimension, `edges` its smallest and largest cell, all in the order
   of `Survey`; what is told of dimensions is added to what is there. */
int64_t vecwise_survey(const void *values, int wide, int64_t rows, int64_t dim, const double *center, const double *weights,
                       double *rows_told, uint64_t *digests, uint8_t *bad, double *dims_told, void *edges, uint32_t *hashes) {
    int64_t filled[LANES] = {0}, count = 0;
    if (rows < 0 || dim < 1) return BAD_INPUT;
    Survey told = {center, weights, rows_told, rows_told + rows, rows_told + 2 * rows, digests, bad, dims_told,
                   dims_told + dim, dims_told + 2 * dim, edges, hashes, filled};
    if (wide)
        survey_double(values, rows, dim, &told);
    else
        survey_single(values, rows, dim, &told);
    for (int k = 0; k < LANES; k++) count += filled[k];
    return count;
}
