"""Sentences to vectors with the Universal Sentence Encoder: `SentenceEncoder` and its map.

This module must not know the mathematics of the model, which is in `kernels.sentence_model`.
"""

from __future__ import annotations

import hashlib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, Final, Self

import numpy as np

from vecwise.encoders.base import Encoder, choice
from vecwise.encoders.ready import Ready
from vecwise.encoders.texts import MISSING, texts_of
from vecwise.errors import SpaceMismatch
from vecwise.kernels.sentence_model import SentenceModel, weights_paths
from vecwise.space import Space, mint_frame
from vecwise.vectors import Vectors

_LOADING = Lock()
_MARKS: Final = 2  # tokens that frame every text: where it begins and where it ends


def _ready() -> tuple[SentenceModel, Any]:
    with _LOADING:  # several threads may want it first, and loading takes 0.3 s
        return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> tuple[SentenceModel, Any]:
    """The model and the tokenizer, loaded side by side: one thread inflates weights, one parses pieces."""
    from sentencepiece import SentencePieceProcessor

    weights, pieces = weights_paths()
    model = SentenceModel(weights)
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(model.load)
        tokenizer = SentencePieceProcessor(model_file=str(pieces))
        loading.result()
    return model, tokenizer


@lru_cache(maxsize=1)
def sentence_space() -> Space:
    """The space of the weights that are installed, known by their checksums, without loading them."""
    weights, pieces = weights_paths()
    with zipfile.ZipFile(weights) as archive:
        checksums = [[entry.filename, entry.CRC] for entry in archive.infolist()]
    meaning = [checksums, hashlib.sha256(pieces.read_bytes()).hexdigest()]
    name = "SentenceEncoder: Universal Sentence Encoder, multilingual v3"
    return Space(SentenceModel.dim, mint_frame("sentence", meaning), claims=frozenset({"unit"}), name=name)


@dataclass(frozen=True)
class SentenceMap:
    """Texts to 512 numbers each, unit length or, of a blank text, zeros; nothing is learned from rows."""

    target: Space
    column: str | None
    missing: str

    def __call__(self, table: Any, /) -> Vectors:
        """Encode the text of every row."""
        texts = self.texts(table)
        model, pieces = _ready()
        # sentencepiece itself cuts the text: runs of unknown characters are one piece, and a literal
        # "<s>" in a text stays text.
        tokens = pieces.encode(texts, out_type=int, add_bos=True, add_eos=True)
        made = model(tokens)
        # Between its two marks a blank text has nothing, and what the model makes of the marks means nothing.
        made[[number for number, pieces_of in enumerate(tokens) if len(pieces_of) <= _MARKS]] = 0
        return Vectors(made, rows=table, space=self.target, encoder=self)

    def stages(self, table: Any, /) -> dict[str, np.ndarray]:
        """Give what every stage of the model makes of the texts, `(rows, width)` by name; the last are the vectors."""
        model, pieces = _ready()
        tokens = pieces.encode(self.texts(table), out_type=int, add_bos=True, add_eos=True)
        made = model.stages(tokens)
        blank = [number for number, pieces_of in enumerate(tokens) if len(pieces_of) <= _MARKS]
        for values in made.values():
            values[blank] = 0
        return made

    def texts(self, table: Any, /) -> list[str]:
        """The texts that are encoded, one a row."""
        return texts_of(table, self.column, self.missing)

    def state(self) -> dict[str, Any]:
        """Plain data: the weights stay in their package, known by the frame."""
        return {"frame": self.target.frame, "column": self.column, "missing": self.missing}

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map; raises `SpaceMismatch` when other weights are installed now."""
        space = sentence_space()
        if space.frame != state["frame"]:
            raise SpaceMismatch(
                f"The vectors were made by other weights (frame {state['frame']}) than those installed "
                f"({space.frame}). Install the package version that made them, or encode the rows again."
            )
        return cls(space, state["column"], state["missing"])


class SentenceEncoder(Encoder):
    """Sentences to 512 numbers of unit length: the Universal Sentence Encoder, multilingual v3.

    Works offline, on texts of any length in 16 languages; nothing needs fitting. Similar meanings give
    a large inner product, which equals the cosine. A row's vector is the same alone and in any batch to
    1e-6. A text without a token (empty, or nothing but spaces) is a row of zeros, which has no cosine.
    `column` names the text column of a table; `missing` is `"error"` or `"empty"`.

    Source: Yang et al. 2019, arXiv:1907.04307. Raises `MissingValue`, `MissingPackage`.

    >>> from vecwise import SentenceEncoder
    >>> SentenceEncoder().transform(["We looked up into the sky"]).shape
    (1, 512)
    """

    reads = "text"
    needs_rows = False
    costly = True

    def __init__(self, *, column: str | None = None, missing: str = "error") -> None:
        self.column = column
        self.missing = missing

    def _fold(self) -> Ready:
        missing = choice("policy for missing texts", self.missing, MISSING)
        return Ready(lambda: SentenceMap(sentence_space(), self.column, missing))
