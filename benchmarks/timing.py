"""How the benchmarks measure: two contenders in turn, the median of their ratios, and the peak memory of each alone.

A `Work` prepares its input once and gives two functions, ours and the peer's, which make the same output. Rounds
run both one after the other, so that a busy machine slows both; the first round warms caches and is not counted.
Peak memory is that of a fresh process in which one contender ran once.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

Contender = Callable[[], object]


@dataclass(frozen=True)
class Work:
    """One row of a table: what is done, against whom, and the least time the machine would allow."""

    name: str
    peer: str
    prepare: Callable[[], tuple[Contender, Contender | None]]
    floor: str = ""  # bytes over bandwidth or operations over rate, in words
    rounds: int = 5
    least: str = ""  # the ratio that is asked for


def seconds(work: Contender) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(ours: Contender, theirs: Contender, rounds: int = 7) -> tuple[float, float, float]:
    """Median seconds of both and the median of the ratios, pair by pair."""
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds + 1)][1:]
    ratio = statistics.median(theirs / ours for ours, theirs in pairs)
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), ratio


def machine(packages: Sequence[str]) -> str:
    """The processor, its cores, Python and the versions of packages, in two lines."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_processor()}, {cores} cores, Python {platform.python_version()}\n" + ", ".join(
        f"{name} {_version(name)}" for name in packages
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
        return names[0] if names else platform.machine()
    except OSError:
        return platform.processor() or platform.machine()


def run(works: Sequence[Work], packages: Sequence[str]) -> None:
    """Print a row for every work; `NAME ours` or `NAME peer` as arguments runs one contender once and its peak."""
    if len(sys.argv) == 3:
        _once(next(work for work in works if work.name == sys.argv[1]), sys.argv[2])
        return
    chosen = [work for work in works if len(sys.argv) < 2 or sys.argv[1] in work.name]
    print(machine(packages))
    print(f"\n{'':<44}{'vecwise':>10}{'peer':>10}{'faster':>9}{'asked':>7}{'peak MB':>15}   peer")
    for work in chosen:
        print(_row(work), flush=True)


def _row(work: Work) -> str:
    ours, theirs = work.prepare()
    if theirs is None:
        mine = statistics.median([seconds(ours) for _ in range(work.rounds + 1)][1:])
        times = f"{mine:>8.2f} s{'':>10}{'':>9}"
    else:
        mine, other, ratio = in_turn(ours, theirs, work.rounds)
        times = f"{mine:>8.2f} s{other:>8.2f} s{ratio:>7.1f} x"
    peaks = "/".join(_peak(work, side) for side in (("ours", "peer") if theirs else ("ours",)))
    row = f"{work.name:<44}{times}{work.least:>7}{peaks:>15}   {work.peer}"
    return row + (f"\n    floor: {work.floor}" if work.floor else "")


def _peak(work: Work, side: str) -> str:
    made = subprocess.run(
        [sys.executable, sys.argv[0], work.name, side], capture_output=True, text=True, check=True
    )
    return made.stdout.split()[-1]


def _once(work: Work, side: str) -> None:
    ours, theirs = work.prepare()
    before = high_water()
    (ours if side == "ours" or theirs is None else theirs)()
    print(f"{before}->{high_water()}")


def high_water() -> int:
    """The most memory this process held, in MB; `getrusage` would give a child its parent's."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM"))
