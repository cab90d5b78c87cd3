from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array, random_array
from sklearn.decomposition import PCA
from sklearn.utils.extmath import randomized_svd

import vecwise as vw
from conftest import read_only
from vecwise.encoders.registry import from_data, to_data
from vecwise.engines.local import serial, threads
from vecwise.errors import EmptyInput, NonFinite, OutOfRange, SpaceMismatch, TooLarge, UnknownName, WrongShape
from vecwise.kernels import native_scatter, triangle
from vecwise.kernels.moments import principal_axes
from vecwise.kernels.scatter import SINGLE_LOSS, block_moments
from vecwise.measure import axes as finding
from vecwise.measure.components import Components
from vecwise.measure.spread import Applied, Covariance
from vecwise.testing import check_fold

METHODS = ("covariance", "sketch")


def truth(X) -> tuple[np.ndarray, np.ndarray]:
    """Variances and axes by NumPy's singular values of the centered rows, in float64."""
    rows = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    centered = rows.astype(np.longdouble)
    centered = (centered - centered.mean(axis=0)).astype(np.float64)
    _, singular, axes = np.linalg.svd(centered, full_matrices=False)
    return singular**2 / (len(rows) - 1), axes


def longdouble_scatter(X: np.ndarray) -> np.ndarray:
    centered = X.astype(np.longdouble)
    centered = centered - centered.mean(axis=0)
    return (centered.T @ centered).astype(np.float64)


def large(monkeypatch) -> None:
    """Let few rows count as many, so that the ways of very many rows are taken."""
    monkeypatch.setattr(finding, "_MANY", 1)


# ---- the scatter of very many rows ----


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4, 1e6, 1e8])
def test_the_scatter_in_blocks_keeps_its_bound_at_any_offset(offset, single) -> None:
    X = (read_only(1500, 30) * np.linspace(1, 9, 30) + offset).astype(np.float32)
    made, exact = block_moments(X, single=single), longdouble_scatter(X)
    off = np.linalg.norm(made.scatter - exact, 2)
    assert off <= made.doubt + 1e-10 * np.trace(exact)
    assert (made.doubt > 0) == single
    assert made.doubt <= 1.1 * SINGLE_LOSS * np.trace(exact)
    assert off <= 1e-7 * np.trace(exact)  # what is lost is far below what is proven
    assert np.linalg.eigvalsh(made.scatter)[0] >= -made.doubt
    assert np.allclose(made.mean, X.astype(np.longdouble).mean(axis=0).astype(float), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("size", [1e-42, 1e-30, 1e-22, 1e19, 1e30, 1e38])
def test_squares_beyond_float32_are_taken_in_float64(size) -> None:
    X = (read_only(600, 7) / 4 * size).astype(np.float32)
    made, exact = block_moments(X, single=True), longdouble_scatter(X)
    assert np.allclose(made.scatter / np.trace(exact), exact / np.trace(exact), atol=1e-7)
    assert made.doubt in (0, pytest.approx(SINGLE_LOSS * np.trace(exact), rel=0.2))


@pytest.mark.parametrize("rows", [1, 3, 256, 513, 1030])
@pytest.mark.parametrize("dim", [1, 7, 16, 37, 64, 130])
def test_compiled_and_numpy_keep_one_bound(rows, dim, monkeypatch) -> None:
    """Means to the bit; scatters of whole numbers too, which every order of adding gives exactly, others within it."""
    whole = np.round(read_only(rows, dim) * 4).astype(np.float32)
    whole[:, -1] = 3
    whole = np.concatenate([whole, -whole])  # of mean 0, but for a column of equal cells
    whole[:, -1] = 3
    other = (read_only(rows, dim) * 3 + 1e3).astype(np.float32)
    made = []
    for wanted in ("1", "0"):
        monkeypatch.setenv("VECWISE_NATIVE", wanted)
        made.append([block_moments(X, single=True) for X in (whole, other)])
    for one, two in zip(*made, strict=True):
        assert one.mean.tobytes() == two.mean.tobytes()
        assert np.linalg.norm(one.scatter - two.scatter, 2) <= one.doubt + two.doubt
    centered = other - other.astype(np.longdouble).mean(axis=0)
    for _, one in made:
        off = np.linalg.norm((one.scatter - centered.T @ centered).astype(float), 2)
        assert off <= one.doubt + 1e-10 * np.trace(one.scatter)


@pytest.mark.parametrize(("rows", "dim"), [(1, 1), (7, 15), (13, 16), (100, 17), (64, 33), (512, 100)])
def test_the_compiled_triangle_of_whole_numbers_is_exact(rows, dim) -> None:
    block = np.round(read_only(rows, dim) * 4).astype(np.float32)
    shift = np.arange(dim, dtype=np.float32) % 5
    room = native_scatter.room_for(512, dim)
    guard = np.full((dim, dim), 2.0, order="F")
    if not native_scatter.add_centered(block, shift, room, guard):
        pytest.skip("this processor has no registers for it, or the kernel was not compiled")
    centered = (block - shift).astype(np.float64)
    assert np.array_equal(guard, 2 + np.triu(centered.T @ centered))
    with pytest.raises(AssertionError):
        native_scatter.add_centered(block.astype(np.float64), shift, room, guard)


def test_the_compiled_triangle_refuses_too_little_room() -> None:
    native = native_scatter.library()
    if native is None:
        pytest.skip("the kernel was not compiled")
    cells, made = np.ones((8, 20), np.float32), np.zeros((20, 20))
    room = native_scatter.room_for(7, 20)
    where = (cells[0].ctypes.data, room.ctypes.data, room.size, made.ctypes.data)
    assert native.vecwise_add_triangle(cells.ctypes.data, 8, 20, *where) < 0
    assert native.vecwise_add_triangle(cells.ctypes.data, 2**60, 20, *where) < 0
    assert not made.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_triangles_with_and_without_the_routine_of_scipy(dtype, monkeypatch) -> None:
    rows = np.round(3 * read_only(50, 9)).astype(dtype)
    start = np.asfortranarray(np.triu(np.round(read_only(9, 9, seed=1)))).astype(dtype, order="F")
    exact = np.triu(2 * start - (rows.T @ rows))
    for routine in (triangle._routine, lambda dtype: None):
        monkeypatch.setattr(triangle, "_routine", routine)
        upper = start.copy(order="F")
        triangle.add_product(rows, upper, 2.0, times=-1.0)
        assert np.array_equal(upper, exact)  # whole numbers: every order of adding is exact
    assert triangle._routine(dtype) is None


def test_scipy_lends_its_routines() -> None:
    """Without them everything works at half the speed; a release of SciPy that ends this should be noticed."""
    assert all(triangle._routine(dtype) is not None for dtype in triangle._ROUTINES)


@given(st.integers(0, 2**32 - 1), st.integers(1, 700), st.integers(1, 6))
def test_drifting_rows_keep_the_bound(seed, rows, dim) -> None:
    """Rows whose level moves, jumps and stands still: the worst for shifts and merges."""
    rng = np.random.default_rng(seed)
    level = np.cumsum(rng.standard_normal(rows) * rng.choice([0, 1, 1e3], rows))[:, None]
    X = (
        level * rng.integers(-3, 4, dim) + rng.standard_normal((rows, dim)) * rng.choice([0, 1e-3, 1])
    ).astype(np.float32)
    made, exact = block_moments(X, single=True), longdouble_scatter(X)
    assert np.linalg.norm(made.scatter - exact, 2) <= made.doubt + 1e-13 * np.trace(exact) + 1e-300


def test_the_folds_keep_the_laws() -> None:
    space = vw.Space(4)
    sizes = (5, 1, 8, 0, 3)
    parts = [
        vw.Vectors(np.round(read_only(n, 4, seed=i)).astype(np.float32), space=space)
        for i, n in enumerate(sizes)
    ]
    for products in ("plain", "double", "single"):
        check_fold(Covariance(space, products), parts)
    check_fold(Applied(np.arange(4.0), read_only(4, 2)), [part.values for part in parts])
    sparse = [csr_array(part.values) for part in parts]
    check_fold(Applied(np.arange(4.0), read_only(4, 2)), sparse)


def test_float32_is_left_where_it_could_lose_a_component(monkeypatch) -> None:
    large(monkeypatch)
    X = (read_only(2000, 4) * [1e4, 1e3, 1, 1e-2]).astype(np.float32)
    fitted = vw.pca(X, k=4)
    assert np.allclose(fitted.explained_variance, truth(X)[0], rtol=1e-9)
    assert len(fitted.components) == 4
    few = vw.pca(X, k=2)
    assert (few.variance_error > fitted.variance_error.max()).all()  # this one stayed in float32, and says so
    assert np.allclose(few.explained_variance, truth(X)[0][:2], rtol=1e-6)


def test_the_rank_is_right_for_very_many_rows_too(monkeypatch) -> None:
    large(monkeypatch)
    whole = np.round(10 * read_only(3000, 2)) @ np.round(5 * read_only(2, 9, seed=1))
    for dtype in (np.float32, np.float64):
        assert vw.pca(whole.astype(dtype), k=5).components.shape == (2, 9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_ways_agree_with_singular_values(dtype, monkeypatch) -> None:
    large(monkeypatch)
    monkeypatch.setattr(finding, "_PART_ROWS", 700)
    X = (read_only(3000, 12) * np.linspace(5, 1, 12) + 100).astype(dtype)
    fitted, (variance, axes) = vw.pca(X, k=3), truth(X)
    assert np.allclose(fitted.explained_variance, variance[:3], rtol=1e-6 if dtype == np.float32 else 1e-12)
    assert (np.abs(fitted.explained_variance - variance[:3]) <= fitted.variance_error).all()
    assert np.allclose(np.abs(np.sum(fitted.components * axes[:3], axis=1)), 1, atol=1e-10)
    again = [vw.pca(X, k=3, engine=engine) for engine in (serial, threads(2), threads(5))]
    assert len({made.components.tobytes() + made.explained_variance.tobytes() for made in again}) == 1


def test_few_axes_are_those_of_all() -> None:
    X = read_only(900, 60)
    scatter = longdouble_scatter(X)
    few, every = principal_axes(scatter, 3, scipy=True), principal_axes(scatter, 60)
    assert np.allclose(few[0], every[0][:3], rtol=1e-12)
    assert np.allclose(few[1], every[1][:3], atol=1e-10)


# ---- components against the truth ----


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4, 1e6, 1e8])
def test_offsets_cost_no_digits_that_they_need_not(offset, method) -> None:
    X = read_only(400, 8) * np.linspace(8, 1, 8) + offset
    fitted, (variance, axes) = vw.pca(X, k=4, method=method), truth(X)
    assert np.allclose(fitted.explained_variance, variance[:4], rtol=1e-9)
    assert np.allclose(fitted.explained_variance_ratio, variance[:4] / variance.sum(), rtol=1e-9)
    assert np.allclose(np.abs(np.sum(fitted.components * axes[:4], axis=1)), 1, atol=1e-9)
    assert fitted.explained_variance.dtype == np.float64


LAYOUTS = {
    "C": lambda x: x,
    "F": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "CSR": csr_array,
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8])
def test_every_number_type_and_layout_gives_the_same(dtype, method) -> None:
    base = np.round(read_only(60, 5) * [30, 20, 10, 5, 1]).astype(dtype)
    base.flags.writeable = False
    variance, _ = truth(base)
    whole = vw.pca(np.ascontiguousarray(base), k=3, method=method)
    assert np.allclose(whole.explained_variance, variance[:3], rtol=1e-10)
    for name, layout in LAYOUTS.items():
        if dtype == np.float16 and name == "CSR":
            continue  # SciPy has no sparse float16
        before = base.copy()
        made = vw.pca(layout(base), k=3, method=method)
        assert np.array_equal(base, before)
        assert np.allclose(made.components, whole.components, atol=1e-9), name
        assert np.allclose(made.transform(layout(base)).values, whole.transform(base).values, atol=1e-4), name


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("whiten", [False, True])
def test_it_agrees_with_scikit_learn(method, whiten) -> None:
    X = read_only(300, 9) * np.linspace(9, 1, 9) + 7
    fitted = vw.pca(X, k=4, whiten=whiten, method=method)
    theirs = PCA(4, whiten=whiten, svd_solver="full").fit(X)
    assert np.allclose(np.abs(fitted.transform(X).values), np.abs(theirs.transform(X)), atol=1e-5)
    signs = np.sign(np.sum(fitted.components * theirs.components_, axis=1))
    back = theirs.inverse_transform(fitted.transform(X).values * signs)
    assert np.allclose(fitted.reconstruct(fitted.transform(X)).values, back, atol=1e-9)


# ---- laws ----

ROWS = arrays(
    np.float64, st.tuples(st.integers(2, 12), st.integers(1, 6)), elements=st.floats(-1e3, 1e3, width=32)
)


@given(ROWS, st.integers(1, 7), st.sampled_from(METHODS), st.booleans())
def test_components_keep_their_laws(X, k, method, whiten) -> None:
    fitted = vw.pca(X, k=k, method=method, whiten=whiten)
    A, size = fitted.components, np.abs(X).max() + 1e-300
    if not fitted.explained_variance.all():
        assert not A.any()
        assert len(A) == 1
        return
    assert np.allclose(A @ A.T, np.eye(len(A)), atol=1e-9)
    assert (A[np.arange(len(A)), np.abs(A).argmax(axis=1)] > 0).all()
    assert len(A) <= min(k, len(X) - 1, X.shape[1])
    assert (np.diff(fitted.explained_variance) <= 0).all()
    projected = fitted.transform(X).values
    spread = projected.var(axis=0, ddof=1)
    # Whitening divides by the variance, and so blows up the rounding of a small one beside a large one.
    blown = 1e-12 * fitted.explained_variance[0] / fitted.explained_variance if whiten else 1e-13 * size**2
    assert np.allclose(spread, 1 if whiten else fitted.explained_variance, rtol=1e-6, atol=blown)
    assert fitted.explained_variance_ratio.sum() <= 1 + 1e-9


@given(ROWS, st.sampled_from(METHODS), st.booleans())
def test_all_components_give_the_rows_back(X, method, whiten) -> None:
    fitted = vw.pca(X, k=X.shape[1], method=method, whiten=whiten)
    size = np.abs(X).max() + 1e-300
    back = fitted.reconstruct(fitted.transform(X))
    # What is left out has a variance below `dim` units in the last place of the largest.
    assert np.allclose(back.values, X, atol=1e-6 * size)
    assert np.allclose(fitted.reconstruction_error(X).rows, 0, atol=1e-6 * size)


@given(ROWS, st.integers(1, 3))
def test_what_is_lost_is_what_is_not_explained(X, k) -> None:
    fitted = vw.pca(X, k=k)
    lost = fitted.reconstruction_error(X)
    back = fitted.reconstruct(fitted.transform(X)).values
    assert np.allclose(lost.rows, np.linalg.norm(X - back, axis=1), atol=1e-9 * (1 + np.abs(X).max()))
    if fitted.explained_variance.any():
        assert lost.share == pytest.approx(1 - fitted.explained_variance_ratio.sum(), abs=1e-9)


@given(st.permutations(range(40)), st.sampled_from(METHODS))
def test_the_order_of_rows_matters_to_rounding_only(order, method) -> None:
    X = read_only(40, 5) * [5, 4, 3, 2, 1]
    one, two = vw.pca(X, method=method), vw.pca(X[list(order)], method=method)
    assert np.allclose(one.components, two.components, atol=1e-10)
    assert np.allclose(one.explained_variance, two.explained_variance, rtol=1e-12)


# ---- few rows, low rank, still columns ----


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("rows", "dim", "rank"), [(50, 8, 3), (400, 30, 1), (7, 40, 6), (2, 9, 1)])
def test_whitening_drops_what_has_no_variance(rows, dim, rank, method) -> None:
    X = read_only(rows, rank) @ read_only(rank, dim, seed=1) * 1e3 + 5
    fitted = vw.pca(X, k=dim, whiten=True, method=method)
    assert len(fitted.components) == min(rank, rows - 1)
    assert np.allclose(fitted.transform(X).values.std(axis=0, ddof=1), 1, rtol=1e-9)
    assert "whitened" in repr(fitted)


@pytest.mark.parametrize("method", METHODS)
def test_columns_that_never_vary_load_on_nothing(method) -> None:
    X = np.column_stack([np.full(50, 0.1), read_only(50, 3), np.full(50, 1e6)])
    fitted = vw.pca(X, k=3, method=method)
    assert np.abs(fitted.components[:, [0, 4]]).max() < 1e-12
    assert not vw.pca(np.full((9, 4), 0.1), method=method).explained_variance.any()
    assert vw.pca([[1.0, 2.0]], method=method).transform([[1.0, 2.0]]).values.tolist() == [[0]]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1e-100, 1e-30, 1e30, 1e100])
def test_extreme_sizes_scale(size, method) -> None:
    X = read_only(80, 5) * [5, 4, 3, 2, 1]
    one, two = vw.pca(X, method=method), vw.pca(X * size, method=method)
    assert np.allclose(two.explained_variance / size / size, one.explained_variance, rtol=1e-9)
    assert np.allclose(one.components, two.components, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_what_cannot_be_answered_is_refused(method) -> None:
    with pytest.raises(NonFinite, match="too large"):
        vw.pca(read_only(9, 3) * 1e200, method=method)
    with pytest.raises(OutOfRange, match="too small"):
        vw.pca(read_only(9, 3) * 1e-200, method=method)
    with pytest.raises(EmptyInput):
        vw.pca(np.zeros((0, 3)), method=method)
    for k in (0, -1, 1.5, True):
        with pytest.raises(OutOfRange, match="`k`"):
            vw.pca(np.eye(3), k=k, method=method)
    for seed in (-1, 0.5, True):
        with pytest.raises(OutOfRange, match="`seed`"):
            vw.pca(np.eye(3), method=method, seed=seed)


def test_another_method_and_too_many_dimensions_name_the_way_out() -> None:
    with pytest.raises(UnknownName, match="Did you mean `sketch`"):
        vw.pca(np.eye(3), method="sketsch")
    with pytest.raises(TooLarge, match=r"4,096.*sketch"):
        vw.pca(csr_array((3, 5000)), method="covariance")


# ---- the sketch ----


def decaying(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    return read_only(rows, dim, seed=seed) * np.arange(1, dim + 1) ** -0.5 + 3


def test_the_sketch_is_as_exact_as_it_says() -> None:
    X = decaying(700, 300)
    fitted, (variance, axes) = vw.pca(X, k=5, method="sketch"), truth(X)
    assert (np.abs(fitted.explained_variance - variance[:5]) <= fitted.variance_error).all()
    assert (fitted.explained_variance <= variance[:5] * (1 + 1e-12)).all()
    assert np.allclose(fitted.explained_variance, variance[:5], rtol=1e-8)
    assert (fitted.variance_error <= 1e-5 * fitted.explained_variance * 1.01).all()
    assert np.allclose(np.abs(np.sum(fitted.components * axes[:5], axis=1)), 1, atol=1e-8)
    assert fitted.explained_variance_ratio.sum() == pytest.approx(
        variance[:5].sum() / variance.sum(), rel=1e-8
    )


def test_the_sketch_of_wide_sparse_rows_is_that_of_dense_ones() -> None:
    X = random_array((150, 2100), density=0.01, rng=np.random.default_rng(0), format="csr")
    fitted, (variance, _) = vw.pca(vw.Vectors(X), k=3), truth(X)
    theirs = randomized_svd(X.toarray() - X.toarray().mean(axis=0), 3, n_iter=7, random_state=0)[1] ** 2 / 149
    assert np.allclose(fitted.explained_variance, variance[:3], rtol=1e-6)
    assert (fitted.explained_variance >= theirs * (1 - 1e-6)).all()  # no worse than scikit-learn's
    again = vw.pca(X.toarray(), k=3)
    assert np.allclose(fitted.components, again.components, atol=1e-5)


def test_the_sketch_is_the_same_for_a_seed_and_any_engine() -> None:
    X = vw.Vectors(decaying(5000, 300).astype(np.float32))
    made = [vw.pca(X, method="sketch", engine=engine) for engine in (serial, threads(2), threads(3))]
    assert len({fitted.components.tobytes() for fitted in made}) == 1
    assert made[0].target.same_axes(made[1].target)
    other = vw.pca(X, method="sketch", seed=1)
    assert other.components.tobytes() != made[0].components.tobytes()
    assert np.allclose(other.components, made[0].components, atol=1e-4)


def test_directions_are_thinned_and_passes_end() -> None:
    """Noise without a gap takes the most passes: the answer is still within the bound that it states."""
    X = read_only(1000, 300)
    fitted, (variance, _) = vw.pca(X, k=1, method="sketch"), truth(X)
    nearest_true = np.abs(variance - fitted.explained_variance[0]).min()
    assert nearest_true <= fitted.variance_error[0]
    assert fitted.explained_variance[0] == pytest.approx(variance[0], rel=1e-3)


def test_auto_is_the_sketch_where_it_is_wide() -> None:
    X = decaying(40, finding.MOST_WHOLE + 1)
    assert vw.pca(X).components.tobytes() == vw.pca(X, method="sketch").components.tobytes()
    narrow = X[:, :50]
    assert vw.pca(narrow).components.tobytes() == vw.pca(narrow, method="covariance").components.tobytes()


# ---- the map, its inverse, its state ----


def test_states_travel_and_old_ones_are_read() -> None:
    X = vw.Vectors(read_only(30, 4), ids=[f"r{i}" for i in range(30)])
    for whiten in (False, True):
        fitted = vw.pca(X, k=2, whiten=whiten)
        made = from_data(to_data(fitted))
        assert made(X).values.tobytes() == fitted(X).values.tobytes()
        assert made.target.same_axes(fitted.target)
        assert (made.whiten, made.variance_error.tolist()) == (whiten, fitted.variance_error.tolist())
    old = {
        name: value
        for name, value in vw.pca(X, k=2).state().items()
        if name not in ("whiten", "variance_error")
    }
    restored = Components.from_state(old)
    assert restored(X).values.tobytes() == vw.pca(X, k=2)(X).values.tobytes()
    assert (restored.whiten, restored.variance_error) == (False, None)
    assert not vw.pca(X, k=2).target.same_axes(vw.pca(X, k=2, whiten=True).target)


def test_reconstruction_keeps_names_and_minds_the_space() -> None:
    X = vw.Vectors(read_only(20, 4), ids=[f"r{i}" for i in range(20)])
    fitted = vw.pca(X, k=2)
    back = fitted.reconstruct(fitted(X))
    assert back.space.same_axes(X.space)
    assert back.ids.tolist() == X.ids.tolist()
    assert fitted.reconstruct([[0.0, 0.0]]).values.round(12).tolist() == [fitted.mean.round(12).tolist()]
    with pytest.raises(SpaceMismatch):
        fitted.reconstruct(X)
    with pytest.raises(WrongShape):
        fitted.reconstruct([[1.0, 2.0, 3.0]])
    with pytest.raises(SpaceMismatch):
        fitted.reconstruction_error(vw.Vectors(X.values))


def test_what_leaves_the_number_type_is_refused() -> None:
    fitted = vw.pca(read_only(9, 2) * 1e30)
    with pytest.raises(NonFinite, match="projection"):
        fitted.transform(np.float32([[3.4e38, -3.4e38], [3.4e38, 3.4e38]]))
    with pytest.raises(NonFinite, match="reconstruction"):
        vw.pca([[0, 0], [1, 1], [2, 2], [0, 1], [1, 0]], k=2).reconstruct([[1.7e308, 1.7e308]])
    with pytest.raises(NonFinite, match="Distances"):
        vw.pca(read_only(9, 2), k=1).reconstruction_error([[1.7e308, 1.7e308]])


def test_nothing_lost_of_no_rows_and_of_the_mean() -> None:
    fitted = vw.pca(read_only(9, 2), k=1)
    assert fitted.reconstruction_error(np.zeros((0, 2))).share == 0
    assert fitted.reconstruction_error([fitted.mean]).rows.tolist() == [0]
    assert fitted.transform(np.zeros((0, 2))).shape == (0, 1)


@settings(max_examples=20)
@given(st.integers(1, 60))
def test_a_row_alone_is_the_row_in_a_batch(row) -> None:
    X = read_only(61, 700).astype(np.float32)
    fitted = vw.pca(X, k=3)
    assert np.allclose(fitted.transform(X[row]).values, fitted.transform(X).values[row], rtol=1e-6)


def test_mapped_rows_project_in_parts(tmp_path) -> None:
    X = read_only(40_000, 70, dtype=np.float32)
    np.save(tmp_path / "rows.npy", X)
    mapped = vw.Vectors(np.load(tmp_path / "rows.npy", mmap_mode="r"))
    fitted = vw.pca(mapped, k=2)
    assert fitted.components.tobytes() == vw.pca(X, k=2).components.tobytes()
    exact = (X.astype(np.float64) - fitted.mean) @ fitted.components.T
    assert np.allclose(fitted(mapped).values, exact, rtol=1e-6, atol=1e-7)


def test_the_scree_plot_tells_shares() -> None:
    figure = vw.pca(read_only(50, 4) * [4, 3, 2, 1], k=3).plot()
    assert [trace.type for trace in figure.data] == ["bar", "scatter"]
    assert figure.data[1].y[-1] == pytest.approx(sum(figure.data[0].y))
    assert figure.layout.title.text.startswith("3 components keep ")
