"""Image files as 8-bit pixels of one shape: the part of the image encoder that asks Pillow.

This module must not know tables, fitting or vectors: it is given one file's bytes at a time.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np

from vecwise.errors import BadImage, VecwiseError, missing_package
from vecwise.kernels.pixels import grey
from vecwise.kernels.png import png_size

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")  # Pillow's other readers are never asked
MOST_PIXELS: Final = 89_478_485  # a quarter of a gibibyte of colour, where Pillow begins to warn
_HEAD: Final = 1024  # bytes in which a plain PNG says its size
_TURNED: Final = (5, 6, 7, 8)  # orientations in which width and height change places
_ORIENTATION: Final = 0x0112


@dataclass(frozen=True, slots=True)
class Look:
    """What an image is brought to: grey or colour, and a shape by a policy (`None`: its own shape)."""

    colour: bool
    size: tuple[int, int] | None = None
    fit: str = "stretch"


def shape_of(raw: bytes | memoryview) -> tuple[int, int]:
    """Give height and width as they are shown, EXIF rotation applied, from the head of the file alone.

    Raises `BadImage` with the reason.
    """
    plain = png_size(bytes(raw[:_HEAD]))
    if plain is not None and prod(plain) <= MOST_PIXELS:
        return plain
    with _reasons(), _opened(raw) as image:
        width, height = image.size
        # Pillow's own `getexif` of a PNG decodes the whole picture to look behind it.
        turned = _pillow().Image.getexif(image).get(_ORIENTATION) in _TURNED and image.format != "TIFF"
    return (width, height) if turned else (height, width)


def pixels_of_file(raw: bytes | memoryview, look: Look) -> np.ndarray:
    """Decode a file whole into uint8 pixels `(height, width)`, or `(height, width, 3)` in colour.

    Raises `BadImage` with the reason.
    """
    with _reasons(), _opened(raw) as image:
        image.load()
        return _seen(_upright(image), look)


def pixels_of_array(array: np.ndarray, look: Look) -> np.ndarray:
    """Bring an array of pixels, 8-bit or float, to the look; floats are resized channel by channel."""
    image = _pillow()
    if array.dtype == np.uint8:
        return _seen(image.fromarray(array[..., 0] if array.shape[2:] == (1,) else array), look)
    planes = [array] if array.ndim == 2 else [array[..., i] for i in range(array.shape[2])]
    sized = [np.asarray(_sized(image.fromarray(plane.astype(np.float32)), look)) for plane in planes]
    made: np.ndarray = np.stack(sized, axis=-1)
    if look.colour:
        return np.repeat(made, 3, axis=2) if made.shape[2] == 1 else made
    return made[..., 0] if made.shape[2] == 1 else grey(made)


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise missing_package("pillow", "Reading images", "'vecwise[images]'") from error
    return Image


@contextmanager
def _reasons() -> Iterator[None]:
    try:
        yield
    except (VecwiseError, MemoryError):
        raise
    except Exception as error:  # a broken file makes Pillow's readers raise almost anything
        words = " ".join(str(error).split()) or type(error).__name__
        raise BadImage(words[:120]) from error


@contextmanager
def _opened(raw: bytes | memoryview) -> Iterator[Any]:
    if not len(raw):
        raise BadImage("the file is empty")
    pillow = _pillow()
    try:
        image = pillow.open(io.BytesIO(raw), formats=FORMATS)
    except pillow.DecompressionBombError as error:
        raise BadImage(f"more than {MOST_PIXELS:,} pixels") from error
    except pillow.UnidentifiedImageError as error:
        raise BadImage(f"it is none of {', '.join(FORMATS)}, or its head is damaged") from error
    with image:
        width, height = image.size
        if width * height > MOST_PIXELS:  # said by the head; nothing has been decoded
            raise BadImage(f"{width:,} × {height:,} pixels, more than {MOST_PIXELS:,}")
        yield image


def _upright(image: Any) -> Any:
    from PIL import ImageOps

    turned = _pillow().Image.getexif(image).get(_ORIENTATION, 1) != 1
    return ImageOps.exif_transpose(image) if turned else image


def _seen(image: Any, look: Look) -> np.ndarray:
    """Colours as they are seen, on white where the picture is transparent; then grey; then the size."""
    if image.mode.startswith("I;16"):
        deep = np.asarray(image).astype(np.uint32)
        image = _pillow().fromarray(((deep + 128) // 257).astype(np.uint8))  # 65,535 is 255, rounded
    elif image.mode in ("I", "F"):
        raise BadImage(f"its pixels are of the 32-bit kind `{image.mode}`, which has no white")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = _pillow().new("RGBA", image.size, "white")
        image = _pillow().alpha_composite(white, image)
    if image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    wanted = "RGB" if look.colour else "L"
    return np.asarray(_sized(image if image.mode == wanted else image.convert(wanted), look))


def _sized(image: Any, look: Look) -> Any:
    """Pillow's bicubic resampling; a picture that has the size already is not touched."""
    from PIL import ImageOps
    from PIL.Image import Resampling

    if look.size is None or image.size == look.size[::-1]:
        return image
    wanted = look.size[::-1]
    if look.fit == "crop":
        return ImageOps.fit(image, wanted, Resampling.BICUBIC)
    if look.fit == "pad":
        return ImageOps.pad(image, wanted, Resampling.BICUBIC)  # with black, which is 0
    return image.resize(wanted, Resampling.BICUBIC)
