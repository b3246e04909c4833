"""Decisions: what the gateway did not let through as it was asked, about whom, and why."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.admin.administrators import Administrator
from server.admin.lists.cursors import cursor_after, number_and_text_of
from server.admin.nouns.records.calls import names_of
from server.admin.resource import Column, Filter, ListQuery, Resource, Row, Rows
from server.storage.history.decisions import DecisionFilter, KeptDecision, SqlDecisions
from server.storage.oauth.subjects import SqlSubjectStore


@dataclass(frozen=True, slots=True)
class Decisions:
    decisions: SqlDecisions
    subjects: SqlSubjectStore

    def resource(self) -> Resource:
        return Resource(
            name="decisions",
            title="Decisions",
            about="Calls that were not let through as they were asked: a scope, a connection or a yes was missing. Summed up by the hour.",
            columns=(
                Column(name="last_at", title="Last", kind="time"),
                Column(name="tenant", title="Tenant", link="tenants"),
                Column(name="person", title="Person"),
                Column(name="operation", title="Operation", link="operations"),
                Column(name="decision", title="Decision", kind="state"),
                Column(name="reason", title="Why"),
                Column(name="count", title="Times", kind="number"),
                Column(name="trace_id", title="Trace", link="traces", is_aside=True),
            ),
            facts=(
                Column(name="first_at", title="First", kind="time"),
                Column(name="client", title="Client"),
                Column(name="id", title="Decision"),
            ),
            rows=self.rows,
            one=self.one,
            filters=(
                Filter(name="decision", title="Decision"),
                Filter(name="operation", title="Operation"),
                Filter(name="subject", title="Subject"),
            ),
            default_range="7d",
            when_empty="Everything was let through in this time. What failed otherwise is among the calls.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        which = DecisionFilter(
            since_us=query.span.from_us,
            until_us=query.span.to_us,
            tenant_id=query.tenant_id,
            subject=query.filters.get("subject"),
            operation=query.filters.get("operation"),
            decision=query.filters.get("decision"),
        )
        found = await self.decisions.decisions(which, query.limit + 1, number_and_text_of(query.cursor))
        shown = found[: query.limit]
        names = await names_of(self.subjects, {(each.tenant, each.subject) for each in shown})
        last = shown[-1] if len(found) > query.limit else None
        return Rows([_row(each, names) for each in shown], None if last is None else cursor_after(last.last_at, last.decision_id))

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        found = await self.decisions.decision(key)
        if found is None or not administrator.reaches(found.tenant):
            return None
        return _row(found, await names_of(self.subjects, {(found.tenant, found.subject)}))


def _row(decision: KeptDecision, names: Mapping[tuple[str, str], str]) -> Row:
    return {
        "id": decision.decision_id,
        "last_at": decision.last_at,
        "first_at": decision.first_at,
        "tenant": decision.tenant,
        "person": names.get((decision.tenant, decision.subject), decision.subject),
        "client": decision.client,
        "operation": decision.operation,
        "decision": decision.decision,
        "reason": decision.reason,
        "count": decision.count,
        "trace_id": decision.last_trace_id,
    }
