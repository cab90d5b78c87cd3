"""Which runs, and in which order: conditions such as `r2 > 0.8`, and the best by a metric.

This module must not know how runs are shown. Conditions are compared, never executed.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from vecwise.errors import OutOfRange, unknown
from vecwise.tracking.comparing import flat
from vecwise.tracking.records import Run

_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "==": operator.eq,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION: Final = re.compile(r"\s*(?P<name>.+?)\s*(?P<sign>>=|<=|!=|==|=|>|<)\s*(?P<value>.*?)\s*")
_OWN: Final = ("id", "kind", "name", "status", "began", "seconds")
# Of these the smallest is best, whatever they are measured on.
_SMALL: Final = re.compile(r"(?i)(loss|error|mae|mse|rmse|perplexity|inertia|seconds|distance|deviation)")


def value_of(run: Run, name: str) -> Any:
    """Give what a run has under a name: a metric, a parameter, a tag, or its kind, name, status, time; else None."""
    if name in run.metrics:
        return run.metrics[name]
    params = flat(run.params)
    if name in params:
        return params[name]
    if name in run.tags:
        return run.tags[name]
    return getattr(run, name) if name in _OWN else None


def fitting(runs: Iterable[Run], conditions: Sequence[str]) -> list[Run]:
    """Keep the runs that fulfil every condition, `NAME SIGN VALUE`; one that lacks the name does not.

    Raises `OutOfRange` for what is no condition, `UnknownName` for a name that none of these runs has.

    >>> good, bad = Run("a", metrics={"r2": 0.9}), Run("b", metrics={"r2": 0.5})
    >>> [run.id for run in fitting([good, bad], ["r2 > 0.8"])]
    ['a']
    """
    every = chosen = list(runs)
    for condition in conditions:
        found = _CONDITION.fullmatch(condition)
        if found is None:
            raise OutOfRange(f"`{condition}` is no condition. Write NAME SIGN VALUE, such as `r2 > 0.8`.")
        name, compare, text = found["name"], _COMPARE[found["sign"]], found["value"].strip("\"'")
        chosen = [run for run in chosen if _holds(value_of(run, name), compare, text)]
        if not chosen and every and name not in _OWN and all(value_of(run, name) is None for run in every):
            raise unknown("metric, parameter or tag", name, _names(every))
    return chosen


def _names(runs: Iterable[Run]) -> list[str]:
    """All names that these runs can be asked for."""
    found: dict[str, None] = dict.fromkeys(_OWN)
    for run in runs:
        found.update(dict.fromkeys((*run.metrics, *flat(run.params), *run.tags)))
    return list(found)


def _holds(value: Any, compare: Callable[[Any, Any], bool], text: str) -> bool:
    if value is None:
        return False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return compare(float(value), float(text))
        except ValueError:
            return False
    return compare(str(value), text)


def ranked(runs: Iterable[Run], metric: str, *, smallest: bool | None = None) -> list[Run]:
    """Give the runs that have a metric, the best first, the newer one of equals.

    Without `smallest`, a metric that is named as a loss or an error is best when small. Raises `UnknownName`
    when no run has it.
    """
    runs = list(runs)
    having = [run for run in runs if metric in run.metrics]
    if not having:
        raise unknown("metric", metric, sorted({name for run in runs for name in run.metrics}))
    small = bool(_SMALL.search(metric)) if smallest is None else smallest
    newest = sorted(having, key=lambda run: run.began, reverse=True)
    return sorted(newest, key=lambda run: run.metrics[metric] if small else -run.metrics[metric])
