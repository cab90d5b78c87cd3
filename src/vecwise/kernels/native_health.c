/* One pass over rows of float32 or float64 that tells what `health` needs to know: of every row its norms, its distance from a
   center and a digest, of every dimension sums, extremes and a digest. Keeps nothing.

   It must not know Python: arrays come with their sizes, answers go into arrays of the caller. `native_health.py` is the only
   caller, and `survey.py` says the same in NumPy. */

#include "native.h"

#include <math.h>

#define LANES 16     /* cells whose sums are kept apart, so that every width of registers gives the same bits */
#define TOGETHER 4   /* rows that dimensions are summed over at a time, while they are in the nearest cache */
#define SAFE 1e-280  /* below it squares have lost digits, and above its inverse they overflow */

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
    double *sum, *squares;          /* of every dimension: differences from the center, and their squares */
    double *units;                  /* rows divided by their length */
    double *low, *high;
    uint32_t *hashes;
} Survey;

/* A round of xxHash: a change of one word changes the hash for good. */
static inline uint32_t rounded(uint32_t hash, uint32_t word) {
    hash += word * SECOND;
    return (hash << 13 | hash >> 19) * FIRST;
}

static void digest(const uint32_t *hash, uint64_t *made) {
    uint64_t first = LONG_FIRST, second = LONG_SECOND;
    for (int k = 0; k < LANES; k += 2) {
        uint64_t x = (uint64_t)hash[k + 1] << 32 | hash[k];
        first = (first ^ x) * LONG_SECOND, first ^= first >> 29;
        second = (second + x) * LONG_FIRST, second ^= second >> 32;
    }
    made[0] = first, made[1] = second;
}

static double total(const double *lanes) {
    double half[LANES / 2];
    for (int k = 0; k < LANES / 2; k++) half[k] = lanes[k] + lanes[k + LANES / 2];
    return ((half[0] + half[4]) + (half[2] + half[6])) + ((half[1] + half[5]) + (half[3] + half[7]));
}

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
   distance of every row, `dims_told` five sums of every dimension, in the order of `Survey`; the latter and `hashes` are
   added to what they hold. */
int64_t vecwise_survey(const void *values, int wide, int64_t rows, int64_t dim, const double *center, const double *weights,
                       double *rows_told, uint64_t *digests, uint8_t *bad, double *dims_told, uint32_t *hashes) {
    if (rows < 0 || dim < 1) return BAD_INPUT;
    Survey told = {center, weights, rows_told, rows_told + rows, rows_told + 2 * rows, digests, bad, dims_told,
                   dims_told + dim, dims_told + 2 * dim, dims_told + 3 * dim, dims_told + 4 * dim, hashes};
    return wide ? survey_double(values, rows, dim, &told) : survey_single(values, rows, dim, &told);
}
