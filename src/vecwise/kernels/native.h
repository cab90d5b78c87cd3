/* What both files of the compiled kernel share: codes of errors, and eight bytes as a number. It must not know more. */

#ifndef VECWISE_NATIVE_H
#define VECWISE_NATIVE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NO_MEMORY (-1)
#define NO_ROOM (-2)
#define BAD_INPUT (-3)

/* Up to eight bytes as one number; `left` bytes may be read. */
static inline uint64_t load(const uint8_t *from, int64_t size, int64_t left) {
    uint64_t x = 0;
    if (left < 8) {
        memcpy(&x, from, (size_t)(size < left ? size : left));
        return x;
    }
    memcpy(&x, from, 8);
    return size < 8 ? x & ((UINT64_C(1) << (8 * size)) - 1) : x;
}

#endif
