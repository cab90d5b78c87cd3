"""A column of texts as numbered words: which words there are, which row holds which, how often.

This module must not know any vecwise type. Nothing depends on the number of workers: words are numbered by first
appearance, parts are joined in their order, and counts are whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np

from vecwise.kernels import native_counts, wordlists
from vecwise.kernels.bags import numbered_lists
from vecwise.kernels.cutting import WORDS, Rule
from vecwise.kernels.grams import runs
from vecwise.kernels.scripts import prepared
from vecwise.kernels.spans import workers
from vecwise.kernels.token_counts import Group, counted
from vecwise.kernels.word_spans import GIANT, PART_BYTES, Spans, cut, is_hash, same_words
from vecwise.kernels.workers import SHARED_BYTES, each

GROUP_BYTES: Final = 1 << 22  # texts that share one numbering before it is merged with the others
_GROUPS = 2  # a worker, since some take longer than others
LIST_ROWS: Final = 8192  # rows whose tokens are Python lists at one time

__all__ = ["Rule", "Tokens", "count_tokens", "token_ids", "tokens_of"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a column in row order: `words` (Arrow binary), and groups of rows that hold their numbers."""

    words: Any
    groups: tuple[Group, ...]
    keys: np.ndarray | None = None  # of the words, where equal words have equal keys in every group

    def counts(self, columns: np.ndarray, width: int, negative: np.ndarray | None = None) -> Any:
        """Count into a CSR array `(rows, width)`: word i goes to `columns[i]`, -1 leaves it out.

        Words that are `negative` (a mask) count -1 each; a sum may then be a stored zero. Indices are sorted and
        distinct.
        """
        return counted(self.groups, columns, width, negative)

    def token_ids(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of all tokens, int32, and the offsets of the rows in them, int64."""
        made = (group.ids if group.numbers is None else group.numbers[group.ids] for group in self.groups)
        ids = [np.zeros(0, np.int32), *made]
        ends = np.cumsum([0, *(len(group.ids) for group in self.groups)])
        rows = [group.rows[:-1] + start for group, start in zip(self.groups, ends, strict=False)]
        return np.concatenate(ids), np.concatenate([*rows, ends[-1:]]).astype(np.int64)


def token_ids(column: Any, rule: Rule) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Give the distinct tokens of an Arrow text column, the number of every token, and the offsets of the rows.

    Words come in order of first appearance; row i holds `ids[offsets[i]:offsets[i + 1]]`, int32, in its own
    order. A null is an empty text. Texts go through memory in parts; 4 bytes a token stay.

    >>> import pyarrow as pa
    >>> words, ids, offsets = token_ids(pa.array(["the sea", "", "the sky the end"]), Rule())
    >>> words, ids.tolist(), offsets.tolist()
    (['the', 'sea', 'sky', 'end'], [0, 1, 0, 2, 0, 3], [0, 2, 2, 6])
    """
    tokens = tokens_of(column, rule)
    return (wordlists.to_words(tokens.words), *tokens.token_ids())


def count_tokens(column: Any, rule: Rule) -> tuple[list[str], Any]:
    """Give the distinct tokens of an Arrow text column, and how often every row holds each.

    Words come in order of first appearance; the counts are a CSR array of float64, `(rows, words)`, with
    sorted indices and no duplicates.

    >>> import pyarrow as pa
    >>> words, counts = count_tokens(pa.array(["the sea", "", "the sky the end"]), Rule())
    >>> words
    ['the', 'sea', 'sky', 'end']
    >>> counts.toarray()
    array([[1., 1., 0., 0.],
           [0., 0., 0., 0.],
           [2., 0., 1., 1.]])
    """
    tokens = tokens_of(column, rule)
    width = len(tokens.words)
    return wordlists.to_words(tokens.words), tokens.counts(np.arange(width, dtype=np.int32), width)


def tokens_of(column: Any, rule: Rule, in_order: bool = False) -> Tokens:
    """Cut a column of texts (Arrow strings of any kind, plain or chunked) into numbered tokens.

    The words come in order of first appearance, or `in_order` of their code points.
    """
    chunks = [_plain(chunk) for chunk in getattr(column, "chunks", [column])]
    if rule.tokenizer not in WORDS:
        lists = [chunk.slice(i, LIST_ROWS) for chunk in chunks for i in range(0, len(chunk), LIST_ROWS)]
        made = _joined([_listed(chunk, rule) for chunk in lists])
        return _arranged(made) if in_order else made
    size = sum(map(_bytes, chunks))
    share = max(PART_BYTES, size // (_GROUPS * workers()) + 1)
    if native_counts.library() is None or rule.ngrams != (
        1,
        1,
    ):  # what runs and sorting take grows with the group
        share = max(PART_BYTES, min(GROUP_BYTES, size // workers() + 1))
    groups = list(_grouped((part for chunk in chunks for part in _cut_rows(chunk, PART_BYTES)), share))
    if native_counts.library() is None:
        made = _joined(each(lambda parts: _numbered(parts, rule), groups, size))
        return _arranged(made) if in_order else made
    ordered = _arranged if in_order else lambda tokens: tokens
    return _compiled_joined(each(lambda parts: ordered(_compiled(parts, rule)), groups, size), in_order)


def _plain(chunk: Any) -> Any:
    """Strings with offsets, nulls as empty texts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_string(chunk.type) or pa.types.is_large_string(chunk.type)):
        chunk = chunk.cast(pa.large_string())
    return pc.fill_null(chunk, "") if chunk.null_count else chunk


def _ends(chunk: Any) -> np.ndarray:
    if not len(chunk):
        return np.zeros(1, np.int64)
    width = np.int64 if str(chunk.type).startswith("large") else np.int32
    return np.frombuffer(chunk.buffers()[1], width)[chunk.offset : chunk.offset + len(chunk) + 1]


def _bytes(chunk: Any) -> int:
    ends = _ends(chunk)
    return int(ends[-1]) - int(ends[0])


def _cut_rows(chunk: Any, size: int) -> Iterator[Any]:
    """Slices of about `size` bytes; a longer row is one of its own."""
    ends = _ends(chunk).astype(np.int64)
    start = 0
    while start < len(chunk):
        stop = max(start + 1, int(np.searchsorted(ends, ends[start] + size, side="right")) - 1)
        yield chunk.slice(start, stop - start)
        start = stop


def _grouped(parts: Iterable[Any], size: int) -> Iterator[list[Any]]:
    group: list[Any] = []
    total = 0
    for part in parts:
        group.append(part)
        total += _bytes(part)
        if total >= size:
            yield group
            group, total = [], 0
    if group:
        yield group


def _numbered(parts: list[Any], rule: Rule, longest: int = GIANT) -> Tokens:
    """One group of rows with its own list of words."""
    giants: dict[bytes, int] = {}
    spans = [cut(part, rule, giants, longest) for part in parts]
    ids, keys = wordlists.numbered(wordlists.numbers_array(np.concatenate([part.keys for part in spans])))
    words = _first_words(spans, ids)
    offsets, text = wordlists.parts(words)
    if not same_words(spans, ids, text, offsets):
        return _numbered(parts, rule, longest=8)  # two words share a hash: no word is hashed now
    ends = np.cumsum([0, *(len(part.keys) for part in spans)])
    rows = [part.rows[:-1] + start for part, start in zip(spans, ends, strict=False)]
    group = Group(ids, np.concatenate([*rows, ends[-1:]]))
    shared = None if giants else np.frombuffer(keys.buffers()[1], np.uint64)[: len(keys)]
    return _refined(Tokens(_restored(words), (group,), shared), rule)


def _compiled(parts: list[Any], rule: Rule) -> Tokens:
    """The same by the compiled kernel; rows beyond ASCII are prepared in Python, as everywhere."""
    ends, total = [np.zeros(1, np.int64)], 0
    how = {"word_rule": rule.tokenizer == "word", "lower": bool(rule.lowercase)}
    # As many as there can be; memory that is never written to is never taken.
    ids = np.empty(sum(native_counts.most_words(_ends(part), []) for part in parts), np.int32)
    with native_counts.WordTable() as table:
        for part in parts:
            text, offsets = _text(part), _ends(part)
            changed = table.beyond_ascii(text, offsets)
            spans = zip(offsets[changed].tolist(), offsets[changed + 1].tolist(), strict=True)
            raw = [text[a:b].tobytes() for a, b in spans]
            other = prepared(raw, rule) if raw else []
            room = native_counts.most_words(offsets, other)
            if room > len(ids) - total:  # preparing made rows longer
                ids = np.concatenate([ids[:total], np.empty(2 * room + total, np.int32)])
            count, rows = table.cut(text, offsets, changed, other, ids=ids[total:], **how)
            ends.append(rows + total)
            total += count
        words = wordlists.from_offsets(*table.words())
    ids.resize(total, refcheck=False)
    return _refined(Tokens(words, (Group(ids, np.concatenate(ends)),)), rule)


def _text(chunk: Any) -> np.ndarray:
    data = chunk.buffers()[2] if len(chunk) else None
    return np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)


def _first_words(spans: list[Spans], ids: np.ndarray) -> Any:
    """The words themselves, each where its number first appears."""
    import pyarrow as pa

    first = wordlists.first_places(ids)
    ends = np.cumsum([0, *(len(part.keys) for part in spans)])
    made = [pa.array([], pa.large_binary())]
    for part, start, stop in zip(spans, ends, ends[1:], strict=False):
        here = first[np.searchsorted(first, start) : np.searchsorted(first, stop)] - start
        made.append(wordlists.cut_out(part.text, part.starts[here], part.lengths[here]))
    return pa.concat_arrays(made)


def _restored(words: Any) -> Any:
    """NUL inside words was written as a byte that UTF-8 does not have."""
    offsets, text = wordlists.parts(words)
    if not len(text) or text.max() < 0xFF:
        return words
    return wordlists.from_bytes(np.where(text == 0xFF, np.uint8(0), text), np.diff(offsets))


def _refined(tokens: Tokens, rule: Rule) -> Tokens:
    """Stop words dropped, then runs of neighbouring words."""
    group = tokens.groups[0]
    if rule.stop:
        stop = wordlists.from_words(sorted(rule.stop))
        kept = wordlists.lookup(tokens.words, stop) < 0
        number = np.where(kept, np.cumsum(kept, dtype=np.int32) - 1, np.int32(-1))
        ids = number[group.ids]
        rows = np.concatenate([[0], np.cumsum(ids >= 0)])[group.rows]
        group = Group(ids[ids >= 0], rows)
        keys = None if tokens.keys is None else tokens.keys[kept]
        tokens = Tokens(wordlists.take(tokens.words, np.flatnonzero(kept)), (group,), keys)
    if rule.ngrams != (1, 1):
        words, ids, rows = runs(tokens.words, group.ids, group.rows, rule.ngrams)
        tokens = Tokens(words, (Group(ids, rows),))
    return tokens


def _listed(chunk: Any, rule: Rule) -> Tokens:
    """Rows cut one by one in Python, for a tokenizer that has no other way."""
    words, ids, rows = numbered_lists([rule.cut(text) for text in chunk.to_pylist()])
    return Tokens(wordlists.from_words(words), (Group(ids, rows),))


def _joined(parts: list[Tokens]) -> Tokens:
    """One numbering for all groups."""
    if not parts:
        return Tokens(wordlists.from_words([]), (Group(np.zeros(0, np.int32), np.zeros(1, np.int64)),))
    if len(parts) == 1:
        return parts[0]
    words, numbers = _merged(parts)
    groups = [part.groups[0] for part in parts]  # of one group each: nothing is joined twice
    return Tokens(words, tuple(replace(g, numbers=n) for g, n in zip(groups, numbers, strict=True)))


def _arranged(tokens: Tokens) -> Tokens:
    """The same with the words in order of their code points."""
    words, places = wordlists.arranged(tokens.words)
    return Tokens(words, tuple(replace(group, numbers=group.own(places)) for group in tokens.groups))


def _compiled_joined(parts: list[Tokens], in_order: bool) -> Tokens:
    """One numbering for all groups, neighbours first, several pairs at a time."""
    while len(parts) > 1:
        pairs = [parts[i : i + 2] for i in range(0, len(parts), 2)]
        parts = each(lambda pair: _pair(pair, in_order), pairs, len(pairs) * SHARED_BYTES)
    return parts[0] if parts else _joined([])


def _pair(pair: list[Tokens], in_order: bool) -> Tokens:
    if len(pair) == 1:
        return pair[0]
    first, second = pair
    if in_order:
        words, places = wordlists.joined_in_order(first.words, second.words)
    else:
        words, places = wordlists.merged([first.words, second.words])
    return Tokens(
        words,
        tuple(
            replace(group, numbers=group.own(new))
            for tokens, new in zip(pair, places, strict=True)
            for group in tokens.groups
        ),
    )


def _merged(parts: list[Tokens]) -> tuple[Any, list[np.ndarray]]:
    """All words, and for each part its numbers among them: by keys where there are any, else by the words."""
    import pyarrow as pa

    lists = [part.words for part in parts]
    if any(part.keys is None for part in parts):
        return wordlists.merged(lists)
    keys = np.concatenate([part.keys for part in parts if part.keys is not None])
    numbers, _ = wordlists.numbered(wordlists.numbers_array(keys))
    every, first = pa.concat_arrays(lists), wordlists.first_places(numbers)
    again = np.flatnonzero(is_hash(keys))
    if not wordlists.take(every, again).equals(wordlists.take(every, first[numbers[again]])):
        return wordlists.merged(lists)
    ends = np.cumsum([0, *map(len, lists)])
    return wordlists.take(every, first), [numbers[a:b] for a, b in pairwise(ends)]
