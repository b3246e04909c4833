"""Connected accounts whose access token is over although it should have been refreshed."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import ClassVar

from oauth.connections.connection import Connection
from server.alerts.rule import Condition, RuleKind


class RefreshFailing:
    kind: ClassVar = RuleKind(
        "refresh-failing",
        "warning",
        "`ascend connection list --tenant NAME` shows the accounts; the provider may be down, or its registration revoked",
        for_s=300.0,
    )

    def __init__(self, connections: Callable[[], Sequence[Connection]]) -> None:
        self._connections = connections

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        now = now_us / 1_000_000
        overdue = Counter(
            (each.tenant_id, each.provider)
            for each in self._connections()
            # An account that ended is its person's affair (token-health tells of it); here a refresh is tried and brings nothing.
            if each.state == "ready" and each.refresh_due_at is not None and each.fail_count and each.expires_at is not None
            if each.expires_at < now
        )
        return [
            Condition(
                f"{count} account{'s' if count > 1 else ''} at {provider} cannot be renewed, and calls with them fail",
                {"tenant": tenant_id, "provider": provider},
            )
            for (tenant_id, provider), count in sorted(overdue.items())
        ]
