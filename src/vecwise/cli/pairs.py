"""The commands about pairs of rows: pairs, dedupe.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

from typing import Any

import click

from vecwise.cli.app import app
from vecwise.cli.options import METRICS, input_options, json_option, options
from vecwise.cli.printing import print_answer, progress_bar

ALL_METRICS = (*METRICS, "sqeuclidean", "hamming", "jaccard", "angular")


@app.command()
@click.argument("path")
@click.option(
    "--at-least", type=float, metavar="S", help="Only pairs with at least this cosine (or product)."
)
@click.option("--at-most", type=float, metavar="D", help="Only pairs with at most this distance.")
@click.option("-k", type=int, metavar="N", help="Only the best N of each row.")
@click.option("--metric", type=click.Choice(("auto", *ALL_METRICS)), default="auto", show_default=True)
@click.option("--csv", metavar="FILE", help="Write the pairs as CSV: left, right, score.")
@click.option("--parquet", metavar="FILE", help="Write the pairs as Parquet.")
@click.option(
    "--most",
    type=int,
    metavar="N",
    help="Refuse to hold more pairs than this; without it, 10 million into a file, else 1 million.",
)
@input_options
@json_option
def pairs(path: str, as_json: bool, **given: Any) -> int:
    """Print all pairs of up to 50 rows as a table, or only the pairs that count, of any number of rows.

    \b
    vecwise pairs sentences.txt
    vecwise pairs reviews.csv --at-least 0.8 --csv alike.csv
    """
    from vecwise import workbench

    with progress_bar() as progress:
        answer = workbench.pairs_of(path, progress=progress, **options(**given))
    return print_answer(answer, as_json)


@app.command()
@click.argument("file")
@click.option(
    "--near",
    "--at-least",
    "at_least",
    type=float,
    metavar="S",
    help="Also rows with at least this cosine to a row kept before them.",
)
@click.option(
    "--at-most", type=float, metavar="D", help="Also rows at most this far from a row kept before them."
)
@click.option("--metric", type=click.Choice(("auto", *ALL_METRICS)), default="auto", show_default=True)
@click.option(
    "--keep",
    metavar="OUT",
    help="Write the rows that stay: .csv, .tsv, .jsonl, .parquet, .arrow or .txt; vectors: .npy or a folder.",
)
@click.option("--removed", metavar="PATH", help="Write which row went into which, and with what score.")
@input_options
@json_option
def dedupe(file: str, as_json: bool, **given: Any) -> int:
    """Find rows that repeat an earlier one: those with equal vectors, with --near those nearly equal too.

    The file itself is never changed; --keep writes it without the repeated rows, all columns and the order kept.

    \b
    vecwise dedupe reviews.csv --near 0.95 --keep thinned.csv --removed gone.csv
    """
    from vecwise import workbench

    with progress_bar() as progress:
        answer = workbench.dedupe_file(file, progress=progress, **options(**given))
    return print_answer(answer, as_json)
