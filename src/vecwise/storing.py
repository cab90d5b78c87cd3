"""Vectors and encoders come and go: save, open, and what an encoder needs to be built again.

This module must not know how rows become vectors, nor how folders keep their files.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecwise.encoders.base import Encoder
from vecwise.encoders.fitted import FittedEncoder
from vecwise.encoders.registry import encoder_from_data, encoder_to_data, from_data, to_data
from vecwise.errors import NotSavable, UnknownFormat, UnknownName, VecwiseError, WrongType
from vecwise.store import datasets, encoder_folders
from vecwise.store.os_errors import shown
from vecwise.tracking.registry import names_a_model, resolve_model
from vecwise.tracking.resolving import names_a_run, saved_vectors
from vecwise.vectors import Vectors

if TYPE_CHECKING:
    from vecwise.structure.index import Index
    from vecwise.structure.layout import Layout


def save(X: Vectors | Encoder | Layout | Index, path: str | Path, /) -> None:
    """Save vectors as a folder of Parquet parts and a manifest, with the encoder that made them.

    When it returns, the files are on disk (fsync) and the folder holds the new vectors whole; until then it
    holds the old ones. An encoder that cannot be written as plain data is left out with a warning.
    A fitted encoder is saved too, as JSON and a safetensors file in a folder of its own: `open_encoder`
    opens it. A layout goes into a folder of its own or into that of its vectors: `open_layout` opens it.
    So does an index: `open_index` opens it.

    Raises `Unreadable` when the folder cannot be written, `DuplicateName` for reserved column names,
    `NotFitted` and `NotSavable` for encoders.

    >>> import tempfile, vecwise as vw
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     vw.save(vw.Vectors([[3.0, 4.0]], ids=["a"]), folder + "/points")
    ...     vw.open(folder + "/points")["a"].values
    array([[3., 4.]])
    """
    if isinstance(X, Encoder):
        encoder_folders.save(encoder_to_data(X), path)
        return
    if not isinstance(X, Vectors):
        from vecwise.structure.index import Index
        from vecwise.structure.layout import Layout

        if isinstance(X, (Layout, Index)):
            X.save(path)
            return
        raise WrongType(
            f"`save` takes Vectors, an encoder, a layout or an index, not {type(X).__name__}. "
            "Wrap an array: vw.save(vw.Vectors(array), path)"
        )
    save_encoded(X, path, None)


def save_encoded(X: Vectors, path: str | Path, identity: str | None) -> None:
    """Save vectors with the identity under which their rows are known again, if they are an encoder's own output."""
    datasets.save(X, path, encoder=encoder_data(X.encoder), identity=identity)


def encoder_data(encoder: Any) -> dict[str, Any] | None:
    """Give the map that made vectors as data; `None`, with a warning, when it cannot be written as plain data."""
    try:
        return None if encoder is None else to_data(encoder)
    except NotSavable as error:
        warnings.warn(f"Saved without the encoder. {error}", stacklevel=3)
        return None


def open(path: str | Path, /, *, verify: bool = True) -> Vectors:
    """Open saved vectors: the numbers are mapped from disk, not loaded; ids, rows, space and encoder come along.

    `verify` checks every file against the manifest's hash first (about a second per gigabyte).
    `runs:/ID` opens the vectors that a run saved, if they are what they were.
    Opening runs no code from the folder. Raises `FileMissing`, `Damaged` naming the file, `Unreadable`; for a run,
    `UnknownName`, and `Inapplicable` where it saved no vectors or they were changed.

    >>> import tempfile, vecwise as vw
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     vw.save(vw.encode(["the sea", "the sky"], encoder="count"), folder + "/songs")
    ...     vw.nearest(vw.open(folder + "/songs"), "sky", k=1).ids
    array([[1]])
    """
    if names_a_run(path):
        path = saved_vectors(str(path))
    made, data = datasets.load(path, verify=verify)
    encoder = None if data is None else _encoder_of(data, path)
    return (
        made if encoder is None else Vectors._trusted(made.values, made.ids, made.rows, made.space, encoder)
    )


def _encoder_of(data: dict[str, Any], path: str | Path) -> Any:
    """The encoder that was saved with vectors; `None`, with a warning, when its model has gone or changed."""
    try:
        return from_data(data)
    except UnknownName:  # a map that this vecwise does not know: a newer one, or a hostile file
        raise
    except VecwiseError as error:  # the model lies elsewhere, and the vectors outlive it
        warnings.warn(
            f"{shown(path)} is opened without its encoder, so that queries in words cannot be asked. {error}",
            stacklevel=3,
        )
        return None


def open_encoder(path: str | Path, /) -> Encoder:
    """Open a saved encoder, fitted: the same identity and the same vectors as when it was saved.

    `path` is the folder of an encoder, that of saved vectors, whose encoder is given, or a registered model,
    `models:/NAME@champion`.
    Opening runs no code from the folder. Raises `FileMissing`, `UnknownFormat` for a folder without an encoder,
    `Damaged`.

    >>> import tempfile, vecwise as vw
    >>> encoder = vw.TfidfEncoder().fit(["the sea", "the sky"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     vw.save(encoder, folder + "/words")
    ...     vw.open_encoder(folder + "/words").space == encoder.space
    True
    """
    if names_a_model(path):
        path = resolve_model(str(path))
    elif not encoder_folders.is_encoder_folder(path) and datasets.is_dataset(path):
        encoder = open(path).encoder
        if encoder is None:
            raise UnknownFormat(f"{shown(path)} holds no saved encoder: its vectors were saved without one.")
        return FittedEncoder.of(encoder)  # type: ignore[arg-type]
    return encoder_from_data(encoder_folders.load(path))
