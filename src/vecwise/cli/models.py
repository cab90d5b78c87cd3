"""The command `models` and what it can be asked: register, list, alias.

This module must not know anything but `workbench`, which does the work.
"""

from __future__ import annotations

import click

from vecwise.cli.app import Commands, app
from vecwise.cli.options import json_option
from vecwise.cli.printing import print_answer


@app.group(cls=Commands)
def models() -> None:
    """Keep models by name: versions and aliases, used as models:/NAME@champion."""


@models.command()
@click.argument("run")
@click.argument("name")
@click.option("--alias", help="A name for this version, such as champion.")
@json_option
def register(run: str, name: str, alias: str | None, as_json: bool) -> int:
    """Register what a run made: its model, or the encoder of its vectors.

    Example: vecwise models register last reviews --alias champion
    """
    from vecwise import workbench

    return print_answer(workbench.register_model(run, name, alias=alias), as_json)


@models.command("list")
@json_option
def list_(as_json: bool) -> int:
    """List models, their versions and aliases."""
    from vecwise import workbench

    return print_answer(workbench.list_models(), as_json)


@models.command()
@click.argument("name")
@click.argument("version", type=int)
@click.argument("alias")
@json_option
def alias(name: str, version: int, alias: str, as_json: bool) -> int:
    """Let an alias mean a version."""
    from vecwise import workbench

    return print_answer(workbench.alias_model(name, version, alias), as_json)
