"""The images in a table's column, whichever way they are kept: which column it is, their shapes, their pixels.

This module must not know fitting or vectors; one file is decoded by `image_reading`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from typing import Any, Protocol

import numpy as np

from vecwise.encoders.image_reading import Look, pixels_of_array, pixels_of_file, shape_of
from vecwise.encoders.texts import is_text
from vecwise.errors import (
    BadImage,
    MissingValue,
    NonFinite,
    NothingToEncode,
    VecwiseError,
    WrongShape,
    WrongType,
    some,
    unknown,
)
from vecwise.kernels.arrays import nonfinite_rows
from vecwise.kernels.pixels import grey
from vecwise.kernels.spans import in_spans
from vecwise.store.image_columns import encoded_cells, holds_images, image_shape, pixels_of
from vecwise.table_text import count as counted
from vecwise.table_text import verb

_WORTH_A_THREAD = 1 << 13  # bytes a file: decoding smaller ones is mostly Python, which runs in one thread
_SPAN = 32  # files a thread decodes before it takes more: some are large, most are small
Shapes = list[tuple[int, tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Fault:
    """An image that cannot be read: its row, its file if the table says so, and why."""

    row: int
    name: str
    error: VecwiseError

    def __str__(self) -> str:
        return f"row {self.row}{f' ({some([self.name])})' if self.name else ''}: {self.error}"

    def later(self, rows: int) -> Fault:
        """The same fault in a table with so many rows before it."""
        return Fault(self.row + rows, self.name, self.error)


class Cells(Protocol):
    """The images of a table."""

    @property
    def is_float(self) -> bool:
        """Whether pixels are floats; otherwise they are bytes."""
        ...

    def __len__(self) -> int: ...

    def shapes(self) -> tuple[Shapes, list[Fault]]:
        """Rows with their height and width, in order; rows that repeat the one before may be left out."""
        ...

    def ends(self) -> tuple[float, float]:
        """The least and the largest number among the pixels."""
        ...

    def pixels(self, look: Look, shape: tuple[int, ...]) -> tuple[np.ndarray, list[Fault]]:
        """All images brought to the look, as `(rows, *shape)`, and those that cannot be, which are zeros."""
        ...


def image_columns(table: Any) -> list[str]:
    """Give the names of an Arrow table's columns that hold images."""
    return [field.name for field in table.schema if holds_images(field, table.column(field.name))]


def image_column(table: Any) -> str | None:
    """Give the name of the only column of an Arrow table that holds images; `None` where none or several do.

    Images are lists of pixels whose shape is noted (as `vecwise.read` notes it), and the bytes of image files.

    >>> import numpy as np
    >>> from vecwise.store.rows import as_table
    >>> image_column(as_table(np.zeros((2, 28, 28), np.uint8))), image_column(as_table(["the sea"]))
    ('image', None)
    """
    names = image_columns(table)
    return names[0] if len(names) == 1 else None


def cells_of(table: Any, column: str | None) -> Cells:
    """Give the images of a column, or of the only one that holds any.

    Raises `UnknownName`, `NothingToEncode` and `WrongType`.
    """
    name = _only(table) if column is None else column
    if name not in table.column_names:
        raise unknown("column", name, table.column_names)
    cells, shape = table.column(name), image_shape(table.schema.field(name))
    if shape is not None:
        return _Pixels(*pixels_of(cells, shape))
    raw = encoded_cells(cells)
    if raw is None:
        raise WrongType(
            f"Column `{name}` holds {str(cells.type)[:40]}, which is neither an image file's bytes nor pixels of "
            "a known shape. Give an array of images: array.reshape(-1, height, width)."
        )
    return _Files(raw, _names(table, name))


def _only(table: Any) -> str:
    names = image_columns(table)
    if len(names) == 1:
        return names[0]
    if names:
        raise NothingToEncode(f"Several columns hold images: {some(names)}. Say which: column={names[0]!r}.")
    side = isqrt(table.num_columns)
    hint = ""
    if side > 1 and side * side == table.num_columns:  # perhaps rows of pixels, whose shape nobody said
        hint = f" If the columns are pixels, give images: array.reshape(-1, {side}, {side})."
    raise NothingToEncode(f"No column holds images; there are {some(table.column_names)}.{hint}")


def _names(table: Any, column: str) -> Callable[[int], str]:
    """What to call a row's file in messages: the cell of `path`, if there is one."""
    if "path" not in table.column_names or not is_text(table.schema.field("path").type):
        return lambda row: ""
    paths = table.column("path")
    return lambda row: paths[row].as_py() or ""


@dataclass(frozen=True, slots=True)
class _Pixels:
    """Images as arrays, all of one shape."""

    array: np.ndarray
    there: np.ndarray

    @property
    def is_float(self) -> bool:
        return self.array.dtype.kind == "f"

    def __len__(self) -> int:
        return len(self.array)

    def shapes(self) -> tuple[Shapes, list[Fault]]:
        found = [(int(row), self._size) for row in np.flatnonzero(self.there)[:1]]
        return found, self._gaps()

    @property
    def _size(self) -> tuple[int, int]:
        return (int(self.array.shape[1]), int(self.array.shape[2]))

    def _gaps(self) -> list[Fault]:
        return [Fault(row, "", MissingValue("no image")) for row in np.flatnonzero(~self.there).tolist()]

    def ends(self) -> tuple[float, float]:
        seen = self.array if self.there.all() else self.array[self.there]
        if not len(seen):
            return 0.0, 0.0
        bad = np.flatnonzero(self.there)[nonfinite_rows(seen.reshape(len(seen), -1))]
        if len(bad):
            raise NonFinite(
                f"{len(bad):,} of {counted(len(seen), 'image')} {verb(len(bad), 'hold')} NaN or infinity: "
                f"{some(bad)} (counted from 0). "
                "Repair or leave out those rows."
            )
        return float(seen.min()), float(seen.max())

    def pixels(self, look: Look, shape: tuple[int, ...]) -> tuple[np.ndarray, list[Fault]]:
        if self._size == shape[:2] and self.array.shape[3:] != (4,):
            made = self._same_size(look.colour)
        elif look.size is not None or self._size == shape[:2]:
            made = self._one_by_one(look, shape)
        else:
            raise WrongShape(
                f"These images are {self._size[0]} × {self._size[1]} pixels, and the encoder was fitted on "
                f"{shape[0]} × {shape[1]} (height × width). To resize images, say so: size={shape[:2]}."
            )
        gaps = self._gaps()
        if gaps:
            made = made.copy()
            made[~self.there] = 0
        return made, gaps

    def _same_size(self, colour: bool) -> np.ndarray:
        array = self.array
        if array.shape[3:] == (3,):
            made = array if colour else grey(array)
        else:
            plane = array[..., 0] if array.ndim == 4 else array
            made = np.repeat(plane[..., None], 3, axis=3) if colour else plane
        # Bytes become floats next, which copies; floats are handed out, and belong to somebody.
        return made.copy() if self.is_float and made.base is not None else made

    def _one_by_one(self, look: Look, shape: tuple[int, ...]) -> np.ndarray:
        if self.is_float and self.array.shape[3:] == (4,):
            raise WrongShape("Float images have 1 or 3 channels: how to read a fourth is not known.")
        made = np.empty((len(self), *shape), np.float32 if self.is_float else np.uint8)

        def bring(span: slice) -> None:
            for row in range(span.start, span.stop):
                made[row] = pixels_of_array(self.array[row], look)

        in_spans(bring, len(self), _SPAN)
        return made


@dataclass(frozen=True, slots=True)
class _Files:
    """Images as the bytes of files, of any sizes."""

    raw: Any
    name: Callable[[int], str]

    @property
    def is_float(self) -> bool:
        return False

    def __len__(self) -> int:
        return len(self.raw)

    def ends(self) -> tuple[float, float]:
        return 0.0, 255.0

    def shapes(self) -> tuple[Shapes, list[Fault]]:
        found: Shapes = []
        faults = self._each(range(len(self)), lambda row, raw: found.append((row, shape_of(raw))))
        return found, faults

    def pixels(self, look: Look, shape: tuple[int, ...]) -> tuple[np.ndarray, list[Fault]]:
        made = np.zeros((len(self), *shape), np.uint8)
        faults: list[Fault] = []

        def decode(row: int, raw: memoryview) -> None:
            pixels = pixels_of_file(raw, look)
            if pixels.shape != shape:
                height, width = pixels.shape[:2]
                raise WrongShape(f"{height} × {width} pixels where {shape[0]} × {shape[1]} were expected")
            made[row] = pixels

        def read(span: slice) -> None:
            faults.extend(self._each(range(span.start, span.stop), decode))

        small = self.raw.nbytes < _WORTH_A_THREAD * len(self)
        in_spans(read, len(self), max(1, len(self)) if small else _SPAN)
        return made, sorted(faults, key=lambda fault: fault.row)

    def _each(self, rows: range, work: Callable[[int, memoryview], None]) -> list[Fault]:
        """Do the work on the bytes of every row; gives the rows that refused it."""
        faults = []
        for row in rows:
            cell = self.raw[row]
            try:
                if not cell.is_valid:
                    raise MissingValue("no image")
                work(row, memoryview(cell.as_buffer()))
            except (BadImage, MissingValue, WrongShape) as error:
                faults.append(Fault(row, self.name(row), error))
        return faults
