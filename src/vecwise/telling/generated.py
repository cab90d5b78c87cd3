"""What a generator learned and wrote, in words and as data.

This module must not know the command line, nor compute anything but what it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any

from vecwise.models.generate.generator import Generator
from vecwise.models.generate.lines import how_many
from vecwise.models.generate.written import Written
from vecwise.table_text import clip, count
from vecwise.telling.answer import Answer
from vecwise.telling.words import space_data, wrapped


def told_lines(
    name: str, made: Generator, found: Sequence[Written], written: dict[str, str | None]
) -> Answer:
    """Tell how well it learned, the lines for each prompt, and what they copy."""
    files = {kind: path for kind, path in written.items() if path is not None}
    report = made.report
    data: dict[str, Any] = {
        "name": name,
        "rows": sum(report["lines"][part] for part in ("train", "stop", "judge")),
        "report": report,
        "written": [one.to_data() for one in found],
        "longest_copied": max(one.longest_copied for one in found),
        "files": list(files.values()),
        "space": space_data(made.source),
    }
    sections = [
        (
            f"{clip(name, 40)}: {how_many(made.lines)}",
            [*wrapped(made.words), *wrapped(prompts_matter(report)), *_learned(made)],
        ),
        *((_heading(one), [*_lines(one), *wrapped(one.words)]) for one in found),
        *([("Written", list(files.values()))] if files else []),
    ]
    return Answer(sections, data, status=int(any(len(one) < one.wanted for one in found)), files=files)


def prompts_matter(report: dict[str, Any]) -> str:
    """Say how much nearer lines are to their own prompt than to others.

    >>> prompts_matter({"margin": {"mean": 0.2, "low": -0.1, "high": 0.5, "own": 0.4, "other": 0.2, "prompts": 20}})
    'It is not clear that a prompt matters: lines are 0.40 like their own, 0.20 like 19 others (+0.20, -0.10 to +0.50).'
    """
    found = report["margin"]
    verdict = "A prompt matters" if found["low"] > 0 else "It is not clear that a prompt matters"
    interval = f"{found['mean']:+.2f}, {found['low']:+.2f} to {found['high']:+.2f}"
    others = f"{found['other']:.2f} like {found['prompts'] - 1} others"
    return f"{verdict}: lines are {found['own']:.2f} like their own, {others} ({interval})."


def _learned(made: Generator) -> list[str]:
    report = made.report
    epochs = count(report["best_epoch"], "epoch")
    return wrapped(
        f"Learned in {epochs}, {report['seconds']:.0f} s; {report['parameters']:,} numbers, "
        f"{report['pieces']['different']:,} different pieces."
    )


def _heading(one: Written) -> str:
    return f"“{clip(one.prompt, 80)}”" if one.prompt else "Without a prompt"


def _lines(one: Written) -> list[str]:
    near = ("    " if isnan(value) else f"{value:.2f}" for value in one.likeness.tolist())
    told = zip(near, one.lines, strict=True)
    return [line for value, text in told for line in wrapped(f"{value}  {clip(text, 400)}", " " * 6)]
