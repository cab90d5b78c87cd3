"""Every command is a run, but those that look at runs; and what a newer vecwise or MLflow wrote is left as it is."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from conftest import program
from conftest import run as command
from vecwise.cli import app
from vecwise.tracking.journal import append
from vecwise.tracking.records import all_runs
from vecwise.tracking.redaction import clean_text

WORDS = {
    "explore": ("explore", "t.csv", "--no-html"),
    "encode": ("encode", "t.csv", "-o", "v"),
    "health": ("health", "t.csv"),
    "similar": ("similar", "sea", "sky", "--encoder", "count"),
    "nearest": ("nearest", "t.csv", "--row", "3"),
    "pairs": ("pairs", "t.csv"),
    "dedupe": ("dedupe", "t.csv"),
    "cluster": ("cluster", "t.csv", "-k", "2"),
    "map": ("map", "t.csv", "--no-html"),
    "explain": ("explain", "t.csv", "1", "2"),
    "compare": ("compare", "t.csv", "t.csv"),
    "probe": ("probe", "t.csv", "--target", "a", "--model", "linear"),
    "generate": ("generate", "t.csv", "--text", "a", "--epochs", "1", "-n", "1"),
    "fit-encoder": ("fit-encoder", "t.csv", "--pairs", "p.csv", "-o", "closer"),
    "choose": ("choose", "t.csv", "--target", "a", "--encoders", "table,nothing"),
}
ABOUT_RUNS = {"runs", "models"}
NEEDS_A_MODEL = {"predict", "trace", "chain"}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VECWISE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VECWISE_TRACK", "1")
    rows = np.random.default_rng(0).standard_normal((20, 4))
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header="a,b,c,d", comments="")
    (tmp_path / "p.csv").write_text("a,b\n" + "".join(f"{i},{i + 1}\n" for i in range(0, 20, 2)))
    return tmp_path


def test_every_command_is_here() -> None:
    assert set(app.commands) == set(WORDS) | ABOUT_RUNS | NEEDS_A_MODEL


@pytest.mark.parametrize("name", sorted(WORDS))
def test_every_command_is_a_run(home, name) -> None:
    made = command(*WORDS[name], cwd=home)
    runs = all_runs().runs
    found = [run for run in runs if "parent" not in run.tags]
    assert len(found) == 1, made.stderr
    assert {run.kind for run in runs if run not in found} <= {"candidate"}
    assert found[0].kind == name
    assert found[0].command[:2] == ["vecwise", name]
    assert found[0].seconds is not None
    assert name == "similar" or (found[0].data[0]["name"] == "t.csv" and found[0].data[0]["rows"] == 20)


@pytest.mark.parametrize(
    "text",
    [
        "https://ann:p@hidden1@host/x",
        "Authorization: Bearer hidden1",
        "PGPASSWORD=hidden1",
        "DB_PWD='hidden1'",
    ],
)
def test_secrets_are_hidden_whole(text) -> None:
    assert "hidden1" not in clean_text(text)
    assert "[hidden]" in clean_text(text)


def test_a_store_of_a_newer_mlflow_is_left_as_it_is(home) -> None:
    pytest.importorskip("mlflow")
    append({"event": "begin", "run": "aaaa", "kind": "encode", "time": "2026-01-01T00:00:00Z"})
    append({"event": "end", "run": "aaaa", "status": "done", "time": "2026-01-01T00:00:01Z"})
    assert program("runs", "sync", cwd=home).returncode == 0
    path = home / "runs" / "mlflow.db"
    with sqlite3.connect(path) as store:
        store.execute("update alembic_version set version_num = 'ffffffffffff'")
    before = path.read_bytes()
    made = program("runs", "sync", cwd=home)  # MLflow looks once a process
    assert made.returncode == 2
    assert "newer" in made.stderr
    assert len(made.stderr.splitlines()) == 1, made.stderr
    assert path.read_bytes() == before
    assert command("runs", cwd=home).returncode == 0
    assert command(*WORDS["health"], cwd=home).stderr == ""
    assert len(all_runs().runs) == 2


def test_a_prediction_is_a_run_and_knows_its_rows(home) -> None:
    command("probe", "t.csv", "--target", "a", "--model", "linear", "--save", "m", cwd=home)
    made = command("predict", "m", "t.csv", "--csv", "said.csv", cwd=home)
    assert made.returncode == 0, made.stderr
    last = max(all_runs().runs, key=lambda run: run.began)
    assert (last.kind, last.data[0]["rows"]) == ("predict", 20)
    assert [entry["path"].rsplit("/", 1)[-1] for entry in last.results] == ["said.csv"]


def test_a_chain_is_a_run_that_made_a_model(home) -> None:
    command("encode", "t.csv", "--columns", "b,c,d", "-o", "v", cwd=home)
    command("probe", "v", "--target", "a", "--model", "linear", "--save", "m", cwd=home)
    made = command("chain", "v", "m", "-o", "whole", cwd=home)
    assert made.returncode == 0, made.stderr
    last = max(all_runs().runs, key=lambda run: run.began)
    assert (last.kind, [entry["kind"] for entry in last.results]) == ("chain", ["model"])
