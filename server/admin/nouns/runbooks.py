"""Runbooks: what to look at and what to do first, by whose affair a failure is. The long form is docs/runbooks/incident-response.md."""

from dataclasses import dataclass

from server.admin.administrators import Administrator
from server.admin.lists.cursors import page_of
from server.admin.resource import Column, ListQuery, Resource, Row, Rows


@dataclass(frozen=True, slots=True)
class Runbook:
    """`look` and `do`: in their order; commands as they are typed."""

    means: str
    look: tuple[str, ...]
    do: tuple[str, ...]


#: class of a failure -> what to do about it
RUNBOOKS = {
    "ours": Runbook(
        "the gateway failed or was full",
        ("Health", "ascend doctor", "the log lines internal_error and operation_failed with the same trace id"),
        (
            "Bring the store back where it does not answer: calls wait or get one 503, and nothing is written twice.",
            "Make room where the disk is full; raise a quota where one is used up.",
            "Keep the trace id of an internal_error: it is a fault of the gateway.",
        ),
    ),
    "upstream": Runbook(
        "an API or model did not answer, or answered wrongly",
        ("ascend calls --class upstream", "its status, and upstream_ms beside ms: the rest is ours"),
        (
            "Nothing here has to be restarted: a breaker that is open closes by itself, a model route goes on to its next target.",
            "Look at the provider's own status page, and at what was imported last where one operation alone fails.",
        ),
    ),
    "setup": Runbook(
        "a connection, a scope, an address or a confirmation is missing",
        ("Connections: who has to connect again", "ascend schedule runs token-health"),
        (
            "Have the person connect the account again, or allow the scope that the reason names.",
            "Let the gateway reach an address that is not public with ASCEND_EGRESS_ALLOW, where it should.",
        ),
    ),
    "caller": Runbook(
        "arguments do not fit, or the upstream said no to what was asked",
        ("the reason, which says what did not fit", "who calls: one client, or everybody"),
        (
            "Nothing is broken. Tell whoever calls; where all of them trip over one operation, its page in docs/tools or an overlay helps.",
            "A plan that is used up (rate_limited) is changed with ascend tenant set --plan.",
        ),
    ),
}


class Runbooks:
    def resource(self) -> Resource:
        return Resource(
            name="runbooks",
            title="Runbooks",
            about="What to look at and what to do first, by whose affair a failure is.",
            columns=(
                Column(name="id", title="Class", link="runbooks"),
                Column(name="means", title="Means"),
                Column(name="first", title="Look first at"),
            ),
            facts=(Column(name="look", title="Look at"), Column(name="do", title="Do")),
            rows=self.rows,
            is_read_whole=True,
            one=self.one,
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        return page_of([_row(name, each) for name, each in RUNBOOKS.items()], query, "id")

    async def one(self, _administrator: Administrator, key: str) -> Row | None:
        found = RUNBOOKS.get(key)
        return None if found is None else {**_row(key, found), "look": list(found.look), "do": list(found.do)}


def _row(name: str, runbook: Runbook) -> Row:
    return {"id": name, "means": runbook.means, "first": runbook.look[0]}
