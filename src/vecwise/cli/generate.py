"""The command `generate`.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

from typing import Any

import click

from vecwise.cli.app import app
from vecwise.cli.options import json_option, reading_options
from vecwise.cli.printing import command_line, print_answer, progress_bar


@app.command()
@click.argument("path")
@click.argument("prompts", nargs=-1)
@click.option(
    "-n", "--lines", "n", type=int, default=5, show_default=True, metavar="N", help="Lines a prompt."
)
@click.option(
    "--temperature", type=float, default=0.7, show_default=True, metavar="T", help="Below 1: likelier words."
)
@click.option(
    "--top-p",
    type=float,
    default=0.8,
    show_default=True,
    metavar="P",
    help="Leave out the unlikeliest words.",
)
@click.option(
    "--guidance",
    type=float,
    default=1.5,
    show_default=True,
    metavar="G",
    help="How closely a prompt is followed.",
)
@click.option(
    "--choices",
    type=int,
    default=16,
    show_default=True,
    metavar="N",
    help="Draw N lines for each that is given, and give the nearest to the prompt.",
)
@click.option(
    "--invent/--no-invent", default=None, help="Make words up; usual for lines of one or two words."
)
@click.option("--copies", is_flag=True, default=False, help="Allow lines that were learned from.")
@click.option(
    "--epochs", type=int, default=100, show_default=True, metavar="N", help="Learn the lines at most N times."
)
@click.option(
    "--encoder",
    default="sentence",
    metavar="NAME",
    help="What makes a vector of a prompt: a name or a folder.",
)
@click.option("--text", metavar="COLUMN", help="The column of the lines.")
@click.option(
    "--save", "folder", metavar="DIR", help="Keep the generator; a stopped training goes on from there."
)
@click.option("--html", metavar="FILE", help="Write a page: how it learned, and the lines on a map.")
@click.option("--csv", metavar="FILE", help="Write prompt, line, likeness and words copied.")
@reading_options
@json_option
def generate(path: str, as_json: bool, **given: Any) -> int:
    """Write new lines like those of a file, for each prompt: a small language model that sentences steer.

    PATH is a file of lines, which are learned first (a minute for a thousand), or a folder of --save.

    \b
    vecwise generate examples/lyrics.txt "a ship in the storm" --save songs
    vecwise generate songs "my mother bakes bread" "the last train" -n 3
    """
    from vecwise import workbench

    bar = progress_bar("lines", "learning")

    def watch(epoch: Any, n_grams: float) -> None:
        bar.note(
            f"epoch {epoch.number}: loss {epoch.loss:.2f}, perplexity {epoch.perplexity:.1f} (n-grams {n_grams:.1f})"
        )

    with bar as progress:
        answer = workbench.generate_of(path, command=command_line(), progress=progress, watch=watch, **given)
    return print_answer(answer, as_json)
