"""The command `runs` and what it can be asked: show, diff, best, repeat.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

import click

from vecwise.cli.app import Commands, app
from vecwise.cli.options import json_option
from vecwise.cli.printing import print_answer, progress_bar

_where = click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="Only runs that fulfil it, such as 'r2 > 0.8' or 'kind = encode'; may be repeated.",
)


@app.group(cls=Commands, invoke_without_command=True)
@click.option("--sort", metavar="METRIC", help="The best by this metric first, instead of the newest.")
@_where
@click.option(
    "--column", "columns", multiple=True, metavar="NAME", help="A metric or parameter to show beside."
)
@click.option("--limit", type=int, default=30, show_default=True, help="How many runs to show; 0 shows all.")
@click.option("--html", metavar="PATH", help="Write them all as a page that opens offline.")
@json_option
@click.pass_context
def runs(
    context: click.Context,
    sort: str | None,
    where: tuple[str, ...],
    columns: tuple[str, ...],
    limit: int,
    html: str | None,
    as_json: bool,
) -> int:
    """Know how it was made: every command is recorded; this lists, compares and repeats them.

    Example: vecwise runs --where "kind = explore" --sort vectors.rows
    """
    if context.invoked_subcommand is not None:
        return 0
    from vecwise import workbench

    answer = workbench.list_runs(
        sort=sort, where=where, columns=columns, limit=limit if limit > 0 else None, html=html
    )
    return print_answer(answer, as_json)


@runs.command()
@click.argument("run")
@json_option
def show(run: str, as_json: bool) -> int:
    """Show a run in full, by its id, the beginning of it, or `last`."""
    from vecwise import workbench

    return print_answer(workbench.show_run(run), as_json)


@runs.command()
@click.argument("a")
@click.argument("b")
@json_option
def diff(a: str, b: str, as_json: bool) -> int:
    """Tell what differs between two runs, and only that."""
    from vecwise import workbench

    return print_answer(workbench.diff_runs(a, b), as_json)


@runs.command()
@click.option("--metric", required=True, help="What to be best at.")
@click.option(
    "--smallest/--largest", default=None, help="Which end is best; the name of the metric tells without."
)
@_where
@json_option
def best(metric: str, smallest: bool | None, where: tuple[str, ...], as_json: bool) -> int:
    """Show the best run by a metric."""
    from vecwise import workbench

    return print_answer(workbench.best_run(metric, where=where, smallest=smallest), as_json)


@runs.command()
@click.argument("run")
@json_option
def repeat(run: str, as_json: bool) -> int:
    """Make a run again and tell whether data, code and numbers are the same; exit status 1 if not."""
    from vecwise import workbench

    return print_answer(workbench.repeat_run(run), as_json)


@runs.command()
@json_option
def sync(as_json: bool) -> int:
    """Carry all runs into MLflow: a SQLite file beside the journal, or MLFLOW_TRACKING_URI."""
    from vecwise import workbench

    with progress_bar() as progress:
        answer = workbench.sync_runs(progress)
    return print_answer(answer, as_json)


@runs.command(name="import")
@click.argument("path")
@json_option
def import_(path: str, as_json: bool) -> int:
    """Take in the runs of another tracker: a folder of TensorBoard event files, or a CSV of wandb and the like.

    Example: vecwise runs import logs/ ; exit status 1 if a file is damaged: what could be read is kept.
    """
    from vecwise import workbench

    return print_answer(workbench.import_runs(path), as_json)
