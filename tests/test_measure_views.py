"""One rule of how rows are compared: functions and commands give the same answer, and say what they went by."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

import vecwise as vw
from vecwise import workbench
from vecwise.errors import Inapplicable, OutOfRange, SpaceMismatch, TooLarge, UnknownName, WrongType
from vecwise.errors import whole_number as checked
from vecwise.measure import views
from vecwise.measure.health import health
from vecwise.workbench.explaining import explain_rows

MIXED = "Euclidean distance on standardized columns"


def table(seed: int = 0, rows: int = 40, scales: tuple[float, ...] = (1, 1000, 3)) -> pd.DataFrame:
    """Columns of numbers with a decimal point, so that every reader takes them for numbers."""
    numbers = np.random.default_rng(seed).standard_normal((rows, len(scales))) * scales + 5
    return pd.DataFrame(numbers.round(3) + 0.0005, columns=[f"c{i}" for i in range(len(scales))])


scaled = st.sampled_from([(1.0, 1000.0, 3.0), (1.0, 2.0, 3.0), (1.0, 30.0, 0.01, 5.0)])


@settings(max_examples=4)
@given(st.integers(0, 10_000), scaled)
def test_commands_answer_as_functions_do(tmp_path_factory, seed, scales) -> None:
    path = str(tmp_path_factory.mktemp("rule") / "rows.csv")
    table(seed, 25, scales).to_csv(path, index=False)
    X = vw.encode(vw.read(path))
    near = workbench.nearest_in(path, None, row="3", k=4).data
    mine = vw.nearest(X, X[3], k=4, exclude=[3])
    assert [n["id"] for n in near["neighbors"]] == mine.ids[0].tolist()
    assert [n["score"] for n in near["neighbors"]] == mine.scores[0].tolist()
    assert near["measure"] == {"metric": mine.metric, "words": mine.measure}
    for bound in ({"at_least": 0.9}, {"at_most": 0.8}, {"k": 2}):
        told, own = workbench.pairs_of(path, **bound).data, vw.pairs(X, **bound)
        assert [(e["left"], e["right"], e["score"]) for e in told["edges"]] == [
            tuple(row.values()) for row in own.to_arrow().to_pylist()
        ]
        assert told["measure"]["words"] == own.measure
    for bound in ({}, {"at_least": 0.9}, {"at_most": 0.8}):
        told, thin = workbench.dedupe_file(path, **bound).data, vw.duplicates(X, **bound)
        assert [e["id"] for e in told["removed"]] == thin.removed.tolist()
        assert told["measure"]["words"] == thin.measure
        assert len(vw.dedupe(X, **bound)) == told["kept"]
    csv = path.replace("rows", "map")
    told, drawn = workbench.map_of(path, csv=csv).data, vw.layout(X)
    assert told["measure"] == drawn.measure
    assert np.allclose(pd.read_csv(csv)[["x", "y", "z"]], drawn.coordinates, rtol=1e-6)
    why, own = explain_rows(path, "1", "2").data, vw.explain(X[1], X[2], among=X)
    assert (why["total"], why["measure"]) == (own.total, own.measure)


@given(st.integers(0, 10_000), scaled)
def test_what_is_advised_is_what_the_health_says(seed, scales) -> None:
    for X in (vw.encode(table(seed, 12, scales)), vw.normalize(vw.encode(table(seed, 12, scales)))):
        by, of = views.view(X), views.view_of(X, health(X))
        assert (by.metric, by.words) == (of.metric, of.words)
        assert np.array_equal(by.vectors.values, of.vectors.values)


def test_mixed_units_are_standardized_on_both_sides() -> None:
    frame = table()
    X = vw.encode(frame)
    scaler = StandardScaler().fit(frame)
    peer = NearestNeighbors(n_neighbors=5).fit(scaler.transform(frame))
    new = table(seed=9, rows=7)
    away, place = peer.kneighbors(scaler.transform(new))
    for queries in (new, X.encoder(pa.Table.from_pandas(new)), new.to_numpy()):  # raw rows, vectors, numbers
        for found in (vw.nearest(X, queries, k=5), vw.index(X).nearest(queries, k=5)):
            assert np.array_equal(found.places, place)
            assert np.allclose(found.scores, away, rtol=1e-9)
            assert (found.metric, found.measure) == ("euclidean", MIXED)
            assert found.corpus.space.same_axes(X.space)
    assert "standardized columns" in repr(vw.nearest(X, new))
    assert vw.index(X, method="usearch").nearest(new, k=5).ids.tolist() == place.tolist()
    both = vw.pairs(X, X.encoder(pa.Table.from_pandas(new)), at_most=1.0)
    truth = np.linalg.norm(scaler.transform(frame)[:, None] - scaler.transform(new), axis=2)
    assert both.places.tolist() == np.argwhere(truth <= 1.0).tolist()
    unit = scaler.transform(frame) / np.linalg.norm(scaler.transform(frame), axis=1, keepdims=True)
    alike = vw.pairs(X, at_least=0.9)
    assert alike.places.tolist() == np.argwhere(np.triu(unit @ unit.T, 1) >= 0.9).tolist()
    assert alike.measure == "cosine of standardized columns"
    assert vw.pairs(X, at_least=0.9, metric="cosine").measure == "cosine"  # named: of the vectors as they are
    why = vw.explain(X[0], X[1], among=X)
    squares = np.square(np.diff(scaler.transform(frame)[:2], axis=0)[0])
    assert dict(zip(why.names, why.products, strict=True)) == pytest.approx(
        dict(zip(frame.columns, squares, strict=True))
    )
    assert "of standardized columns" in repr(why)
    assert vw.explain(X[0], X[1]).measure == "Euclidean distance"  # two rows alone tell nothing of units


def test_a_layout_and_an_index_of_mixed_units_open_again(tmp_path) -> None:
    X = vw.encode(table(rows=60))
    for method in ("pca", "tsne"):
        made = vw.layout(X, dim=2, method=method)
        made.save(tmp_path / method)
        opened = vw.open_layout(tmp_path / method, X)
        assert opened.measure == made.measure == MIXED
        new = table(seed=4, rows=5)
        assert opened.place(new).tobytes() == made.place(new).tobytes()
        assert np.allclose(made.place(X[:3]), made.coordinates[:3], atol=1e-6)
    for settings_ in ({}, {"method": "usearch"}):
        search = vw.index(X, **settings_)
        search.save(tmp_path / "index")
        opened = vw.open_index(tmp_path / "index", X)
        assert opened.measure == MIXED
        assert opened.nearest(X[:4], k=3).scores.tobytes() == search.nearest(X[:4], k=3).scores.tobytes()


def test_no_pass_is_made_where_the_numbers_decide_nothing(monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the numbers were read")

    monkeypatch.setattr(views, "is_unit", refuse)
    monkeypatch.setattr(views, "fold", refuse)
    values = np.random.default_rng(0).standard_normal((9, 4))
    named = vw.Space(4, features=("a", "b", "c", "d"))
    unit = vw.normalize(vw.Vectors(values, space=named))
    for X in (vw.Vectors(values), vw.Vectors(csr_array(values)), unit):
        assert views.view(X).words == "cosine"
        assert vw.nearest(X, X, k=2).metric == vw.layout(X).metric == vw.index(X).metric == "cosine"
        assert vw.pairs(X, at_most=9).metric == "euclidean"
    X = vw.Vectors(values, space=named)
    assert vw.nearest(X, X, metric="cosine").measure == "cosine"
    assert vw.duplicates(X).measure == "cosine"


def test_metrics_have_one_name_and_errors_know_the_others() -> None:
    X = np.eye(3)
    for metric, called in (("l1", "manhattan"), ("l2", "euclidean"), ("cityblock", "manhattan")):
        with pytest.raises(UnknownName, match=f'Here it is called "{called}"'):
            vw.distances(X, metric=metric)
        with pytest.raises(UnknownName, match=called):
            vw.nearest(X, X, metric=metric)
    for metric in ("cosine", "dot"):
        with pytest.raises(UnknownName, match=rf"similarity.*vw\.{metric}"):
            vw.distances(X, metric=metric)
    with pytest.raises(UnknownName, match="euclidean"):
        vw.pairs(X, at_most=1, metric="euclid")


@given(st.integers(0, 1000), st.sampled_from([1.0, 1.5, 3.0]))
def test_minkowski_has_its_power(seed, p) -> None:
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(seed)
    X, Q = rng.standard_normal((20, 4)), rng.standard_normal((3, 4))
    truth = np.sort(cdist(Q, X, "minkowski", p=p), axis=1)
    found = vw.nearest(X, Q, k=5, metric="minkowski", p=p)
    assert np.allclose(found.scores, truth[:, :5], rtol=1e-12)
    near = vw.nearest(X, Q, radius=2.0, metric="minkowski", p=p)
    assert near.lengths.tolist() == (truth <= 2.0).sum(axis=1).tolist()


def test_power_radius_and_conditions_that_do_not_fit_are_refused() -> None:
    X = vw.Vectors(np.eye(3), ids=["a", "b", "c"])
    for metric in ("auto", "euclidean"):
        with pytest.raises(Inapplicable, match="minkowski"):
            vw.nearest(X, X, metric=metric, p=3)
    with pytest.raises(OutOfRange, match="`radius` is 1.5, and the cosine of two rows lies between -1 and 1"):
        vw.nearest(X, X, radius=1.5)
    with pytest.raises(
        OutOfRange, match="`radius` is -1, and the Euclidean distance of two rows lies at 0 or above"
    ):
        vw.nearest(X, X, radius=-1, metric="euclidean")
    with pytest.raises(WrongType, match=r"without rows.*vw\.Vectors"):
        vw.nearest(X, X, where="bedrooms == 2")
    with pytest.raises(UnknownName):
        vw.nearest(X, X, where="z")
    assert vw.nearest(X, X, where="b").ids.tolist() == [["b"]] * 3  # the id of a row, as before
    search = vw.index(X)
    assert [n.tolist() for n in search.nearest(X, radius=0.5).ids] == [["a"], ["b"], ["c"]]
    assert search.nearest(X, radius=-1, k=2, exclude=["a"]).lengths.tolist() == [2, 2, 2]
    with pytest.raises(Inapplicable, match='method="exact"'):
        vw.index(X, method="usearch").nearest(X, radius=0.5)


def test_bare_arrays_open_what_was_made_of_them(tmp_path) -> None:
    values = np.random.default_rng(0).standard_normal((40, 5))
    search, picture = vw.index(values), vw.layout(values)
    search.save(tmp_path / "index")
    picture.save(tmp_path / "layout")
    opened = vw.open_index(tmp_path / "index", values.copy())
    assert opened.nearest(values[:3], k=2).ids.tolist() == search.nearest(values[:3], k=2).ids.tolist()
    drawn = vw.open_layout(tmp_path / "layout", values.copy())
    assert drawn.place(values[:2]).tobytes() == picture.place(values[:2]).tobytes()
    with pytest.raises(SpaceMismatch, match="the numbers differ"):
        vw.open_index(tmp_path / "index", values + 1)
    for again in (vw.open_index, vw.open_layout):
        folder = tmp_path / again.__name__.removeprefix("open_")
        with pytest.raises(SpaceMismatch, match=r"the frames differ\..*bare array.*make it anew"):
            again(folder, vw.Vectors(values))
    encoded = vw.encode(table())
    vw.index(encoded).save(tmp_path / "of an encoder")
    with pytest.raises(SpaceMismatch, match="the frames differ"):  # these axes have a meaning
        vw.open_index(tmp_path / "of an encoder", encoded.values)


def test_far_too_many_pairs_are_refused_by_a_sample(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 8)) + 9
    monkeypatch.setattr("vecwise.measure.pairing._gathered", None)  # nothing is searched
    with pytest.raises(TooLarge, match=r"in a sample of 523,776, so about 4,4\d\d,\d{3} in all"):
        vw.pairs(X, at_least=0.5, most=100_000)
    with pytest.raises(TooLarge, match=r"in a sample of 1,048,576, so about 9,000,000 in all"):
        vw.pairs(X, X.copy(), at_least=0.5, most=100_000)


def test_a_few_rows_near_to_all_others_are_no_reason_to_refuse() -> None:
    X = np.random.default_rng(0).standard_normal((3000, 200))
    X[:12] *= 1e6  # the inner product of such a row with half of the others is above any bound
    truth = int((np.triu(X @ X.T, 1) >= 1000).sum())
    assert 4 * 4400 < truth < 20_000
    assert len(vw.pairs(X, at_least=1000.0, metric="dot", most=truth)) == truth


def test_dedupe_names_its_options() -> None:
    assert list(inspect.signature(vw.dedupe).parameters) == list(inspect.signature(vw.duplicates).parameters)
    for function in (vw.dedupe, vw.duplicates):
        with pytest.raises(TypeError, match="foo"):
            function(np.eye(2), foo=1)


@pytest.mark.parametrize("value", [0, -1, 1.0, True, np.True_, "3", None, np.float64(2)])
def test_whole_numbers_are_checked_in_one_way(value) -> None:
    expected = r"`k` is the number of \w+, a whole number of at least 1, not "
    X = np.eye(4)
    for call in (
        lambda: vw.index(X).nearest(X, k=value),
        lambda: vw.nearest(X, X, k=value),
        lambda: vw.pca(X, k=value),
        lambda: vw.cluster(X, value),
        lambda: vw.faithfulness(X, X[:, :2], k=value),
    ):
        if value is None:
            continue
        with pytest.raises(OutOfRange, match=expected):
            call()
    with pytest.raises(OutOfRange, match="`n` is a whole number of at least 1, not"):
        checked("n", value)
    assert checked("n", np.int8(3)) == 3


def test_fewer_rows_than_asked_for_are_told(tmp_path) -> None:
    path = tmp_path / "few.csv"
    table(rows=5).to_csv(path, index=False)
    told = workbench.nearest_in(str(path), None, row="0", k=9)
    assert told.sections[0][1][-1] == "9 were asked for; there are only 4 such rows."
    assert "asked for" not in str(workbench.nearest_in(str(path), None, row="0").sections)
