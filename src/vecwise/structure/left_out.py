"""What words do to a score: of averages exactly, word by word; of any other text by leaving each word out.

This module must not know files. It needs all variants of a text at once, 2,000 words of both texts at most.
"""

from __future__ import annotations

from math import fsum
from typing import Any, Final

import numpy as np

from vecwise.encoders.average_map import AverageMap, Contribution
from vecwise.encoders.cuts import told_once
from vecwise.encoders.texts import text_column
from vecwise.errors import TooLarge, VecwiseError
from vecwise.kernels.arrays import dense
from vecwise.kernels.arrow import whole_numbers
from vecwise.kernels.sentences import words_of
from vecwise.kernels.similarity import PAIRS
from vecwise.measure.explain import Explanation, explained, length, titles_of
from vecwise.measure.norms import Normalized
from vecwise.runner import apply
from vecwise.vectors import Vectors
from vecwise.verbs import Chain

MOST_WORDS: Final = 2_000
_AT_A_TIME: Final = 256  # variants encoded together
_STRAY: Final = 1e-3  # of its length: how far a vector may lie from what its text says, and be that text's


def text_of(a: Vectors) -> tuple[str, str] | None:
    """Give the text column of a row and its text, where its encoder reads one."""
    if a.encoder is None or a.rows is None or not a.rows.num_rows:
        return None
    first = _maps(a)[0]
    holders = (first, getattr(first, "reading", None), getattr(first, "options", None))
    column = next((made for one in holders if (made := getattr(one, "column", None)) is not None), None)
    try:
        name = text_column(a.rows, column)
    except VecwiseError:
        return None
    return name, a.rows.column(name).to_pylist()[0] or ""


def _maps(a: Vectors) -> tuple[Any, ...]:
    return a.encoder.maps if isinstance(a.encoder, Chain) else (a.encoder,)


# ---- averages: a vector is the sum of what its words add ----


def is_average(a: Vectors) -> bool:
    """Whether the vector began as an average of words: its axes have names that say nothing."""
    return a.space.kind == "average" or (a.encoder is not None and isinstance(_maps(a)[0], AverageMap))


def by_words(a: Vectors, b: Vectors, metric: str, most: int | None) -> Explanation | None:
    """Explain an average by its words; `None` where a is no average, or no longer what its text says."""
    found = _contributions(a)
    if found is None or metric == "euclidean":
        return None
    parts, added = found
    other = dense(b.values)[0]
    scale = 1.0
    if metric == "cosine":
        whole = added.sum(axis=0)  # not the stored vector, which was rounded to float32
        scale = float(np.sqrt(whole @ whole)) * length(b)
    products = added @ other / scale if scale else np.full(len(parts), np.nan)
    sizes = np.sqrt(np.vecdot(added, added))
    along = np.divide(added @ other, sizes, out=np.zeros(len(parts)), where=sizes > 0)
    total = fsum(products) if scale else float("nan")
    if metric == "cosine" and scale:
        total = min(1.0, max(-1.0, total))
    return explained(
        metric, "words", total, lambda i: parts[i].word, (sizes, along, products), most=most,
        titles=titles_of(a, b), partners=_partners(added, along, b),
    )  # fmt: skip


def _contributions(a: Vectors) -> tuple[list[Contribution], np.ndarray] | None:
    """The words of an average and what each adds to the vector, `(words, dim)`, which sum to it."""
    if not is_average(a) or (text := text_of(a)) is None:
        return None
    first, *steps = _maps(a)
    if not all(isinstance(step, Normalized) for step in steps):
        return None
    parts = first.contributions(text[1])
    added = np.array([part.vector for part in parts]).reshape(-1, a.space.dim)
    vector, whole = dense(a.values)[0], added.sum(axis=0)
    if steps and whole.any():
        added = added * (length(a) / np.sqrt(whole @ whole))
        whole = added.sum(axis=0)
    stray = float(np.abs(whole - vector).max(initial=0.0))
    return None if stray > _STRAY * max(length(a), float(np.abs(added).max(initial=0.0))) else (parts, added)


def _partners(added: np.ndarray, along: np.ndarray, b: Vectors) -> list[str]:
    """For each word of a, the word of b that its product owes most to."""
    found = _contributions(b)
    if found is None or not found[0]:
        return []
    shared = (added @ found[1].T) * np.where(along < 0, -1.0, 1.0)[:, None]
    return [found[0][i].word for i in shared.argmax(axis=1).tolist()]


# ---- any other text: each word is left out in turn ----


def leaving_out(a: Vectors, b: Vectors, metric: str, most: int | None) -> Explanation | None:
    """Explain the score of two texts by what it loses when a word is left out of one of them; `None` where a vector is
    not, or no longer, what its text says.

    Cost: one text encoded for each word of both.
    """
    if text_of(a) is None or text_of(b) is None:
        return None
    spans = [_words(one) for one in (a, b)]
    if sum(map(len, spans)) > MOST_WORDS:
        raise TooLarge(
            f"These texts have {sum(map(len, spans)):,} words, and each is left out in turn; up to {MOST_WORDS:,} "
            "words are explained. Cut the texts into passages first (vw.passages, --passages N)."
        )
    total = float(PAIRS[metric](a.values, b.values)[0, 0])
    sides = ((a, spans[0], b), (b, spans[1], a))
    without = [_scores_without(one, words, other, metric) for one, words, other in sides]
    if without[0] is None or without[1] is None:
        return None
    gaps = [np.full(len(words), np.nan) for words in spans]
    names = [word for words in spans for word, _ in words]
    changes = total - np.concatenate([without[0], without[1]])
    columns = (np.concatenate([without[0], gaps[1]]), np.concatenate([gaps[0], without[1]]), changes)
    kept = np.flatnonzero(~np.isnan(changes))  # a text that becomes empty may have no cosine, and no change
    parts = (columns[0][kept], columns[1][kept], columns[2][kept])
    return explained(
        metric, "left out", total, lambda i: names[int(kept[i])], parts, most=most, titles=titles_of(a, b)
    )


def _words(a: Vectors) -> list[tuple[str, tuple[int, int]]]:
    found = text_of(a)
    assert found is not None  # noqa: S101  asked before
    return [(found[1][start:stop], (start, stop)) for start, stop in words_of(found[1])]


def _scores_without(
    a: Vectors, words: list[tuple[str, tuple[int, int]]], b: Vectors, metric: str
) -> np.ndarray | None:
    """The score of every variant of a's text that lacks one word; `None` where the text itself has another vector."""
    name, text = text_of(a) or ("", "")
    lacking = [" ".join((text[:start] + text[stop:]).split()) for _, (start, stop) in words]
    texts = [text, *lacking]
    assert a.rows is not None  # noqa: S101  its text was read from them
    table = a.rows.take(whole_numbers(np.zeros(len(texts), np.int64)))
    import pyarrow as pa

    table = table.set_column(table.column_names.index(name), name, pa.array(texts, pa.string()))
    with told_once():
        made = apply(a.encoder, table, size=_AT_A_TIME)  # type: ignore[arg-type]
    if not made.space.same_axes(a.space) or np.abs(
        dense(made.values[:1]) - dense(a.values)
    ).max() > _STRAY * length(a):
        return None
    return np.asarray(PAIRS[metric](made.values[1:], b.values)[:, 0])
