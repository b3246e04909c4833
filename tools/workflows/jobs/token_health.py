"""Connections that ended, fail, end soon with nothing to renew them, or were never used."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from oauth.connections.connection import PASSING, Connection
from tools.operation import Json
from tools.workflows.jobs.report import finding, report
from tools.workflows.run import Retry, Run
from tools.workflows.workflow import Workflow

ENDS_SOON_S = 7 * 24 * 3600.0
#: call records are kept for thirty days
UNUSED_S = 14 * 24 * 3600.0
DAY_S = 24 * 3600.0
#: refreshes in a row that a network or a provider in trouble may cost
PASSING_FAILURES = 5


class ConnectionsInUse(Protocol):
    async def of_tenant(self, tenant_id: str) -> Sequence[Connection]: ...

    async def called_since(self, tenant_id: str, time_us: int) -> Collection[tuple[str, str]]:
        """Return (subject, provider) of every call on record since then."""
        ...


class TokenHealth:
    def __init__(self, connections: ConnectionsInUse) -> None:
        self._connections = connections

    def workflow(self) -> Workflow:
        title = "Look at connections that end, fail or were never used"
        return Workflow("token-health", "1", self._body, Retry(3), title=title)

    async def _body(self, run: Run, given: Mapping[str, Json]) -> Json:
        now_us = await run.now_us("now")

        async def look() -> Json:
            connections = await self._connections.of_tenant(run.tenant_id)
            unproven = [each for each in connections if now_us / 1e6 - each.created_at > UNUSED_S]
            called = await self._connections.called_since(run.tenant_id, now_us - round(UNUSED_S * 1e6)) if unproven else ()
            return token_report(connections, called, now_us)

        return await run.step("look", look)


def token_report(connections: Sequence[Connection], called: Collection[tuple[str, str]], now_us: int) -> dict[str, Json]:
    """Return what is to be said about a tenant's connections; `called`: (subject, provider) of its calls in UNUSED_S."""
    now, providers = now_us / 1e6, {provider for _subject, provider in called}
    findings = []
    for each in sorted(connections, key=lambda one: (one.provider, one.alias, one.account_id)):
        whose = {"provider": each.provider, "subject": each.subject or "everybody", "account_id": each.account_id}
        used = each.provider in providers if not each.subject else (each.subject, each.provider) in called
        if said := _said(each, now, is_used=used):
            kind, message, hint = said
            findings.append(finding(kind, f"{each.provider}/{each.alias}", message, hint, whose))
    return report("Connections", findings, {"connections": len(connections)}, now_us)


def _said(connection: Connection, now: float, *, is_used: bool) -> tuple[str, str, str] | None:
    """Return kind, message and what to do, of the first thing that is wrong; None where nothing is."""
    again = f"connect {connection.provider} again (connections.connect, or the page of connections)"
    why = f": {connection.last_error}" if connection.last_error else ""
    if connection.state == "blocked":
        return "blocked", f"its secret cannot be opened, so calls are refused{why}", again
    if connection.has_ended(now):
        return "ended", f"it ended, and nothing renews it{why}", again
    if connection.fail_count:
        passes = connection.last_error.startswith(PASSING)
        if not passes or connection.fail_count >= PASSING_FAILURES:
            hint = "look whether the provider answers; it is tried on" if passes else again
            return "failing", f"{connection.fail_count} refreshes failed in a row{why}", hint
    if connection.refresh_due_at is None and connection.expires_at is not None and connection.expires_at - now < ENDS_SOON_S:
        days = max(1, round((connection.expires_at - now) / DAY_S))
        return "ends_soon", f"it ends in {days} day{'s' if days > 1 else ''}, and there is nothing to renew it with", again
    if not is_used and now - connection.created_at > UNUSED_S:
        hint = "remove it if nobody needs it (connections.disconnect): an unused account is only a risk"
        return "unused", f"no call used its provider in {UNUSED_S / DAY_S:.0f} days", hint
    return None
