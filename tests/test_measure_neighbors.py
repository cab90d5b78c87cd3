"""The value that a search gives: its table, its DataFrame, and what is seen of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

import vecwise as vw

X = vw.Vectors(
    [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], ids=["east", "north", "between"],
    rows=pa.table({"name": ["E", "N", "<b>"], "long": ["w" * 50, "", "x"], "n": [1, 2, 3], "hidden": [0, 0, 0]}),
)  # fmt: skip


def test_repr_is_the_table_of_the_first_query() -> None:
    lines = repr(vw.nearest(X, [[2.0, 1.9]], k=2, metric="cosine")).splitlines()
    assert lines[0] == "Neighbors of 1 query: 2 rows, by cosine"
    assert lines[1].split() == ["rank", "id", "score", "name", "long", "n"]
    assert lines[2].split() == ["1", "between", "0.9997", "<b>", "x", "3"]
    assert lines[3].split()[4] == "w" * 23 + "…"
    many = repr(vw.nearest(X, X, k=1, metric="euclidean"))
    assert many.splitlines()[0] == "Neighbors of 3 queries, 1 each, by Euclidean distance; of the first"
    assert repr(vw.nearest(X, X, radius=0.1, metric="euclidean", exclude=["east"])).startswith(
        "Neighbors of 3 queries, 0 to 1 each"
    )


def test_repr_says_why_there_is_no_score() -> None:
    said = repr(vw.nearest(X, [[0.0, 0.0]], metric="cosine"))
    assert "the query is all zeros, so no row has a score" in said
    assert "null" in said


def test_html_is_safe_and_long_answers_are_cut() -> None:
    assert "&lt;b&gt;" in vw.nearest(X, [[2.0, 1.9]], metric="cosine")._repr_html_()
    many = vw.nearest(np.arange(40.0).reshape(20, 2), [[1.0, 2.0]], k=15, metric="euclidean")
    assert repr(many).splitlines()[-1] == "  … 5 more rows"


def test_to_pandas_is_to_arrow() -> None:
    found = vw.nearest(X, X, k=2, metric="euclidean")
    assert found.to_pandas(rows=True).equals(pd.DataFrame(found.to_arrow(rows=True).to_pydict()))
    assert found.to_pandas()["score"].tolist() == found.scores.ravel().tolist()
