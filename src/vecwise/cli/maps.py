"""The command that draws a file as a map.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from vecwise.cli.app import app
from vecwise.cli.options import METRICS, input_options, json_option, options
from vecwise.cli.printing import command_line, print_answer, progress_bar, say

COMPILED = {"umap": "UMAP", "pacmap": "PaCMAP"}  # methods whose packages compile code in every process
_METRICS = ("auto", *(metric for metric in METRICS if metric != "dot"))


@app.command(name="map")
@click.argument("file")
@click.option("--method", type=click.Choice(["pca", "umap", "tsne", "pacmap"]), show_default="pca")
@click.option("--dim", type=click.Choice(["2", "3"]), show_default="3", help="Dimensions of the picture.")
@click.option("--metric", type=click.Choice(_METRICS), show_default="auto", help="What near means.")
@click.option("--neighbors", type=int, show_default="15", help="Rows that hold a row in its place.")
@click.option("-o", "--html", metavar="PATH", help="Where the page goes; FILE-map.html here without it.")
@click.option("--no-html", is_flag=True, help="Write no page.")
@click.option("--csv", metavar="PATH", help="Write coordinates and scores, keyed by row id, as CSV.")
@click.option("--parquet", metavar="PATH", help="Write the same as Parquet.")
@click.option("--color", metavar="COLUMN", help="The column that colours the points; the tables get it too.")
@click.option("--no-browser", is_flag=True, help="Do not open the page in a browser.")
@input_options
@json_option
def draw_map(
    file: str, dim: str | None, html: str | None, no_html: bool, no_browser: bool, as_json: bool, **given: Any
) -> int:
    """Draw the rows as points in 2 or 3 dimensions, with a number for how far to believe the picture.

    \b
    vecwise map houses.csv --color price
    vecwise map songs.txt --method umap --dim 2 --csv songs-map.csv
    """
    from pathlib import Path

    from vecwise import workbench

    stem = "rows" if file == "-" else Path(file).stem.lstrip(".") or "rows"
    target = None if no_html else html or f"{stem}-map.html"
    if given["method"] in COMPILED:
        say(f"{COMPILED[given['method']]} is compiling its code first, which takes some 10 seconds …")
    with progress_bar() as progress:
        answer = workbench.map_of(
            file,
            html=target,
            dim=None if dim is None else int(dim),
            command=command_line(),
            progress=progress,
            **options(**given),
        )
    status = print_answer(answer, as_json)
    if target and sys.stdout.isatty() and not (no_browser or as_json):
        import webbrowser

        webbrowser.open(Path(target).resolve().as_uri())
    return status
