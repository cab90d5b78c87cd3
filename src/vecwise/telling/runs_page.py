"""Many runs as one page: a headline, what each run was, its charts and curves, and what the page leaves out.

This module must not know the command line, nor how a page is drawn.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from vecwise import __version__
from vecwise.draw.runs_page import Curve, RunsPage
from vecwise.draw.words import count, number
from vecwise.table_text import clip
from vecwise.telling.run_columns import columns_of
from vecwise.telling.runs import code_lines, entry_line, environment_lines, lasted, moment
from vecwise.tracking.records import Run

MOST_RUNS: Final = 10_000
MOST_CHARTED: Final = 200  # runs whose charts are on the page
MOST_POINTS: Final = 400_000  # of all curves, before they are thinned to 400 each
MOST_CURVES: Final = 3_000
_LONGEST: Final = 1_000  # characters of a fact

Blob = Callable[[str], Any]


def page_of(
    runs: Sequence[Run],
    *,
    total: int,
    place: str,
    blob: Blob,
    sort: str | None = None,
    where: Sequence[str] = (),
    asked: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> RunsPage:
    """Gather the page of runs in the given order; `blob` gives what is kept under a name."""
    drawn = list(runs[:MOST_RUNS])
    columns = columns_of(drawn, [*([sort] if sort else []), *asked])
    charts, left = _charts(drawn, blob)
    curves, curves_note = _curves(drawn)
    environments: dict[str, list[str]] = {}
    return RunsPage(
        title="runs",
        headline=_headline(drawn, sort),
        facts=_facts(drawn, place, where),
        notes=[*_limits(len(runs), total, columns.left), *notes],
        columns=columns.columns,
        shown=columns.shown,
        axes=columns.axes,
        details=[_details(run, blob, environments) for run in drawn],
        charts=charts,
        curves=curves,
        curves_note=curves_note,
        left=left,
        made=f"vecwise {__version__}",
    )


def _headline(runs: list[Run], sort: str | None) -> str:
    if not runs:
        return "No run is like that"
    if sort:
        best = runs[0]
        told = clip(best.name or best.kind, 40)
        value = number(best.metrics[sort])
        return f"The best {clip(sort, 40)} of {count(len(runs), 'run')} is {value}: {best.id} {told}"
    bad = sum(run.status in ("failed", "killed") for run in runs)
    return f"{count(len(runs), 'run')}, {'none' if not bad else f'{bad:,}'} of them failed or killed"


def _facts(runs: list[Run], place: str, where: Sequence[str]) -> list[tuple[str, str]]:
    began = sorted(run.began for run in runs if run.began)
    told = [
        ("Kinds", _counted(run.kind or "unknown" for run in runs)),
        ("How they ended", _counted(run.status for run in runs)),
    ]
    if began:
        told.insert(0, ("When", f"{moment(began[0])} to {moment(began[-1])} UTC"))
    return [*told, *([("Only those with", "; ".join(where))] if where else []), ("Kept in", place)]


def _counted(words: Any) -> str:
    found = Counter(words).most_common(8)
    return ", ".join(f"{clip(word, 40)} {many:,}" for word, many in found)


def _limits(chosen: int, total: int, left: dict[str, int]) -> list[str]:
    notes = []
    if chosen > MOST_RUNS:
        notes.append(f"The first {MOST_RUNS:,} of {chosen:,} runs are here; choose fewer with --where.")
    elif chosen < total:
        notes.append(f"{chosen:,} of {total:,} runs.")
    for group, many in left.items():
        if many:
            notes.append(
                f"{count(many, group)} that fewest runs have are left out; ask for one with --column."
            )
    return notes


def _details(run: Run, blob: Blob, environments: dict[str, list[str]]) -> list[tuple[str, str]]:
    facts = [
        ("Began", f"{moment(run.began)} UTC, took {lasted(run.seconds) or 'no known time'}"),
        ("Ended", run.status + (f": {run.error}" if run.error else "")),
        ("Command", shlex.join(run.command)),
        ("Folder", run.folder),
        ("Data", "\n".join(map(entry_line, run.data))),
        ("Results", "\n".join(entry_line(entry) for entry in run.results if "path" in entry)),
        ("Code", "\n".join(code_lines(run))),
        ("Memory", f"at most {run.peak_bytes / 2**20:,.0f} MB" if run.peak_bytes else ""),
        ("Environment", "\n".join(_environment(run, blob, environments))),
        ("Imported from", run.source),
    ]
    return [(label, text[:_LONGEST]) for label, text in facts if text]


def _environment(run: Run, blob: Blob, known: dict[str, list[str]]) -> list[str]:
    if run.environment and run.environment not in known:
        found = blob(run.environment)
        first, *rest = [*environment_lines(found if isinstance(found, dict) else {}), ""]
        known[run.environment] = [first, " ".join(line.strip() for line in rest)]
    return known.get(run.environment, [])


def _charts(runs: list[Run], blob: Blob) -> tuple[dict[int, dict[str, Any]], dict[int, str]]:
    """The charts of the first runs that have any."""
    charts: dict[int, dict[str, Any]] = {}
    left: dict[int, str] = {}
    for row, run in enumerate(runs):
        kept = {str(entry.get("kind")): str(entry["blob"]) for entry in run.results if "blob" in entry}
        if kept and len(charts) < MOST_CHARTED:
            charts[row] = {name: blob(where) for name, where in kept.items()}
        elif kept:
            left[row] = (
                f"The page holds the charts of {MOST_CHARTED} runs, and not of this one: "
                f"vecwise runs --html PATH --where 'id = {run.id}'"
            )
    return charts, left


def _curves(runs: list[Run]) -> tuple[list[Curve], str]:
    curves: list[Curve] = []
    points, left = 0, 0
    for row, run in enumerate(runs):
        for name, steps in run.curves.items():
            kept = np.array([pair for pair in steps if abs(pair[0]) < 2**53], dtype=np.float64).reshape(-1, 2)
            points += len(kept)
            if points > MOST_POINTS or len(curves) >= MOST_CURVES:
                left += 1
            elif len(kept):
                curves.append(Curve(row, name, kept[:, 0], kept[:, 1]))
    note = (
        f"{count(left, 'curve')} of later runs are left out: choose fewer runs with --where." if left else ""
    )
    return curves, note
