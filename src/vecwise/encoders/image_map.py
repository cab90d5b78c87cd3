"""Images of one shape as vectors, and vectors as pictures again: `ImageMap`, the fitted image encoder.

This module must not know fitting, files, nor how a file is decoded, which is `image_reading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Final, Self

import numpy as np

from vecwise.draw.words import count
from vecwise.encoders.base import choice
from vecwise.encoders.image_cells import Fault, cells_of
from vecwise.encoders.image_reading import Look
from vecwise.errors import BadImage, MissingValue, OutOfRange, TooLarge, WrongShape, WrongType
from vecwise.kernels.pixels import WHITE, as_floats, bytes_of
from vecwise.kernels.png import png_bytes
from vecwise.space import Space, mint_frame
from vecwise.vectors import Vectors

CHANNELS: Final = ("grey", "colour")
RESIZES: Final = ("stretch", "crop", "pad")
SCALES: Final = ("unit",)
MISSING: Final = ("error", "zeros")
EIGHT_BITS: Final = "8-bit"
FLOATS: Final = "float"
_MOST_DIMENSIONS: Final = 100_000_000
_MOST_NAMES: Final = 1 << 18  # dimensions that get a name each: 512 × 512 grey ones
_COLOURS: Final = ("red", "green", "blue")


@dataclass(frozen=True)
class ImageMap:
    """A frozen shape: images to their pixels, row by row from the top left, and vectors back to pictures."""

    target: Space
    size: tuple[int, int]
    channels: str
    kind: str
    scale: str | None
    resize: str | None
    column: str | None
    missing: str
    ends: tuple[float, float] | None

    @classmethod
    def of(
        cls,
        size: tuple[int, int],
        channels: str,
        kind: str,
        scale: str | None,
        resize: str | None,
        column: str | None,
        missing: str,
        ends: tuple[float, float] | None,
    ) -> Self:
        """Mint the space: the axes are the pixels of this shape, in these units, of pictures resized so."""
        dim = prod(size) * (3 if channels == "colour" else 1)
        if dim > _MOST_DIMENSIONS:
            raise TooLarge(
                f"Images of {size[0]:,} × {size[1]:,} pixels have {dim:,} dimensions; up to {_MOST_DIMENSIONS:,} "
                "are encoded. Make them smaller: size=(224, 224)."
            )
        frame = mint_frame("image", [size, channels, kind, scale, resize])
        claims = frozenset({"non-negative"}) if kind == EIGHT_BITS else frozenset()
        names = pixel_names(size, channels) if dim <= _MOST_NAMES else None
        space = Space(dim, frame, names, claims, "ImageEncoder")
        return cls(space, size, channels, kind, scale, resize, column, missing, ends)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(height, width)`, or `(height, width, 3)` in colour."""
        return (*self.size, 3) if self.channels == "colour" else self.size

    @property
    def white(self) -> float:
        """What 255 becomes."""
        return 1.0 if self.scale == "unit" else float(WHITE)

    @cached_property
    def _look(self) -> Look:
        return Look(self.channels == "colour", self.size if self.resize else None, self.resize or "stretch")

    def __call__(self, table: Any, /) -> Vectors:
        """Encode the image of every row, on all cores."""
        if not table.num_rows:
            return self._vectors(np.zeros((0, self.target.dim), np.float32), table)
        cells = cells_of(table, self.column)
        if cells.is_float != (self.kind == FLOATS):
            now = FLOATS if cells.is_float else EIGHT_BITS
            raise WrongType(f"The encoder was fitted on {self.kind} pixels, and these are {now} ones.")
        pixels, faults = cells.pixels(self._look, self.shape)
        if faults and self.missing == "error":
            raise refusal(faults, len(faults), len(cells))
        rows = pixels.reshape(len(cells), -1)
        if self.kind == FLOATS:
            return Vectors(rows, rows=table, space=self.target, encoder=self)
        return self._vectors(as_floats(rows, self.white), table)

    def _vectors(self, values: np.ndarray, table: Any) -> Vectors:
        # Bytes are finite and non-negative: nothing to check. Nobody else holds this array.
        return Vectors._trusted(values, np.arange(len(values)), table, self.target, self)

    # ---- back to pictures ----

    def pixels(self, vectors: Any, /) -> np.ndarray:
        """Give vectors as pixels `(rows, height, width)`, with a last axis of 3 in colour: the inverse.

        8-bit pixels come back as uint8, rounded and clipped to 0-255; floats as they are. Takes `Vectors`
        of this space or an array `(rows, dim)`. Raises `SpaceMismatch`, `WrongShape`.
        """
        values = self._values(vectors)
        made = values if self.kind == FLOATS else bytes_of(values, 0, self.white)
        return made.reshape(len(values), *self.shape)

    def picture(self, row: Any, /, *, stretch: bool | None = None) -> np.ndarray:
        """Give one vector as a picture: uint8 of shape `(height, width)`, or `(height, width, 3)`.

        White is 255, or 1 with `scale="unit"`; for float pixels the largest value that fitting saw, and black
        the least. `stretch` makes the vector's own largest value white, and its least, if negative, black:
        `None` does so for what claims unit length, which would be too dark to see.
        """
        values = self._values(row)
        if len(values) != 1:
            raise WrongShape(f"A picture is of one vector, not of {len(values):,}: picture(X[0]).")
        if stretch is None:
            stretch = isinstance(row, Vectors) and "unit" in row.space.claims
        black, white = (0.0, self.white) if self.ends is None else self.ends
        if stretch:
            black, white = min(0.0, float(values.min())), float(values.max())
        return bytes_of(values[0], black, white).reshape(self.shape)

    def to_png(self, row: Any, /, *, stretch: bool | None = None) -> bytes:
        """Give one vector as the bytes of a PNG file, as `picture` shows it; needs no Pillow."""
        return png_bytes(self.picture(row, stretch=stretch))

    def _values(self, vectors: Any) -> np.ndarray:
        if isinstance(vectors, Vectors):
            self.target.must_match(vectors.space, "show as images")
        values: np.ndarray = np.atleast_2d(np.asarray(vectors))
        if values.ndim != 2 or values.shape[1] != self.target.dim or values.dtype.kind not in "fiub":
            raise WrongShape(
                f"Expected vectors of {self.target.dim:,} numbers, the pixels of {self.size[0]} × {self.size[1]} "
                f"{self.channels} images, not an array of shape {values.shape} and type {values.dtype}."
            )
        return values

    # ---- storage ----

    def state(self) -> dict[str, Any]:
        """Plain data."""
        names = ("channels", "kind", "scale", "resize", "column", "missing")
        ends = None if self.ends is None else list(self.ends)
        return {"size": list(self.size), "ends": ends, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map from its plain data."""
        height, width = state["size"]
        ends = None if state["ends"] is None else (float(state["ends"][0]), float(state["ends"][1]))
        if state["scale"] is not None:
            choice("scale", state["scale"], SCALES)
        return cls.of(
            size_of((height, width)) or (1, 1),
            choice("kind of channels", state["channels"], CHANNELS),
            choice("kind of pixels", state["kind"], (EIGHT_BITS, FLOATS)),
            state["scale"],
            None if state["resize"] is None else choice("way to resize", state["resize"], RESIZES),
            state["column"],
            choice("policy for missing images", state["missing"], MISSING),
            ends,
        )


def pixel_names(size: tuple[int, int], channels: str) -> tuple[str, ...]:
    """Name the dimensions: `row_3_col_7`, and `row_3_col_7_red` in colour, in the order of the vector.

    >>> pixel_names((1, 2), "grey")
    ('row_0_col_0', 'row_0_col_1')
    """
    ends = [f"_{colour}" for colour in _COLOURS] if channels == "colour" else [""]
    return tuple(
        f"row_{row}_col_{col}{end}" for row in range(size[0]) for col in range(size[1]) for end in ends
    )


def refusal(faults: Sequence[Fault], faulty: int, rows: int) -> BadImage | MissingValue | WrongShape:
    """Word the refusal of bad images: which rows, which files, and why."""
    listed = "; ".join(str(fault) for fault in faults[:5])
    more = f"; and {faulty - 5:,} more" if faulty > 5 else ""
    kinds = {type(fault.error) for fault in faults}
    kind: Any = kinds.pop() if len(kinds) == 1 else BadImage
    remedy = (
        "Say what all become, such as size=(28, 28)."
        if kind is WrongShape
        else 'Repair or leave out those rows, or encode them as zeros: missing="zeros".'
    )
    return kind(f"{faulty:,} of {count(rows, 'image')} cannot be read: {listed}{more}. {remedy}")


def size_of(size: Any) -> tuple[int, int] | None:
    """Height and width of the parameter `size`, which may be one number for both."""
    if size is None:
        return None
    sides = (size, size) if isinstance(size, (int, np.integer)) else size
    if not isinstance(sides, (list, tuple)) or len(sides) != 2:
        raise WrongType(f"`size` is (height, width) or one number for both, not {size!r}.")
    if not all(isinstance(side, (int, np.integer)) and not isinstance(side, bool) for side in sides):
        raise WrongType(f"`size` is of whole numbers of pixels, not {size!r}.")
    if min(sides) < 1:
        raise OutOfRange(f"`size` is at least 1 × 1 pixels, not {size!r}.")
    return (int(sides[0]), int(sides[1]))
