"""What a sink is."""

from typing import Protocol

from server.alerts.message import AlertMessage


class Sink(Protocol):
    async def send(self, delivery_id: str, message: AlertMessage) -> None:
        """Hand a message over; `delivery_id` stays the same when it is tried again. Raises TryAgain, NotTaken."""
        ...
