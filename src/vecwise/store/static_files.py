"""Static models on disk: a matrix with a row for every token, and the tokenizer that belongs to it.

This module must not know how texts are cut. The layouts: model2vec's folder, sentence-transformers' with a
StaticEmbedding, and a matrix file beside a tokenizer or a list of words.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged, FileMissing, Inapplicable
from vecwise.store.model_files import bytes_of, json_of, matrix_of, model_path
from vecwise.store.os_errors import shown

MATRICES: Final = ("embeddings", "embedding.weight")  # what model2vec and sentence-transformers call it


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """What a static model is made of: `words` is a list of tokens in place of a tokenizer's JSON."""

    matrix: np.ndarray
    weights: np.ndarray | None
    mapping: np.ndarray | None
    tokenizer: bytes | None
    words: tuple[str, ...]
    normalize: bool


def read_static(model: str, tokenizer: str | None) -> StaticFiles:
    """Read a static model; raises `FileMissing`, `Damaged`, `Inapplicable`, `UnknownFormat`."""
    where = model_path(model)
    folder = _folder_of(where) if where.is_dir() else where.parent
    file = folder / "model.safetensors" if where.is_dir() else where
    matrix, beside = matrix_of(file, MATRICES)
    data, words = _cutting(folder, tokenizer, where)
    return StaticFiles(
        matrix,
        _vector(beside.get("weights"), "weights", file),
        _vector(beside.get("mapping"), "mapping", file),
        data,
        words,
        _normalizes(where) if where.is_dir() else False,
    )


def _folder_of(where: Path) -> Path:
    nested = where / "0_StaticEmbedding"
    for folder in (where, nested):
        if (folder / "model.safetensors").is_file():
            return folder
    raise FileMissing(
        f"{shown(where)} holds no `model.safetensors`. A static model is a folder with that file and a "
        "`tokenizer.json`, or a matrix file: StaticEncoder(model='table.npy', tokenizer='tokenizer.json')."
    )


def _cutting(folder: Path, tokenizer: str | None, model: Path) -> tuple[bytes | None, tuple[str, ...]]:
    if tokenizer is None:
        file = folder / "tokenizer.json"
        if not file.is_file():
            raise FileMissing(
                f"There is no `tokenizer.json` beside {shown(model)}. Name it, or a list of tokens with one "
                "line for every row of the matrix: tokenizer='vocabulary.txt'."
            )
    else:
        file = model_path(tokenizer)
        file = file / "tokenizer.json" if file.is_dir() else file
    if file.suffix == ".json":
        return bytes_of(file), ()
    if file.suffix != ".txt":
        raise Inapplicable(f"A tokenizer is a `.json` or a `.txt` file, not {shown(file)}.")
    try:
        text = bytes_of(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Damaged(f"{shown(file)} is not UTF-8: {error}.") from error
    return None, tuple(line.removesuffix("\r") for line in text.removesuffix("\n").split("\n") if text)


def _vector(array: np.ndarray | None, name: str, file: Path) -> np.ndarray | None:
    if array is not None and array.ndim != 1:
        raise Damaged(f"`{name}` in {shown(file)} has {array.ndim} dimensions, and one was expected.")
    return array


def _normalizes(folder: Path) -> bool:
    """What the folder says: model2vec's `config.json`, or a Normalize module."""
    config, modules = folder / "config.json", folder / "modules.json"
    if config.is_file():
        said: Any = json_of(config).get("normalize")
        if said is not None:
            return bool(said)
    if not modules.is_file():
        return False
    listed = [entry.get("type") for entry in json_of(modules, list) if isinstance(entry, dict)]
    return any(str(kind).endswith(".Normalize") for kind in listed)
