"""Files and datasets under faults: the N-th call fails, the power goes, the process is killed."""

import errno
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from vecwise.errors import FileMissing, Unreadable, VecwiseError
from vecwise.store.datasets import load, save
from vecwise.store.durable import CALLS, make_folder, replacing, write_bytes, write_text
from vecwise.vectors import Vectors


class Disk:
    """Stands in for the system calls of a durable write: logs them, and fails one on demand."""

    def __init__(self, monkeypatch):
        self.log, self.names, self.fails, self.error = [], {}, {}, errno.EIO
        self.real = {name: getattr(CALLS, name) for name in ("open", "write", "fsync", "close", "replace")}
        for name in self.real:
            monkeypatch.setattr(CALLS, name, getattr(self, name))

    def fail(self, call, code=errno.EIO):
        """Let the call of this number, counted over all calls, or every call of this name, fail."""
        self.log.clear()
        self.fails, self.error = call, code

    def _step(self, name, *what):
        self.log.append((name, *what))
        if self.fails in (name, len(self.log)):
            raise OSError(self.error, os.strerror(self.error))

    def open(self, path, *rest):
        self._step("open", Path(path))
        descriptor = self.real["open"](path, *rest)
        self.names[descriptor] = Path(path)
        return descriptor

    def write(self, descriptor, data):
        self._step("write", self.names[descriptor], bytes(data))
        return self.real["write"](descriptor, data)

    def fsync(self, descriptor):
        self._step("fsync", self.names[descriptor])
        self.real["fsync"](descriptor)

    def close(self, descriptor):
        self.real["close"](descriptor)

    def replace(self, old, new):
        self._step("replace", Path(old), Path(new))
        self.real["replace"](old, new)


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


# ---- one file ----


def test_the_order_is_write_fsync_rename_fsync_of_the_folder(disk, tmp_path):
    write_bytes(tmp_path / "a.txt", b"sea")
    temporary = disk.log[0][1]
    assert temporary.parent == tmp_path
    assert disk.log == [
        ("open", temporary),
        ("write", temporary, b"sea"),
        ("fsync", temporary),
        ("replace", temporary, tmp_path / "a.txt"),
        ("open", tmp_path),
        ("fsync", tmp_path),
    ]
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_the_old_file_survives_a_fault_at_any_call(disk, tmp_path, code):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    disk.fail(0)
    write_text(path, "old")
    for number in range(1, len(disk.log) + 1):
        disk.fail(number, code)
        with pytest.raises(Unreadable, match=r"Cannot write `.*a\.txt`: \w"):
            write_text(path, "new")
        renamed = "replace" in [call[0] for call in disk.log[:-1]]
        assert path.read_text() == ("new" if renamed else "old")
        assert os.listdir(tmp_path) == ["a.txt"]
        disk.fail(0)
        write_text(path, "old")


def test_short_writes_are_continued(disk, tmp_path, monkeypatch):
    monkeypatch.setattr(CALLS, "write", lambda descriptor, data: disk.write(descriptor, data[:2]))
    write_text(tmp_path / "a.txt", "seven letters")
    assert (tmp_path / "a.txt").read_text() == "seven letters"
    monkeypatch.setattr(CALLS, "write", lambda *_: 0)
    with pytest.raises(Unreadable, match="the disk reports an error"):
        write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "seven letters"


def test_reasons_are_given_in_words(disk, tmp_path):
    for code, words in (
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "read-only"),
    ):
        disk.fail("write", code)
        with pytest.raises(Unreadable, match=words):
            write_text(tmp_path / "a.txt", "new")
    disk.fail(0)
    with pytest.raises(Unreadable, match="it is a folder"):
        write_text(tmp_path, "new")
    with pytest.raises(FileMissing, match=r"no folder `.*nowhere`"):
        write_text(tmp_path / "nowhere" / "a.txt", "new")
    with pytest.raises(Unreadable, match="too long"):
        make_folder(tmp_path / ("x" * 300))
    assert os.listdir(tmp_path) == []


def test_devices_are_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unreadable, match="a device or a pipe"):
        write_text(tmp_path / "pipe", "new")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_mode_follows_the_umask_and_links_are_followed(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "old")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640
    (tmp_path / "link").symlink_to("a.txt")
    write_text(tmp_path / "link", "é")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a.txt").read_bytes() == "é".encode()


def test_an_error_in_the_block_leaves_nothing(tmp_path):
    def half_a_file():
        with replacing(tmp_path / "a.txt") as out:
            out.write(b"half")
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        half_a_file()
    assert os.listdir(tmp_path) == []


def test_made_folders_are_brought_to_the_disk(disk, tmp_path):
    make_folder(tmp_path / "a" / "b")
    assert [call for call in disk.log if call[0] == "fsync"] == [
        ("fsync", tmp_path),
        ("fsync", tmp_path / "a"),
    ]
    make_folder(tmp_path / "a" / "b")
    assert len(disk.log) == 4


# ---- a dataset ----


def vectors(number, rows=40):
    values = np.full((rows, 3), number, np.float32)
    return Vectors(values, ids=[f"{number}-{i}" for i in range(rows)], rows=pa.table({"n": [number] * rows}))


def number_in(folder):
    """Which of the saved vectors the folder holds, after checking that it holds nothing else."""
    found, encoder = load(folder)
    number = int(found.values[0, 0])
    assert encoder == {"number": number}
    truth = vectors(number, len(found))
    assert np.array_equal(found.values, truth.values)
    assert found.ids.tolist() == truth.ids.tolist()
    assert found.rows.equals(truth.rows)
    return number


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_save_that_fails_at_any_call_keeps_the_old_vectors(disk, tmp_path, code):
    folder = tmp_path / "points"
    save(vectors(1), folder, encoder={"number": 1})
    disk.fail(0)
    save(vectors(1), folder, encoder={"number": 1})
    calls = len(disk.log)
    assert calls > 10
    for number in range(1, calls + 1):
        disk.fail(number, code)
        with pytest.raises(Unreadable, match="points"):
            save(vectors(2), folder, encoder={"number": 2})
        disk.fail(0)
        assert number_in(folder) == (2 if number > calls - 2 else 1)
        save(vectors(1), folder, encoder={"number": 1})
        assert len(list(folder.glob("part-*"))) == 1
        assert not list(folder.glob(".*"))


def test_a_first_save_that_fails_leaves_nothing(disk, tmp_path):
    for number in range(5, 12):
        disk.fail(number)
        with pytest.raises(Unreadable):
            save(vectors(1), tmp_path / "points")
        assert os.listdir(tmp_path / "points") == []


def test_every_file_is_on_the_disk_before_the_manifest_names_it(disk, tmp_path, monkeypatch):
    monkeypatch.setattr("vecwise.store.parts.PART_BYTES", 1000)
    monkeypatch.setattr("vecwise.store.parts.rows_per_part", lambda *_: 15)
    save(vectors(1), tmp_path / "points")
    names = [call[-1].name for call in disk.log if call[0] == "replace"]
    assert names == ["part-1-0.parquet", "part-1-1.parquet", "part-1-2.parquet", "_manifest.json"]
    steps = [call[0] for call in disk.log if call[0] != "write"][-5:]
    assert steps == ["open", "fsync", "replace", "open", "fsync"]


def states_after_power_loss(log, folder, into):
    """What may be left of a folder when power goes after these calls: for each, the files' durable bytes.

    In one world a rename is lost until its folder is synced, in the other it is there at once; in both a
    file holds only what was synced.
    """
    for eager in (False, True):
        world = into / f"world-{eager}"
        shutil.rmtree(world, ignore_errors=True)
        shutil.copytree(folder, world)
        pending, synced, renames = {}, {}, []
        for call in log:
            if call[0] == "write":
                pending[call[1]] = pending.get(call[1], b"") + call[2]
            elif call[0] == "fsync" and call[1] in pending:
                synced[call[1]] = pending[call[1]]
            elif call[0] == "replace":
                renames.append((synced.get(call[1], b""), call[2].name))
            if eager or call[0] == "fsync":
                for content, name in renames:
                    (world / name).write_bytes(content)
                renames = []
        yield world


def test_power_loss_after_any_call_leaves_the_old_or_the_new(disk, tmp_path):
    folder = tmp_path / "points"
    save(vectors(1), folder, encoder={"number": 1})
    before = shutil.copytree(folder, tmp_path / "before")
    disk.fail(0)
    save(vectors(2), folder, encoder={"number": 2})
    log, found = list(disk.log), []
    for length in range(len(log) + 1):
        found += [number_in(world) for world in states_after_power_loss(log[:length], before, tmp_path)]
    assert sorted(set(found)) == [1, 2]
    assert found[0] == 1
    assert found[-2:] == [2, 2]


SAVING = """
import os, sys, time
import numpy as np, pyarrow as pa, pyarrow.parquet
from vecwise.store.datasets import save
from vecwise.vectors import Vectors

def vectors(number, rows=40):
    values = np.full((rows, 3), number, np.float32)
    return Vectors(values, ids=[f"{number}-{i}" for i in range(rows)], rows=pa.table({"n": [number] * rows}))

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def save_for_ever(folder, number, pause):
    while True:
        number += 1
        save(vectors(number), folder, encoder={"number": number})
        say(number)
        time.sleep(pause)

while line := sys.stdin.readline():  # each line starts a child that is there to be killed
    number, pause = line.split()
    child = os.fork()
    if not child:
        save_for_ever(sys.argv[1], int(number), float(pause))
    say("pid", child)
    os.waitpid(child, 0)
    say("dead")
"""


class Saver:
    """A process that saves 1, 2, 3, … into a folder until it is killed, again and again."""

    def __init__(self, folder):
        command = [sys.executable, "-W", "ignore", "-c", SAVING, str(folder)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def start(self, number, pause=0.0):
        """Let it save from the next number on; returns when the first save is acknowledged."""
        self.process.stdin.write(f"{number} {pause}\n")
        lines = sorted([self.process.stdout.readline(), self.process.stdout.readline()])
        self.acknowledged, self.child = int(lines[0]), int(lines[1].removeprefix("pid "))

    def kill(self):
        """Kill it; gives the last number that it had acknowledged."""
        os.kill(self.child, signal.SIGKILL)
        while (line := self.process.stdout.readline()) != "dead\n":
            self.acknowledged = int(line)
        return self.acknowledged

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def saver(tmp_path):
    made = Saver(tmp_path / "points")
    yield made
    made.close()


def test_a_killed_save_loses_nothing_that_was_acknowledged(saver, tmp_path):
    folder, known, chance = tmp_path / "points", 0, random.Random(11)
    for _ in range(12):
        saver.start(known)
        time.sleep(chance.uniform(0, 0.05))
        acknowledged = saver.kill()
        known = number_in(folder)
        assert acknowledged <= known <= acknowledged + 1
    save(vectors(0), folder, encoder={"number": 0})
    assert (
        len(os.listdir(folder)) <= 3
    )  # the manifest, one part, perhaps the cache: nothing that was left behind


def test_readers_see_whole_generations_while_a_writer_saves(saver, tmp_path):
    folder = tmp_path / "points"
    saver.start(0, pause=0.05)
    seen, end = [], time.monotonic() + 1.5
    try:
        while time.monotonic() < end:
            seen.append(number_in(folder))
    finally:
        saver.kill()
    assert seen == sorted(seen)
    assert len(set(seen)) > 3


def test_a_second_writer_is_told_of_the_first(tmp_path):
    import fcntl

    save(vectors(1), tmp_path, encoder={"number": 1})
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(Unreadable, match="Another process is saving"):
        save(vectors(2), tmp_path, encoder={"number": 2})
    os.close(descriptor)
    assert number_in(tmp_path) == 1


# ---- changed bytes ----


def mutated(raw, chance):
    kind = chance.random()
    if kind < 0.15:
        return raw[: chance.randrange(len(raw))]
    changed = bytearray(raw)
    if kind < 0.3:
        place = chance.randrange(len(raw) - 8)
        changed[place : place + 8] = chance.randbytes(8)
    else:
        changed[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return bytes(changed)


FILES = [("part-*", False), ("part-*", True), ("_manifest.json", False)]
FILES += [("_cache/*.npy", False), ("_cache/*.npy", True), ("_cache/*.json", True)]


@pytest.mark.parametrize(("pattern", "sparse"), FILES)
def test_no_changed_byte_gives_another_answer(tmp_path, pattern, sparse):
    from scipy.sparse import random_array

    chance = random.Random(f"{pattern}{sparse}")
    numbers = np.random.default_rng(3)
    values = (
        random_array((60, 8), density=0.3, rng=numbers, format="csr")
        if sparse
        else numbers.normal(size=(60, 8))
    )
    saved = Vectors(
        values, ids=[f"é{i}\0" for i in range(60)], rows=pa.table({"t": [f"text {i}" for i in range(60)]})
    )
    save(saved, tmp_path / "points", encoder={"kind": "counts"})
    load(tmp_path / "points")  # makes the cache
    files = sorted((tmp_path / "points").glob(pattern))
    refused = 0
    for _ in range(100):
        path = chance.choice(files)
        raw = path.read_bytes()
        path.write_bytes(mutated(raw, chance))
        words = ""
        try:
            found, encoder = load(tmp_path / "points")
        except VecwiseError as error:
            words = str(error)
        if words:
            refused += 1
            assert path.name in words or "newer vecwise" in words
        else:
            assert found.space == saved.space
            assert found.ids.tolist() == saved.ids.tolist()
            assert found.rows.equals(saved.rows)
            assert encoder == {"kind": "counts"}
            same = (
                (found.values != saved.values).nnz == 0
                if sparse
                else np.array_equal(found.values, saved.values)
            )
            assert same
        path.write_bytes(raw)
    assert refused == 0 if "_cache" in pattern else refused > 80


def test_a_manifest_cut_at_any_byte_is_refused(tmp_path):
    save(vectors(1), tmp_path / "points")
    path = tmp_path / "points" / "_manifest.json"
    raw = path.read_bytes()
    for length in range(len(raw) - 1):  # the last byte is a line end
        path.write_bytes(raw[:length])
        with pytest.raises(VecwiseError, match=r"manifest\.json"):
            load(tmp_path / "points")
