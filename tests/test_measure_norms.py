"""Norms, normalization and the summary of norms, against exact arithmetic, in both ways of computing them."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.sparse import coo_array, csr_array

import vecwise as vw
from conftest import read_only
from vecwise.errors import NonFinite, OutOfRange, UnknownName, VecwiseError
from vecwise.kernels import arrays as kernel_arrays
from vecwise.kernels import native, native_norms, spans
from vecwise.kernels.arrays import nonfinite_rows, oddities
from vecwise.kernels.norms import many_norms, scale_rows, unit_rows
from vecwise.measure.norm_summary import NormFold
from vecwise.measure.norms import Normalized
from vecwise.testing import check_fold

pytestmark = pytest.mark.usefixtures("way_of_counting", "few_cells_too")

INF = float("inf")
EPS = 2.0**-53
SUBNORMAL = 5e-324


@pytest.fixture(scope="module")
def few_cells_too():
    """Lets the compiled way look at arrays that would be too small for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel_arrays, "_FEW_BYTES", 0)
        yield


def exact_norm(row, order: float) -> Decimal:
    """The norm in decimal arithmetic of 80 digits, of numbers taken as they are."""
    with localcontext() as context:
        context.prec, context.Emin, context.Emax = 80, -(10**8), 10**8
        sizes = [abs(Decimal(float(x))) for x in row]
        if order == INF:
            return max(sizes, default=Decimal(0))
        total = sum((x ** Decimal(order) for x in sizes if x), Decimal(0))
        return total ** (1 / Decimal(order)) if total else total


def check_norms(values: np.ndarray, orders) -> None:
    made = many_norms(values, orders)
    bound = (values.shape[1] / 16 + 12) * EPS
    for i, order in enumerate(orders):
        for j, row in enumerate(values):
            exact = exact_norm(row, order)
            if exact > Decimal(float(np.finfo(np.float64).max)):
                assert made[i, j] == INF or made[i, j] >= 1.7e308
            else:
                with localcontext() as context:
                    context.prec = 80
                    assert abs(Decimal(float(made[i, j])) - exact) <= Decimal(bound) * exact + Decimal(
                        SUBNORMAL
                    )


def rows_of(dtype):
    width = 32 if dtype == np.float32 else 64
    cells = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=True, width=width)
    return arrays(dtype, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20), elements=cells)


@given(rows_of(np.float32))
def test_norms_of_single_precision_keep_their_bound(values) -> None:
    check_norms(values, (1.0, 2.0, INF, 3.0))


@given(rows_of(np.float64))
def test_norms_of_double_precision_keep_their_bound(values) -> None:
    check_norms(values, (1.0, 2.0, INF, 1.5))


@pytest.mark.parametrize("dim", [1, 15, 16, 17, 127, 128, 129, 700])
@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
def test_norms_of_long_rows_keep_their_bound(dim, scale) -> None:
    values = read_only(3, dim, seed=dim) * scale
    check_norms(values.astype(np.float32), (1.0, 2.0, INF, 4.0, 2.5, 1000.0))
    check_norms(values**9, (1.0, 2.0, INF, 7.0))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The compiled kernel as processors without the widest registers have it."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler was found")
    made = tmp_path_factory.mktemp("plain") / "native.library"
    sources = [native.LIBRARY.with_name(f"native_{name}.c") for name in ("norms", "table")]
    flags = ["-std=c11", "-O1", "-ffp-contract=off", "-fvisibility=default", "-shared", "-fPIC"]
    subprocess.run(["cc", "-DVECWISE_PLAIN", *flags, *sources, "-o", made, "-lm"], check=True)
    return made


@pytest.mark.parametrize("dim", [1, 15, 16, 17, 129, 513])
def test_other_processors_give_the_same_bits(dim, plain, monkeypatch) -> None:
    info = np.finfo(np.float32)
    for scale in (1.0, float(info.smallest_subnormal) * 9, float(info.max) / 1e4):
        values = (np.round(read_only(40, dim, seed=dim) * 100) * scale / 100).astype(np.float32)
        values[3] = 0
        results = []
        for library in (native.LIBRARY, plain):
            monkeypatch.setattr(native, "LIBRARY", library)
            units = [part for order in (1, 2, INF) for part in unit_rows(values, order)]
            results.append(
                [many_norms(values, (1,)), many_norms(values, (1, 2)), many_norms(values, (INF, 2)), *units]
            )
        for one, other in zip(*results, strict=True):
            assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("dim", [1, 2, 8, 15, 16, 17, 128, 129, 513])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_ways_give_the_same_bits(dim, dtype, monkeypatch) -> None:
    if native_norms.library() is None:
        pytest.skip("there is one way only")
    info = np.finfo(dtype)
    for scale in (1.0, float(info.smallest_subnormal) * 9, float(info.max) / 1e4, float(info.tiny) * 1e3):
        values = (np.round(read_only(40, dim, seed=dim) * 100) * scale / 100).astype(dtype)
        values[3] = 0
        for given_ in (values, csr_array(values * (read_only(40, dim, seed=1) > 0.5))):
            results = []
            for way in ("1", "0"):
                monkeypatch.setenv("VECWISE_NATIVE", way)
                found = [unit_rows(given_, order) for order in (1, 2, INF)]
                cells = [made.data if given_ is not values else made for made, _ in found]
                results.append([many_norms(given_, (1, 2, INF, 3)), *cells, *(some for _, some in found)])
            for one, other in zip(*results, strict=True):
                assert np.array_equal(one, other)


def test_norms_agree_with_numpy_and_the_standard_library() -> None:
    values = read_only(50, 33)
    made = vw.norms(values, order=[1, 2, INF, 3])
    assert made.shape == (50, 4)
    for i, order in enumerate((1, 2, INF, 3)):
        assert np.allclose(made[:, i], np.linalg.norm(values, ord=order, axis=1), rtol=1e-14)
        assert np.array_equal(made[:, i], vw.norms(values, order=order))
    assert made[:, 1] == pytest.approx([math.hypot(*row) for row in values], rel=1e-15)
    assert np.array_equal(vw.norms(values, order=[2, 2, 1])[:, 0], vw.norms(values))
    assert vw.norms(np.zeros((0, 3)), order=[1, 2]).shape == (0, 2)
    assert vw.norms([3, 4], order="max").tolist() == [4]


@given(rows_of(np.float64))
def test_norms_are_homogeneous_and_fall_with_the_order(values) -> None:
    small = values / 1e150
    made = vw.norms(small, order=[1, 1.5, 2, 3, INF])
    assert (np.diff(made, axis=1) <= 1e-14 * made[:, :1] + SUBNORMAL).all()
    assert np.array_equal(vw.norms(-small), vw.norms(small))


def test_a_norm_that_overflows_is_refused() -> None:
    assert vw.norms([[1e308, 1e308]])[0] == pytest.approx(math.sqrt(2) * 1e308)
    assert vw.norms([[1e308] * 3], order=5)[0] == pytest.approx(3**0.2 * 1e308)
    for order in (1, [2, 1], [1, 3]):
        with pytest.raises(NonFinite, match="order 1 .* too large for float64"):
            vw.norms([[1e308, 1e308]], order=order)


# ---- number types and layouts ----


def layouts(values: np.ndarray):
    """The same numbers, lying in memory in every way that NumPy knows."""
    rows, dim = values.shape
    yield "C", np.ascontiguousarray(values)
    yield "Fortran", np.asfortranarray(values)
    wide = np.zeros((rows * 2, dim * 3), values.dtype)
    wide[::2, ::3] = values
    yield "strided", wide[::2, ::3]
    yield "negative", np.ascontiguousarray(values[::-1, ::-1])[::-1, ::-1]
    fixed = values.copy()
    fixed.flags.writeable = False
    yield "read-only", fixed
    yield "other bytes", values.astype(values.dtype.newbyteorder(">"))
    raw = np.zeros(values.nbytes + 1, np.uint8)
    unaligned = raw[1:].view(values.dtype).reshape(rows, dim)
    unaligned[:] = values
    yield "unaligned", unaligned


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8])
def test_number_types_and_layouts_do_not_matter(dtype) -> None:
    values = (read_only(9, 37, seed=2) * 30).astype(dtype)
    truth = np.linalg.norm(values.astype(np.longdouble), axis=1).astype(np.float64)
    for name, given_ in layouts(values):
        before = given_.tobytes()
        assert np.allclose(vw.norms(given_), truth, rtol=1e-15), name
        sums = np.abs(values.astype(np.longdouble)).sum(axis=1).astype(np.float64)
        exact = dtype in (np.float16, np.int8)  # short numbers, whose sums no float64 rounds
        assert np.allclose(vw.norms(given_, order=1), sums, rtol=0 if exact else 1e-15, atol=0), name
        made = vw.normalize(given_)
        assert np.array_equal(made.values, vw.normalize(values).values), name
        assert vw.is_unit(made.values, tolerance=1e-6), name
        assert vw.unit_deviation(given_) == np.abs(vw.norms(values) - 1).max(), name
        assert given_.tobytes() == before, name


def test_half_precision_and_bytes_are_widened_before_they_add_up() -> None:
    assert vw.norms(np.full((1, 3), 300, np.float16))[0] == pytest.approx(300 * math.sqrt(3))
    assert vw.norms(np.ones((1, 70_000), np.float16), order=1)[0] == 70_000
    assert np.isfinite(vw.normalize(np.full((2, 5), 65_504, np.float16)).values).all()
    every = np.arange(-128, 128, dtype=np.int8).reshape(-1, 1)
    assert vw.norms(every, order=1).tolist() == [abs(i) for i in range(-128, 128)]
    assert vw.norms(np.full((1, 4), -128, np.int8))[0] == 256


@pytest.mark.parametrize(
    "values",
    [
        np.array([["a", "b"]]),
        np.array([[1 + 2j, 3]]),
        np.ma.masked_array([[1.0, 2.0]], mask=[[0, 1]]),
        np.array([["2020-01-01"]], dtype="datetime64[D]"),
        np.array([[object()]]),
        [[1, 2], [3]],
        [[np.nan, 1.0]],
        [[INF, 1.0]],
        np.zeros((2, 0)),
        "text",
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused(values) -> None:
    for measure in (vw.norms, vw.normalize, vw.is_unit, vw.unit_deviation, vw.norm_summary):
        with pytest.raises(VecwiseError):
            measure(values)


# ---- normalization ----


@given(rows_of(np.float32))
def test_single_precision_rows_come_out_unit(values) -> None:
    made, some = unit_rows(values, 2)
    assert np.array_equal(some, values.any(axis=1))
    for row, source in zip(made, values, strict=True):
        exact = exact_norm(row, 2)
        assert abs(float(exact) - 1) <= 1.01 * 2**-24 if source.any() else not row.any()


@given(rows_of(np.float64), st.sampled_from([1, 2, INF]))
def test_double_precision_rows_come_out_unit(values, order) -> None:
    made, some = unit_rows(values, order)
    assert np.array_equal(some, values.any(axis=1))
    for row, source in zip(made, values, strict=True):
        exact = exact_norm(row, order)
        assert abs(exact - 1) <= (values.shape[1] / 16 + 12) * EPS if source.any() else not row.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", [1, 2, INF])
def test_a_power_of_two_changes_no_bit(dtype, order) -> None:
    values = np.round(read_only(6, 19, seed=4) * 64).astype(dtype)
    plain = scale_rows(values, order)
    info = np.finfo(dtype)
    for power in range(info.minexp - info.nmant, info.maxexp - 9, 13):
        assert np.array_equal(scale_rows(np.ldexp(values, power), order), plain), power


def test_normalize_by_other_lengths() -> None:
    X = vw.Vectors([[1.0, -3.0], [0.0, 0.0]], ids=["a", "zero"])
    assert vw.normalize(X, order=1).values.tolist() == [[0.25, -0.75], [0, 0]]
    assert vw.normalize(X, order=INF).values.tolist() == [[1 / 3, -1], [0, 0]]
    assert vw.normalize(X[:1]).space.claims == {"unit"}
    assert not vw.normalize(X).space.claims
    assert not vw.normalize([[1.0, 0.0]], order=1).space.claims  # the claim speaks of Euclidean length
    for order in (3, 0, 1.5):
        with pytest.raises(OutOfRange, match="order"):
            vw.normalize(X, order=order)
    with pytest.raises(UnknownName, match="norm of order"):
        vw.normalize(X, order="l3")


@given(rows_of(np.float64), st.sampled_from([1, 2, INF]))
def test_sparse_rows_are_as_dense_ones(values, order) -> None:
    kept = values * (np.abs(values) > 1)
    made, some = unit_rows(csr_array(kept), order)
    assert np.array_equal(some, kept.any(axis=1))
    dense, _ = unit_rows(kept, order)
    assert np.allclose(made.toarray(), dense, rtol=1e-14, atol=SUBNORMAL)
    found, truth = many_norms(csr_array(kept), (order, 3)), many_norms(kept, (order, 3))
    finite = np.isfinite(truth)
    assert np.allclose(found[finite], truth[finite], rtol=1e-14)


def test_sparse_input_of_any_form_is_made_canonical() -> None:
    for index in (np.int32, np.int64):
        places = (
            np.array([0, 0, 0, 2], index),
            np.array([1, 1, 0, 2], index),
        )  # twice, unsorted, an empty row
        X = vw.Vectors(coo_array((np.array([1.0, 2.0, 4.0, 0.0]), places), shape=(3, 3)))
        assert vw.norms(X).tolist() == [5, 0, 0]
        assert vw.normalize(X).values.toarray().tolist() == [[0.8, 0.6, 0], [0, 0, 0], [0, 0, 0]]
        assert vw.normalize(X, order=1).is_sparse
    empty = vw.Vectors(csr_array((2, 4)))
    assert vw.norms(empty, order=[1, 2, INF, 3]).tolist() == [[0] * 4] * 2
    assert vw.normalize(empty).values.nnz == 0


def test_a_damaged_sparse_matrix_reaches_no_memory_but_its_own() -> None:
    if native_norms.library() is None:
        pytest.skip("NumPy looks itself")
    cells, answer = np.ones(4), np.zeros(2)
    for starts in ([0, 9, 4], [0, 3, 2], [-1, 2, 4], [0, 2, 5]):
        with pytest.raises(ValueError, match="within its cells"):
            native_norms.row_norms(cells, np.array(starts, np.int64), {2.0: answer})
        with pytest.raises(ValueError, match="within its cells"):
            native_norms.unit_rows(cells, np.array(starts, np.int64), 2.0, cells.copy(), np.zeros(2, bool))


def test_unit_or_not() -> None:
    assert vw.unit_deviation([[0.6, 0.8], [1.5, 0]]) == pytest.approx(0.5)
    assert math.isnan(vw.unit_deviation(np.zeros((0, 2))))
    assert not vw.is_unit(np.zeros((0, 2)))
    assert vw.unit_deviation([[1.7e308, 1.7e308]]) == INF
    assert vw.unit_deviation([[0.0, 0.0]]) == 1
    assert vw.is_unit([[2.0, 0.0]], tolerance=1)
    for tolerance in (-1e-9, float("nan")):
        with pytest.raises(OutOfRange, match="tolerance"):
            vw.is_unit([[1.0]], tolerance=tolerance)


def test_states_of_before_and_of_other_orders_are_read() -> None:
    space = vw.Space(2)
    before = Normalized.from_state({"target": space.to_data()})
    assert before.order == 2
    assert before.state() == {"target": space.to_data()}
    for order in (1.0, INF):
        state = json.loads(json.dumps(Normalized(space, order).state(), allow_nan=False))
        assert Normalized.from_state(state) == Normalized(space, order)


def test_queries_are_normalized_as_the_rows_were(tmp_path) -> None:
    X = vw.normalize(vw.encode(["the sea and the sky", "the sea"], "count"), order=1)
    vw.save(X, tmp_path / "saved")
    opened = vw.open(tmp_path / "saved")
    found = vw.nearest(opened, "sea sea the the", k=1, metric="manhattan")
    assert (found.ids.tolist(), found.scores.tolist()) == ([[1]], [[0.0]])


def test_threads_change_no_bit(monkeypatch) -> None:
    values = read_only(1000, 40, dtype=np.float32)
    made = [many_norms(values, (1, 2, 3)), scale_rows(values, 2)]
    monkeypatch.setattr(spans, "_WORTH_A_THREAD", 100)
    for count in (2, 3, 7):
        monkeypatch.setattr(spans, "workers", lambda count=count: count)
        assert np.array_equal(many_norms(values, (1, 2, 3)), made[0])
        assert np.array_equal(scale_rows(values, 2), made[1])
        assert oddities(values) == (False, True)


# ---- what stands in no vector ----


@given(
    st.integers(1, 30),
    st.integers(1, 30),
    st.lists(
        st.tuples(st.integers(0, 29), st.integers(0, 29), st.sampled_from([np.nan, INF, -INF])), max_size=4
    ),
    st.sampled_from([np.float32, np.float64]),
)
def test_rows_that_are_not_finite_are_all_found(rows, dim, bad, dtype) -> None:
    values = np.abs(read_only(rows, dim)).astype(dtype)
    for i, j, value in bad:
        values[i % rows, j % dim] = value
    truth = np.flatnonzero(~np.isfinite(values).all(axis=1)).tolist()
    assert nonfinite_rows(values).tolist() == truth
    assert nonfinite_rows(csr_array(values)).tolist() == truth
    assert nonfinite_rows(np.asfortranarray(values)).tolist() == truth
    assert oddities(values) == (bool(truth), bool((values < 0).any()))
    if truth:
        names = [f"r{i}" for i in range(rows)]
        for space in (None, vw.Space(dim, claims={"unit"}), vw.Space(dim, claims={"unit", "non-negative"})):
            with pytest.raises(NonFinite, match=f"`r{truth[0]}`"):
                vw.Vectors(values, names, space=space)


def test_huge_numbers_are_finite_and_minus_zero_is_not_below_zero() -> None:
    huge = np.full((4, 4), 1.7e308)
    huge[1] *= -1
    assert oddities(huge) == (False, True)
    assert oddities(np.array([[0.0, -0.0]])) == (False, False)
    assert oddities(np.zeros((0, 3))) == (False, False)
    assert vw.Vectors(huge, space=vw.Space(4, claims={"non-negative", "unit"})).space.claims == frozenset()
    kept = vw.Vectors([[0.6, 0.8]], space=vw.Space(2, claims={"non-negative", "unit", "centered"}))
    assert kept.space.claims == {"non-negative", "unit"}


# ---- the summary ----


def test_the_summary_keeps_the_laws_of_a_fold() -> None:
    chunks = [np.round(read_only(n, 5, seed=n) * 3) for n in (7, 1, 30, 0, 4)]
    check_fold(NormFold((1.0, 2.0, 3.0, INF)), chunks)
    assert NormFold().zero()[0].zeros == 0


@given(arrays(np.float64, (23, 3), elements=st.floats(-1e3, 1e3, allow_subnormal=True)), st.floats(0, 1))
def test_quantiles_and_counts_agree_with_numpy(values, q) -> None:
    found = vw.norm_summary(values, orders=[2, 1])
    for order in (1, 2):
        norms = np.sort(vw.norms(values, order=order))
        one = found[order]
        assert (one.min, one.max, one.zeros) == (norms[0], norms[-1], int((norms == 0).sum()))
        assert one.median == pytest.approx(norms[11], rel=1 / 128, abs=1e-320)
        truth = norms[min(22, int(q * 23))] if q < 1 else norms[-1]
        assert one.quantile(q) == pytest.approx(truth, rel=1 / 128, abs=1e-320)
        assert (
            one.histogram
            == {
                e: n
                for e in range(-1080, 20)
                if (n := int(((norms >= 2.0**e) & (norms < 2.0 ** (e + 1)) & (norms > 0)).sum()))
            }
            or norms[norms > 0].min(initial=1) < 1e-300
        )  # 2.0**e has no value below the smallest number
        assert sum(one.histogram.values()) + one.zeros == found.rows == 23


def test_the_summary_reads_streams_and_sparse_rows() -> None:
    values = np.round(read_only(500, 6) * 4)
    whole = vw.norm_summary(values).to_dict()
    assert vw.norm_summary(iter([values[:100], vw.Vectors(values[100:130]), values[130:]])).to_dict() == whole
    assert vw.norm_summary(csr_array(values)).to_dict() == whole
    assert json.loads(json.dumps(whole, allow_nan=False))["rows"] == 500
    assert vw.norm_summary(iter([])).rows == 0


def test_the_summary_in_words() -> None:
    words = repr(vw.norm_summary([[1e-300, 0.0], [1e300, 0.0], [0.0, 0.0]], orders=[INF]))
    assert "L-infinity: from 0 to 1.000e+300, median 9.97e-301, 1 zero row" in words
    assert max(map(len, words.splitlines())) <= 100
    assert "no value" in repr(vw.norm_summary(np.zeros((0, 2))))
    extreme = vw.norm_summary([[SUBNORMAL], [1.7e308]], orders=[1])
    assert extreme.to_dict()["norms"][0]["histogram"][-1]["to"] is None
    assert "infinite" in repr(extreme)
    with pytest.raises(OutOfRange, match="not asked for"):
        extreme[2]
    with pytest.raises(OutOfRange, match="quantile"):
        extreme[1].quantile(1.5)
