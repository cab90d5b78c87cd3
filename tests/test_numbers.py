"""The numeric rules, function by function: one table, and every rule asked of every line of it.

A new public function joins by a line in `FUNCTIONS`: its name, and what it gives as arrays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array
from threadpoolctl import threadpool_limits

import vecwise as vw
from vecwise.errors import EmptyInput, NonFinite, NonFiniteQuery, SpaceMismatch, WrongShape, WrongType
from vecwise.kernels.mapped import picked

Arrays = tuple[Any, ...]


def _edges(X: Any, **options: Any) -> Arrays:
    found = vw.pairs(X, **options)
    return found.left, found.right, found.scores


def _clusters(X: Any) -> Arrays:
    k = min(2, len(np.unique(vw.Vectors(X)[:40], axis=0)) or 1)  # as many as differ
    found = vw.cluster(X, k=k, metric="euclidean", restarts=2)
    return found.labels, found.centers


def _sums(X: Any) -> Arrays:
    made = vw.Vectors(X)
    return (made + made - 0.5 * made).values, (-made / 3).values


def _healthy(X: Any) -> Arrays:
    found = vw.health(X)
    numbers = (found.duplicates, found.zero_rows, found.constant_dimensions, found.duplicate_dimensions)
    shown = (*found.norms["l1"], *found.norms["l2"], *found.spread, found.density, found.mean_cosine)
    return numbers, shown, found.l1, found.l2, found.distinct, found.outliers, found.sampled.rank


def _neighbors(X: Any, metric: str) -> Arrays:
    found = vw.nearest(X, vw.Vectors(X).values[:2], k=3, metric=metric)
    return found.ids, found.scores


def _components(X: Any) -> Arrays:
    fitted = vw.pca(X, k=2)
    return fitted.components, fitted.explained_variance, fitted.mean, fitted.transform(X).values


FUNCTIONS: dict[str, Callable[[Any], Arrays]] = {
    "Vectors": lambda X: (vw.Vectors(X).values,),
    "arithmetic": _sums,
    "norms 1": lambda X: (vw.norms(X, order=1),),
    "norms 2": lambda X: (vw.norms(X),),
    "norms inf": lambda X: (vw.norms(X, order=np.inf),),
    "norms 3": lambda X: (vw.norms(X, order=3),),
    "norm_summary": lambda X: ([(r.order, r.zeros, r.min, r.max) for r in vw.norm_summary(X).ranges],),
    "normalize": lambda X: (vw.normalize(X).values,),
    "normalize 1": lambda X: (vw.normalize(X, order=1).values,),
    "normalize inf": lambda X: (vw.normalize(X, order=np.inf).values,),
    "unit_deviation": lambda X: (vw.unit_deviation(X),),
    "is_unit": lambda X: (vw.is_unit(X),),
    "dot": lambda X: (vw.dot(X).values,),
    "cosine": lambda X: (vw.cosine(X).values,),
    "euclidean": lambda X: (vw.distances(X).values,),
    "manhattan": lambda X: (vw.distances(X, metric="manhattan").values,),
    "chebyshev": lambda X: (vw.distances(X, metric="chebyshev").values,),
    "sqeuclidean": lambda X: (vw.distances(X, metric="sqeuclidean").values,),
    "minkowski": lambda X: (vw.distances(X, metric="minkowski", p=3).values,),
    "hamming": lambda X: (vw.distances(X, metric="hamming").values,),
    "jaccard": lambda X: (vw.distances(X, metric="jaccard").values,),
    "angular": lambda X: (vw.distances(X, metric="angular").values,),
    "pairs": lambda X: _edges(X, at_least=0.5),
    "pairs, best": lambda X: _edges(X, k=2, metric="euclidean"),
    "duplicates": lambda X: (vw.duplicates(X, at_least=0.9).ids,),
    "dedupe": lambda X: (vw.dedupe(X).values,),
    "cluster": _clusters,
    "layout": lambda X: (vw.layout(X, dim=2, k=1).coordinates,),
    "index": lambda X: (lambda f: (f.ids, f.scores))(vw.index(X).nearest(vw.Vectors(X).values[:2], k=3)),  # noqa: PLC3002
    "nearest, cosine": lambda X: _neighbors(X, "cosine"),
    "nearest, dot": lambda X: _neighbors(X, "dot"),
    "nearest, euclidean": lambda X: _neighbors(X, "euclidean"),
    "standardize": lambda X: (vw.standardize(X).values,),
    "pca": _components,
    "health": _healthy,
}
ROUNDED = {"pca", "standardize", "health"}  # sums over rows, which sparse rows add in another order
REFUSES_NONE = {
    "cluster",
    "layout",
    "index",
    "pca",
    "standardize",
    "nearest, cosine",
    "nearest, dot",
    "nearest, euclidean",
}
LOOKS_AT_NAN = {"health"}  # what counts NaN in place of refusing it

every_function = pytest.mark.parametrize("name", FUNCTIONS)


def same(left: Arrays, right: Arrays, *, tolerance: float = 0.0) -> bool:
    """Whether two answers hold the same numbers, to the bit without a tolerance."""
    pairs = [(np.asarray(a), np.asarray(b)) for a, b in zip(left, right, strict=True)]
    if not tolerance:
        return all(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True) for a, b in pairs)
    return all(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True) for a, b in pairs)


def checksum(array: np.ndarray) -> str:
    whole = array if array.base is None or not isinstance(array.base, np.ndarray) else array.base
    return hashlib.sha256(np.ascontiguousarray(whole).tobytes()).hexdigest()


# ---- the grid: number types and layouts (N9, N10, N17) ----

ROWS, DIM = 40, 7
DTYPES = ("f2", "f4", "f8", "i1", "u1", "i4", "bool")


def numbers(dtype: str) -> np.ndarray:
    made = np.random.default_rng(3).integers(-100, 100, (ROWS, DIM)) / (8 if dtype[0] == "f" else 1)
    made[5], made[6], made[7, 0] = made[4], 0, -0.0
    return (made > 0 if dtype == "bool" else np.abs(made) if dtype == "u1" else made).astype(dtype)


def strided(x: np.ndarray) -> np.ndarray:
    wide = np.zeros((2 * ROWS, 3 * DIM), x.dtype)
    wide[::2, 1::3] = x
    return wide[::2, 1::3]


def unaligned(x: np.ndarray) -> np.ndarray:
    raw = np.zeros(x.nbytes + 1, np.uint8)
    raw[1:] = np.frombuffer(x.tobytes(), np.uint8)
    return raw[1:].view(x.dtype).reshape(x.shape)


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "C": lambda x: x.copy(),
    "F": np.asfortranarray,
    "strided": strided,
    "negative stride": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "unaligned": unaligned,
}


@pytest.mark.parametrize("dtype", DTYPES)
@every_function
def test_number_types_and_layouts_give_the_same_bits(name, dtype, tmp_path) -> None:
    values = numbers(dtype)
    native = np.ascontiguousarray(values, np.float32 if dtype in ("f2", "f4") else np.float64)
    truth = FUNCTIONS[name](native)
    for layout, made in LAYOUTS.items():
        given_ = made(values)
        before = checksum(given_)
        given_.flags.writeable = False
        assert same(FUNCTIONS[name](given_), truth), layout
        assert checksum(given_) == before, f"{layout} was changed"
    np.save(tmp_path / "x.npy", values)
    assert same(FUNCTIONS[name](np.load(tmp_path / "x.npy", mmap_mode="r")), truth), "mapped"


@every_function
def test_a_row_repeated_by_stride_zero(name) -> None:
    row = numbers("f8")[0]
    assert same(FUNCTIONS[name](np.broadcast_to(row, (9, DIM))), FUNCTIONS[name](np.tile(row, (9, 1))))


@every_function
def test_halves_near_their_limit_do_not_overflow(name) -> None:  # N9
    values = np.array([[65504, -65504, 300, 1], [65000, 2, 3, 4], [6e-8, 0, 0, 6e-8]], np.float16)
    assert all(np.isfinite(np.asarray(part, float)).all() for part in FUNCTIONS[name](values))


def test_bytes_multiply_and_subtract_without_wrapping() -> None:  # N10
    every = np.arange(-128, 128, dtype=np.int8).reshape(-1, 1)
    whole = np.arange(-128, 128, dtype=np.int64)
    assert np.array_equal(vw.dot(every).values, np.multiply.outer(whole, whole))
    assert np.array_equal(vw.distances(every).values, np.abs(np.subtract.outer(whole, whole)))
    assert np.array_equal(vw.norms(every, order=1), np.abs(whole))


# ---- what is no matrix of finite numbers (N4, N5, N18, N19) ----


@every_function
def test_what_is_not_finite_is_refused_with_the_rows(name) -> None:
    values = numbers("f8").copy()
    values[[3, 11], [1, 4]] = np.nan, -np.inf
    if name in LOOKS_AT_NAN:
        assert "`3`, `11`" in repr(vw.health(values))
        return
    with pytest.raises(NonFinite, match="`3`, `11`"):
        FUNCTIONS[name](values)


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean", "manhattan", "chebyshev"])
def test_a_query_that_is_not_finite_is_refused(metric) -> None:
    for query in (np.nan, np.inf, -np.inf):
        with pytest.raises(NonFiniteQuery):
            vw.nearest(numbers("f8"), [[query, *np.zeros(DIM - 1)]], metric=metric)


@every_function
@pytest.mark.parametrize(
    ("values", "error"),
    [
        (np.array([[1 + 2j]]), WrongType),
        (np.array([["1", "2"]]), WrongType),
        (np.array([[object()]]), WrongType),
        (np.array([["2026-01-01"]], "M8[D]"), WrongType),
        (np.ma.masked_array([[1.0, 2]], mask=[[True, False]]), WrongType),
        ([[1, 2], [3]], WrongShape),
        (np.zeros((3, 0)), WrongShape),
        (np.zeros((2, 2, 2)), WrongShape),
        (np.float64(3), WrongShape),
    ],
)
def test_what_is_no_matrix_is_refused_by_its_kind(name, values, error) -> None:
    with pytest.raises(error):
        FUNCTIONS[name](values)


def test_another_dimension_is_refused_with_both() -> None:
    with pytest.raises(WrongShape, match=r"3 dimensions.*expects 2"):
        vw.nearest(np.eye(2), np.eye(3))
    with pytest.raises(SpaceMismatch):
        vw.dot(vw.Vectors(np.eye(2)), vw.Vectors(np.eye(2)))


# ---- edges (N1, N13, N14, N15, N16) ----


@every_function
@pytest.mark.parametrize("rows", [0, 1])
def test_no_rows_and_one_give_an_answer_or_a_typed_refusal(name, rows) -> None:
    if not rows and name in REFUSES_NONE:
        with pytest.raises(EmptyInput):
            FUNCTIONS[name](np.ones((0, 3)))
        return
    made = FUNCTIONS[name](np.ones((rows, 3)))
    assert all(np.asarray(part).dtype != object for part in made)


@every_function
def test_zero_rows_never_make_a_warning_or_infinity(name) -> None:
    values = numbers("f8").copy()
    values[[0, 9, 39]] = 0
    for part in FUNCTIONS[name](values):
        assert not np.isinf(np.asarray(part, float)).any()


@every_function
def test_the_sign_of_zero_does_not_matter(name) -> None:
    values = numbers("f8")
    negative = np.where(values == 0, -0.0, values)
    assert same(FUNCTIONS[name](negative), FUNCTIONS[name](np.where(values == 0, 0.0, values)))


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean", "manhattan", "chebyshev"])
def test_the_first_of_k_are_those_of_fewer(metric) -> None:
    values = np.random.default_rng(0).integers(0, 2, (60, 4))  # ties everywhere, zero rows among them
    whole = vw.nearest(values, values[:5], k=60, metric=metric)
    for k in (1, 2, 7, 59, 200):
        part = vw.nearest(values, values[:5], k=k, metric=metric)
        assert np.array_equal(part.ids, whole.ids[:, :k])
        assert np.array_equal(part.scores, whole.scores[:, :k], equal_nan=True)


# ---- digits (N6, N7, N8) ----


def exact(a: np.ndarray, b: np.ndarray) -> Fraction:
    """The squared distance of two rows without rounding."""
    return sum((Fraction(float(x)) - Fraction(float(y))) ** 2 for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize(
    ("dtype", "offset", "step"), [("f4", 1000.0, 1e-3), ("f8", 1e8, 1.0), ("f8", 0.0, 1e-9)]
)
def test_near_rows_are_ranked_as_exact_arithmetic_ranks_them(dtype, offset, step) -> None:
    rng = np.random.default_rng(1)
    values = (offset + step * rng.standard_normal((40, 20))).astype(dtype)
    truth = np.array([float(exact(row, values[0])) ** 0.5 for row in values])
    found = vw.nearest(values, values[:1], k=40, metric="euclidean")
    assert found.ids[0].tolist() == np.argsort(truth, kind="stable").tolist()
    assert np.allclose(found.scores[0], np.sort(truth), rtol=1e-14)


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4, 1e6, 1e8])
def test_components_keep_their_digits_at_any_offset(offset) -> None:
    values = np.random.default_rng(2).standard_normal((500, 6)) @ np.diag([6, 5, 4, 3, 2, 1]) + offset
    centered = values.astype(np.longdouble) - values.astype(np.longdouble).mean(axis=0)
    truth = np.linalg.svd(centered.astype(np.float64), compute_uv=False) ** 2 / 499
    found = vw.pca(values, k=6).explained_variance
    assert (found >= 0).all()
    assert np.allclose(found, truth, rtol=1e-9)


# ---- sparse rows (N20) ----


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(0, 4), st.sampled_from([-2.0, 0.0, 1.0, 3.5])), max_size=40
    )
)
def test_sparse_rows_in_any_form_give_what_dense_ones_give(cells) -> None:
    rows, columns, data = (np.array(part) for part in zip(*cells, strict=True)) if cells else ([], [], [])
    shuffled = coo_array(
        (np.asarray(data, float), (np.asarray(rows, int), np.asarray(columns, int))), shape=(9, 5)
    )
    dense = shuffled.toarray()  # adds up what is there twice
    raw = csr_array(dense)
    wide = csr_array((raw.data, raw.indices.astype(np.int64), raw.indptr.astype(np.int64)), shape=raw.shape)
    for name, function in FUNCTIONS.items():
        if name == "pca" and not np.ptp(dense, axis=0).any():
            continue  # of equal rows one component of zeros, in both
        truth = function(dense)
        for matrix in (shuffled, wide):
            made = tuple(part.toarray() if hasattr(part, "toarray") else part for part in function(matrix))
            assert same(made, truth, tolerance=1e-7 if name in ROUNDED else 1e-12), name


# ---- rows and threads (N12, N21, N22, N27) ----

OF_ROWS = ("norms 1", "norms 2", "norms inf", "normalize", "Vectors", "arithmetic")


@pytest.mark.parametrize("name", OF_ROWS)
def test_a_row_gives_the_same_bits_alone_and_in_a_batch(name) -> None:
    values = np.random.default_rng(4).standard_normal((300, 33))
    whole = FUNCTIONS[name](values)
    for start, stop in ((0, 1), (17, 60), (299, 300)):
        assert same(FUNCTIONS[name](values[start:stop]), tuple(part[start:stop] for part in whole))


@every_function
def test_the_threads_of_blas_do_not_show(name) -> None:
    values = np.random.default_rng(5).standard_normal((600, 90))
    with threadpool_limits(1):
        one = FUNCTIONS[name](values)
    with threadpool_limits(2):
        assert same(FUNCTIONS[name](values), one)


def test_places_beyond_32_bits_are_read(tmp_path) -> None:
    rows = 2**31 // 8 + 3
    mapped = np.memmap(tmp_path / "x", np.int8, "w+", shape=(rows, 8))  # a hole of two gigabytes on the disk
    mapped[[0, -1]] = [[1] * 8, [2] * 8]
    mapped.flush()
    again = np.memmap(tmp_path / "x", np.int8, "r", shape=(rows, 8))
    assert picked(again, np.array([0, rows - 1, 5]))[:, 0].tolist() == [1, 2, 0]
    assert vw.norms(again[-2:]).tolist() == [0, 32**0.5]
