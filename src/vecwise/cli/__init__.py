"""The command line: the import order of the commands is the order in which `--help` lists them."""

from vecwise.cli import commands, explain, grouping, maps, pairs  # noqa: F401  importing registers
# isort: skip_file
from vecwise.cli.app import app, main
from vecwise.cli import commands as _commands  # importing registers
from vecwise.cli import runs as _runs
from vecwise.cli import models as _models

__all__ = ["app", "main"]

del _commands, _models, _runs
