"""The use cases that the command line and notebooks share: read, encode, save, open, explore, compare.

This module must not know how its answers are printed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vecwise import telling
from vecwise.encoders.base import Encoder
from vecwise.encoders.counts import CountEncoder, TfidfEncoder
from vecwise.encoders.guess import Plan, plan
from vecwise.encoders.queries import encode_query
from vecwise.encoders.sentence import SentenceEncoder
from vecwise.encoders.table import TableEncoder
from vecwise.errors import (
    Inapplicable,
    MissingValue,
    NotSavable,
    OutOfRange,
    TooLarge,
    WrongType,
    some,
    unknown,
)
from vecwise.explore import MEASURES, View, view_of
from vecwise.kernels.arrow import whole_numbers
from vecwise.runner import Progress, apply
from vecwise.space import Space
from vecwise.store import datasets
from vecwise.store.os_errors import shown
from vecwise.store.rows import as_table
from vecwise.store.sources import read
from vecwise.store.vector_columns import vectors_of
from vecwise.store.vector_files import is_vector_file, read_vectors
from vecwise.telling import Answer
from vecwise.vectors import Vectors, as_vectors

__all__ = ["Answer", "encode", "explore", "open", "plot", "read", "save"]

TEXT_CHUNK = 1024  # rows of text a chunk: half a second of sentences, so that progress moves
MOST_PAIRED = 50
NUMPY = "a NumPy file of vectors"


@dataclass(frozen=True, slots=True)
class Encoded:
    """Vectors, the plan they were made by (`None` for saved ones), and how many rows they were taken from."""

    vectors: Vectors
    plan: Plan | None
    total: int


def encode(
    rows: Any,
    /,
    encoder: str | Encoder = "auto",
    *,
    columns: Sequence[str] | None = None,
    text: str | None = None,
    ids: str | Sequence[Any] | None = None,
    missing: str | None = None,
    vectors: str | None = None,
    progress: Progress | None = None,
) -> Vectors:
    """Turn rows into vectors that know their space.

    `rows` is a list of texts, a table (Arrow, pandas, Polars, a dict of columns, a list of dicts) or a path
    to a file; a `.npy` or `.npz` file holds vectors already, and so may a column of lists of numbers, which
    `vectors` names where there are several. `encoder` is `"auto"` (running text: sentences, otherwise a
    table), `"table"`, `"sentence"`, `"count"`, `"tfidf"`, or an encoder object, which is fitted on the rows
    if it has not been yet. `columns` and `text` override which columns are encoded, `ids` names the id
    column or gives the ids, `missing` says what a missing cell becomes. `progress(done, total)` is called
    as rows are finished.

    Raises the errors of `read` and of the encoder, `Inapplicable` for options of encoding beside vectors;
    `UnknownName`, `NothingToEncode`, `DuplicateName` and `MissingValue` for ids, `WrongType` for an
    encoder that is none.

    >>> import vecwise as vw
    >>> X = vw.encode(["the sea", "the sky"], encoder="count")
    >>> X.space.features, X.values.toarray().tolist()
    (('the', 'sea', 'sky'), [[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
    >>> vw.encode({"title": ["the sea", "the sky"], "embedding": [[0.5, 2], [1, 4]]}).values.tolist()
    [[0.5, 2.0], [1.0, 4.0]]
    """
    if is_vector_file(rows):
        _refuse_options(
            rows, NUMPY, encoder=encoder, columns=columns, text=text, missing=missing, vectors=vectors
        )
        return _vectors_in(rows, ids).vectors
    table = read(rows) if isinstance(rows, (str, Path)) else as_table(rows)
    if isinstance(encoder, str):
        return encode_table(
            table,
            encoder=encoder,
            columns=columns,
            text=text,
            ids=ids,
            missing=missing,
            vectors=vectors,
            progress=progress,
        ).vectors
    if vectors is not None:
        raise Inapplicable("`vectors` are encoded already: give no encoder object beside them.")
    for name, value in (("columns", columns), ("text", text), ("missing", missing)):
        if value is not None:
            raise WrongType(f"`{name}` goes to the encoder's constructor when you give an encoder object.")
    if isinstance(encoder, type):
        raise WrongType(f"`encoder` is a class; give an encoder object: {encoder.__name__}().")
    if not hasattr(type(encoder), "map_"):
        raise WrongType(f'`encoder` is {type(encoder).__name__}; give an encoder object or a name: "auto".')
    return _run(encoder, table, ids, progress)


def encode_table(
    table: Any,
    *,
    encoder: str = "auto",
    columns: Sequence[str] | None = None,
    text: str | None = None,
    ids: str | Sequence[Any] | None = None,
    missing: str | None = None,
    vectors: str | None = None,
    progress: Progress | None = None,
) -> Encoded:
    """Plan, fit and encode an Arrow table; gives the plan beside the vectors, so that it can be told."""
    made = plan(
        table,
        encoder=encoder,
        columns=columns,
        text=text,
        missing=missing,
        vectors=vectors,
        leave_out=(ids,) if isinstance(ids, str) else (),
    )
    if made.encoder is None:
        return Encoded(_vectors_at(table, str(made.vectors), ids), made, table.num_rows)
    return Encoded(_run(made.encoder, table, ids, progress), made, table.num_rows)


def _run(encoder: Encoder, table: Any, ids: Any, progress: Progress | None) -> Vectors:
    if not encoder.is_fitted:
        encoder.fit(table)
    # One chunk at a time: the sentence model uses every core by itself, and counting holds the interpreter.
    size = max(1, table.num_rows) if isinstance(encoder, TableEncoder) else TEXT_CHUNK
    made = apply(encoder.map_, table, size=size, progress=progress)
    if ids is None:  # chunks number their rows from 0 each
        return Vectors._trusted(made.values, np.arange(len(made)), made.rows, made.space, encoder.map_)
    return Vectors(made.values, _ids(table, ids), made.rows, made.space, encoder=encoder.map_)


def _vectors_at(table: Any, column: str, ids: Any) -> Vectors:
    """The vectors of a column; the other columns are their rows."""
    names = _ids(table, ids)
    values = vectors_of(table.column(column), column, ids=names)
    beside = table.drop_columns([column])
    space = Space(values.shape[1], name=f"column `{column}`")
    return Vectors(values, names, beside if beside.num_columns else None, space)


def _vectors_in(path: str | Path, ids: Any = None, sample: int | None = None, seed: int = 0) -> Encoded:
    """The vectors of a NumPy file; a sample keeps its rows' own numbers, and only its rows are read."""
    if isinstance(ids, str):
        raise Inapplicable(f"{shown(path)} has no columns, so none can name its rows. Leave out `ids`.")
    values = read_vectors(path)
    total = int(values.shape[0])
    if sample is not None and sample < total:
        ids = _sample(total, sample, seed)
        values = values[ids]
    space = Space(int(values.shape[1]), name=f"vectors of {shown(Path(path).name)}")
    return Encoded(Vectors(values, ids, None, space), None, total)


def _ids(table: Any, ids: Any) -> Any:
    if not isinstance(ids, str):
        return ids
    if ids not in table.column_names:
        raise unknown("column", ids, table.column_names)
    column = table.column(ids)
    names = column.to_pylist()
    if any(name is None for name in names):
        raise MissingValue(
            f"Column `{ids}` is empty in row {names.index(None)} (counted from 0), so it cannot name the rows."
        )
    if all(isinstance(name, int) and not isinstance(name, bool) for name in names):
        return names
    return [str(name) for name in names]


def save(X: Vectors, path: str | Path, /) -> None:
    """Save vectors as a folder of Parquet parts and a manifest, with the encoder that made them.

    When it returns, the files are on disk (fsync) and the folder holds the new vectors whole; until then it
    holds the old ones. An encoder that cannot be written as plain data is left out with a warning.

    Raises `Unreadable` when the folder cannot be written, `DuplicateName` for reserved column names.

    >>> import tempfile, vecwise as vw
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     vw.save(vw.Vectors([[3.0, 4.0]], ids=["a"]), folder + "/points")
    ...     vw.open(folder + "/points")["a"].values
    array([[3., 4.]])
    """
    from vecwise.encoders.registry import to_data

    if not isinstance(X, Vectors):
        raise WrongType(
            f"`save` takes Vectors, not {type(X).__name__}. Wrap an array: vw.save(vw.Vectors(array), path)"
        )
    try:
        data = None if X.encoder is None else to_data(X.encoder)
    except NotSavable as error:
        import warnings

        warnings.warn(f"Saved without the encoder. {error}", stacklevel=2)
        data = None
    datasets.save(X, path, encoder=data)


def open(path: str | Path, /, *, verify: bool = True) -> Vectors:
    """Open saved vectors: the numbers are mapped from disk, not loaded; ids, rows, space and encoder come along.

    `verify` checks every file against the manifest's hash first (about a second per gigabyte).
    Opening runs no code from the folder. Raises `FileMissing`, `Damaged` naming the file, `Unreadable`.

    >>> import tempfile, vecwise as vw
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     vw.save(vw.encode(["the sea", "the sky"], encoder="count"), folder + "/songs")
    ...     vw.nearest(vw.open(folder + "/songs"), "sky", k=1).ids
    array([[1]])
    """
    from vecwise.encoders.registry import from_data

    made, data = datasets.load(path, verify=verify)
    if data is None:
        return made
    return Vectors._trusted(made.values, made.ids, made.rows, made.space, from_data(data))


def load(
    path: str | Path,
    *,
    format: str | None = None,
    encoding: str = "utf-8",
    as_text: Sequence[str] = (),
    sample: int | None = None,
    seed: int = 0,
    **options: Any,
) -> Encoded:
    """Give the vectors of a PATH: a saved folder or a NumPy file is opened, a data file is read and encoded.

    `sample` keeps that many rows, chosen by `seed`, in file order and under their own numbers. Raises
    `Inapplicable` for options of reading or encoding with a saved folder or a NumPy file: both are encoded.
    """
    if sample is not None and sample < 1:
        raise OutOfRange(f"`--sample` keeps at least one row, not {sample}.")
    if str(path) != "-" and Path(path).is_dir():
        _refuse_options(
            path, "a folder of saved vectors", format=format, encoding=encoding, as_text=as_text, **options
        )
        made = open(path)
        return Encoded(made if sample is None else made[_sample(len(made), sample, seed)], None, len(made))
    if is_vector_file(path):
        _refuse_options(path, NUMPY, format=format, encoding=encoding, as_text=as_text, **options)
        return _vectors_in(path, None, sample, seed)
    table = read(path, format=format, encoding=encoding, as_text=as_text)
    total = table.num_rows
    keep = None if sample is None else _sample(table.num_rows, sample, seed)
    if keep is not None and len(keep) < table.num_rows:
        table = table.take(whole_numbers(keep))
        if options.get("ids") is None:
            options["ids"] = keep.tolist()
    made_now = encode_table(table, **options)
    return Encoded(made_now.vectors, made_now.plan, total)


def _refuse_options(path: str | Path, what: str, /, **options: Any) -> None:
    usual = {"encoder": "auto", "encoding": "utf-8", "as_text": ()}
    given = [f"--{name.replace('_', '-')}" for name, value in options.items()
             if name != "progress" and value is not None and value != usual.get(name)]  # fmt: skip
    if given:
        raise Inapplicable(
            f"{some([path])} is {what}, which are read and encoded already: {some(given, 8)} "
            "would have no effect. Leave out the options, or give a data file."
        )


def _sample(count: int, sample: int, seed: int) -> np.ndarray:
    if sample >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, sample, replace=False))


def plot(X: Any, /, *, color: str | None = None, dim: int = 3) -> Any:
    """Draw vectors as a plotly Figure: their principal components, or themselves when they have `dim` dimensions.

    `X` is `Vectors` or an array, `color` names a column of its rows, `dim` is 2 or 3. Raises `UnknownName`,
    `OutOfRange`, `EmptyInput` for no rows.

    >>> import vecwise as vw
    >>> figure = vw.plot(vw.Vectors([[0, 0, 1], [0, 1, 0], [1, 0, 0.5]]))
    >>> figure.data[0].type
    'scatter3d'
    """
    from vecwise.pictures import plot_vectors

    return plot_vectors(as_vectors(X), color=color, dim=dim)


# ---- the commands: each gives an `Answer`, which tells itself in words or as JSON ----


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

    made = load(path, sample=sample, seed=seed, **options)
    if color is not None and (made.vectors.rows is None or color not in made.vectors.rows.column_names):
        raise unknown("column", color, [] if made.vectors.rows is None else made.vectors.rows.column_names)
    facts = facts_of(made.vectors, made.plan, seed=seed)
    name = display_name(path)
    if html is not None:
        write_report(html, facts, name=name, rows=made.total, color=color, command=command, seed=seed)
    return telling.explored(name, made.total, facts, html)


def encode_to(path: str, folder: str, **options: Any) -> Answer:
    """Encode a file and save the vectors as a folder."""
    X = load(path, **options).vectors
    save(X, folder)
    made = telling.own_name(X)
    origin = f"by {telling.encoder_name(X)}" if made is None else f"({made})"
    line = f"{len(X):,} × {X.shape[1]:,} vectors {origin}, saved in {folder}"
    data = {"folder": folder, "rows": len(X), "dim": X.shape[1], "space": telling.space_data(X)}
    return Answer([(line, [])], data)


def health_of(path: str, **options: Any) -> Answer:
    """Check the vectors of a PATH."""
    from vecwise.measure.health import health

    X = load(path, **options).vectors
    return telling.healthy(display_name(path), health(X), X)


def similar(a: str, b: str, *, encoder: str = "sentence") -> Answer:
    """Compare two texts: inner product, cosine, Euclidean and Manhattan distance, and what they mean."""
    from vecwise.measure.similarity import cosine, distances, dot

    # No guess is needed, and none is made: it would load Arrow's functions for two texts.
    X = encode([a, b], {"sentence": SentenceEncoder, "count": CountEncoder, "tfidf": TfidfEncoder}[encoder]())
    left, right = X[0], X[1]
    found = {
        "dot": dot(left, right),
        "cosine": cosine(left, right),
        "euclidean": distances(left, right),
        "manhattan": distances(left, right, metric="manhattan"),
    }
    scores = {name: telling.plain(table.values.tolist()[0][0]) for name, table in found.items()}
    return telling.compared(a, b, X, scores, _shared(X) if X.is_sparse else None)


def _shared(X: Vectors) -> tuple[int, int]:
    """How many different words two rows of counts share, and how many they have together."""
    has = np.asarray(X) != 0
    return int(has.all(axis=0).sum()), int(has.any(axis=0).sum())


def nearest_in(
    path: str, query: str | None, *, row: str | None = None, k: int = 10, metric: str = "auto", **options: Any
) -> Answer:
    """Find the rows of a PATH nearest to a text, to a row given as JSON, or to one of its own rows."""
    from vecwise.measure.nearest import nearest

    if k < 1:
        raise OutOfRange(f"`-k` is how many rows to give, at least 1, not {k}.")
    if query is None and row is None:
        raise OutOfRange("Give a query, or --row ID.")
    if query is not None and row is not None:
        raise OutOfRange("Give a query or --row ID, not both.")
    made = load(path, **options)
    view = _viewed(made.vectors, metric)
    X = view.vectors
    asked = X.by_id(_id_of(X, row)) if row is not None else encode_query(X, query or "")
    found = nearest(X, asked, k=k + (row is not None), metric=view.metric)
    return telling.neighbors(found, view, made, query, asked if row is not None else None, k)


def _viewed(X: Vectors, metric: str) -> View:
    """What rows are compared by: a named metric on the vectors as they are, or what their health advises."""
    from vecwise.measure.health import health

    return view_of(X, health(X)) if metric == "auto" else View(X, metric, MEASURES.get(metric, metric))


def _id_of(X: Vectors, row: str) -> Any:
    if X.ids.dtype == object:
        return row
    if not re.fullmatch("-?[0-9]{1,18}", row):
        raise unknown("row with the id", row, [str(i) for i in X.ids[:1000].tolist()])
    return int(row)


def pairs_of(path: str, *, metric: str = "auto", **options: Any) -> Answer:
    """Give the labelled table of all pairs of up to 50 rows."""
    from vecwise.measure.similarity import cosine, distances, dot

    made = load(path, **options)
    if len(made.vectors) > MOST_PAIRED:
        raise TooLarge(
            f"A table of {len(made.vectors):,} × {len(made.vectors):,} pairs is no reading matter; up to "
            f"{MOST_PAIRED} rows are shown. Use --sample {MOST_PAIRED}, or `vecwise nearest` for single rows."
        )
    view = _viewed(made.vectors, metric)
    compare = {"cosine": cosine, "dot": dot}.get(view.metric) or partial(distances, metric=view.metric)
    return telling.paired(display_name(path), compare(view.vectors), view, made)


def display_name(path: str) -> str:
    """What to call the input: the file's name, or standard input."""
    return "standard input" if path == "-" else Path(path).name or str(path)
