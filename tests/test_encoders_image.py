"""Images as vectors: the contract, digits, back to pictures, one shape and one kind, and which column."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import normalize

import vecwise as vw
from images import digits, file_of, photo
from vecwise.encoders.image_cells import image_column
from vecwise.errors import (
    BadImage,
    EmptyInput,
    Inapplicable,
    NonFinite,
    NothingToEncode,
    OutOfRange,
    SpaceMismatch,
    TooLarge,
    UnknownName,
    WrongShape,
    WrongType,
)
from vecwise.kernels.pixels import bytes_of
from vecwise.kernels.png import png_bytes, png_size
from vecwise.store.rows import as_table
from vecwise.testing import check_encoder, check_fold

pictures = st.tuples(
    st.integers(1, 5), st.integers(1, 6), st.integers(1, 6).filter(lambda w: w not in (3, 4))
)


def files(*raw: bytes | None, **columns: list) -> pa.Table:
    return pa.table({**columns, "image": pa.array(raw, pa.binary())})


# ---- the contract ----


@pytest.mark.parametrize(
    ("encoder", "rows"),
    [
        (vw.ImageEncoder(), as_table(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)[:, :, :2])),
        (vw.ImageEncoder(channels="colour"), as_table(np.arange(72, dtype=np.uint8).reshape(3, 2, 4, 3))),
        (vw.ImageEncoder(scale="unit"), as_table(np.arange(60, dtype=np.uint8).reshape(5, 6, 2))),
        (vw.ImageEncoder(), as_table(np.linspace(-1, 1, 60).reshape(5, 6, 2))),
        (vw.ImageEncoder(), as_table(np.linspace(0, 1, 60, dtype=np.float32).reshape(5, 2, 2, 3))),
        (vw.ImageEncoder((2, 5), resize="pad"), as_table(np.arange(60, dtype=np.uint8).reshape(5, 6, 2))),
        (vw.ImageEncoder(), files(*(file_of(photo(seed=i)) for i in range(4)))),
        (vw.ImageEncoder(3, resize="crop"), files(*(file_of(photo(4 + i, 9)) for i in range(3)))),
        (vw.ImageEncoder(missing="zeros"), files(file_of(photo()), b"", None, file_of(photo(seed=1)))),
    ],
)
def test_the_encoder_keeps_the_contract(encoder, rows) -> None:
    check_encoder(encoder, rows)
    assert encoder.is_fitted


@pytest.mark.parametrize(
    ("encoder", "rows"),
    [
        (vw.ImageEncoder(), as_table(np.linspace(0, 1, 60).reshape(5, 6, 2))),
        (vw.ImageEncoder(missing="zeros"), files(b"", *(file_of(photo(seed=i)) for i in range(4)))),
        (vw.ImageEncoder(), files(*(file_of(photo(5, 5 + i // 3)) for i in range(5)))),  # two sizes: refused
        (vw.ImageEncoder(), files(file_of(photo()), None, b"", file_of(photo()), b"x")),  # bad ones: refused
        (vw.ImageEncoder(9), files(*(file_of(photo(5, 5 + i)) for i in range(5)))),
    ],
)
def test_the_fold_keeps_the_laws(encoder, rows) -> None:
    chunks = [rows.slice(0, 1), rows.slice(1, 2), rows.slice(3, 0), rows.slice(3, 2)]
    try:
        check_fold(encoder._fold(), chunks)
    except (
        WrongShape,
        BadImage,
    ) as refused:  # the engines must refuse alike, which check_fold cannot compare
        for cut in (1, 3):
            parts = type(encoder)(**encoder.get_params(deep=False))
            parts.partial_fit(rows.slice(0, cut)).partial_fit(rows.slice(cut))
            with pytest.raises(type(refused), match=re.escape(str(refused))):
                parts.map_  # noqa: B018
    assert rows.num_rows == 5


# ---- digits ----


def test_a_digit_is_784_numbers_and_the_same_digit_again() -> None:
    images, labels = digits()
    encoder = vw.ImageEncoder()
    X = vw.encode(images, encoder)
    assert X.shape == (300, 784)
    assert X.dtype == np.float32
    assert X.space.claims == {"non-negative"}
    assert np.array_equal(X.values, images.reshape(300, 784))
    assert np.array_equal(encoder.picture(X[17]), images[17])
    assert np.array_equal(encoder.inverse_transform(X), images)
    assert X.space.features[28 * 3 + 7] == "row_3_col_7"
    assert X.values[0, 28 * 3 + 7] == images[0, 3, 7]
    assert len(set(labels.tolist())) == 10


def test_unit_vectors_of_digits_are_those_of_scikit_learn() -> None:
    images, _ = digits()
    X = vw.normalize(vw.encode(images, vw.ImageEncoder()))
    truth = normalize(images.reshape(300, 784).astype(np.float64))
    assert np.abs(X.values - truth).max() < 1e-7
    assert X.space.claims == {"non-negative", "unit"}
    assert vw.nearest(X, X[5], k=1).ids.tolist() == [[5]]


def test_the_digits_of_scikit_learn_are_floats_and_stay_what_they_are() -> None:
    found = load_digits()
    encoder = vw.ImageEncoder()
    assert np.array_equal(encoder.fit_transform(found.images), found.data)
    seen = encoder.picture(found.data[0])
    assert seen.dtype == np.uint8
    assert np.array_equal(seen, np.floor(found.images[0] / 16 * 255 + 0.5))
    assert np.array_equal(encoder.inverse_transform(found.data[:3]), found.images[:3])


def test_it_stands_in_a_pipeline() -> None:
    images, labels = digits()
    model = make_pipeline(vw.ImageEncoder(scale="unit"), PCA(20, random_state=0), LogisticRegression(C=10))
    direct = make_pipeline(PCA(20, random_state=0), LogisticRegression(C=10))
    flat = images.reshape(300, 784).astype(np.float32) / np.float32(255)
    assert np.array_equal(model.fit(images, labels).predict(images), direct.fit(flat, labels).predict(flat))
    assert model.score(images, labels) > 0.9
    back = model[:-1].inverse_transform(model[:-1].transform(images[:2]))
    assert back.shape == (2, 28, 28)
    assert np.abs(back.astype(float) - images[:2]).mean() < 30


def test_saved_and_opened_a_digit_shows_itself(tmp_path) -> None:
    images, labels = digits()
    table = as_table(images[:20]).append_column("label", pa.array(labels[:20]))
    X = vw.encode(table, vw.ImageEncoder())
    vw.save(X, tmp_path / "digits")
    opened = vw.open(tmp_path / "digits")
    assert np.array_equal(opened.encoder.picture(opened[3]), images[3])
    assert image_column(opened.rows) == "image"
    assert opened.encoder(opened.rows).space.same_axes(X.space)


# ---- back to pictures ----


@given(pictures.flatmap(lambda shape: arrays(np.uint8, shape)))
def test_any_picture_comes_back(images) -> None:
    for encoder in (vw.ImageEncoder(), vw.ImageEncoder(scale="unit"), vw.ImageEncoder(channels="colour")):
        made = encoder.fit_transform(images)
        back = encoder.inverse_transform(made)
        assert np.array_equal(back if encoder.channels == "grey" else back[..., 1], images)
        assert np.array_equal(encoder.picture(made[0]), back[0])


@given(st.one_of(arrays(np.uint8, (3, 5)), arrays(np.uint8, (4, 2, 3)), arrays(np.uint8, (1, 1))))
def test_the_png_writer_agrees_with_pillow(picture) -> None:
    raw = png_bytes(picture)
    with Image.open(io.BytesIO(raw)) as image:
        assert np.array_equal(np.asarray(image), picture)
    assert png_size(raw) == picture.shape[:2]


def test_dark_and_signed_vectors_can_be_seen() -> None:
    encoder = vw.ImageEncoder().fit(np.array([[[0, 255]]], np.uint8))
    assert encoder.picture([-3.0, 300.0]).tolist() == [[0, 255]]
    assert encoder.picture([0.0, 1.0]).tolist() == [[0, 1]]
    assert encoder.picture([0.5, 1.0], stretch=True).tolist() == [[128, 255]]
    assert encoder.picture([-1.0, 1.0], stretch=True).tolist() == [[0, 255]]
    assert encoder.picture([0.0, 0.0], stretch=True).tolist() == [[0, 0]]
    X = vw.normalize(vw.encode(np.array([[[30, 40]]], np.uint8), encoder))
    assert encoder.picture(X).tolist() == [[191, 255]]
    assert encoder.picture(X, stretch=False).tolist() == [[1, 1]]


def test_numbers_as_bytes_are_rounded_and_clipped() -> None:
    values = np.array([-1, 0, 0.49 / 255, 0.5 / 255, 0.999, 1, 7])
    assert bytes_of(values, 0, 1).tolist() == [0, 0, 0, 1, 255, 255, 255]
    assert bytes_of(np.array([5.0, 6.0]), 5, 5).tolist() == [0, 255]


def test_a_picture_is_of_one_vector_of_this_space() -> None:
    encoder = vw.ImageEncoder().fit(np.zeros((1, 2, 2), np.uint8))
    with pytest.raises(WrongShape, match=r"of one vector, not of 2"):
        encoder.picture(np.zeros((2, 4)))
    with pytest.raises(WrongShape, match="vectors of 4 numbers, the pixels of 2 × 2"):
        encoder.inverse_transform(np.zeros((2, 5)))
    with pytest.raises(SpaceMismatch, match="show as images"):
        encoder.picture(vw.Vectors(np.zeros((1, 4))))


def test_a_notebook_shows_pictures_where_the_vectors_are_pixels() -> None:
    images, _ = digits()
    X = vw.encode(images[:7], vw.ImageEncoder())
    sources = re.findall(r"base64,([^\"]+)", X._repr_html_())
    assert len(sources) == 5
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(sources[2]))))
    assert np.array_equal(shown, images[2])
    assert vw.normalize(X)._repr_html_().count("<img") == 5
    assert "<img" not in vw.pca(X, k=2)(X)._repr_html_()
    assert "<img" not in vw.Vectors(X.values)._repr_html_()


# ---- one shape, one kind ----


def test_pictures_of_two_sizes_are_refused_with_the_rows_and_the_remedy() -> None:
    rows = files(*(file_of(photo(5, 6)) for _ in range(3)), file_of(photo(7, 6)), file_of(photo(8, 8)))
    with pytest.raises(WrongShape, match=re.escape("row 0 is 5 × 6 pixels and row 3 7 × 6")) as refused:
        vw.encode(rows, vw.ImageEncoder())
    assert "size=(5, 6)" in str(refused.value)
    assert vw.encode(rows, vw.ImageEncoder((5, 6))).shape == (5, 30)


def test_a_fitted_encoder_never_resizes_unasked() -> None:
    encoder = vw.ImageEncoder().fit(np.zeros((2, 5, 6), np.uint8))
    with pytest.raises(WrongShape, match=re.escape("are 6 × 5 pixels, and the encoder was fitted on 5 × 6")):
        encoder.transform(np.zeros((1, 6, 5), np.uint8))
    with pytest.raises(
        WrongShape, match=re.escape("row 1 (`b.png`): 6 × 5 pixels where 5 × 6 were expected")
    ):
        encoder.transform(files(file_of(photo(5, 6)), file_of(photo(6, 5)), path=["a.png", "b.png"]))


def test_the_identity_is_the_shape_the_channels_the_units_and_the_policy() -> None:
    images = np.arange(60, dtype=np.uint8).reshape(5, 6, 2)
    twin, other = (
        vw.ImageEncoder().fit(images[:2]).space,
        vw.ImageEncoder().fit(images.reshape(5, 2, 6)).space,
    )
    assert vw.ImageEncoder().fit(images).space.same_axes(twin)
    made = [
        vw.ImageEncoder(**options).fit(rows).space
        for options, rows in (
            ({}, images),
            ({"channels": "colour"}, images),
            ({"scale": "unit"}, images),
            ({}, images.astype(np.float32)),
            ({"size": (6, 2)}, images),
            ({"size": (6, 2), "resize": "pad"}, images),
        )
    ]
    assert len({space.frame for space in [*made, other]}) == 7


def test_bytes_and_floats_do_not_mix() -> None:
    whole, part = np.zeros((1, 2, 2), np.uint8), np.zeros((1, 2, 2))
    with pytest.raises(WrongType, match="fitted on 8-bit pixels, and these are float"):
        vw.ImageEncoder().fit(whole).transform(part)
    with pytest.raises(WrongType, match="others floats"):
        vw.ImageEncoder().partial_fit(whole).partial_fit(part)
    with pytest.raises(Inapplicable, match="leave out `scale`"):
        vw.ImageEncoder(scale="unit").fit(part)
    with pytest.raises(NonFinite, match=r"1 of 2 images holds NaN or infinity: `1`"):
        vw.ImageEncoder().fit(np.array([[[0.0]], [[np.nan]]]))
    table = as_table(np.array([0, 1, np.nan, 0, np.inf]).reshape(5, 1, 1))
    mask = pa.array([True, False, False, True, False])
    cells = pa.FixedSizeListArray.from_arrays(table.column(0).chunk(0).values, 1, mask=mask)
    gaps = pa.Table.from_arrays([cells], schema=table.schema)
    with pytest.raises(NonFinite, match=r"2 of 3 images hold NaN or infinity: `2`, `4` \(counted from 0\)"):
        vw.ImageEncoder().fit(gaps)
    with pytest.raises(NonFinite, match="NaN or infinity"):
        vw.ImageEncoder().fit(part).transform(np.full((1, 2, 2), np.inf))


def test_the_array_a_user_holds_is_neither_changed_nor_handed_out() -> None:
    mine = np.ones((2, 2, 2), np.float32)
    made = vw.ImageEncoder().fit_transform(mine)
    made[0, 0] = 7
    assert mine.min() == mine.max() == 1


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"size": (2, 2, 2)}, WrongType, r"\(height, width\)"),
        ({"size": (2.5, 2)}, WrongType, "whole numbers"),
        ({"size": (0, 2)}, OutOfRange, "at least 1"),
        ({"size": "28"}, WrongType, "`size`"),
        ({"size": True}, WrongType, "whole numbers"),
        ({"size": (100_000, 100_000)}, TooLarge, "10,000,000,000 dimensions"),
        ({"channels": "gray"}, UnknownName, "`grey`"),
        ({"resize": "squeeze"}, UnknownName, "stretch"),
        ({"scale": "sigma"}, UnknownName, "unit"),
        ({"missing": "skip"}, UnknownName, "zeros"),
        ({"column": "picture"}, UnknownName, "`picture`"),
    ],
)
def test_options_are_checked(options, error, words) -> None:
    with pytest.raises(error, match=words):
        vw.ImageEncoder(**options).fit(np.zeros((1, 2, 2), np.uint8))


# ---- which column ----


def test_the_column_of_images_is_found() -> None:
    raw = file_of(photo())
    nested = pa.table({"picture": [{"bytes": raw, "path": "a.png"}], "label": [3]})
    assert image_column(nested) == "picture"
    assert vw.encode(nested, vw.ImageEncoder()).shape == (1, 204)
    assert image_column(pa.table({"blob": pa.array([None, raw], pa.large_binary())})) == "blob"
    assert image_column(pa.table({"blob": [b"BMW", b"zip"], "n": [1, 2]})) is None
    both = pa.table({"front": [raw], "back": [raw]})
    assert image_column(both) is None
    with pytest.raises(NothingToEncode, match="column='front'"):
        vw.encode(both, vw.ImageEncoder())
    assert vw.encode(both, vw.ImageEncoder(column="back")).shape == (1, 204)


def test_what_is_no_image_says_how_to_make_it_one() -> None:
    with pytest.raises(NothingToEncode, match=re.escape("array.reshape(-1, 8, 8)")):
        vw.ImageEncoder().fit(load_digits().data)
    with pytest.raises(NothingToEncode, match="`text`"):
        vw.ImageEncoder().fit(["the sea"])
    with pytest.raises(WrongType, match="neither an image file's bytes nor pixels"):
        vw.ImageEncoder(column="text").fit(["the sea"])
    with pytest.raises(EmptyInput, match="no image to learn"):
        vw.ImageEncoder(missing="zeros").fit(files(None, b""))
