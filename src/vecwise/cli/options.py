"""Options that several commands share, and what they become for the workbench.

This module must not know any command.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

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


_ENCODING = (
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
    click.option("--vectors", metavar="COLUMN", help="The column that holds vectors, to take as they are."),
    click.option("--ids", metavar="COLUMN", help="The column that names the rows."),
    click.option(
        "--missing",
        type=click.Choice(["error", "mean", "median", "indicator", "empty", "zeros"]),
        help="What a missing cell becomes.",
    ),
    click.option(
        "--passages", type=int, metavar="N", help="Cut texts into passages of at most N words first."
    ),
)
_READING = (
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
)


def input_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of reading and encoding a PATH."""
    return _with(_ENCODING + _READING, command)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of reading a PATH whose rows are not encoded as a whole."""
    return _with(_READING, command)


_FOLDS = (
    click.option(
        "--folds", type=int, default=5, show_default=True, metavar="N", help="How many times rows are cut."
    ),
    click.option("--group", metavar="COLUMN", help="Keep the rows of a group on one side."),
    click.option(
        "--order",
        metavar="COLUMN",
        help="Judge by rows later in this column than all that were learned from.",
    ),
)


def folds_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how rows are cut into those learned from and those judged."""
    return _with(_FOLDS, command)


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)


def options(columns: str | None = None, settings: tuple[str, ...] = (), **rest: Any) -> dict[str, Any]:
    """Give the options of the command line as those of the workbench."""
    named = None if columns is None else [name.strip() for name in columns.split(",") if name.strip()]
    return {"columns": named, "settings": dict(map(_setting, settings)), **rest}


def _with(added: Sequence[Callable[..., Any]], command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(added):
        command = option(command)
    return command


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
