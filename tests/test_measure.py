from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array, random_array
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

import vecwise as vw
from conftest import read_only
from vecwise.engines.local import threads
from vecwise.errors import (
    EmptyInput,
    NoEncoder,
    NonFinite,
    NonFiniteQuery,
    OutOfRange,
    SpaceMismatch,
    TooLarge,
    UnknownName,
    WrongShape,
)
from vecwise.measure.nearest import Nearest
from vecwise.measure.spread import Covariance, Dimensions
from vecwise.measure.surveying import Surveying
from vecwise.testing import check_fold

# ---- norms ----


def test_the_norm_of_7_6_10() -> None:
    assert vw.norms([7, 6, 10])[0] == pytest.approx(math.sqrt(49 + 36 + 100))
    assert vw.norms([7, 6, 10]).round(4).tolist() == [13.6015]
    assert vw.norms([7, 6, 10], order=np.inf).tolist() == [10]
    unit = vw.normalize([7, 6, 10])
    assert unit.values.round(4).tolist() == [[0.5147, 0.4411, 0.7352]]
    assert vw.norms(unit)[0] == pytest.approx(1, abs=4e-16)
    assert unit.space.claims == {"unit"}


def test_norms_refuse_other_orders() -> None:
    for order in ("two", None, True):
        with pytest.raises(UnknownName, match="norm of order"):
            vw.norms([[1, 2]], order=order)
    for order in (0, 0.5, -1, np.nan, []):
        with pytest.raises(OutOfRange, match="order"):
            vw.norms([[1, 2]], order=order)


def test_normalize_keeps_zero_rows_names_and_the_space() -> None:
    X = vw.Vectors([[3, 4], [0, 0]], ids=["a", "zero"])
    made = vw.normalize(X)
    assert made.values.tolist() == [[0.6, 0.8], [0, 0]]
    assert made.space.same_axes(X.space)
    assert "unit" not in made.space.claims
    assert made.ids.tolist() == ["a", "zero"]


@given(arrays(np.float64, (3, 2), elements=st.floats(-1e3, 1e3)))
def test_normalize_is_idempotent_and_unit(values) -> None:
    once = vw.normalize(values)
    assert np.allclose(vw.normalize(once).values, once.values, rtol=1e-15)
    assert vw.is_unit(once) == bool(values.any(axis=1).all())


def test_is_unit_of_nothing_and_of_almost() -> None:
    assert not vw.is_unit(np.zeros((0, 3)))
    assert vw.is_unit([[1.0005, 0]])
    assert not vw.is_unit([[1.0005, 0]], tolerance=1e-4)


# ---- similarity ----


def test_pairwise_is_labelled_and_prints() -> None:
    X = vw.Vectors([[3, 4], [0, 0]], ids=["a", "zero"])
    table = vw.cosine(X)
    assert table.to_pandas().loc["a", "a"] == 1
    assert np.isnan(table.values[1]).all()
    assert "null" in repr(table)
    assert "<th>zero</th>" in table._repr_html_()
    assert (table.kind, vw.distances(X).kind) == ("similarity", "distance")
    assert np.asarray(vw.dot(X)).tolist() == [[25, 0], [0, 0]]


def test_cosine_agrees_with_scikit_learn() -> None:
    A, B = read_only(6, 9), read_only(4, 9, seed=1)
    assert np.allclose(vw.cosine(A, B).values, cosine_similarity(A, B), atol=1e-15)


@given(arrays(np.float64, (4, 3), elements=st.floats(-100, 100)))
def test_distances_are_a_metric(values) -> None:
    for metric in ("euclidean", "manhattan", "chebyshev"):
        D = vw.distances(values, metric=metric).values
        assert np.array_equal(D, D.T)
        assert not np.diag(D).any()
        assert (D[:, None, :] <= D[:, :, None] + D[None, :, :] + 1e-9).all()


def test_an_array_joins_the_other_side_and_other_dimensions_are_refused() -> None:
    X = vw.Vectors([[1, 2]])
    assert vw.dot(X, [[3, 4]]).values.tolist() == [[11]]
    assert vw.dot([[3, 4]], X).values.tolist() == [[11]]
    with pytest.raises(WrongShape):
        vw.dot(X, [[1, 2, 3]])
    with pytest.raises(UnknownName, match="Did you mean `euclidean`"):
        vw.distances(X, metric="euclidian")


def test_all_pairs_of_too_many_rows_name_the_way_out() -> None:
    X = vw.Vectors(np.zeros((6000, 1)))
    with pytest.raises(TooLarge, match="vw.pairs"):
        vw.dot(X)


# ---- nearest ----


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "manhattan", "chebyshev"])
def test_nearest_is_brute_force(metric) -> None:
    X, Q = read_only(500, 16), read_only(7, 16, seed=1)
    truth = NearestNeighbors(n_neighbors=9, metric=metric, algorithm="brute").fit(X).kneighbors(Q)
    found = vw.nearest(X, Q, k=9, metric=metric)
    assert np.array_equal(found.ids, truth[1])
    assert np.allclose(found.scores, 1 - truth[0] if metric == "cosine" else truth[0], atol=1e-12)


def test_nearest_on_sparse_rows() -> None:
    X = random_array((200, 300), density=0.05, rng=np.random.default_rng(0), format="csr")
    found = vw.nearest(vw.Vectors(X), X[:5], k=3, metric="dot")
    truth = np.argsort(-(X[:5] @ X.T).toarray(), axis=1, kind="stable")[:, :3]
    assert np.array_equal(found.ids, truth)


@given(st.integers(1, 12), st.integers(1, 9))
def test_ties_go_to_the_earlier_row_for_any_k(rows, k) -> None:
    found = vw.nearest(np.ones((rows, 2)), [[1, 1]], k=k)
    assert found.ids.tolist() == [list(range(min(k, rows)))]


def test_zero_rows_rank_last_with_no_score() -> None:
    X = vw.Vectors([[0, 0], [-1, 0], [1, 0]], ids=["zero", "back", "front"])
    found = vw.nearest(X, [[1, 0]], k=3)
    assert found.ids.tolist() == [["front", "back", "zero"]]
    assert np.isnan(found.scores[0, 2])


def test_nearest_gives_rows_and_takes_words() -> None:
    texts = ["rain on the roof", "the deep sea", "a train at night"]
    X = vw.encode(texts, encoder="count")
    found = vw.nearest(X, "the sea", k=1)
    assert found.rows[0].column("text").to_pylist() == ["the deep sea"]
    assert vw.nearest(X, ["rain", "train"], k=1).ids.tolist() == [[0], [2]]
    assert "2 queries" in repr(vw.nearest(X, ["rain", "train"], k=1))
    assert vw.nearest(vw.Vectors(np.eye(2)), [[1, 0]]).rows is None


def test_the_answer_does_not_depend_on_chunks_or_engine() -> None:
    X, Q = vw.Vectors(np.round(read_only(3000, 3))), np.round(read_only(400, 3, seed=1))
    answers = [vw.nearest(X, Q, k=7, engine=e) for e in (threads(1), threads(2), threads(3))]
    assert all(
        np.array_equal(a.ids, answers[0].ids) and a.scores.tobytes() == answers[0].scores.tobytes()
        for a in answers
    )


def test_nearest_refuses_what_it_cannot_answer() -> None:
    X = vw.Vectors(np.eye(3))
    for k in (0, -1, 1.5, True):
        with pytest.raises(OutOfRange):
            vw.nearest(X, [[1, 0, 0]], k=k)
    for query in (np.nan, np.inf):
        with pytest.raises(NonFiniteQuery):
            vw.nearest(X, [[query, 0, 0]])
    with pytest.raises(EmptyInput):
        vw.nearest(X, np.zeros((0, 3)))
    with pytest.raises(UnknownName, match="Did you mean `cosine`"):
        vw.nearest(X, [[1, 0, 0]], metric="cosin")
    with pytest.raises(NoEncoder):
        vw.nearest(X, "words")
    with pytest.raises(WrongShape):
        vw.nearest(X, [[1, 0]])
    with pytest.raises(SpaceMismatch):
        vw.nearest(X, vw.Vectors(np.eye(3)))
    assert vw.nearest(vw.Vectors(np.zeros((0, 3))), [[1, 0, 0]]).ids.shape == (1, 0)


def parts(space: vw.Space, *sizes: int) -> list[vw.Vectors]:
    return [vw.Vectors(np.round(read_only(n, space.dim, seed=i)), space=space) for i, n in enumerate(sizes)]


def test_every_fold_keeps_the_laws() -> None:
    space = vw.Space(4)
    chunks = parts(space, 5, 1, 8, 0, 3)
    check_fold(Covariance(space), chunks)
    check_fold(Nearest(chunks[0], 3, "cosine"), chunks)
    check_fold(Nearest(chunks[0], 3, "manhattan"), chunks)
    check_fold(Surveying(np.zeros(4), np.ones(4)), [c.values for c in chunks])
    check_fold(Dimensions(4), [c.values for c in chunks])
    assert Covariance(space).zero().n == 0


# ---- components ----


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e6])
def test_pca_agrees_with_scikit_learn(offset) -> None:
    X = read_only(400, 6) @ np.diag([6, 5, 4, 3, 2, 1]) + offset
    fitted, truth = vw.pca(X, k=4), PCA(4, svd_solver="full").fit(X)
    assert np.allclose(fitted.explained_variance, truth.explained_variance_, rtol=1e-6)
    assert np.allclose(fitted.explained_variance_ratio, truth.explained_variance_ratio_, rtol=1e-6)
    assert np.allclose(np.abs(fitted.components), np.abs(truth.components_), atol=1e-6)
    assert np.allclose(np.abs(fitted.transform(X).values), np.abs(truth.transform(X)), atol=1e-4)


def test_pca_gives_a_map_into_a_space_of_its_own() -> None:
    X = vw.Vectors(read_only(50, 5), ids=[f"r{i}" for i in range(50)], rows=pa.table({"n": range(50)}))
    fitted = vw.pca(X)
    made = fitted(X)
    assert made.shape == (50, 3)
    assert made.ids.tolist() == X.ids.tolist()
    assert not made.space.same_axes(X.space)
    with pytest.raises(SpaceMismatch):
        fitted(vw.Vectors(X.values))
    assert fitted.target.same_axes(vw.pca(X).target)
    assert np.allclose(np.linalg.norm(fitted.components, axis=1), 1)
    assert "Components(3 of 5" in repr(fitted)


def test_pca_of_sparse_rows_equals_dense() -> None:
    dense = random_array((60, 12), density=0.3, rng=np.random.default_rng(1)).toarray()
    a, b = vw.pca(vw.Vectors(csr_array(dense))), vw.pca(dense)
    assert np.allclose(a.components, b.components)
    assert np.allclose(a.transform(csr_array(dense)).values, b.transform(dense).values)


def test_loadings_name_the_features() -> None:
    X = vw.Vectors([[0, 0, 5], [9, 1, 5], [18, 2, 5]], space=vw.Space(3, features=("big", "small", "still")))
    loads = vw.pca(X, k=3).loadings()
    assert [name for name, _ in loads[0]] == ["big", "small"]
    assert loads[0][0][1] > 0


@pytest.mark.parametrize(
    ("rows", "dim", "k", "given"), [(2, 5, 3, 1), (1, 5, 3, 1), (4, 2, 9, 2), (3, 9, 9, 2)]
)
def test_more_components_than_there_can_be(rows, dim, k, given) -> None:
    fitted = vw.pca(read_only(rows, dim), k=k)
    assert fitted.components.shape == (given, dim)
    assert np.isfinite(fitted.transform(read_only(rows, dim)).values).all()
    assert (fitted.explained_variance >= 0).all()


def test_equal_rows_have_no_variance() -> None:
    fitted = vw.pca(np.ones((5, 3)))
    assert fitted.explained_variance_ratio.tolist() == [0]
    assert not fitted.components.any()


def test_pca_refuses() -> None:
    with pytest.raises(OutOfRange):
        vw.pca(np.eye(3), k=0)
    with pytest.raises(EmptyInput):
        vw.pca(np.zeros((0, 3)))
    with pytest.raises(TooLarge, match="4,096"):
        vw.pca(csr_array((3, 5000)), method="covariance")


def test_standardize_agrees_with_scikit_learn() -> None:
    X = read_only(100, 4) * [1, 100, 1e-3, 1e6] + [0, 1e6, 5, -3]
    X = np.column_stack([X, np.full(100, 0.1)])
    made = vw.standardize(X)
    assert np.allclose(made.values, StandardScaler().fit_transform(X), atol=1e-8)
    assert np.abs(made.values[:, 4]).max() < 1e-12
    assert made.space.claims == {"centered"}
    with pytest.raises(EmptyInput):
        vw.standardize(np.zeros((0, 3)))


def test_standardized_vectors_still_take_raw_queries() -> None:
    X = vw.standardize(vw.encode({"a": [1, 2, 3], "b": [30, 10, 20]}, encoder="table"))
    assert vw.nearest(X, [{"a": 2, "b": 10}], k=1, metric="euclidean").ids.tolist() == [[1]]
    components = vw.pca(X)(X)
    assert vw.nearest(components, [{"a": 2, "b": 10}], k=1, metric="euclidean").ids.tolist() == [[1]]


# ---- health ----


def test_health_counts_what_is_wrong() -> None:
    values = np.array([[1, 2, 7], [0, 0, 7], [np.nan, 1, 7], [1, 2, 7], [3, np.inf, 7]], dtype=float)
    found = vw.health(values)
    assert (found.nonfinite_rows, found.duplicates, found.constant_dimensions, found.zero_rows) == (
        2,
        1,
        1,
        0,
    )
    assert found.verdict == "wrong"
    assert found.norms["l1"].max == 10
    assert "`2`, `4`" in repr(found)
    assert found.to_dict()["norms"]["l2"]["min"] == 7


@given(arrays(np.float64, (6, 3), elements=st.sampled_from([0.0, 1.0, -2.0])))
def test_health_agrees_with_numpy(values) -> None:
    found = vw.health(values)
    assert found.duplicates == 6 - len(np.unique(values, axis=0))
    assert found.zero_rows == int((~values.any(axis=1)).sum())
    assert found.constant_dimensions == int((np.ptp(values, axis=0) == 0).sum())
    assert found.density == np.count_nonzero(values) / values.size
    assert found.norms["l2"].median == pytest.approx(np.median(np.linalg.norm(values, axis=1)))
    sparse = vw.health(csr_array(values))
    assert (sparse.duplicates, sparse.zero_rows, sparse.density) == (
        found.duplicates,
        found.zero_rows,
        found.density,
    )
    assert sparse.constant_dimensions == found.constant_dimensions


def test_health_says_which_measure_to_use() -> None:
    assert (
        vw.health(vw.normalize(read_only(9, 4))).advice
        == "every row has length 1: inner product and cosine agree"
    )
    named = vw.Space(2, features=("rooms", "price"))
    mixed = vw.health(vw.Vectors(read_only(50, 2) * [1, 1e5], space=named))
    assert mixed.mixed_units
    assert "standardize" in mixed.advice
    assert not vw.health(read_only(50, 2) * [1, 1e5]).mixed_units  # nameless axes are no columns
    assert vw.health(np.zeros((3, 2))).verdict == "wrong"
    assert vw.health(np.zeros((0, 2))).rows == 0


def test_vectors_with_nan_never_reach_a_measure() -> None:
    for measure in (vw.norms, vw.normalize, vw.dot, vw.cosine, vw.distances, vw.pca, vw.standardize):
        with pytest.raises(NonFinite):
            measure([[np.nan, 1]])


# ---- what a strict reader would try ----


@pytest.mark.parametrize("save", [False, True])
def test_raw_queries_take_the_way_the_rows_took(save, tmp_path) -> None:
    texts = ["a a a b", "c d", "e f g"]
    counts = vw.encode(texts, encoder="count")
    made = [
        vw.normalize(counts),
        vw.standardize(counts),
        vw.pca(vw.normalize(counts))(vw.normalize(counts)),
    ]
    for number, X in enumerate(made):
        if save:
            vw.save(X, tmp_path / str(number))
            X = vw.open(tmp_path / str(number))  # noqa: PLW2901
        found = vw.nearest(X, texts, k=1, metric="euclidean")
        assert found.ids[:, 0].tolist() == [0, 1, 2]
        assert np.abs(found.scores).max() < 1e-12


def test_components_do_not_depend_on_the_engine() -> None:
    X = vw.Vectors(read_only(20_000, 300))
    one, two = vw.pca(X), vw.pca(X, engine=threads(2))
    assert one.components.tobytes() == two.components.tobytes()
    assert one.target.same_axes(two.target)


def _seen_inside() -> list[int]:
    from threadpoolctl import threadpool_info

    from vecwise.kernels.blas import one_blas_thread

    with one_blas_thread:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_overlapping_work_gives_the_threads_back() -> None:
    from threadpoolctl import threadpool_info

    from vecwise.kernels.blas import one_blas_thread

    def shared() -> dict[str, int]:
        """The counts of pools that belong to the process; OpenMP has one a thread."""
        pools = [pool for pool in threadpool_info() if pool.get("threading_layer") == "pthreads"]
        return {pool["filepath"]: pool["num_threads"] for pool in pools}

    before = shared()
    assert before
    with ThreadPoolExecutor(1) as other:  # the last one out is not the first one in
        one_blas_thread.__enter__()
        other.submit(one_blas_thread.__enter__).result()
        one_blas_thread.__exit__()
        assert all(pool["num_threads"] == 1 for pool in threadpool_info() if pool["user_api"] == "blas")
        other.submit(one_blas_thread.__exit__).result()
        assert {name: shared()[name] for name in before} == before
        seen = other.submit(_seen_inside).result()
    assert all(number == 1 for number in seen)
    assert {name: shared()[name] for name in before} == before


@pytest.mark.parametrize(
    "action",
    [
        lambda: vw.dot([[1e200]], [[1e200]]),
        lambda: vw.norms([[1e308, 1e308]], order=1),
        lambda: vw.distances([[1.7e308]], [[-1.7e308]]),
        lambda: vw.nearest([[1e200, 0]], [[1e200, 0]], metric="dot"),
        lambda: vw.pca([[1e200, 1], [-1e200, 2], [0, 5]], k=1),
        lambda: vw.pca([[1e-200], [-1e-200], [0]], k=1),
        lambda: vw.standardize([[1e200, 1], [-1e200, 2], [0, 5]]),
        lambda: vw.standardize([[1e-200], [-1e-200]]),
    ],
)
def test_what_leaves_float64_is_refused(action) -> None:
    with pytest.raises((NonFinite, OutOfRange), match="for float64"):
        action()


def test_a_distance_does_not_depend_on_its_neighbours() -> None:
    assert vw.distances([[1e-200]], [[0], [1.0]]).values[0, 0] == 1e-200
    assert vw.nearest([[1e200], [1e-150]], [[0.0]], metric="euclidean").scores[0, 0] == 1e-150
    assert vw.cosine([[1e-200, 1e-200], [1e200, 0]], [[1, 1]]).values[:, 0] == pytest.approx([1, 0.5**0.5])


def test_columns_that_never_vary_load_on_no_component() -> None:
    fitted = vw.pca(np.column_stack([np.full(10, 5.0), np.full(10, 7.5), np.arange(10.0)]), k=3)
    assert fitted.components.tolist() == [[0, 0, 1]]


def test_health_of_equal_lengths_and_of_endless_ones() -> None:
    assert vw.health([[3, 4], [4, 3], [5, 0]]).advice.startswith("every row has length 5")
    assert vw.health([[0, 0]]).advice.startswith("there is no row with a length")
    endless = vw.health([[1e308, 1e308], [1, 2]])
    assert endless.verdict == "wrong"
    assert endless.to_dict()["norms"]["l1"]["max"] is None


def test_rows_selected_twice_are_not_saved(tmp_path) -> None:
    from vecwise.errors import DuplicateName

    X = vw.Vectors(np.eye(3))[[0, 0, 1]]
    with pytest.raises(DuplicateName, match=r"ids=range"):
        vw.save(X, tmp_path / "v")
    assert not (tmp_path / "v").exists()
    vw.save(vw.Vectors(X, ids=range(3)), tmp_path / "v")
