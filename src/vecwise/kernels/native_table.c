/* Words of texts: found and numbered by first appearance. Owns nothing but the tables it hands out.

   It must not know Python: arrays come with their sizes, answers go into arrays of the caller, and a negative answer is
   an error (the codes below). There is no state outside the tables, so threads may work at the same time, each on its
   own. `native_counts.py` is the only caller; `word_spans.py` and `tokens.py` say the same in NumPy. */

#include "native.h"

#define BLOCK 16384 /* bytes of text whose words are found before they are looked up */
#define AHEAD 24    /* words between asking for a slot's memory and reading it */
#define SHORT 8     /* bytes; such a word is its own key */

typedef struct {
    uint64_t key;
    uint32_t number; /* of the word, plus one; 0: free */
    uint32_t length; /* capped, compared in full where it matters */
} Slot;

typedef struct {
    Slot *slots;
    uint64_t room; /* a power of two, at least twice the words */
    uint64_t seed, mask;
    uint8_t *text; /* the words, one behind the other */
    int64_t used, text_room;
    int64_t *ends; /* count + 1 of them */
    int64_t count, ends_room;
    uint8_t *block; /* lower-cased text of some rows, 64 bytes or more behind each row */
    int64_t block_room;
    int64_t *edges; /* begin and end of every word in it */
    int64_t edges_room;
    uint64_t *keys;
    int64_t keys_room;
} Table;

int64_t vecwise_version(void) { return 2; }

static inline int reserve(void *memory, int64_t *room, int64_t wanted, int64_t width) {
    if (wanted <= *room) return 0;
    void *old; /* `memory` is the address of a pointer of any kind */
    memcpy(&old, memory, sizeof old);
    int64_t more = *room + *room / 2 > wanted ? *room + *room / 2 : wanted;
    if (more > INT64_MAX / 2 / width) return NO_MEMORY;
    void *made = realloc(old, (size_t)(more * width));
    if (!made) return NO_MEMORY;
    memcpy(memory, &made, sizeof made);
    *room = more;
    return 0;
}

#define RESERVE(memory, room, wanted) reserve(&(memory), &(room), (wanted), sizeof *(memory))

static inline uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 32)) * 0x9E3779B97F4A7C15u;
    return x ^ (x >> 29);
}

void vecwise_table_free(Table *t) {
    if (!t) return;
    free(t->slots), free(t->text), free(t->ends), free(t->block), free(t->edges), free(t->keys);
    free(t);
}

/* `seed` decides where words lie, so that no text can be made to collide; `mask` shortens hashes, for tests. */
Table *vecwise_table_new(uint64_t seed, uint64_t mask) {
    Table *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->seed = seed, t->mask = mask, t->room = 1024;
    t->slots = calloc(t->room, sizeof *t->slots);
    if (!t->slots || RESERVE(t->ends, t->ends_room, 1024)) {
        vecwise_table_free(t);
        return NULL;
    }
    t->ends[0] = 0;
    return t;
}

static inline uint64_t place(const Table *t, uint64_t key) { return mix(key ^ t->seed) & t->mask & (t->room - 1); }

static int grow(Table *t, int64_t words) {
    if (words > INT32_MAX) return NO_ROOM;
    if (RESERVE(t->ends, t->ends_room, words + 1)) return NO_MEMORY;
    uint64_t room = t->room, before = t->room;
    while (room < 2 * (uint64_t)words) room *= 2;
    if (room == before) return 0;
    Slot *old = t->slots, *made = calloc(room, sizeof *made);
    if (!made) return NO_MEMORY;
    t->slots = made, t->room = room;
    for (uint64_t i = 0; i < before; i++) {
        if (!old[i].number) continue;
        uint64_t at = place(t, old[i].key);
        while (made[at].number) at = (at + 1) & (room - 1);
        made[at] = old[i];
    }
    free(old);
    return 0;
}

static inline uint64_t key_of(const Table *t, const uint8_t *word, int64_t size, int64_t left) {
    if (size <= SHORT) return size ? load(word, size, left) : 0;
    uint64_t hash = t->seed ^ (uint64_t)size;
    for (int64_t at = 0; at < size; at += 8) hash = mix(hash ^ load(word + at, size - at, left - at));
    return hash & t->mask;
}

/* The number of a word, a new one if it was not met. Slots and ends for it have been reserved. */
static inline int64_t number_of(Table *t, uint64_t key, const uint8_t *word, int64_t size) {
    uint32_t capped = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
    uint64_t at = place(t, key);
    for (; t->slots[at].number; at = (at + 1) & (t->room - 1)) {
        Slot slot = t->slots[at];
        if (slot.key != key || slot.length != capped) continue;
        if (size <= SHORT) return slot.number - 1;
        int64_t begin = t->ends[slot.number - 1], end = t->ends[slot.number];
        if (end - begin == size && !memcmp(t->text + begin, word, (size_t)size)) return slot.number - 1;
    }
    if (RESERVE(t->text, t->text_room, t->used + size + SHORT)) return NO_MEMORY;
    if (size <= SHORT)
        memcpy(t->text + t->used, &key, SHORT); /* the next word covers what is too much */
    else
        memcpy(t->text + t->used, word, (size_t)size);
    t->used += size;
    t->ends[++t->count] = t->used;
    t->slots[at] = (Slot){key, (uint32_t)t->count, capped};
    return t->count - 1;
}

/* The bytes of words among 64, as bits; a copy in lower case goes to `to`. */
static inline uint64_t classify(const uint8_t *from, uint8_t *to, int word_rule, int lower) {
    uint8_t inside[64];
    for (int i = 0; i < 64; i++) {
        uint8_t c = from[i];
        to[i] = lower ? (uint8_t)(c + (((uint8_t)(c - 65) < 26) << 5)) : c;
        if (word_rule)
            inside[i] = ((uint8_t)((c | 32) - 97) < 26) | ((uint8_t)(c - 48) < 10) | (c == 95) | (c > 127);
        else /* as `str.split`: space, \t \n \v \f \r, and \x1c to \x1f */
            inside[i] = (c != 32) & ((uint8_t)(c - 9) > 4) & ((uint8_t)(c - 28) > 3);
    }
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) {
        uint64_t eight;
        memcpy(&eight, inside + 8 * i, 8);
        bits |= ((eight * UINT64_C(0x0102040810204080)) >> 56) << (8 * i);
    }
    return bits;
}

/* Append the edges of a row's words, whose text goes to `block + at`; gives the number of edges then. */
static inline int64_t cut_row(Table *t, const uint8_t *row, int64_t size, int64_t at, int64_t edges, int word_rule,
                              int lower) {
    int64_t first = edges;
    uint64_t before = 0; /* whether the byte before belongs to a word */
    for (int64_t i = 0; i < size; i += 64) {
        uint8_t padded[64];
        const uint8_t *from = row + i;
        if (size - i < 64) {
            memset(padded, 32, 64);
            memcpy(padded, from, (size_t)(size - i));
            from = padded;
        }
        if (RESERVE(t->edges, t->edges_room, edges + 66)) return NO_MEMORY;
        uint64_t bits = classify(from, t->block + at + i, word_rule, lower);
        for (uint64_t turns = bits ^ (bits << 1 | before); turns; turns &= turns - 1)
            t->edges[edges++] = at + i + __builtin_ctzll(turns);
        before = bits >> 63;
    }
    if ((edges - first) & 1) t->edges[edges++] = at + size;
    if (!word_rule) return edges;
    int64_t kept = first; /* two characters at least; characters beyond ASCII were seen to already */
    for (int64_t i = first; i < edges; i += 2) {
        int64_t begin = t->edges[i], end = t->edges[i + 1];
        t->edges[kept] = begin, t->edges[kept + 1] = end;
        kept += end - begin > 1 ? 2 : 0;
    }
    return kept;
}

static int64_t number_block(Table *t, int64_t words, int64_t size, int32_t *ids) {
    int error = RESERVE(t->keys, t->keys_room, words);
    if (!error) error = grow(t, t->count + words);
    if (error) return error;
    for (int64_t i = 0; i < words; i++) {
        int64_t begin = t->edges[2 * i];
        t->keys[i] = key_of(t, t->block + begin, t->edges[2 * i + 1] - begin, size - begin);
    }
    for (int64_t i = 0; i < words; i++) {
        if (i + AHEAD < words) __builtin_prefetch(t->slots + place(t, t->keys[i + AHEAD]));
        int64_t begin = t->edges[2 * i];
        int64_t number = number_of(t, t->keys[i], t->block + begin, t->edges[2 * i + 1] - begin);
        if (number < 0) return number;
        ids[i] = (int32_t)number;
    }
    return 0;
}

static inline int64_t offset(const void *offsets, int wide, int64_t i) {
    return wide ? ((const int64_t *)offsets)[i] : ((const int32_t *)offsets)[i];
}

/* Which rows hold a byte above 127, into `found`; offsets that do not fit the text are refused. */
int64_t vecwise_beyond_ascii(const uint8_t *text, int64_t size, const void *offsets, int wide, int64_t rows,
                             int64_t *found) {
    int64_t count = 0;
    for (int64_t row = 0; row < rows; row++) {
        int64_t begin = offset(offsets, wide, row), end = offset(offsets, wide, row + 1);
        if (begin < 0 || begin > end || end > size) return BAD_INPUT;
        uint8_t all = 0;
        for (int64_t i = begin; i < end; i++) all |= text[i];
        found[count] = row;
        count += all >> 7;
    }
    return count;
}

/* Number the words of rows whose offsets `vecwise_beyond_ascii` has seen. Row `changed[k]` is replaced by row k of
   `other`. `ids` has `room` places; `ends[i]` becomes the number of words up to the end of row i. */
int64_t vecwise_table_cut(Table *t, const uint8_t *text, const void *offsets, int wide, int64_t rows,
                          const uint8_t *other, const int64_t *other_offsets, const int64_t *changed, int64_t changes,
                          int word_rule, int lower, int32_t *ids, int64_t room, int64_t *ends) {
    int64_t made = 0, row = 0, change = 0;
    while (row < rows) {
        int64_t used = 0, edges = 0;
        while (row < rows && used < BLOCK) {
            const uint8_t *from = text + offset(offsets, wide, row);
            int64_t size = offset(offsets, wide, row + 1) - offset(offsets, wide, row);
            if (change < changes && changed[change] == row) {
                from = other + other_offsets[change];
                size = other_offsets[change + 1] - other_offsets[change];
                change++;
            }
            if (RESERVE(t->block, t->block_room, used + size + 128)) return NO_MEMORY;
            if (word_rule)
                edges = lower ? cut_row(t, from, size, used, edges, 1, 1) : cut_row(t, from, size, used, edges, 1, 0);
            else
                edges = lower ? cut_row(t, from, size, used, edges, 0, 1) : cut_row(t, from, size, used, edges, 0, 0);
            if (edges < 0) return edges;
            used += size + 64;
            ends[row++] = made + edges / 2;
        }
        if (edges / 2 > room - made) return NO_ROOM;
        int64_t error = number_block(t, edges / 2, used, ids + made);
        if (error) return error;
        made += edges / 2;
    }
    return made;
}

/* Number words that are given one behind the other; offsets have been checked. */
int64_t vecwise_table_add(Table *t, const uint8_t *text, const int64_t *offsets, int64_t words, int32_t *ids) {
    int64_t size = offsets[words];
    for (int64_t start = 0; start < words; start += 1024) {
        int64_t stop = words - start < 1024 ? words : start + 1024;
        int error = RESERVE(t->keys, t->keys_room, 1024);
        if (!error) error = grow(t, t->count + stop - start);
        if (error) return error;
        for (int64_t i = start; i < stop; i++) {
            int64_t length = offsets[i + 1] - offsets[i];
            uint64_t key = t->keys[i - start] = key_of(t, text + offsets[i], length, size - offsets[i]);
            __builtin_prefetch(t->slots + place(t, key));
        }
        for (int64_t i = start; i < stop; i++) {
            int64_t number = number_of(t, t->keys[i - start], text + offsets[i], offsets[i + 1] - offsets[i]);
            if (number < 0) return number;
            ids[i] = (int32_t)number;
        }
    }
    return t->count;
}

int64_t vecwise_table_words(const Table *t) { return t->count; }
int64_t vecwise_table_bytes(const Table *t) { return t->used; }

void vecwise_table_copy(const Table *t, uint8_t *text, int64_t *offsets) {
    if (t->used) memcpy(text, t->text, (size_t)t->used);
    memcpy(offsets, t->ends, (size_t)(t->count + 1) * sizeof *offsets);
}
