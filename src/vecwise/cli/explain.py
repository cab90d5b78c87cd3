"""The command that says why two rows or two texts are close.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

from typing import Any

import click

from vecwise.cli.app import app
from vecwise.cli.options import input_options, json_option, options
from vecwise.cli.printing import print_answer, progress_bar


@app.command()
@click.argument("path", required=False)
@click.argument("rows", nargs=-1, metavar="[ROW_A ROW_B]")
@click.option("--texts", nargs=2, metavar="A B", help="Explain two texts instead of two rows of a PATH.")
@click.option("--most", type=click.IntRange(1), default=10, show_default=True, help="How many parts to list.")
@click.option(
    "--metric",
    type=click.Choice(("auto", "cosine", "dot", "euclidean")),
    default="auto",
    show_default=True,
    help="What is explained; auto: what the vectors are compared by.",
)
@input_options
@json_option
def explain(
    path: str | None, rows: tuple[str, ...], texts: tuple[str, str] | None, as_json: bool, **given: Any
) -> int:
    """Tell why two rows of a PATH, or two texts, are close: by feature or by word.

    \b
    vecwise explain lyrics.txt 3 8 --encoder tfidf
    vecwise explain --texts "It rained" "The sky was wet"
    """
    from vecwise import workbench

    with progress_bar() as progress:
        answer = workbench.asked_about(path, rows, texts, progress=progress, **options(**given))
    return print_answer(answer, as_json)
