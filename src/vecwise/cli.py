"""The command line: words in, an answer out, as text or as one JSON document; errors are one line and exit 2.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from vecwise.errors import VecwiseError

ENCODERS = (
    "auto",
    "table",
    "sentence",
    "count",
    "tfidf",
    "average",
    "static",
    "transformer",
    "image",
    "chain",
)
METRICS = ("cosine", "dot", "euclidean", "manhattan", "chebyshev")


class Commands(click.Group):
    """Lists commands in the order in which a user meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the commands in the order of their definition."""
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vecwise")
def app() -> None:
    """Rows become vectors that know what they mean.

    Start with: vecwise explore FILE
    """


class Terminated(KeyboardInterrupt):
    """The system asked the process to end."""


def _terminate(*_: Any) -> NoReturn:
    raise Terminated


def main() -> NoReturn:
    """Run the command line; a refusal is one line on standard error and exit status 2."""
    import signal
    import warnings

    warnings.showwarning = _warned
    signal.signal(signal.SIGTERM, _terminate)  # so that what is half done is put away, as with Ctrl-C
    status = _run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = 0
    except OSError as error:
        status = _fail(_system(error))
    sys.stderr.flush()
    # Not sys.exit: a process that ends a few milliseconds after Arrow started its threads is now and then
    # aborted while they are torn down ("terminate called without an active exception", status 134).
    os._exit(status)


def _run() -> int:
    try:
        status = app(prog_name="vecwise", standalone_mode=False)
    except VecwiseError as error:
        return _fail(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        return _fail(_usage(error))
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        return 0
    except (click.exceptions.Abort, KeyboardInterrupt) as stop:
        cause = stop.__cause__ or stop  # click makes an `Abort` of an interruption
        return _fail(str(cause) or "Stopped.", 143 if isinstance(cause, Terminated) else 130)
    except (OSError, MemoryError) as error:
        return _fail(_system(error))
    return status if isinstance(status, int) else 0


def _warned(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning is one line, as an error is."""
    _fail(str(message))


def _fail(message: str, status: int = 2) -> int:
    print("vecwise: " + _printable(" ".join(message.split())), file=sys.stderr)
    return status


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    path = "vecwise" if context is None else context.command_path
    message = error.format_message()
    return f"{message}{'' if message.endswith(('.', '?')) else '.'} Try: {path} --help"


def _system(error: OSError | MemoryError) -> str:
    if isinstance(error, MemoryError):
        return "Out of memory. Try --sample."
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason}: {error.filename}" if error.filename else f"{reason}."


# ---- options that several commands share ----


def _input_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        click.option(
            "--encoder",
            metavar="NAME",
            default="auto",
            help="How rows become vectors: " + ", ".join(ENCODERS) + ", or the folder of a saved encoder.",
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="KEY=VALUE",
            help="A setting of the encoder, such as ngrams=[1,2]; may be repeated.",
        ),
        click.option("--columns", help="The columns to encode, separated by commas."),
        click.option("--text", metavar="COLUMN", help="The text column to encode."),
        click.option(
            "--vectors", metavar="COLUMN", help="The column that holds vectors, to take as they are."
        ),
        click.option("--ids", metavar="COLUMN", help="The column that names the rows."),
        click.option(
            "--missing",
            type=click.Choice(["error", "mean", "median", "indicator", "empty", "zeros"]),
            help="What a missing cell becomes.",
        ),
        click.option(
            "--passages", type=int, metavar="N", help="Cut texts into passages of at most N words first."
        ),
        click.option("--sample", type=int, metavar="N", help="Work on N rows, chosen at random by --seed."),
        click.option("--seed", type=int, default=0, show_default=True, help="What chance depends on."),
        click.option(
            "--format",
            metavar="NAME",
            help="csv, tsv, jsonl, parquet, arrow or txt, if the name does not say.",
        ),
        click.option(
            "--as-text", multiple=True, metavar="COLUMN", help="Read this column as text; may be repeated."
        ),
        click.option(
            "--bad-rows",
            type=click.Choice(["error", "skip"]),
            default="error",
            help="Stop at a row that cannot be read, or leave it out.",
        ),
        click.option(
            "--rejects", metavar="PATH", help="Where rows that are left out are written, with the reason."
        ),
        click.option("--encoding", default="utf-8", show_default=True, help="The encoding of a text file."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


_json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)


def _options(columns: str | None = None, settings: tuple[str, ...] = (), **rest: Any) -> dict[str, Any]:
    named = None if columns is None else [name.strip() for name in columns.split(",") if name.strip()]
    return {"columns": named, "settings": dict(map(_setting, settings)), **rest}


def _setting(text: str) -> tuple[str, Any]:
    """`key=value`, where the value is JSON if it can be read so, and otherwise the text itself."""
    import json

    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.UsageError(f"--set takes KEY=VALUE, not `{text}`.")
    try:
        return key, json.loads({"True": "true", "False": "false", "None": "null"}.get(value, value))
    except ValueError:
        return key, value


# ---- the commands ----


@app.command()
@click.argument("file")
@_input_options
@click.option("--color", metavar="COLUMN", help="The column that colours the points.")
@click.option("--html", metavar="PATH", help="Where the report goes; FILE-vecwise.html here without it.")
@click.option("--no-html", is_flag=True, help="Write no report.")
@click.option("--no-browser", is_flag=True, help="Do not open the report in a browser.")
@_json_option
def explore(
    file: str,
    html: str | None,
    no_html: bool,
    no_browser: bool,
    color: str | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Look at a file from every side: what it holds, what its vectors say, and a report to open."""
    from pathlib import Path

    from vecwise import workbench

    stem = "rows" if file == "-" else Path(file).stem.lstrip(".") or "rows"
    target = None if no_html else html or f"{stem}-vecwise.html"
    with _progress() as progress:
        answer = workbench.explore(
            file, html=target, color=color, command=_command_line(), progress=progress, **_options(**given)
        )
    _print(answer, as_json)
    if target and sys.stdout.isatty() and not (no_browser or as_json):
        import webbrowser

        webbrowser.open(Path(target).resolve().as_uri())
    return int(answer.status)


@app.command()
@click.argument("file")
@click.option(
    "-o", "--output", "folder", required=True, metavar="DIR", help="The folder that will hold the vectors."
)
@_input_options
@_json_option
def encode(file: str, folder: str, as_json: bool, **given: Any) -> int:
    """Encode a file and save the vectors as a folder."""
    from vecwise import workbench

    with _progress() as progress:
        answer = workbench.encode_to(file, folder, progress=progress, **_options(**given))
    return _print(answer, as_json)


@app.command()
@click.argument("path")
@_input_options
@_json_option
def health(path: str, as_json: bool, **given: Any) -> int:
    """Check vectors (a data file or a saved folder); exit status 1 when something is wrong."""
    from vecwise import workbench

    with _progress() as progress:
        answer = workbench.health_of(path, progress=progress, **_options(**given))
    return _print(answer, as_json)


@app.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--encoder", type=click.Choice(["sentence", "count", "tfidf"]), default="sentence", show_default=True
)
@_json_option
def similar(a: str, b: str, encoder: str, as_json: bool) -> int:
    """Tell how alike two texts are."""
    from vecwise import workbench

    return _print(workbench.similar(a, b, encoder=encoder), as_json)


@app.command()
@click.argument("path")
@click.argument("query", required=False)
@click.option("-k", type=int, default=10, show_default=True, help="How many rows to give.")
@click.option("--row", metavar="ID", help="Search for what is near this row instead of a query.")
@click.option("--metric", type=click.Choice(("auto", *METRICS)), default="auto", show_default=True)
@_input_options
@_json_option
def nearest(path: str, query: str | None, as_json: bool, **given: Any) -> int:
    """Find the rows nearest to a text, to a row written as JSON, or to one of the rows (--row)."""
    from vecwise import workbench

    with _progress() as progress:
        answer = workbench.nearest_in(path, query, progress=progress, **_options(**given))
    return _print(answer, as_json)


@app.command()
@click.argument("path")
@click.option("--metric", type=click.Choice(("auto", *METRICS)), default="auto", show_default=True)
@_input_options
@_json_option
def pairs(path: str, metric: str, as_json: bool, **given: Any) -> int:
    """Print the labelled table of all pairs of up to 50 rows."""
    from vecwise import workbench

    with _progress() as progress:
        answer = workbench.pairs_of(path, metric=metric, progress=progress, **_options(**given))
    return _print(answer, as_json)


# ---- printing ----


def _print(answer: Any, as_json: bool) -> int:
    if as_json:
        import json

        print(json.dumps(answer.data, ensure_ascii=False, allow_nan=False))
        return int(answer.status)
    for number, (heading, lines) in enumerate(answer.sections):
        click.echo(("\n" if number else "") + click.style(_printable(heading), bold=True))
        for line in lines:
            click.echo(f"  {_printable(line)}")
    return int(answer.status)


def _printable(line: str) -> str:
    """Control characters of a file must not reach the terminal, which obeys them."""
    return "".join(c if c.isprintable() else "\ufffd" for c in line)


def _command_line() -> str:
    import shlex

    return shlex.join(["vecwise", *sys.argv[1:]])


class _progress:  # noqa: N801  used as a function: `with _progress() as progress`
    """A bar with rate and time left, on standard error, only at a terminal, and only for work in several parts."""

    def __enter__(self) -> Callable[[int, int], None] | None:
        self.bar: Any = None
        return self._tick if sys.stderr.isatty() else None

    def _tick(self, done: int, total: int) -> None:
        if self.bar is None and done < total:
            self.bar = _bar(total)
        if self.bar is not None:
            self.bar.update(self.bar.tasks[0].id, completed=done)

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()


def _bar(total: int) -> Any:
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
            return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")

    columns = (TextColumn("encoding"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task("encoding", total=total)
    bar.start()
    return bar
