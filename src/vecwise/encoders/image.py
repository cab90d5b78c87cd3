"""Images as vectors of their pixels, and back: `ImageEncoder` and its fold, which learns the common shape.

This module must not know files, nor how pixels become vectors, which is `image_map`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from vecwise.encoders.base import Encoder, choice
from vecwise.encoders.image_cells import Fault, cells_of
from vecwise.encoders.image_map import (
    CHANNELS,
    EIGHT_BITS,
    FLOATS,
    MISSING,
    RESIZES,
    SCALES,
    ImageMap,
    refusal,
    size_of,
)
from vecwise.errors import EmptyInput, Inapplicable, WrongShape, WrongType


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

    reads = "image"
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
            size_of(self.size),
            choice("kind of channels", self.channels, CHANNELS),
            choice("way to resize", self.resize, RESIZES),
            self.scale,
            self.column,
            choice("policy for missing images", self.missing, MISSING),
        )
