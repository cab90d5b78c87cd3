"""The command line: the import order of the commands is the order in which `--help` lists them."""

from vecwise.cli import commands, explain, grouping, maps, pairs  # noqa: F401  importing registers
from vecwise.cli.app import app, main

__all__ = ["app", "main"]
