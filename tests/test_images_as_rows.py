"""Images as a PATH of every command: guessed, told, searched by a file, and shown again in the report."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

import vecwise as vw
from images import digits, file_of, photo
from vecwise.encoders.guess import plan
from vecwise.errors import NothingToEncode, OutOfRange
from vecwise.explore import facts_of
from vecwise.kernels.png import png_bytes
from vecwise.pictures import report_of
from vecwise.store.rows import as_table
from vecwise.workbench import encode_to, explore, health_of, nearest_in


@pytest.fixture(scope="module")
def idx(tmp_path_factory):
    """300 real digits as the two IDX files in which they are handed around."""
    images, labels = digits()
    folder = tmp_path_factory.mktemp("digits")
    head = struct.pack(">IIII", 2051, *images.shape)
    (folder / "some-images-idx3-ubyte").write_bytes(head + images.tobytes())
    (folder / "some-labels-idx1-ubyte").write_bytes(
        struct.pack(">II", 2049, len(labels)) + labels.astype(np.uint8).tobytes()
    )
    return folder / "some-images-idx3-ubyte"


def test_digits_are_guessed_and_told(idx) -> None:
    made = plan(vw.read(idx))
    assert [(c.name, c.use, c.why) for c in made.columns] == [
        ("image", "encode", "images"),
        ("label", "skip", "beside the images"),
    ]
    answer = explore(str(idx))
    words = "\n".join(line for _, lines in answer.sections for line in lines)
    assert "row_" in words
    assert "label" in words
    assert "[0, 0, 0" not in words  # pixels are no reading matter
    assert answer.data["vectors"]["dim"] == 784


def test_a_digit_is_784_numbers_and_shows_itself_again(idx) -> None:
    images, _ = digits()
    X = vw.encode(str(idx))
    assert X.shape == (300, 784)
    assert np.array_equal(X.values.reshape(-1, 28, 28), images)
    drawn = X.picture_of(7)
    assert drawn == png_bytes(images[7])
    assert vw.encode(["a text"], "count").picture_of(0) is None


def test_the_report_holds_a_picture_for_every_point(idx) -> None:
    images, _ = digits()
    X = vw.encode(str(idx))
    report = report_of(facts_of(X), name="digits", rows=300, color=None, command="", seed=0)
    assert len(report.pictures) == 300
    assert report.pictures[3] == png_bytes(images[3])
    assert list(report.columns) == ["label"]
    assert report.color == "label"


def test_a_saved_folder_is_searched_by_a_file(idx, tmp_path) -> None:
    images, _ = digits()
    encode_to(str(idx), str(tmp_path / "v"))
    (tmp_path / "asked.png").write_bytes(png_bytes(images[42]))
    found = nearest_in(str(tmp_path / "v"), str(tmp_path / "asked.png"), k=1)
    assert json.loads(json.dumps(found.data))["neighbors"][0]["id"] == 42


def test_a_folder_of_images_is_a_path(tmp_path) -> None:
    for name in ("cats", "dogs"):
        (tmp_path / "pets" / name).mkdir(parents=True)
    for n, name in enumerate(("cats/a.png", "cats/b.png", "dogs/c.png")):
        (tmp_path / "pets" / name).write_bytes(file_of(photo(seed=n)))
    answer = health_of(str(tmp_path / "pets"), settings={"size": [6, 8], "channels": "colour"})
    assert answer.data["dim"] == 6 * 8 * 3
    table = vw.read(tmp_path / "pets")
    assert table.column("label").to_pylist() == ["cats", "cats", "dogs"]


def test_images_that_are_not_there() -> None:
    with pytest.raises(NothingToEncode, match="No column holds images"):
        plan(as_table({"rooms": [1, 2]}), encoder="image")
    with pytest.raises(OutOfRange):
        vw.encode(np.zeros((1, 6, 7), np.uint8), vw.ImageEncoder(size=(0, 3)))


def test_pixels_share_one_unit() -> None:
    images, _ = digits()
    X = vw.encode(images, vw.ImageEncoder())
    assert not vw.health(X).mixed_units
    assert "standardize" not in vw.health(X).advice


def test_a_list_of_arrays_is_a_list_of_images() -> None:
    images, _ = digits()
    assert np.array_equal(vw.encode(list(images[:5])).values, vw.encode(images[:5]).values)
    with pytest.raises(vw.errors.WrongShape, match="image 1 is"):
        vw.encode([np.zeros((4, 5), np.uint8), np.zeros((5, 5), np.uint8)])
