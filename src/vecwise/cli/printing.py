"""Answers on the screen, as text or as one JSON document, and the bar of long work.

This module must not know any command.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, Final

import click

_EMOJI: Final = "\u2190-\u2bff\U0001f000-\U0001faff"
_JOINER: Final = re.compile(f"(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])")


def print_answer(answer: Any, as_json: bool) -> int:
    """Print an answer and give its exit status."""
    if as_json:
        import json

        print(json.dumps(answer.data, ensure_ascii=False, allow_nan=False))
        return int(answer.status)
    for number, (heading, lines) in enumerate(answer.sections):
        click.echo(("\n" if number else "") + click.style(printable(heading), bold=True))
        for line in lines:
            click.echo(f"  {printable(line)}")
    return int(answer.status)


def printable(line: str) -> str:
    """Give the line without what a terminal obeys: control characters of a file must not reach it.

    What joins two emoji into one is kept.
    """
    if line.isprintable():
        return line
    joined = {found.start() for found in _JOINER.finditer(line)}
    return "".join(c if c.isprintable() or i in joined else "\ufffd" for i, c in enumerate(line))


def command_line() -> str:
    """Give the command that was typed."""
    import shlex

    return shlex.join(["vecwise", *sys.argv[1:]])


def say(words: str) -> None:
    """Say what goes on, on standard error and only at a terminal."""
    if sys.stderr.isatty():
        click.echo(printable(words), err=True)


class progress_bar:  # noqa: N801  used as a function: `with progress_bar() as progress`
    """A bar with rate and time left, on standard error, only at a terminal, and only for work in several parts.

    `what` is counted: rows, or another name; `doing` says what is done with them.
    """

    def __init__(self, what: str = "rows", doing: str = "") -> None:
        self.what = what
        self.doing = doing or ("encoding" if what == "rows" else "trying")

    def __enter__(self) -> Callable[[int, int], None] | None:
        self.bar: Any = None
        return self._tick if sys.stderr.isatty() else None

    def _tick(self, done: int, total: int) -> None:
        if self.bar is None and done < total:
            self.bar = _bar(total, self.what, self.doing)
        if self.bar is not None:
            self.bar.update(self.bar.tasks[0].id, completed=done, total=total)
        if done >= total:  # so that the bar of the next work can be drawn
            self._stop()

    def note(self, words: str) -> None:
        """Say in front of the bar how the work stands."""
        self.doing = words
        if self.bar is not None:
            self.bar.update(self.bar.tasks[0].id, description=printable(words))

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def _bar(total: int, what: str, doing: str) -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(
                f"{task.speed:,.{0 if what in ('rows', 'lines') else 1}f} {what}/s" if task.speed else ""
            )

    said = TextColumn("{task.description}", markup=False)
    columns = (said, BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task(printable(doing), total=total)
    bar.start()
    return bar
