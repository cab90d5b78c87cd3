"""Why two vectors are close: parts that sum to the score, against sums by hand and texts encoded without a word."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array
from scipy.spatial.distance import cosine as cosine_distance
from scipy.spatial.distance import sqeuclidean

import vecwise as vw
from conftest import EXAMPLES, FIVE, check_refused, read_only, run
from vecwise.errors import NonFinite, OutOfRange, SpaceMismatch, TooLarge, UnknownName, WrongShape
from vecwise.structure import left_out

TEXTS = ["the sea and the sky", "the deep sea", "a cat on the mat, the cat"]
SINGLE = arrays(np.float32, (2, 9), elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False))


# ---- by feature ----


def test_counts_are_explained_by_word() -> None:
    X = vw.encode(TEXTS, "count")
    found = vw.explain(X[0], X[1], metric="dot")
    assert (found.total, found.how, found.names) == (3, "features", ("the", "sea"))
    assert (found.a.tolist(), found.b.tolist(), found.products.tolist()) == ([2, 1], [1, 1], [2, 1])
    assert found.shares.tolist() == [2 / 3, 1 / 3]
    assert found.rows()[1] == {"feature": "sea", "a": 1, "b": 1, "product": 1, "share": 1 / 3}
    assert found.to_pandas().columns.tolist() == ["feature", "a", "b", "product", "share"]


@given(SINGLE)
def test_products_sum_to_the_exact_inner_product(values) -> None:
    X = vw.Vectors(values)
    found = vw.explain(X[0], X[1], most=None, metric="dot")
    exact = sum((Fraction(float(a)) * Fraction(float(b)) for a, b in zip(*values, strict=True)), Fraction(0))
    assert sum(map(Fraction, found.products.tolist()), Fraction(0)) == exact
    assert found.total == float(exact)
    assert np.array_equal(np.abs(found.products), np.sort(np.abs(found.products))[::-1])
    if found.total:
        assert found.shares.sum() == pytest.approx(1, rel=1e-12 * max(1, np.abs(found.shares).sum()))


@given(SINGLE)
def test_cosines_and_distances_are_explained_to_the_rounding(values) -> None:
    a, b = values.astype(np.float64)
    squared = vw.explain(values[:1], values[1:], most=None, metric="euclidean")
    assert squared.products.sum() == pytest.approx(sqeuclidean(a, b), rel=1e-14)
    assert squared.total == pytest.approx(sqeuclidean(a, b), rel=1e-14)
    found = vw.explain(values[:1], values[1:], most=None, metric="cosine")
    if a.any() and b.any():
        assert found.total == pytest.approx(1 - cosine_distance(a, b), abs=1e-12)
        assert found.products.sum() == pytest.approx(found.total, abs=1e-15)
        assert -1 <= found.total <= 1
    else:
        assert np.isnan(found.total)
        assert not len(found)


@given(arrays(np.float64, (2, 7), elements=st.integers(-3, 3).map(float)), st.integers(1, 9))
def test_what_is_not_listed_is_summed(values, most) -> None:
    X = vw.Vectors(values)
    whole, part = (
        vw.explain(X[0], X[1], most=None, metric="dot"),
        vw.explain(X[0], X[1], most=most, metric="dot"),
    )
    assert part.names == whole.names[:most]
    assert len(part) + part.others == len(whole)
    assert part.products.sum() + part.rest == whole.total == part.total
    sparse = vw.Vectors(csr_array(values), space=X.space)
    for one in (
        vw.explain(sparse[0], sparse[1], most=None, metric="dot"),
        vw.explain(X[0], sparse[1], most=None, metric="dot"),
    ):
        assert (one.names, one.products.tolist()) == (whole.names, whole.products.tolist())


def test_rows_of_a_table_are_explained_by_column() -> None:
    X = vw.encode({"rooms": [3, 4], "kind": ["flat", "house"], "price": [10.0, 14.0]})
    found = vw.explain(X[0], X[1], metric="euclidean")
    assert dict(zip(found.names, found.products.tolist(), strict=True)) == {
        "price": 16, "rooms": 1, "kind=flat": 1, "kind=house": 1,
    }  # fmt: skip
    assert found.total == pytest.approx(vw.distances(X[0], X[1]).values[0, 0] ** 2)


def test_vectors_without_names_are_explained_by_dimension() -> None:
    assert vw.explain([1.0, 2.0], [3.0, 4.0]).names == ("dim_1", "dim_0")
    sparse = vw.Vectors(csr_array(np.eye(3)))
    assert vw.explain(sparse[1], sparse[1]).names == ("dim_1",)


def test_extreme_rows() -> None:
    assert vw.explain([1e200, 1.0], [1e200, 0.0], metric="cosine").total == 1
    assert vw.explain([5e-324, 0.0], [1e300, 0.0], metric="cosine").products.tolist() == [1]
    with pytest.raises(NonFinite, match="too large"):
        vw.explain([1e200], [1e200], metric="dot")


def test_what_cannot_be_explained() -> None:
    X = vw.Vectors(read_only(3, 2))
    with pytest.raises(WrongShape, match="single rows"):
        vw.explain(X[:2], X[0])
    with pytest.raises(SpaceMismatch):
        vw.explain(X[0], vw.Vectors([[1.0, 2.0]]))
    with pytest.raises(UnknownName, match="manhattan"):
        vw.explain(X[0], X[1], metric="manhattan")
    for most in (0, -1, True, 1.5):
        with pytest.raises(OutOfRange, match="most"):
            vw.explain(X[0], X[1], most=most)


# ---- averages, word by word ----

WORDS = {"sea": [1.0, 0.5], "sky": [0.0, 2.0], "deep": [3.0, -1.0]}


def test_a_plain_average_is_explained_by_hand() -> None:
    X = vw.encode(["Sea, sky and sea", "deep sky"], vw.AverageEncoder(WORDS, method="plain"))
    found = vw.explain(X[0], X[1], metric="dot")
    b = (np.array(WORDS["deep"]) + WORDS["sky"]) / 2
    assert found.how == "words"
    assert dict(zip(found.names, found.products.tolist(), strict=True)) == pytest.approx(
        {"sea": 2 / 3 * np.dot(WORDS["sea"], b), "sky": 1 / 3 * np.dot(WORDS["sky"], b)}
    )
    assert found.total == pytest.approx(vw.dot(X[0], X[1]).values[0, 0], rel=1e-6)
    assert dict(zip(found.names, found.partners, strict=True)) == {"sea": "deep", "sky": "sky"}
    assert np.allclose(found.a * found.b, found.products)


@pytest.mark.parametrize("method", ["sif", "usif"])
@pytest.mark.parametrize("unit", [False, True])
def test_averages_less_common_directions_are_sums_of_their_words(lyrics, method, unit) -> None:
    X = vw.encode(lyrics, vw.AverageEncoder(method=method))
    X = vw.normalize(X) if unit else X
    for i, j in ((3, 4), (10, 90), (7, 7)):
        for metric in ("dot", "cosine"):
            found = vw.explain(X[i], X[j], metric=metric, most=None)
            truth = (vw.dot if metric == "dot" else vw.cosine)(X[i], X[j]).values[0, 0]
            assert found.total == pytest.approx(truth, abs=66 * 2**-24 * np.abs(found.products).sum() * 4)
            assert found.products.sum() == pytest.approx(found.total, abs=1e-15)
            assert set(found.names) <= set(lyrics[i].lower().replace(",", " ").replace("'", " ").split())
    # A word alone is a text, whose vector says what the word adds to any text.
    encoder = X.encoder.maps[0] if unit else X.encoder
    found = vw.explain(X[3], X[4], most=None, metric="dot")
    alone = encoder(pa.table({"text": list(found.names)}))
    raw = encoder(pa.table({"text": [lyrics[3]]}))
    known = sum(part.times for part in encoder.contributions(lyrics[3]))
    scale = 1 / np.linalg.norm(raw.values) if unit else 1.0
    times = {part.word: part.times for part in encoder.contributions(lyrics[3])}
    truth = np.asarray(alone) @ np.asarray(X[4])[0] * scale / known
    assert found.products == pytest.approx([truth[k] * times[w] for k, w in enumerate(found.names)], abs=1e-6)


def test_a_vector_that_is_not_its_texts_is_explained_by_dimension() -> None:
    X = vw.encode(["sea sky", "deep sky"], vw.AverageEncoder(WORDS, method="plain"))
    moved = vw.Vectors(X.values + 1, rows=X.rows, space=X.space)
    assert vw.explain(moved[0], moved[1]).how == "features"
    assert vw.explain(2 * X[0], X[1]).names[0].startswith("average_")
    assert vw.explain(X[0], X[1], metric="euclidean").how == "left out"
    other = vw.Vectors(X.values + 1, rows=X.rows, space=X.space, encoder=X.encoder)
    assert vw.explain(other[0], X[1]).how == vw.explain(X[0], other[1], metric="euclidean").how == "features"


def test_an_average_of_no_known_word() -> None:
    X = vw.encode(["cat", "deep sky"], vw.AverageEncoder(WORDS, method="plain"))
    assert (vw.explain(X[0], X[1], metric="dot").total, len(vw.explain(X[0], X[1], metric="dot"))) == (0, 0)
    assert np.isnan(vw.explain(X[0], X[1], metric="cosine").total)
    assert vw.explain(X[1], X[0], metric="dot").products.tolist() == [0, 0]


# ---- words left out ----


def test_sentences_lose_words_as_if_encoded_without_them() -> None:
    X = vw.encode(FIVE[:2])
    found = vw.explain(X[0], X[1], most=None)
    assert found.how == "left out"
    assert found.total == vw.cosine(X[0], X[1]).values[0, 0]
    assert sorted(found.names) == sorted(f"{FIVE[0]} {FIVE[1]}".split())
    for text, other, column in ((FIVE[0], X[1], found.a), (FIVE[1], X[0], found.b)):
        words = text.split()
        for place, word in enumerate(words):
            without = vw.encode([" ".join(words[:place] + words[place + 1 :])])
            truth = vw.cosine(without, other).values[0, 0]
            at = [i for i, name in enumerate(found.names) if name == word and not np.isnan(column[i])]
            assert any(column[i] == pytest.approx(truth, abs=1e-5) for i in at)
            assert found.products[at] == pytest.approx(found.total - column[at])
    assert (np.isnan(found.a) != np.isnan(found.b)).all()
    assert np.isnan(found.shares).all()
    assert found.to_pandas().columns.tolist() == ["word", "a", "b", "change"]


def test_hashed_counts_have_no_names_and_lose_words() -> None:
    X = vw.encode(["red sea", "red"], vw.CountEncoder(hashing=64))
    found = vw.explain(X[0], X[1])
    assert found.how == "left out"
    # Without "sea" both texts are alike; without "red" they share nothing; an empty text has no cosine, and no change.
    assert dict(zip(found.names, found.a.tolist(), strict=True)) == {"sea": 1, "red": 0}


def test_texts_with_too_many_words_name_the_way_out(monkeypatch) -> None:
    monkeypatch.setattr(left_out, "MOST_WORDS", 8)
    X = vw.encode(FIVE[:2])
    with pytest.raises(TooLarge, match="passages"):
        vw.explain(X[0], X[1])


def test_scripts_without_spaces_lose_a_character_at_a_time() -> None:
    X = vw.encode(["天空", "the sky"], "sentence")
    assert set(vw.explain(X[0], X[1]).names) == {"天", "空", "the", "sky"}


# ---- in words ----


def test_explanations_print_narrow_and_as_a_page() -> None:
    X = vw.encode(TEXTS, "count")
    words = repr(vw.explain(X[0], X[2], most=1, metric="dot"))
    assert words.splitlines()[0] == "Explanation: inner product 4, by feature"
    assert max(map(len, words.splitlines())) <= 100
    assert "<table>" in vw.explain(X[0], X[1])._repr_html_()
    risky = vw.encode(["<b> <b>", "<b>"], "count")
    assert "<b> " not in vw.explain(risky[0], risky[1])._repr_html_().replace("<p><b>", "")


def test_the_command_explains_rows_and_texts() -> None:
    made = run("explain", str(EXAMPLES / "houses.csv"), "0", "7", "--json")
    data = json.loads(made.stdout)
    assert made.returncode == 0
    assert data["measure"] == "Euclidean distance on standardized columns"
    assert sum(part["squared_difference"] for part in data["parts"]) + data["rest"] == pytest.approx(
        data["total"]
    )
    texts = run("explain", "--texts", "the deep sea", "the sea", "--encoder", "count")
    assert "The feature “the” makes 50% of the cosine." in texts.stdout
    words = run("explain", str(EXAMPLES / "sentences.txt"), "0", "1", "--most", "3")
    assert "Without “We” the cosine falls most" in words.stdout
    for made in (texts, words):
        assert (made.returncode, made.stderr) == (0, "")
        assert max(map(len, made.stdout.splitlines())) <= 100
    alone = run("explain", "--texts", "cat", "dog", "--encoder", "sentence").stdout
    assert "No word can be left out of a text of one word." in alone
    assert "They share nothing" in run("explain", "--texts", "red", "sea", "--encoder", "count").stdout
    assert "vecwise explain --texts" in run("explain", "--help").stdout


def test_the_command_refuses_in_one_line() -> None:
    file = str(EXAMPLES / "sentences.txt")
    check_refused(run("explain", file, "0"), "PATH ROW_A ROW_B")
    check_refused(run("explain"), "PATH ROW_A ROW_B")
    check_refused(run("explain", file, "0", "99"), "`99`")
    check_refused(run("explain", file, "--texts", "a", "b"), "not both")
    check_refused(run("explain", "--texts", "a", "b", "--columns", "x"), "--columns")
    check_refused(run("explain", file, "0", "1", "--most", "0"), "--most")
