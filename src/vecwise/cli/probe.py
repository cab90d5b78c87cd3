"""The commands `probe` and `predict`.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

from typing import Any

import click

from vecwise.cli.app import app
from vecwise.cli.options import folds_options, input_options, json_option, options
from vecwise.cli.printing import command_line, print_answer, progress_bar


@app.command()
@click.argument("path")
@click.option("--target", required=True, metavar="COLUMN", help="What to predict.")
@click.option(
    "--model",
    default="auto",
    show_default=True,
    metavar="NAMES",
    help="linear, neighbors, kernel, boosting, network, or several with commas.",
)
@click.option(
    "--task",
    type=click.Choice(["auto", "classes", "numbers"]),
    default="auto",
    show_default=True,
    help="What the target holds; up to 20 different whole numbers are taken for classes.",
)
@folds_options
@click.option("--html", metavar="FILE", help="Write a page: the rows on their map, told right or wrong.")
@click.option(
    "--save", "folder", metavar="DIR", help="Save the best model, with its encoder, for `vecwise predict`."
)
@click.option("--csv", metavar="FILE", help="Write id, truth and prediction of every judged row.")
@input_options
@json_option
def probe(path: str, as_json: bool, **given: Any) -> int:
    """Tell what can be predicted from rows: models, cross-validated, beside a baseline.

    \b
    vecwise probe examples/houses.csv --target price
    vecwise probe examples/speeches.csv --target party --text sentence --sample 2000
    """
    from vecwise import workbench

    with progress_bar() as progress:
        answer = workbench.probe_of(path, command=command_line(), progress=progress, **options(**given))
    return print_answer(answer, as_json)


@app.command()
@click.argument("model")
@click.argument("path")
@click.option("--csv", metavar="FILE", help="Write id and prediction of every row.")
@input_options
@json_option
def predict(model: str, path: str, as_json: bool, **given: Any) -> int:
    """Ask a saved model (a folder, or models:/NAME@champion) about the rows of a file.

    \b
    vecwise probe examples/houses.csv --target price --save prices
    vecwise predict prices examples/houses.csv --csv said.csv
    """
    from vecwise import workbench

    with progress_bar() as progress:
        answer = workbench.predict_of(model, path, progress=progress, **options(**given))
    return print_answer(answer, as_json)
