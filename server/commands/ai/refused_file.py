"""A configuration that is refused: a line for each of its faults."""

from typing import Any

from server.commands.frame import CommandFailed
from server.commands.terminal import say
from tools.ai_gateway.configuration.faults import ConfigInvalid


class RefusedFile(CommandFailed):
    def __init__(self, name: str, invalid: ConfigInvalid) -> None:
        count = len(invalid.faults)
        super().__init__(f"{name}: {count} fault{'s' if count > 1 else ''}, nothing was changed")
        self.faults = invalid.faults

    def show(self, file: Any = None) -> None:
        super().show(file)
        for fault in self.faults:
            say(f"  {fault}", err=True)
