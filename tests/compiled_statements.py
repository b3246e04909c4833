"""A statement compiled for one store serves the next: each test has a store of its own, and all ask the same.

SQLAlchemy keeps what it compiled by engine, because dialects may differ; those of one kind do not here.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

#: a few more than there are in the program; what is over goes, the longest unused first
MOST_STATEMENTS = 3_000


class _ByKind(LRUCache[Any, Any]):
    """Statements by the class of their dialect, which is the first part of the key."""

    def __getitem__(self, key: tuple[Any, ...]) -> Any:
        return super().__getitem__(_of_kind(key))

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__(_of_kind(key), compiled)

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(_of_kind(key), default)


def share_compiled_statements() -> None:
    """Have every connection of this process look there first."""
    known = _ByKind(MOST_STATEMENTS)

    @event.listens_for(Engine, "engine_connect")
    def look_there(connection: Connection) -> None:
        connection.execution_options(compiled_cache=known)


def _of_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return (type(key[0]), *key[1:])
