"""What webhooks refuse.

ContentRefused(ToolError)   a genuine request whose body is not what it is said to be: its sender is told why
WebhooksInvalid             a file that is not taken over; `faults` are all there are
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tools.errors import ToolError


class ContentRefused(ToolError):
    """Nothing was kept and nothing started."""


@dataclass(frozen=True, slots=True)
class WebhookFault:
    """`place` as the file spells it: `webhooks[0].secrets[1]`; "" for the file as a whole."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class WebhooksInvalid(Exception):
    """Nothing was changed."""

    def __init__(self, faults: Sequence[WebhookFault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)
