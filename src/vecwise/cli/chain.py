"""The command `chain`.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

import click

from vecwise.cli.app import app
from vecwise.cli.options import json_option
from vecwise.cli.printing import print_answer


@app.command()
@click.argument("parts", nargs=-1, required=True, metavar="PART PART ...")
@click.option("-o", "--output", "folder", required=True, metavar="DIR", help="Where the chain is saved.")
@click.option("--target", metavar="NAME", help="What the answers are called, if the model does not say.")
@click.option("--svg", metavar="FILE", help="Draw the chain as a picture.")
@json_option
def chain(parts: tuple[str, ...], folder: str, target: str | None, svg: str | None, as_json: bool) -> int:
    """Make saved encoders, learned maps and, last, a model one thing; every joint is checked.

    A PART is the folder of an encoder, that of vectors (their encoder), a model saved by `probe --save`, a .skops
    file, or models:/NAME. Behind a model nothing can stand. A chain that ends with a model predicts (`vecwise
    predict`); one that ends with vectors is an encoder (`--encoder DIR`).

    \b
    vecwise encode examples/speeches.csv -o meaning --encoder sentence --text sentence --sample 2000
    vecwise fit-encoder meaning --labels party -o closer
    vecwise encode meaning --encoder closer -o near
    vecwise probe near --target party --model linear --save party
    vecwise chain meaning closer party -o whole --svg whole.svg
    vecwise predict whole examples/speeches.csv --sample 100
    """
    from vecwise import workbench

    return print_answer(workbench.chain_of(parts, folder, target=target, svg=svg), as_json)
