"""Calls that are recorded, and a store for their rows."""

from collections.abc import Sequence

from tools.stores import CallRecord


def record(tool: str = "call_api", operation: str = "crm.contacts.search", error_code: str | None = None) -> CallRecord:
    return CallRecord("default", tool, operation, "access_token", 12.3456, error_code is None, error_code, "t" * 32, "ada", "client-1", 1)


class Rows:
    """A call record store in memory that can refuse."""

    def __init__(self) -> None:
        self.batches: list[list[CallRecord]] = []
        self.is_broken = False

    async def append_calls(self, records: Sequence[CallRecord]) -> None:
        if self.is_broken:
            raise OSError("disk is full")
        self.batches.append(list(records))
