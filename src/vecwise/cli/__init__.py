"""The command line: importing a file of commands registers them; `app.ORDER` says in which order they are listed."""

from vecwise.cli import (  # noqa: F401  importing registers
    chain,
    choose,
    commands,
    explain,
    generate,
    grouping,
    learn,
    maps,
    models,
    pairs,
    probe,
    runs,
    trace,
)
from vecwise.cli.app import app, main

__all__ = ["app", "main"]
