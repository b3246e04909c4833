"""A file that is refused whole: a line for each of its faults."""

from collections.abc import Sequence
from typing import Any

from server.commands.frame import CommandFailed
from server.commands.terminal import say


class RefusedFile(CommandFailed):
    """`name`: what was read; `faults`: all there are, each of which says its place."""

    def __init__(self, name: str, faults: Sequence[object]) -> None:
        super().__init__(f"{name}: {len(faults)} fault{'s' if len(faults) > 1 else ''}, nothing was changed")
        self.faults = faults

    def show(self, file: Any = None) -> None:
        super().show(file)
        for fault in self.faults:
            say(f"  {fault}", err=True)
