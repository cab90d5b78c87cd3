"""A saved model asked about the rows of a file.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from typing import Any

from vecwise.encoders.base import Encoder
from vecwise.encoders.fitted import FittedEncoder
from vecwise.encoders.guess import plan
from vecwise.given_vectors import names_of, vectors_at
from vecwise.loading import load as loaded
from vecwise.loading import read_rows_by, vectors_already
from vecwise.models.chained import ChainModel, open_model, taken_by
from vecwise.telling.answer import Answer
from vecwise.telling.predicted import predicted
from vecwise.vectors import Vectors
from vecwise.verbs import with_axes_of
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name


@tracked("predict")
def predict_of(
    model: str,
    path: str,
    *,
    csv: str | None = None,
    ids: str | None = None,
    progress: Any = None,
    **options: Any,
) -> Answer:
    """Predict every row of a PATH by a saved model or `models:/NAME@champion`; `csv` gets id and prediction."""
    refuse_overwriting(path, csv)
    opened = open_model(model)
    X = _vectors(opened, path, ids, progress, options)
    said = opened.predict(X)
    if csv is not None:
        import pyarrow as pa

        from vecwise.store.row_files import write_rows

        write_rows(pa.table({"id": X.ids.tolist(), opened.target or "predicted": said.tolist()}), csv)
    return predicted(display_name(path), opened, X, said, csv)


def _vectors(
    opened: ChainModel, path: str, ids: str | None, progress: Any, options: dict[str, Any]
) -> Vectors:
    """The rows as the model's own encoder reads them, or vectors that are there already."""
    if vectors_already(path, ids=ids, **{k: v for k, v in options.items() if k not in ("seed", "sample")}):
        X = loaded(path, ids=ids, **options).vectors
        return with_axes_of(taken_by(opened), X)
    table, own, _ = read_rows_by(options, path)
    names = names_of(table, ids) if ids is not None else own
    takes = taken_by(opened)
    if takes is not None and (column := plan(table, vectors=options.get("vectors")).vectors) is not None:
        return with_axes_of(takes, vectors_at(table, column, names))
    made = _encoder(opened).encode(table, progress=progress)
    return made if names is None else Vectors(made, names, space=made.space, encoder=made.encoder)


def _encoder(opened: ChainModel) -> Encoder:
    from vecwise.errors import Inapplicable

    if opened.encoder is None or taken_by(opened) is not None:
        raise Inapplicable(
            "This model takes vectors, without an encoder of rows: give it a file or a folder of vectors."
        )
    return FittedEncoder.of(opened.encoder)
