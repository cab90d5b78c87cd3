"""The commands that look at a file: explore, encode, health, similar, nearest.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from vecwise.cli.app import app
from vecwise.cli.options import METRICS, input_options, json_option, options
from vecwise.cli.printing import command_line, print_answer, progress_bar


@app.command()
@click.argument("file")
@input_options
@click.option("--color", metavar="COLUMN", help="The column that colours the points.")
@click.option("--html", metavar="PATH", help="Where the report goes; FILE-vecwise.html here without it.")
@click.option("--no-html", is_flag=True, help="Write no report.")
@click.option("--no-browser", is_flag=True, help="Do not open the report in a browser.")
@json_option
def explore(
    file: str,
    html: str | None,
    no_html: bool,
    no_browser: bool,
    color: str | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Look at a file from every side: what it holds, what its vectors say, and a report to open."""
    from pathlib import Path

    from vecwise import workbench

    stem = "rows" if file == "-" else Path(file).stem.lstrip(".") or "rows"
    target = None if no_html else html or f"{stem}-vecwise.html"
    with progress_bar() as progress:
        answer = workbench.explore(
            file, html=target, color=color, command=command_line(), progress=progress, **options(**given)
        )
    print_answer(answer, as_json)
    if target and sys.stdout.isatty() and not (no_browser or as_json):
        import webbrowser

        webbrowser.open(Path(target).resolve().as_uri())
    return int(answer.status)


@app.command()
@click.argument("file")
@click.option(
    "-o", "--output", "folder", required=True, metavar="DIR", help="The folder that will hold the vectors."
)
@input_options
@json_option
def encode(file: str, folder: str, as_json: bool, **given: Any) -> int:
    """Encode a file and save the vectors as a folder."""
    from vecwise import workbench

    with progress_bar() as progress:
        answer = workbench.encode_to(file, folder, progress=progress, **options(**given))
    return print_answer(answer, as_json)


@app.command()
@click.argument("path")
@click.option("--split", metavar="COLUMN", help="Tell rows that two splits share; COLUMN names each row's.")
@click.option("--strict", is_flag=True, help="End with 1 also when something deserves a look.")
@click.option(
    "--allow",
    multiple=True,
    metavar="CHECK",
    help="A check that does not count, such as duplicates; may be repeated.",
)
@input_options
@json_option
def health(path: str, as_json: bool, **given: Any) -> int:
    """Check vectors (a data file, a file of vectors or a saved folder); exit status 1 when something is wrong.

    For example: vecwise health embeddings.npy --strict --allow "near duplicates"
    """
    from vecwise import workbench

    with progress_bar() as progress:
        answer = workbench.health_of(path, progress=progress, **options(**given))
    return print_answer(answer, as_json)


@app.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--encoder", type=click.Choice(["sentence", "count", "tfidf"]), default="sentence", show_default=True
)
@json_option
def similar(a: str, b: str, encoder: str, as_json: bool) -> int:
    """Tell how alike two texts are."""
    from vecwise import workbench

    return print_answer(workbench.compare_texts(a, b, encoder=encoder), as_json)


@app.command()
@click.argument("path")
@click.argument("query", required=False)
@click.option(
    "-k", type=int, metavar="N", help="How many rows to give; 10, or with --radius all, without it."
)
@click.option(
    "--radius", type=float, metavar="R", help="Only rows at most this far, or with at least this likeness."
)
@click.option("--where", metavar="CONDITION", help="Search among the rows of which this is true.")
@click.option("--row", metavar="ID", help="Search for what is near this row instead of a query.")
@click.option(
    "--plus", multiple=True, metavar="ITEM", help="Search for a sum of ids or texts; may be repeated."
)
@click.option("--minus", multiple=True, metavar="ITEM", help="What is subtracted from it; may be repeated.")
@click.option("--metric", type=click.Choice(("auto", *METRICS)), default="auto", show_default=True)
@click.option("--csv", metavar="FILE", help="Write rank, id, score and the rows as CSV.")
@click.option("--parquet", metavar="FILE", help="Write them as Parquet.")
@input_options
@json_option
def nearest(path: str, query: str | None, as_json: bool, **given: Any) -> int:
    """Find the rows nearest to a text, to a row or a vector written as JSON, or to one of the rows (--row).

    \b
    vecwise nearest reviews.csv "late and cold" -k 5
    vecwise nearest houses.csv --row 17 --where "price < 300000 and waterfront = 1"
    vecwise nearest vectors/ --row 17 --metric cosine --radius 0.9 --csv alike.csv
    vecwise nearest points.npy "[0.5, 1, 2]" -k 3
    """
    from vecwise import workbench

    with progress_bar() as progress:
        answer = workbench.nearest_in(path, query, progress=progress, **options(**given))
    return print_answer(answer, as_json)
