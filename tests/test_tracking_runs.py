"""Runs through the command line: what is recorded, listed, told apart, and made again."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecwise as vw
from conftest import EXAMPLES, run
from vecwise import workbench
from vecwise.errors import EmptyInput, OutOfRange, UnknownName
from vecwise.measure.overlap import neighbor_overlap
from vecwise.tracking import recorder
from vecwise.tracking.choosing import fitting, ranked
from vecwise.tracking.comparing import differences
from vecwise.tracking.journal import append
from vecwise.tracking.records import Run, all_runs


@pytest.fixture
def vecwise(tmp_path, monkeypatch):
    """Runs a command in a folder of its own, recorded in a journal of its own."""
    monkeypatch.setenv("VECWISE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VECWISE_TRACK", "1")
    monkeypatch.setattr(recorder, "_warned", [])
    monkeypatch.chdir(tmp_path)

    def called(*words: str, status: int = 0) -> str:
        made = run(*words)
        assert made.returncode == status, made.stderr
        return made.stdout if status < 2 else made.stderr

    return called


LYRICS = str(EXAMPLES / "lyrics.txt")
LINES = (EXAMPLES / "lyrics.txt").read_bytes().count(b"\n")


def test_commands_are_runs_that_can_be_listed_shown_compared_and_repeated(vecwise, tmp_path) -> None:
    vecwise("encode", LYRICS, "-o", "words", "--encoder", "count")
    vecwise("encode", LYRICS, "-o", "pairs", "--encoder", "count", "--set", "ngrams=[1,2]")
    vecwise("health", LYRICS, "--no-track")
    listed = json.loads(vecwise("runs", "--json"))
    assert [run["kind"] for run in listed["runs"]] == ["encode", "encode"]
    new, old = (run["id"] for run in listed["runs"])
    shown = json.loads(vecwise("runs", "show", old, "--json"))
    assert shown["command"] == ["vecwise", "encode", LYRICS, "-o", "words", "--encoder", "count"]
    assert shown["data"][0]["hash"].startswith("sha256:")
    assert shown["data"][0]["rows"] == LINES
    assert shown["results"][0]["kind"] == "vectors"
    assert shown["metrics"]["rows"] == LINES
    assert shown["surroundings"]["packages"]["numpy"] == np.__version__
    told = json.loads(vecwise("runs", "diff", old, new, "--json"))
    assert {"name": "settings.ngrams", "a": None, "b": [1, 2]} in told["differences"]["parameters"]
    assert told["differences"]["data"] != []  # the dimensions
    assert told["same"] == ["code", "environment"]
    assert 0 < told["vectors"]["kept"] < 1
    again = json.loads(vecwise("runs", "repeat", old, "--json"))
    assert again["same"] == dict.fromkeys(("data", "code", "environment", "metrics", "results"), True)
    assert "made again as" in vecwise("runs", "repeat", old)
    assert "moved most" in vecwise("runs", "diff", old, new)
    assert "moved most" not in vecwise("runs", "diff", old, old)  # what stayed has not moved
    for line in vecwise("runs").splitlines() + vecwise("runs", "show", "last").splitlines():
        assert len(line) <= 100


def test_a_repeated_run_on_changed_data_says_so(vecwise, tmp_path) -> None:
    (tmp_path / "rows.txt").write_text("one line\nanother line\n")
    vecwise("health", "rows.txt", "--encoder", "count")
    (tmp_path / "rows.txt").write_text("one line\nanother line\nthird\n")
    again = json.loads(vecwise("runs", "repeat", "last", "--json", status=1))
    assert not again["same"]["data"]
    assert not again["same"]["metrics"]


def test_a_failed_run_is_told_with_its_reason(vecwise) -> None:
    vecwise("health", "nowhere.csv", status=2)
    (run,) = all_runs().runs
    assert run.status == "failed"
    assert "nowhere.csv" in run.error
    assert "nowhere.csv" in vecwise("runs", "show", "last")


def test_health_that_finds_something_wrong_is_a_run_found_wanting(vecwise, tmp_path) -> None:
    np.save(tmp_path / "zeros.npy", np.zeros((3, 2)))
    vecwise("health", "zeros.npy", status=1)
    assert all_runs().runs[0].status == "found wanting"


def test_runs_of_python_have_no_command_and_say_so(vecwise) -> None:
    workbench.compare_texts("a b", "b c", encoder="count")
    (run,) = all_runs().runs
    assert (run.kind, run.command) == ("similar", [])
    assert "no command made" not in vecwise("runs", "show", "last")
    assert "not made by a command" in vecwise("runs", "repeat", "last", status=2)


def test_a_command_with_a_secret_is_not_repeated(vecwise) -> None:
    append(
        {"event": "begin", "run": "abcdef", "command": ["vecwise", "x", "--token", "[hidden]"], "folder": "."}
    )
    append({"event": "end", "run": "abcdef"})
    assert "secret" in vecwise("runs", "repeat", "abcdef", status=2)


def test_no_runs_yet(vecwise) -> None:
    assert "none yet" in vecwise("runs")
    assert json.loads(vecwise("runs", "--json"))["runs"] == []
    assert "run" in vecwise("runs", "show", "abcd", status=2)


def test_a_run_owns_its_vectors(vecwise, tmp_path) -> None:
    vecwise("encode", LYRICS, "-o", "words", "--encoder", "count")
    (run,) = all_runs().runs
    first = json.loads(vecwise("health", f"runs:/{run.id}", "--json"))
    assert (first["rows"], first["space"]["name"].split(":")[0]) == (LINES, "CountEncoder")
    again = workbench.load(f"runs:/{run.id[:5]}").vectors
    assert (again.values != vw.open(tmp_path / "words").values).nnz == 0
    vecwise("encode", LYRICS, "-o", "words", "--encoder", "count", "--sample", "5")
    assert "was changed" in vecwise("health", f"runs:/{run.id}", status=2)
    for path in sorted((tmp_path / "words").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "words").rmdir()
    assert "is gone" in vecwise("health", f"runs:/{run.id}", status=2)


def test_a_run_that_saved_nothing_opens_its_data_by_its_own_options(vecwise, tmp_path) -> None:
    (tmp_path / "rows.txt").write_text("one line\nanother line\n")
    old = json.loads(vecwise("health", "rows.txt", "--encoder", "count", "--set", "ngrams=[1,2]", "--json"))
    (run,) = all_runs().runs
    new = json.loads(vecwise("health", f"runs:/{run.id}", "--json"))
    assert new["space"] == old["space"]
    (tmp_path / "rows.txt").write_text("one line\n")
    assert "was changed" in vecwise("health", f"runs:/{run.id}", status=2)
    vecwise("similar", "a", "b", "--encoder", "count")
    assert "nothing to open" in vecwise("health", f"runs:/{all_runs().runs[-1].id}", status=2)
    assert "no run" in vecwise("health", "runs:/zzzz", status=2).lower()


# ---- conditions, the best, differences ----


def runs() -> list[Run]:
    return [
        Run(
            "a",
            kind="probe",
            began="2026-01-01",
            metrics={"r2": 0.5, "rmse": 3.0},
            params={"model": {"k": 3}},
        ),
        Run(
            "b",
            kind="probe",
            began="2026-01-02",
            metrics={"r2": 0.9, "rmse": 1.0},
            params={"model": {"k": 5}},
        ),
        Run("c", kind="encode", began="2026-01-03", metrics={"r2": 0.9}, params={"model": {"k": 5}}),
    ]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["r2 > 0.5"], "bc"),
        (["r2>=0.5", "kind = probe"], "ab"),
        (["model.k == 5", "rmse < 2"], "b"),
        (["kind != probe"], "c"),
        (["r2 > high"], ""),
        (["kind = 'encode'"], "c"),
    ],
)
def test_conditions(conditions, expected) -> None:
    assert "".join(run.id for run in fitting(runs(), conditions)) == expected


def test_what_is_no_condition_is_refused() -> None:
    with pytest.raises(OutOfRange, match="NAME SIGN VALUE"):
        fitting(runs(), ["__import__('os')"])


def test_the_best_is_the_largest_or_for_an_error_the_smallest() -> None:
    assert [run.id for run in ranked(runs(), "r2")] == ["c", "b", "a"]
    assert [run.id for run in ranked(runs(), "rmse")] == ["b", "a"]
    assert [run.id for run in ranked(runs(), "r2", smallest=True)] == ["a", "c", "b"]
    with pytest.raises(UnknownName, match="Did you mean `rmse`"):
        ranked(runs(), "rsme")


@given(
    st.dictionaries(st.sampled_from("abc"), st.floats(allow_nan=False)),
    st.dictionaries(st.sampled_from("abc"), st.floats(allow_nan=False)),
)
def test_only_what_differs_is_told(left, right) -> None:
    found = differences(Run("x", metrics=left), Run("y", metrics=right))
    assert set(found["metrics"]) == {name for name in {*left, *right} if left.get(name) != right.get(name)}
    assert not found["parameters"]


# ---- neighbours kept ----


def test_overlap_against_sets_of_neighbours() -> None:
    rng = np.random.default_rng(0)
    A = rng.standard_normal((60, 5))
    B = A + 0.5 * rng.standard_normal((60, 5))
    found = neighbor_overlap(A, B, k=7)
    expected = []
    for i in range(60):
        near = []
        for M in (A, B):
            unit = M / np.linalg.norm(M, axis=1, keepdims=True)
            order = [j for j in np.argsort(-(unit @ unit[i]), kind="stable") if j != i]
            near.append(set(order[:7]))
        expected.append(len(near[0] & near[1]) / 7)
    assert found.kept == pytest.approx(expected)
    assert found.moved(1)[0][1] == min(expected)


@given(st.integers(2, 30), st.integers(1, 12), st.integers(0, 5))
def test_vectors_keep_all_of_their_own_neighbours(rows, k, seed) -> None:
    X = np.random.default_rng(seed).integers(-2, 3, (rows, 3)) + 0.5
    assert neighbor_overlap(X, 2 * X, k=k).mean == 1.0


def test_rows_are_matched_by_id() -> None:
    X = vw.Vectors(np.random.default_rng(1).standard_normal((6, 3)), ids=list("abcdef"))
    found = neighbor_overlap(X, X[["f", "c", "a", "b"]], k=2)
    assert (found.mean, found.rows, found.missing) == (1.0, 4, 2)
    with pytest.raises(EmptyInput, match="same id"):
        neighbor_overlap(X, vw.Vectors([[1.0]], ids=["z"]))
