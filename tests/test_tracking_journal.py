"""The journal of runs: two writers, torn lines, a kill, a full disk; and secrets that never get there."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecwise.store.durable import CALLS
from vecwise.tracking import journal, recorder
from vecwise.tracking.blobs import read_blob, write_blob
from vecwise.tracking.fingerprints import fingerprint
from vecwise.tracking.journal import NAME, append, read
from vecwise.tracking.recorder import recording
from vecwise.tracking.records import all_runs
from vecwise.tracking.redaction import HIDDEN, clean, clean_text, clean_words, names_a_secret


def test_what_is_appended_is_read_in_order(home) -> None:
    for number in range(3):
        append({"event": "log", "run": "a", "metrics": {"x": number}, "step": 1}, lasting=number == 2)
    assert [event["metrics"]["x"] for event in read().events] == [0, 1, 2]
    assert oct((home / NAME).stat().st_mode)[-3:] == "600"
    assert read(home / "nowhere") == ([], 0, 0)


@given(st.lists(st.binary(max_size=40), max_size=6), st.integers(0, 60))
def test_no_line_is_lost_to_a_torn_or_strange_one(tmp_path_factory, odd, cut) -> None:
    folder = tmp_path_factory.mktemp("runs")
    append({"event": "begin", "run": "first"}, folder=folder)
    with open(folder / NAME, "ab") as file:
        for line in odd:
            file.write(line.replace(b"\n", b" ") + b"\n")
        file.write(b'{"v": 1, "run": "torn", "event": "beg'[:cut])
    append({"event": "begin", "run": "last"}, folder=folder)
    found = read(folder)
    assert [event["run"] for event in found.events] == ["first", "last"]
    assert found.broken == sum(1 for line in odd if line) + (cut > 0)


def test_lines_of_a_newer_version_are_counted_and_kept(home) -> None:
    append({"event": "begin", "run": "a"})
    with open(home / NAME, "a") as file:
        file.write(json.dumps({"v": journal.VERSION + 1, "run": "b", "event": "begin"}) + "\n")
        file.write("[" * 100_000 + "\n")
    found = read()
    assert (len(found.events), found.newer, found.broken) == (1, 1, 1)


WRITER = """
import sys
from vecwise.tracking.journal import append
for number in range(200):
    append({"event": "log", "run": sys.argv[1], "params": {"number": number, "text": "y" * (number * 37 % 5000)}})
"""


def test_two_writers_do_not_mix_their_lines(home) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    found = read()
    assert found.broken == 0
    for name in "ab":
        steps = [event["params"]["number"] for event in found.events if event["run"] == name]
        assert steps == list(range(200))


def test_a_killed_run_shows_what_it_had(home) -> None:
    code = (
        "import time\nfrom vecwise.tracking.recorder import recording\n"
        "with recording('train', params={'rate': 0.1}) as run:\n"
        "    run.log(loss=0.5, step=1)\n    print('on', flush=True)\n    time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "on\n"
    assert [run.status for run in all_runs().runs] == ["running"]
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    (run,) = all_runs().runs
    assert (run.status, run.metrics, run.params) == ("killed", {"loss": 0.5}, {"rate": 0.1})
    assert run.curves == {"loss": [(1, 0.5)]}


def test_a_full_disk_costs_one_warning_and_never_the_work(home, monkeypatch) -> None:
    def full(descriptor: int, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(CALLS, "write", full)

    def works() -> list[int]:
        with recording("work") as run:
            run.log(score=1.0)
            return [6 * 7]

    with pytest.warns(RuntimeWarning, match="not recorded.*No space") as caught:
        done = works()
    assert done + works() == [42, 42]  # where warnings are errors, as here, a second one would be raised
    assert len(caught) == 1


def test_a_place_that_cannot_be_written_costs_one_warning(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VECWISE_RUNS", str(tmp_path / "file" / "runs"))
    monkeypatch.setenv("VECWISE_TRACK", "1")
    monkeypatch.setattr(recorder, "_warned", [])
    with pytest.warns(RuntimeWarning, match="not recorded"), recording("work"):
        pass
    assert all_runs().runs == []


def test_blobs_are_kept_once_and_checked(home) -> None:
    first, second = write_blob({"b": 1, "a": 2}), write_blob({"a": 2, "b": 1})
    assert first == second
    assert read_blob(first) == {"a": 2, "b": 1}
    path = home / "blobs" / f"{first}.json"
    path.write_text('{"a":3,"b":1}')
    assert read_blob(first) is None
    assert read_blob("../../etc/passwd") is None


def test_fingerprints_tell_files_and_folders_apart(tmp_path) -> None:
    import hashlib

    import vecwise as vw

    (tmp_path / "a.csv").write_bytes(b"x\n1\n")
    found = fingerprint(tmp_path / "a.csv")
    assert found is not None
    assert found.hash == "sha256:" + hashlib.sha256(b"x\n1\n").hexdigest()
    assert (found.bytes, found.name) == (4, "a.csv")
    vw.save(vw.Vectors([[1.0]]), tmp_path / "v")
    assert fingerprint(tmp_path / "v").hash.startswith("manifest:")
    listed = fingerprint(tmp_path)
    assert listed.hash.startswith("listing:")
    (tmp_path / "b").write_text("new")
    assert fingerprint(tmp_path).hash != listed.hash
    assert fingerprint(tmp_path / "nowhere") is None


def test_large_files_are_sampled_and_a_change_of_size_shows(tmp_path) -> None:
    for name, size in (("a", 2**30 + 5), ("b", 2**30 + 6)):
        with open(tmp_path / name, "wb") as file:
            file.truncate(size)
    hashes = [fingerprint(tmp_path / name).hash for name in "ab"]
    assert hashes[0] != hashes[1]
    assert all(found.startswith("sampled:") for found in hashes)


# ---- secrets ----


def test_secrets_are_hidden_wherever_they_are() -> None:
    key = "sk-" + "a1" * 20
    assert clean({"api_key": "x", "inner": {"password": "y", "k": 3}}) == {
        "api_key": HIDDEN,
        "inner": {"password": HIDDEN, "k": 3},
    }
    assert clean(["--token=abc", key]) == [f"--token={HIDDEN}", HIDDEN]
    assert clean_words(["x", "--password", "hunter2", "rows.csv"]) == ["x", "--password", HIDDEN, "rows.csv"]
    assert "hunter2" not in clean_text("+DB_PASSWORD = 'hunter2'\n+url = postgres://me:hunter2@host/db")
    assert clean_text("no folder `https:/me:hun@ter2@host`") == f"no folder `https:/{HIDDEN}@host`"
    assert clean_text("C:/rows@home/v, a:b@c") == "C:/rows@home/v, a:b@c"
    assert clean_text("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----") == HIDDEN
    assert clean({"tokenizer": "word", "max_tokens": 5, "author": "ann", "api_key": None}) == {
        "tokenizer": "word",
        "max_tokens": 5,
        "author": "ann",
        "api_key": None,
    }


@given(
    st.sampled_from(["password", "API_KEY", "accessToken", "auth-token", "db.secret"]), st.text(min_size=1)
)
def test_no_value_of_a_telling_name_gets_through(name, value) -> None:
    assert names_a_secret(name)
    assert clean({name: value}) == {name: HIDDEN}


def test_the_journal_holds_no_secret_of_arguments_settings_or_environment(home, monkeypatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "environment-secret-value")
    words = ["vecwise", "fetch", "--api-key", "argument-secret-value", "https://u:address-secret@h/x"]
    with recording("fetch", params={"token": "setting-secret-value"}, command=words) as run:
        run.param(password="late-secret-value")
    with pytest.raises(ValueError, match="raised"), recording("fetch"):
        raise ValueError("raised with password=error-secret-value")
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file()).decode()
    assert "secret-value" not in kept
    assert "address-secret" not in kept
    assert kept.count("[hidden]") >= 5


# ---- recording ----


def test_a_run_knows_how_it_was_made(home, tmp_path) -> None:
    (tmp_path / "rows.csv").write_text("a\n1\n2\n")
    before = time.time()
    with recording("explore", params={"seed": 3, "columns": ["a"]}, command=["vecwise", "explore"]) as run:
        entry = run.read(tmp_path / "rows.csv")
        entry.update(rows=2, columns=1)
        run.log(silhouette=0.25, broken=float("nan"))
        (tmp_path / "out.html").write_text("page")
        run.wrote(tmp_path / "out.html", "report")
    (made,) = all_runs().runs
    assert (made.status, made.kind, made.metrics) == ("done", "explore", {"silhouette": 0.25})
    assert made.params == {"seed": 3, "columns": ["a"]}
    assert (made.data[0]["rows"], made.data[0]["bytes"]) == (2, 6)
    assert made.results[0]["hash"] == fingerprint(tmp_path / "out.html").hash
    assert made.seconds is not None
    assert 0 < made.seconds < time.time() - before + 1
    assert made.surroundings()["packages"]["numpy"]
    assert made.peak_bytes is None or made.peak_bytes > 1_000_000
    assert made.began < made.ended


def test_a_run_inside_a_run_is_part_of_it(home) -> None:
    with recording("outer") as outer, recording("inner") as inner:
        inner.log(x=1.0)
    assert inner is outer
    assert [run.kind for run in all_runs().runs] == ["outer"]
    assert all_runs().runs[0].metrics == {"x": 1.0}


def test_how_a_run_ended_is_told(home) -> None:
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), recording("work"):
            raise error("because")
    assert [run.status for run in all_runs().runs] == ["failed", "stopped"]
    assert all_runs().runs[0].error == "ValueError: because"


def test_nothing_is_recorded_where_it_is_switched_off(home, monkeypatch) -> None:
    monkeypatch.setenv("VECWISE_TRACK", "0")
    with recording("work") as run:
        run.log(x=1.0)
    assert not home.exists()


def test_the_code_is_that_of_the_folder(home, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        (tmp_path / "code.py").write_text("x = 1\n")
        subprocess.run(["git", *settings, *words], check=True, cwd=tmp_path)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    with recording("clean"):
        pass
    (tmp_path / "code.py").write_text("x = 2\n")
    with recording("dirty"):
        pass
    clean_run, dirty_run = all_runs().runs
    assert (clean_run.code["commit"], clean_run.code["dirty"], clean_run.code["diff"]) == (head, False, "")
    assert dirty_run.code["dirty"] is True
    assert "+x = 2" in read_blob(dirty_run.code["diff"])


def test_ids_may_be_shortened(home) -> None:
    from vecwise.errors import UnknownName

    for run in ("abcdef0000", "abcdef1111", "123456789a"):
        append({"event": "begin", "run": run})
    runs = all_runs()
    assert runs.find("1234").id == "123456789a"
    assert runs.find("last").id == "123456789a"
    with pytest.raises(UnknownName, match="beginning of 2 runs"):
        runs.find("abcd")
    with pytest.raises(UnknownName):
        runs.find("zzzz")


@given(
    st.lists(
        st.dictionaries(
            st.text(max_size=5) | st.sampled_from(['a"', 'a":', "b"]),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
        max_size=4,
    ),
    st.text(max_size=5),
)
def test_one_number_is_found_as_if_all_were_parsed(tmp_path_factory, logged, name) -> None:
    folder = tmp_path_factory.mktemp("runs")
    truth: dict[str, float] = {}
    for metrics in logged:
        append({"event": "log", "run": "ab", "metrics": metrics}, folder=folder)
        truth.update(metrics)
    runs = all_runs(folder).runs
    for wanted in {name, *truth, "v", "run", "event", "metrics"}:
        assert (runs[0].metrics.get(wanted) if runs else None) == truth.get(wanted)
    assert (dict(runs[0].metrics) if runs else {}) == truth
