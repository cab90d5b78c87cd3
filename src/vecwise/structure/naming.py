"""Clusters named from what they hold: the words that tell them from the others, or the features that stand out.

This module must not know how clusters were found, nor the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vecwise.draw.words import number
from vecwise.encoders.reading import Reading
from vecwise.encoders.texts import is_text, text_column
from vecwise.errors import VecwiseError
from vecwise.kernels.arrays import dense
from vecwise.kernels.wordlists import to_words
from vecwise.measure.spread import Dimensions
from vecwise.runner import Engine, blocks, fold
from vecwise.structure.function_words import function_words
from vecwise.table_text import clip
from vecwise.vectors import Vectors

PARTS: Final = 3  # of a name; a fourth tells two of the same name apart
NOTABLE: Final = 0.5  # standard deviations from the mean of all rows, below which a feature says nothing
_WIDTH: Final = 24  # characters of a part
_MANY: Final = 50  # rows
_LOOKED: Final = 64  # words, of which some stand in one row only
_FEW: Final = 5  # rows of a cluster from which a word must stand in two of them


def named(
    X: Vectors, labels: np.ndarray, count: int, *, text: str | None, engine: Engine | None
) -> list[str]:
    """Give `count` names, no two alike: by words of a text column, else by features, else by number.

    `text` names the column; without it the encoder's own is read, or the only one of text beside vectors
    without names. Raises what reading a column of that name raises.
    """
    column = text_of(X, text)
    if column is not None:
        words, counts = _counted(X.rows, column)
        parts = distinctive_words(counts, labels, count, words)
    elif X.space.features is not None and X.is_sparse and "non-negative" in X.space.claims:
        parts = distinctive_words(X.values, labels, count, X.space.features)
    elif X.space.features is not None:
        parts = distinctive_features(X, labels, count, engine)
    else:
        parts = [[] for _ in range(count)]
    return _unique(parts)


def unnamed(count: int) -> list[str]:
    """Give names that are numbers."""
    return [f"cluster {place}" for place in range(count)]


def text_of(X: Vectors, text: str | None) -> str | None:
    """The column whose words name clusters, if there is one."""
    if X.rows is None:
        return None
    if text is not None:
        return text_column(X.rows, text)
    reader: Any = getattr(X.encoder, "maps", (X.encoder,))[0]
    if reader is not None and hasattr(reader, "columns") and hasattr(reader, "sources"):
        return None  # a table is named by its features
    own = getattr(reader, "column", None) or getattr(getattr(reader, "reading", None), "column", None)
    if own is not None and own in X.rows.column_names and is_text(X.rows.schema.field(own).type):
        return str(own)
    try:
        return text_column(X.rows)
    except VecwiseError:
        return None


def _counted(rows: Any, column: str) -> tuple[list[str], Any]:
    """The words of a column and how often each row has them."""
    reading = Reading("word", True, column, "empty")
    tokens = reading.tokens(rows)
    width = len(tokens.words)
    return to_words(tokens.words), reading.counts(tokens, np.arange(width, dtype=np.int32), width)


def word_scores(counts: Any, labels: np.ndarray, count: int) -> Any:
    """Give how much words tell clusters apart, CSR `(count, words)`; rows labelled -1 are left out.

    A word that stands `tf` times among the `n` words of a cluster and `f` times among all `N` scores
    `tf / n · log(1 + A / f) · log(tf N / (n f))`, where clusters have `A` words on average: class-based TF-IDF
    (Grootendorst 2022, arXiv:2203.05794) times the logarithm of how much more frequent the word is here than in all
    rows, which is 0 for words that stand everywhere alike. One cluster alone has no last factor.
    """
    from scipy.sparse import csr_array

    rows = np.flatnonzero(labels >= 0)
    member = csr_array((np.ones(len(rows)), (labels[rows], rows)), shape=(count, len(labels)))
    sums = csr_array(member @ counts.astype(np.float64))
    sums.sort_indices()
    words = dense(sums.sum(axis=1)).reshape(-1)
    everywhere = dense(sums.sum(axis=0)).reshape(-1)[sums.indices]
    shares = sums.data / np.repeat(words, np.diff(sums.indptr))
    scores = shares * np.log1p(words.mean() / everywhere)
    if count > 1:
        scores *= np.log(shares * words.sum() / everywhere)
    return csr_array((scores, sums.indices, sums.indptr), shape=sums.shape)


def distinctive_words(counts: Any, labels: np.ndarray, count: int, words: Sequence[str]) -> list[list[str]]:
    """Give each cluster's words by `word_scores`, best first; of equals the earlier word.

    Left out are words no more frequent in the cluster than in all rows, those of a single row of five or more and, if
    others are left, function words of the language ("the", "of") and, of 50 rows or more, words in a tenth of all rows
    and half as many as a cluster has.
    """
    empty = function_words(words, np.bincount(counts.indices, counts.data, minlength=counts.shape[1]))
    scores = word_scores(counts, labels, count)
    rows = np.flatnonzero(labels >= 0)
    most = len(rows) * (max(0.1, 0.5 / count) if len(rows) >= _MANY else 1.0)
    usual = np.bincount(counts[rows].indices, minlength=counts.shape[1]) > most
    made = []
    for cluster in range(count):
        part = slice(scores.indptr[cluster], scores.indptr[cluster + 1])
        places, found = scores.indices[part], scores.data[part]
        keep = np.flatnonzero(found > 1e-12)
        best = places[keep[np.lexsort((places[keep], -found[keep]))]][:_LOOKED]
        inside = np.flatnonzero(labels == cluster)
        if len(inside) >= _FEW:
            rows_with = np.bincount(counts[inside].indices, minlength=counts.shape[1])
            best = best[rows_with[best] > 1]
        for vague in (empty, usual):
            best = best[~vague[best]] if not vague[best].all() else best
        made.append([clip(words[place], _WIDTH) for place in best[: PARTS + 1].tolist()])
    return made


def distinctive_features(
    X: Vectors, labels: np.ndarray, count: int, engine: Engine | None = None
) -> list[list[str]]:
    """Give each cluster's features whose mean is farthest from that of all rows, in standard deviations, in words:
    "grade high", "waterfront 1", "kind house" for one of several labels.

    Features nearer than half a standard deviation say nothing.
    """
    extent = fold(Dimensions(X.space.dim), blocks(X.values), engine=engine)
    n, mean, scatter = extent.moments[:3]
    binary = (extent.low == 0) & (extent.high == 1)
    binary &= np.abs(scatter - n * mean * (1 - mean)) <= 1e-6 * n
    deviation = np.sqrt(scatter / max(1, n))
    means = _means(X, labels, count)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.where(deviation > 0, (means - mean) / deviation, 0.0)
    order = np.argsort(-np.abs(apart), axis=1, kind="stable")
    names = X.space.feature_names()
    made = []
    for cluster in range(count):
        parts: list[str] = []
        for place in order[cluster].tolist():
            if abs(apart[cluster, place]) < NOTABLE or len(parts) > PARTS:
                break
            said = _said(names[place], apart[cluster, place], means[cluster, place], binary[place])
            if said:
                parts.append(said)
        made.append(parts)
    return made


def _said(name: str, apart: float, mean: float, binary: bool) -> str:
    column, equals, label = name.partition("=")
    if binary and equals:
        return f"{clip(column, _WIDTH)} {clip(label, _WIDTH)}" if mean > 0.5 else ""
    if binary:
        return f"{clip(name, _WIDTH)} {int(mean > 0.5)}" if (mean > 0.5) == (apart > 0) else ""
    return f"{clip(name, _WIDTH)} {'high' if apart > 0 else 'low'}"


def _means(X: Vectors, labels: np.ndarray, count: int) -> np.ndarray:
    made = np.zeros((count, X.space.dim))
    for cluster in range(count):
        values = X.values[np.flatnonzero(labels == cluster)]
        made[cluster] = dense(values.mean(axis=0, dtype=np.float64)).reshape(-1)
    return made


def _unique(parts: list[list[str]]) -> list[str]:
    """Names of a few parts, told apart by one part more, or by a number."""
    names = [", ".join(part[:PARTS]) or f"cluster {place}" for place, part in enumerate(parts)]
    for place, part in enumerate(parts):
        if names.count(names[place]) > 1 and len(part) > PARTS:
            names[place] = ", ".join(part[: PARTS + 1])
    taken: set[str] = set()
    for place, name in enumerate(names):
        made, again = name, 2
        while made in taken:
            made, again = f"{name} ({number(again)})", again + 1
        taken.add(made)
        names[place] = made
    return names
