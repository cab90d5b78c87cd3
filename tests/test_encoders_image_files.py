"""Files of images: what they hold is what Pillow says, and bad ones are refused."""

from __future__ import annotations

import io
import re
import struct
import sys
import warnings
import zlib

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageOps
from PIL.Image import Resampling

import vecwise as vw
from conftest import loaded_after
from images import file_of, photo
from test_encoders_image import files
from vecwise.encoders.image_reading import MOST_PIXELS, Look, pixels_of_file, shape_of
from vecwise.errors import (
    BadImage,
    MissingPackage,
    MissingValue,
    WrongShape,
)
from vecwise.kernels.pixels import grey
from vecwise.store.rows import as_table


def pixels(raw: bytes, **options) -> np.ndarray:
    return pixels_of_file(raw, Look(options.pop("colour", False), **options))


# ---- what a file holds is what Pillow says ----


def test_grey_is_pillows_grey() -> None:
    every = np.random.default_rng(1).integers(0, 256, (500, 40, 3), np.uint8)
    assert np.array_equal(grey(every), np.asarray(Image.fromarray(every).convert("L")))
    encoder = vw.ImageEncoder()
    made = encoder.fit_transform(every.reshape(50, 20, 20, 3))
    assert np.array_equal(made, np.asarray(Image.fromarray(every).convert("L")).reshape(50, 400))
    floats = vw.ImageEncoder().fit_transform(every.reshape(50, 20, 20, 3).astype(np.float32))
    assert np.abs(floats - made).max() <= 0.501


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "BMP", "TIFF", "JPEG"])
def test_every_format_is_read_as_pillow_reads_it(kind) -> None:
    raw = file_of(photo(), kind)
    truth = Image.open(io.BytesIO(raw)).convert("RGB")
    assert shape_of(raw) == (12, 17)
    assert np.array_equal(pixels(raw, colour=True), np.asarray(truth))
    assert np.array_equal(pixels(raw), np.asarray(truth.convert("L")))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_rotation_is_applied(kind, orientation) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    raw = file_of(photo(4, 9), kind, exif=exif)
    made = pixels(raw, colour=True)
    plain = np.asarray(Image.open(io.BytesIO(file_of(photo(4, 9), kind))).convert("RGB"))
    turns = [None, "", "h", "hv", "v", "t", "r", "tr", "l"]
    moves = {"h": np.fliplr, "v": np.flipud, "t": lambda a: a.transpose(1, 0, 2)}
    truth = plain
    if orientation in (2, 3, 4, 5):
        for move in turns[orientation]:
            truth = moves[move](truth)
    else:  # 6: turned clockwise, 8: counter-clockwise, 7: mirrored along the other diagonal
        truth = {
            1: truth,
            6: np.rot90(truth, -1),
            7: np.rot90(truth.transpose(1, 0, 2), 2),
            8: np.rot90(truth),
        }[orientation]
    assert np.array_equal(made, truth)
    assert shape_of(raw) == made.shape[:2]


def test_modes_that_are_neither_grey_nor_colour() -> None:
    base = photo()
    for image in (base.convert("1"), base.convert("P"), base.convert("CMYK"), base.convert("L")):
        kind = "TIFF" if image.mode == "CMYK" else "PNG"
        truth = image.convert("L") if image.mode in ("1", "L") else image.convert("RGB").convert("L")
        assert np.array_equal(pixels(file_of(image, kind)), np.asarray(truth))
    cmyk = Image.open(io.BytesIO(file_of(base.convert("CMYK"), "JPEG")))
    assert np.array_equal(
        pixels(file_of(base.convert("CMYK"), "JPEG"), colour=True), np.asarray(cmyk.convert("RGB"))
    )


def test_16_bit_grey_is_rounded_to_8() -> None:
    deep = np.array([[0, 128, 129, 256, 257, 32768, 65406, 65535]], np.uint16)
    for kind in ("PNG", "TIFF"):
        assert pixels(file_of(Image.fromarray(deep), kind)).tolist() == [[0, 0, 1, 1, 1, 128, 254, 255]]
    assert np.array_equal(
        pixels(file_of(Image.fromarray(np.arange(65536, dtype=np.uint16).reshape(256, 256)))),
        np.floor(np.arange(65536).reshape(256, 256) * 255 / 65535 + 0.5),
    )
    for kind in (np.int32, np.float32):
        with pytest.raises(BadImage, match="32-bit kind"):
            pixels(file_of(Image.fromarray(np.ones((2, 2), kind)), "TIFF"))


def test_what_is_transparent_lies_on_white() -> None:
    clear = np.array([[[10, 20, 30, 0], [10, 20, 30, 255], [0, 0, 0, 128]]], np.uint8)
    made = pixels(file_of(Image.fromarray(clear)), colour=True)
    assert made.tolist() == [[[255, 255, 255], [10, 20, 30], [127, 127, 127]]]
    palette = Image.new("P", (2, 1))
    palette.putpalette([200, 0, 0, 0, 0, 200])
    palette.putpixel((1, 0), 1)
    assert pixels(file_of(palette, transparency=1), colour=True).tolist() == [[[200, 0, 0], [255, 255, 255]]]
    la = Image.fromarray(np.array([[[40, 0], [40, 255]]], np.uint8))
    assert pixels(file_of(la)).tolist() == [[255, 40]]
    rgb = Image.new("RGB", (1, 1), (1, 2, 3))
    assert pixels(file_of(rgb, transparency=(1, 2, 3))).tolist() == [[255]]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_what_moves_the_first_frame_is_taken(kind) -> None:
    frames = [Image.new("RGB", (4, 3), (level, level, level)) for level in (10, 200, 90)]
    raw = file_of(
        frames[0],
        kind,
        save_all=True,
        append_images=frames[1:],
        **({"lossless": True} if kind == "WEBP" else {}),
    )
    assert Image.open(io.BytesIO(raw)).n_frames == 3
    assert (pixels(raw) == 10).all()


def test_the_smallest_picture_and_a_wrong_ending() -> None:
    one = file_of(Image.new("L", (1, 1), 7), "JPEG")
    X = vw.encode(files(one, one, path=["a.png", "b.gif"]), vw.ImageEncoder())
    assert X.values.tolist() == [[7.0], [7.0]]


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("size", [(5, 7), (40, 8), 3])
@pytest.mark.parametrize("channels", ["grey", "colour"])
def test_resizing_is_pillows(resize, size, channels) -> None:
    encoder = vw.ImageEncoder(size, resize=resize, channels=channels)
    made = encoder.fit(files(file_of(photo()))).transform(files(file_of(photo())))
    height, width = (size, size) if isinstance(size, int) else size
    image = photo().convert("L" if channels == "grey" else "RGB")
    how = {
        "stretch": lambda: image.resize((width, height), Resampling.BICUBIC),
        "crop": lambda: ImageOps.fit(image, (width, height), Resampling.BICUBIC),
        "pad": lambda: ImageOps.pad(image, (width, height), Resampling.BICUBIC),
    }
    assert np.array_equal(made, np.asarray(how[resize]()).reshape(1, -1))
    again = encoder.fit(np.asarray(photo())[None]).transform(np.asarray(photo())[None])
    assert np.array_equal(again, made)  # the same picture as an array


def test_floats_are_resized_channel_by_channel() -> None:
    wave = np.random.default_rng(0).standard_normal((1, 6, 8)).astype(np.float32)
    made = vw.ImageEncoder((3, 4)).fit_transform(wave)
    truth = np.asarray(Image.fromarray(wave[0]).resize((4, 3), Resampling.BICUBIC))
    assert np.array_equal(made, truth.reshape(1, 12))
    colour = vw.ImageEncoder((3, 4), channels="colour").fit_transform(np.repeat(wave[..., None], 3, axis=3))
    assert np.array_equal(colour.reshape(12, 3), np.repeat(truth.reshape(12, 1), 3, axis=1))


def test_alpha_in_arrays_lies_on_white_too() -> None:
    clear = np.array([[[[10, 20, 30, 0], [50, 50, 50, 255]]]], np.uint8)
    assert vw.ImageEncoder().fit_transform(clear).tolist() == [[255, 50]]
    with pytest.raises(WrongShape, match="1 or 3 channels"):
        vw.ImageEncoder().fit_transform(clear.astype(np.float32))


# ---- bad images ----


def broken() -> dict[str, tuple[bytes | None, str]]:
    whole = file_of(photo(40, 40))
    jpeg = file_of(photo(40, 40), "JPEG")
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    return {
        "empty": (b"", "the file is empty"),
        "missing": (None, "no image"),
        "truncated png": (whole[: len(whole) // 2], ""),
        "truncated jpeg": (jpeg[: len(jpeg) // 2], "image file is truncated"),
        "truncated head": (whole[:20], ""),
        "damaged": (bytes(flipped), ""),
        "a text": (b"no image at all", "it is none of PNG, JPEG"),
        "another format": (file_of(photo(), "PPM"), "it is none of PNG, JPEG"),
        "a program": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is none of PNG"),
    }


@pytest.mark.parametrize("name", list(broken()))
def test_a_bad_image_is_refused_with_its_row_and_reason_or_is_zeros(name) -> None:
    raw, words = broken()[name]
    rows = files(file_of(photo(40, 40)), raw, path=["good.png", "bad.png"])
    for size in (None, (40, 40)):
        with pytest.raises(
            (BadImage, MissingValue), match=re.escape("1 of 2 images cannot be read")
        ) as refused:
            vw.encode(rows, vw.ImageEncoder(size))
        assert "row 1 (`bad.png`): " + words in str(refused.value)
        assert 'missing="zeros"' in str(refused.value)
    made = vw.encode(rows, vw.ImageEncoder(missing="zeros"))
    assert made.values[1].max() == 0
    assert np.array_equal(made.values[0], np.asarray(photo(40, 40).convert("L")).ravel())


def test_a_gap_among_arrays_is_refused_or_zeros() -> None:
    table = as_table(np.full((3, 2, 2), 9, np.uint8))
    cells = table.column("image").chunk(0)
    gap = pa.FixedSizeListArray.from_arrays(cells.values, 4, mask=pa.array([False, True, False]))
    rows = pa.Table.from_arrays([gap], schema=table.schema)
    with pytest.raises(MissingValue, match="row 1: no image"):
        vw.encode(rows, vw.ImageEncoder())
    assert vw.encode(rows, vw.ImageEncoder(missing="zeros")).values.max(axis=1).tolist() == [9, 0, 9]


def test_many_bad_images_are_counted_and_the_first_named() -> None:
    with pytest.raises(BadImage, match=r"7 of 8 images.*row 1: .*row 5: .*; and 2 more"):
        vw.encode(files(file_of(photo()), *[b"x"] * 7), vw.ImageEncoder())


def bomb(width: int, height: int) -> bytes:
    """A PNG whose head claims more pixels than its few bytes could hold."""

    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", head)
        + part(b"IDAT", zlib.compress(b"\0" * 999))
        + part(b"IEND", b"")
    )


def test_a_decompression_bomb_is_refused_by_its_head() -> None:
    with pytest.raises(BadImage, match="more than 89,478,485"):
        vw.encode(files(bomb(50_000, 50_000)), vw.ImageEncoder())
    with pytest.raises(BadImage, match="more than 89,478,485"):
        vw.encode(files(bomb(50_000, 50_000)), vw.ImageEncoder((28, 28)))
    assert MOST_PIXELS < 50_000**2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns where vecwise refuses
        with pytest.raises(BadImage, match="10,000 × 9,000 pixels"):
            pixels(bomb(10_000, 9_000))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_damaged_files_are_read_or_refused_but_never_crash(kind) -> None:
    """A changed bit in pixels that carry no checksum cannot be told; everything else is a `BadImage`."""
    whole, random = file_of(photo(9, 9), kind), np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        raw = bytearray(whole)
        raw[random.integers(len(raw))] ^= 1 << random.integers(8)
        if random.random() < 0.3:
            raw = raw[: random.integers(len(raw))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for look in (shape_of, pixels):
                try:
                    look(bytes(raw))
                except BadImage:
                    refused += 1
    assert refused > 30


# ---- Pillow is asked only for files ----


def test_arrays_and_their_pictures_need_no_pillow_nor_pandas() -> None:
    code = (
        "import numpy as np, vecwise as vw; images = np.zeros((3, 5, 5), np.uint8); encoder = vw.ImageEncoder(); "
        "X = vw.normalize(vw.encode(images, encoder)); encoder.to_png(X[0]); X._repr_html_()"
    )
    assert not loaded_after(code) & {"PIL", "pandas", "sklearn", "scipy"}


def test_without_pillow_the_line_that_installs_it_is_named(monkeypatch) -> None:
    rows = files(file_of(photo()))
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingPackage, match=r"pip install 'vecwise\[images\]'"):
        vw.encode(rows, vw.ImageEncoder(5))
