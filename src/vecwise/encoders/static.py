"""Texts as means of fixed token vectors: `StaticEncoder` and its map.

This module must not know file layouts, nor how tokens are summed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from vecwise.encoders.base import Encoder, choice
from vecwise.encoders.ready import Ready, named, needed, other_files
from vecwise.encoders.texts import MISSING, texts_of
from vecwise.encoders.tokens import Tokenizer, of_words, opened, unknown_id
from vecwise.engines.local import serial, threads
from vecwise.errors import WrongShape
from vecwise.kernels.norms import scale_rows
from vecwise.kernels.token_sums import token_means
from vecwise.space import Space, mint_frame
from vecwise.store.model_files import digest, model_path
from vecwise.store.static_files import StaticFiles, read_static
from vecwise.table_text import count
from vecwise.vectors import Vectors

INSTALL = "'vecwise[static]'"
BLOCK = 1024  # texts: while one block is cut into tokens, another is summed


@dataclass(frozen=True)
class StaticTable:
    """A matrix with a row for every token, and how texts become tokens; `identity` is the hash of it all."""

    matrix: np.ndarray
    weights: np.ndarray | None
    mapping: np.ndarray | None
    tokenizer: Tokenizer
    unknown: int | None
    normalize: bool
    identity: str

    def means(self, texts: Sequence[str]) -> np.ndarray:
        """The mean of every text's token vectors; blocks of texts side by side, whatever their number."""
        blocks = [texts[start : start + BLOCK] for start in range(0, max(1, len(texts)), BLOCK)]
        engine = serial if len(blocks) == 1 else threads()
        return np.concatenate(list(engine(self._block, blocks)))

    def _block(self, texts: Sequence[str]) -> np.ndarray:
        ids, lengths = self.tokenizer.flat(texts)
        if self.unknown is not None:
            ids, lengths = _without(self.unknown, ids, lengths)
        weights = None if self.weights is None else self.weights[ids]
        rows = ids if self.mapping is None else self.mapping[ids]
        return token_means(self.matrix, rows, lengths, weights)

    def frame(self, normalize: bool | None) -> tuple[str, bool]:
        """The frame of the vectors, and whether they are of unit length."""
        unit = self.normalize if normalize is None else normalize
        return mint_frame("static", [self.identity, unit]), unit


def _without(unknown: int, ids: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = ids != unknown
    owners = np.repeat(np.arange(len(lengths)), lengths)
    return ids[known], np.bincount(owners[known], minlength=len(lengths))


def static_table(model: str, tokenizer: str | None) -> StaticTable:
    """Read a static model, or give the one that was read before if its files have not changed since."""
    needed(("tokenizers",), "StaticEncoder", INSTALL)
    where = model_path(model)
    files = (
        sorted(where.rglob("*.json")) + sorted(where.rglob("*.safetensors")) if where.is_dir() else [where]
    )
    beside = where / "tokenizer.json" if tokenizer is None else model_path(tokenizer)
    if not where.is_dir() and tokenizer is None:
        beside = where.parent / "tokenizer.json"
    files += [beside] if beside.is_file() else []
    return _table(model, tokenizer, tuple(digest(file) for file in files))


@lru_cache(maxsize=4)
def _table(model: str, tokenizer: str | None, digests: tuple[str, ...]) -> StaticTable:
    files = read_static(model, tokenizer)
    data = of_words(files.words) if files.tokenizer is None else files.tokenizer
    unknown = unknown_id(data)
    _fits(files, data, unknown, model)
    made = hashlib.sha256(data)
    for array in (files.matrix, files.weights, files.mapping):
        if array is not None:
            made.update(f"|{array.shape} {array.dtype.str}|".encode())
            made.update(np.ascontiguousarray(array).view(np.uint8).data)
    return StaticTable(
        files.matrix,
        files.weights,
        files.mapping,
        Tokenizer(data),
        unknown,
        files.normalize,
        made.hexdigest(),
    )


def _fits(files: StaticFiles, data: bytes, unknown: int | None, model: str) -> None:
    """Refuse a tokenizer that can name a row which is not there."""
    ids = set(opened(data, None).get_vocab(with_added_tokens=True).values()) - {unknown}
    most = max(ids, default=-1)
    if files.mapping is None:
        if most >= len(files.matrix):
            raise WrongShape(
                f"`{model}` has {count(len(files.matrix), 'row')}, and its tokenizer numbers tokens up to {most:,}. "
                "The matrix and the tokenizer belong to different models."
            )
    elif most >= len(files.mapping) or not 0 <= files.mapping.min() <= files.mapping.max() < len(
        files.matrix
    ):
        raise WrongShape(f"`mapping` of `{model}` leads to rows that are not there.")
    if files.weights is not None and most >= len(files.weights):
        raise WrongShape(
            f"`weights` of `{model}` has {count(len(files.weights), 'entry')} for {count(most + 1, 'token')}."
        )


@dataclass(frozen=True)
class StaticMap:
    """Texts to the mean of their tokens' vectors; nothing is learned from rows."""

    target: Space
    model: str
    tokenizer: str | None
    normalize: bool | None
    column: str | None
    missing: str

    @classmethod
    def of(
        cls, model: str, tokenizer: str | None, normalize: bool | None, column: str | None, missing: str
    ) -> Self:
        """Read the model and mint its space."""
        table = static_table(model, tokenizer)
        frame, unit = table.frame(normalize)
        claims = frozenset({"unit"}) if unit else frozenset()
        name = f"StaticEncoder: {Path(model).name}"
        space = Space(int(table.matrix.shape[1]), frame, claims=claims, name=name)
        return cls(space, model, tokenizer, normalize, column, missing)

    def __call__(self, table: Any, /) -> Vectors:
        """Encode the text of every row; raises `SpaceMismatch` when the files have changed since."""
        texts = texts_of(table, self.column, self.missing)
        model = static_table(self.model, self.tokenizer)
        frame, unit = model.frame(self.normalize)
        if frame != self.target.frame:
            raise other_files(self.model)
        means = model.means(texts)
        return Vectors(scale_rows(means, 2) if unit else means, rows=table, space=self.target, encoder=self)

    def cut_rows(self, table: Any, /) -> np.ndarray:
        """Which rows are read only in part: none, since a mean has no longest text."""
        return np.zeros(table.num_rows, dtype=bool)

    def state(self) -> dict[str, Any]:
        """Plain data: the model stays where it is, known by the frame."""
        return {
            "frame": self.target.frame,
            "model": self.model,
            "tokenizer": self.tokenizer,
            "normalize": self.normalize,
            "column": self.column,
            "missing": self.missing,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map; raises `FileMissing`, and `SpaceMismatch` when other files lie there now."""
        options = ("model", "tokenizer", "normalize", "column", "missing")
        made = cls.of(*(state[name] for name in options))
        if made.target.frame != state["frame"]:
            raise other_files(state["model"])
        return made


class StaticEncoder(Encoder):
    """Texts to the mean of their tokens' fixed vectors: thousands of texts a second, no network is run.

    `model` is a folder as model2vec and sentence-transformers (StaticEmbedding) write it, or a
    `.safetensors` or `.npy` matrix with a row for every token; `tokenizer` is a `tokenizer.json` or, one
    token a line, a `.txt`; without it, the `tokenizer.json` beside the matrix. `normalize` makes unit
    vectors; `None` does as the folder says, and not for a bare matrix. `column` names the text column,
    `missing` is `"error"` or `"empty"`.

    Gives float32 of the matrix's width. Texts are read whole, however long: a mean has no limit. Tokens
    that the vocabulary lacks count for nothing; a text without any known token, such as "", is the zero
    vector. Control tokens written out in a text (`[CLS]`) are cut as text. A row's vector has the same bits
    alone and in any batch. The matrix is not copied into saved vectors: they know the model by its hash.

    Source: Tulkens and van Dongen 2024, Model2Vec, doi:10.5281/zenodo.17270888. Raises `FileMissing` (also
    for a name on a hub: nothing is downloaded), `Damaged`, `WrongShape`, `MissingPackage`, `MissingValue`.

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from vecwise import StaticEncoder
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> np.save(folder / "table.npy", np.array([[0.0, 2.0], [4.0, 0.0]]))
    >>> _ = (folder / "words.txt").write_text("sea\\nsky")
    >>> encoder = StaticEncoder(str(folder / "table.npy"), tokenizer=str(folder / "words.txt"))
    >>> encoder.transform(["The sea, the sky", "sky!", "land"]).tolist()
    [[2.0, 1.0], [4.0, 0.0], [0.0, 0.0]]
    """

    reads = "text"
    needs_rows = False

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        tokenizer: str | Path | None = None,
        normalize: bool | None = None,
        column: str | None = None,
        missing: str = "error",
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.normalize = normalize
        self.column = column
        self.missing = missing

    def _fold(self) -> Ready:
        missing = choice("policy for missing texts", self.missing, MISSING)
        tokenizer = None if self.tokenizer is None else str(model_path(self.tokenizer))
        model = str(model_path(named(self)))
        return Ready(partial(StaticMap.of, model, tokenizer, self.normalize, self.column, missing))
