"""Why two rows of a file, or two texts, are close.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from typing import Any, Final

from vecwise.errors import Inapplicable, OutOfRange, some
from vecwise.explore import shown_columns
from vecwise.kernels.arrays import dense
from vecwise.loading import encode, load
from vecwise.structure.explain import explain
from vecwise.table_text import clip
from vecwise.telling.answer import Answer
from vecwise.telling.explaining import Pair, explanation
from vecwise.telling.words import told
from vecwise.vectors import Vectors
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name, id_of

_USUAL: Final[tuple[Any, ...]] = (
    None,
    0,
    "error",
    "utf-8",
    {},
    (),
    [],
)  # what the options of reading a file are, where none is given


def explain_rows(
    path: str, a: str, b: str, *, most: int = 10, metric: str = "auto", **options: Any
) -> Answer:
    """Tell why two rows of a PATH, named by their ids, are close, by what `nearest` compares them by."""
    made = load(path, **options)
    X = made.vectors
    rows = [X.by_id(id_of(X, name)) for name in (a, b)]
    found = explain(*rows, most=most, metric=metric, among=X)
    shown = shown_columns(made.vectors, made.plan)
    words = [told(row, 0, shown) or f"row {name}" for row, name in zip(rows, (a, b), strict=True)]
    name = f"{display_name(path)}, rows {clip(a, 12)} and {clip(b, 12)}"
    return explanation(name, found, _pair((words[0], words[1]), *rows), X, found.measure)


def explain_texts(
    a: str, b: str, *, encoder: str = "auto", most: int = 10, metric: str = "auto", **options: Any
) -> Answer:
    """Tell why two texts are close: sentences where no encoder is named."""
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value not in _USUAL]
    if given:
        raise Inapplicable(
            f"{some(given)}: these options read a file, and --texts gives the texts themselves."
        )
    X = encode([a, b], "sentence" if encoder == "auto" else encoder)
    found = explain(X[0], X[1], most=most, metric=metric)
    words = (f"“{clip(a, 90)}”", f"“{clip(b, 90)}”")
    return explanation("Two texts", found, _pair(words, X[0], X[1]), X)


def _pair(words: tuple[str, str], a: Vectors, b: Vectors) -> Pair:
    """The two rows that are explained, and what can be said of them before any part."""
    cells = [dense(row.values) for row in (a, b)]
    zeros = "".join(letter for letter, row in zip("ab", cells, strict=True) if not row.any())
    return Pair(words, bool((cells[0] == cells[1]).all()), zeros)


@tracked("explain")
def asked_about(
    path: str | None, rows: tuple[str, ...], texts: tuple[str, str] | None, **options: Any
) -> Answer:
    """Explain two rows of a PATH, or two texts: one or the other."""
    if texts is not None:
        if path is not None:
            raise OutOfRange("Give PATH ROW_A ROW_B, or --texts A B, not both.")
        options.pop("progress", None)
        return explain_texts(*texts, **options)
    if path is None or len(rows) != 2:
        raise OutOfRange("Give PATH ROW_A ROW_B, the ids of two rows; or --texts A B.")
    return explain_rows(path, *rows, **options)
