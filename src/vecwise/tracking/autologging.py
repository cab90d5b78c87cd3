"""Fits of scikit-learn's estimators recorded by themselves, for as long as it is switched on, and fully undone after.

This module must not know any estimator: it wraps the methods that fit on classes derived from `BaseEstimator`.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import types
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from vecwise.tracking.recorder import Recorder, current, is_on, recording

METHODS: Final = ("fit", "fit_transform", "fit_predict")
MOST_ROWS: Final = 20_000  # that a score is taken on; above, evenly spaced ones
_HERE: Final = str(Path(__file__).parent.parent) + os.sep
_lock = threading.RLock()
_wrapped: list[tuple[type, str, Any, Any]] = []  # class, method, what it was, what we put there
_busy: list[bool] = []  # a fit is going on: those inside are part of it
_base: list[tuple[type, Any]] = []  # BaseEstimator, and its own `__init_subclass__`
_counts: Counter[tuple[str, str]] = Counter()  # fits by run and class, to name them apart


class Autolog:
    """The switch, which is also a block: when the block ends, it is as it was before."""

    def __init__(self, before: bool) -> None:
        self._before = before

    def __enter__(self) -> Autolog:
        return self

    def __exit__(self, *_: object) -> None:
        _switch(self._before)

    def __repr__(self) -> str:
        """Say whether it is on."""
        return f"Autologging is {'on' if _base else 'off'}"


def autolog(on: bool = True, /) -> Autolog:
    """Record every fit of a scikit-learn estimator: for a block (`with vw.autolog():`), or until `vw.autolog(False)`.

    A run holds the estimator's parameters and `training_score`, its own `score` on the rows it was fitted on (at most
    20,000 of them, evenly spaced), which says nothing about new rows; of a search also `best_score`, by
    cross-validation. Inside `vw.run` a fit belongs to that run, under the name of its class. Only the outermost fit
    counts: not the steps of a pipeline, the candidates of a search, or the trees of a forest.

    Caught are `fit`, `fit_transform` and `fit_predict` of every class derived from scikit-learn's `BaseEstimator`,
    those defined or loaded later too. Not caught: `partial_fit`, methods taken off an object before, fits in other
    processes, and fits that overlap in threads (the first counts). A fit never fails because of it; without
    scikit-learn it does nothing, with one warning.

    >>> import os, tempfile, vecwise as vw
    >>> from sklearn.linear_model import LinearRegression
    >>> from vecwise.tracking.records import all_runs
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     os.environ |= {"VECWISE_RUNS": folder, "VECWISE_TRACK": "1"}
    ...     with vw.autolog():
    ...         model = LinearRegression().fit([[0], [1], [2]], [1, 3, 5])
    ...     (run,) = all_runs().runs
    ...     os.environ["VECWISE_TRACK"] = "0"
    >>> run.name, run.params["fit_intercept"], dict(run.metrics)
    ('LinearRegression', True, {'training_rows': 3.0, 'training_score': 1.0})
    """
    before = bool(_base)
    _switch(on)
    return Autolog(before)


def _switch(on: bool) -> None:
    with _lock:
        if on and not _base:
            try:
                _put_in()
            except Exception as error:
                _take_out()
                warnings.warn(f"Fits are not recorded: {error}", RuntimeWarning, stacklevel=4)
        elif not on and _base:
            _take_out()


def _put_in() -> None:
    from sklearn.base import BaseEstimator

    own = BaseEstimator.__dict__.get("__init_subclass__")

    def and_wrap(cls: type, /, **named: Any) -> None:
        before = super(BaseEstimator, cls).__init_subclass__ if own is None else own.__get__(None, cls)
        before(**named)
        with _lock:
            if _base:
                _wrap(cls)

    _base.append((BaseEstimator, own))
    BaseEstimator.__init_subclass__ = classmethod(and_wrap)
    found, waiting = set(), [BaseEstimator]
    while waiting:
        cls = waiting.pop()
        if cls not in found:
            found.add(cls)
            _wrap(cls)
            waiting += cls.__subclasses__()


def _wrap(cls: type) -> None:
    for name in METHODS:
        method = cls.__dict__.get(name)
        if isinstance(method, types.FunctionType):
            ours = _recorded(method)
            setattr(cls, name, ours)
            _wrapped.append((cls, name, method, ours))


def _take_out() -> None:
    """Put everything back; what somebody else has wrapped meanwhile is left to them, and passes through ours."""
    while _wrapped:
        cls, name, method, ours = _wrapped.pop()
        if cls.__dict__.get(name) is ours:
            setattr(cls, name, method)
    while _base:
        base, own = _base.pop()
        if own is None:
            del base.__init_subclass__
        else:
            base.__init_subclass__ = own  # type: ignore[method-assign]


def _recorded(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def fit(self: Any, *given: Any, **named: Any) -> Any:
        with _lock:
            outermost = bool(_base) and not _busy and is_on()
            if outermost:
                _busy.append(True)
        if not outermost:
            return method(self, *given, **named)
        try:
            if sys._getframe(1).f_code.co_filename.startswith(_HERE):
                return method(self, *given, **named)  # ours, not the user's
            return _record(method, self, given, named)
        finally:
            _busy.clear()

    return fit


def _record(method: Callable[..., Any], estimator: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    name, outer = type(estimator).__name__, current()
    with recording("fit", name=name) as run:
        answer = method(estimator, *given, **named)
        try:
            _tell(run, estimator, given, named, "" if outer is None else _place(outer, name))
        except Exception as error:
            run.param(autolog=f"not complete: {type(error).__name__}")
    return answer


def _place(run: Recorder, name: str) -> str:
    """What stands before the names of a fit in a run that has others: `Ridge.`, `Ridge 2.`."""
    _counts[run.id, name] += 1
    number = _counts[run.id, name]
    return f"{name}." if number == 1 else f"{name} {number}."


def _tell(run: Recorder, estimator: Any, given: tuple[Any, ...], named: dict[str, Any], within: str) -> None:
    if not run.id:
        return
    params = {"estimator": type(estimator).__name__, **estimator.get_params(deep=True)}
    best = getattr(estimator, "best_params_", None)
    if isinstance(best, dict):
        params |= {f"best.{key}": value for key, value in best.items()}
    run.param(**{within + key: value for key, value in params.items()})
    X = given[0] if given else named.get("X")
    y = given[1] if len(given) > 1 else named.get("y")
    metrics = {"training_rows": float(_rows(X))}
    if isinstance(getattr(estimator, "best_score_", None), float):
        metrics["best_score"] = float(estimator.best_score_)
    if hasattr(estimator, "score"):
        metrics["training_score"] = _score(estimator, X, y)
    run.log({within + key: value for key, value in metrics.items()})


def _rows(X: Any) -> int:
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def _score(estimator: Any, X: Any, y: Any) -> float:
    """The estimator's own score; chance goes on afterwards as if it had not been taken."""
    import numpy as np

    step = -(-_rows(X) // MOST_ROWS)
    state = np.random.get_state()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            some = _some(X, step)
            return float(estimator.score(some) if y is None else estimator.score(some, _some(y, step)))
    finally:
        np.random.set_state(state)


def _some(rows: Any, step: int) -> Any:
    if step <= 1:
        return rows
    return rows.iloc[::step] if hasattr(rows, "iloc") else rows[::step]
