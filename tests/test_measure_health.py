"""Health against pandas, SciPy and scikit-learn, its laws, and what each check says."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.sparse import csr_array, random_array
from scipy.stats import skew
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

import vecwise as vw
from conftest import choose_way, read_only
from vecwise.engines.local import serial, threads
from vecwise.errors import MissingValue, OutOfRange, UnknownName, WrongShape, WrongType
from vecwise.kernels import native_health
from vecwise.measure.health import Health
from vecwise.measure.surveying import Surveying
from vecwise.testing import check_fold


@pytest.fixture(params=["numpy", "compiled"])
def way(request, monkeypatch):
    """Both ways of reading rows."""
    choose_way(monkeypatch, request.param, native_health.library)


def verdicts(found: Health) -> dict[str, str]:
    return {check.name: check.verdict for check in found.checks}


def reason(found: Health, name: str) -> str:
    return next(check.reason for check in found.checks if check.name == name)


# ---- the fold ----


def test_surveying_keeps_the_laws_of_a_fold(way) -> None:
    sizes = (5, 1, 8, 0, 3)
    for dtype in (np.float64, np.float32, np.int8, np.float16):
        parts = [(4 * read_only(n, 6, seed=i)).astype(dtype) for i, n in enumerate(sizes)]
        check_fold(Surveying(np.full(6, 0.5), np.arange(6.0)), parts)
    with_gaps = [np.where(read_only(n, 6, seed=i) > 1.5, np.nan, 2.0) for i, n in enumerate((5, 1, 30, 0, 3))]
    check_fold(Surveying(np.zeros(6), np.ones(6)), with_gaps)
    sparse = [
        vw.Vectors(random_array((n, 9), density=0.3, rng=np.random.default_rng(i))).values
        for i, n in enumerate(sizes)
    ]
    check_fold(Surveying(np.zeros(9), np.ones(9)), sparse)


def test_the_answer_does_not_depend_on_the_workers(way) -> None:
    values = read_only(30_000, 40, dtype=np.float32)
    one, two, three = (vw.health(values, engine=engine) for engine in (serial, threads(2), threads(3)))
    for other in (two, three):
        assert json.dumps(one.to_dict()) == json.dumps(other.to_dict())
        assert one.l2.tobytes() == other.l2.tobytes()
        assert one.outliers.tobytes() == other.outliers.tobytes()


def test_both_ways_reach_the_same_verdicts(monkeypatch) -> None:
    values = np.round(read_only(3000, 20), 1)
    values = np.concatenate([values, values[:5], np.zeros((1, 20)), values[:1] * 50])
    found = []
    for mode in ("0", "1"):
        monkeypatch.setenv("VECWISE_NATIVE", mode)
        found.append(vw.health(values))
    assert [(c.name, c.verdict, c.reason) for c in found[0].checks] == [
        (c.name, c.verdict, c.reason) for c in found[1].checks
    ]
    assert np.allclose(found[0].l2, found[1].l2, rtol=1e-14)
    assert found[0].mean_cosine == pytest.approx(found[1].mean_cosine, abs=1e-14)


# ---- each number against an independent one ----


@given(
    arrays(
        np.float64,
        array_shapes(min_dims=2, max_dims=2, max_side=12),
        elements=st.sampled_from([0.0, -0.0, 1.0, -2.0, 0.1]),
    )
)
def test_repeats_are_those_of_pandas(values) -> None:
    rows, columns = pd.DataFrame(values), pd.DataFrame(values.T)
    varying = columns[(values.max(axis=0) > values.min(axis=0)) | (len(values) < 2)]
    for X in (values, csr_array(values), values.astype(np.float32)):
        found = vw.health(X)
        assert found.duplicates == int(rows.duplicated().sum())
        assert found.distinct.tolist() == np.flatnonzero(~rows.duplicated()).tolist()
        assert found.duplicate_dimensions == (int(varying.duplicated().sum()) if len(values) > 1 else 0)


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e8])
@pytest.mark.parametrize("order", ["random", "sorted"])
def test_the_spread_far_from_the_origin_keeps_its_digits(way, offset, order) -> None:
    values = read_only(50_000, 3) * [1, 1e-3, 10] + offset
    values = np.sort(values, axis=0) if order == "sorted" else values
    truth = values.astype(np.longdouble).std(axis=0)
    found = vw.health(values).spread
    assert [found.min, found.median, found.max] == pytest.approx(
        np.sort(truth).astype(float).tolist(), rel=1e-9
    )


def test_the_mean_cosine_is_that_of_all_pairs(way) -> None:
    for values in (read_only(300, 20), read_only(300, 20) + 1, np.abs(read_only(300, 3))):
        values = np.concatenate([values, np.zeros((2, values.shape[1]))])  # noqa: PLW2901  which have no cosine
        pairs = cosine_similarity(values[:300])
        truth = (pairs.sum() - 300) / (300 * 299)
        for X in (values, csr_array(values)):
            assert vw.health(X).mean_cosine == pytest.approx(truth, abs=1e-13)
        assert vw.health(values.astype(np.float32)).mean_cosine == pytest.approx(truth, abs=1e-7)


@given(st.integers(-900, 900))
def test_the_mean_cosine_does_not_know_lengths(power) -> None:
    values = read_only(20, 4)
    found, truth = vw.health(values * 2.0**power).mean_cosine, vw.health(values).mean_cosine
    assert found == truth if abs(power) < 400 else found == pytest.approx(truth, abs=1e-15)


def test_hubness_is_the_skewness_of_scikit_learns_neighbours() -> None:
    values = read_only(900, 30)
    places = NearestNeighbors(n_neighbors=11, metric="cosine").fit(values).kneighbors(values)[1][:, 1:]
    truth = skew(np.bincount(places.reshape(-1), minlength=900))
    for X in (values, csr_array(values), np.concatenate([values, values[:40]])):  # repeats count once
        assert vw.health(X).sampled.hubness == pytest.approx(truth, rel=1e-12)
    assert np.isnan(vw.health(values[:50]).sampled.hubness)


def test_the_effective_rank_is_that_of_the_singular_values() -> None:
    for values in (read_only(300, 20), read_only(300, 5) @ read_only(5, 40, seed=1), read_only(30, 200)):
        singular = np.linalg.svd(values - values.mean(axis=0), compute_uv=False)
        shares = singular[singular > 1e-9 * singular[0]] / singular.sum()
        truth = np.exp(-(shares * np.log(shares)).sum())
        for X in (values, csr_array(values), values * 1e-200):
            assert vw.health(X).sampled.rank == pytest.approx(truth, rel=1e-5)


def test_near_duplicates_are_counted_once_and_not_among_equal_rows() -> None:
    values = read_only(1000, 32)
    near = np.concatenate([values, values[:7] + 1e-3, values[100:120]])
    found = vw.health(near)
    assert (found.sampled.near, found.sampled.compared, found.duplicates) == (14, 1007, 20)
    assert verdicts(found)["near duplicates"] == "look"
    assert "14 of 1,007 rows" in reason(found, "near duplicates")
    truth = cosine_similarity(near[:1007]) - 2 * np.eye(1007)
    assert int((truth.max(axis=1) >= 0.99).sum()) == 14
    few = vw.health(near[:, :8])
    assert (few.sampled.near, verdicts(few)["near duplicates"]) == (None, "fine")


def test_a_sample_says_that_it_is_one() -> None:
    values = np.repeat(read_only(1500, 20), 4, axis=0) + 1e-4 * read_only(6000, 20, seed=1)
    found = vw.health(values)
    assert found.sampled.rows == 2048
    assert "sampled rows" in reason(found, "near duplicates")
    assert "sampled rows" in reason(found, "effective rank")
    assert found.sampled == vw.health(values).sampled
    assert found.sampled != vw.health(values, seed=1).sampled
    assert vw.health(values[:2048]).sampled == vw.health(values[:2048], seed=5).sampled  # all of them


def test_outliers_are_named_the_farthest_first(way) -> None:
    values = read_only(5000, 16).copy()
    values[[40, 7, 300]] = np.array([[30], [50], [40]]) * np.ones(16)
    X = vw.Vectors(values, ids=[f"r{i}" for i in range(5000)])
    found = vw.health(X)
    assert found.outliers.tolist() == [7, 300, 40]
    assert "`r7`, `r300`, `r40`" in reason(found, "outliers")
    assert found.to_dict()["outliers"] == {"count": 3, "ids": ["r7", "r300", "r40"]}
    far = np.linalg.norm(values - values.mean(axis=0), axis=1)
    beyond = far > np.median(far) + 6 * 1.4826 * np.median(np.abs(far - np.median(far)))
    assert sorted(found.outliers.tolist()) == np.flatnonzero(beyond).tolist()
    assert not len(vw.health(read_only(5000, 16)).outliers)
    assert not len(vw.health(np.ones((50, 3))).outliers)


def test_columns_of_different_units_are_judged_standardized() -> None:
    values = read_only(2000, 20) * np.geomspace(1, 1e6, 20)
    names = vw.Space(20, features=tuple(f"c{i}" for i in range(20)))
    named, bare = vw.health(vw.Vectors(values, space=names)), vw.health(values)
    assert verdicts(named)["units"] == "look"
    assert named.sampled.rank > 19 > 12 > bare.sampled.rank
    assert "standardized" in reason(named, "effective rank")
    assert (named.sampled.near, bare.sampled.near > 0) == (0, True)


# ---- verdicts ----


def test_healthy_vectors_are_fine_in_every_respect(way) -> None:
    found = vw.health(vw.normalize(read_only(2000, 64, dtype=np.float32)))
    assert found.verdict == "fine"
    assert set(verdicts(found).values()) == {"fine"}
    assert len(found.checks) == 13


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("isotropy", read_only(500, 32) + 3),
        (
            "effective rank",
            np.pad(read_only(500, 1), ((0, 0), (0, 31))) * 9 + 0.01 * read_only(500, 32, seed=1),
        ),
        ("duplicate dimensions", read_only(500, 32)[:, [*range(31), 5]]),
        ("constant dimensions", np.column_stack([read_only(500, 31), np.full(500, 2.0)])),
        ("zero rows", np.concatenate([read_only(500, 32), np.zeros((1, 32))])),
        ("duplicates", np.concatenate([read_only(500, 32), read_only(1, 32)])),
        ("length", np.concatenate([read_only(500, 32), read_only(1, 32, seed=1) * 1e4])),
    ],
)
def test_what_deserves_a_look_has_a_remedy(name, values) -> None:
    found = vw.health(values)
    check = next(check for check in found.checks if check.name == name)
    assert check.verdict == "look"
    assert check.remedy
    assert found.verdict == "look"
    assert found.verdict_without([c.name for c in found.checks if c.verdict == "look"]) == "fine"


def test_hubs_deserve_a_look() -> None:
    values = read_only(1500, 300) + np.linspace(0, 1.2, 1500)[:, None] * np.sign(read_only(1, 300, seed=9))
    assert vw.health(values).sampled.hubness > 2
    assert verdicts(vw.health(values))["hubness"] == "look"


def test_numbers_of_one_sign_and_columns_are_not_judged_by_their_mean_cosine() -> None:
    values = np.abs(read_only(500, 32)) + 1
    found = vw.health(values)
    assert found.mean_cosine > 0.9
    assert verdicts(found)["isotropy"] == "fine"


def test_advice_on_storage_never_alarms() -> None:
    rare = np.zeros((200, 100))
    rare[::9, ::30] = 0.1
    assert "csr_array" in next(c.remedy for c in vw.health(rare).checks if c.name == "storage")
    assert "dense" in next(
        c.remedy for c in vw.health(csr_array(read_only(9, 4))).checks if c.name == "storage"
    )
    single = read_only(20, 4).astype(np.float32).astype(np.float64)
    check = next(c for c in vw.health(single).checks if c.name == "storage")
    assert "astype(np.float32)" in check.remedy
    assert check.verdict == "fine"


def test_health_of_next_to_nothing() -> None:
    for values in (
        np.zeros((0, 3)),
        [[1.0, 2]],
        np.full((3, 2), np.nan),
        np.zeros((4, 20)),
        np.ones((200, 20)),
    ):
        found = vw.health(values)
        assert json.dumps(found.to_dict(), allow_nan=False)
        assert found.rows == len(np.asarray(values))
        assert np.isnan(found.mean_cosine) == (found.rows - found.zero_rows - found.nonfinite_rows < 2)
    assert vw.health(np.full((3, 2), np.nan)).nonfinite_rows == 3
    assert vw.health(csr_array((3, 5))).zero_rows == 3


# ---- laws ----

matrices = arrays(
    np.float64, st.tuples(st.integers(2, 20), st.integers(1, 6)), elements=st.integers(-3, 3).map(float)
)


def told(found: Health) -> list[object]:
    return [
        found.duplicates,
        found.zero_rows,
        found.constant_dimensions,
        found.duplicate_dimensions,
        found.density,
    ]


@given(matrices, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(values, random) -> None:
    order = list(range(len(values)))
    random.shuffle(order)
    one, two = vw.health(values), vw.health(values[order])
    assert told(one) == told(two)
    assert verdicts(one) == verdicts(two)
    assert sorted(one.l2) == sorted(two.l2)
    assert one.mean_cosine == pytest.approx(two.mean_cosine, abs=1e-12, nan_ok=True)
    assert one.sampled.rank == pytest.approx(two.sampled.rank, rel=1e-6, nan_ok=True)


@given(matrices, st.integers(0, 19))
def test_one_more_of_a_row_is_one_more_duplicate(values, place) -> None:
    more = np.concatenate([values, values[[place % len(values)]]])
    assert vw.health(more).duplicates == vw.health(values).duplicates + 1
    assert vw.health(more).distinct.tolist() == vw.health(values).distinct.tolist()


@given(matrices)
def test_one_more_of_a_column_is_one_more_equal_dimension(values) -> None:
    more = np.column_stack([values, values[:, 0]])
    varies = bool(np.ptp(values[:, 0]))
    assert vw.health(more).duplicate_dimensions == vw.health(values).duplicate_dimensions + varies


# ---- splits ----


def test_equal_and_near_rows_of_two_splits(way) -> None:
    values = read_only(400, 24).copy()
    splits = np.array(["train"] * 300 + ["test"] * 100)
    values[310], values[399], values[5] = values[3], values[299], values[4]  # one pair within train
    values[350] = values[7] + 1e-3
    X = vw.Vectors(values, ids=[f"r{i}" for i in range(400)], rows=pa.table({"part": splits}))
    found = vw.health(X, splits="part")
    (leak,) = found.leaks
    assert (leak.left, leak.right, leak.rows, leak.equal, leak.ids.tolist()) == (
        "test",
        "train",
        100,
        2,
        ["r310", "r399"],
    )
    assert (leak.near, leak.compared, leak.whole) == (1, 98, True)
    assert verdicts(found)["leakage"] == "wrong"
    assert "2 of 100 rows of `test` equal a row of `train`: `r310`, `r399`" in reason(found, "leakage")
    assert vw.health(values, splits=splits.tolist()).leaks[0].equal == 2
    assert "leakage" not in verdicts(vw.health(X))
    assert json.dumps(found.to_dict())


@given(matrices, st.data())
def test_leaks_are_those_of_pandas(values, data) -> None:
    splits = data.draw(st.lists(st.sampled_from("abc"), min_size=len(values), max_size=len(values)))
    frame = pd.DataFrame(values).assign(split=splits)
    leaks = vw.health(values, splits=splits).leaks
    rows = {
        name: set(part.drop(columns="split").apply(tuple, axis=1)) for name, part in frame.groupby("split")
    }
    meeting = {frozenset(pair) for pair in combinations(rows, 2) if rows[pair[0]] & rows[pair[1]]}
    assert meeting <= {frozenset((leak.left, leak.right)) for leak in leaks}
    for leak in leaks:
        left, right = (frame[frame.split == s].drop(columns="split") for s in (leak.left, leak.right))
        assert len(left) <= len(right)
        shared = left.apply(tuple, axis=1).isin(set(right.apply(tuple, axis=1)))
        assert leak.ids.tolist() == left.index[shared].tolist()
        assert (leak.equal, leak.rows) == (int(shared.sum()), len(left))


def test_splits_without_common_rows_are_fine_and_near_ones_deserve_a_look() -> None:
    values = read_only(200, 24)
    splits = ["train"] * 150 + ["test"] * 50
    assert verdicts(vw.health(values, splits=splits))["leakage"] == "fine"
    near = values.copy()
    near[160] = near[0] * 2  # as near as can be, and not equal
    found = vw.health(near, splits=splits)
    assert (verdicts(found)["leakage"], found.leaks[0].near, found.leaks[0].equal) == ("look", 1, 0)


def test_large_splits_are_sampled_and_say_so() -> None:
    values = read_only(20_000, 16, dtype=np.float32).copy()
    splits = np.where(np.arange(20_000) < 17_000, "train", "test")
    values[17_000:] = values[:3000] * np.float32(1.5)
    (leak,) = vw.health(values, splits=splits).leaks
    assert (leak.whole, leak.compared, leak.equal) == (False, 1024, 0)
    assert leak.near > 900
    assert "sampled rows of `test`" in reason(vw.health(values, splits=splits), "leakage")


def test_splits_that_are_none_are_refused() -> None:
    X = vw.Vectors(np.eye(3), rows=pa.table({"part": ["a", None, "b"]}))
    with pytest.raises(UnknownName, match="part"):
        vw.health(X, splits="parts")
    with pytest.raises(MissingValue):
        vw.health(X, splits="part")
    with pytest.raises(WrongShape, match="2 rows; there are 3"):
        vw.health(np.eye(3), splits=["a", "b"])
    with pytest.raises(OutOfRange, match="21 splits"):
        vw.health(np.eye(21), splits=range(21))
    with pytest.raises(WrongType):
        vw.health(np.array([["a"]]))


# ---- words and pictures ----


def test_health_shows_itself() -> None:
    found = vw.health(read_only(40, 3))
    assert found._repr_html_().count("<tr>") == 1 + len(found.checks)
    assert "verdict" in found._repr_html_()
    assert sum(found.plot().data[0].y) == 40
    assert found.shape == (40, 3)


def test_mapped_files_of_any_number_type_are_read_where_they_lie(way, tmp_path) -> None:
    values = np.round(20 * read_only(4000, 30)).astype(np.int8)
    truth = vw.health(values.astype(np.float64)).to_dict()
    for dtype in ("<f4", ">f8", "f2", "i1", "<i8"):
        for order in ("C", "F"):
            np.save(tmp_path / "x.npy", np.asarray(values.astype(dtype), order=order))
            mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
            found = vw.health(mapped).to_dict()
            assert found["duplicates"] == truth["duplicates"]
            assert found["norms"]["l2"] == pytest.approx(truth["norms"]["l2"], rel=1e-14)
            assert found["mean_cosine"] == pytest.approx(truth["mean_cosine"], abs=1e-12)
