"""Rows of numbered tokens, counted into a sparse matrix: by the compiled kernel, or by sorting in NumPy.

This module must not know any vecwise type, nor texts and how they are cut. Both ways give the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.kernels import native_counts
from vecwise.kernels.spans import workers
from vecwise.kernels.workers import each

_BLOCK_TOKENS = 1 << 16  # about as many as a core's cache holds
INDEX_LIMIT: Final = 2**31 - 1  # SciPy's 32-bit indices end here


@dataclass(frozen=True, slots=True)
class Group:
    """Some neighbouring rows: the number of every token in their own list of words, and where rows begin.

    `numbers` are those of its words in the list of all words; None where these lists are one.
    """

    ids: np.ndarray
    rows: np.ndarray
    numbers: np.ndarray | None = None

    def own(self, of_words: np.ndarray) -> np.ndarray:
        """What is said of all words, of the group's words."""
        return of_words if self.numbers is None else of_words[self.numbers]


def counted(groups: tuple[Group, ...], columns: np.ndarray, width: int, negative: np.ndarray | None) -> Any:
    """Count groups of rows into a CSR array, `(rows, width)`: word i goes to `columns[i]`, -1 leaves it out.

    Words that are `negative` (a mask) count -1 each.
    """
    if native_counts.library() is not None:
        return _compiled(groups, columns, width, negative)
    blocks = [block for group in groups for block in _row_blocks(group, _BLOCK_TOKENS)]
    size = 8 * sum(len(block.ids) for block in blocks)
    return _stack(each(lambda block: _count(block, columns, negative), blocks, size), width)


def _row_blocks(group: Group, size: int) -> Iterator[Group]:
    """Rows of about `size` tokens."""
    cuts = np.searchsorted(group.rows, np.arange(size, group.rows[-1], size))
    cuts = np.unique([0, *cuts.tolist(), len(group.rows) - 1])
    for start, stop in zip(cuts.tolist(), cuts[1:].tolist(), strict=False):
        rows = group.rows[start : stop + 1]
        yield Group(group.ids[rows[0] : rows[-1]], rows - rows[0], group.numbers)


def _count(block: Group, columns: np.ndarray, negative: np.ndarray | None) -> tuple[np.ndarray, ...]:
    """Column indices, values and lengths of the rows of one block."""
    count = len(block.rows) - 1
    columns, negative = block.own(columns), None if negative is None else block.own(negative)
    # Row and column (and sign) in one number: sorting it is quicker than sorting an index of two arrays.
    codes = np.repeat(np.arange(count, dtype=np.int64) << 32, np.diff(block.rows))
    places = columns[block.ids]
    codes += places
    if negative is not None:
        codes = (codes << 1) | negative[block.ids]
    if len(places) and places.min() < 0:
        codes = codes[places >= 0]
    codes.sort()
    cells = codes if negative is None else codes >> 1
    first = np.flatnonzero(np.concatenate([np.ones(min(1, len(cells)), bool), cells[1:] != cells[:-1]]))
    sums = np.empty(len(first))
    np.subtract(first[1:], first[:-1], out=sums[:-1])
    sums[-1:] = len(cells) - first[-1:]
    if negative is not None and len(first):
        sums -= 2.0 * np.add.reduceat(codes & 1, first)
    heads = cells[first]
    return (heads & 0xFFFFFFFF).astype(np.int32), sums, np.bincount(heads >> 32, minlength=count)


def _compiled(groups: tuple[Group, ...], columns: np.ndarray, width: int, negative: np.ndarray | None) -> Any:
    """The CSR array by the compiled kernel: each block of rows into its place, then moved together."""
    total = sum(len(group.ids) for group in groups)
    share = max(_BLOCK_TOKENS, total // workers() + 1)
    blocks = [block for group in groups for block in _row_blocks(group, share)]
    starts = np.cumsum([0, *(len(block.ids) for block in blocks)])
    indices, data = np.empty(total, np.int32), np.empty(total)

    def work(number: int) -> np.ndarray:
        block, here = blocks[number], slice(starts[number], starts[number + 1])
        own = np.ascontiguousarray(block.own(columns), np.int32)
        signs = None if negative is None else block.own(negative)
        return native_counts.count_rows(block.ids, block.rows, own, signs, indices[here], data[here])

    lengths = each(work, range(len(blocks)), 8 * total)
    done = 0
    for start, cells in zip(starts, (int(part.sum()) for part in lengths), strict=False):
        if start > done:
            indices[done : done + cells] = indices[start : start + cells]
            data[done : done + cells] = data[start : start + cells]
        done += cells
    indices.resize(done, refcheck=False)  # gives back what rows with a word twice leave
    data.resize(done, refcheck=False)
    return _csr(indices, data, np.concatenate([np.zeros(0, np.int64), *lengths]), width)


def _stack(parts: list[tuple[np.ndarray, ...]], width: int) -> Any:
    """Blocks of rows as one CSR array."""
    empty = (np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.int64))
    columns = [list(kind) for kind in zip(empty, *parts, strict=True)]
    parts.clear()  # so that each kind of array is freed once it is joined
    indices, data, lengths = (np.concatenate(columns.pop(0)) for _ in range(3))
    return _csr(indices, data, lengths, width)


def _csr(indices: np.ndarray, data: np.ndarray, lengths: np.ndarray, width: int) -> Any:
    """Cells in order, with 64-bit indices where 32 bits do not reach."""
    from scipy.sparse import csr_array

    kind = np.int64 if max(len(data), width) > INDEX_LIMIT else np.int32
    starts = np.concatenate([np.zeros(1, kind), np.cumsum(lengths, dtype=kind)])
    made = csr_array((data, indices.astype(kind, copy=False), starts), shape=(len(lengths), width))
    made.has_canonical_format = True
    return made
