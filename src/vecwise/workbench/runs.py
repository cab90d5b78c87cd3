"""Runs as use cases: list them, show one, tell two apart, find the best, make one again.

This module must not know how its answers are printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecwise.errors import FileMissing, Inapplicable, VecwiseError
from vecwise.telling.answer import Answer
from vecwise.telling.runs import (
    compared_runs,
    imported,
    listed,
    notes_on,
    repeated,
    shown,
    synced,
    without_metric,
)
from vecwise.tracking.blobs import read_blob
from vecwise.tracking.choosing import fitting, ranked
from vecwise.tracking.comparing import differences
from vecwise.tracking.journal import home
from vecwise.tracking.records import Run, Runs, all_runs
from vecwise.tracking.resolving import unchanged

if TYPE_CHECKING:
    from vecwise.measure.overlap import Overlap
    from vecwise.runner import Progress


def list_runs(
    *,
    sort: str | None = None,
    where: Sequence[str] = (),
    columns: Sequence[str] = (),
    limit: int | None = 30,
    html: str | None = None,
) -> Answer:
    """Tell the newest runs, or the best by a metric, among those that fulfil every condition.

    Where no run has the metric to sort by, there are none, and the answer says why. `html` is where all of them are
    written as a page. Raises `UnknownName` for a condition on a name that no run has, `MissingPackage` for a page
    without plotly.
    """
    whole = all_runs()
    chosen = fitting(whole.runs, where)
    why = "no run fulfils that" if whole.runs and not chosen else ""
    if sort and not any(sort in run.metrics for run in chosen):
        why = why or (without_metric(sort, chosen) if chosen else "")
        chosen = []
    chosen = ranked(chosen, sort) if sort and chosen else chosen[::-1]
    beside = list(dict.fromkeys([*([sort] if sort else []), *columns]))
    if html:
        _write_page(html, chosen, whole, sort=sort, where=where, asked=columns)
    return listed(chosen[:limit], whole, beside, str(home()), html or "", why)


def _write_page(path: str, runs: list[Run], whole: Runs, **given: Any) -> None:
    from vecwise.draw.runs_page import runs_html
    from vecwise.store.durable import write_text
    from vecwise.telling.runs_page import page_of

    page = page_of(
        runs, total=len(whole.runs), place=str(home()), blob=read_blob, notes=notes_on(whole), **given
    )
    write_text(path, runs_html(page))


def show_run(name: str) -> Answer:
    """Tell one run in full."""
    run = all_runs().find(name)
    return shown(run, run.surroundings())


def best_run(metric: str, *, where: Sequence[str] = (), smallest: bool | None = None) -> Answer:
    """Tell the best run by a metric."""
    run = ranked(fitting(all_runs().runs, where), metric, smallest=smallest)[0]
    return shown(run, run.surroundings())


def diff_runs(a: str, b: str) -> Answer:
    """Tell what differs between two runs; where both saved vectors, how far their neighbours agree."""
    runs = all_runs()
    first, second = runs.find(a), runs.find(b)
    overlap, why = _overlap(first, second)
    return compared_runs(first, second, differences(first, second), overlap, why)


def _overlap(a: Run, b: Run) -> tuple[Overlap | None, str]:
    from vecwise.measure.overlap import neighbor_overlap
    from vecwise.storing import open

    kept = [[entry for entry in run.results if entry.get("kind") == "vectors"] for run in (a, b)]
    if not all(kept):
        return None, ""
    try:
        left, right = (open(unchanged(entries[-1])) for entries in kept)
        return neighbor_overlap(left, right), ""
    except VecwiseError as error:
        return None, f"The vectors cannot be compared: {error}"


def repeat_run(name: str) -> Answer:
    """Make a run again by its command line, in its folder, and tell whether it came out the same.

    Raises `Inapplicable` for a run that no command made, `FileMissing` where its folder is gone.
    """
    old = all_runs().find(name)
    if not old.command or old.command[0] != "vecwise":
        raise Inapplicable(f"Run {old.id} was not made by a command, so there is none to give again.")
    if any("[hidden]" in word for word in old.command):
        raise Inapplicable("The command held a secret, which is not kept. Give the command yourself.")
    if not Path(old.folder).is_dir():
        raise FileMissing(f"The folder of run {old.id} is gone: {old.folder}.")
    made = subprocess.run(  # noqa: S603  the user's own command, from the user's own journal
        [sys.executable, "-m", "vecwise", *old.command[1:]],
        cwd=old.folder,
        env={**os.environ, "VECWISE_TRACK": "1", "VECWISE_REPEATS": old.id},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    again = [run for run in all_runs().runs if run.tags.get("repeats") == old.id]
    if not again:
        said = made.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise Inapplicable(f"The command could not be given again: {''.join(said) or 'it said nothing'}")
    return repeated(old, again[-1], differences(old, again[-1]))


def sync_runs(progress: Progress | None = None) -> Answer:
    """Carry the journal's runs into MLflow."""
    from vecwise.tracking.mlflow_store import EXPERIMENT, sync, tracking_uri

    return synced(sync(progress), tracking_uri(), EXPERIMENT)


def import_runs(path: str) -> Answer:
    """Put the runs of another tracker's log into the journal, each once."""
    from vecwise.tracking import importing

    return imported(importing.import_runs(path), path)
