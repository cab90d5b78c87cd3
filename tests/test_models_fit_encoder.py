"""Learned transformations: the slope against differences, scikit-learn's discriminants, real digits, honest words."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad
from sklearn.neighbors import NearestNeighbors

import vecwise as vw
from images import digits
from vecwise.encoders.learned import Learned
from vecwise.encoders.registry import from_data, to_data
from vecwise.errors import (
    EmptyInput,
    Inapplicable,
    MissingPackage,
    NonFinite,
    OutOfRange,
    SpaceMismatch,
    TooLarge,
    UnknownName,
    VecwiseError,
    WrongShape,
)
from vecwise.measure.views import View
from vecwise.models.contrast import TEMPERATURE, Batch, loss_and_gradient
from vecwise.models.judged_pairs import JudgedPairs
from vecwise.models.lessons import LabelLessons, label_lessons, nearest_same, pair_lessons
from vecwise.models.targets import read_target


def hidden_kinds(rows: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Six kinds that a few quiet dimensions tell, among loud ones that tell nothing."""
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(6), rows)
    quiet = 0.3 * np.eye(6)[kind] + 0.1 * rng.standard_normal((len(kind), 6))
    return np.hstack([quiet, rng.standard_normal((len(kind), 10))]), kind


def related(pairs: int = 80, seed: int = 0) -> np.ndarray:
    """Rows 2i and 2i + 1 share what five hidden numbers say, and differ loudly in some dimensions."""
    rng = np.random.default_rng(seed)
    shared = np.repeat(rng.standard_normal((pairs, 5)), 2, axis=0) @ rng.standard_normal((5, 30)) / 2
    return shared + rng.standard_normal((2 * pairs, 30)) * np.linspace(0.1, 4, 30)


# ---- the loss ----


@settings(deadline=None, max_examples=15)
@given(st.integers(2, 7), st.integers(1, 4), st.integers(1, 4), st.integers(0, 1000))
def test_the_slope_is_that_of_small_differences(rows: int, dim: int, out: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    batch = Batch(
        rng.standard_normal((rows, dim)), rng.standard_normal((rows, dim)), rng.integers(0, 3, rows)
    )
    start, at = rng.standard_normal((2, dim, out))
    apart = batch.apart()

    def part(flat: np.ndarray, which: int) -> Any:
        found = loss_and_gradient(flat.reshape(dim, out), start, batch, apart)
        return found[which] if which == 0 else np.ravel(found[1])

    off = check_grad(lambda w: part(w, 0), lambda w: part(w, 1), at.ravel(), epsilon=1e-7)
    assert off < 1e-4 * (1 + np.linalg.norm(part(at.ravel(), 1)))


def test_the_loss_is_the_cross_entropy_of_torch() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    batch = Batch(rng.standard_normal((6, 4)), rng.standard_normal((6, 4)), np.array([0, 0, 1, 2, 2, 3]))
    weights = rng.standard_normal((4, 3))
    u, v = (
        torch.nn.functional.normalize(torch.from_numpy(side @ weights), dim=1)
        for side in (batch.left, batch.right)
    )
    near = (u @ v.T / TEMPERATURE).masked_fill(torch.from_numpy(batch.apart()), -torch.inf)
    both = torch.nn.functional.cross_entropy
    theirs = (both(near, torch.arange(6)) + both(near.T, torch.arange(6))) / 2
    assert loss_and_gradient(weights, weights, batch, batch.apart())[0] == pytest.approx(float(theirs))


# ---- what is learned ----


@pytest.mark.parametrize("kind", ["linear", "network"])
def test_rows_of_a_label_come_closer_on_rows_that_were_held_out(kind: str) -> None:
    if kind == "network":
        pytest.importorskip("torch")
    x, labels = hidden_kinds()
    found = vw.fit_encoder(x, labels=labels, kind=kind)
    assert found.improved
    assert found.words.startswith("It helps")
    assert found.after["recall@1"] > found.before["recall@1"] + 0.2
    gain, low, high = found.gain
    assert 0 < low <= gain <= high
    assert gain == pytest.approx(found.after["precision@10"] - found.before["precision@10"])


def test_real_digits_come_closer_and_new_ones_too() -> None:
    pixels, labels = digits()
    known, new = np.arange(300) % 4 > 0, np.arange(300) % 4 == 0
    X = vw.encode(pixels[known], "image")
    found = vw.fit_encoder(X, labels=labels[known])
    assert found.improved
    # Rows that the function never saw, encoded and mapped as one, searched by scikit-learn.
    Z = found(X)
    right = []
    for before, after in ((X.values, vw.encode(pixels[new], "image").values), (Z.values, Z.encoder(vw.encode(
            pixels[new], "image").rows).values)):  # fmt: skip
        near = NearestNeighbors(n_neighbors=10, metric="cosine").fit(before).kneighbors(after)[1]
        right.append((labels[known][near] == labels[new][:, None]).mean())
    assert right[1] > right[0] + 0.03


@pytest.mark.parametrize("kind", ["linear", "network"])
def test_partners_come_closer(kind: str) -> None:
    if kind == "network":
        pytest.importorskip("torch")
    X = vw.Vectors(related(), ids=[f"r{i}" for i in range(160)])
    pairs = [(f"r{i}", f"r{i + 1}") for i in range(0, 160, 2)]
    found = vw.fit_encoder(X, pairs=pairs, kind=kind)
    assert found.improved
    assert found.after["mrr"] > 2 * found.before["mrr"]
    again = vw.fit_encoder(
        X, pairs=pa.table({"a": [a for a, _ in pairs], "b": [b for _, b in pairs]}), kind=kind
    )
    np.testing.assert_array_equal(again.arrays["weights"], found.arrays["weights"])
    assert again.target == found.target
    if kind == "linear":
        other = vw.fit_encoder(X, pairs=pairs, kind=kind, seed=1)
        assert other.target.frame != found.target.frame


def test_what_is_held_out_is_not_learned_from() -> None:
    x, labels = hidden_kinds()
    lessons = label_lessons(read_target(labels, len(x), task="classes"), 0.25, 3)
    changed = x.copy()
    changed[lessons.held] = np.random.default_rng(5).standard_normal((len(lessons.held), 16)) * 50
    one, other = (vw.fit_encoder(rows, labels=labels, held_out=0.25, seed=3) for rows in (x, changed))
    np.testing.assert_array_equal(one.arrays["weights"], other.arrays["weights"])
    np.testing.assert_array_equal(one.arrays["mean"], other.arrays["mean"])
    rows = related()
    pairs = JudgedPairs(np.arange(0, 160, 2), np.arange(1, 160, 2))
    held = pair_lessons(pairs, 160, 0.2, 0).held_pairs
    moved = rows.copy()
    moved[np.concatenate([held.left, held.right])] *= -7
    listed = [(i, i + 1) for i in range(0, 160, 2)]
    one, other = (vw.fit_encoder(side, pairs=listed) for side in (rows, moved))
    np.testing.assert_array_equal(one.arrays["weights"], other.arrays["weights"])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 4), min_size=12, max_size=60), st.integers(0, 9))
def test_rows_of_labels_are_cut_into_three_parts(kinds: list[int], seed: int) -> None:
    try:
        lessons = label_lessons(read_target([f"k{k}" for k in kinds], len(kinds)), 0.2, seed)
    except OutOfRange:
        return
    parts = np.concatenate([lessons.train, lessons.check, lessons.held])
    assert sorted(parts.tolist()) == [i for i, kind in enumerate(kinds) if kinds.count(kind) > 1]
    for part in (lessons.train, lessons.check, lessons.held):
        sizes = np.unique(lessons.labels[part], return_counts=True)[1]
        assert (sizes >= 2).all()  # nothing is alone: there is always somebody to find
    batch = lessons.batch(np.arange(len(kinds), dtype=float)[:, None], np.random.default_rng(0))
    assert (batch.left != batch.right).all()
    assert (
        lessons.labels[batch.left[:, 0].astype(int)] == lessons.labels[batch.right[:, 0].astype(int)]
    ).all()


def test_pairs_that_share_rows_stay_on_one_side() -> None:
    left, right = np.arange(0, 60), np.arange(1, 61)
    chains = JudgedPairs(left[left % 6 < 4], right[left % 6 < 4])  # ten chains of four pairs
    lessons = pair_lessons(chains, 61, 0.2, 0)
    sides = [set(np.concatenate([p.left, p.right]).tolist()) for p in
             (lessons.train_pairs, lessons.check_pairs, lessons.held_pairs)]  # fmt: skip
    assert not sides[0] & sides[1] | sides[0] & sides[2] | sides[1] & sides[2]
    assert len(lessons.held_pairs) == 8


def test_what_is_found_is_what_scikit_learn_finds() -> None:
    rng = np.random.default_rng(1)
    x, labels = rng.standard_normal((40, 5)), rng.integers(0, 3, 40)
    everything = np.arange(40)
    lessons = LabelLessons(labels, everything, everything, everything, "")
    found = lessons.found(View(vw.Vectors(x), "cosine", "cosine"), held_out=True)
    near = NearestNeighbors(n_neighbors=40, metric="cosine").fit(x).kneighbors(x)[1][:, 1:]
    same = labels[near] == labels[:, None]
    np.testing.assert_array_equal(found.ranks, same.argmax(axis=1) + 1)
    np.testing.assert_allclose(found.scores, same[:, :10].sum(axis=1) / np.minimum(10, same.sum(axis=1)))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 12), st.integers(1, 30), st.integers(1, 10), st.integers(1, 6), st.integers(0, 1000))
def test_the_nearest_of_a_label_are_those_of_a_stable_sort(
    rows: int, wide: int, k: int, values: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    near, same = rng.integers(0, values, (rows, wide)).astype(float), rng.random((rows, wide)) < 0.3
    take = min(k, wide)
    ranks, found = nearest_same(near, same, take)
    for row in range(rows):
        order = sorted(range(wide), key=lambda place, row=row: (-near[row, place], place))
        told = [bool(same[row, place]) for place in order]
        assert ranks[row] == (told.index(True) + 1 if any(told) else 1)
        assert found[row] == sum(told[:take])


def test_noise_does_not_become_better_and_the_words_say_so() -> None:
    rng = np.random.default_rng(0)
    found = vw.fit_encoder(rng.standard_normal((120, 20)), labels=rng.integers(0, 4, 120))
    assert not found.improved
    assert "does not clearly help" in found.words or "worse" in found.words
    assert found.words in repr(found)
    few = vw.fit_encoder(related(8), pairs=[(i, i + 1) for i in range(0, 16, 2)])
    assert "cannot be told from 2 held-out groups" in few.words


# ---- a map like any other ----


def test_it_is_saved_with_its_vectors_and_takes_new_rows(tmp_path: Any) -> None:
    lines = ["red apple pie", "green apple tart", "apple and pear", "sweet apple cake", "apple juice", "an apple a day",
             "steel bolt", "iron nail and bolt", "copper bolt", "zinc screw and bolt", "a rusty bolt", "the bolt is loose"]  # fmt: skip
    X = vw.encode(lines, "sentence")
    found = vw.fit_encoder(X, labels=["food"] * 6 + ["metal"] * 6, dim=4)
    Z = found(X)
    assert Z.shape == (12, 4)
    assert Z.dtype == np.float32
    vw.save(Z, tmp_path / "z")
    again = vw.open(tmp_path / "z")
    np.testing.assert_array_equal(again.encoder(pa.table({"text": ["a green apple"]})).values, Z.encoder(
        pa.table({"text": ["a green apple"]})).values)  # fmt: skip
    assert vw.nearest(again, "a green apple", k=1).ids[0][0] < 6
    assert again.encoder.maps[-1].words == found.words


@pytest.mark.parametrize("kind", ["linear", "network"])
def test_the_map_is_plain_data(kind: str) -> None:
    rng = np.random.default_rng(0)
    arrays = {"mean": rng.standard_normal(4), "weights": rng.standard_normal((4, 3))}
    if kind == "network":
        arrays |= {"hidden": rng.standard_normal((4, 9)), "bias": rng.standard_normal(9),
                   "out": rng.standard_normal((9, 3))}  # fmt: skip
    X = vw.Vectors(rng.standard_normal((10, 4)))
    made = Learned.of(arrays, X.space, {"words": "It helps.", "gain": [0.1, 0.0, 0.2]})
    assert made.kind == kind
    again = from_data(to_data(made))
    np.testing.assert_array_equal(again(X).values, made(X).values)
    assert again.target == made.target
    truth = (X.values - arrays["mean"]) @ arrays["weights"]
    if kind == "network":
        truth += np.tanh((X.values - arrays["mean"]) @ arrays["hidden"] + arrays["bias"]) @ arrays["out"]
    np.testing.assert_allclose(made.transform(X.values).values, truth, rtol=1e-12, atol=1e-12)
    with pytest.raises(SpaceMismatch):
        made(vw.Vectors(np.ones((2, 4))))
    with pytest.raises(NonFinite):
        made(vw.Vectors(np.full((1, 4), 1e308), space=X.space) if kind == "linear" else vw.Vectors(
            np.full((1, 4), 1.5e308), space=X.space))  # fmt: skip


def test_columns_of_different_units_sparse_counts_and_constant_columns_are_learned_from() -> None:
    x, labels = hidden_kinds()
    names = tuple(f"c{i}" for i in range(17))
    units = np.hstack([x * np.logspace(0, 6, 16), np.full((len(x), 1), 7.0)])
    table = vw.fit_encoder(vw.Vectors(units, space=vw.Space(17, features=names)), labels=labels)
    assert table.after["precision@10"] > 0.6
    lines = ["red apple pie", "green apple tart", "apple and pear", "sweet apple"] * 5 + [
        "steel bolt", "iron nail", "copper wire", "zinc screw"] * 5  # fmt: skip
    counts = vw.encode(lines, "count")
    sparse = vw.fit_encoder(counts, labels=["food"] * 20 + ["metal"] * 20)
    assert sparse(counts).shape[0] == 40
    assert sparse.after["precision@10"] >= sparse.before["precision@10"]


def test_labels_may_be_a_column_and_may_be_missing() -> None:
    x, labels = hidden_kinds()
    named: list[str | None] = [f"kind {label}" for label in labels]
    named[3] = named[50] = None
    X = vw.Vectors(x, rows=pa.table({"kind": named}))
    one, other = vw.fit_encoder(X, labels="kind"), vw.fit_encoder(X, labels=named)
    np.testing.assert_array_equal(one.arrays["weights"], other.arrays["weights"])


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, Inapplicable, "give one of them"),
        ({"pairs": [(0, 1)], "labels": [0] * 20}, Inapplicable, "give one of them"),
        ({"pairs": []}, EmptyInput, "no pairs"),
        ({"pairs": [(0, 99)]}, UnknownName, "1 name in the pairs is not among the ids"),
        ({"pairs": [(0, 0)]}, EmptyInput, "with itself"),
        ({"pairs": [(0, 1, 0.5), (2, 3, 0.7)]}, Inapplicable, "leave the scores out"),
        ({"pairs": [(i, i + 1) for i in range(19)]}, OutOfRange, "1 group of rows"),
        ({"labels": ["a"] * 20}, OutOfRange, "same target"),
        ({"labels": ["a"] * 19 + ["b"]}, OutOfRange, "Labels of one row"),
        ({"labels": [i // 2 for i in range(20)]}, OutOfRange, "at least 6 rows"),
        ({"labels": ["a"]}, WrongShape, "1 targets for 20 rows"),
        ({"labels": "kind"}, UnknownName, "carry no rows"),
        ({"labels": ["a", "b"] * 10, "kind": "deep"}, UnknownName, "kind of transformation"),
        ({"labels": ["a", "b"] * 10, "held_out": 0.9}, OutOfRange, "held_out"),
        ({"labels": ["a", "b"] * 10, "dim": 4}, OutOfRange, "at most the 3"),
        ({"labels": ["a", "b"] * 10, "dim": 0}, OutOfRange, "at least 1"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(options: Any, error: type[VecwiseError], words: str) -> None:
    with pytest.raises(error, match=words):
        vw.fit_encoder(np.random.default_rng(0).standard_normal((20, 3)), **options)


def test_other_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NonFinite):
        vw.fit_encoder([[1.0, float("nan")]] * 10, labels=["a", "b"] * 5)
    with pytest.raises(TooLarge, match="components"):
        vw.fit_encoder(np.ones((10, 2049)), labels=["a", "b"] * 5)
    x, labels = hidden_kinds()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingPackage, match=r"vecwise\[torch\]"):
        vw.fit_encoder(x, labels=labels, kind="network")


def test_rows_that_are_all_equal_are_no_obstacle() -> None:
    found = vw.fit_encoder(np.ones((40, 3)), labels=["a", "b"] * 20)
    assert not found.improved
    assert np.isfinite(found(vw.Vectors(np.ones((2, 3)), space=found.source)).values).all()
