"""A group of commands that loads one when it is called, so that `--help` answers at once."""

import gc
import importlib
from collections.abc import Mapping
from typing import Any

import click

from tools.near_names import near


class LazyCommands(click.Group):
    """A group that knows its commands by name: command -> (its module in server.commands, what it does)."""

    def __init__(self, *given: Any, modules: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*given, **options)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._modules:
            return None
        # Loading makes objects that nearly all stay: looking for garbage among them costs a sixth of the time to start.
        gc.disable()
        try:
            module = importlib.import_module(f"server.commands.{self._modules[cmd_name][0]}")
        finally:
            gc.enable()
        command = getattr(module, "command", None)
        return command if isinstance(command, click.Command) else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self._modules and (found := near(name, self._modules, 1)):
            ctx.fail(f"No such command {name!r} (did you mean {found[0]!r}?)")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_module, text) in self._modules.items()])
