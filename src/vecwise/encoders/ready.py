"""The fold of an encoder that learns nothing from rows, and the check that its packages are there.

This module must not know any particular encoder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from vecwise.encoders.base import EncoderMap
from vecwise.errors import Inapplicable, SpaceMismatch, missing_package


@dataclass(frozen=True)
class Ready:
    """Counts rows and gives the map that was there before them."""

    make: Callable[[], EncoderMap]

    def zero(self) -> int:
        """No rows."""
        return 0

    def step(self, state: int, table: Any, /) -> int:
        """Count the rows of one more table."""
        return state + int(table.num_rows)

    def merge(self, left: int, right: int, /) -> int:
        """Add up."""
        return left + right

    def done(self, state: int, /) -> EncoderMap:
        """The map, whatever was read."""
        return self.make()


def named(encoder: Any) -> Any:
    """The path that an encoder's `model` gives; raises `Inapplicable` where it was left out."""
    if not encoder.model:
        name = type(encoder).__name__
        raise Inapplicable(f"{name} needs the path of a model on this machine: {name}(model='…').")
    return encoder.model


def installed(package: str) -> bool:
    """Tell whether a package can be imported, without importing it."""
    return find_spec(package) is not None


def needed(packages: tuple[str, ...], purpose: str, install: str) -> None:
    """Raise `MissingPackage`, with the line that installs them, unless all packages are there."""
    for package in packages:
        if not installed(package):
            raise missing_package(package, purpose, install)


def other_files(model: str) -> SpaceMismatch:
    """Word the error of a model whose files have changed since it made vectors."""
    return SpaceMismatch(
        f"The files of the model `{model}` are not those that made the vectors. Put the old files back, or "
        "encode the rows again."
    )
