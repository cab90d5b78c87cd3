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
QUICK = "VECWISE_QUICK"  # set by --quick: a tenth of the rows, one round


@dataclass(frozen=True)
class Work:
    """One row of a table: what is done, against whom, and the least time the machine would allow."""

    name: str
    peer: str
    prepare: Callable[[], tuple[Contender, Contender | None]]
    floor: str = ""  # bytes over bandwidth or operations over rate, in words
    rounds: int = 5
    least: str = ""  # the ratio that is asked for
    bound: Callable[[], float] | None = None  # the floor in seconds, from what `floors` measures


@dataclass(frozen=True)
class Measured:
    """What one row of a table holds; seconds, the ratio peer / ours, and peak memory in MB."""

    work: Work
    ours: float
    peer: float | None
    ratio: float | None
    floor: float | None
    peaks: tuple[str, ...]


def scaled(rows: int) -> int:
    """So many rows, or a tenth of them in a quick run."""
    return rows // 10 if os.environ.get(QUICK) else rows


def alone() -> bool:
    """Whether this process runs one contender once, for its peak memory: no need to compare answers again."""
    return len(sys.argv) == 3 and sys.argv[2] in ("ours", "peer")


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    return f"{_processor()}, {cores()} cores, Python {platform.python_version()}\n" + ", ".join(
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


def run(works: Sequence[Work], packages: Sequence[str]) -> list[Measured]:
    """Print a row for every work; `NAME ours` or `NAME peer` as arguments runs one contender once and its peak."""
    if alone():
        _once(next(work for work in works if work.name == sys.argv[1]), sys.argv[2])
        return []
    names = [name for name in sys.argv[1:] if not name.startswith("--")]
    chosen = [work for work in works if not names or any(name in work.name for name in names)]
    print(machine(packages))
    print(
        f"\n{'':<46}{'vecwise':>11}{'peer':>11}{'faster':>9}{'asked':>7}{'floor':>11}{'peak MB':>12}   peer"
    )
    made = []
    for work in chosen:
        made.append(measured(work))
        print(_row(made[-1]), flush=True)
    return made


def measured(work: Work) -> Measured:
    """Both contenders in turn, their peaks, and the floor."""
    rounds = 1 if os.environ.get(QUICK) else work.rounds
    ours, theirs = work.prepare()
    if theirs is None:
        mine, other, ratio = statistics.median([seconds(ours) for _ in range(rounds + 1)][1:]), None, None
    else:
        mine, other, ratio = in_turn(ours, theirs, rounds)
    del ours
    peaks = tuple(_peak(work, side) for side in (("ours", "peer") if theirs else ("ours",)))
    return Measured(work, mine, other, ratio, work.bound() if work.bound else None, peaks)


def duration(value: float | None) -> str:
    """Seconds as they are read: "1.25 s", "3.1 ms"."""
    if value is None:
        return ""
    return (
        f"{value:.2f} s"
        if value >= 0.1
        else f"{value * 1e3:.1f} ms"
        if value >= 1e-4
        else f"{value * 1e6:.0f} µs"
    )


def _row(found: Measured) -> str:
    work = found.work
    ratio = "" if found.ratio is None else f"{found.ratio:.2f} x"
    cells = (
        f"{work.name:<46}{duration(found.ours):>11}{duration(found.peer):>11}{ratio:>9}{work.least:>7}"
        f"{duration(found.floor):>11}{'/'.join(found.peaks):>12}   {work.peer}"
    )
    return cells + (f"\n    floor: {work.floor}" if work.floor else "")


def _peak(work: Work, side: str) -> str:
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    module = ["-m", spec.name.removesuffix(".__main__")] if spec is not None else [sys.argv[0]]
    made = subprocess.run(
        [sys.executable, *module, work.name, side], capture_output=True, text=True, check=True
    )
    return made.stdout.split()[-1].split("->")[-1]


def _once(work: Work, side: str) -> None:
    ours, theirs = work.prepare()
    before = high_water()
    (ours if side == "ours" or theirs is None else theirs)()
    print(f"{before}->{high_water()}")


def high_water() -> int:
    """The most memory this process held, in MB; `getrusage` would give a child its parent's."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM"))
