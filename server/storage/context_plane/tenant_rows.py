"""What the parts of a tenant's rows share: whose they are, the transaction, and where the tenant stands in it."""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Connection

from server.storage.context_plane.totals import Totals
from tools.context_plane.quotas import ContextQuotas


@dataclass(slots=True)
class TenantRows:
    """Every statement that its subclasses make names `tenant_id`."""

    connection: Connection
    tenant_id: str
    now_us: int
    totals: Totals
    #: that the next fact to change takes
    revision: int
    quotas: ContextQuotas
    #: rows, by table
    gone: Counter[str] = field(default_factory=Counter)

    @property
    def stands_at(self) -> int:
        return self.revision - 1

    def count_bytes(self, more: int, person: int) -> None:
        """Count bytes of an episode that came, or went (below zero), for the tenant and for whoever added it."""
        self.totals.content_bytes += more
        self.totals.bytes_by[person] += more

    def take_revision(self) -> int:
        self.revision += 1
        return self.revision - 1
