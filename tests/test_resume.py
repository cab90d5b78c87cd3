"""Encoding into a folder: stopped anywhere it goes on, no row is encoded twice, and encoders are never mixed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import numpy as np
import pyarrow as pa
import pytest

import vecwise as vw
from conftest import VECWISE
from vecwise import resume
from vecwise.encoders.sentence import SentenceMap
from vecwise.errors import SpaceMismatch, Unreadable
from vecwise.store.journal import FOLDER, Journal, journal


def texts(count: int, start: int = 0) -> list[str]:
    return [f"The {n}th wave broke on the shore" for n in range(start, start + count)]


@pytest.fixture
def encoded(monkeypatch) -> list[str]:
    """Every text that the sentence model is asked to encode; batches are small."""
    seen: list[str] = []
    real = SentenceMap.__call__

    def spy(self, table):
        seen.extend(self.texts(table))
        return real(self, table)

    monkeypatch.setattr(SentenceMap, "__call__", spy)
    monkeypatch.setattr(resume, "BATCH", 8)
    return seen


class Stops:
    """Progress that is interrupted once so many rows are done."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self, done: int, total: int) -> None:
        if done >= self.at:
            raise KeyboardInterrupt


def test_an_interrupted_call_goes_on_where_it_stopped(tmp_path, encoded) -> None:
    rows, folder = texts(40), tmp_path / "v"
    with pytest.raises(KeyboardInterrupt):
        vw.encode(rows, "sentence", into=folder, progress=Stops(at=16))
    assert encoded == rows[:16]
    assert os.listdir(folder) == [FOLDER]
    made = vw.encode(rows, "sentence", into=folder)
    assert encoded == rows  # none twice, none left out
    assert not (folder / FOLDER).exists()
    assert np.abs(made.values - vw.encode(rows, "sentence").values).max() < 1e-6
    assert np.array_equal(vw.open(folder).values, made.values)


def test_rows_that_a_folder_holds_are_not_encoded_again(tmp_path, encoded) -> None:
    folder = tmp_path / "v"
    vw.encode(texts(20), "sentence", into=folder)
    encoded.clear()
    made = vw.encode(texts(30, start=10)[::-1], "sentence", into=folder)
    assert sorted(encoded) == sorted(texts(20, start=20))
    assert made.rows.column("text").to_pylist() == texts(30, start=10)[::-1]
    assert np.abs(made.values - vw.encode(texts(30, start=10)[::-1], "sentence").values).max() < 1e-6


def test_vectors_that_were_changed_are_not_taken_for_the_encoders_own(tmp_path) -> None:
    folder = tmp_path / "v"
    X = vw.encode(texts(4), "sentence", into=folder)
    vw.save(2 * X, folder)
    assert np.allclose(vw.norms(vw.encode(texts(4), "sentence", into=folder)), 1)
    chain = vw.ChainEncoder("sentence", steps=["pca:2"])
    vw.encode(texts(4), chain, into=folder)
    assert vw.encode(texts(4), "sentence", into=folder).shape == (4, 512)


def test_a_row_is_known_by_the_names_of_its_columns(tmp_path) -> None:
    rows = pa.table({"a": [1, 2], "b": [3, 4], "t": ["tide", "gull"]})
    encoder = vw.TableEncoder(["a", "b", "t"], text={"t": vw.SentenceEncoder()}).fit(rows)

    def killed(done: int, total: int) -> None:
        if done >= 2:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        vw.encode(rows, encoder, into=tmp_path / "v", progress=killed)
    swapped = pa.table({"b": [1, 2], "a": [3, 4], "t": ["tide", "gull"]})
    made = vw.encode(swapped, encoder, into=tmp_path / "v")
    assert made.values[:, :2].tolist() == [[3, 1], [4, 2]]


def test_files_of_others_are_left_alone(tmp_path) -> None:
    folder = tmp_path / "v"
    (folder / FOLDER).mkdir(parents=True)
    (folder / FOLDER / "notes.txt").write_text("mine")
    vw.encode(texts(3), "sentence", into=folder)
    assert (folder / FOLDER / "notes.txt").read_text() == "mine"
    (tmp_path / "docs").mkdir()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / FOLDER).symlink_to(tmp_path / "docs")
    with pytest.raises(Unreadable, match="is a link"):
        vw.encode(texts(3), "sentence", into=tmp_path / "linked")
    (tmp_path / "empty").mkdir()
    with pytest.raises(vw.errors.MissingValue):
        vw.encode(["a", None], "sentence", into=tmp_path / "empty")
    assert (tmp_path / "empty").is_dir()


def test_equal_rows_are_encoded_once(tmp_path, encoded) -> None:
    seen: list[tuple[int, int]] = []
    made = vw.encode(
        ["a tide", "a gull"] * 20, "sentence", into=tmp_path / "v", progress=lambda *p: seen.append(p)
    )
    assert encoded == ["a tide", "a gull"]
    assert seen[-1] == (40, 40)
    assert np.array_equal(made.values[0], made.values[38])


def test_a_chain_keeps_what_its_encoder_did(tmp_path, encoded) -> None:
    chain = vw.ChainEncoder("sentence", steps=["pca:2"])
    with pytest.raises(KeyboardInterrupt):
        vw.encode(texts(40), chain, into=tmp_path / "v", progress=Stops(at=24))
    made = vw.encode(texts(40), chain, into=tmp_path / "v")
    assert encoded == texts(40)
    assert made.shape == (40, 2)
    assert vw.open(tmp_path / "v").space == made.space


def test_a_table_with_sentences_in_it_goes_on_too(tmp_path, encoded) -> None:
    rows = pa.table({"about": texts(40), "rooms": list(range(40))})
    encoder = vw.TableEncoder(text={"about": vw.SentenceEncoder()}, scale={"rooms": "standard"})
    with pytest.raises(KeyboardInterrupt):
        vw.encode(rows, encoder, into=tmp_path / "v", progress=Stops(at=24))
    encoded.clear()
    made = vw.encode(rows, encoder, into=tmp_path / "v")
    assert encoded == texts(16, start=24)
    assert np.abs(made.values - vw.encode(rows, encoder).values).max() < 1e-6


def test_unfinished_work_of_another_encoder_is_not_mixed_in(tmp_path, encoded) -> None:
    folder = tmp_path / "v"
    with pytest.raises(KeyboardInterrupt):
        vw.encode(texts(20), "sentence", into=folder, progress=Stops(at=8))
    with journal(folder) as kept, pytest.raises(SpaceMismatch, match="another encoder"):
        kept.begin("sentence-of-other-weights")
    with pytest.raises(SpaceMismatch, match="another encoder"):
        vw.encode(["a b"], "count", into=folder)
    assert len(os.listdir(folder / FOLDER)) == 1
    assert not (folder / "_manifest.json").exists()


def test_a_batch_that_is_not_what_was_written_is_encoded_again(tmp_path, encoded) -> None:
    folder = tmp_path / "v"
    with pytest.raises(KeyboardInterrupt):
        vw.encode(texts(20), "sentence", into=folder, progress=Stops(at=16))
    broken = sorted((folder / FOLDER).iterdir())[0]
    broken.write_bytes(broken.read_bytes()[:-3])
    encoded.clear()
    made = vw.encode(texts(20), "sentence", into=folder)
    assert sorted(encoded) == sorted(texts(8) + texts(4, start=16))
    assert np.abs(made.values - vw.encode(texts(20), "sentence").values).max() < 1e-6


def test_a_failure_leaves_the_old_vectors_and_no_empty_folder(tmp_path) -> None:
    with pytest.raises(vw.errors.MissingValue):
        vw.encode(["a", None], "sentence", into=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(Unreadable, match=r"thesis\.txt"):
        vw.encode(["a"], "sentence", into=tmp_path / "mine")
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]


def test_one_process_at_a_time(tmp_path) -> None:
    with journal(tmp_path / "v"), pytest.raises(Unreadable, match="Another process"):
        vw.encode(["a"], "sentence", into=tmp_path / "v")


def test_cheap_encoders_save_into_a_folder_too(tmp_path) -> None:
    made = vw.encode(pa.table({"rooms": [3, 4]}), into=tmp_path / "v")
    assert vw.open(tmp_path / "v").space == made.space
    assert vw.encode(["a b", "b c"], "count", into=tmp_path / "v").shape == (2, 3)
    assert vw.open(tmp_path / "v").shape == (2, 3)


def test_a_journal_gives_what_it_was_given(tmp_path) -> None:
    rng = np.random.default_rng(0)
    names = [bytes(rng.integers(0, 256, 16, dtype=np.uint8)) for _ in range(30)]
    values = rng.standard_normal((30, 4)).astype(np.float32)
    with journal(tmp_path / "v") as kept:
        kept.begin("f")
        kept.add(names[:10], values[:10])
        kept.add(names[10:], values[10:])
    with journal(tmp_path / "v") as kept:
        kept.begin("f")
        order = rng.permutation(30)
        assert np.array_equal(kept.vectors([names[i] for i in order], 4, np.float32), values[order])
        assert names[3] in kept
        assert b"\0" * 16 not in kept
        kept.remove()
    assert not (tmp_path / "v" / FOLDER).exists()
    assert Journal(tmp_path / "none").vectors([], 4, np.float32).shape == (0, 4)


@pytest.mark.parametrize(
    ("kill", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_command_that_is_killed_goes_on(tmp_path, kill, status) -> None:
    rows = [f"{n} gulls and {n * 7} boats went out past the harbour wall at dawn" for n in range(5000)]
    (tmp_path / "many.txt").write_text("\n".join(rows))
    command = [VECWISE, "encode", str(tmp_path / "many.txt"), "-o", str(tmp_path / "v"), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    inside = tmp_path / "v" / FOLDER
    until = time.monotonic() + 60
    while time.monotonic() < until and not (
        inside.is_dir() and any("rows-" in n for n in os.listdir(inside))
    ):
        time.sleep(0.02)
    process.send_signal(kill)
    _, said = process.communicate(timeout=60)
    assert process.returncode == status
    if kill != signal.SIGKILL:
        assert "rows are kept in" in said
        assert len(said.strip().splitlines()) == 1
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(again.stdout)
    assert 1024 <= told["known"] < 5000
    made = vw.open(tmp_path / "v")
    assert made.rows.column("text").to_pylist() == rows
    few = [0, 5, 1023, 1024, 3000, 4999]
    assert np.abs(made[few].values - vw.encode([rows[i] for i in few], "sentence").values).max() < 1e-6
