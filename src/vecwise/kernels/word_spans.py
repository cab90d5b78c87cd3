"""Texts as bytes: where every word begins and ends, and a 64-bit key that equal words share.

This module must not know any vecwise type, nor what words are numbered or counted for. ASCII is lower-cased and
classified by arithmetic on whole arrays; rows with any other character go through `kernels.scripts` first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.kernels.cutting import Rule
from vecwise.kernels.scripts import prepared

PART_BYTES: Final = 1 << 20  # temporaries of a part stay in a core's cache
GIANT: Final = 64  # bytes; a longer word gets its key from a dictionary
_BLOCK = 1 << 17
_PAD = 16
_NEWLINE = 10
# UTF-8 holds no byte from 0xF8, so a key whose highest byte is one of these is no word of eight bytes.
HASHED, _LISTED = np.uint64(0xFE << 56), np.uint64(0xFD << 56)
_LOW_BITS = np.uint64((1 << 56) - 1)
_NUL = np.uint8(0xFF)  # stands for NUL inside a word, so that "a" and "a\0" have different keys
_MASKS = np.array([(1 << (8 * i)) - 1 for i in range(9)], dtype=np.uint64)
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Spans:
    """The words of some rows: `text[starts[i] : starts[i] + lengths[i]]` is word i, `keys[i]` its key.

    `rows` are offsets into the words, one more than there are rows. `text` is padded, so that eight bytes can
    be read from any place of a word. `hashed` are the places of the words whose key is a hash, and `bytes_`
    their first 16 bytes, `(2, hashed)`.
    """

    text: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    keys: np.ndarray
    rows: np.ndarray
    hashed: np.ndarray
    bytes_: np.ndarray


def load(text: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Up to eight bytes from every start as little-endian uint64; `text` has eight bytes beyond every start."""
    shape = (max(0, len(text) - 7),)
    view = np.lib.stride_tricks.as_strided(text[:8].view("<u8"), shape=shape, strides=(1,))
    return view[starts] & _MASKS[np.minimum(lengths, 8)]


def cut(column: Any, rule: Rule, giants: dict[bytes, int], longest: int = GIANT) -> Spans:
    """Cut the rows of an Arrow string array without nulls by a word rule.

    `giants` numbers the words above `longest` bytes; keys are comparable between calls that share it.
    """
    text, offsets = _joined(column)
    text, offsets = _careful(text, offsets, rule)
    if rule.tokenizer == "whitespace" and len(text) and text.min() == 0:
        text = np.where(text == 0, _NUL, text)
    starts, ends, text = _edges(text, rule)
    lengths = ends - starts
    if rule.tokenizer == "word":  # two characters at least; characters beyond ASCII were seen to already
        kept = lengths > 1
        starts, lengths = starts[kept], lengths[kept]
    rows = np.searchsorted(starts, offsets)
    keys, hashed, blocks = _keys(text, starts, lengths, giants, longest)
    return Spans(text, starts, lengths, keys, rows, hashed, blocks)


def _joined(column: Any) -> tuple[np.ndarray, np.ndarray]:
    """All rows in one buffer, a line feed after each, and where each begins."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(column):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    large = pa.types.is_large_string(column.type)
    rows = (pa.LargeListArray if large else pa.ListArray).from_arrays([0, len(column)], column)
    buffers = pc.binary_join(rows, pa.scalar("\n", column.type)).buffers()
    ends = np.frombuffer(column.buffers()[1], np.int64 if large else np.int32)
    ends = ends[column.offset : column.offset + len(column) + 1]
    offsets = (ends - ends[0]).astype(np.int64) + np.arange(len(column) + 1)
    if buffers[2] is None or offsets[-1] == 1:
        return np.zeros(0, np.uint8), np.zeros(len(column) + 1, np.int64)
    return np.frombuffer(buffers[2], np.uint8)[: offsets[-1] - 1], offsets


def _careful(text: np.ndarray, offsets: np.ndarray, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Put every row beyond ASCII, prepared so that its bytes can be classified, in its place, a line feed after it."""
    if not len(text) or text.max() < 128:
        return text, offsets
    highest = np.maximum.reduceat(np.append(text, np.uint8(_NEWLINE)), offsets[:-1])
    chosen = np.flatnonzero(highest >= 128)
    starts, ends = offsets[chosen].tolist(), (offsets[chosen + 1] - 1).tolist()
    raw, sizes = text.tobytes(), np.diff(offsets)
    rows = prepared([raw[a:b] for a, b in zip(starts, ends, strict=True)], rule)
    pieces, done = [], 0
    for start, end, row in zip(starts, ends, rows, strict=True):
        pieces += [raw[done:start], row, b"\n"]
        done = end + 1
    sizes[chosen] = np.fromiter(map(len, rows), np.int64, len(rows)) + 1
    made = np.frombuffer(b"".join([*pieces, raw[done:]]), np.uint8)
    return made, np.concatenate([[0], np.cumsum(sizes)])


def _edges(text: np.ndarray, rule: Rule) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts and ends of the words, and the text in the right case, padded."""
    size = len(text)
    lowered = np.zeros(size + _PAD, np.uint8)
    inside = np.zeros(size + 2, bool)
    for start in range(0, size, _BLOCK):  # a block at a time, so that each step finds its input in the cache
        block = text[start : start + _BLOCK]
        _classify(block, rule, inside[1 + start : 1 + start + len(block)])
        target = lowered[start : start + len(block)]
        if rule.lowercase:
            capital = block - np.uint8(65) < 26
            np.add(block, capital.view(np.uint8) << np.uint8(5), out=target)
        else:
            target[:] = block
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    return edges[0::2], edges[1::2], lowered


def _classify(block: np.ndarray, rule: Rule, out: np.ndarray) -> None:
    """Mark the bytes of words; what is still not ASCII belongs to words."""
    if rule.tokenizer == "whitespace":  # as `str.split`: space, \t \n \v \f \r, and \x1c to \x1f
        np.not_equal(block, 32, out=out)
        out &= block - np.uint8(9) > 4
        out &= block - np.uint8(28) > 3
        return
    np.less((block | np.uint8(32)) - np.uint8(97), 26, out=out)
    out |= block - np.uint8(48) < 10
    out |= block == 95
    out |= block > 127


def _keys(
    text: np.ndarray,
    starts: np.ndarray,
    lengths: np.ndarray,
    giants: dict[bytes, int],
    longest: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bytes of a word up to eight; a tagged hash of a longer one; a tagged number of a giant."""
    keys = load(text, starts, lengths) if len(starts) else np.zeros(0, np.uint64)
    long = np.flatnonzero(lengths > 8)
    giant = long[lengths[long] > longest]
    if len(giant):
        long = long[lengths[long] <= longest]
    for i in giant.tolist():
        word = text[starts[i] : starts[i] + lengths[i]].tobytes()
        keys[i] = _LISTED | np.uint64(giants.setdefault(word, len(giants)))
    if not len(long):
        return keys, long, np.zeros((2, 0), np.uint64)
    begins, sizes = starts[long], lengths[long]
    blocks = np.stack([keys[long], load(text, begins + 8, sizes - 8)])
    hashes = mix(mix(blocks[0] ^ sizes.astype(np.uint64)) ^ blocks[1])
    left, level = np.flatnonzero(sizes > 16), 2
    while len(left):
        hashes[left] = mix(hashes[left] ^ load(text, begins[left] + 8 * level, sizes[left] - 8 * level))
        level += 1
        left = left[sizes[left] > 8 * level]
    keys[long] = (hashes & _LOW_BITS) | HASHED
    return keys, long, blocks


def mix(numbers: np.ndarray) -> np.ndarray:
    """Spread 64 bits: one odd multiplication and a shifted exclusive or, enough where equality is checked."""
    spread = numbers * _ODD
    return spread ^ (spread >> np.uint64(29))


def is_hash(keys: np.ndarray) -> np.ndarray:
    """Mark the keys that are hashes, so that equal keys need not be equal words."""
    return (keys & ~_LOW_BITS) == HASHED


def same_words(parts: Sequence[Spans], ids: np.ndarray, text: np.ndarray, offsets: np.ndarray) -> bool:
    """Tell whether hashed words of one number are one word, byte for byte.

    `ids` are the numbers of all words of all parts, whose bytes stand in `text` at `offsets`.
    """
    ends = np.cumsum([0, *(len(part.keys) for part in parts)])
    numbers = np.concatenate([ids[start + part.hashed] for part, start in zip(parts, ends, strict=False)])
    blocks = np.concatenate([part.bytes_ for part in parts], axis=1)
    sizes = np.concatenate([part.lengths[part.hashed] for part in parts])
    first = np.zeros(len(offsets), np.int64)
    first[numbers[::-1]] = np.arange(len(numbers))[::-1]  # of places with one number, the earliest stays
    twin = first[numbers]
    if not all(np.array_equal(part[twin], part) for part in (sizes, *blocks)):
        return False
    return all(
        _same_tails(part, ids[start:], text, offsets) for part, start in zip(parts, ends, strict=False)
    )


def _same_tails(part: Spans, ids: np.ndarray, text: np.ndarray, offsets: np.ndarray) -> bool:
    """The same of what follows a word's first 16 bytes."""
    left, level = part.hashed[part.lengths[part.hashed] > 16], 2
    while len(left):
        rest = part.lengths[left] - 8 * level
        ours = load(part.text, part.starts[left] + 8 * level, rest)
        if not np.array_equal(ours, load(text, offsets[ids[left]] + 8 * level, rest)):
            return False
        level += 1
        left = left[part.lengths[left] > 8 * level]
    return True
