"""Pixels as numbers and numbers as pixels: grey from colour, 8 bits to floats and back.

This module must not know any vecwise type, nor files, nor Pillow.
"""

from __future__ import annotations

import numpy as np

from vecwise.kernels.spans import on_spans

WHITE = 255
_LUMA = (19595, 38470, 7471)  # 0.299, 0.587 and 0.114 of 2^16: ITU-R BT.601, as Pillow's "L" rounds them


def as_floats(pixels: np.ndarray, white: float) -> np.ndarray:
    """Give 8-bit pixels `(rows, dim)` as float32 in which 255 has become `white`; exact where that is 255.

    >>> as_floats(np.array([[0, 51, 255]], np.uint8), 1).tolist()
    [[0.0, 0.20000000298023224, 1.0]]
    """
    made = np.empty(pixels.shape, np.float32)

    def write(span: slice) -> None:
        if white == WHITE:
            made[span] = pixels[span]
        else:
            np.divide(pixels[span], np.float32(WHITE / white), out=made[span], dtype=np.float32)

    on_spans(write, len(pixels), 4 * pixels.shape[1])
    return made


def grey(colour: np.ndarray) -> np.ndarray:
    """Give the grey of pixels `(…, 3)`: ITU-R BT.601 luma, for 8 bits to the bit what Pillow's "L" is.

    >>> grey(np.array([[255, 0, 0], [10, 200, 30]], np.uint8)).tolist()
    [76, 124]
    """
    if colour.dtype != np.uint8:
        return colour @ np.array([0.299, 0.587, 0.114], colour.dtype)
    made = np.empty(colour.shape[:-1], np.uint8)

    def write(span: slice) -> None:
        red, green, blue = (colour[span, ..., i].astype(np.uint32) * part for i, part in enumerate(_LUMA))
        made[span] = (red + green + blue + 0x8000) >> 16

    on_spans(write, len(colour), 12 * int(np.prod(made.shape[1:])))
    return made


def bytes_of(values: np.ndarray, black: np.ndarray | float, white: np.ndarray | float) -> np.ndarray:
    """Give numbers as 8-bit pixels: `black` and below is 0, `white` and above 255, rounded in between.

    >>> bytes_of(np.array([-1.0, 0.5, 1.0]), 0, 1).tolist()
    [0, 128, 255]
    """
    span = np.subtract(white, black, dtype=np.float64)
    share = (np.asarray(values, np.float64) - black) / np.where(span > 0, span, 1.0)
    return np.floor(np.clip(share, 0, 1) * WHITE + 0.5).astype(np.uint8)
