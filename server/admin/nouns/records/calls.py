"""Calls: who called which operation, how long it took, and why it failed. Arguments and answers are not kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from oauth.sign_in.errors import InvalidInput
from oauth.sign_in.subjects import normalize_email
from server.admin.administrators import Administrator
from server.admin.lists.cursors import cursor_after, numbers_of
from server.admin.refusals import invalid
from server.admin.resource import Column, Filter, ListQuery, Resource, Row, Rows
from server.storage.history.calls import CallFilter, KeptCall, SqlCallHistory
from server.storage.oauth.subjects import SqlSubjectStore
from tools.operation import Json

CLASSES = ("ours", "upstream", "caller", "setup")
#: (tenant, subject) -> e-mail address
Names = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Calls:
    calls: SqlCallHistory
    subjects: SqlSubjectStore

    def resource(self) -> Resource:
        return Resource(
            name="calls",
            title="Calls",
            about="What was called, the newest first. Arguments and answers are not kept.",
            columns=(
                Column(name="at", title="When", kind="time"),
                Column(name="tenant", title="Tenant", link="tenants"),
                Column(name="person", title="Person"),
                Column(name="operation", title="Operation", link="operations"),
                Column(name="ms", title="ms", kind="duration_ms"),
                Column(name="upstream_ms", title="Upstream ms", kind="duration_ms", is_aside=True),
                Column(name="outcome", title="Outcome", kind="state"),
                Column(name="class", title="Class", kind="state", is_aside=True),
                Column(name="reason", title="Reason"),
                Column(name="trace_id", title="Trace", link="traces"),
            ),
            facts=(
                Column(name="client", title="Client"),
                Column(name="tool", title="Tool"),
                Column(name="account", title="Connection"),
                Column(name="step", title="Step"),
                Column(name="upstream_status", title="Upstream status", kind="number"),
                Column(name="node", title="Node"),
                Column(name="id", title="Number"),
            ),
            leads_by="trace_id",
            rows=self.rows,
            count=self.count,
            filters=(
                Filter(name="failed", title="Failed only", is_flag=True),
                Filter(name="class", title="Class", choices=CLASSES),
                Filter(name="code", title="Error code"),
                Filter(name="operation", title="Operation"),
                Filter(name="person", title="Person"),
                Filter(name="client", title="Client"),
                Filter(name="slower_than_ms", title="Slower than (ms)"),
            ),
            default_range="24h",
            when_empty="No such calls. Ask for a longer range, or take a filter away.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery, *, is_whole: bool = False) -> Rows:
        """Return a page; `is_whole`: of what clients asked, and none of the steps that it took."""
        place = numbers_of(query.cursor, 2)
        before = None if place is None else (place[0], place[1])
        which = await self._which(query, is_whole=is_whole)
        found = [] if which is None else await self.calls.calls(which, query.limit + 1, before)
        shown = found[: query.limit]
        names = await names_of(self.subjects, {(kept.record.tenant_id, kept.record.subject) for kept in shown})
        last = shown[-1] if len(found) > query.limit else None
        return Rows([call_row(kept, names) for kept in shown], None if last is None else cursor_after(last.record.called_at_us, last.seq))

    async def count(self, _administrator: Administrator, query: ListQuery) -> int:
        which = await self._which(query)
        return 0 if which is None else await self.calls.count(which, query.limit)

    async def _which(self, query: ListQuery, *, is_whole: bool = False) -> CallFilter | None:
        """Return which calls are meant; None: those of somebody who is nobody here."""
        asked, subject = query.filters, None
        if person := asked.get("person"):
            subject = await self._subject(query.tenant_id, person)
            if subject is None:
                return None
        return CallFilter(
            since_us=query.span.from_us,
            until_us=query.span.to_us,
            tenant_id=query.tenant_id,
            subject=subject,
            client_id=asked.get("client"),
            operation=asked.get("operation"),
            error_class=asked.get("class"),
            error_code=asked.get("code"),
            at_least_ms=_milliseconds(asked.get("slower_than_ms")),
            failures_only="failed" in asked,
            is_whole=is_whole,
        )

    async def _subject(self, tenant_id: str | None, person: str) -> str | None:
        """Return the subject of an e-mail address; one that is given as it is stays what it is."""
        if "@" not in person:
            return person
        if tenant_id is None:
            raise invalid("person: say of which tenant an e-mail address is, with tenant", "or give the subject, as lists show it")
        try:
            found = await self.subjects.find_local(tenant_id, normalize_email(person))
        except InvalidInput as error:
            raise invalid(f"person: {error}") from error
        return None if found is None else found[0].subject_id


def _milliseconds(said: str | None) -> float | None:
    if said is None:
        return None
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        raise invalid("slower_than_ms: give a number of milliseconds")
    return float(said)


async def names_of(subjects: SqlSubjectStore, whose: Iterable[tuple[str, str]]) -> Names:
    """Return the e-mail addresses of subjects; who is gone has none."""
    return await subjects.emails(set(whose))


def call_row(kept: KeptCall, names: Names) -> Row:
    """Return a call as lists show it."""
    record = kept.record
    row: dict[str, Json] = {
        "at": record.called_at_us,
        "tenant": record.tenant_id,
        "person": names.get((record.tenant_id, record.subject), record.subject),
        "client": record.client_id,
        "tool": record.tool,
        "operation": record.operation,
        "account": record.account,
        "step": record.step,
        "ms": round(record.duration_ms, 1),
        "upstream_ms": None if record.upstream_ms is None else round(record.upstream_ms, 1),
        "upstream_status": record.upstream_status,
        "outcome": "ok" if record.success else record.error_code,
        "class": record.error_class,
        "reason": record.reason,
        "trace_id": record.trace_id,
        "node": kept.node,
        "id": str(kept.seq),
    }
    return row
