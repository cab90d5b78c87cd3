"""Rows become vectors: encode, and whatever a PATH holds.

This module must not know what is asked of the vectors afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from vecwise.encoders.base import Encoder, Remember
from vecwise.encoders.guess import Plan, plan
from vecwise.encoders.passages import PARENT, PASSAGE
from vecwise.encoders.passages import passages as passages_of
from vecwise.encoders.registry import ENCODERS, as_encoder
from vecwise.errors import Inapplicable, NothingToEncode, OutOfRange, WrongType, some
from vecwise.given_vectors import names_of, sampled, vectors_as_they_lie, vectors_at
from vecwise.kernels.arrow import numbers, whole_numbers
from vecwise.resume import encode_into
from vecwise.row_ids import as_ids
from vecwise.runner import Progress
from vecwise.store import datasets, encoder_folders
from vecwise.store.os_errors import shown
from vecwise.store.rows import as_table
from vecwise.store.sources import read
from vecwise.store.vector_files import SUFFIXES, is_vector_file, kind_of_file
from vecwise.storing import open, open_encoder, save_encoded
from vecwise.tracking.recorder import current
from vecwise.tracking.registry import names_a_model
from vecwise.tracking.resolving import names_a_run, resolve
from vecwise.vectors import Vectors
from vecwise.verbs import entrance, onward, with_axes_of

# What an option is when nobody gave it.
_USUAL: Final[dict[str, Any]] = {
    "encoder": "auto",
    "encoding": "utf-8",
    "as_text": (),
    "settings": {},
    "bad_rows": "error",
    "seed": 0,
}
_READING: Final = ("format", "encoding", "as_text", "bad_rows", "rejects", "sample", "seed")


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
    into: str | Path | None = None,
    progress: Progress | None = None,
    remember: Remember | None = None,
) -> Vectors:
    """Turn rows into vectors that know their space.

    `rows` is a list of texts, a table (Arrow, pandas, Polars, a dict of columns, a list of dicts) or a path
    to a file; a file of vectors (`.npy`, `.npz`, `.safetensors`, a TSV or CSV of bare numbers) holds them
    already, and so may a column of lists of numbers; `vectors` names the column, or the array of the file, where
    there are several. `encoder` is `"auto"` (running text: sentences, otherwise a table), the name of an encoder
    such as `"table"`, `"sentence"`, `"count"` or `"tfidf"`, the folder of a saved encoder, or an encoder object,
    which is fitted on the rows if it has not been yet. `columns` and `text` override which columns are encoded,
    `ids` names the id column or gives the ids, `missing` says what a missing cell becomes.
    `progress(done, total)` is called as rows are finished.

    `into` is a folder to save into as `save` does. An interrupted call goes on from there when it is made again:
    costly encoders, such as sentences, keep what they encoded batch by batch, by the hash of the row and the
    identity of the encoder, and no row is encoded twice.

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
    options: dict[str, Any] = {"columns": columns, "text": text, "missing": missing, "vectors": vectors}
    if into is not None:
        again = partial(encode, rows, encoder, ids=ids, progress=progress, **options)
        return encode_into(
            into, lambda kept: again(remember=kept), lambda X, identity: save_encoded(X, into, identity)
        )[0]
    if is_vector_file(rows):
        _refuse_beside(rows, encoder=encoder, **options, ids=ids if isinstance(ids, str) else None)
        return _gone_on(_vectors_in(rows, ids, vectors), encoder).vectors
    table = read(rows) if isinstance(rows, (str, Path)) else as_table(rows)
    if not isinstance(encoder, str):
        return _run(_whole(encoder, **options), table, ids, progress, remember)
    made = encode_table(table, encoder=encoder, ids=ids, progress=progress, remember=remember, **options)
    return made.vectors


def _whole(encoder: Any, *, vectors: str | None, **options: Any) -> Encoder:
    """An encoder object, which has its options already."""
    if vectors is not None:
        raise Inapplicable("`vectors` are encoded already: give no encoder object beside them.")
    for name, value in options.items():
        if value is not None:
            raise WrongType(f"`{name}` goes to the encoder's constructor when you give an encoder object.")
    return as_encoder(encoder)


def encode_table(
    table: Any,
    *,
    encoder: str = "auto",
    columns: Sequence[str] | None = None,
    text: str | None = None,
    ids: str | Sequence[Any] | None = None,
    missing: str | None = None,
    vectors: str | None = None,
    settings: Mapping[str, Any] = MappingProxyType({}),
    leave_out: Sequence[str] = (),
    passages: int | None = None,
    progress: Progress | None = None,
    remember: Remember | None = None,
) -> Encoded:
    """Plan, fit and encode an Arrow table; gives the plan beside the vectors, so that it can be told.

    `encoder` may also be the folder of a saved encoder, which is used as it is. With `passages`, texts are cut
    into passages of at most so many words first, and each passage is a row. `leave_out` names columns that stay rows
    and are not encoded.
    """
    options: dict[str, Any] = {"columns": columns, "text": text, "missing": missing, "vectors": vectors}
    if is_saved(encoder):
        opened = open_encoder(encoder)
        if entrance(opened.map_) is not None:
            return _column_gone_on(opened, table, ids, vectors, encoder)
        refuse_options(encoder, "a saved encoder", **options, settings=settings)
        return Encoded(_run(opened, table, ids, progress, remember), None, table.num_rows)
    if isinstance(columns, str):
        raise WrongType(f"`columns` is a list of names, not the text `{columns}`.")
    kept = (*leave_out, *((ids,) if isinstance(ids, str) else ()))
    made = plan(table, encoder=encoder, settings=settings, leave_out=kept, **options)
    total = table.num_rows
    if passages is not None:
        table, ids = _cut(table, made, passages, ids)
    if made.encoder is None:
        return Encoded(vectors_at(table, str(made.vectors), ids), made, total)
    X = _run(made.encoder, table, ids, progress, remember)
    note = "" if columns or text else made.words
    return Encoded(Vectors._trusted(X.values, X.ids, X.rows, X.space, X.encoder, note), made, total)


def _cut(table: Any, made: Plan, most: int, ids: Any) -> tuple[Any, Any]:
    """The passages of the text column, and ids that name the row and the passage: `7/2`."""
    column = next((c.name for c in made.columns if c.use == "text"), None)
    if column is None:
        raise Inapplicable("`--passages` cuts texts, and these rows are not encoded as texts. Leave it out.")
    parts = passages_of(table, most=most, column=column)
    if ids is None:
        return parts, None
    names = names_of(table, ids)
    parents = numbers(parts.column(PARENT), np.int64, 0).tolist()
    places = numbers(parts.column(PASSAGE), np.int64, 0).tolist()
    return parts, [f"{names[row]}/{place}" for row, place in zip(parents, places, strict=True)]


def _run(
    encoder: Encoder, table: Any, ids: Any, progress: Progress | None, remember: Remember | None = None
) -> Vectors:
    encode = encoder.encode if encoder.is_fitted else encoder.fit_encode
    made = encode(table, progress=progress, remember=remember)
    names = made.ids if ids is None else as_ids(names_of(table, ids), len(made))
    return Vectors._trusted(made.values, names, made.rows, made.space, made.encoder)


def _vectors_in(path: str | Path, ids: Any = None, array: str | None = None, *, sample: int | None = None,
                seed: int = 0) -> Encoded:  # fmt: skip
    """The vectors of a file; a sample keeps its rows' own numbers, and of a mapped file reads only its rows."""
    lain = vectors_as_they_lie(path, ids, array, sample=sample, seed=seed)
    return Encoded(Vectors(lain.values, lain.ids, lain.rows, lain.space), None, lain.total)


def is_saved(encoder: Any) -> bool:
    """Tell whether a name means an encoder that is kept: a folder, that of vectors, or a registered model."""
    if not isinstance(encoder, str) or encoder in ("auto", *ENCODERS):
        return False
    return (
        names_a_model(encoder) or encoder_folders.is_encoder_folder(encoder) or datasets.is_dataset(encoder)
    )


def _gone_on(made: Encoded, encoder: Any) -> Encoded:
    """Vectors, which a saved encoder takes on where it has steps behind them."""
    if not is_saved(encoder):
        return made
    whole = open_encoder(encoder).map_
    return replace(made, vectors=onward(whole, with_axes_of(entrance(whole), made.vectors)))


def _column_gone_on(opened: Encoder, table: Any, ids: Any, column: str | None, name: str) -> Encoded:
    """The vectors of a column, which an encoder of vectors takes on."""
    kept = (ids,) if isinstance(ids, str) else ()
    try:
        made = plan(table, vectors=column, leave_out=kept)
    except NothingToEncode:
        made = None
    if made is None or made.encoder is not None:
        raise Inapplicable(
            f"{shown(name)} takes vectors and no rows: give it a file or a folder of vectors, or name the column "
            "that holds them (--vectors)."
        )
    X = with_axes_of(entrance(opened.map_), vectors_at(table, str(made.vectors), ids))
    return Encoded(onward(opened.map_, X), made, table.num_rows)


def load(
    path: str | Path,
    *,
    format: str | None = None,
    encoding: str = "utf-8",
    as_text: Sequence[str] = (),
    bad_rows: str = "error",
    rejects: str | None = None,
    sample: int | None = None,
    seed: int = 0,
    **options: Any,
) -> Encoded:
    """Give the vectors of a PATH: a saved folder or a file of vectors is opened, a data file is read and encoded.

    `runs:/ID` is what a run saved, or what it read, by the options it read it by.

    `sample` keeps that many rows, chosen by `seed`, in file order and under their own numbers. `format` says
    that a table of bare numbers has a line of column names after all. Raises `Inapplicable` for options of
    reading or encoding with a saved folder or a file of vectors: both are encoded. A saved encoder that has steps
    behind these vectors, such as one that was learned from them, takes them on.
    """
    if sample is not None and sample < 1:
        raise OutOfRange(f"`--sample` keeps at least one row, not {sample}.")
    if names_a_run(path):
        given = {"format": format, "encoding": encoding, "as_text": as_text, "bad_rows": bad_rows,
                 "rejects": rejects, "sample": sample, "seed": seed, **options}  # fmt: skip
        return _load_of_run(str(path), given)
    reading = {"format": format, "encoding": encoding, "as_text": as_text}
    leaving = {"bad_rows": bad_rows, "rejects": rejects}
    kind = vectors_already(path, sample=sample, **reading, **leaving, **options)
    if kind == "folder":
        made = open(path)
        total = len(made)
        _tell_shape(total, made.rows)
        made = made if sample is None else made[sampled(total, sample, seed)]
        return _gone_on(Encoded(made, None, total), options.get("encoder"))
    if kind == "file":
        found = _vectors_in(path, options.get("ids"), options.get("vectors"), sample=sample, seed=seed)
        return _gone_on(found, options.get("encoder"))
    table, own, total = read_rows(path, sample=sample, seed=seed, **reading, **leaving)
    if own is not None and options.get("ids") is None:
        options["ids"] = own
    made_now = encode_table(table, **options)
    return Encoded(made_now.vectors, made_now.plan, total)


def read_rows(
    path: str | Path, *, sample: int | None = None, seed: int = 0, **reading: Any
) -> tuple[Any, list[int] | None, int]:
    """Read a data file, or a sample of it: an Arrow table, the sampled rows' own numbers, and how many there are."""
    table = read(path, **reading)
    total = int(table.num_rows)
    _tell_shape(total, table)
    if sample is None or sample >= total:
        return table, None, total
    keep = sampled(total, sample, seed)
    return table.take(whole_numbers(keep)), keep.tolist(), total


def read_rows_by(options: Mapping[str, Any], path: str | Path) -> tuple[Any, list[int] | None, int]:
    """Read a data file by those of a command's options that are about reading; gives what `read_rows` gives."""
    return read_rows(path, **{name: options[name] for name in _READING if name in options})


def _tell_shape(rows: int, table: Any) -> None:
    """Tell the run that is being recorded how large its data are."""
    run = current()
    if run is not None:
        run.shape(rows, None if table is None else table.num_columns)


def vectors_already(path: str | Path, /, *, sample: int | None = None, **options: Any) -> str:
    """Tell whether a PATH holds vectors already: `"folder"` of saved ones, `"file"`, or `""`; refuses options that
    mean nothing then, and a sample of no rows."""
    if sample is not None and sample < 1:
        raise OutOfRange(f"`--sample` keeps at least one row, not {sample}.")
    if str(path) != "-" and datasets.is_dataset(path):
        refuse_options(path, "a folder of saved vectors", **options)
        return "folder"
    format = options.get("format")
    if (format is None or Path(path).suffix.lower() in SUFFIXES) and is_vector_file(path):
        _refuse_beside(path, **options)
        return "file"
    return ""


def usual(name: str, value: Any) -> bool:
    """Tell whether an option of reading has the value it has where it is not given."""
    return value is None or value in ((), [], {}) or value == _USUAL.get(name)


def _load_of_run(path: str, given: dict[str, Any]) -> Encoded:
    """The vectors that a run saved, or those of its data by its own options, which what is given here overrules."""
    found = resolve(path)
    chosen = {name: value for name, value in given.items() if value != _USUAL.get(name)}
    return load(found.path, **{**found.options, **chosen})


def _refuse_beside(path: str | Path, /, **options: Any) -> None:
    what, taken = kind_of_file(path)
    refuse_options(path, what, **{name: value for name, value in options.items() if name not in taken})


def refuse_options(path: str | Path, what: str, /, **options: Any) -> None:
    """Raise `Inapplicable`, naming the options that would have no effect, if any was given.

    A saved encoder has one: it takes vectors on where it has steps behind them.
    """
    given = [f"--{name.replace('_', '-').replace('settings', 'set')}" for name, value in options.items()
             if name not in ("progress", "remember") and value is not None and value != _USUAL.get(name)
             and not (name == "encoder" and is_saved(value))]  # fmt: skip
    if given:
        raise Inapplicable(
            f"{some([path])} is {what}, which are read and encoded already: {some(given, 8)} "
            "would have no effect. Leave out the options, or give a data file."
        )
