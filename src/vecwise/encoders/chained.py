"""An encoder whose vectors go on through further steps: `ChainEncoder`, fitted, saved and used as one.

This module must not know which encoder it holds, nor how components are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.encoders.base import Encoder, Remember
from vecwise.encoders.registry import as_encoder
from vecwise.errors import EmptyInput, OutOfRange, WrongType, unknown
from vecwise.measure.components import pca
from vecwise.measure.norms import Normalized
from vecwise.measure.standardized import Standardized, standardized
from vecwise.runner import Progress, join
from vecwise.vectors import Vectors
from vecwise.verbs import Chain, Map, chain

Step = tuple[str, int | None]
STEPS: Final = ("normalize", "standardize", "pca:K")


def _normalized(X: Vectors, _: int | None) -> Map:
    return Normalized(X.space.with_claims(()))


def _standardized(X: Vectors, _: int | None) -> Standardized:
    return standardized(X)


def _components(X: Vectors, k: int | None) -> Map:
    return pca(X, k=3 if k is None else k)


_FIT: Final[dict[str, Callable[[Vectors, int | None], Map]]] = {
    "normalize": _normalized,
    "standardize": _standardized,
    "pca": _components,
}


class ChainEncoder(Encoder):
    """An encoder and what is done to its vectors afterwards, as one encoder.

    `encoder` is an encoder object or a name such as `"sentence"`; `steps` are `"normalize"`, `"standardize"` and
    `"pca:8"` (the first 8 principal components), in the order in which they are applied, each fitted on what
    the step before it gives. Fitting keeps what it reads until every step is fitted: the vectors of an encoder
    that needs no fitting, the rows of one that does. It gives what the steps give one by one, to the bit.

    Raises `UnknownName` and `OutOfRange` for steps that are none, and what the encoder and the steps raise.

    >>> from vecwise import ChainEncoder, CountEncoder
    >>> texts = ["the sea", "the sky", "the deep sea"]
    >>> ChainEncoder(CountEncoder(), steps=["pca:2", "normalize"]).fit_transform(texts).shape
    (3, 2)
    """

    def __init__(self, encoder: Encoder | str = "sentence", *, steps: Sequence[str] = ()) -> None:
        self.encoder = encoder
        self.steps = steps

    @property
    def reads(self) -> str:  # type: ignore[override]
        """What the encoder reads."""
        return as_encoder(self.encoder).reads

    @property
    def needs_rows(self) -> bool:  # type: ignore[override]
        """Whether the encoder or a step learns from rows."""
        return as_encoder(self.encoder).needs_rows or any(name != "normalize" for name, _ in self._parsed())

    @property
    def costly(self) -> bool:  # type: ignore[override]
        """Whether the encoder is."""
        return as_encoder(self.encoder).costly

    def encode(
        self, table: Any, /, *, progress: Progress | None = None, remember: Remember | None = None
    ) -> Vectors:
        """Give the vectors of an Arrow table: the encoder's own way, then every step."""
        whole = self.map_
        first, steps = (whole.maps[0], whole.maps[1:]) if isinstance(whole, Chain) else (whole, ())
        inner = self._inner()
        while isinstance(inner, ChainEncoder):  # chains of chains are one chain of maps
            inner = inner._inner()
        inner._map = first
        X = inner.encode(table, progress=progress, remember=remember)
        for step in steps:
            X = step(X)
        return Vectors._trusted(X.values, X.ids, X.rows, X.space, whole)

    @property
    def in_batches(self) -> bool:  # type: ignore[override]
        """Only if nothing is learned: fitting keeps what it reads."""
        return not self.needs_rows

    def _fold(self) -> ChainFold:
        return ChainFold(self._inner(), tuple(self._parsed()))

    def _inner(self) -> Encoder:
        """A twin of the encoder: fitting the chain must not change an object that the user holds."""
        given = as_encoder(self.encoder)
        return type(given)(**given.get_params(deep=False))

    def _parsed(self) -> list[Step]:
        if isinstance(self.steps, str):
            raise WrongType(f"`steps` is a list of steps, not the text `{self.steps}`.")
        return [_step(text) for text in self.steps]

    def fit_encode(
        self, table: Any, /, *, progress: Progress | None = None, remember: Remember | None = None
    ) -> Vectors:
        """Fit on an Arrow table and give its vectors; the encoder reads every row once."""
        inner, fold = self._inner(), self._fold()
        X = inner.fit_encode(table, progress=progress, remember=remember)
        self._seen, self._opened = fold.kept(table, X), False
        self._map, made = _fitted(inner.map_, X, self._parsed())
        return made


@dataclass(frozen=True)
class ChainFold:
    """The fitting fold: it keeps what the encoder gives, or its rows where the encoder must be fitted first."""

    inner: Encoder
    steps: tuple[Step, ...]

    def zero(self) -> tuple[Any, ...]:
        """Nothing kept."""
        return ()

    def step(self, state: tuple[Any, ...], table: Any, /) -> tuple[Any, ...]:
        """Keep one more table, or its vectors."""
        if not table.num_rows:
            return state
        return state + self.kept(table, None if self.inner.needs_rows else self.inner.encode(table))

    def kept(self, table: Any, X: Vectors | None) -> tuple[Any, ...]:
        """What the state holds of a table."""
        if self.inner.needs_rows or X is None:
            return (table,)
        return (Vectors._trusted(X.values, X.ids, None, X.space),)

    def merge(self, left: tuple[Any, ...], right: tuple[Any, ...], /) -> tuple[Any, ...]:
        """The earlier rows first."""
        return left + right

    def done(self, state: tuple[Any, ...], /) -> Chain:
        """Fit the encoder if it has to be, then every step on what the one before it gives."""
        if not state:
            if self.inner.needs_rows or any(name != "normalize" for name, _ in self.steps):
                raise EmptyInput("There are no rows to fit the chain on.")
            return _fitted(self.inner.map_, None, self.steps)[0]
        if not self.inner.needs_rows:
            return _fitted(self.inner.map_, _numbered(join(list(state))), self.steps)[0]
        import pyarrow as pa

        inner = type(self.inner)(**self.inner.get_params(deep=False))
        X = inner.fit_encode(pa.concat_tables(state))
        return _fitted(inner.map_, X, self.steps)[0]


def _numbered(X: Vectors) -> Vectors:
    return Vectors._trusted(X.values, np.arange(len(X)), None, X.space)


def _step(text: str) -> Step:
    name, _, size = str(text).partition(":")
    if name not in _FIT:
        raise unknown("step of a chain", str(text), STEPS)
    if name != "pca":
        if size:
            raise OutOfRange(f"The step `{name}` takes no number: `{text}`.")
        return name, None
    if size and not size.isdecimal():
        raise OutOfRange(f"`pca:8` keeps 8 components; `{text}` names no number.")
    return name, int(size) if size else None


def _fitted(first: Any, X: Vectors | None, steps: Sequence[Step]) -> tuple[Chain, Any]:
    """The chain of maps, and what it gives for the vectors it was fitted on."""
    maps: list[Any] = [first]
    for name, size in steps:
        maps.append(Normalized(maps[-1].target.with_claims(())) if X is None else _FIT[name](X, size))
        X = None if X is None else maps[-1](X)
    whole = chain(*maps)
    if X is not None:
        X = Vectors._trusted(X.values, X.ids, X.rows, X.space, whole)
    return whole, X
