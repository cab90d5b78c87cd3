"""Runs in words and as data: a table of them, one in full, two side by side, one repeated.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from vecwise.draw.words import count, number, share, tenths
from vecwise.errors import some
from vecwise.table_text import clip, grid
from vecwise.telling.answer import Answer
from vecwise.telling.words import WIDTH, cut, short, wrapped
from vecwise.tracking.choosing import value_of
from vecwise.tracking.comparing import Difference, flat
from vecwise.tracking.importing import Imported
from vecwise.tracking.records import Run, Runs

if TYPE_CHECKING:
    from vecwise.measure.overlap import Overlap

_MOST_METRICS: Final = 40  # of one run on the terminal; the JSON has all
_ID: Final = 10


def listed(
    runs: list[Run], whole: Runs, columns: list[str], place: str, page: str = "", why: str = ""
) -> Answer:
    """Tell runs as a table, the given order; `columns` are metrics or parameters beside, `page` a page of them, and
    `why` says why there are none."""
    shown = [
        [run.id[:_ID], moment(run.began), run.kind, clip(run.name, 24), run.status, lasted(run.seconds)]
        + [_cell(value_of(run, name)) for name in columns]
        for run in runs
    ]
    lines = [
        cut(line) for line in grid(["run", "began (UTC)", "kind", "name", "status", "took", *columns], shown)
    ]
    if not runs:
        lines = wrapped(why or "none yet: every command is recorded here, unless it is given --no-track")
    notes = notes_on(whole)
    if page:
        notes.append(f"as a page: {page}")
    head = f"{count(len(runs), 'run')} of {len(whole.runs):,}, in {place}"
    data = {"place": place, "total": len(whole.runs), "runs": [run.to_data() for run in runs]}
    data |= {"broken": whole.broken, "newer": whole.newer, **({"html": page} if page else {})}
    return Answer([(head, [*lines, *notes])], data, files={"page": page} if page else {})


def without_metric(metric: str, runs: list[Run]) -> str:
    """Say that none of these runs has a metric, and which ones they have that are called nearly so."""
    near = get_close_matches(metric, sorted({name for run in runs for name in run.metrics}), 3, 0.5)
    hint = f": did you mean {some(near)}?" if near else ""
    return f"no run has the metric `{metric}` yet{hint}"


def notes_on(whole: Runs) -> list[str]:
    """Tell what of the journal could not be read."""
    notes = []
    if whole.broken:
        notes.append(f"passed over {count(whole.broken, 'line')} of the journal that could not be read")
    if whole.newer:
        notes.append(f"passed over {count(whole.newer, 'line')} of a newer version of vecwise")
    return notes


def shown(run: Run, surroundings: dict[str, Any]) -> Answer:
    """Tell one run in full."""
    sections = [
        (_title(run), _facts(run)),
        ("Parameters", _pairs(flat(run.params))),
        ("Metrics", _pairs(dict(list(run.metrics.items())[:_MOST_METRICS]))),
        ("Data", [entry_line(entry) for entry in run.data]),
        ("Results", [entry_line(entry) for entry in run.results]),
        ("Code", code_lines(run)),
        ("Environment", environment_lines(surroundings)),
    ]
    data = {**run.to_data(), "surroundings": surroundings}
    return Answer([(head, lines) for head, lines in sections if lines], data)


def _title(run: Run) -> str:
    return f"{run.id}  {run.kind} {clip(run.name, 50)}".rstrip() + f": {run.status}"


def _facts(run: Run) -> list[str]:
    facts = [f"began {moment(run.began)} UTC, took {lasted(run.seconds)}"]
    if run.peak_bytes:
        facts[0] += f", at most {run.peak_bytes / 2**20:,.0f} MB of memory"
    if run.command:
        import shlex

        facts += wrapped(shlex.join(run.command))
    if run.folder:
        facts.append(f"in {run.folder}")
    if run.source:
        facts.append(f"imported from {run.source}")
    return facts + (wrapped(run.error) if run.error else [])


def _pairs(values: dict[str, Any]) -> list[str]:
    return grid(["", ""], [[name, _cell(value)] for name, value in values.items()], 60)[1:] if values else []


def entry_line(entry: dict[str, Any]) -> str:
    """Tell a file that was read or written."""
    parts = [str(entry[name]) for name in ("kind", "path") if name in entry]
    parts += [
        count(entry[name], name[:-1])
        for name in ("rows", "columns", "bytes")
        if isinstance(entry.get(name), int)
    ]
    return cut(", ".join([*parts, str(entry.get("hash", ""))[:23]]))


def code_lines(run: Run) -> list[str]:
    """Tell the state of the code."""
    if run.code is None:
        return []
    state = "with changes that were not committed" if run.code.get("dirty") else "committed"
    return [f"{str(run.code.get('commit'))[:12]} on {run.code.get('branch')}, {state}"]


def environment_lines(found: dict[str, Any]) -> list[str]:
    """Tell Python, the machine and the packages."""
    if not found:
        return []
    packages = ", ".join(f"{name} {version}" for name, version in found.get("packages", {}).items())
    first = f"Python {found.get('python')}, {found.get('system')}, {found.get('cores')} cores"
    return [first, *wrapped(packages)]


def compared_runs(
    a: Run, b: Run, differing: dict[str, Difference], overlap: Overlap | None, why: str = ""
) -> Answer:
    """Tell what differs between two runs, and how far their vectors agree where both have them."""
    sections = []
    for name, difference in differing.items():
        if difference:
            cells = [[short(key, 30), _cell(left), _cell(right)] for key, (left, right) in difference.items()]
            lines = grid(["", a.id[:_ID], b.id[:_ID]], cells, 32)
            sections.append((f"{name.capitalize()}: {len(difference)} differ", [cut(line) for line in lines]))
    same = [name for name, difference in differing.items() if not difference]
    head = f"{_title(a)}  |  {_title(b)}"
    first = [f"the same: {', '.join(same) if same else 'nothing'}"]
    if overlap is not None:
        moved = [f"moved most: row {name}: kept {share(kept)}" for name, kept in overlap.moved() if kept < 1]
        told = f"{tenths(overlap.mean)} of each row's {overlap.k} nearest rows are the same"
        sections.append(("Vectors", [told, *(moved or ["no row moved"])]))
    elif why:
        sections.append(("Vectors", wrapped(why)))
    data = {
        "a": a.id,
        "b": b.id,
        "differences": {
            name: [{"name": key, "a": left, "b": right} for key, (left, right) in difference.items()]
            for name, difference in differing.items()
        },
        "same": same,
        "vectors": None if overlap is None else overlap_data(overlap),
    }
    return Answer([(clip(head, WIDTH), first), *sections], data)


def overlap_data(found: Overlap) -> dict[str, Any]:
    """Give an overlap as data."""
    moved = [{"id": name, "kept": kept} for name, kept in found.moved(20)]
    return {"kept": found.mean, "k": found.k, "rows": found.rows, "asked": len(found.ids), "moved": moved}


def repeated(old: Run, new: Run, differing: dict[str, Difference]) -> Answer:
    """Tell whether a run that was made again came out the same; status 1 when its numbers did not."""
    sides = {
        "data": "data",
        "code": "code",
        "environment": "environment",
        "metrics": "numbers",
        "results": "files",
    }
    lines = []
    for name, words in sides.items():
        found = differing[name]
        lines.append(
            f"{words:<12} "
            + ("the same" if not found else f"{len(found)} differ: {clip(', '.join(found), 60)}")
        )
    same = not (differing["metrics"] or differing["results"])
    head = f"{old.id} made again as {new.id}: " + ("the same numbers" if same else "other numbers")
    data = {
        "old": old.id,
        "new": new.id,
        "same": {name: not differing[name] for name in sides},
        "differences": {name: {k: list(v) for k, v in found.items()} for name, found in differing.items()},
    }
    return Answer([(head, lines)], data, 0 if same and new.status == old.status else 1)


def synced(found: dict[str, int], uri: str, experiment: str) -> Answer:
    """Tell how many runs were carried into MLflow, and how to look at them there."""
    from vecwise.tracking.redaction import clean_text

    lines = [
        f"{count(found['carried'], 'run')} carried, {found['known']:,} there already",
        f"look at them with: mlflow ui --backend-store-uri {clean_text(uri)}",
    ]
    data = {**found, "store": clean_text(uri), "experiment": experiment}
    return Answer([(f"MLflow, experiment {experiment}", lines)], data)


def imported(found: Imported, path: str) -> Answer:
    """Tell what was imported; status 1 where something could not be read."""
    lines = [f"{count(len(found.made), 'run')} imported, {len(found.known):,} there already"]
    lines += [f"look at them with: vecwise runs show {name}" for name in found.made[:1]]
    problems = [line for problem in found.problems[:20] for line in wrapped(problem)]
    sections = [(cut(path), lines), *([("Not read", problems)] if problems else [])]
    data = {"made": found.made, "known": found.known, "problems": found.problems}
    return Answer(sections, data, status=1 if found.problems else 0)


def moment(text: str) -> str:
    """Give a moment to the minute, as it is read."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return text[:16]


def lasted(seconds: float | None) -> str:
    """Give a duration as it is read.

    >>> lasted(0.25), lasted(75), lasted(7300), lasted(None)
    ('0.25 s', '1.2 min', '2.0 h', '')
    """
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _cell(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, (int, float)):
        return number(value, 4)
    return clip(
        value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else value,
        60,
    )
