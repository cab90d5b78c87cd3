"""The command `cluster`.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

from typing import Any

import click

from vecwise.cli.app import app
from vecwise.cli.options import input_options, json_option, options
from vecwise.cli.printing import print_answer, progress_bar


@app.command()
@click.argument("path")
@click.option("-k", type=int, help="How many clusters; chosen by the silhouette without it.")
@click.option(
    "--method",
    type=click.Choice(["kmeans", "density", "agglomerative"]),
    default="kmeans",
    show_default=True,
    help="density finds the number itself and leaves rows out.",
)
@click.option(
    "--metric",
    type=click.Choice(["auto", "cosine", "euclidean", "standardized"]),
    default="auto",
    show_default=True,
    help="What near means; auto follows the vectors' health.",
)
@click.option("--csv", metavar="FILE", help="Write id, cluster, name and distance of each row as CSV.")
@click.option("--parquet", metavar="FILE", help="Write the same as Parquet.")
@input_options
@json_option
def cluster(path: str, as_json: bool, **given: Any) -> int:
    """Put rows into clusters, named from what they hold.

    \b
    vecwise cluster examples/speeches.csv -k 8
    vecwise cluster examples/houses.csv --csv clusters.csv
    """
    from vecwise import workbench

    with progress_bar() as progress:
        answer = workbench.cluster_of(path, progress=progress, **options(**given))
    return print_answer(answer, as_json)
