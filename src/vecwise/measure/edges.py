"""A table of edges: pairs of rows with their scores.

This module must not know how the pairs were found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vecwise.draw.words import score as score_words
from vecwise.errors import missing_package
from vecwise.kernels.arrow import whole_numbers
from vecwise.kernels.similarity import SIMILARITIES
from vecwise.store.row_files import write_rows
from vecwise.table_text import count, preview_html, preview_text


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Pairs of rows with their scores: `left[i]` and `right[i]` are ids, `places[i]` the row numbers of both.

    In the order of the rows: by the left row, then by the right one (`k=`: best first). `kind` says whether a score
    is a similarity, which grows with likeness, or a distance; `measure` says in words what rows were compared by.
    `unscored` counts rows that have no score: the cosine of a zero vector. `compared` is how many pairs were looked at.
    """

    left: np.ndarray
    right: np.ndarray
    scores: np.ndarray
    places: np.ndarray
    metric: str
    compared: int
    unscored: int = 0
    measure: str = ""

    @property
    def kind(self) -> str:
        """`"similarity"` or `"distance"`."""
        return "similarity" if self.metric in SIMILARITIES else "distance"

    def __len__(self) -> int:
        return len(self.scores)

    def best(self, n: int = 10) -> Edges:
        """Give the n pairs with the best scores, best first; of equal ones the first rows."""
        ranked = np.argsort(-self.scores if self.kind == "similarity" else self.scores, kind="stable")[:n]
        parts = {name: getattr(self, name)[ranked] for name in ("left", "right", "scores", "places")}
        return replace(self, **parts)

    def to_arrow(self) -> Any:
        """Give an Arrow table with the columns `left`, `right` and `score`."""
        import pyarrow as pa

        columns = [arrow_ids(self.left), arrow_ids(self.right), pa.array(self.scores)]
        return pa.table(columns, names=["left", "right", "score"])

    def to_pandas(self) -> Any:
        """Give a pandas DataFrame with the columns `left`, `right` and `score`."""
        try:
            import pandas as pd
        except ImportError as error:
            raise missing_package("pandas", "to_pandas()", "'vecwise[pandas]'") from error
        return pd.DataFrame({"left": self.left, "right": self.right, "score": self.scores})

    def save(self, path: Any) -> None:
        """Write the table as CSV, TSV, JSON Lines, Parquet or Arrow, as the name's ending says; whole or not at all.

        Raises `UnknownFormat` for another ending, `Unreadable` where the file cannot be written.
        """
        write_rows(self.to_arrow(), path)

    def __repr__(self) -> str:
        return preview_text(self._headline(), *self._preview())

    def _repr_html_(self) -> str:
        return preview_html(self._headline(), *self._preview())

    def _headline(self) -> str:
        return f"Edges: {count(len(self), 'pair')} of {self.compared:,}, by {self.measure or self.metric}"

    def _preview(self, most: int = 10) -> tuple[list[str], list[list[str]], int]:
        shown = zip(
            self.left[:most].tolist(), self.right[:most].tolist(), self.scores[:most].tolist(), strict=True
        )
        cells = [[str(a), str(b), score_words(score)] for a, b, score in shown]
        return ["left", "right", "score"], cells, max(0, len(self) - most)


def arrow_ids(ids: np.ndarray) -> Any:
    """Give ids as an Arrow array of strings or whole numbers."""
    import pyarrow as pa

    return pa.array(ids.tolist(), pa.string()) if ids.dtype == object else whole_numbers(ids)
