"""Runs of other trackers: event files written here byte for byte, logs as each tracker exports them, damage."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import vecwise as vw
from vecwise.cli import app
from vecwise.errors import BadRow, EmptyInput, FileMissing, Inapplicable, UnknownFormat, WrongEncoding
from vecwise.tracking.csv_logs import read_log
from vecwise.tracking.event_files import EventLog, masked, read_events
from vecwise.tracking.journal import append
from vecwise.tracking.records import Run, all_runs


@pytest.fixture(autouse=True)
def journal(tmp_path, monkeypatch):
    monkeypatch.setenv("VECWISE_RUNS", str(tmp_path / "runs"))


# ---- an encoder of event files that shares nothing with the reader ----


def crc32c(data: bytes) -> int:
    """Bit by bit, as the polynomial says: x^32 + x^28 + … + 1, the low bit first."""
    crc = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            out = (crc ^ (byte >> bit)) & 1
            crc = (crc >> 1) ^ (0x82F63B78 * out)
    return crc ^ 0xFFFFFFFF


def check_sum(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17 & 0xFFFFFFFF)) + 0xA282EAD8) % 2**32)


def record(body: bytes) -> bytes:
    length = struct.pack("<Q", len(body))
    return length + check_sum(length) + body + check_sum(body)


def varint(value: int) -> bytes:
    value %= 2**64
    made = bytearray()
    while value > 127:
        made.append(value % 128 + 128)
        value //= 128
    return bytes([*made, value])


def part(number: int, body: bytes | str) -> bytes:
    body = body.encode() if isinstance(body, str) else body
    return varint(number << 3 | 2) + varint(len(body)) + body


def event(time: float, step: int, *values: bytes) -> bytes:
    summary = b"".join(part(1, value) for value in values)
    return record(b"\x09" + struct.pack("<d", time) + b"\x10" + varint(step) + part(5, summary))


def simple(tag: str, value: float) -> bytes:
    return part(1, tag) + b"\x15" + struct.pack("<f", value)


def tensor(tag: str, dtype: int, held: bytes, plugin: str = "scalars") -> bytes:
    return (
        part(1, tag)
        + part(9, part(1, part(1, plugin)))
        + part(8, b"\x08" + varint(dtype) + part(2, b"") + held)
    )


HEAD = record(b"\x09" + struct.pack("<d", 1_700_000_000.0) + part(3, "brain.Event:2"))


def losses(steps: int) -> bytes:
    return HEAD + b"".join(event(1_700_000_000.0 + s, s, simple("loss", 1 / (1 + s))) for s in range(steps))


def written(folder: Path, content: bytes, name: str = "events.out.tfevents.1") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder


@given(st.binary(max_size=80))
def test_the_checksum_is_crc_32c_masked(data) -> None:
    assert masked(data) == int.from_bytes(check_sum(data), "little")


def test_known_checksums() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # the check value of the catalogue of CRCs
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4


def test_event_files_become_runs_with_their_curves(tmp_path) -> None:
    written(tmp_path / "logs" / "first", losses(50))
    written(
        tmp_path / "logs" / "second", HEAD + event(1_700_000_100.5, 7, simple("r2", 0.5), simple("mae", 2.0))
    )
    written(
        tmp_path / "logs" / "second", event(1_700_000_200.5, -1, simple("r2", 0.75)), "events.out.tfevents.2"
    )
    found = vw.import_runs(tmp_path / "logs")
    assert (len(found.made), found.known, found.problems) == (2, [], [])
    first, second = all_runs().runs
    assert (first.kind, first.name, first.status) == ("tensorboard", "first", "done")
    assert first.curves == {
        "loss": [(s, struct.unpack("<f", struct.pack("<f", 1 / (1 + s)))[0]) for s in range(50)]
    }
    assert dict(first.metrics) == {"loss": first.curves["loss"][-1][1]}
    assert (first.began, first.ended, first.seconds) == (
        "2023-11-14T22:13:20.000Z",
        "2023-11-14T22:14:09.000Z",
        49.0,
    )
    assert first.source == str((tmp_path / "logs" / "first").resolve())
    assert second.curves == {"r2": [(7, 0.5), (-1, 0.75)], "mae": [(7, 2.0)]}
    again = vw.import_runs(tmp_path / "logs")
    assert (again.made, again.known) == ([], found.made)
    moved = vw.import_runs((tmp_path / "logs" / "first").rename(tmp_path / "moved") / "events.out.tfevents.1")
    assert moved.known == [found.made[0]]
    assert len(all_runs().runs) == 2


def test_every_form_of_a_scalar_is_read(tmp_path) -> None:
    values = [
        tensor("float content", 1, part(4, struct.pack("<f", 0.5))),
        tensor("double content", 2, part(4, struct.pack("<d", 0.1))),
        tensor("half", 19, part(4, struct.pack("<e", 0.25))),
        tensor("int64 content", 9, part(4, struct.pack("<q", -3))),
        tensor("float packed", 1, part(5, struct.pack("<f", 1.5))),
        tensor("float alone", 1, b"\x2d" + struct.pack("<f", 2.5)),
        tensor("double packed", 2, part(6, struct.pack("<d", 0.3))),
        tensor("int alone", 3, b"\x38" + varint(-5)),
        tensor("int64 packed", 9, part(10, varint(12345))),
        tensor("vector", 1, part(4, struct.pack("<ff", 1, 2))),
        tensor("vector packed", 1, part(5, struct.pack("<ff", 1, 2))),
        tensor("note", 7, part(8, "a text"), "text"),
        part(1, "picture") + part(4, b"\x08\x01"),
        part(1, "histogram") + part(5, struct.pack("<d", 1)),
    ]  # fmt: skip
    written(tmp_path / "logs", HEAD + event(1.0, 0, *values))
    vw.import_runs(tmp_path / "logs")
    (run,) = all_runs().runs
    assert dict(run.metrics) == {
        "float content": 0.5, "double content": 0.1, "half": 0.25, "int64 content": -3.0, "float packed": 1.5,
        "float alone": 2.5, "double packed": 0.3, "int alone": -5.0, "int64 packed": 12345.0,
    }  # fmt: skip
    assert run.params == {"note": "a text"}


def test_hyperparameters_become_parameters_without_secrets(tmp_path) -> None:
    def parameter(name: str, value: bytes) -> bytes:
        return part(1, part(1, name) + part(2, value))

    start = b"".join(
        [
            parameter("rate", b"\x11" + struct.pack("<d", 0.1)),
            parameter("optimizer", part(3, "sgd")),
            parameter("nesterov", b"\x20\x01"),
            parameter("api_key", part(3, "abc")),
        ]
    )
    told = part(1, "_hparams_/session_start_info") + part(
        9, part(1, part(1, "hparams") + part(2, part(3, start)))
    )
    written(tmp_path / "logs", HEAD + event(1.0, 0, told, simple("loss", 1.0)))
    vw.import_runs(tmp_path / "logs")
    (run,) = all_runs().runs
    assert run.params == {"rate": 0.1, "optimizer": "sgd", "nesterov": True, "api_key": "[hidden]"}


def test_numbers_without_a_value_are_left_out(tmp_path) -> None:
    values = [float("nan"), float("inf"), 0.5, float("nan")]
    content = b"".join(event(1.0, step, simple("loss", value)) for step, value in enumerate(values))
    written(tmp_path / "logs", HEAD + content)
    vw.import_runs(tmp_path / "logs")
    (run,) = all_runs().runs
    assert run.curves == {"loss": [(2, 0.5)]}
    assert run.metrics["loss"] == 0.5


def test_long_records_are_passed_over(tmp_path) -> None:
    picture = event(1.0, 0, part(1, "picture") + part(4, bytes(1 << 20)))
    path = written(
        tmp_path, HEAD + event(1.0, 0, simple("a", 1.0)) + picture + event(2.0, 1, simple("a", 2.0))
    )
    log = EventLog()
    read_events(path / "events.out.tfevents.1", log)
    assert (log.points, log.problems) == ({"a": [(0, 1.0), (1, 2.0)]}, [])
    written(tmp_path, HEAD + picture[:-5])
    log = EventLog()
    read_events(tmp_path / "events.out.tfevents.1", log)
    assert "is cut off" in log.problems[0]


def test_a_damaged_record_keeps_what_stands_before_and_says_where(tmp_path) -> None:
    whole = losses(5)
    spoiled = bytearray(whole + event(1.0, 5, simple("loss", 9.0)))
    spoiled[-10] ^= 1
    written(tmp_path / "logs", bytes(spoiled))
    made = CliRunner().invoke(
        app, ["runs", "import", str(tmp_path / "logs"), "--json"], standalone_mode=False
    )
    assert made.return_value == 1
    (problem,) = json.loads(made.output)["problems"]
    assert (
        problem
        == f"events.out.tfevents.1: record 7 at byte {len(whole)} is damaged; what stands before was kept"
    )
    assert len(all_runs().runs[0].curves["loss"]) == 5


@given(st.integers(0, 10_000), st.integers(1, 255), st.booleans())
def test_whatever_is_damaged_the_rest_is_what_it_was(tmp_path_factory, at, flip, cut) -> None:
    whole = losses(12)
    at %= len(whole)
    spoiled = whole[:at] if cut else whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :]
    path = tmp_path_factory.mktemp("damage") / "events.out.tfevents.1"
    path.write_bytes(spoiled)
    log, sound = EventLog(), EventLog()
    read_events(path, log)
    path.write_bytes(whole)
    read_events(path, sound)
    kept, all_of_them = log.points.get("loss", []), sound.points["loss"]
    assert kept == all_of_them[: len(kept)]
    assert len(log.problems) == (0 if cut and len(spoiled) in ends(whole) else 1)


def ends(content: bytes) -> set[int]:
    """Where records end."""
    found, at = {0}, 0
    while at < len(content):
        at += 16 + int.from_bytes(content[at : at + 8], "little")
        found.add(at)
    return found


@given(st.binary(max_size=60))
def test_a_sound_record_of_anything_raises_nothing(tmp_path_factory, body) -> None:
    path = tmp_path_factory.mktemp("any") / "events.out.tfevents.1"
    path.write_bytes(
        HEAD + record(body) + record(part(5, part(1, body))) + record(part(5, part(1, part(8, body))))
    )
    log = EventLog()
    read_events(path, log)
    assert log.records >= 1


def test_event_files_of_the_original_are_read_alike(tmp_path) -> None:
    pytest.importorskip("tensorboard")
    pytest.importorskip("torch")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(tmp_path / "logs"))
    for step in range(300):
        writer.add_scalar("loss", random.Random(step).random(), step)
    writer.close()
    vw.import_runs(tmp_path / "logs")
    theirs = EventAccumulator(str(tmp_path / "logs"), size_guidance={"scalars": 0})
    theirs.Reload()
    assert all_runs().runs[0].curves["loss"] == [(e.step, e.value) for e in theirs.Scalars("loss")]


# ---- CSV ----


def imported(tmp_path, text: str, name: str = "log.csv") -> list[Run]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    vw.import_runs(tmp_path / name)
    return all_runs().runs


def test_a_history_of_wandb(tmp_path) -> None:
    (run,) = imported(
        tmp_path,
        "_step,_runtime,_timestamp,loss,val/acc,optimizer,empty\n"
        "0,1.5,1700000000,0.9,,adam,\n1,2.5,1700000010,0.5,0.75,adam,\n2,4,1700000020,NaN,Infinity,adam,\n",
    )
    assert (run.kind, run.name, run.began, run.seconds) == ("csv", "log", "2023-11-14T22:13:20.000Z", 4.0)
    assert run.curves == {"loss": [(0, 0.9), (1, 0.5)], "val/acc": [(1, 0.75)]}
    assert dict(run.metrics) == {"loss": 0.5, "val/acc": 0.75}
    assert run.params == {"optimizer": "adam"}


def test_a_table_of_runs_of_wandb(tmp_path) -> None:
    text = (
        '"Name","State","Created","Runtime","lr","optimizer","acc"\n'
        '"calm-sea-1","finished","2024-01-02T03:04:05.000Z","60","0.1","adam","0.9"\n'
        '"calm-sea-1","crashed","2024-01-03T03:04:05","5","0.01","sgd",""\n'
    )
    first, second = imported(tmp_path, text)
    assert (first.name, first.status, first.began, first.seconds) == (
        "calm-sea-1", "done", "2024-01-02T03:04:05.000Z", 60.0,
    )  # fmt: skip
    assert first.params == {"optimizer": "adam"}
    assert dict(first.metrics) == {"lr": 0.1, "acc": 0.9}
    assert (second.status, dict(second.metrics)) == ("failed", {"lr": 0.01})
    longer = imported(tmp_path, text + '"new","finished","2024-01-04","1","1","adam","0.5"\n', "again.csv")
    assert [run.name for run in longer] == ["calm-sea-1", "calm-sea-1", "new"]


def test_a_panel_of_wandb(tmp_path) -> None:
    a, b = imported(
        tmp_path,
        '"Step","run-a - loss","run-a - loss__MIN","run-a - loss__MAX","b - loss","b - loss__MIN"\n'
        '"0","0.5","0.4","0.6","1.5",""\n"10","0.25","0.2","0.3","",""\n',
    )
    assert (a.name, a.curves) == ("run-a", {"loss": [(0, 0.5), (10, 0.25)]})
    assert (b.name, b.curves) == ("b", {"loss": [(0, 1.5)]})


def test_a_panel_of_wandb_counts_by_the_steps_of_each_run(tmp_path) -> None:
    a, b = imported(
        tmp_path,
        '"Relative Time (Process)","a - _step","a - _step__MIN","a - _step__MAX","a - train/loss",'
        '"a - train/loss__MIN","a - train/loss__MAX","b - train/loss","b - train/loss__MIN"\n'
        '"1.5","10","10","10","0.5","0.5","0.5","3","3"\n"1.75","20","20","20","0.25","0.2","0.3","2","2"\n',
    )
    assert (a.name, a.curves, dict(a.metrics)) == (
        "a", {"train/loss": [(10, 0.5), (20, 0.25)]}, {"train/loss": 0.25},
    )  # fmt: skip
    assert (b.name, b.curves) == ("b", {"train/loss": [(0, 3.0), (1, 2.0)]})


def test_a_panel_of_wandb_of_one_run(tmp_path) -> None:
    (run,) = imported(
        tmp_path, '"Step","train_loss","train_loss__MIN","train_loss__MAX"\n"0","0.5","0.4","0.6"\n'
    )
    assert (run.curves, dict(run.metrics)) == ({"train_loss": [(0, 0.5)]}, {"train_loss": 0.5})


def test_the_own_table_of_trackio(tmp_path) -> None:
    head = "id,timestamp,run_id,run_name,step,metrics\n"
    one, two = imported(
        tmp_path,
        head + '1,2024-01-01T00:00:00,x1,one,0,"{""loss"": 1.0, ""picture"": {""_type"": ""image""}}"\n'
        '2,2024-01-01T00:00:05,x1,one,1,"{""loss"": 0.5, ""acc"": 0.75}"\n'
        '3,2024-01-01T00:00:09,x2,one,0,"{""loss"": 2}"\n',
    )
    assert (one.name, one.curves) == ("one", {"loss": [(0, 1.0), (1, 0.5)], "acc": [(1, 0.75)]})
    assert (two.name, two.curves, two.params) == ("one", {"loss": [(0, 2.0)]}, {"run_id": "x2"})
    (words,) = imported(tmp_path / "..", head.replace("run_id,", "") + "1,2024-01-01,o,0,[1]\n", "w.csv")[2:]
    assert words.params == {"metrics": "[1]"}


def test_a_table_of_runs_of_neptune(tmp_path) -> None:
    (run,) = imported(
        tmp_path,
        "sys/id,sys/name,sys/creation_time,sys/running_time,parameters/lr,parameters/layers,metrics/loss\n"
        "SEA-1,first,2024-05-01T10:00:00Z,12.5,0.001,3,0.25\n",
    )
    assert (run.name, run.seconds) == ("first", 12.5)
    assert run.params == {"sys/id": "SEA-1", "parameters/lr": 0.001, "parameters/layers": 3}
    assert dict(run.metrics) == {"metrics/loss": 0.25}


def test_a_log_of_trackio_holds_several_runs(tmp_path) -> None:
    one, two = imported(
        tmp_path,
        "timestamp,run_name,step,loss\n2024-01-01T00:00:00,one,0,1.0\n2024-01-01T00:00:09,two,0,2.0\n"
        "2024-01-01T00:00:05,one,1,0.5\n2024-01-01T00:00:10,two,1,1.0\n",
    )
    assert (one.name, one.curves, one.seconds) == ("one", {"loss": [(0, 1.0), (1, 0.5)]}, 5.0)
    assert (two.name, two.curves, two.began) == (
        "two",
        {"loss": [(0, 2.0), (1, 1.0)]},
        "2024-01-01T00:00:09.000Z",
    )


def test_any_log_with_epochs_and_one_in_tabs(tmp_path) -> None:
    (run,) = imported(tmp_path, "\ufeffepoch\tloss\n0\t3\n1\t2\n", "keras.tsv")
    assert (run.name, run.curves) == ("keras", {"loss": [(0, 3.0), (1, 2.0)]})


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_numbers_come_back_to_the_last_bit(tmp_path_factory, values) -> None:
    path = tmp_path_factory.mktemp("csv") / "log.csv"
    path.write_text("step,x\n" + "".join(f"{step},{value!r}\n" for step, value in enumerate(values)))
    (run,) = read_log(path)
    assert run.points["x"] == list(enumerate(values))


def test_an_import_that_was_killed_is_made_again_whole(tmp_path) -> None:
    (run,) = imported(tmp_path, "step,loss\n0,1\n1,2\n")
    journal = tmp_path / "runs" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))  # without its end
    again = vw.import_runs(tmp_path / "log.csv")
    assert again.made == [run.id]
    (found,) = all_runs().runs
    assert found.curves == {"loss": [(0, 1.0), (1, 2.0)]}
    assert found.status == "done"


def test_a_curve_in_the_journal_that_is_none_is_passed_over() -> None:
    append({"event": "begin", "run": "abcd"})
    curves = {"a": 5, "b": [[1, 2.5], [True, 1], ["x", 1], [1], [1, None], 7], "c": {}}
    append({"event": "log", "run": "abcd", "curves": curves})
    assert all_runs().runs[0].curves == {"a": [], "b": [(1, 2.5)], "c": []}


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("log.csv", b"a,b\n1,2\n", Inapplicable, "columns `a`, `b`, and none"),
        ("log.csv", b"step,b\n", EmptyInput, "holds no runs"),
        ("log.csv", b"", EmptyInput, "holds no runs"),
        ("log.csv", b"step,b\n1,2\n1,2,3\n", BadRow, "line 3: 3 fields"),
        ("log.csv", b"step,b\n1,\xff\n", WrongEncoding, "not UTF-8"),
        ("log.csv", b'step,b\n1,"2\n', BadRow, "line 2"),
        ("log.txt", b"x", UnknownFormat, "no log that is known"),
        ("events.out.tfevents.1", HEAD, EmptyInput, "no scalars"),
        ("events.out.tfevents.1", b"nonsense", EmptyInput, "cut off"),
    ],
)
def test_what_is_no_log_is_refused_with_the_reason(tmp_path, name, content, error, words) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=words):
        vw.import_runs(tmp_path / name)
    assert all_runs().runs == []


def test_nothing_there_and_an_empty_folder(tmp_path) -> None:
    with pytest.raises(FileMissing, match="nothing at"):
        vw.import_runs(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyInput, match="holds no runs"):
        vw.import_runs(tmp_path / "empty")


def test_the_command_tells_how_many(tmp_path) -> None:
    (tmp_path / "log.csv").write_text("step,loss\n0,1\n")
    made = CliRunner().invoke(app, ["runs", "import", str(tmp_path / "log.csv")])
    assert made.exit_code == 0
    assert "1 run imported, 0 there already" in made.output
    assert repr(vw.import_runs(tmp_path / "log.csv")) == "Imported 0 runs; 1 were there already"
    assert "imported from" in CliRunner().invoke(app, ["runs", "show", "last"]).output
