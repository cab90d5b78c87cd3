"""`vw.run`: a block of one's own code as a run.

This module must not know how a run is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from vecwise.tracking import autologging
from vecwise.tracking.recorder import Recorder, recording


@contextmanager
def run(
    name: str,
    /,
    *,
    params: dict[str, Any] | None = None,
    tags: dict[str, str] | None = None,
    autolog: bool = False,
) -> Iterator[Recorder]:
    """Record the block as a run: `with vw.run("baseline", params={"rate": 0.1}) as run: run.log(loss=0.5, step=1)`.

    Everything of vecwise that is called inside belongs to it. `run.log` adds numbers (with a `step`: points of a
    curve), `run.param` parameters, `run.read` and `run.wrote` files by their hashes. The code, the environment,
    time and memory are noted by themselves; `vecwise runs` shows it. When the block raises, the run has failed and
    the error goes on; when recording fails, the block goes on with one warning. With `autolog` the fits of
    scikit-learn's estimators inside are noted too, see `vw.autolog`.

    >>> import os, tempfile, vecwise as vw
    >>> from vecwise.tracking.records import all_runs
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     os.environ |= {"VECWISE_RUNS": folder, "VECWISE_TRACK": "1"}
    ...     with vw.run("baseline", params={"rate": 0.1}) as run:
    ...         run.log(loss=0.5, step=1)
    ...         run.log(loss=0.25, step=2)
    ...     made = all_runs().find(run.id)
    ...     os.environ["VECWISE_TRACK"] = "0"
    >>> made.status, made.params, made.metrics, made.curves
    ('done', {'rate': 0.1}, {'loss': 0.25}, {'loss': [(1, 0.5), (2, 0.25)]})
    """
    switch = autologging.autolog() if autolog else nullcontext()
    with switch, recording("run", name=name, params=params, tags=tags) as made:
        yield made
