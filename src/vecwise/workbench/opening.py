"""Whatever is kept and can be walked through: models, encoders, and the encoders of saved vectors, by their place.

This module must not know what is done with what it opens.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from vecwise.errors import FileMissing, Inapplicable, UnknownFormat
from vecwise.models.chained import open_model
from vecwise.models.skops_files import estimator_of
from vecwise.store import datasets, encoder_folders
from vecwise.store.os_errors import os_errors, shown
from vecwise.storing import open_encoder
from vecwise.tracking.registry import names_a_model, resolve_model

_WEIGHTS: Final = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".onnx", ".h5")
_ZIP: Final = b"PK"


def model_at(path: str) -> Any:
    """Open what is kept: a model's folder, a .skops file, a saved encoder, that of vectors, `models:/NAME@alias`.

    Raises `FileMissing`, `Inapplicable` for weights without code, `UnknownFormat` for other files and folders, and what
    opening raises.
    """
    place = Path(resolve_model(path) if names_a_model(path) else path)
    if place.suffix.lower() in _WEIGHTS:
        raise Inapplicable(
            f"{place} holds weights without the code that computes with them, so it cannot be run from here. "
            "Trace a torch model from Python: vw.trace(model, rows)."
        )
    if place.is_file():
        with os_errors(place, "read"):
            data = place.read_bytes()
        if place.suffix.lower() != ".skops" and not data.startswith(_ZIP):
            raise UnknownFormat(
                f"{shown(place)} is no kept model: give the folder of a model, an encoder or vectors, or a .skops file."
            )
        return estimator_of(data, str(place))
    if not place.is_dir():
        raise FileMissing(f"There is no model at {place}.")
    if encoder_folders.is_encoder_folder(place) or datasets.is_dataset(place):
        return open_encoder(place)
    return open_model(place)
