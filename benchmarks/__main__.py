"""What is asked of outputs and models, side by side with each peer in one run, and the tables in `docs/speed.md`.

    python -m benchmarks [--outputs] [--models] [--only NAME] [--quick] [--no-write]

`--outputs` and `--models` measure and write one of the two tables. `--only` takes a part of a row's name, `--quick` a tenth of the rows and one round, and neither writes the table.
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
from benchmarks.timing import QUICK, Measured, Work, alone, duration, machine, run

PAGE = Path(__file__).parent.parent / "docs" / "speed.md"
PACKAGES = {
    "output": ("vecwise", "numpy", "scipy", "scikit-learn", "faiss-cpu", "usearch", "threadpoolctl"),
    "model": ("vecwise", "numpy", "scipy", "scikit-learn", "torch", "captum", "threadpoolctl"),
}
MARKS = {"output": "measured", "model": "measured models"}


def works(kind: str) -> list[Work]:
    """The rows of every module `output_….py` or `model_….py`, in the order of their names."""
    names = sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name.startswith(f"{kind}_"))
    return [work for name in names for work in importlib.import_module(f"benchmarks.{name}").WORKS]


def table(rows: list[Measured], packages: tuple[str, ...]) -> str:
    """The rows as Markdown, with the machine and the versions below."""
    head = "| work | peer | vecwise | peer took | ratio | asked | floor | peak MB, both |\n|---|---|---|---|---|---|---|---|"
    lines = [
        f"| {row.work.name} | {row.work.peer} | {duration(row.ours)} | {duration(row.peer)} "
        f"| {'' if row.ratio is None else f'{row.ratio:.2f} x'} | {row.work.least} "
        f"| {duration(row.floor)} | {' / '.join(row.peaks)} |"
        for row in rows
    ]
    return "\n".join([head, *lines, "", machine(packages).replace("\n", "; ") + "."])


def main() -> None:
    words = sys.argv[1:]
    if "--quick" in words:
        os.environ[QUICK] = "1"
    partial = {"--quick", "--only", "--no-write"} & set(words)
    kinds = [kind for kind in PACKAGES if f"--{kind}s" in words] or list(PACKAGES)
    sys.argv[1:] = [word for word in words if not word.startswith("--")]
    if alone():
        run([work for kind in PACKAGES for work in works(kind)], ())
        return
    for kind in kinds:
        made = run(works(kind), PACKAGES[kind])
        if made and not partial:
            _write(MARKS[kind], table(made, PACKAGES[kind]))


def _write(mark: str, made: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    block = f"<!-- {mark} -->\n{made}\n<!-- end -->"
    text = re.sub(rf"(?s)<!-- {mark} -->.*?<!-- end -->", lambda _: block, text)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
