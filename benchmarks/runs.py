"""What tracking costs: a command with and without it, and a list of very many runs, beside MLflow's own.

    python -m benchmarks.runs [--runs 10000] [--mlflow 200]

Whole processes in turn. MLflow's store is filled with fewer runs, since each takes it far longer to write than ours.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import duration, in_turn, machine, seconds

ROUNDS = 15
METRICS = 200


def command(folder: Path, *words: str) -> None:
    """Run a command to its end, with its journal in this folder."""
    subprocess.run(
        words,
        env={**os.environ, "VECWISE_RUNS": str(folder), "VECWISE_TRACK": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def vecwise(folder: Path, *words: str) -> None:
    command(folder, sys.executable, "-m", "vecwise", *words)


def fill(folder: Path, runs: int) -> None:
    """A journal of so many runs with 200 metrics each, as commands write it."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(0)
    with open(folder / "journal.jsonl", "w", encoding="ascii") as file:
        for number in range(runs):
            run = f"{number:010x}"
            began = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(1.7e9 + number))
            params = {"rate": chance.random(), "encoder": chance.choice(("table", "count"))}
            metrics = {f"metric_{k}": chance.gauss(0, 1) for k in range(METRICS)}
            events = [
                {
                    "event": "begin",
                    "run": run,
                    "time": began,
                    "kind": "encode",
                    "name": "x.csv",
                    "params": params,
                },
                {"event": "log", "run": run, "metrics": metrics},
                {"event": "end", "run": run, "time": began, "status": "done", "seconds": 1.5},
            ]
            for event in events:
                file.write(json.dumps({"v": 1, **event}, separators=(",", ":")) + "\n")


def overhead(folder: Path) -> None:
    """`vecwise similar a b` with and without tracking."""
    words = ("similar", "the sea", "the sky", "--encoder", "count")
    tracked, plain, _ = in_turn(
        lambda: vecwise(folder, *words), lambda: vecwise(folder, *words, "--no-track"), rounds=ROUNDS
    )
    print(
        f"a command, tracked {duration(tracked)}, with --no-track {duration(plain)}: "
        f"{(tracked - plain) * 1e3:+.0f} ms (asked: under 50 ms)"
    )


def listing(folder: Path, runs: int, peers: int) -> None:
    """`vecwise runs` over many runs, and `mlflow runs list` over fewer."""
    fill(folder / "many", runs)
    took = [seconds(lambda: vecwise(folder / "many", "runs")) for _ in range(6)][1:]
    sort = [seconds(lambda: vecwise(folder / "many", "runs", "--sort", "metric_7")) for _ in range(4)][1:]
    print(
        f"list of {runs:,} runs of {METRICS} metrics: {duration(statistics.median(took))}, sorted by a metric "
        f"{duration(statistics.median(sort))} (asked: under 1 s)"
    )
    page = [seconds(lambda: vecwise(folder / "many", "runs", "--html", str(folder / "page.html")))]
    size = (folder / "page.html").stat().st_size / 1e6
    print(f"the page of them: {duration(page[0])}, {size:.0f} MB")
    if peers:
        beside_mlflow(folder, peers)


def beside_mlflow(folder: Path, runs: int) -> None:
    """The same runs, carried into MLflow's store by `vecwise runs sync`."""
    few = folder / "few"
    fill(few, runs)
    filled = seconds(lambda: vecwise(few, "runs", "sync"))
    print(f"MLflow's store filled with {runs:,} runs in {duration(filled)}")
    found = subprocess.run(
        [sys.executable, "-c", _EXPERIMENT], env={**os.environ, "MLFLOW_TRACKING_URI": uri(few)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    name = found.stdout.split()[-1]
    os.environ["MLFLOW_TRACKING_URI"] = uri(few)
    theirs = (sys.executable, "-m", "mlflow", "runs", "list", "--experiment-id", name)
    ours, peer, ratio = in_turn(
        lambda: vecwise(few, "runs", "--limit", "0"), lambda: command(few, *theirs), rounds=3
    )
    print(
        f"list of {runs:,} runs: vecwise {duration(ours)}, mlflow runs list {duration(peer)}, {ratio:.1f} x"
    )


_EXPERIMENT = """
from mlflow import MlflowClient
print(next(e.experiment_id for e in MlflowClient().search_experiments() if e.name != "Default"))
"""


def uri(folder: Path) -> str:
    return f"sqlite:///{(folder / 'mlflow.db').resolve()}"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--runs", type=int, default=10_000)
    words.add_argument("--mlflow", type=int, default=200)
    given = words.parse_args()
    print(machine(("vecwise", "mlflow-skinny", "sqlalchemy")) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        overhead(Path(folder))
        listing(Path(folder), given.runs, given.mlflow)


if __name__ == "__main__":
    main()
