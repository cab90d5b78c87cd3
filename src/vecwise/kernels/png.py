"""A picture as the bytes of a PNG file, by deflate alone.

This module must not know any vecwise type, nor Pillow.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _COLOUR = 0, 2  # colour types of the format


def png_bytes(pixels: np.ndarray) -> bytes:
    """Give 8-bit pixels, grey `(height, width)` or colour `(height, width, 3)`, as a PNG file.

    Lossless. Source: PNG specification, third edition, W3C 2025.

    >>> png_bytes(np.zeros((2, 2), np.uint8))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    height, width = pixels.shape[:2]
    kind = _GREY if pixels.ndim == 2 else _COLOUR
    lines = np.zeros((height, 1 + pixels[0].size), np.uint8)  # every line starts with its filter: 0, none
    lines[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b"")
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in parts)


def png_size(head: bytes) -> tuple[int, int] | None:
    """Give height and width from the head of a PNG file; `None` for others and for what may be turned.

    A rotation is said by an `eXIf` chunk or hides in a text: if one comes before the pixels, the answer is `None`.

    >>> png_size(png_bytes(np.zeros((2, 3), np.uint8)))
    (2, 3)
    """
    if not head.startswith(_SIGNATURE) or head[12:16] != b"IHDR":
        return None
    place = len(_SIGNATURE)
    while place + 8 <= len(head):
        length, name = struct.unpack_from(">I4s", head, place)
        if name == b"IDAT":
            width, height = struct.unpack_from(">II", head, 16)
            return height, width
        if name in (b"eXIf", b"tEXt", b"zTXt", b"iTXt"):
            return None
        place += 12 + length
    return None


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
