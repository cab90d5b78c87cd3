"""Layouts: the same numbers as independent ones, the same bits for a seed, and a place for every new row."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist

import vecwise as vw
from conftest import FIVE, read_only
from vecwise import errors
from vecwise.engines.local import threads
from vecwise.structure import layout_methods
from vecwise.structure.placing import Anchors

METRICS = ("euclidean", "cosine", "manhattan", "chebyshev")


@pytest.fixture
def straight_umap(monkeypatch):
    """UMAP replaced by its start, so that everything around it is tested in no time."""
    monkeypatch.setitem(layout_methods._METHODS, "umap", lambda job: job.start)


def blobs(rows=200, dim=10, seed=0, dtype=np.float32) -> np.ndarray:
    random = np.random.default_rng(seed)
    centers = 4 * random.standard_normal((5, dim))
    made = (centers[random.integers(0, 5, rows)] + random.standard_normal((rows, dim))).astype(dtype)
    made.flags.writeable = False
    return made


# ---- layouts ----


def test_pca_is_that_of_scikit_learn_up_to_sign() -> None:
    from sklearn.decomposition import PCA

    X = vw.Vectors(blobs())
    made = vw.layout(X, dim=3)
    other = PCA(3, svd_solver="full").fit_transform(X.values.astype(np.float64))
    assert np.allclose(np.abs(made.coordinates), np.abs(other), atol=1e-4)
    assert (made.method, made.metric, made.dim) == ("pca", "cosine", 3)
    assert made.coordinates.dtype == np.float32
    assert made.ids is X.ids
    assert made.axes[0].startswith("component 1, ")
    assert "the components keep" in repr(made)
    assert vw.layout(X, method="auto").coordinates.tobytes() == made.coordinates.tobytes()


def test_workers_do_not_show() -> None:
    X = vw.Vectors(blobs(9000, 40))
    one, two = (vw.layout(X, engine=threads(n)) for n in (1, 2))
    assert one.coordinates.tobytes() == two.coordinates.tobytes()
    assert one.faithfulness.rows_trustworthiness.tobytes() == two.faithfulness.rows_trustworthiness.tobytes()


def test_any_number_type_and_order_of_memory_gives_the_same_layout() -> None:
    whole = np.random.default_rng(0).integers(-100, 100, (60, 6))
    usual = vw.layout(whole.astype(np.float64), dim=2)
    wide = np.repeat(whole, 2, axis=1).astype(np.float32)
    for other in (
        *(whole.astype(kind) for kind in ("int8", "float16", "float32", ">f4", ">f8", "int64")),
        np.asfortranarray(whole.astype(np.float64)),
        wide[:, ::2],
        whole[::-1][::-1],
    ):
        made = vw.layout(other, dim=2)
        assert np.array_equal(made.coordinates, usual.coordinates)
        assert made.faithfulness.trustworthiness == usual.faithfulness.trustworthiness
    sparse = vw.layout(csr_array(whole.astype(np.float64)), dim=2, metric="euclidean")
    assert np.allclose(sparse.coordinates, usual.coordinates, atol=1e-4)
    assert vw.layout(csr_array(whole)).metric == "cosine"


def test_few_dimensions_are_shown_as_they_are() -> None:
    plane, space = blobs(20, 2), blobs(20, 3)
    made = vw.layout(plane, dim=2, metric="euclidean")
    assert made.method == "as is"
    assert np.array_equal(made.coordinates, plane)
    assert made.faithfulness.neighbors_kept == 1
    assert "shown as they are" in repr(made)
    flat = vw.layout(plane, dim=3)
    assert np.array_equal(flat.coordinates[:, :2], plane)
    assert not flat.coordinates[:, 2].any()
    assert vw.layout(space, dim=3).method == "as is"
    assert vw.layout(space, dim=2).method == "pca"
    assert np.array_equal(made.place(plane[4]), plane[4:5])
    assert vw.layout([[1.0], [2.0]], dim=2).coordinates.tolist() == [[1, 0], [2, 0]]


def test_rows_that_hardly_differ() -> None:
    assert not vw.layout(np.ones((6, 5))).coordinates.any()
    line = vw.layout(np.outer(np.arange(6.0), np.ones(5)), dim=2)
    assert not line.coordinates[:, 1].any()
    assert line.axes[1] == "nothing varies here"
    assert line.faithfulness.neighbors_kept == 1


@pytest.mark.parametrize(
    ("X", "options", "error", "message"),
    [
        (blobs(9), {"dim": 4}, errors.OutOfRange, "2 or 3 dimensions, not 4"),
        (blobs(9), {"method": "umab"}, errors.UnknownName, "Did you mean `umap`"),
        (blobs(9), {"metric": "dot"}, errors.UnknownName, "metric for a picture"),
        (blobs(9), {"neighbors": 1}, errors.OutOfRange, "`neighbors`"),
        (blobs(9), {"most": 3}, errors.OutOfRange, "`most`"),
        (blobs(9), {"k": 0}, errors.OutOfRange, "`k`"),
        (np.zeros((0, 4)), {}, errors.EmptyInput, "no rows"),
        (np.full((4, 9), np.nan), {}, errors.NonFinite, "NaN"),
        (1e60 * blobs(9, dtype=np.float64), {}, errors.OutOfRange, "Scale the vectors"),
        (1e-60 * blobs(9, dtype=np.float64), {}, errors.OutOfRange, "Scale the vectors"),
        (
            blobs(9)[[0, 1, 0, 1, 0, 1, 0, 1]],
            {"method": "umap"},
            errors.OutOfRange,
            "at least 5 rows that differ",
        ),
    ],
)
def test_what_cannot_be_laid_out_is_refused(X, options, error, message) -> None:
    with pytest.raises(error, match=message):
        vw.layout(X, **options)


def test_a_picture_needs_a_place_for_each_row() -> None:
    with pytest.raises(errors.WrongShape, match="10 rows need one place each"):
        vw.faithfulness(blobs(10), blobs(9, 2))
    with pytest.raises(errors.EmptyInput):
        vw.faithfulness(np.zeros((0, 3)), np.zeros((0, 2)))


# ---- placing ----


@pytest.mark.parametrize("metric", METRICS)
def test_a_row_of_the_map_lands_on_its_own_point_and_each_row_alone(metric) -> None:
    X = vw.Vectors(blobs(80, 7))
    map_ = Anchors(X, read_only(80, 2, dtype=np.float32), metric, 6)
    assert map_.place(X).tobytes() == map_.points.tobytes()
    new = vw.Vectors(blobs(30, 7, seed=9), space=X.space)
    made = map_.place(new)
    assert np.isfinite(made).all()
    for row in range(30):
        assert map_.place(new[row]).tobytes() == made[[row]].tobytes()
    assert map_.place(new[::-1]).tobytes() == made[::-1].tobytes()
    sparse = Anchors(vw.Vectors(csr_array(X.values), space=X.space), map_.points, metric, 6)
    assert np.allclose(sparse.place(new), made, atol=1e-5)


@given(
    arrays(np.float64, (6, 2), elements=st.integers(-4, 4)),
    arrays(np.float64, (1, 2), elements=st.floats(-9, 9)),
)
def test_a_place_lies_among_the_points_of_the_map(X, new) -> None:
    space = vw.Space(2)
    made = Anchors(vw.Vectors(X, space=space), X.astype(np.float32), "euclidean", 3).place(
        vw.Vectors(new, space=space)
    )
    assert (made >= X.min(axis=0) - 1e-5).all()
    assert (made <= X.max(axis=0) + 1e-5).all()


def test_a_place_is_the_weighted_mean_that_is_documented_and_moves_smoothly() -> None:
    X = vw.Vectors([[0.0], [1.0], [4.0], [9.0]])
    points = np.array([[0, 0], [1, 0], [0, 4], [9, 9]], np.float32)
    map_ = Anchors(X, points, "euclidean", 2)
    weights = np.array([((4 - 0.5 - d) / ((4 - 0.5) * d)) ** 2 for d in (0.5, 0.5)])
    expected = weights @ points[:2] / weights.sum()
    assert np.allclose(map_.place(vw.Vectors([[0.5]], space=X.space)), expected)
    path = np.linspace(-1, 10, 20_001)[:, None]
    steps = np.abs(np.diff(map_.place(vw.Vectors(path, space=X.space)), axis=0)).max()
    assert steps < 0.02  # the points are up to 9 apart, and neighbours change on the way
    even = Anchors(X[[0, 1]], points[:2], "euclidean", 1)
    assert even.place(vw.Vectors([[0.5]], space=X.space)).tolist() == [
        [0, 0]
    ]  # a tie goes to the earlier row


def test_extreme_distances_still_have_weights() -> None:
    for scale in (1e-150, 1e150):
        X = vw.Vectors(scale * np.array([[0.0], [1.0], [3.0], [7.0]]))
        made = Anchors(X, read_only(4, 2, dtype=np.float32), "euclidean", 2).place(
            vw.Vectors(scale * np.array([[0.25]]), space=X.space)
        )
        usual = Anchors(vw.Vectors(X.values / scale), read_only(4, 2, dtype=np.float32), "euclidean", 2)
        assert np.allclose(made, usual.place(vw.Vectors([[0.25]], space=usual.vectors.space)))


@given(st.integers(0, 59), st.integers(1, 20))
def test_pca_places_a_row_where_it_lies_in_any_batch(start, size) -> None:
    X = vw.Vectors(blobs(60, 9))
    made = vw.layout(X, dim=2)
    assert made.place(X[start : start + size]).tobytes() == made.coordinates[start : start + size].tobytes()


def test_typed_sentences_find_their_place() -> None:
    X = vw.encode(FIVE, encoder="count")
    made = vw.layout(X, dim=2)
    assert made.place(FIVE[1]).tobytes() == made.coordinates[1:2].tobytes()
    assert made.place(["It was raining", FIVE[4]])[1].tobytes() == made.coordinates[4].tobytes()
    with pytest.raises(errors.NoEncoder):
        vw.layout(blobs()).place("words")
    with pytest.raises(errors.SpaceMismatch):
        made.place(vw.Vectors(np.ones((1, X.shape[1]))))
    with pytest.raises(errors.NonFiniteQuery):
        vw.layout(blobs()).place(np.full((1, 10), np.inf))


# ---- what surrounds the bending methods ----


def test_a_sample_is_laid_out_the_others_are_placed_and_the_result_says_so(straight_umap) -> None:
    X = vw.Vectors(blobs(100))
    made = vw.layout(X, method="umap", dim=2, most=40)
    assert made.sampled == len(made.anchored) == 40
    assert np.isfinite(made.coordinates).all()
    assert "40 rows, chosen by the seed 0, were laid out, and the others placed among them" in repr(made)
    assert made.place(X).tobytes() == made.coordinates.tobytes()
    again, other = (vw.layout(X, method="umap", dim=2, most=40, seed=seed) for seed in (0, 1))
    assert again.coordinates.tobytes() == made.coordinates.tobytes()
    assert not np.array_equal(other.anchored, made.anchored)
    assert vw.layout(X, method="umap", dim=2).sampled is None
    assert made.axes == ["UMAP 1", "UMAP 2"]


def test_equal_rows_share_a_point_and_rows_of_zeros_have_none(straight_umap) -> None:
    values = np.concatenate([blobs(30), blobs(30)[5:12], np.zeros((2, 10), np.float32)])
    by_cosine = vw.layout(values, method="umap", metric="cosine")
    assert np.array_equal(by_cosine.coordinates[30:37], by_cosine.coordinates[5:12])
    assert np.isnan(by_cosine.coordinates[37:]).all()
    assert by_cosine.placed == 37
    assert "2 rows of zeros left out" in repr(by_cosine)
    assert np.isnan(by_cosine.place(np.zeros(10))).all()
    mixed = by_cosine.place(np.stack([np.zeros(10), values[3]]))
    assert np.isnan(mixed[0]).all()
    assert np.array_equal(mixed[1], by_cosine.coordinates[3])
    assert by_cosine.to_arrow()["x"].null_count == 2
    by_distance = vw.layout(values, method="umap", metric="euclidean")
    assert np.array_equal(by_distance.coordinates[37], by_distance.coordinates[38])
    assert by_distance.placed == 39


def test_neighbours_handed_over_are_exact_and_a_row_is_its_own_first(straight_umap) -> None:
    X = vw.Vectors(blobs(50).astype(np.float64))
    places, away = layout_methods.Job(X, "cosine", 5, 0, np.zeros((50, 2))).nearest(5)
    assert places[:, 0].tolist() == list(range(50))
    assert not away[:, 0].any()
    exact = cdist(X.values, X.values, "cosine")
    np.fill_diagonal(exact, -1)
    assert np.array_equal(places, np.argsort(exact, axis=1)[:, :6])
    assert np.allclose(away[:, 1:], np.sort(exact, axis=1)[:, 1:6])


def test_a_missing_package_is_named_with_its_extra(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(errors.MissingPackage, match=r"pip install 'vecwise\[map\]'"):
        vw.layout(blobs(), method="umap")


def separated(made, labels) -> float:
    """The share of rows whose nearest row in the picture is of their own kind."""
    away = cdist(made.coordinates, made.coordinates)
    np.fill_diagonal(away, np.inf)
    return float((labels[away.argmin(axis=1)] == labels).mean())


def test_tsne_keeps_kinds_apart_with_the_same_bits_on_any_number_of_threads() -> None:
    from threadpoolctl import threadpool_limits

    X = blobs(90)
    kinds = cdist(X, 4 * np.random.default_rng(0).standard_normal((5, 10))).argmin(axis=1)
    with threadpool_limits(limits=2):
        made = vw.layout(X, method="tsne", dim=2)
    assert separated(made, kinds) > 0.95
    assert made.place(X[7]).tobytes() == made.coordinates[7:8].tobytes()
    with threadpool_limits(limits=1):
        assert vw.layout(X, method="tsne", dim=2).coordinates.tobytes() == made.coordinates.tobytes()


def test_umap_keeps_kinds_apart_with_the_same_bits_for_a_seed() -> None:
    X = blobs(60)
    kinds = cdist(X, 4 * np.random.default_rng(0).standard_normal((5, 10))).argmin(axis=1)
    made = vw.layout(X, method="umap", dim=2)
    assert separated(made, kinds) > 0.95
    assert made.place(X[7]).tobytes() == made.coordinates[7:8].tobytes()
    assert vw.layout(X, method="umap", dim=2).coordinates.tobytes() == made.coordinates.tobytes()
    few = vw.layout(X[:6], method="umap", neighbors=15)  # fewer rows than neighbours
    assert np.isfinite(few.coordinates).all()


LAY_OUT = """
import hashlib, numpy as np, vecwise as vw
X = np.random.default_rng(0).standard_normal((400, 10)).astype("f4")
for method in {methods}:
    print(hashlib.sha256(vw.layout(X, method=method, dim=2).coordinates.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_other_processes_and_numbers_of_threads_give_the_same_bits() -> None:
    import os
    import subprocess
    import sys
    from importlib.util import find_spec

    methods = ["umap", "tsne", *(["pacmap"] if find_spec("pacmap") else [])]
    said = set()
    for count in ("1", "2"):
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), count)
        made = subprocess.run(
            [sys.executable, "-c", LAY_OUT.format(methods=methods)],
            env={**os.environ, **limits}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        said.add(made.stdout)
    assert len(said) == 1
    assert len(said.pop().split()) == len(methods)


@pytest.mark.slow
def test_pacmap_lays_out_many_and_few_rows() -> None:
    pytest.importorskip("pacmap")
    for rows in (5, 12, 300):
        made = vw.layout(blobs(rows), method="pacmap", dim=2)
        assert np.isfinite(made.coordinates).all()
        assert made.place(blobs(rows)).tobytes() == made.coordinates.tobytes()
    with pytest.raises(errors.OutOfRange, match="Chebyshev"):
        vw.layout(blobs(), method="pacmap", metric="chebyshev")


# ---- files ----


def bytes_in(folder) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_a_layout_lies_beside_its_vectors_and_opens_as_it_was(method, tmp_path, straight_umap) -> None:
    X = vw.Vectors(blobs(100), ids=[f"r{i}" for i in range(100)])
    made = vw.layout(X, dim=2, method=method, most=60, seed=5)
    vw.save(X, tmp_path / "points")
    vw.save(made, tmp_path / "points")
    opened = vw.open_layout(tmp_path / "points", vw.open(tmp_path / "points"))
    assert opened.coordinates.tobytes() == made.coordinates.tobytes()
    assert repr(opened) == repr(made)
    assert opened.axes == made.axes
    for name in ("rows_trustworthiness", "rows_neighbors_kept"):
        assert getattr(opened.faithfulness, name).tobytes() == getattr(made.faithfulness, name).tobytes()
    new = blobs(9, seed=8)
    assert opened.place(new).tobytes() == made.place(new).tobytes()
    for folder in ("a", "b"):
        vw.layout(X, dim=2, method=method, most=60, seed=5).save(tmp_path / folder)
    assert bytes_in(tmp_path / "a") == bytes_in(tmp_path / "b")
    assert vw.open_layout(tmp_path / "a", X).seed == 5
    made.save(tmp_path / "a")  # a new generation replaces the old one
    assert sorted(bytes_in(tmp_path / "a")) == ["_layout.json", "layout-2.safetensors"]
    assert len(vw.open(tmp_path / "points")) == 100
    vw.save(X, tmp_path / "points")
    assert vw.open_layout(tmp_path / "points", X).dim == 2


def test_a_layout_of_other_vectors_is_refused(tmp_path) -> None:
    X = vw.Vectors(blobs(50))
    vw.layout(X).save(tmp_path / "map")
    shifted = vw.Vectors(X.values + 1, space=X.space)
    for other, what in (
        (vw.Vectors(X.values), "frames"),
        (vw.Vectors(X.values, ids=range(1, 51), space=X.space), "ids"),
        (shifted, "numbers"),
        (X[:49], "ids"),
        (vw.Vectors(X.values.astype(np.float64), space=X.space), "numbers"),
    ):
        with pytest.raises(errors.SpaceMismatch, match=f"the {what} differ"):
            vw.open_layout(tmp_path / "map", other)


def test_damage_and_strangers_are_refused(tmp_path) -> None:
    X = vw.Vectors(blobs(50))
    made = vw.layout(X)
    made.save(tmp_path / "map")
    for path in (tmp_path / "map").iterdir():
        whole = path.read_bytes()
        place = len(whole) // 2
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(errors.Damaged):
            vw.open_layout(tmp_path / "map", X)
        path.write_bytes(whole)
    assert vw.open_layout(tmp_path / "map", X).dim == 3
    with pytest.raises(errors.FileMissing):
        vw.open_layout(tmp_path / "nowhere", X)
    vw.save(X, tmp_path / "points")
    with pytest.raises(errors.FileMissing):
        vw.open_layout(tmp_path / "points", X)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(errors.Unreadable, match=r"notes\.txt"):
        made.save(tmp_path / "other")
    with pytest.raises(errors.UnknownFormat):
        vw.open_layout(tmp_path / "other", X)


def test_tables_are_keyed_by_row_id(tmp_path) -> None:
    X = vw.Vectors(blobs(30), ids=[f'r"{i}' for i in range(30)])
    made = vw.layout(X, dim=2)
    table = made.to_arrow({"kind": ["a", "b"] * 15})
    assert table.column_names == ["id", "x", "y", "neighbors_kept", "trustworthiness", "kind"]
    assert table["id"].to_pylist() == X.ids.tolist()
    assert np.array_equal(table["y"].to_numpy(), made.coordinates[:, 1])
    assert np.array_equal(table["neighbors_kept"].to_numpy(), made.faithfulness.rows_neighbors_kept)
    made.to_parquet(tmp_path / "map.parquet")
    made.to_csv(tmp_path / "map.csv", {"kind": pa.chunked_array([["a, b"] * 30])})
    assert pq.read_table(tmp_path / "map.parquet").equals(made.to_arrow())
    read = vw.read(tmp_path / "map.csv")
    assert read["id"].to_pylist() == X.ids.tolist()
    assert np.array_equal(read["x"].to_numpy().astype(np.float32), made.coordinates[:, 0])
    assert read["kind"][0].as_py() == "a, b"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["map.csv", "map.parquet"]
    with pytest.raises(errors.DuplicateName, match="`x`"):
        made.to_arrow({"x": range(30)})
    with pytest.raises(errors.WrongShape, match="`kind` has 2 values for 30 rows"):
        made.to_arrow({"kind": [1, 2]})
    with pytest.raises(errors.FileMissing):
        made.to_csv(tmp_path / "no" / "map.csv")


def test_a_figure_of_a_layout() -> None:
    rows = pa.table({"kind": ["a", "b"] * 15, "size": list(range(30))})
    made = vw.layout(vw.Vectors(blobs(30), rows=rows), dim=2)
    figure = made.plot("kind")
    assert [trace.name for trace in figure.data] == ["a", "b"]
    assert figure.data[0].hovertext[0] == "0: a, 0"
    assert "are still neighbours in the picture" in figure.layout.title.text
    assert len(made.plot("neighbors_kept").data[0].x) == 30
    assert vw.layout(blobs(30)).plot(range(30)).data[0].type == "scatter3d"
    assert made.plot().data[0].type == "scatter"
    with pytest.raises(errors.UnknownName, match="Did you mean `kind`"):
        made.plot("knd")
    with pytest.raises(errors.WrongShape):
        made.plot([1, 2])
