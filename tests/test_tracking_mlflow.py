"""Runs carried into MLflow: each once and whole, whatever happens on the way."""

from __future__ import annotations

import pytest

from vecwise.tracking import mlflow_store, recorder
from vecwise.tracking.journal import append
from vecwise.tracking.mlflow_store import client, mlflow_id, sync
from vecwise.tracking.recorder import recording
from vecwise.tracking.records import all_runs

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"
)


@pytest.fixture(scope="module")
def made_store(tmp_path_factory):
    """A store whose tables are made once: that takes MLflow ten seconds."""
    pytest.importorskip("mlflow")
    home = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VECWISE_RUNS", str(home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        client().search_experiments()
    return home


@pytest.fixture
def home(made_store, tmp_path, monkeypatch):
    import shutil

    shutil.copytree(made_store, tmp_path / "runs")
    monkeypatch.setenv("VECWISE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VECWISE_TRACK", "1")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(recorder, "_warned", [])
    return tmp_path / "runs"


def in_mlflow():
    store = client()
    experiment = store.get_experiment_by_name("vecwise")
    return store.search_runs([experiment.experiment_id])


def test_a_run_arrives_with_all_it_holds(home, tmp_path) -> None:
    (tmp_path / "rows.csv").write_text("a\n1\n")
    with recording(
        "train", name="first", params={"rate": 0.1, "model": {"k": 3}}, command=["vecwise", "x"]
    ) as run:
        run.read(tmp_path / "rows.csv")
        for step in range(3):
            run.log(loss=1.0 / (step + 1), step=step)
        run.log({"r2": 0.5, "odd (name)": 2.0})
    assert sync() == {"carried": 1, "known": 0}
    (found,) = in_mlflow()
    assert found.data.params == {"rate": "0.1", "model.k": "3"}
    assert found.data.metrics == pytest.approx({"loss": 1 / 3, "r2": 0.5, "odd _name_": 2.0})
    assert [m.value for m in client().get_metric_history(found.info.run_id, "loss")] == pytest.approx(
        [1, 1 / 2, 1 / 3]
    )
    assert (found.info.status, found.info.run_name) == ("FINISHED", "first")
    assert found.inputs.dataset_inputs[0].dataset.name == "rows.csv"
    assert found.data.tags["vecwise.run"] == run.id


def test_carrying_twice_makes_no_second_run(home) -> None:
    for _ in range(3):
        with recording("work"):
            pass
    assert sync() == {"carried": 3, "known": 0}
    with recording("work"):
        pass
    assert sync() == {"carried": 1, "known": 3}
    assert len(in_mlflow()) == 4


def test_a_run_that_was_carried_in_part_is_carried_again_whole(home, monkeypatch) -> None:
    with recording("work") as run:
        run.log(score=1.0)

    def fails(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mlflow_store, "_log_data", fails)
    with pytest.raises(KeyboardInterrupt):
        sync()
    monkeypatch.undo()
    monkeypatch.setenv("VECWISE_RUNS", str(home))
    assert sync() == {"carried": 1, "known": 0}
    (found,) = in_mlflow()
    assert found.data.metrics == {"score": 1.0}
    assert mlflow_id(client(), all_runs().runs[0]) == found.info.run_id


def test_failed_and_killed_runs_are_that_in_mlflow_too(home) -> None:
    with pytest.raises(ValueError, match="no"), recording("work"):
        raise ValueError("no")
    append(
        {"event": "begin", "run": "gone", "host": "elsewhere-not", "pid": -1, "time": "2026-01-01T00:00:00Z"}
    )
    append({"event": "begin", "run": "still", "time": "2026-01-01T00:00:00Z", "host": "another machine"})
    assert sync()["carried"] >= 1
    assert {run.data.tags["vecwise.run"]: run.info.status for run in in_mlflow()}[
        all_runs().runs[0].id
    ] == "FAILED"


def test_nobody_is_told_that_mlflow_is_used(home) -> None:
    import os

    client()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
