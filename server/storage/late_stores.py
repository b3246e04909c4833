"""The stores of durable work, loaded when somebody asks for one of them (docs/decisions/0059)."""

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from server.storage.database import Database

if TYPE_CHECKING:
    from server.storage.workflows.stores import DurableStores

DURABLE_STORES = "server.storage.workflows.stores"


class LateStores:
    """Whoever must not hold the loop imports what is loaded in a thread before (server/assembly/workflows/late_work.py)."""

    def __init__(self, database: Database, scale: float) -> None:
        self._database, self._scale = database, scale

    @cached_property
    def durable(self) -> "DurableStores":
        loaded: DurableStores = import_module(DURABLE_STORES).durable_stores(self._database, self._scale)
        return loaded
