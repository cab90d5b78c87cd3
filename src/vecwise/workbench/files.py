"""A file as a whole: explore it, encode it, draw it.

This module must not know how its answers are printed.
"""

from __future__ import annotations

import warnings
from typing import Any

from vecwise.encoders.base import Remember
from vecwise.encoders.guess import Plan
from vecwise.errors import unknown
from vecwise.loading import load
from vecwise.resume import encode_into
from vecwise.storing import save_encoded
from vecwise.streaming import encode_file, is_large
from vecwise.telling.answer import Answer
from vecwise.telling.explored import explored, saved
from vecwise.vectors import Vectors, as_vectors
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name


def plot(X: Any, /, *, color: str | None = None, dim: int = 3) -> Any:
    """Draw vectors as a plotly Figure: their principal components, or themselves when they have `dim` dimensions.

    A table of all pairs (`vw.cosine`, `vw.dot`, `vw.distances`) is drawn as a heat map.

    `X` is `Vectors` or an array, `color` names a column of its rows, `dim` is 2 or 3. Raises `UnknownName`,
    `OutOfRange`, `EmptyInput` for no rows.

    >>> import vecwise as vw
    >>> figure = vw.plot(vw.Vectors([[0, 0, 1], [0, 1, 0], [1, 0, 0.5]]))
    >>> figure.data[0].type
    'scatter3d'
    """
    from vecwise.measure.similarity import Pairwise
    from vecwise.pictures import plot_vectors

    if isinstance(X, Pairwise):
        return X.plot()
    return plot_vectors(as_vectors(X), color=color, dim=dim)


# ---- the commands: each gives an `Answer`, which tells itself in words or as JSON ----


@tracked("explore")
def explore(
    path: str,
    *,
    html: str | None = None,
    color: str | None = None,
    sample: int | None = None,
    seed: int = 0,
    command: str = "",
    **options: Any,
) -> Answer:
    """Look at a file from every side; `html` is where the report goes (`None`: no report)."""
    from vecwise.explore import facts_of
    from vecwise.pictures import write_report

    refuse_overwriting(path, html)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = load(path, sample=sample, seed=seed, **options)
    if color is not None and (made.vectors.rows is None or color not in made.vectors.rows.column_names):
        raise unknown("column", color, [] if made.vectors.rows is None else made.vectors.rows.column_names)
    notes = tuple(dict.fromkeys(str(warning.message) for warning in caught))
    facts = facts_of(made.vectors, made.plan, seed=seed, notes=notes)
    name = display_name(path)
    if html is not None:
        write_report(html, facts, name=name, rows=made.total, color=color, command=command, seed=seed)
    return explored(name, made.total, facts, html)


@tracked("encode")
def encode_to(path: str, folder: str, **options: Any) -> Answer:
    """Encode a file and save the vectors as a folder."""
    whole = {
        "sample": None,
        "passages": None,
        "bad_rows": "error",
        "rejects": None,
    }  # what needs all rows at once
    if is_large(path) and all(options.get(name, usual) == usual for name, usual in whole.items()):
        batched = {key: value for key, value in options.items() if key not in (*whole, "seed")}
        streamed = encode_file(path, folder, **batched)
        if streamed is not None:
            return saved(streamed.head, folder, streamed.rows, streamed.known, streamed.plan)
    plans: list[Plan | None] = []

    def encoded(kept: Remember) -> Vectors:
        made = load(path, remember=kept, **options)
        plans.append(made.plan)
        return made.vectors

    X, known = encode_into(folder, encoded, lambda X, identity: save_encoded(X, folder, identity))
    return saved(X, folder, len(X), known, plans[0])
