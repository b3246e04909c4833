"""What a place that rows go to promises, and what it may answer."""

from typing import Protocol

from server.log_sinks.batch import Batch


class SinkFailed(Exception):
    """Nothing is known to have arrived; the same is sent again later. The message says what, why and what to do, and holds no secret.

    `retry_after_s`: what the other side asked for. `is_too_large`: fewer rows may be taken.
    """

    def __init__(self, message: str, retry_after_s: float | None = None, *, is_too_large: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s, self.is_too_large = retry_after_s, is_too_large


class Destination(Protocol):
    async def send(self, batch: Batch) -> int:
        """Send all rows; return how many the other side took and refused for good. Raises SinkFailed.

        The same batch may come again, where nobody knows whether it arrived.
        """
        ...
