"""The command line: words in, an answer out, as text or as one JSON document; errors are one line and exit 2.

This module must not know the commands, which register themselves with `app`.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final, NoReturn

import click

from vecwise.cli.printing import printable
from vecwise.cli.speaking import options_of, spoken
from vecwise.errors import VecwiseError

# The commands as a user meets them, whichever file defines them.
ORDER: Final = (
    *("explore", "encode", "health", "similar", "nearest", "explain", "pairs", "cluster", "map", "dedupe"),
    *("probe", "predict", "choose", "fit-encoder", "chain", "trace", "compare", "generate"),
    *("runs", "models"),
)


class Refused(VecwiseError):
    """A refusal of the library, in the words of the command line."""


class Command(click.Command):
    """A command that can be told not to be recorded, and that speaks of its own options."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.params.append(
            click.Option(
                ["--no-track"],
                is_flag=True,
                expose_value=False,
                callback=_do_not_track,
                help="Do not record this run (see `vecwise runs`).",
            )
        )

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what the library refuses is said with the command's options."""
        try:
            return super().invoke(ctx)
        except VecwiseError as error:
            given = set(
                map(str, ctx.params.values())
            )  # a column that is called like an option is that column
            named = {name: option for name, option in options_of(self.params).items() if name not in given}
            raise Refused(spoken(error, named)) from error


def _do_not_track(context: click.Context, option: click.Parameter, given: bool) -> None:
    if given:
        os.environ["VECWISE_TRACK"] = "0"


class Commands(click.Group):
    """Lists commands in the order in which a user meets them."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the commands in the order of `ORDER`, and those it does not name in that of their definition."""
        place = {name: number for number, name in enumerate(ORDER)}
        return sorted(self.commands, key=lambda name: place.get(name, len(place)))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vecwise")
def app() -> None:
    """Rows become vectors that know what they mean.

    Start with: vecwise explore FILE
    """


class Terminated(KeyboardInterrupt):
    """The system asked the process to end."""


def _terminate(*_: Any) -> NoReturn:
    raise Terminated


def main() -> NoReturn:
    """Run the command line; a refusal is one line on standard error and exit status 2."""
    import signal
    import warnings

    warnings.showwarning = _warned
    signal.signal(signal.SIGTERM, _terminate)  # so that what is half done is put away, as with Ctrl-C
    status = _run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = 0
    except OSError as error:
        status = _fail(_system(error))
    sys.stderr.flush()
    # Not sys.exit: a process that ends a few milliseconds after Arrow started its threads is now and then
    # aborted while they are torn down ("terminate called without an active exception", status 134).
    os._exit(status)


def _run() -> int:
    try:
        status = app(prog_name="vecwise", standalone_mode=False)
    except VecwiseError as error:
        return _fail(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        return _fail(_usage(error))
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        return 0
    except (click.exceptions.Abort, KeyboardInterrupt) as stop:
        cause = stop.__cause__ or stop  # click makes an `Abort` of an interruption
        return _fail(str(cause) or "Stopped.", 143 if isinstance(cause, Terminated) else 130)
    except (OSError, MemoryError) as error:
        return _fail(_system(error))
    return status if isinstance(status, int) else 0


def _warned(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning is one line, as an error is."""
    _fail(str(message))


def _fail(message: str, status: int = 2) -> int:
    print("vecwise: " + printable(" ".join(message.split())), file=sys.stderr)
    return status


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    path = "vecwise" if context is None else context.command_path
    message = error.format_message()
    return f"{message}{'' if message.endswith(('.', '?')) else '.'} Try: {path} --help"


def _system(error: OSError | MemoryError) -> str:
    if isinstance(error, MemoryError):
        return "Out of memory. Try --sample."
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason}: {error.filename}" if error.filename else f"{reason}."
