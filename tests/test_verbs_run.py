from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

import vecwise as vw
from conftest import read_only
from vecwise.engines.local import processes, serial, threads
from vecwise.errors import OutOfRange
from vecwise.runner import apply, chunk_rows, chunks, fold, join
from vecwise.testing import check_engine, check_fold
from vecwise.testing.folds import alike
from vecwise.verbs import Chain, Map, Together, chain


@dataclass(frozen=True)
class Words:
    """A fold whose answer shows the order of merging exactly."""

    def zero(self) -> str:
        return ""

    def step(self, state: str, chunk: str, /) -> str:
        return state + chunk

    def merge(self, left: str, right: str, /) -> str:
        return left + right

    def done(self, state: str, /) -> str:
        return state


@dataclass(frozen=True)
class Total:
    def zero(self) -> float:
        return 0.0

    def step(self, state: float, chunk: Any, /) -> float:
        return state + float(np.asarray(chunk).sum())

    def merge(self, left: float, right: float, /) -> float:
        return left + right

    def done(self, state: float, /) -> float:
        return state


# ---- engines ----


@pytest.mark.parametrize(
    "engine", [serial, threads(1), threads(2), threads(5)], ids=["serial", "1", "2", "5"]
)
def test_engines_keep_the_contract(engine) -> None:
    check_engine(engine)
    assert list(engine(abs, iter([-3, 2]))) == [3, 2]


def test_processes_keep_the_contract() -> None:
    check_engine(processes(2))
    assert list(processes(2)(abs, [-1])) == [1]


def test_check_engine_finds_each_broken_rule() -> None:
    def backwards(fn, items):
        return iter([fn(i) for i in items][::-1])

    def greedy(fn, items):
        return iter([fn(i) for i in items])

    def quiet(fn, items):
        for item in items:
            try:
                yield fn(item)
            except ZeroDivisionError:
                return

    for engine, rule in ((backwards, "order"), (greedy, "drawn"), (quiet, "did not reach")):
        with pytest.raises(AssertionError, match=rule):
            check_engine(engine)


# ---- folds ----


@given(st.lists(st.text(max_size=3), max_size=12))
def test_a_fold_reads_the_parts_in_order(parts) -> None:
    for engine in (serial, threads(2)):
        assert fold(Words(), parts, engine=engine) == "".join(parts)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40))
def test_the_engine_never_changes_a_bit(values) -> None:
    answers = {fold(Total(), [[v] for v in values], engine=e) for e in (serial, threads(2), threads(7))}
    assert len(answers) == 1
    assert answers.pop() == pytest.approx(sum(values), abs=1e-3)


def test_together_is_every_fold_in_one_pass() -> None:
    parts = ["a", "b", "c", ""]
    both = Together({"words": Words(), "again": Words()})
    assert fold(both, parts) == {"words": "abc", "again": "abc"}
    check_fold(both, parts)


def test_check_fold_finds_each_broken_law() -> None:
    class NoUnit(Words):
        def zero(self) -> str:
            return "!"

    class Skips(Words):
        def step(self, state: str, chunk: str, /) -> str:
            return state or chunk

    class Finished(Words):  # merges finished means: the fault of a variance that is kept finished
        def merge(self, left: str, right: str, /) -> str:
            return (left + right)[:3]

    class InPlace(Total):
        def zero(self) -> Any:
            return np.zeros(1)

        def step(self, state: Any, chunk: Any, /) -> Any:
            state += float(chunk)
            return state

        def done(self, state: Any, /) -> float:
            return float(state[0])

    for broken in (NoUnit, Skips):
        with pytest.raises(AssertionError, match=r"unit|step"):
            check_fold(broken(), ["a", "b", "c"])
    with pytest.raises(AssertionError, match=r"unit|associative|engine"):
        check_fold(Finished(), ["abcd", "bc", "cd"])
    with pytest.raises(AssertionError, match=r"in place|step|unit"):
        check_fold(InPlace(), [1, 2, 3])
    with pytest.raises(AssertionError, match="three chunks"):
        check_fold(Words(), ["a"])


def test_alike_compares_deeply() -> None:
    a = {"x": (1.0, np.array([1.0, np.nan]), csr_array(np.eye(2)))}
    assert alike(a, {"x": (1.0 + 1e-12, np.array([1.0, np.nan]), csr_array(np.eye(2)))})
    assert not alike(a, {"x": (1.1, np.array([1.0, np.nan]), csr_array(np.eye(2)))})
    assert not alike(np.zeros(2), np.zeros(3))
    assert not alike({"a": 1}, {"b": 1})


# ---- chunks, maps ----


@given(st.integers(1, 30), st.integers(1, 40))
def test_chunks_are_the_rows_in_order(rows, size) -> None:
    X = vw.Vectors(read_only(rows, 2), rows=pa.table({"n": range(rows)}))
    parts = list(chunks(X, size))
    assert all(len(p) <= size for p in parts)
    back = join(parts)
    assert np.array_equal(back.values, X.values)
    assert back.ids.tolist() == X.ids.tolist()
    assert back.rows.equals(X.rows)
    assert [t.num_rows for t in chunks(X.rows, size)] == [len(p) for p in parts]


def test_chunk_size_depends_on_the_shape_alone() -> None:
    assert chunk_rows(vw.Vectors(read_only(5, 8))) == chunk_rows(vw.Vectors(read_only(5000, 8)))
    with pytest.raises(OutOfRange):
        list(chunks(vw.Vectors([[1]]), -1))


def test_join_keeps_sparse_and_only_shared_claims() -> None:
    X = vw.Vectors(csr_array(np.eye(3)), space=vw.Space(3, claims=frozenset({"unit", "non-negative"})))
    Y = vw.Vectors(X.values, space=X.space.with_claims({"unit"}))
    made = join([X, Y])
    assert made.is_sparse
    assert made.space.claims == {"unit"}
    assert np.array_equal(np.asarray(made), np.vstack([np.eye(3)] * 2))


def test_apply_reports_progress_and_engines_agree() -> None:
    table = pa.table({"text": [f"word{i % 7} word{i % 3}" for i in range(50)]})
    encoder = vw.CountEncoder().fit(table)
    seen: list[tuple[int, int]] = []
    one = apply(encoder.map_, table, size=7, progress=lambda done, total: seen.append((done, total)))
    two = apply(encoder.map_, table, size=7, engine=threads(3))
    assert seen[-1] == (50, 50)
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)
    assert np.array_equal(np.asarray(one), np.asarray(two))
    assert apply(encoder.map_, table.slice(0, 0), size=7).shape == (0, one.shape[1])


def test_maps_chain_into_a_map() -> None:
    X = vw.Vectors(read_only(20, 4))
    first = vw.pca(X, k=3)
    second = vw.pca(first(X), k=2)
    both = chain(first, second)
    assert isinstance(both, Chain)
    assert isinstance(both, Map)
    assert both.target is second.target
    assert np.allclose(both(X).values, second(first(X)).values)
    assert chain(both, second).maps == (first, second, second)
