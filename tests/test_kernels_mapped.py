"""Mapped files: what was passed leaves memory, and every number stays right."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import vecwise as vw
from vecwise.kernels import mapped
from vecwise.kernels.mapped import passed
from vecwise.runner import blocks, chunks


def test_numbers_are_the_same_when_pages_have_left(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(mapped, "BEHIND", 8_192)
    truth = np.random.default_rng(0).standard_normal((5_000, 16)).astype(np.float32)
    np.save(tmp_path / "x.npy", truth)
    held = np.load(tmp_path / "x.npy", mmap_mode="r")
    early = held[:10]
    assert np.array_equal(np.concatenate(list(blocks(held))), truth)
    assert np.array_equal(np.concatenate([part.values for part in chunks(vw.Vectors(held), 64)]), truth)
    assert np.array_equal(early, truth[:10])  # read again from the file


@pytest.mark.parametrize("mode", ["c", "r+"])
def test_maps_that_can_be_written_are_left_alone(tmp_path, monkeypatch, mode) -> None:
    monkeypatch.setattr(mapped, "BEHIND", 1)
    np.save(tmp_path / "x.npy", np.zeros((4_000, 16)))
    held = np.load(tmp_path / "x.npy", mmap_mode=mode)
    held[:] = 1.0  # would be lost with its pages
    assert list(passed(held, range(0, 4_000, 100))) == list(range(0, 4_000, 100))
    assert (held == 1).all()


def test_what_is_not_mapped_passes_through() -> None:
    for values in (np.zeros((3, 2)), np.zeros((2, 3)).T, [[1]]):
        assert list(passed(values, range(3))) == [0, 1, 2]


def test_a_pass_over_a_large_file_needs_little_memory(tmp_path) -> None:
    np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.float32, shape=(400_000, 256))[:] = 1
    code = f"""
import numpy as np
from vecwise.runner import blocks
def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM"))
held = np.load({str(tmp_path / "x.npy")!r}, mmap_mode="r")
before = peak()
print(sum(float(block.sum()) for block in blocks(held)), peak() - before)
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    total, grown = made.stdout.split()
    assert float(total) == 400_000 * 256
    assert int(grown) < 200  # of 400 MB
