"""The nearest rows that a search found, as a value: ids, scores, tables, and what is seen of them at a glance.

This module must not know how they were found.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Any, Final

import numpy as np

from vecwise.draw.words import cell, count
from vecwise.draw.words import score as score_words
from vecwise.errors import missing_package
from vecwise.kernels.arrow import whole_numbers
from vecwise.table_text import free_name, preview_html, preview_text
from vecwise.vectors import Vectors

_SHOWN: Final = 10  # rows of a preview
_COLUMNS: Final = 3  # of the rows that were found, beside id and score


@dataclass(frozen=True, slots=True, eq=False)
class Neighbors:
    """The nearest rows of every query, best first: `ids`, `places` and `scores`, all `(queries, k)`.

    Searched by radius, each of them is a list with an array a query, since queries find different numbers of rows.
    `scores` are similarities for `"cosine"` and `"dot"`, distances otherwise; NaN ("no value") comes last.
    `measure` says in words what rows were compared by. `rows[i]` is an Arrow table of the rows found for query `i`, or
    `None` if the vectors came without rows.
    """

    ids: Any
    places: Any
    scores: Any
    metric: str
    corpus: Vectors
    measure: str = ""

    @property
    def rows(self) -> list[Any] | None:
        """The rows that were found, one Arrow table a query."""
        if self.corpus.rows is None:
            return None
        return [self.corpus.rows.take(whole_numbers(places)) for places in self.places]

    @property
    def lengths(self) -> np.ndarray:
        """How many rows were found for each query, `(queries,)`."""
        return np.array([len(places) for places in self.places], dtype=np.int64)

    def to_arrow(self, *, rows: bool = False) -> Any:
        """Give a table with a row for each pair: `query` (its number), `rank` from 1, `id` and `score`.

        With `rows`, the columns of the rows that were found stand beside; one of these names becomes `id (column)`.
        """
        import pyarrow as pa

        lengths = self.lengths
        query = np.repeat(np.arange(len(lengths)), lengths)
        rank = np.concatenate([np.arange(1, n + 1) for n in lengths.tolist()] or [np.zeros(0, np.int64)])
        ids = [name for found in self.ids for name in found.tolist()]
        kind = pa.string() if self.corpus.ids.dtype == object else pa.int64()
        scores = np.concatenate([np.zeros(0), *self.scores])
        made = pa.table({"query": query, "rank": rank, "id": pa.array(ids, kind), "score": scores})
        if rows and self.corpus.rows is not None:
            places = np.concatenate([np.zeros(0, np.int64), *self.places])
            beside = self.corpus.rows.take(whole_numbers(places))
            for name in beside.column_names:
                made = made.append_column(free_name(name, made.column_names), beside.column(name))
        return made

    def to_pandas(self, *, rows: bool = False) -> Any:
        """Give the same as a pandas DataFrame. Raises `MissingPackage` without pandas.

        >>> import vecwise as vw
        >>> vw.nearest([[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0]]).to_pandas().columns.tolist()
        ['query', 'rank', 'id', 'score']
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise missing_package("pandas", "to_pandas()", "'vecwise[pandas]'") from error
        table = self.to_arrow(rows=rows)
        return pd.DataFrame({name: table.column(name).to_pylist() for name in table.column_names})

    def __repr__(self) -> str:
        return preview_text(self._headline(), *self._preview())

    def _repr_html_(self) -> str:
        return preview_html(self._headline(), *self._preview())

    def _headline(self) -> str:
        lengths = self.lengths
        low, high = (int(lengths.min()), int(lengths.max())) if len(lengths) else (0, 0)
        many = len(lengths) != 1
        each = (
            f", {low:,} to {high:,} each"
            if low != high
            else f", {low:,} each"
            if many
            else f": {count(low, 'row')}"
        )
        said = f"Neighbors of {count(len(lengths), 'query')}{each}, by {self.measure or self.metric}"
        said += self._unscored()
        return f"{said}; of the first" if many and high else said

    def _unscored(self) -> str:
        """Why queries found rows without a score, if any did: the best row of such a query has none either."""
        best = [(s[0], p[0]) for s, p in zip(self.scores, self.places, strict=True) if len(s)]
        places = [place for value, place in best if isnan(value)]
        if not places:
            return ""
        if not abs(self.corpus.values[places[0]]).sum():
            return "; no row has a score, for every row is all zeros"
        if len(self.scores) == 1:
            return "; the query is all zeros, so no row has a score"
        return f"; {count(len(places), 'query')} of all zeros, to which no row has a score"

    def _preview(self) -> tuple[list[str], list[list[str]], int]:
        """The rows of the first query."""
        if not len(self.lengths):
            return ["rank", "id", "score"], [], 0
        places, ids, scores = (np.asarray(part[0])[:_SHOWN] for part in (self.places, self.ids, self.scores))
        names: list[str] = [] if self.corpus.rows is None else self.corpus.rows.column_names[:_COLUMNS]
        beside = (
            [{}] * len(places)
            if self.corpus.rows is None or not names
            else self.corpus.rows.select(names).take(whole_numbers(places)).to_pylist()
        )
        cells = [
            [
                str(rank),
                str(name),
                "null" if isnan(score) else score_words(score),
                *(cell(row[n]) for n in names),
            ]
            for rank, (name, score, row) in enumerate(
                zip(ids.tolist(), scores.tolist(), beside, strict=True), start=1
            )
        ]
        return ["rank", "id", "score", *names], cells, int(self.lengths[0]) - len(cells)
