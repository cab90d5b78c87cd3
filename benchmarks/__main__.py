"""What is asked of the output stage, side by side with each peer in one run, and the table in `docs/speed.md`.

    python -m benchmarks [--only NAME] [--quick] [--no-write]

`--only` takes a part of a row's name, `--quick` a tenth of the rows and one round, and neither writes the table.
Peers come with the extra `[bench]`. The whole takes about a quarter of an hour on two cores.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import sys
from pathlib import Path

import benchmarks
from benchmarks.timing import QUICK, Measured, Work, duration, machine, run

PAGE = Path(__file__).parent.parent / "docs" / "speed.md"
PACKAGES = ("vecwise", "numpy", "scipy", "scikit-learn", "faiss-cpu", "usearch", "threadpoolctl")


def works() -> list[Work]:
    """The rows of every module `output_….py`, in the order of their names."""
    names = sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name.startswith("output_"))
    return [work for name in names for work in importlib.import_module(f"benchmarks.{name}").WORKS]


def table(rows: list[Measured]) -> str:
    """The rows as Markdown, with the machine and the versions below."""
    head = "| work | peer | vecwise | peer took | ratio | asked | floor | peak MB, both |\n|---|---|---|---|---|---|---|---|"
    lines = [
        f"| {row.work.name} | {row.work.peer} | {duration(row.ours)} | {duration(row.peer)} "
        f"| {'' if row.ratio is None else f'{row.ratio:.2f} x'} | {row.work.least} "
        f"| {duration(row.floor)} | {' / '.join(row.peaks)} |"
        for row in rows
    ]
    return "\n".join([head, *lines, "", machine(PACKAGES).replace("\n", "; ") + "."])


def main() -> None:
    words = sys.argv[1:]
    if "--quick" in words:
        os.environ[QUICK] = "1"
    partial = {"--quick", "--only", "--no-write"} & set(words)
    sys.argv[1:] = [word for word in words if not word.startswith("--")]
    made = run(works(), PACKAGES)
    if made and not partial:
        text = PAGE.read_text(encoding="utf-8")
        block = f"<!-- measured -->\n{table(made)}\n<!-- end -->"
        PAGE.write_text(
            re.sub(r"(?s)<!-- measured -->.*<!-- end -->", lambda _: block, text), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
