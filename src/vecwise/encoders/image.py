"""Images as vectors of their pixels, and back: `ImageEncoder`, its fold (the common shape) and its map.

This module must not know files nor how one is decoded, which is `image_reading`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Final, NamedTuple, Self

import numpy as np

from vecwise.draw.words import count
from vecwise.encoders.base import Encoder, choice
from vecwise.encoders.image_cells import Fault, cells_of
from vecwise.encoders.image_reading import Look
from vecwise.errors import (
    BadImage,
    EmptyInput,
    Inapplicable,
    MissingValue,
    OutOfRange,
    TooLarge,
    WrongShape,
    WrongType,
)
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


class Seen(NamedTuple):
    """What the fold has read: rows; the kind of pixels; the first shape, and the first other one, with rows."""

    rows: int = 0
    kind: str | None = None
    first: tuple[int, tuple[int, int]] | None = None
    other: tuple[int, tuple[int, int]] | None = None
    ends: tuple[float, float] | None = None  # of float pixels: what is shown as black and white
    faults: tuple[Fault, ...] = ()
    faulty: int = 0


@dataclass(frozen=True)
class ImageFold:
    """The fitting fold: the shape that all images have, and whether their pixels are bytes or floats."""

    size: tuple[int, int] | None
    channels: str
    resize: str
    scale: str | None
    column: str | None
    missing: str

    def zero(self) -> Seen:
        """No image seen."""
        return Seen()

    def step(self, state: Seen, table: Any, /) -> Seen:
        """Look at one more table's images: their heads alone, where they are files."""
        if not table.num_rows:
            return state
        cells = cells_of(table, self.column)
        kind = FLOATS if cells.is_float else EIGHT_BITS
        if self.scale is not None and kind == FLOATS:
            raise Inapplicable(
                f'`scale="{self.scale}"` is for 8-bit pixels, whose white is 255. These pixels are floats, '
                "which are taken as they are: leave out `scale`."
            )
        shapes, faults = ([], []) if self.size else cells.shapes()
        first = shapes[0] if shapes else None
        other = next((found for found in shapes if first is not None and found[1] != first[1]), None)
        ends = cells.ends() if kind == FLOATS else None
        seen = Seen(table.num_rows, kind, first, other, ends, tuple(faults[:5]), len(faults))
        return self.merge(state, seen)

    def merge(self, left: Seen, right: Seen, /) -> Seen:
        """The earlier rows' shape first; the first row that differs from it."""
        if not left.rows or not right.rows:
            return left if left.rows else right
        if left.kind != right.kind:
            raise WrongType(
                "Some rows hold 8-bit pixels and others floats. Bring all to one: array.astype(np.float32)."
            )
        first = left.first or _later(right.first, left.rows)
        other = left.other
        if other is None and left.first is not None:
            found = (right.first, right.other)
            other = next((_later(f, left.rows) for f in found if f and f[1] != left.first[1]), None)
        elif other is None:
            other = _later(right.other, left.rows)
        faults = (*left.faults, *(fault.later(left.rows) for fault in right.faults))[:5]
        ends = [pair for pair in (left.ends, right.ends) if pair]
        joined = (min(a for a, _ in ends), max(b for _, b in ends)) if ends else None
        faulty = left.faulty + right.faulty
        return Seen(left.rows + right.rows, left.kind, first, other, joined, faults, faulty)

    def done(self, state: Seen, /) -> ImageMap:
        """Freeze the shape; raises `EmptyInput`, `BadImage`, and `WrongShape` for images of several sizes."""
        if state.faulty and self.missing == "error":
            raise refusal(state.faults, state.faulty, state.rows)
        if state.kind is None or (self.size is None and state.first is None):
            raise EmptyInput("There is no image to learn a size from.")
        if self.size is None and state.first is not None and state.other is not None:
            (here, shape), (there, odd) = state.first, state.other
            raise WrongShape(
                f"The images differ in size: row {here} is {shape[0]} × {shape[1]} pixels and row {there} "
                f"{odd[0]} × {odd[1]} (height × width, rows counted from 0). Say what all become: "
                f"size={shape}."
            )
        size = self.size or (state.first[1] if state.first else (1, 1))
        resize = self.resize if self.size else None
        return ImageMap.of(
            size, self.channels, state.kind, self.scale, resize, self.column, self.missing, state.ends
        )


def _later(found: tuple[int, Any] | None, rows: int) -> tuple[int, Any] | None:
    return None if found is None else (found[0] + rows, found[1])


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
            _size((height, width)) or (1, 1),
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


def refusal(faults: Any, faulty: int, rows: int) -> BadImage | MissingValue | WrongShape:
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


class ImageEncoder(Encoder):
    """Images as vectors of their pixels, row by row from the top left: 0-255, or 0-1 with `scale="unit"`.

    Rows are an array `(n, height, width)` or `(n, height, width, channels)`, or a table with a column of
    images: pixel lists, or the bytes of PNG, JPEG, GIF, WebP, BMP and TIFF files, as `vecwise.read` gives them
    for arrays, IDX files and folders; `column` names it where there are several. Files need Pillow.

    `channels` is `"grey"` (ITU-R BT.601 luma, Pillow's "L") or `"colour"` (red, green, blue; grey images repeat
    theirs). `size=(height, width)`, or one number for both, resizes by Pillow's bicubic resampling: `resize` is
    `"stretch"`, `"crop"` (keep proportions, cut what hangs over on both sides) or `"pad"` (keep proportions,
    black beside). Without `size`, images of several sizes are refused and nothing is resized. Pixels of 8 bits
    become float32, exactly; float arrays stay what they are.

    Files are decoded whole. EXIF rotation is applied, the first frame is taken, transparent pixels lie on
    white, 16-bit grey is rounded to 8 bits, colour profiles are not applied. An image that is empty,
    truncated, of another format or of more than 89,478,485 pixels is refused with its row and the reason;
    `missing="zeros"` makes it, and an empty cell, a black image: a vector of zeros.

    Raises `BadImage`, `MissingValue`, `WrongShape`, `WrongType`, `NothingToEncode`, `TooLarge`.

    >>> import numpy as np
    >>> from vecwise import ImageEncoder
    >>> encoder = ImageEncoder()
    >>> encoder.fit_transform(np.array([[[0, 255], [7, 9]]], np.uint8))
    array([[  0., 255.,   7.,   9.]], dtype=float32)
    >>> encoder.picture([0, 255, 7, 9]).tolist(), list(encoder.get_feature_names_out()[:2])
    ([[0, 255], [7, 9]], ['row_0_col_0', 'row_0_col_1'])
    """

    rows_a_chunk = None  # the map uses every core by itself, and names bad rows by their numbers

    def __init__(
        self,
        size: int | tuple[int, int] | None = None,
        *,
        channels: str = "grey",
        resize: str = "stretch",
        scale: str | None = None,
        column: str | None = None,
        missing: str = "error",
    ) -> None:
        self.size = size
        self.channels = channels
        self.resize = resize
        self.scale = scale
        self.column = column
        self.missing = missing

    def inverse_transform(self, vectors: Any) -> np.ndarray:
        """Give vectors as pixels `(rows, height, width)`, with a last axis of 3 in colour.

        What `transform` made comes back the same to the bit, unless it resized, made grey or rounded 16 bits.
        """
        return self._image_map.pixels(vectors)

    def picture(self, row: Any, /, *, stretch: bool | None = None) -> np.ndarray:
        """Give one vector as a picture, uint8 `(height, width)` or `(height, width, 3)`; see `ImageMap.picture`."""
        return self._image_map.picture(row, stretch=stretch)

    def to_png(self, row: Any, /, *, stretch: bool | None = None) -> bytes:
        """Give one vector as the bytes of a PNG file, as `picture` shows it; needs no Pillow."""
        return self._image_map.to_png(row, stretch=stretch)

    @property
    def _image_map(self) -> ImageMap:
        made: Any = self.map_
        return made

    def _fold(self) -> ImageFold:
        if self.scale is not None:
            choice("scale", self.scale, SCALES)
        return ImageFold(
            _size(self.size),
            choice("kind of channels", self.channels, CHANNELS),
            choice("way to resize", self.resize, RESIZES),
            self.scale,
            self.column,
            choice("policy for missing images", self.missing, MISSING),
        )


def _size(size: Any) -> tuple[int, int] | None:
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
