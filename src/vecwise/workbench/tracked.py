"""Use cases as runs: what they were given, what they read, what came out, recorded around them.

This module must not know any single use case: an `Answer` says which files were written and what the numbers are.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any, Final

from vecwise.errors import VecwiseError
from vecwise.loading import usual
from vecwise.telling.answer import Answer
from vecwise.tracking.recorder import Recorder, recording
from vecwise.tracking.resolving import names_a_run, resolve

_NOT_PARAMS: Final = frozenset({"progress", "learning", "command", "watch"})
_MOST_METRICS: Final = 200
# Parameters that name a file to be written, and what it is.
_TARGETS: Final = {
    **{"html": "page", "csv": "table", "parquet": "table", "removed": "table", "rejects": "rejected rows"},
    "keep": "kept rows",
}
UseCase = Callable[..., Answer]


def tracked(kind: str) -> Callable[[UseCase], UseCase]:
    """Record every call of a use case as a run of this kind; its argument `path` is the data it reads."""

    def around(work: UseCase) -> UseCase:
        signature = inspect.signature(work)

        @wraps(work)
        def recorded(*given: Any, **named: Any) -> Answer:
            params = _params(signature, given, named)
            with recording(kind, name=_name(params), params=params, command=_typed()) as run:
                path = params.get("path")
                entry = _reads(run, path, params) if isinstance(path, str) and path != "-" else {}
                answer = work(*given, **named)
                _conclude(run, entry, answer, params)
            return answer

        return recorded

    return around


def _reads(run: Recorder, path: str, params: dict[str, Any]) -> dict[str, Any]:
    """Note what is read; of `runs:/ID` what that run read, with the options that are taken over from it."""
    if not names_a_run(path):
        return run.read(path)
    with suppress(VecwiseError):  # the work itself will say what is wrong with it
        found = resolve(path)
        run.param(**{name: value for name, value in found.options.items() if usual(name, params.get(name))})
        return run.read(found.path)
    return {}


def _params(signature: inspect.Signature, given: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, without those that say nothing about the answer, and without what was left at None."""
    bound = signature.bind(*given, **named)
    bound.apply_defaults()
    params: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        params.update(value if kind is inspect.Parameter.VAR_KEYWORD else {name: value})
    return {
        name: value
        for name, value in params.items()
        if name not in _NOT_PARAMS and value not in (None, (), {}, [])
    }


def _typed() -> list[str]:
    """The command that was typed, if this is the command line."""
    program = Path(sys.argv[0])
    typed = program.stem == "vecwise" or program.parts[-2:] == ("vecwise", "__main__.py")
    return ["vecwise", *sys.argv[1:]] if typed else []


def _name(params: dict[str, Any]) -> str:
    from vecwise.workbench.views import display_name

    path = params.get("path")
    return display_name(path) if isinstance(path, str) else ""


def _conclude(run: Recorder, entry: dict[str, Any], answer: Answer, params: dict[str, Any]) -> None:
    entry.update(
        {name: answer.data[name] for name in ("rows", "dim") if isinstance(answer.data.get(name), int)}
    )
    columns = answer.data.get("columns")
    if isinstance(columns, list):
        entry["columns"] = len(columns)
    run.status = "done" if answer.status == 0 else "found wanting"
    run.log(metrics_of(answer.data))
    for what, path in answer.files.items():
        run.wrote(path, what)
    named = set(answer.files.values())
    for what, path in params.items():
        if what in _TARGETS and isinstance(path, str) and path not in named:
            run.wrote(path, _TARGETS[what])


def metrics_of(data: dict[str, Any], within: str = "") -> dict[str, float]:
    """Give the numbers of an answer by their path in it, such as `norms.l2.median`; lists are left out.

    >>> metrics_of({"rows": 3, "unit": True, "norms": {"l2": {"max": 1.5}}, "values": [1, 2]})
    {'rows': 3.0, 'norms.l2.max': 1.5}
    """
    found: dict[str, float] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            found.update(metrics_of(value, f"{within}{name}."))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found[f"{within}{name}"] = float(value)
    return dict(list(found.items())[:_MOST_METRICS])
