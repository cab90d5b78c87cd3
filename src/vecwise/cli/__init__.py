"""The command line: importing a file of commands registers them; `app.ORDER` says in which order they are listed."""

from vecwise.cli import choose, commands, explain, grouping, maps, models, pairs, probe, runs, trace  # noqa: F401  importing registers
from vecwise.cli.app import app, main

__all__ = ["app", "main"]
