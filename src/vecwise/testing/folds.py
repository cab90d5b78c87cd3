"""The laws of a fold, checked on real chunks.

This module must not know what any fold computes; it is told how to compare two answers.
"""

# ruff: noqa: S101

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from vecwise.engines.local import serial, threads
from vecwise.errors import VecwiseError
from vecwise.runner import fold as run_fold
from vecwise.verbs import Fold


def check_fold(
    fold: Fold[Any, Any, Any],
    chunks: Sequence[Any],
    *,
    same: Callable[[Any, Any], bool] | None = None,
) -> None:
    """Check the laws of a fold on three or more chunks; put an empty and a one-row chunk among them.

    `same(a, b)` compares two *finished* answers (`{"refused": name}` where the fold refuses to finish);
    without it they are compared deeply, floats to a relative 1e-9. Raises `AssertionError` naming the
    law. Checked: `zero` is a unit, `merge` is associative, `step` agrees with `merge`, states are not
    changed in place, and the engine does not matter (bitwise).
    """
    same = same or alike
    assert len(chunks) >= 3, "check_fold needs at least three chunks"
    read = [fold.step(fold.zero(), chunk) for chunk in chunks]

    def equal(left: Any, right: Any, law: str) -> None:
        assert same(_finish(fold, left), _finish(fold, right)), law

    for state, chunk in zip(read, chunks, strict=True):
        equal(fold.merge(fold.zero(), state), state, "zero is not a left unit of merge")
        equal(fold.merge(state, fold.zero()), state, "zero is not a right unit of merge")
        equal(fold.step(read[0], chunk), fold.merge(read[0], state), "step disagrees with merge")
    a, b, c = read[:3]
    left, right = fold.merge(fold.merge(a, b), c), fold.merge(a, fold.merge(b, c))
    equal(left, right, "merge is not associative")
    before = deepcopy(a)
    fold.step(a, chunks[1])
    fold.merge(a, b)
    equal(a, before, "step or merge changed a state in place")
    answers = [run_fold(fold, chunks, engine=engine) for engine in (serial, threads(2), threads(3))]
    assert alike(answers[0], answers[1], exact=True), "the answer depends on the engine"
    assert alike(answers[0], answers[2], exact=True), "the answer depends on the number of workers"


def _finish(fold: Fold[Any, Any, Any], state: Any) -> Any:
    """The answer, or the kind of refusal: a fold may have no answer to nothing."""
    try:
        return fold.done(state)
    except VecwiseError as error:
        return {"refused": type(error).__name__}


def alike(a: Any, b: Any, *, exact: bool = False) -> bool:
    """Compare two answers deeply: arrays, dataclasses, tuples, dicts; floats exactly or to 1e-9."""
    if hasattr(a, "toarray"):
        a, b = a.toarray(), b.toarray()
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return _same_arrays(np.asarray(a), np.asarray(b), exact)
    if isinstance(a, dict) or isinstance(b, dict):
        return (
            isinstance(a, dict)
            and isinstance(b, dict)
            and a.keys() == b.keys()
            and all(alike(a[k], b[k], exact=exact) for k in a)
        )
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(alike(x, y, exact=exact) for x, y in zip(a, b, strict=True))
    slots = getattr(a, "__dataclass_fields__", None)
    if slots is not None:
        return type(a) is type(b) and all(alike(getattr(a, s), getattr(b, s), exact=exact) for s in slots)
    if isinstance(a, float):
        return _same_arrays(np.asarray(a), np.asarray(b), exact)
    return bool(a == b)


def _same_arrays(a: np.ndarray, b: np.ndarray, exact: bool) -> bool:
    if a.shape != b.shape:
        return False
    if exact or a.dtype.kind not in "fc":
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    return bool(
        np.allclose(
            a, b, rtol=1e-9, atol=1e-9 * (1 + np.abs(b[np.isfinite(b)]).max(initial=0)), equal_nan=True
        )
    )
