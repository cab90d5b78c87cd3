"""Runs carried into MLflow: each once and whole, whatever happens on the way."""

from __future__ import annotations

import pytest

from conftest import run
from vecwise.errors import Unreadable
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
    ) as one:
        one.read(tmp_path / "rows.csv")
        for step in range(3):
            one.log(loss=1.0 / (step + 1), step=step)
        one.log({"r2": 0.5, "odd (name)": 2.0})
    assert sync() == {"carried": 1, "known": 0}
    (found,) = in_mlflow()
    assert found.data.params == {"rate": "0.1", "model.k": "3"}
    assert found.data.metrics == pytest.approx({"loss": 1 / 3, "r2": 0.5, "odd _name_": 2.0})
    assert [m.value for m in client().get_metric_history(found.info.run_id, "loss")] == pytest.approx(
        [1, 1 / 2, 1 / 3]
    )
    assert (found.info.status, found.info.run_name) == ("FINISHED", "first")
    assert found.inputs.dataset_inputs[0].dataset.name == "rows.csv"
    assert found.data.tags["vecwise.run"] == one.id


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
    with recording("work") as one:
        one.log(score=1.0)

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


def run_command(*words: str, status: int = 0) -> str:
    made = run(*words)
    assert made.returncode == status, made.stderr
    return made.stdout if status < 2 else made.stderr


def test_a_registered_encoder_is_the_same_identity_and_outlives_its_vectors(
    home, tmp_path, monkeypatch
) -> None:
    import json
    import shutil

    import vecwise as vw

    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.txt").write_text("the sea\nthe sky\n")
    (tmp_path / "more.txt").write_text("sky sky\n")
    run_command("encode", "rows.txt", "-o", "first", "--encoder", "tfidf")
    made = json.loads(run_command("models", "register", "last", "words", "--alias", "champion", "--json"))
    assert (made["version"], made["aliases"], made["kind"]) == (1, ["champion"], "encoder")
    assert json.loads(run_command("models", "register", made["run"], "words", "--json"))["version"] == 1
    frame = vw.open("first").space.frame
    shutil.rmtree("first")
    run_command("encode", "more.txt", "-o", "second", "--encoder", "models:/words@champion")
    assert vw.open("second").space.frame == frame
    assert vw.open_encoder("models:/words/1").space.frame == frame
    assert vw.open_encoder("second").space.frame == frame  # the encoder of saved vectors
    (tmp_path / "other.txt").write_text("a bird\nthe sky\n")
    run_command("encode", "other.txt", "-o", "third", "--encoder", "tfidf")
    assert json.loads(run_command("models", "register", "last", "words", "--json"))["version"] == 2
    assert vw.open_encoder("models:/words").space.frame == vw.open("third").space.frame
    run_command("models", "alias", "words", "2", "champion")
    assert vw.open_encoder("models:/words@champion").space.frame == vw.open("third").space.frame
    assert "2 versions" in run_command("models", "list")
    assert "versions" in run_command(
        "encode", "more.txt", "-o", "x", "--encoder", "models:/words@best", status=2
    )
    assert "Did you mean" in run_command(
        "encode", "more.txt", "-o", "x", "--encoder", "models:/word", status=2
    )
    assert "no name for a model" in run_command("models", "register", made["run"][:6], "../up", status=2)


def test_a_registered_model_that_was_changed_is_refused(home, tmp_path) -> None:
    import vecwise as vw
    from vecwise.errors import Inapplicable, OutOfRange
    from vecwise.tracking.registry import register, resolve_model, set_alias

    vw.save(vw.CountEncoder().fit(["a b"]), tmp_path / "encoder")
    with recording("fit") as one:
        one.wrote(tmp_path / "encoder", "encoder")
    made = register(all_runs().find(one.id), "words", tmp_path / "encoder", "encoder")
    assert resolve_model("models:/words") == made.path
    with pytest.raises(OutOfRange, match="no alias"):
        set_alias("words", 1, "a/b")
    vw.save(vw.CountEncoder().fit(["a b c"]), tmp_path / "encoder")
    with pytest.raises(Inapplicable, match="was changed"):
        resolve_model("models:/words")


def test_a_server_that_is_not_there_is_told_in_a_line_and_nothing_is_lost(home, monkeypatch) -> None:
    with recording("run", name="kept"):
        pass
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(Unreadable, match="Nobody answers") as told:
        sync()
    assert len(str(told.value).splitlines()) == 1
    assert [run.name for run in all_runs().runs] == ["kept"]
