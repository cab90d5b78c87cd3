"""Edges, the pairs within a bound, against brute force, by NumPy and by the compiled kernel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist

import vecwise as vw
from test_measure_pairs import bound_of, clustered
from vecwise.engines.local import serial, threads
from vecwise.errors import Inapplicable, NonFinite, OutOfRange, SpaceMismatch, TooLarge, UnknownName
from vecwise.kernels import native_screen, quantized, screening
from vecwise.kernels.similarity import PAIRS, scored
from vecwise.measure import pairing

pytestmark = pytest.mark.usefixtures("way_of_counting")
SCREENED = ("cosine", "dot", "euclidean", "sqeuclidean", "angular")


def brute(X, Y, metric, bound, p=2.0) -> np.ndarray:
    """Which pairs are edges, `(rows, rows)`."""
    D = scored(X.values, Y.values, metric, p)
    with np.errstate(invalid="ignore"):
        found = bound <= D if metric in ("cosine", "dot") else bound >= D
    return np.triu(found, 1) if X is Y else found


def marked(found, shape: tuple[int, int]) -> np.ndarray:
    """Which pairs were found, in the order of rows and each once."""
    assert (np.diff(np.ravel_multi_index(found.places.T, shape)) > 0).all()
    made = np.zeros(shape, bool)
    made[tuple(found.places.T)] = True
    return made


@pytest.mark.parametrize("metric", list(PAIRS))
@pytest.mark.parametrize("kind", ["f32", "f64", "sparse", "mixed"])
def test_edges_are_brute_force(metric, kind, monkeypatch) -> None:
    monkeypatch.setattr(pairing, "ROWS", 50)
    monkeypatch.setattr(pairing, "SPARSE_COLUMNS", 70)
    raw = clustered(170, 12 if kind == "f64" else 48)
    raw[5] = raw[60] = 0
    thin = np.where(np.abs(raw) < 0.8, 0, raw)
    A = {"f32": raw.astype(np.float32), "f64": raw}.get(kind, csr_array(thin))
    B = thin[:90] if kind == "mixed" else A[:90]
    X, Y = vw.Vectors(A), vw.Vectors(B)
    Y = vw.Vectors(Y, space=X.space)
    every = scored(X.values, Y.values, metric)
    for share in (0.02, 0.3):
        bound = float(np.nanquantile(every, 1 - share if metric in ("cosine", "dot") else share))
        for other in (X, Y):
            found = vw.pairs(X, other, metric=metric, **bound_of(metric, bound))
            scores = scored(X.values, other.values, metric)
            wrong = marked(found, scores.shape) ^ brute(X, other, metric, bound)
            # a score at the bound itself may be rounded to either side by the sums of the table
            assert (np.abs(scores[wrong] - bound) < 1e-13 * max(1, abs(bound))).all()
            given_scores = scores[found.places[:, 0], found.places[:, 1]]
            assert np.allclose(found.scores, given_scores, rtol=1e-12, atol=1e-12)
    assert vw.pairs(X, metric=metric, **bound_of(metric, bound)).unscored == (
        2 if metric in ("cosine", "angular") else 0
    )


@given(
    st.integers(1, 30),
    st.sampled_from([1, 2, 3, 20, 32, 33, 70]),  # from 32 on, products of bytes come first
    st.integers(0, 10**6),
    st.sampled_from(SCREENED),
    st.sampled_from([1e-250, 1e-20, 1.0, 1e10, 1e140]),
    st.sampled_from([0.0, 1.0, 1e6]),
)
def test_no_pair_is_lost_by_screening(rows, dim, seed, metric, size, offset) -> None:
    values = (np.random.default_rng(seed).integers(-3, 4, (rows, dim)) + offset) * size
    X = vw.Vectors(values)
    with np.errstate(over="ignore"):
        every = scored(X.values, X.values, metric)
    bounds = np.unique(every[np.isfinite(every)])
    for bound in bounds[:: max(1, len(bounds) // 4)].tolist():
        left, right = screening.sides(X.values, X.values, metric)
        found = screening.candidates(left, right, metric, bound, 0)
        lost = brute(X, X, metric, bound)
        lost[tuple(found)] = False
        assert not lost.any()


@pytest.mark.parametrize("rows", [1, 5, 6, 7, 40, 131])
@pytest.mark.parametrize("above", [None, 0, -3, 17, -200])
@pytest.mark.parametrize("dim", [32, 45, 512])
def test_products_of_bytes_lose_no_pair_and_choose_few(rows, above, dim, monkeypatch) -> None:
    if not native_screen.multiplies_bytes():
        pytest.skip("this processor, or this way, multiplies no bytes")
    monkeypatch.setattr(quantized, "FEW", 1)
    rng = np.random.default_rng(rows)
    X, Y = (rng.standard_normal((n, dim)).astype(np.float32) for n in (rows, 2 * rows + 1))
    X[0], Y[-1] = 0, (np.arange(dim) % 7 + 0.5) / 127  # a zero row; one whose rounding is as bad as can be
    Y[-1, 0] = 1
    if rows > 2:
        X[1] *= 1e-20
        X[2, 3] = 1e4  # all other numbers of the row round to nothing
        X[3] *= 1e-33  # too short for a scale
    lengths = tuple(np.linalg.norm(M.astype(np.float64), axis=1) for M in (X, Y))
    left, right = (quantized.quantized(M, n) for M, n in zip((X, Y), lengths, strict=True))
    exact = X.astype(np.float64) @ Y.T.astype(np.float64)
    for bound in np.quantile(exact, [0.5, 0.99, 1.0]):
        bounds = np.full(len(X), bound), np.zeros(len(Y))
        wanted = exact >= bound
        if above is not None:
            wanted = np.triu(wanted, above + 1)
        found = quantized.reaching_in_bytes(left, right, lengths, bounds, above)
        chosen = np.zeros(exact.shape, bool)
        chosen[found] = True
        assert len(found[0]) == chosen.sum()
        assert not (wanted & ~chosen).any()
        assert above is None or not np.tril(chosen, above).any()
    if rows > 100 and dim == 512 and above is None:
        assert chosen[4:, :-1].mean() < 0.05


def test_where_bytes_are_too_coarse_float32_chooses(monkeypatch) -> None:
    raw = clustered(300, 40)
    raw[:, 0] = 1e3  # what differs is lost beside it
    X = vw.Vectors(raw.astype(np.float32))
    for metric, share in (("cosine", 0.98), ("euclidean", 0.02), ("dot", 0.98)):
        bound = float(np.quantile(scored(X.values, X.values, metric), share)) * (1 + 1e-12)
        found = vw.pairs(X, metric=metric, **bound_of(metric, bound))
        monkeypatch.setattr(native_screen, "multiplies_bytes", lambda: False)
        without = vw.pairs(X, metric=metric, **bound_of(metric, bound))
        monkeypatch.undo()
        assert found.places.tolist() == without.places.tolist()
        assert found.places.tolist() == np.argwhere(brute(X, X, metric, bound)).tolist()
        assert found.scores.tobytes() == without.scores.tobytes()
        assert 0 < len(found) < 44_850


def test_scores_within_float32_of_the_bound_are_decided_in_float64() -> None:
    rng = np.random.default_rng(0)
    base = rng.standard_normal(256)
    base /= np.linalg.norm(base)
    other = rng.standard_normal(256)
    other -= (other @ base) * base
    other /= np.linalg.norm(other)
    steps = np.arange(-200, 200) * 1e-10  # a unit in the last place of float32 at 0.8 is 6e-8
    cosines = 0.8 + steps
    rows = cosines[:, None] * base + np.sqrt(1 - cosines**2)[:, None] * other
    found = vw.pairs(vw.Vectors(base), rows, at_least=0.8)
    exact = cdist(base[None].astype(np.longdouble), rows.astype(np.longdouble), "cosine")
    assert exact.shape == (1, 400)
    sure = np.flatnonzero(steps > 1e-14)
    assert set(sure.tolist()) <= set(found.places[:, 1].tolist())
    assert not set(np.flatnonzero(steps < -1e-14).tolist()) & set(found.places[:, 1].tolist())
    assert (found.scores >= 0.8).all()
    near = vw.pairs(vw.Vectors(base), rows, at_most=0.2, metric="sqeuclidean")
    assert (near.scores <= 0.2).all()


def test_scores_equal_to_the_bound_are_edges() -> None:
    X = vw.Vectors([[5, 0], [4, 3], [8, 6], [0, 5], [3, 4]], ids=list("abcde"))
    assert vw.pairs(X, at_least=0.8).to_arrow().to_pylist() == [
        {"left": "a", "right": "b", "score": 0.8},
        {"left": "a", "right": "c", "score": 0.8},
        {"left": "b", "right": "c", "score": 1.0},
        {"left": "b", "right": "e", "score": 0.96},
        {"left": "c", "right": "e", "score": 0.96},
        {"left": "d", "right": "e", "score": 0.8},
    ]
    assert vw.pairs(X, at_least=20, metric="dot").places.tolist()[:2] == [[0, 1], [0, 2]]
    root = vw.pairs(X, at_most=2**0.5, metric="euclidean")
    assert root.places.tolist() == [[1, 4]]
    assert vw.pairs(X, at_least=1.0).places.tolist() == [[1, 2]]
    assert len(vw.pairs(X, at_least=-1.0)) == 10
    assert len(vw.pairs(X, at_most=np.inf, metric="euclidean")) == 10


@pytest.mark.parametrize("sparse", [False, True])
def test_edges_of_huge_and_tiny_rows_are_those_of_rows_of_length_1(sparse) -> None:
    raw = np.round(clustered(60, 40), 2)
    if sparse:
        raw = np.where(np.abs(raw) < 1, 0, raw)
    sizes = np.ldexp(1.0, np.array([900, -900, 0, 3, -1000])[np.arange(60) % 5])
    tame, wild = (vw.Vectors(csr_array(m) if sparse else m) for m in (raw, raw * sizes[:, None]))
    for options in ({"at_least": 0.7}, {"at_most": 0.25, "metric": "angular"}):
        a, b = vw.pairs(tame, **options), vw.pairs(wild, **options)
        assert len(a) > 10
        assert a.places.tolist() == b.places.tolist()
        assert np.allclose(a.scores, b.scores, rtol=1e-13, atol=1e-15)
    assert vw.duplicates(wild, at_least=0.7).keep.tolist() == vw.duplicates(tame, at_least=0.7).keep.tolist()


def test_the_best_of_each_row_are_those_of_nearest_without_the_row() -> None:
    X = vw.Vectors(clustered(60, 5))
    found = vw.pairs(X, k=3)
    near = vw.nearest(X, X, k=4)
    assert found.right.reshape(60, 3).tolist() == near.ids[:, 1:].tolist()
    assert found.left.tolist() == np.repeat(np.arange(60), 3).tolist()
    assert found.scores.tobytes() == near.scores[:, 1:].tobytes()
    same = vw.pairs(vw.Vectors(np.ones((5, 2))), k=2)
    assert same.places.tolist() == [
        [0, 1],
        [0, 2],
        [1, 0],
        [1, 2],
        [2, 0],
        [2, 1],
        [3, 0],
        [3, 1],
        [4, 0],
        [4, 1],
    ]
    zero = vw.pairs([[1, 0], [0, 0], [2, 0]], k=5)
    assert (zero.places.tolist(), zero.unscored) == ([[0, 2], [2, 0]], 1)
    assert len(vw.pairs([[1.0, 0]], k=3)) == 0
    assert len(vw.pairs(X, X[:7], k=9)) == 60 * 7


def test_edges_do_not_depend_on_engine_workers_or_blocks(monkeypatch) -> None:
    X = vw.Vectors(clustered(900, 24).astype(np.float32))
    for metric, bound in (("cosine", 0.7), ("euclidean", 3.0), ("manhattan", 12.0), ("dot", 15.0)):
        found = []
        for rows, engine in ((64, serial), (64, threads(2)), (64, threads(5)), (333, None), (1024, None)):
            monkeypatch.setattr(pairing, "ROWS", rows)
            edges = vw.pairs(X, metric=metric, engine=engine, **bound_of(metric, bound))
            found.append((edges.places.tobytes(), edges.scores.tobytes()))
        assert len(set(found)) == 1, metric
        assert len(found[0][1])


def test_too_many_edges_are_counted_and_never_cut(monkeypatch) -> None:
    monkeypatch.setattr(pairing, "ROWS", 16)
    X = np.ones((200, 3))
    with pytest.raises(
        TooLarge, match=r"more than 1,000 such pairs.*about 1\d,\d{3} in all.*at_least.*k=10.*most="
    ):
        vw.pairs(X, at_least=0.5, most=1000)
    assert len(vw.pairs(X, at_least=0.5, most=19_900)) == 19_900
    with pytest.raises(TooLarge, match="best 10 of each of 200 rows"):
        vw.pairs(X, k=10, most=1999)


def test_bounds_of_the_wrong_kind_are_refused() -> None:
    X = np.eye(3)
    for options, words in (
        ({"at_most": 0.5, "metric": "cosine"}, "at_least"),
        ({"at_most": 0.5, "at_least": 0.5}, "not `at_most`"),
        ({"at_least": 0.5, "metric": "euclidean"}, "at_most"),
        ({"at_least": 0.5, "k": 3}, "Leave out"),
        ({"k": 3, "p": 3.0}, "Leave out"),
        ({"at_most": 0.5, "metric": "euclidean", "p": 3.0}, "minkowski"),
    ):
        with pytest.raises(Inapplicable, match=words):
            vw.pairs(X, **options)
    for options in ({}, {"at_least": 1.1}, {"at_least": np.nan}, {"at_least": "x"}, {"at_least": True}, {"k": 0},
                    {"at_most": -1, "metric": "hamming"}, {"at_least": 0.5, "most": 0}):  # fmt: skip
        with pytest.raises(OutOfRange):
            vw.pairs(X, **options)
    with pytest.raises(UnknownName):
        vw.pairs(X, at_least=0.5, metric="cosin")
    with pytest.raises(SpaceMismatch):
        vw.pairs(vw.Vectors(X), vw.Vectors(X), at_least=0.5)
    with pytest.raises(NonFinite):
        vw.pairs([[1e200, 0], [1e200, 1]], at_least=0.5, metric="dot")


def test_no_rows_and_one_row_have_no_edges() -> None:
    for rows in (0, 1):
        for X in (np.ones((rows, 3)), csr_array((rows, 3))):
            for metric in PAIRS:
                assert len(vw.pairs(X, metric=metric, **bound_of(metric, 1.0))) == 0
    assert vw.pairs(np.ones((0, 3)), at_least=0.5).to_arrow().num_rows == 0


def test_edges_tell_themselves_and_are_saved(tmp_path) -> None:
    X = vw.Vectors([[5, 0], [4, 3], [8, 6]], ids=["a", "b", "c"])
    found = vw.pairs(X, at_least=0.7)
    assert repr(found).startswith("Edges: 3 pairs of 3, by cosine\n")
    assert "<th>left</th>" in found._repr_html_()
    assert found.to_pandas()["score"].tolist() == [0.8, 0.8, 1.0]
    assert found.best(2).places.tolist() == [[1, 2], [0, 1]]
    assert vw.pairs(X, at_most=10, metric="euclidean").best(1).places.tolist() == [[0, 1]]
    for name in ("edges.csv", "edges.tsv", "edges.jsonl", "edges.parquet", "edges.arrow"):
        found.save(tmp_path / name)
        assert vw.read(tmp_path / name).to_pylist() == found.to_arrow().to_pylist()
    heard = []
    vw.pairs(X, at_least=0.7, progress=lambda done, total: heard.append((done, total)))
    assert heard == [(3, 3)]
