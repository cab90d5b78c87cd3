"""Runs carried from the journal into MLflow, each once, however often they are carried.

This module must not be imported by a command that only records: MLflow takes more than a second to load.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from vecwise.errors import Unreadable, missing_package
from vecwise.tracking.comparing import flat
from vecwise.tracking.journal import home
from vecwise.tracking.records import Run, all_runs
from vecwise.tracking.redaction import clean_text

EXPERIMENT: Final = "vecwise"
DATABASE: Final = "mlflow.db"
_OURS: Final = "vecwise.run"  # the tag that holds a run's id in the journal
_WHOLE: Final = "vecwise.carried"  # the tag of a run that was carried to its end
_STATUS: Final = {"done": "FINISHED", "found wanting": "FINISHED", "failed": "FAILED"}  # all else: KILLED
_NAME: Final = re.compile(r"[^\w\-./ :]")
_MOST: Final = {"param": 6_000, "tag": 5_000, "params": 100, "metrics": 1_000}  # of a value, and of a batch


def tracking_uri() -> str:
    """Give where MLflow keeps runs: `MLFLOW_TRACKING_URI`, or a SQLite file beside the journal."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(home() / DATABASE).resolve()}"


def client() -> Any:
    """Give MLflow's client of that store; raises `MissingPackage` naming the extra."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # it reports its use by default, and here nothing does
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    os.environ.setdefault(
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1"
    )  # a server that is not there is told at once
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    try:
        import sqlalchemy  # noqa: F401
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise missing_package(error.name or "mlflow-skinny", "MLflow", "'vecwise[track]'") from error
    home().mkdir(parents=True, exist_ok=True)
    _quiet()
    uri = tracking_uri()
    try:
        store = MlflowClient(tracking_uri=uri, registry_uri=uri)
        store.search_experiments(max_results=1)
    except Exception as error:  # of MLflow, SQLAlchemy or Alembic: all say that the store cannot be used
        raise Unreadable(_refused(uri, error)) from error
    return store


def _refused(uri: str, error: Exception) -> str:
    said = clean_text(str(error).strip().partition("\n")[0])[:300]
    if "Max retries exceeded" in said or "Connection" in said:
        return (
            f"Nobody answers at {clean_text(uri)}, MLflow's server by MLFLOW_TRACKING_URI. The journal has every run: "
            "carry them when the server is there, or name another store."
        )
    other = "schema" in said or "revision" in said
    why = "was written by another version of MLflow, a newer one perhaps" if other else "cannot be opened"
    return (
        f"MLflow's store {clean_text(uri)} {why}: {said} It is left as it is, and the journal has every run. "
        "Update MLflow, or name another store by MLFLOW_TRACKING_URI."
    )


def _quiet() -> None:
    """Its tables are made with some twenty lines of log, which say nothing to a user."""
    import logging

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


def sync(progress: Callable[[int, int], None] | None = None) -> dict[str, int]:
    """Carry every run that has ended into MLflow; give how many were carried and how many were there already.

    A run that was carried only in part, because somebody stopped it, is carried again whole. Raises
    `MissingPackage`, and what MLflow raises when its store cannot be reached.
    """
    store = client()
    experiment = _experiment(store)
    there = _carried(store, experiment)
    waiting = [run for run in all_runs().runs if run.status != "running"]
    todo = [run for run in waiting if there.get(run.id, ("", False))[1] is False]
    for number, run in enumerate(todo, start=1):
        half = there.get(run.id)
        if half is not None:
            store.delete_run(half[0])
        _carry(store, experiment, run)
        if progress:
            progress(number, len(todo))
    return {"carried": len(todo), "known": len(waiting) - len(todo)}


def mlflow_id(store: Any, run: Run) -> str:
    """Give MLflow's id of a run, which is carried there if it was not yet."""
    experiment = _experiment(store)
    found = _carried(store, experiment).get(run.id)
    if found is not None and found[1]:
        return found[0]
    return _carry(store, experiment, run)


def _experiment(store: Any) -> str:
    found = store.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    artifacts = (home() / "artifacts").resolve().as_uri()
    return str(store.create_experiment(EXPERIMENT, artifact_location=artifacts))


def _carried(store: Any, experiment: str) -> dict[str, tuple[str, bool]]:
    """MLflow's id by ours, and whether the run came over whole."""
    found: dict[str, tuple[str, bool]] = {}
    token = None
    while True:
        page = store.search_runs([experiment], max_results=1000, page_token=token)
        for run in page:
            if _OURS in run.data.tags:
                found[run.data.tags[_OURS]] = (run.info.run_id, _WHOLE in run.data.tags)
        token = page.token
        if not token:
            return found


def _carry(store: Any, experiment: str, run: Run) -> str:
    from mlflow.entities import Param, RunTag

    tags = {_OURS: run.id, "mlflow.runName": run.name or run.kind, "vecwise.kind": run.kind, **_tags(run)}
    made = store.create_run(
        experiment, start_time=_millis(run.began), tags=tags, run_name=run.name or run.kind
    )
    name = made.info.run_id
    params = [Param(_name(key), _cut(value, "param")) for key, value in flat(run.params).items()]
    for start in range(0, len(params), _MOST["params"]):
        store.log_batch(name, params=params[start : start + _MOST["params"]])
    metrics = _metrics(run)
    for start in range(0, len(metrics), _MOST["metrics"]):
        store.log_batch(name, metrics=metrics[start : start + _MOST["metrics"]])
    _log_data(store, name, run)
    store.set_terminated(name, status=_STATUS.get(run.status, "KILLED"), end_time=_millis(run.ended) or None)
    store.log_batch(name, tags=[RunTag(_WHOLE, "true")])
    return str(name)


def _metrics(run: Run) -> list[Any]:
    from mlflow.entities import Metric

    moment = _millis(run.ended or run.began) or 0
    single = [(name, value, 0) for name, value in run.metrics.items() if name not in run.curves]
    curves = [(name, value, step) for name, curve in run.curves.items() for step, value in curve]
    return [Metric(_name(name), value, moment, step) for name, value, step in [*single, *curves]]


def _tags(run: Run) -> dict[str, str]:
    tags = {f"vecwise.{_name(name)}": str(value) for name, value in run.tags.items()}
    tags["vecwise.status"] = run.status
    if run.command:
        tags["vecwise.command"] = " ".join(run.command)
    if run.code:
        tags["mlflow.source.git.commit"] = str(run.code.get("commit", ""))
        tags["vecwise.dirty"] = str(bool(run.code.get("dirty"))).lower()
    for entry in run.results:
        tags[f"vecwise.result.{_name(str(entry.get('kind')))}"] = f"{entry.get('path')} {entry.get('hash')}"
    if run.error:
        tags["vecwise.error"] = run.error
    return {name: _cut(value, "tag") for name, value in tags.items()}


def _log_data(store: Any, name: str, run: Run) -> None:
    from mlflow.entities import Dataset, DatasetInput

    inputs = [
        DatasetInput(
            Dataset(
                name=str(entry.get("name") or number),
                digest=str(entry.get("hash", ""))[-36:],
                source_type="local",
                source=str(entry.get("path", "")),
            ),
            [],
        )
        for number, entry in enumerate(run.data)
    ]
    if inputs:
        store.log_inputs(name, inputs)


def _name(name: str) -> str:
    return _NAME.sub("_", name)[:250] or "_"


def _cut(value: Any, what: str) -> str:
    return str(value)[: _MOST[what]]


def _millis(moment: str) -> int | None:
    try:
        return int(datetime.fromisoformat(moment).timestamp() * 1000)
    except ValueError:
        return None
