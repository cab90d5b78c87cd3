/* Numbered words: rows of them counted and weighed, lists of them brought in order. Keeps nothing.

   It must not know Python, nor how words were found: arrays come with their sizes, answers go into arrays of the caller,
   and a negative answer is an error. `native_counts.py` is the only caller; `tokens.py`, `bags.py` and `wordlists.py` say the
   same in NumPy. */

#include "native.h"

#include <math.h>

/* Up to `width` columns without sorting: how many are smaller is a column's place, how many are equal its count. Places
   from `size` on hold a column beyond all others. */
static inline int64_t rank_row(const int32_t *columns, const int32_t *signs, int64_t size, int width, int32_t *indices,
                               double *data) {
    int32_t smaller[32] = {0}, equal[32] = {0}, sums[32] = {0}, sorted[32], steps[32], counts[32];
    for (int64_t j = 0; j < size; j++) {
        int32_t column = columns[j];
        for (int i = 0; i < width; i++) {
            smaller[i] += column < columns[i];
            equal[i] += column == columns[i];
        }
    }
    for (int64_t i = 0; signs && i < size; i++)
        for (int64_t j = 0; j < size; j++) sums[i] += columns[i] == columns[j] ? signs[j] : 0;
    for (int64_t i = 0; i < size; i++) {
        sorted[smaller[i]] = columns[i];
        steps[smaller[i]] = equal[i];
        counts[smaller[i]] = signs ? sums[i] : equal[i];
    }
    int64_t made = 0;
    for (int64_t i = 0; i < size; i += steps[i], made++) {
        indices[made] = sorted[i];
        data[made] = counts[i];
    }
    return made;
}

/* Sort numbers: runs of 16 by insertion, then merged; `spare` is as long. */
static void sort_numbers(uint32_t *from, uint32_t *spare, int64_t size) {
    for (int64_t start = 0; start < size; start += 16) {
        int64_t stop = size - start < 16 ? size : start + 16;
        for (int64_t i = start + 1; i < stop; i++) {
            uint32_t x = from[i];
            int64_t j = i;
            for (; j > start && from[j - 1] > x; j--) from[j] = from[j - 1];
            from[j] = x;
        }
    }
    uint32_t *to = spare;
    for (int64_t run = 16; run < size; run *= 2) {
        for (int64_t start = 0; start < size; start += 2 * run) {
            int64_t middle = size - start < run ? size : start + run;
            int64_t stop = size - middle < run ? size : middle + run, a = start, b = middle;
            for (int64_t i = start; i < stop; i++) to[i] = a < middle && (b == stop || from[a] <= from[b]) ? from[a++] : from[b++];
        }
        uint32_t *swapped = from;
        from = to, to = swapped;
    }
    if (from == spare) memcpy(to, from, (size_t)size * sizeof *to);
}

/* A row of any length; the lowest bit of a code is its sign. */
static int64_t sort_row(uint32_t *codes, uint32_t *spare, int64_t size, int32_t *indices, double *data) {
    int64_t made = 0;
    sort_numbers(codes, spare, size);
    for (int64_t i = 0; i < size; made++) {
        uint32_t column = codes[i] >> 1;
        double sum = 0;
        for (; i < size && codes[i] >> 1 == column; i++) sum += codes[i] & 1 ? -1 : 1;
        indices[made] = (int32_t)column;
        data[made] = sum;
    }
    return made;
}

/* Count rows of numbers below `words`: number i into `columns[i]` (-1: left out), as -1 where `negative[i]`. Cells go one
   behind the other into `indices` and `data`, which hold as many as there are numbers; `lengths` gets those of a row. */
int64_t vecwise_count(const int32_t *ids, const int64_t *ends, int64_t rows, const int32_t *columns,
                      const uint8_t *negative, int64_t words, int32_t *indices, double *data, int64_t *lengths) {
    uint32_t *codes = NULL;
    int64_t room = 0, made = 0;
    for (int64_t row = 0; row < rows; row++) {
        int64_t size = 0, most = ends[row + 1] - ends[row];
        const int32_t *own = ids + ends[row];
        int32_t few[32], signs[32];
        if (most > 32 && 2 * most > room) {
            free(codes);
            room = 3 * most;
            codes = room < INT64_MAX / 16 ? malloc((size_t)room * sizeof *codes) : NULL;
            if (!codes) return NO_MEMORY;
        }
        for (int64_t i = 0; i < most; i++) {
            if (own[i] < 0 || own[i] >= words) {
                free(codes);
                return BAD_INPUT;
            }
            int32_t column = columns[own[i]], minus = negative ? negative[own[i]] != 0 : 0;
            if (column < 0) continue;
            if (most > 32)
                codes[size++] = (uint32_t)column << 1 | (uint32_t)minus;
            else
                few[size] = column, signs[size++] = 1 - 2 * minus;
        }
        const int32_t *signed_ = negative ? signs : NULL;
        if (most <= 32)
            for (int64_t i = size; i < 32; i++) few[i] = INT32_MAX;
        if (most > 32)
            lengths[row] = sort_row(codes, codes + most, size, indices + made, data + made);
        else if (size <= 8)
            lengths[row] = rank_row(few, signed_, size, 8, indices + made, data + made);
        else if (size <= 16)
            lengths[row] = rank_row(few, signed_, size, 16, indices + made, data + made);
        else
            lengths[row] = rank_row(few, signed_, size, 32, indices + made, data + made);
        made += lengths[row];
    }
    free(codes);
    return made;
}

/* How many cells each of `width` columns has. */
int64_t vecwise_cells(const int32_t *indices, int64_t cells, int64_t *counts, int64_t width) {
    for (int64_t i = 0; i < cells; i++) {
        if (indices[i] < 0 || indices[i] >= width) return BAD_INPUT;
        counts[indices[i]]++;
    }
    return cells;
}

/* Multiply the cells of rows by the weights of their columns, then divide each row by its L2 norm; a row's squares are
   added one after the other. `starts` are offsets into `indices` and `data`. */
void vecwise_weigh(double *data, const int32_t *indices, const int32_t *starts, int64_t rows, const double *weights) {
    for (int64_t row = 0; row < rows; row++) {
        double sum = 0;
        for (int32_t i = starts[row]; i < starts[row + 1]; i++) {
            data[i] *= weights[indices[i]];
            sum += data[i] * data[i];
        }
        double norm = sqrt(sum);
        for (int32_t i = starts[row]; i < starts[row + 1]; i++) data[i] /= norm;
    }
}

/* ---- the order of words ---- */

typedef struct {
    uint64_t head; /* the first eight bytes, the first the highest */
    int64_t place;
} Head;

static inline int compare(const uint8_t *a, int64_t long_a, const uint8_t *b, int64_t long_b) {
    int64_t both = long_a < long_b ? long_a : long_b;
    int order = both ? memcmp(a, b, (size_t)both) : 0;
    return order ? order : (long_a > long_b) - (long_a < long_b);
}

static int compare_places(const uint8_t *text, const int64_t *offsets, int64_t a, int64_t b) {
    return compare(text + offsets[a], offsets[a + 1] - offsets[a], text + offsets[b], offsets[b + 1] - offsets[b]);
}

/* The first eight bytes of a word, the first the highest. */
static inline uint64_t head_of(const uint8_t *text, const int64_t *offsets, int64_t words, int64_t i) {
    int64_t size = offsets[i + 1] - offsets[i];
    return size ? __builtin_bswap64(load(text + offsets[i], size, offsets[words] - offsets[i])) : 0;
}

/* Sort words of one head by all their bytes, stably: by merging, so that no input is slow. */
static void sort_equal_heads(const uint8_t *text, const int64_t *offsets, Head *from, Head *spare, int64_t size) {
    for (int64_t run = 1; run < size; run *= 2) {
        for (int64_t start = 0; start < size; start += 2 * run) {
            int64_t middle = size - start < run ? size : start + run;
            int64_t stop = size - middle < run ? size : middle + run, a = start, b = middle;
            for (int64_t i = start; i < stop; i++) {
                int left = a < middle && (b == stop || compare_places(text, offsets, from[a].place, from[b].place) <= 0);
                spare[i] = left ? from[a++] : from[b++];
            }
        }
        memcpy(from, spare, (size_t)size * sizeof *from);
    }
}

/* The places of words in the order of their bytes. */
int64_t vecwise_sort(const uint8_t *text, const int64_t *offsets, int64_t words, int64_t *order) {
    if (words < 1) return 0;
    if (words > INT64_MAX / 64) return NO_MEMORY;
    Head *heads = malloc(2 * (size_t)words * sizeof *heads), *to = heads + words, *from = heads;
    if (!heads) return NO_MEMORY;
    for (int64_t i = 0; i < words; i++) heads[i] = (Head){head_of(text, offsets, words, i), i};
    for (int shift = 0; shift < 64; shift += 11) { /* by eleven bits at a time, the lowest first */
        int64_t counts[2048] = {0}, total = 0;
        for (int64_t i = 0; i < words; i++) counts[from[i].head >> shift & 2047]++;
        for (int i = 0; i < 2048; i++) total += counts[i], counts[i] = total - counts[i];
        for (int64_t i = 0; i < words; i++) to[counts[from[i].head >> shift & 2047]++] = from[i];
        Head *swapped = from;
        from = to, to = swapped;
    }
    for (int64_t start = 0, stop; start < words; start = stop) {
        for (stop = start + 1; stop < words && from[stop].head == from[start].head; stop++) continue;
        if (stop - start > 1) sort_equal_heads(text, offsets, from + start, to + start, stop - start);
    }
    for (int64_t i = 0; i < words; i++) order[i] = from[i].place;
    free(heads);
    return 0;
}

/* Whether words stand in the order of their bytes, none twice. */
int64_t vecwise_in_order(const uint8_t *text, const int64_t *offsets, int64_t words) {
    for (int64_t i = 1; i < words; i++)
        if (compare_places(text, offsets, i - 1, i) >= 0) return 0;
    return 1;
}

/* Copy words with a line feed between them; 0 if a word holds one itself. `made` has a byte more for each word. */
int64_t vecwise_lines(const uint8_t *text, const int64_t *offsets, int64_t words, uint8_t *made) {
    if (offsets[words] && memchr(text, '\n', (size_t)offsets[words])) return 0;
    for (int64_t i = 0; i < words; i++) {
        int64_t size = offsets[i + 1] - offsets[i];
        if (offsets[words] - offsets[i] >= 8 && size <= 8)
            memcpy(made, text + offsets[i], 8); /* `made` is longer than what is left of `text` */
        else if (size)
            memcpy(made, text + offsets[i], (size_t)size);
        made[size] = '\n';
        made += size + 1;
    }
    return 1;
}

/* Join two lists of distinct words in order into a third, which has room for both: its words, and where each word of
   the first (`ours`) and of the second (`theirs`) stands in it. Gives the number of its words. */
int64_t vecwise_merge(const uint8_t *text_a, const int64_t *a, int64_t words_a, const uint8_t *text_b, const int64_t *b,
                      int64_t words_b, uint8_t *text, int64_t *offsets, int32_t *ours, int32_t *theirs) {
    int64_t i = 0, j = 0, made = 0;
    if (words_a > INT32_MAX - words_b) return NO_ROOM;
    uint64_t head_a = words_a ? head_of(text_a, a, words_a, 0) : 0, head_b = words_b ? head_of(text_b, b, words_b, 0) : 0;
    for (offsets[0] = 0; i < words_a || j < words_b; made++) {
        int order = i == words_a ? 1 : j == words_b ? -1 : (head_a > head_b) - (head_a < head_b);
        if (!order) order = compare(text_a + a[i], a[i + 1] - a[i], text_b + b[j], b[j + 1] - b[j]);
        const uint8_t *from = order <= 0 ? text_a + a[i] : text_b + b[j];
        int64_t size = order <= 0 ? a[i + 1] - a[i] : b[j + 1] - b[j];
        if (size) memcpy(text + offsets[made], from, (size_t)size);
        offsets[made + 1] = offsets[made] + size;
        if (order <= 0) {
            ours[i++] = (int32_t)made;
            if (i < words_a) head_a = head_of(text_a, a, words_a, i);
        }
        if (order >= 0) {
            theirs[j++] = (int32_t)made;
            if (j < words_b) head_b = head_of(text_b, b, words_b, j);
        }
    }
    return made;
}

/* Copy all words in another order, a permutation. */
void vecwise_arrange(const uint8_t *text, const int64_t *offsets, int64_t words, const int64_t *places, uint8_t *made,
                     int64_t *ends) {
    ends[0] = 0;
    for (int64_t i = 0; i < words; i++) {
        int64_t size = offsets[places[i] + 1] - offsets[places[i]];
        const uint8_t *from = text + offsets[places[i]];
        if (i + 16 < words) __builtin_prefetch(text + offsets[places[i + 16]]);
        if (size <= 8 && offsets[words] - offsets[places[i]] >= 8 && ends[i] + 8 <= offsets[words])
            memcpy(made + ends[i], from, 8); /* the next word covers what is too much */
        else if (size)
            memcpy(made + ends[i], from, (size_t)size);
        ends[i + 1] = ends[i] + size;
    }
}
