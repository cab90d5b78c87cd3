"""Images in Arrow columns: arrays of pixels, and the bytes of image files; which column holds them.

This module must not know files, encoders, nor how an image file is decoded.
"""

from __future__ import annotations

import json
from itertools import islice
from math import prod
from typing import Any, Final

import numpy as np

from vecwise.errors import EmptyInput, MissingValue, WrongShape, WrongType
from vecwise.kernels.arrow import present

IMAGE: Final = "image"  # the column of rows that are bare images
SHAPE_KEY: Final = (
    b"vecwise.image_shape"  # in a field's metadata: JSON, [height, width] or [height, width, 3]
)
CHANNELS: Final = (1, 3, 4)
_LOOKED_AT: Final = 20  # cells
_DTYPES: Final = {"uint8": np.uint8, "float": np.float32, "double": np.float64}  # by Arrow's names
_MARKS: Final = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"),
    *(b"BM", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
)


def is_image_bytes(raw: bytes) -> bool:
    r"""Tell by the first bytes whether this is a PNG, JPEG, GIF, WebP, BMP or TIFF file.

    >>> is_image_bytes(b"\x89PNG\r\n\x1a\n"), is_image_bytes(b"BMW, 2009")
    (True, False)
    """
    if raw.startswith(b"BM"):  # two letters are few: the four reserved bytes of the header are zero
        return len(raw) > 26 and raw[6:10] == b"\0\0\0\0"
    return raw.startswith(_MARKS) or (raw[:4] == b"RIFF" and raw[8:12] == b"WEBP")


def image_table(images: np.ndarray) -> Any:
    """Give images `(rows, height, width)`, or with a last axis of 1, 3 or 4 channels, as a table; no copy.

    Whole numbers become uint8 and must lie in 0-255; floats are kept (float16 widens to float32). Raises
    `WrongType`, `WrongShape` for channels that are not last, `EmptyInput` for no rows.

    >>> table = image_table(np.zeros((2, 28, 28), np.uint8))
    >>> table.schema.field("image").type, image_shape(table.schema.field("image"))
    (FixedSizeListType(fixed_size_list<item: uint8>[784]), (28, 28))
    """
    import pyarrow as pa

    pixels = np.ascontiguousarray(_numbers(images))
    shape = _image_shape(pixels)
    cells = pa.Array.from_buffers(
        pa.from_numpy_dtype(pixels.dtype), pixels.size, [None, pa.py_buffer(pixels.reshape(-1))]
    )
    column = pa.FixedSizeListArray.from_arrays(cells, prod(shape))
    field = pa.field(IMAGE, column.type, metadata={SHAPE_KEY: json.dumps(shape).encode()})
    return pa.Table.from_arrays([column], schema=pa.schema([field]))


def _numbers(images: np.ndarray) -> np.ndarray:
    if images.dtype == np.uint8 or (images.dtype.kind == "f" and images.dtype.itemsize in (4, 8)):
        return images.astype(images.dtype.newbyteorder("="), copy=False)
    if images.dtype == np.float16:
        return images.astype(np.float32)
    if images.dtype.kind not in "iu":
        raise WrongType(f"Pixels are numbers 0-255 or floats, not {images.dtype}.")
    if images.size and (images.min() < 0 or images.max() > 255):
        raise WrongType(
            f"Pixels of type {images.dtype} lie in {images.min()} to {images.max()}, and 0 to 255 was expected. "
            "Give them as floats: array.astype(np.float32)."
        )
    return images.astype(np.uint8)


def _image_shape(pixels: np.ndarray) -> list[int]:
    shape = list(pixels.shape[1:])
    if not len(pixels):
        raise EmptyInput("The array holds no images.")
    if not prod(shape):
        raise WrongShape(f"Images of shape {tuple(shape)} have no pixels.")
    if len(shape) == 3 and shape[2] not in CHANNELS:
        hint = " Channels come last: array.transpose(0, 2, 3, 1)." if shape[0] in CHANNELS else ""
        raise WrongShape(
            f"Images have the shape (height, width) or (height, width, channels) with 1, 3 or 4 channels, "
            f"not {tuple(shape)}.{hint}"
        )
    return shape


def image_shape(field: Any) -> tuple[int, ...] | None:
    """Give the shape of the images in a column of pixel lists; `None` for a column of anything else."""
    from pyarrow import types

    noted = (field.metadata or {}).get(SHAPE_KEY)
    if noted is None or not types.is_fixed_size_list(field.type):
        return None
    try:
        shape = json.loads(noted)
        fits = prod(shape) == field.type.list_size and all(type(side) is int and side > 0 for side in shape)
    except (ValueError, TypeError):
        return None
    plain = str(field.type.value_type) in _DTYPES
    known = len(shape) == 2 or (len(shape) == 3 and shape[2] in CHANNELS)
    return tuple(shape) if fits and plain and known else None


def holds_images(field: Any, column: Any) -> bool:
    """Tell whether a column holds images: pixel lists of a known shape, or bytes of image files.

    Bytes are those of images if the column is called `image`, or if one of its first cells begins as one does.
    """
    if image_shape(field) is not None:
        return True
    raw = encoded_cells(column)
    if raw is None:
        return False
    cells = (cell for chunk in raw.chunks for cell in chunk if cell.is_valid)
    heads = (memoryview(cell.as_buffer())[:32].tobytes() for cell in islice(cells, _LOOKED_AT))
    return field.name == IMAGE or any(map(is_image_bytes, heads))


def encoded_cells(column: Any) -> Any | None:
    """Give the binary cells of a column of image files; a struct with `bytes` counts, as other tools write it."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_struct(column.type):
        if column.type.get_field_index("bytes") < 0:
            return None
        made = pc.struct_field(column, "bytes")
        column = made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made])
    return column if types.is_binary(column.type) or types.is_large_binary(column.type) else None


def pixels_of(column: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Give a column of pixel lists as an array `(rows, *shape)`, and a mask of the cells that are there.

    No copy where the column is one piece. Raises `MissingValue` for gaps among the pixels of a picture.
    """
    parts = [_pixels(chunk) for chunk in column.chunks if len(chunk)]
    if len(parts) != 1:
        parts = [np.concatenate([np.zeros(0, _DTYPES[str(column.type.value_type)]), *parts])]
    return parts[0].reshape(len(column), *shape), present(column)


def _pixels(chunk: Any) -> np.ndarray:
    size = chunk.type.list_size
    cells = chunk.values.slice(chunk.offset * size, len(chunk) * size)
    if cells.null_count and not present(cells).reshape(-1, size)[present(chunk)].all():
        raise MissingValue("A picture has gaps among its pixels. Fill those numbers.")
    raw = np.frombuffer(cells.buffers()[1], _DTYPES[str(cells.type)])
    return raw[cells.offset : cells.offset + len(cells)]
