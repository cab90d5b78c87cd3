"""The command `fit-encoder`.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

from typing import Any

import click

from vecwise.cli.app import app
from vecwise.cli.options import input_options, json_option, options
from vecwise.cli.printing import command_line, print_answer, progress_bar


@app.command(name="fit-encoder")
@click.argument("path", metavar="FILE")
@click.option("--labels", metavar="COLUMN", help="Rows of one label are to come closer; it is not encoded.")
@click.option(
    "--pairs",
    metavar="FILE",
    help="Rows that are to come closer: columns a and b, which are ids or texts of rows.",
)
@click.option("-o", "--output", "folder", required=True, metavar="DIR", help="Where the encoder is saved.")
@click.option(
    "--kind",
    type=click.Choice(["linear", "network"]),
    default="linear",
    show_default=True,
    help="A network of 256 units needs torch.",
)
@click.option(
    "--dim", type=int, metavar="N", help="Dimensions that come out; as many as serve best without it."
)
@click.option(
    "--held-out",
    type=float,
    default=0.2,
    show_default=True,
    metavar="SHARE",
    help="The share of rows or pairs to judge by, at most 0.5.",
)
@click.option("--html", metavar="FILE", help="Write a page: the rows, with a slider from before to after.")
@input_options
@json_option
def fit_encoder(path: str, as_json: bool, **given: Any) -> int:
    """Learn an encoder by which rows that belong together come closer, and judge it on rows held out.

    FILE holds rows, or vectors that are saved already. The encoder is saved in any case, and reads new rows wherever
    a command takes --encoder; the exit status is 1 when it does not clearly help.

    \b
    vecwise fit-encoder examples/houses.csv --labels zipcode --sample 2000 -o closer
    vecwise nearest examples/houses.csv --row 17 --encoder closer
    vecwise encode examples/houses.csv --encoder closer -o near
    """
    from vecwise import workbench

    with progress_bar() as progress, progress_bar("rounds", "learning") as learning:
        answer = workbench.fit_encoder_of(
            path, command=command_line(), progress=progress, learning=learning, **options(**given)
        )
    return print_answer(answer, as_json)
