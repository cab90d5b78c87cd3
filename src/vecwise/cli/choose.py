"""The command `choose`.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

from typing import Any

import click

from vecwise.cli.app import app
from vecwise.cli.options import folds_options, input_options, json_option, options
from vecwise.cli.printing import print_answer, progress_bar


@app.command()
@click.argument("path")
@click.option("--target", metavar="COLUMN", help="Judge encoders by how well this column is predicted.")
@click.option(
    "--pairs",
    metavar="FILE",
    help="Judge by similar pairs: columns a and b (ids or texts), and score if there is one.",
)
@click.option(
    "--encoders",
    default="auto",
    show_default=True,
    metavar="NAMES",
    help="What to try, with commas: names, and folders of saved encoders.",
)
@folds_options
@click.option("--csv", metavar="FILE", help="Write the leaderboard.")
@input_options
@json_option
def choose(path: str, as_json: bool, **given: Any) -> int:
    """Tell which encoder serves these rows best: a leaderboard, and which to take.

    Without --target and --pairs encoders are compared by how far they agree, which is not quality. The exit status is
    1 when none can be recommended.

    \b
    vecwise choose examples/speeches.csv --target party --text sentence --sample 2000
    vecwise choose examples/houses.csv --target price
    """
    from vecwise import workbench

    with progress_bar("encoders") as progress:
        answer = workbench.choose_of(path, progress=progress, **options(**given))
    return print_answer(answer, as_json)
