"""What all commands share: where the data is, how a command runs, how it fails."""

import functools
import importlib.util
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import anyio
import click

from server.audited import audited
from server.commands.command_being_run import command_being_run
from server.commands.terminal import say
from server.config.load import load
from server.config.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

#: what may be listened on; 0 is any that is free
PORT = click.IntRange(0, 65_535)


class CommandFailed(click.ClickException):
    """The command could not do its work; the one-line message names the thing, the rule and the way out. Exit code 1."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        say(f"ascend: {self.format_message()}", err=True)


def with_settings(command: Callable[..., R]) -> Callable[..., R]:
    """Give `command` the option --data and hand it the settings of that directory as its first argument."""

    @click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data directory [ASCEND_DATA_DIR, else ./.ascend].")
    @functools.wraps(command)
    def wrapper(*args: Any, data: Path | None, **options: Any) -> R:
        return command(load(data), *args, **options)

    return wrapper


def run_async(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Run an async command to its end; what it changes is on record (server/audited.py)."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with audited(command_being_run()):
            return anyio.run(functools.partial(function, *args, **kwargs))

    # For the test that enumerates all commands; `functools.wraps` hands it on.
    vars(wrapper)["is_on_record"] = True
    return wrapper


def run_server(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Run a server to its end, on uvloop where there is one."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        has_uvloop = importlib.util.find_spec("uvloop") is not None
        return anyio.run(functools.partial(function, *args, **kwargs), backend_options={"use_uvloop": has_uvloop})

    return wrapper


def json_option(command: Callable[..., R]) -> Callable[..., R]:
    """Give `command` the flag --json, passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def required_data(settings: Settings) -> None:
    """Fail where no gateway has been started with this data directory and database yet."""
    if settings.store.database_url.startswith("sqlite") and not Path(settings.store.database_url.rpartition(":///")[2]).is_file():
        raise CommandFailed(f"no gateway data in {settings.data_dir}; start one with `ascend serve`, or name its directory with --data")


__all__ = ["PORT", "CommandFailed", "Settings", "json_option", "required_data", "run_async", "run_server", "with_settings"]
