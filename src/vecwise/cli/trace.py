"""The commands `trace` and `compare`.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

from typing import Any

import click

from vecwise.cli.app import app
from vecwise.cli.options import input_options, json_option, options
from vecwise.cli.printing import command_line, print_answer, progress_bar


@app.command()
@click.argument("model")
@click.argument("path")
@click.option("--target", metavar="COLUMN", help="The column of labels that the layers are judged by.")
@click.option("--layers", metavar="NAMES", help="Layers to look at, with commas; * stands for any text.")
@click.option("-k", "k", type=int, default=10, show_default=True, metavar="N", help="How many neighbours.")
@click.option("--html", metavar="FILE", help="Write a page: the rows, with a slider from layer to layer.")
@click.option("-o", "--output", "folder", metavar="DIR", help="Save the vectors of every layer in a folder.")
@click.option(
    "--batch", type=int, default=1024, show_default=True, metavar="N", help="Rows that go through at a time."
)
@input_options
@json_option
def trace(model: str, path: str, as_json: bool, **given: Any) -> int:
    """Look inside a kept model (a folder, a .skops file, models:/NAME@alias) or a saved encoder.

    \b
    vecwise probe examples/houses.csv --target price --model network --save prices
    vecwise trace prices examples/houses.csv --target price --html layers.html
    """
    from vecwise import workbench

    with progress_bar() as progress:
        answer = workbench.trace_of(
            model, path, command=command_line(), progress=progress, **options(**given)
        )
    return print_answer(answer, as_json)


@app.command()
@click.argument("path", metavar="A")
@click.argument("other", metavar="B")
@click.option("-k", "k", type=int, default=10, show_default=True, metavar="N", help="How many neighbours.")
@click.option(
    "--least", type=float, metavar="SHARE", help="Exit with 1 where rows keep less of their neighbours."
)
@click.option("--html", metavar="FILE", help="Write a page: the rows, with a slider from A to B.")
@input_options
@json_option
def compare(path: str, other: str, as_json: bool, **given: Any) -> int:
    """Compare two spaces over the same rows: saved vectors, or files that are encoded.

    \b
    vecwise encode examples/lyrics.txt -o meaning --encoder sentence
    vecwise encode examples/lyrics.txt -o words --encoder tfidf
    vecwise compare meaning words --html both.html
    """
    from vecwise import workbench

    return print_answer(
        workbench.compare_of(path, other, command=command_line(), **options(**given)), as_json
    )
