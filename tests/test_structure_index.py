"""Indexes: the exact one is brute force, its bounds hold in fractions; graphs are measured, filtered and repeatable."""

from __future__ import annotations

import os
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

import vecwise as vw
from conftest import choose_way, read_only
from vecwise import errors
from vecwise.kernels import native_scan, scan
from vecwise.structure import finders
from vecwise.structure.recall import recall
from vecwise.structure.rescoring import Answer

METRICS = ("cosine", "dot", "euclidean")


@pytest.fixture(scope="module", params=["numpy", "compiled", "portable"])
def way(request):
    """Without the library, with it, and with it as on a processor without AVX-512 VNNI."""
    with pytest.MonkeyPatch.context() as patch:
        choose_way(patch, request.param, native_scan.library)
        if request.param == "portable":
            original = scan.scan
            patch.setattr(scan, "scan", lambda *a, **o: original(*a, **{**o, "portable": True}))
        yield request.param


compiled = pytest.mark.skipif(
    native_scan.library() is None and "VECWISE_REQUIRE_NATIVE" not in os.environ,
    reason="the compiled kernel was not built: no C compiler was found on installing",
)


def truth(X, q, k, metric):
    """Brute force in long doubles: places of the k best of the rows, ties by row order, rows without a score last."""
    X, q = np.asarray(X, np.longdouble), np.asarray(q, np.longdouble)
    keys = ((X - q) ** 2).sum(axis=1) if metric == "euclidean" else -(X * q).sum(axis=1)
    if metric == "cosine":
        with np.errstate(invalid="ignore"):
            keys = keys / np.sqrt((X**2).sum(axis=1))
    return np.lexsort((np.arange(len(X)), np.where(np.isnan(keys), np.inf, keys)))[:k]


def clustered(rows, dim, seed=0, width=0.2):
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((20, dim))
    return (centers[rng.integers(0, 20, rows)] + width * rng.standard_normal((rows, dim))).astype(np.float32)


DATA = {
    "random": lambda: read_only(3000, 48, dtype=np.float32),
    "random float64": lambda: read_only(3000, 48),
    "clustered": lambda: clustered(3000, 48),
    "far from the origin": lambda: (read_only(3000, 48) + 300).astype(np.float32),
    "lengths of many sizes": lambda: read_only(3000, 48) * 10.0 ** np.linspace(-9, 3, 3000)[:, None],
    "one huge dimension": lambda: read_only(3000, 48) * np.r_[1e4, np.ones(47)],
    "huge": lambda: read_only(3000, 48) * 1e29,
    "beyond what is scanned": lambda: read_only(3000, 48) * 1e60,
    "tiny": lambda: read_only(3000, 48) * 1e-50,
    "float32 subnormals": lambda: (read_only(3000, 48) * 1e-39).astype(np.float32),
    "zero rows": lambda: read_only(3000, 48) * (np.arange(3000) % 3 > 0)[:, None],
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", list(DATA))
def test_the_exact_index_is_brute_force(name, metric, way) -> None:
    X = DATA[name]()
    rng = np.random.default_rng(1)
    queries = X[rng.integers(0, len(X), 4)] * 0.9 + X[rng.integers(0, len(X), 4)] * 0.2
    search, plain = vw.index(X, metric=metric), vw.nearest(X, queries, k=10, metric=metric)
    assert search.recall.share == 1
    for i, query in enumerate(queries):
        found = search.nearest(query)
        assert found.places[0].tolist() == truth(X, query, 10, metric).tolist() == plain.places[i].tolist()
        assert found.scores[0].tobytes() == plain.scores[i].tobytes()


@pytest.mark.parametrize("metric", METRICS)
def test_every_number_of_dimensions(metric, way) -> None:
    for dim in (*range(1, 71), 127, 1024, 1025, 2100):
        X = read_only(300, dim, seed=dim, dtype=np.float32)
        query = read_only(1, dim, seed=1000 + dim, dtype=np.float32)[0]
        found = vw.index(X, metric=metric).nearest(query, k=4)
        if dim == 1 and metric == "cosine":
            assert found.places[0].tolist() == np.flatnonzero(X[:, 0] * query[0] > 0)[:4].tolist()
        else:
            assert found.places[0].tolist() == truth(X, query, 4, metric).tolist(), dim


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 9),
    st.integers(1, 6),
    st.sampled_from(METRICS),
    st.integers(0, 3),
)
def test_ties_go_to_the_earlier_row(seed, dim, k, metric, spread) -> None:
    """Small whole numbers: every score is exact, and many are equal."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-spread, spread + 1, (int(rng.integers(1, 400)), dim)).astype(np.float32)
    query = rng.integers(-2, 3, dim).astype(np.float32)
    found, plain = vw.index(X, metric=metric).nearest(query, k=k), vw.nearest(X, [query], k=k, metric=metric)
    np.testing.assert_array_equal(found.scores, plain.scores)
    assert found.places.tolist() == plain.places.tolist()
    if metric != "cosine":
        assert found.places[0].tolist() == truth(X, query, k, metric).tolist()


@pytest.mark.parametrize("metric", METRICS)
def test_copies_of_rows_are_all_found_in_order(metric, way) -> None:
    X = np.repeat(read_only(100, 33, dtype=np.float32), 30, axis=0)[
        np.random.default_rng(2).permutation(3000)
    ]
    for place in (0, 17):
        found = vw.index(X, metric=metric).nearest(X[place], k=40)
        same = np.flatnonzero((X[place] == X).all(axis=1))
        if metric != "dot":
            assert found.places[0, :30].tolist() == same.tolist()
        assert found.places[0].tolist() == truth(X, X[place], 40, metric).tolist()
    equal = vw.index(np.full((900, 5), 0.7), metric=metric).nearest([0.3, 0, 0, 0, 0], k=5)
    assert equal.places.tolist() == [[0, 1, 2, 3, 4]]


def bounds_of(rows, query, metric):
    """What a scan believes of every row: the middle and the error, in fractions."""
    codes = scan.encoded(np.asarray(rows), metric)
    question = None if codes is None else scan.asked(codes, np.asarray(query, np.float64))
    if codes is None or question is None:
        return None
    lifted = codes.rows.codes.astype(np.int64) - 128
    products = (lifted @ question.whole.astype(np.int64)).tolist()
    middles = [
        Fraction(question.factor) * Fraction(float(s)) * p + (Fraction(float(o)) if o is not None else 0)
        for s, p, o in zip(
            codes.rows.scales, products,
            [None] * len(products) if codes.rows.offsets is None else codes.rows.offsets, strict=True,
        )
    ]  # fmt: skip
    errors_ = [
        Fraction(question.reach) * Fraction(float(r)) + Fraction(question.rounding) for r in codes.rows.radii
    ]
    return codes, middles, errors_


def exact_keys(rows, query, center, metric):
    """What the middles stand for, in fractions (for unit rows, of the cosine, up to rounding)."""
    made = []
    center = [Fraction(float(c)) for c in center]
    query = [Fraction(float(x)) for x in query]
    for row in rows:
        moved = [Fraction(float(x)) - c for x, c in zip(row, center, strict=True)]
        if metric == "euclidean":
            turned = [x - c for x, c in zip(query, center, strict=True)]
            made.append(
                2 * sum(a * b for a, b in zip(turned, moved, strict=True)) - sum(a * a for a in moved)
            )
        else:
            made.append(sum(a * b for a, b in zip(query, moved, strict=True)))
    return made


ODD = st.sampled_from([0.0, 1.0, -1.0, 0.5, 1 / 254, 3 / 254, 126.5, 127.0, 127.5, 1e-30, 1e15, -1e15, 1e-3])


@compiled
@given(
    arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=ODD | st.floats(-1e6, 1e6)),
    st.sampled_from(["dot", "euclidean"]),
    st.data(),
)
def test_the_bounds_hold_in_fractions(rows, metric, data) -> None:
    query = data.draw(arrays(np.float64, rows.shape[1], elements=ODD | st.floats(-1e6, 1e6)))
    known = bounds_of(rows, query, metric)
    if known is None:
        assert metric == "euclidean" or not min(np.abs(query).max(), np.abs(rows).max()) > 1e-100
        return
    codes, middles, wide = known
    for key, middle, error in zip(exact_keys(rows, query, codes.center, metric), middles, wide, strict=True):
        assert abs(key - middle) <= error


@compiled
@given(arrays(np.float64, (5, 4), elements=ODD | st.floats(-1e6, 1e6)), arrays(np.float64, 4, elements=ODD))
def test_the_bounds_hold_for_cosines(rows, query) -> None:
    known = bounds_of(rows, query, "cosine")
    if known is None:
        assert not (query.any() and rows.any())
        return
    codes, middles, wide = known
    long_rows, long_query = rows.astype(np.longdouble), query.astype(np.longdouble)
    long_query /= np.sqrt((long_query**2).sum())
    for row, middle, error in zip(long_rows, middles, wide, strict=True):
        if row.any():
            key = (long_query * (row / np.sqrt((row**2).sum()) - codes.center)).sum()
            assert abs(float(key - np.longdouble(float(middle)))) <= float(error) * (1 + 1e-9)


@compiled
def test_both_ways_of_multiplying_give_the_same_rows() -> None:
    for dim in (1, 64, 1000, 1024, 1088, 3000):
        X = read_only(500, dim, seed=dim)
        codes = scan.encoded(X, "dot")
        question = scan.asked(codes, read_only(1, dim, seed=1)[0])
        a = native_scan.scan(codes.rows, question, None, 5)
        b = native_scan.scan(codes.rows, question, None, 5, portable=True)
        assert all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))
        whole = (codes.rows.codes.astype(np.int64) - 128) @ question.whole.astype(np.int64)
        middle = question.factor * codes.rows.scales.astype(np.float64) * whole
        error = question.reach * codes.rows.radii.astype(np.float64) + question.rounding
        assert np.sort(a[2]).tolist() == np.sort(middle - error)[-5:].tolist()


@compiled
def test_the_largest_numbers_do_not_overflow() -> None:
    for dim in (1024, 4096):
        X = np.vstack([np.ones(dim), -np.ones(dim), np.zeros(dim)])
        codes = scan.encoded(X, "dot")
        question = scan.asked(codes, np.ones(dim))
        assert question.whole[:dim].tolist() == [native_scan.MOST_WHOLE] * dim
        for portable in (False, True):
            found = native_scan.scan(codes.rows, question, None, 3, portable=portable)
            assert found[1][0] == pytest.approx(dim, rel=0.01)
            assert found[1][1] == pytest.approx(-dim, rel=0.01)


@compiled
def test_a_scan_leaves_few_rows() -> None:
    X = read_only(20_000, 128, dtype=np.float32)
    codes = scan.encoded(X, "dot")
    left = scan.survivors(codes, scan.asked(codes, read_only(1, 128, seed=1)[0]), 10)
    assert 10 <= len(left) <= 60
    assert codes.nbytes < 0.3 * X.nbytes
    with pytest.raises(ValueError, match="0 best"):
        native_scan.scan(codes.rows, scan.asked(codes, X[0]), None, 0)


@compiled
def test_two_spans_find_what_one_does(monkeypatch) -> None:
    X = clustered(9000, 40)
    codes = scan.encoded(X, "euclidean")
    question = scan.asked(codes, X[5] + 0.01)
    one = scan.survivors(codes, question, 10)
    monkeypatch.setattr(scan, "_WORTH_A_THREAD", 1 << 14)
    for count in (2, 3, 7):
        monkeypatch.setattr(scan, "workers", lambda count=count: count)
        assert scan.survivors(codes, question, 10).tolist() == one.tolist()


@compiled
def test_a_library_that_is_switched_off_later_is_not_asked(monkeypatch) -> None:
    X = read_only(1000, 20)
    search = vw.index(X)
    monkeypatch.setenv("VECWISE_NATIVE", "0")
    assert search.nearest(X[4], k=3).places[0].tolist() == truth(X, X[4], 3, "cosine").tolist()


# ---- the face ----


def test_an_index_is_a_snapshot(way) -> None:
    values = np.array(read_only(2000, 16), order="C")
    search = vw.index(vw.Vectors(values))
    before = search.nearest(values[3], k=5)
    query = values[3].copy()
    values[:] = 7.0
    after = search.nearest(query, k=5)
    assert after.ids.tolist() == before.ids.tolist()
    assert after.scores.tobytes() == before.scores.tobytes()
    sparse = csr_array(read_only(50, 4))
    search = vw.index(sparse)
    before = search.nearest([1.0, 2, 3, 4], k=3).scores.tolist()
    sparse.data[:] = 1
    assert search.nearest([1.0, 2, 3, 4], k=3).scores.tolist() == before


def test_ids_rows_and_words_come_along(tmp_path) -> None:
    texts = [f"{'rain' if i % 2 else 'sun'} on day {i}" for i in range(40)]
    X = vw.encode(texts, encoder="count")
    for search in (
        vw.index(X),
        vw.index(vw.Vectors(np.asarray(X), rows=X.rows, space=X.space, encoder=X.encoder)),
    ):
        found = search.nearest("rain day 7", k=2)
        assert found.rows[0].column("text").to_pylist()[0] == texts[7]
        assert search.nearest(["sun", "rain"], k=1).places.shape == (2, 1)
    named = vw.Vectors(np.eye(3), ids=["a", "b", "c"], rows=pa.table({"n": [1, 2, 3]}))
    assert vw.index(named).nearest([0, 1, 0.1], k=2).ids.tolist() == [["b", "c"]]
    vw.save(vw.Vectors(read_only(300, 8)), tmp_path / "v")
    mapped = vw.open(tmp_path / "v")
    search = vw.index(mapped)
    assert search.vectors.values.base is not None
    assert search.nearest(mapped[[4]], k=1).ids.tolist() == [[4]]


@pytest.mark.parametrize("method", ["exact", "usearch", "faiss"])
def test_the_edges(method) -> None:
    one = vw.index([[1.0, 2.0]], method=method)
    assert one.nearest([1, 2], k=9).ids.tolist() == [[0]]
    none = vw.index(np.zeros((0, 3)), method=method)
    assert none.nearest([1, 2, 3]).ids.shape == (1, 0)
    assert len(none) == 0
    zeros = vw.index([[0.0, 0], [0, 0], [1, 1], [-1, 0]], method=method)
    found = zeros.nearest([[1, 0.5], [0, 0]], k=4)
    assert found.ids.tolist() == [[2, 3, 0, 1], [0, 1, 2, 3]]
    assert np.isnan(found.scores[0, 2:]).all()
    assert np.isnan(found.scores[1]).all()
    for k in (0, -1, 2.5, True):
        with pytest.raises(errors.OutOfRange):
            one.nearest([1, 2], k=k)
    with pytest.raises(errors.NonFiniteQuery):
        one.nearest([np.nan, 1])
    with pytest.raises(errors.WrongShape):
        one.nearest([1, 2, 3])
    with pytest.raises(errors.SpaceMismatch):
        one.nearest(vw.Vectors([[1.0, 2.0]]))
    with pytest.raises(errors.NoEncoder):
        one.nearest("words")
    with pytest.raises(errors.EmptyInput):
        one.nearest(np.zeros((0, 2)))


def test_what_is_refused(monkeypatch) -> None:
    with pytest.raises(errors.UnknownName, match="method"):
        vw.index([[1.0]], method="hnsw")
    with pytest.raises(errors.UnknownName, match="Did you mean `euclidean`"):
        vw.index([[1.0]], metric="euclidian")
    with pytest.raises(errors.UnknownName, match="no settings"):
        vw.index([[1.0]], connectivity=3)
    with pytest.raises(errors.UnknownName, match="Did you mean `connectivity`"):
        vw.index([[1.0]], method="usearch", conectivity=3)
    with pytest.raises(errors.UnknownName, match="kind"):
        vw.index([[1.0]], method="faiss", kind="lsh")
    for value in (0, 1.5, True):
        with pytest.raises(errors.OutOfRange):
            vw.index([[1.0]], method="usearch", threads=value)
    with pytest.raises(errors.Inapplicable, match="dense"):
        vw.index(csr_array(np.eye(3)), method="usearch")
    with pytest.raises(errors.NonFinite):
        vw.index([[np.inf]])
    monkeypatch.setattr("vecwise.structure.graphs.MOST_ROWS", 2)
    with pytest.raises(errors.TooLarge):
        vw.index(np.eye(3), method="usearch")
    for package, extra in (("usearch.index", "vecwise\\[index\\]"), ("faiss", "faiss-cpu")):
        monkeypatch.setitem(__import__("sys").modules, package, None)
        with pytest.raises(errors.MissingPackage, match=extra):
            vw.index(np.eye(2), method=package.split(".")[0])


@pytest.mark.parametrize("method", ["exact", "usearch", "faiss"])
def test_filters_are_applied_inside(method) -> None:
    X = vw.Vectors(clustered(2500, 12), ids=[f"r{i}" for i in range(2500)])
    search = vw.index(X, method=method, metric="euclidean")
    rng = np.random.default_rng(3)
    for share in (0.9, 0.5, 0.1, 0.002):
        mask = rng.random(2500) < share
        rows = np.flatnonzero(mask)
        found = search.nearest(X[:20], k=7, where=mask)
        assert found.places.shape == (20, min(7, len(rows)))
        assert mask[found.places].all()
        if method == "exact" or share < 0.01:
            for query, places in zip(X.values[:20], found.places, strict=True):
                assert places.tolist() == rows[truth(X.values[rows], query, 7, "euclidean")].tolist()
    single = search.nearest(X.values[0], k=3, exclude="r0")
    assert "r0" not in single.ids[0].tolist()
    assert search.nearest(X.values[0], k=3, where=["r5", "r7"]).ids.shape == (1, 2)
    assert search.nearest(X.values[0], where=[5, 7], exclude=["r7"]).ids.tolist() == [["r5"]]
    assert search.nearest(X.values[0], where=np.zeros(2500, bool)).ids.shape == (1, 0)
    with pytest.raises(errors.UnknownName):
        search.nearest(X.values[0], where="nobody")
    with pytest.raises(errors.WrongShape):
        search.nearest(X.values[0], where=[True, False])


@pytest.mark.parametrize("metric", METRICS)
def test_filters_of_one_query_scan_with_a_mask(metric, way) -> None:
    X = read_only(4000, 32, dtype=np.float32)
    mask = np.random.default_rng(4).random(4000) < 0.6
    found = vw.index(X, metric=metric).nearest(X[9], k=6, where=mask)
    rows = np.flatnonzero(mask)
    assert found.places[0].tolist() == rows[truth(X[rows], X[9], 6, metric)].tolist()


# ---- graphs ----


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("method", "settings"), [("usearch", {}), ("faiss", {}), ("faiss", {"kind": "ivf", "probes": 2})]
)
def test_recall_is_what_counting_says(method, settings, metric) -> None:
    X = clustered(2000, 24, width=0.6)
    X[::50] = 0
    search = vw.index(X, method=method, metric=metric, **settings)
    assert 0.5 < search.recall.share <= 1
    assert search.recall.low <= search.recall.share <= search.recall.high
    queries = read_only(50, 24, seed=9, dtype=np.float32)
    said, found = search.measured(queries, k=5), search.nearest(queries, k=5)
    hits = 0
    for query, places in zip(queries, found.places, strict=True):
        last = X[truth(X, query, 5, metric)[-1]]  # a zero row in place of another is as near
        as_near = set(truth(X, query, 5, metric).tolist()) | set(np.flatnonzero((last == X).all(axis=1)))
        hits += len(as_near & set(places.tolist()))
    assert said.share == pytest.approx(hits / 250)
    assert said.queries == 50
    plain = vw.nearest(X, queries, k=2000, metric=metric)
    for i, (places, scores) in enumerate(zip(found.places, found.scores, strict=True)):
        own = dict(zip(plain.places[i].tolist(), plain.scores[i], strict=True))
        assert scores.tolist() == [own[p] for p in places.tolist()]
        assert (np.diff(scores) <= 0).all() if metric != "euclidean" else (np.diff(scores) >= 0).all()
    assert "95% confidence" in repr(search)


def test_a_poor_index_says_so() -> None:
    X = read_only(3000, 64, dtype=np.float32)
    poor = vw.index(X, method="faiss", kind="ivf", lists=60, probes=1)
    better = vw.index(X, method="faiss", kind="ivf", lists=60, probes=30)
    assert poor.recall.high < 0.7 < better.recall.share
    assert float(poor.recall) == poor.recall.share


@pytest.mark.parametrize("method", ["usearch", "faiss"])
def test_a_graph_is_the_same_each_time(method) -> None:
    X, queries = clustered(1500, 16), read_only(40, 16, dtype=np.float32)
    a, b = (vw.index(X, method=method, seed=5) for _ in range(2))
    one, two = a.nearest(queries), b.nearest(queries)
    assert one.places.tolist() == two.places.tolist()
    assert one.scores.tobytes() == two.scores.tobytes()
    assert a.recall == b.recall
    single = [a.nearest(q).places[0].tolist() for q in queries]
    assert single == one.places.tolist()


@pytest.mark.parametrize("method", ["usearch", "faiss"])
@pytest.mark.parametrize("size", [1e200, 1e30, 1e-30, 1e-200])
def test_graphs_of_huge_and_tiny_rows_find_their_neighbours(method, size) -> None:
    X = read_only(90, 8) * size
    for metric in METRICS:
        if metric == "dot" and size in (1e200, 1e-200):
            continue  # a product that leaves float64 is refused, one that vanishes is a tie
        search = vw.index(X, method=method, metric=metric)
        assert search.recall.share > 0.95
        assert search.nearest(X[3], k=1, where=np.arange(90) < 70).scores.shape == (1, 1)


def test_a_query_beyond_float32_is_answered_by_all_rows() -> None:
    X = read_only(500, 4)
    search = vw.index(X, method="usearch", metric="euclidean")
    query = np.array([1e40, 0, 0, 0])
    assert (
        search.nearest(query, k=3).places.tolist()
        == vw.nearest(X, [query], k=3, metric="euclidean").places.tolist()
    )


def test_recall_of_known_answers() -> None:
    true = Answer(np.array([[3.0, 2.0], [1.0, np.nan]]), np.array([[0, 1], [2, 3]]))
    tied = Answer(np.array([[3.0, 2.0], [1.0, np.nan]]), np.array([[0, 5], [2, 3]]))
    half = Answer(np.array([[3.0, 1.0], [0.5, np.nan]]), np.array([[0, 5], [7, 3]]))
    assert recall(tied, true, "dot").share == 1
    found = recall(half, true, "dot")
    assert found.share == 0.5
    from scipy.stats import binomtest

    wilson = binomtest(1, 2).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high), abs=1e-6)


def test_points_keep_their_order() -> None:
    X = read_only(50, 6) * 1e-40 + 1e-39
    points = finders.points_of(X, "euclidean")
    made = points.rows(X).astype(np.float64)
    assert (
        np.argsort(np.linalg.norm(made - made[0], axis=1)).tolist()
        == np.argsort(np.linalg.norm((X - X[0]) * 1e40, axis=1)).tolist()
    )
    assert np.abs(made).max() <= 2


# ---- on disk ----


@pytest.mark.parametrize(
    ("method", "settings"), [("exact", {}), ("usearch", {}), ("faiss", {}), ("faiss", {"kind": "ivf"})]
)
def test_saved_and_opened_it_answers_alike(method, settings, tmp_path) -> None:
    X = vw.Vectors(clustered(800, 12), ids=[f"r{i}" for i in range(800)])
    X = vw.Vectors(np.where(np.arange(800)[:, None] % 9, X.values, 0), ids=X.ids)
    made = vw.index(X, method=method, seed=3, **settings)
    made.save(tmp_path / "i")
    vw.save(made, tmp_path / "i")
    again = vw.open_index(tmp_path / "i", X)
    assert (again.recall, again.method, again.settings, again.seed) == (made.recall, method, made.settings, 3)
    queries = read_only(30, 12, seed=2, dtype=np.float32)
    one, two = made.nearest(queries), again.nearest(queries)
    assert one.ids.tolist() == two.ids.tolist()
    assert one.scores.tobytes() == two.scores.tobytes()
    with pytest.raises(errors.SpaceMismatch, match="numbers differ"):
        vw.open_index(tmp_path / "i", vw.Vectors(X.values + 1, ids=X.ids, space=X.space))
    with pytest.raises(errors.FileMissing):
        vw.open_index(tmp_path / "nothing", X)


@pytest.mark.parametrize("method", ["usearch", "faiss"])
def test_damaged_graphs_are_never_given_to_their_packages(method, tmp_path) -> None:
    X = vw.Vectors(read_only(300, 8, dtype=np.float32))
    vw.index(X, method=method).save(tmp_path / "i")
    (path,) = (tmp_path / "i").glob("*.safetensors")
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    for place in [*rng.integers(0, len(whole), 30).tolist(), -1]:
        broken = whole.copy()
        broken[place] ^= 1 << int(rng.integers(0, 8))
        path.write_bytes(broken if place != -1 else whole[:-9])
        with pytest.raises(errors.Damaged):
            vw.open_index(tmp_path / "i", X)
    path.write_bytes(whole)
    assert len(vw.open_index(tmp_path / "i", X)) == 300
