"""MurmurHash3, 32 bits, of many texts at once: the hash that scikit-learn's hashing transformers use.

This module must not know any vecwise type, nor what the numbers are used for.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import numpy as np

_C1: Final = 0xCC9E2D51
_C2: Final = 0x1B873593
_MASK: Final = 0xFFFFFFFF
_LONG: Final = (
    512  # bytes; a text longer than this is hashed by itself, so that it does not hold up the others
)


def murmur3_32(texts: Sequence[str], seed: int = 0) -> np.ndarray:
    """Give the signed 32-bit MurmurHash3 (x86 variant) of the UTF-8 bytes of every text, as int32.

    All texts advance together, four bytes a step. Source: Appleby 2008, MurmurHash3, public domain.

    >>> murmur3_32(["foo", ""]).tolist()
    [-156908512, 0]
    """
    raw = [text.encode() for text in texts]
    lengths = np.fromiter(map(len, raw), np.int64, len(raw))
    hashes = np.full(len(raw), seed & _MASK, np.uint32)
    short = np.flatnonzero(lengths <= _LONG)
    hashes[short] = _together([raw[i] for i in short.tolist()], lengths[short], seed)
    for i in np.flatnonzero(lengths > _LONG).tolist():
        hashes[i] = _alone(raw[i], seed)
    return hashes.view(np.int32)


def _together(raw: list[bytes], lengths: np.ndarray, seed: int) -> np.ndarray:
    # Each text stands at a multiple of four, filled up with zeros: a tail of missing bytes mixes as zeros do.
    widths = (lengths + 3) // 4
    starts = np.fromiter(accumulate(widths.tolist(), initial=0), np.int64, len(raw) + 1)
    padded = b"".join([text + b"\0" * (-len(text) % 4) for text in raw])
    words = np.frombuffer(padded, "<u4")
    hashes = np.full(len(raw), seed & _MASK, np.uint32)
    order = np.argsort(-widths, kind="stable")  # the longest first: those still reading are a prefix
    hashes, widths, whole = hashes[order], widths[order], (lengths // 4)[order]
    starts = starts[:-1][order]
    for step in range(int(widths[0]) if len(widths) else 0):
        reading = int(np.searchsorted(-widths, -step, side="left"))
        mixed = _scrambled(words[starts[:reading] + step])
        current = hashes[:reading] ^ mixed
        body = whole[:reading] > step  # a tail is mixed in, and not rotated
        turned = (current << np.uint32(13)) | (current >> np.uint32(19))
        hashes[:reading] = np.where(body, turned * np.uint32(5) + np.uint32(0xE6546B64), current)
    made = np.empty(len(raw), np.uint32)
    made[order] = hashes
    return _finished(made ^ lengths.astype(np.uint32))


def _scrambled(k: np.ndarray) -> np.ndarray:
    k = k * np.uint32(_C1)
    k = (k << np.uint32(15)) | (k >> np.uint32(17))
    return k * np.uint32(_C2)


def _finished(h: np.ndarray) -> np.ndarray:
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


def _alone(raw: bytes, seed: int) -> int:
    h, whole = seed & _MASK, len(raw) // 4 * 4
    for k in np.frombuffer(raw, "<u4", count=whole // 4).tolist():
        k = k * _C1 & _MASK  # noqa: PLW2901
        h ^= ((k << 15 | k >> 17) & _MASK) * _C2 & _MASK
        h = ((h << 13 | h >> 19) & _MASK) * 5 + 0xE6546B64 & _MASK
    if len(raw) > whole:
        k = int.from_bytes(raw[whole:], "little") * _C1 & _MASK
        h ^= ((k << 15 | k >> 17) & _MASK) * _C2 & _MASK
    h ^= len(raw)
    h = (h ^ h >> 16) * 0x85EBCA6B & _MASK
    h = (h ^ h >> 13) * 0xC2B2AE35 & _MASK
    return h ^ h >> 16
