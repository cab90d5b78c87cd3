"""The two verbs: `Map`, row by row and frozen, and `Fold`, many chunks into one answer.

This module must not know files, encoders or where work runs; its laws are executable in `vecwise.testing`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from vecwise.errors import SpaceMismatch
from vecwise.space import Space
from vecwise.vectors import Vectors

State = TypeVar("State")
Answer_co = TypeVar("Answer_co", covariant=True)
Chunk_contra = TypeVar("Chunk_contra", contravariant=True)


@runtime_checkable
class Map(Protocol):
    """Rows or vectors in, vectors of one known space out: one for one, frozen, the same alone and in a batch."""

    @property
    def target(self) -> Space:
        """The space of the vectors that come out."""
        ...

    def __call__(self, chunk: Any, /) -> Vectors:
        """Map every row of the chunk; ids and rows stay aligned."""
        ...


class Fold(Protocol[State, Chunk_contra, Answer_co]):
    """Reads chunks and finishes into an answer, which may be a `Map`: that is what fitting is.

    `zero` is a unit of `merge`, `merge` is associative, and `step(s, chunk)` equals
    `merge(s, step(zero(), chunk))`. States are never changed in place, and hold unfinished sums,
    never a finished mean or variance. `vecwise.testing.check_fold` judges an implementation.
    """

    def zero(self) -> State:
        """The state that has read nothing."""
        ...

    def step(self, state: State, chunk: Chunk_contra, /) -> State:
        """Read one more chunk."""
        ...

    def merge(self, left: State, right: State, /) -> State:
        """Join the states of two neighbouring stretches of rows, the earlier one first."""
        ...

    def done(self, state: State, /) -> Answer_co:
        """Finish."""
        ...


@dataclass(frozen=True, slots=True)
class Together:
    """Several folds as one fold: one pass over the rows, a dict of answers."""

    folds: dict[str, Fold[Any, Any, Any]]

    def zero(self) -> dict[str, Any]:
        """The zero of every fold."""
        return {name: fold.zero() for name, fold in self.folds.items()}

    def step(self, state: dict[str, Any], chunk: Any, /) -> dict[str, Any]:
        """Let every fold read the chunk."""
        return {name: fold.step(state[name], chunk) for name, fold in self.folds.items()}

    def merge(self, left: dict[str, Any], right: dict[str, Any], /) -> dict[str, Any]:
        """Merge fold by fold."""
        return {name: fold.merge(left[name], right[name]) for name, fold in self.folds.items()}

    def done(self, state: dict[str, Any], /) -> dict[str, Any]:
        """Every fold's answer, under its name."""
        return {name: fold.done(state[name]) for name, fold in self.folds.items()}


@dataclass(frozen=True, slots=True)
class Chain:
    """Maps composed, first to last: a `Map` like any other."""

    maps: tuple[Map, ...]

    @property
    def target(self) -> Space:
        """The space of the last map."""
        return self.maps[-1].target

    def __call__(self, chunk: Any, /) -> Vectors:
        """Map the chunk through every map."""
        for step in self.maps:
            chunk = step(chunk)
        return chunk


def chain(*maps: Map | Callable[[Any], Vectors]) -> Chain:
    """Compose maps, first to last; chains inside are flattened."""
    flat: list[Any] = []
    for step in maps:
        flat.extend(step.maps if isinstance(step, Chain) else [step])
    return Chain(tuple(flat))


def entrance(whole: Any) -> Space | None:
    """Give the space of the vectors that a map takes, a chain by its first; `None` for one that reads rows."""
    source = getattr(whole.maps[0] if isinstance(whole, Chain) else whole, "source", None)
    return source if isinstance(source, Space) else None


def with_axes_of(space: Space | None, X: Vectors) -> Vectors:
    """Give bare numbers of a file the axes of the bare numbers that were learned from, where there are as many."""
    if space is None or {X.space.kind, space.kind} != {"own"} or X.space.dim != space.dim:
        return X
    return Vectors._trusted(X.values, X.ids, X.rows, space.with_claims(X.space.claims), X.encoder)


def rest_of(whole: Any, X: Vectors) -> tuple[Map, ...]:
    """Give the steps of a map that are behind vectors, wherever in it they stand: before it, or behind a step.

    Raises `SpaceMismatch`.
    """
    maps = whole.maps if isinstance(whole, Chain) else (whole,)
    source = entrance(whole)
    stops = [source, *(step.target for step in maps)]
    place = next((i for i, stop in enumerate(stops) if stop is not None and stop.same_axes(X.space)), None)
    if place is None:
        takes = stops[-1] if source is None else source
        raise SpaceMismatch(
            f"Vectors of {X.space.label} stand nowhere in this encoder, which "
            f"{'makes' if source is None else 'takes'} vectors of {takes.label if takes else 'another space'}. "
            f"Give it {'rows, or ' if source is None else ''}vectors of its own."
        )
    return tuple(maps[place:])


def onward(whole: Any, X: Vectors) -> Vectors:
    """Take vectors through what is behind them in a map; raises `SpaceMismatch` where they stand nowhere in it.

    What comes out of a map that reads rows has it as its encoder.
    """
    for step in rest_of(whole, X):
        X = step(X)
    if X.encoder is None and entrance(whole) is None:
        return Vectors._trusted(X.values, X.ids, X.rows, X.space, whole)
    return X
