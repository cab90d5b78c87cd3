"""Clusters: laws, and truths from scikit-learn, SciPy and plain arithmetic."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_array
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

import vecwise as vw
from conftest import EXAMPLES, FIVE, choose_way, run
from vecwise import errors
from vecwise.engines.local import serial, threads
from vecwise.kernels import kmeans as kernel
from vecwise.kernels import native_kmeans
from vecwise.kernels.kmeans import Centers
from vecwise.kernels.silhouette import pair_distances, silhouette
from vecwise.structure import lloyd as passes
from vecwise.structure.grouping import cut
from vecwise.structure.lloyd import Assign, Effort, kmeans, lloyd, middle
from vecwise.structure.naming import distinctive_words, word_scores
from vecwise.testing import check_fold


def blobs(rows=600, dim=8, groups=5, apart=6.0, seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    middles = rng.standard_normal((groups, dim)) * apart
    labels = rng.integers(0, groups, rows)
    return (middles[labels] + rng.standard_normal((rows, dim))).astype(dtype), labels


def same_groups(a, b) -> bool:
    return adjusted_rand_score(a, b) == 1.0


def squares_to(X, centers):
    return np.square(np.asarray(X, np.float64)[:, None, :] - np.asarray(centers, np.float64)).sum(axis=2)


@pytest.fixture(params=["numpy", "compiled", "fused"])
def way(request, monkeypatch):
    choose_way(monkeypatch, request.param, native_kmeans.library)
    if request.param == "fused" and not native_kmeans.has_fused():
        pytest.skip("this processor has no 512-bit registers")
    if request.param == "compiled":
        monkeypatch.setattr(native_kmeans, "has_fused", lambda: False)
    return request.param


# ---- the kernel ----


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("centers", [1, 19, 130])
@pytest.mark.parametrize("dim", [1, 15, 16, 37])
def test_labels_are_the_nearest_centers_and_sums_those_of_their_rows(
    way, dim, centers, dtype, offset
) -> None:
    X = (np.random.default_rng(dim).standard_normal((2051, dim)) + offset).astype(dtype)
    shift = middle(X)[0]
    assert shift.any() == (offset > 0)
    ready = Centers.of(X[:centers].astype(np.float64) - shift, shift)
    labels = kernel.nearest_centers(X, ready)
    truth = squares_to(X, X[:centers])
    assert np.array_equal(labels, truth.argmin(axis=1))
    sums, counts = kernel.sum_rows(X, labels, ready)
    for c in range(centers):
        inside = X[labels == c].astype(np.longdouble) - shift
        np.testing.assert_allclose(sums[c], inside.sum(axis=0).astype(float), rtol=1e-12, atol=1e-11)
    assert np.array_equal(counts, np.bincount(labels, minlength=centers))
    np.testing.assert_allclose(
        kernel.squared_distances(X, labels, ready), truth.min(axis=1), rtol=1e-12, atol=0
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_ways_give_the_same_bits(dtype, monkeypatch) -> None:
    if native_kmeans.library() is None:
        pytest.skip("the compiled kernel was not built")
    X, _ = blobs(5000, 37, dtype=dtype)
    made = []
    for native in ("1", "0"):
        monkeypatch.setenv("VECWISE_NATIVE", native)
        made.append(vw.cluster(X, 7, metric="euclidean", names=False))
    assert np.array_equal(made[0].labels, made[1].labels)
    assert made[0].distances.tobytes() == made[1].distances.tobytes()
    assert made[0].centers.values.tobytes() == made[1].centers.values.tobytes()


def test_equal_centers_go_to_the_lower_number(way) -> None:
    centers = np.array([[0.0, 0.0], [3.0, 1.0], [3.0, 1.0], [0.0, 0.0]])
    labels = kernel.nearest_centers(
        np.array([[0.1, 0], [3, 1], [9, 9]], np.float32), Centers.of(centers, np.zeros(2))
    )
    assert labels.tolist() == [0, 1, 1]


def test_what_single_precision_cannot_tell_is_decided_in_double(way) -> None:
    centers = np.array([[1.0, 0.0], [1.0 + 2e-9, 0.0]])
    rows = np.array([[1.0 + 1.9e-9, 0.0], [1.0 + 0.1e-9, 0.0]])
    assert kernel.nearest_centers(rows, Centers.of(centers, np.zeros(2))).tolist() == [1, 0]


def test_a_label_that_is_no_center_is_refused() -> None:
    if native_kmeans.library() is None:
        pytest.skip("the compiled kernel was not built")
    sums, counts = np.zeros((2, 3)), np.zeros(2, np.int64)
    with pytest.raises(ValueError, match="none of the centers"):
        native_kmeans.add_rows(np.ones((1, 3)), np.zeros(3), np.array([2], np.int32), sums, counts)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_pass_is_a_fold(way, sparse) -> None:
    X, _ = blobs(300, 6, dtype=np.float64)
    X = np.where(X > 0, X, 0)
    job = Assign(Centers.of(X[:4].copy(), np.zeros(6)), measured=True)
    cuts = [X[:0], X[:1], X[1:100], X[100:250], X[250:]]
    check_fold(job, [csr_array(part) for part in cuts] if sparse else cuts)


def test_a_start_takes_rows_that_differ() -> None:
    X = np.repeat(np.arange(6.0).reshape(3, 2), 50, axis=0)
    chosen = kernel.plus_plus(X, 10, np.random.default_rng(0))
    assert len(np.unique(X[chosen], axis=0)) == len(chosen) == 3
    apart = kernel.plus_plus(csr_array(X), 10, np.random.default_rng(0))
    assert len(np.unique(X[apart], axis=0)) == len(apart) == 3


# ---- k-means ----


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_start_ends_where_scikit_learn_ends(way, dtype) -> None:
    X, _ = blobs(3000, 12, 8, apart=1.0, dtype=dtype)
    theirs = KMeans(8, init=X[:8], n_init=1, tol=0, max_iter=300).fit(X.astype(np.float64))
    ours = lloyd(X, X[:8].astype(np.float64), middle(X)[0], Effort(1, 300, 0.0))
    assert np.array_equal(ours.labels, theirs.labels_)
    assert ours.inertia == pytest.approx(theirs.inertia_, rel=1e-9)
    np.testing.assert_allclose(ours.centers, theirs.cluster_centers_, rtol=1e-9, atol=1e-9)
    assert ours.iterations == theirs.n_iter_


def test_clusters_of_blobs_are_the_blobs() -> None:
    X, truth = blobs()
    found = vw.cluster(X, 5, metric="euclidean")
    assert same_groups(found.labels, truth)
    assert found.sizes.tolist() == sorted(found.sizes.tolist(), reverse=True)
    assert found.sizes.sum() == len(X)
    theirs = KMeans(5, n_init=10, random_state=0).fit(X.astype(np.float64)).inertia_
    assert found.inertia == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "standardized"])
def test_laws_of_labels_distances_and_inertia(metric) -> None:
    X, _ = blobs(apart=1.0, dtype=np.float64)
    found = vw.cluster(X, 4, metric=metric)
    rows = X
    if metric == "cosine":
        rows = X / np.linalg.norm(X, axis=1, keepdims=True)
    centers = found.centers.values
    np.testing.assert_allclose(
        centers, [rows[found.labels == c].mean(axis=0) for c in range(4)], rtol=0, atol=0.05
    )
    if metric == "standardized":
        rows, centers = (rows - X.mean(axis=0)) / X.std(axis=0), (centers - X.mean(axis=0)) / X.std(axis=0)
    squares = squares_to(rows, centers)
    assert np.array_equal(found.labels, squares.argmin(axis=1))
    np.testing.assert_allclose(found.distances, np.sqrt(squares.min(axis=1)), rtol=1e-9)
    assert found.inertia == pytest.approx(squares.min(axis=1).sum(), rel=1e-9)
    assert np.array_equal(found.assign(X), found.labels)
    assert found.assign(X[7]).tolist() == [found.labels[7]]


def test_starting_from_the_centers_changes_nothing() -> None:
    X, _ = blobs(apart=1.0, dtype=np.float64)
    found = vw.cluster(X, 6, metric="euclidean", tolerance=0)
    again = vw.cluster(X, metric="euclidean", tolerance=0, start=found.centers.values)
    assert np.array_equal(found.labels, again.labels)
    assert found.centers.values == pytest.approx(again.centers.values, rel=1e-12)
    assert again.iterations <= 2
    assert again.k_reason == "the start was given"


def test_workers_do_not_matter() -> None:
    X, _ = blobs(40_000, 32, 9, apart=0.5)
    made = [
        vw.cluster(X, 9, metric="euclidean", engine=engine)
        for engine in (serial, threads(2), threads(5), None)
    ]
    for other in made[1:]:
        assert np.array_equal(made[0].labels, other.labels)
        assert made[0].centers.values.tobytes() == other.centers.values.tobytes()
        assert made[0].inertia == other.inertia
    assert np.array_equal(made[0].labels, vw.cluster(X, 9, metric="euclidean").labels)


def test_inertia_never_grows() -> None:
    X, _ = blobs(500, 4, 3, apart=0.3, dtype=np.float64)
    start = np.concatenate([X[:5], X[:1], X[:1] + 100, X[:1] + 200])  # with centers that lose their rows
    told = [lloyd(X, start, np.zeros(4), Effort(1, most, 0.0)).inertia for most in range(1, 12)]
    assert all(later <= earlier * (1 + 1e-12) for earlier, later in pairwise(told))


def test_a_center_that_loses_its_rows_takes_the_farthest_one() -> None:
    X = np.array([[0.0], [0.1], [0.2], [5.0]])
    found = lloyd(X, np.array([[0.0], [1e6]]), np.zeros(1), Effort(1, 50, 0.0))
    assert found.labels.tolist() == [0, 0, 0, 1]


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=30),
    st.integers(1, 8),
    st.sampled_from(["numpy", "compiled"]),
)
def test_any_rows_give_clusters_that_hold_the_laws(points, k, native) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VECWISE_NATIVE", "0" if native == "numpy" else "1")
        X = np.array(points, dtype=np.float64)
        made = kmeans(X, k, seed=0, effort=Effort(2, 50, 0.0))
    count = len(made.centers)
    assert count <= min(k, len(np.unique(X, axis=0)))
    squares = squares_to(X, made.centers)
    assert np.allclose(squares[np.arange(len(X)), made.labels], squares.min(axis=1), atol=1e-12)
    assert np.bincount(made.labels, minlength=count).all()
    assert math.isclose(made.inertia, squares.min(axis=1).sum(), rel_tol=1e-9, abs_tol=1e-12)
    equal = (X[:, None] == X).all(axis=2)
    assert ((made.labels[:, None] == made.labels) | ~equal).all()  # equal rows share a cluster


def test_fewer_rows_that_differ_than_clusters() -> None:
    X = np.repeat([[0.0, 1.0], [5.0, 5.0], [9.0, 0.0]], 20, axis=0)
    with pytest.warns(errors.FewerClusters, match="Only 3 of 6 clusters"):
        found = vw.cluster(X, 6, metric="euclidean")
    assert found.k == 3
    assert found.inertia < 1e-25
    with pytest.warns(errors.FewerClusters):
        alone = vw.cluster(np.ones((7, 3)), 2, metric="euclidean")
    assert alone.labels.tolist() == [0] * 7
    assert alone.inertia == 0


def test_one_row_and_two() -> None:
    one = vw.cluster([[3.0, 4.0]])
    assert (one.k, one.k_reason, one.labels.tolist()) == (1, "k = 1: there is only one row", [0])
    assert vw.cluster([[3.0, 4.0], [1, 1]]).k_reason == "k = 1: there are only two rows"
    assert vw.cluster(np.ones((5, 2))).k_reason == "k = 1: all rows are equal"


@pytest.mark.parametrize("exponent", [100, -100, 400, -400])
def test_huge_and_tiny_rows_are_clustered_alike(exponent) -> None:
    X, _ = blobs(200, 5, 3, dtype=np.float64)
    plain = vw.cluster(X, 3, metric="euclidean")
    other = vw.cluster(np.ldexp(X, exponent), 3, metric="euclidean")
    assert np.array_equal(plain.labels, other.labels)
    np.testing.assert_allclose(np.ldexp(other.centers.values, -exponent), plain.centers.values, rtol=1e-12)
    np.testing.assert_allclose(np.ldexp(other.distances, -exponent), plain.distances, rtol=1e-12)


def test_an_inertia_beyond_float64_is_refused() -> None:
    X, _ = blobs(50, 3, 2, dtype=np.float64)
    with pytest.raises(errors.NonFinite, match="too large"):
        vw.cluster(X * 1e200, 2, metric="euclidean")
    with pytest.raises(errors.OutOfRange, match="too small"):
        vw.cluster(X * 1e-200, 2, metric="euclidean")


@pytest.mark.parametrize(
    "kind", ["float16", "float64", "int8", "F", "strided", "read-only", "big-endian", "sparse"]
)
def test_types_and_layouts_do_not_matter(kind) -> None:
    X = np.round(blobs(120, 6, 3)[0] * 3).astype(np.float32)
    other = {
        "float16": lambda: X.astype(np.float16),
        "float64": lambda: X.astype(np.float64),
        "int8": lambda: X.astype(np.int8),
        "F": lambda: np.asfortranarray(X),
        "strided": lambda: np.repeat(X, 2, axis=0)[::2],
        "read-only": lambda: np.frombuffer(X.tobytes(), np.float32).reshape(X.shape),
        "big-endian": lambda: X.astype(">f4"),
        "sparse": lambda: csr_array(X),
    }[kind]()
    plain, made = vw.cluster(X, 3, metric="euclidean"), vw.cluster(other, 3, metric="euclidean")
    assert same_groups(plain.labels, made.labels)
    assert made.inertia == pytest.approx(plain.inertia, rel=1e-6)


def test_sparse_rows_by_cosine_and_rows_of_zeros() -> None:
    rng = np.random.default_rng(0)
    dense = (rng.random((90, 40)) < 0.1) * rng.random((90, 40))
    dense[:, :3] += np.repeat(np.eye(3), 30, axis=0) * 3
    dense[[5, 50]] = 0
    found = vw.cluster(csr_array(dense), 3)
    assert found.measure == "cosine"
    assert np.flatnonzero(found.labels < 0).tolist() == [5, 50]
    assert np.isnan(found.distances[[5, 50]]).all()
    kept = found.labels >= 0
    assert same_groups(found.labels[kept], np.repeat([0, 1, 2], 30)[kept])
    assert found.assign(csr_array(dense)).tolist() == found.labels.tolist()
    assert vw.cluster(np.zeros((4, 3)), metric="cosine").labels.tolist() == [-1] * 4
    theirs = vw.cluster(dense, 3, metric="cosine")
    assert theirs.inertia == pytest.approx(found.inertia, rel=1e-9)


def test_many_rows_by_mini_batches(monkeypatch) -> None:
    monkeypatch.setattr(passes, "MANY", 1000)
    monkeypatch.setattr(passes, "BATCH_ROWS", 300)
    X, truth = blobs(5000, 8, 5)
    found = vw.cluster(X, 5, metric="euclidean", seed=3)
    assert same_groups(found.labels, truth)
    assert found.iterations <= passes.LAST_PASSES
    assert np.array_equal(found.labels, vw.cluster(X, 5, metric="euclidean", seed=3, engine=serial).labels)


# ---- how many ----


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_silhouette_is_scikit_learns(metric) -> None:
    X, _ = blobs(300, 6, 4, apart=1.0, dtype=np.float64)
    if metric == "cosine":
        X = vw.normalize(X).values
    labels = np.random.default_rng(0).integers(0, 5, len(X))
    labels[0] = 5  # a cluster of one row
    assert silhouette(pair_distances(X), labels) == pytest.approx(silhouette_score(X, labels), abs=1e-9)
    assert silhouette(pair_distances(csr_array(X)), labels) == pytest.approx(
        silhouette_score(X, labels), abs=1e-6
    )


def test_k_is_suggested_with_its_reason() -> None:
    X, truth = blobs(700, 8, 5, apart=12.0, seed=2)
    found = vw.cluster(X, metric="euclidean")
    assert found.k == 5
    assert same_groups(found.labels, truth)
    score = silhouette_score(X, found.labels)
    assert found.k_reason.startswith(f"k = 5: silhouette {score:.2f}, next best ")
    noise = vw.cluster(np.random.default_rng(0).random((3000, 30)), metric="euclidean")
    assert "on 2,000 sampled rows" in noise.k_reason
    assert "no k is convincing" in noise.k_reason


# ---- other methods ----


def test_merging_is_scipys() -> None:
    X, truth = blobs(300, 5, 4, dtype=np.float64)
    found = vw.cluster(X, 4, method="agglomerative", metric="euclidean")
    assert same_groups(found.labels, truth)
    tree = linkage(X, "ward")
    for k in (1, 2, 7, 300):
        assert same_groups(cut(tree, k), fcluster(tree, k, "maxclust"))
    assert vw.cluster(X, method="agglomerative", metric="euclidean").k == 4
    assert vw.cluster([[1.0, 2.0]], 1, method="agglomerative").labels.tolist() == [0]
    with pytest.raises(errors.TooLarge, match="kmeans"):
        vw.cluster(np.zeros((10_001, 1)), 3, method="agglomerative", metric="euclidean")


def test_dense_regions_leave_noise_out() -> None:
    X, truth = blobs(400, 2, 3, apart=12.0, dtype=np.float64)
    X = np.concatenate([X, [[100.0, 100.0], [-100.0, 90.0]]])
    found = vw.cluster(X, method="density", metric="euclidean")
    assert found.k == 3
    assert found.labels[-2:].tolist() == [-1, -1]
    assert found.to_arrow().column("name").to_pylist()[-1] is None
    kept = found.labels[:400] >= 0
    assert adjusted_rand_score(truth[kept], found.labels[:400][kept]) > 0.99
    assert -1 not in found.outliers(50).clusters
    assert f"{(found.labels < 0).sum()} rows in none" in repr(found)


@pytest.mark.slow
def test_dense_directions_are_the_same_for_any_number_of_threads() -> None:
    import numba

    X, truth = blobs(2000, 64, 10, apart=1.0)
    first = vw.cluster(X, method="density", metric="cosine")
    threads_before = numba.get_num_threads()
    again = vw.cluster(X, method="density", metric="cosine")
    assert np.array_equal(first.labels, again.labels)
    assert numba.get_num_threads() == threads_before
    kept = first.labels >= 0
    assert adjusted_rand_score(truth[kept], first.labels[kept]) > 0.9


# ---- names ----


def test_scores_of_words_by_hand() -> None:
    # words a, b, c; cluster 0 holds a twice and b once, cluster 1 holds c twice and a once
    counts = csr_array(np.array([[2.0, 1, 0], [0, 0, 2], [1, 0, 0]]))
    labels = np.array([0, 1, 1])
    scores = word_scores(counts, labels, 2)
    average = (3 + 3) / 2

    def score(here: int, everywhere: int) -> float:
        return here / 3 * math.log(1 + average / everywhere) * math.log((here / 3) / (everywhere / 6))

    expected = [[score(2, 3), score(1, 1), 0], [score(1, 3), 0, score(2, 2)]]
    assert score(2, 3) == pytest.approx(2 / 3 * math.log(2) * math.log(4 / 3))
    np.testing.assert_allclose(scores.toarray(), expected, rtol=1e-12)
    assert distinctive_words(counts, labels, 2, ["a", "b", "c"]) == [["b", "a"], ["c"]]


def test_clusters_of_texts_are_named_by_their_words() -> None:
    sea = ["the ship sails the sea", "a ship on the sea", "the sea and the ship", "ship, sea, the wind"]
    tax = ["the tax on income", "income and tax", "the income tax", "tax the income of all"]
    X = vw.encode(sea + tax, encoder="tfidf")
    found = vw.cluster(X, 2)
    assert {frozenset(name.split(", ")) & {"ship", "sea", "tax", "income"} for name in found.names} == {
        frozenset({"ship", "sea"}),
        frozenset({"tax", "income"}),
    }
    assert vw.cluster(X, 2, names=False).names == ("cluster 0", "cluster 1")
    assert found.assign("a ship at sea").tolist() == [int(found.labels[0])]


def test_clusters_of_a_table_are_named_by_its_features() -> None:
    rng = np.random.default_rng(0)
    table = pa.table({
        "rooms": np.concatenate([rng.normal(2, 0.2, 60), rng.normal(9, 0.2, 40)]),
        "kind": ["flat"] * 60 + ["house"] * 40,
        "sea": [False] * 60 + [True] * 40,
    })  # fmt: skip
    found = vw.cluster(vw.encode(table), 2)
    assert set(found.names[0].split(", ")) == {"rooms low", "kind flat", "sea 0"}
    assert set(found.names[1].split(", ")) == {"rooms high", "kind house", "sea 1"}


def test_names_are_unique_and_fall_back_to_numbers() -> None:
    X, _ = blobs(100, 3, 3)
    assert vw.cluster(X, 3, metric="euclidean").names == ("cluster 0", "cluster 1", "cluster 2")
    made = vw.Vectors(X, space=vw.Space(3, features=("a", "b", "c")))
    names = vw.cluster(made, 12, metric="euclidean").names
    assert len(set(names)) == 12


# ---- what can be asked ----


def test_representatives_and_outliers() -> None:
    X = vw.Vectors([[0.0], [1.0], [2.0], [50.0], [51.0]], ids=list("abcde"))
    found = vw.cluster(X, 2, metric="euclidean")
    nearest = found.representatives(2)
    assert nearest.ids.tolist() == ["b", "a", "d", "e"]
    assert nearest.clusters.tolist() == [0, 0, 1, 1]
    assert nearest.distances.tolist() == [0.0, 1.0, 0.5, 0.5]
    assert found.outliers(3).ids.tolist() == ["a", "c", "d"]
    assert found.members(1).ids.tolist() == ["d", "e"]
    for wrong in (0, True, 1.5):
        with pytest.raises(errors.OutOfRange):
            found.outliers(wrong)
    with pytest.raises(errors.OutOfRange):
        found.members(2)


def test_tables_words_and_pictures() -> None:
    X = vw.encode(FIVE)
    found = vw.cluster(X, 2)
    table = found.to_arrow()
    assert table.column_names == ["id", "cluster", "name", "distance"]
    assert table.column("id").to_pylist() == X.ids.tolist()
    assert found.to_pandas().loc[3, "name"] == found.names[found.labels[3]]
    assert found.names[0] in repr(found)
    assert "<table>" in found._repr_html_()
    assert found.centers.space.same_axes(X.space)
    assert found.centers.rows.column("name").to_pylist() == list(found.names)
    assert {trace.name for trace in found.plot(dim=2).data} == set(found.names)
    assert found.rows.num_rows == 5
    assert found.assign("We looked up into the sky").tolist() == [found.labels[1]]


def test_what_is_refused() -> None:
    X = np.eye(4)
    for words, error, options in (
        ("at least 1", errors.OutOfRange, {"k": 0}),
        ("at least 1", errors.OutOfRange, {"k": 2.5}),
        ("There is no method", errors.UnknownName, {"method": "kmean"}),
        ("There is no metric", errors.UnknownName, {"metric": "cosin"}),
        ("finds the number", errors.Inapplicable, {"k": 2, "method": "density"}),
        ("not both", errors.Inapplicable, {"k": 2, "start": X[:2]}),
        ("starts from", errors.Inapplicable, {"start": X[:2], "method": "agglomerative"}),
        ("dimensions", errors.VecwiseError, {"start": X[:2, :3]}),
        ("`tolerance`", errors.OutOfRange, {"tolerance": float("nan")}),
        ("`restarts`", errors.OutOfRange, {"restarts": 0}),
        ("`iterations`", errors.OutOfRange, {"iterations": 0}),
        ("`seed`", errors.OutOfRange, {"seed": -1}),
    ):
        with pytest.raises(error, match=words):
            vw.cluster(X, **options)
    with pytest.raises(errors.EmptyInput):
        vw.cluster(np.zeros((0, 3)), 2)
    with pytest.raises(errors.NonFinite):
        vw.cluster([[1.0, np.nan]], 1)
    found = vw.cluster(X, 2, metric="euclidean")
    with pytest.raises(errors.SpaceMismatch):
        found.assign(vw.Vectors(X))
    with pytest.raises(errors.NonFiniteQuery):
        found.assign([[np.inf, 0, 0, 0]])


# ---- the command ----


def test_the_command_tells_clusters_and_writes_them(tmp_path) -> None:
    houses = str(EXAMPLES / "houses.csv")
    made = run(
        "cluster",
        houses,
        "-k",
        "3",
        "--sample",
        "500",
        "--csv",
        "c.csv",
        "--parquet",
        "c.parquet",
        cwd=tmp_path,
    )
    assert (made.returncode, made.stderr) == (0, "")
    assert "3 clusters of 500 rows, by Euclidean distance on standardized columns" in made.stdout
    assert max(map(len, made.stdout.splitlines())) <= 100
    written = pa.csv.read_csv(tmp_path / "c.csv")
    assert written.column_names == ["id", "cluster", "name", "distance"]
    assert written.num_rows == 500
    assert (
        pq.read_table(tmp_path / "c.parquet").column("cluster").to_pylist()
        == written.column("cluster").to_pylist()
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.csv", "c.parquet"]


def test_the_command_gives_one_json_document(tmp_path) -> None:
    made = run(
        "cluster", str(EXAMPLES / "sentences.txt"), "--encoder", "tfidf", "-k", "2", "--json", cwd=tmp_path
    )
    told = json.loads(made.stdout)
    assert (told["k"], told["rows"], told["measure"]) == (2, 5, "cosine")
    assert sum(group["size"] for group in told["clusters"]) == 5
    assert told["clusters"][0]["representative"]["row"].startswith("“")
    refused = run("cluster", str(EXAMPLES / "sentences.txt"), "-k", "0", cwd=tmp_path)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
