"""Operations that wait for an operator, because their upstream now says something else of them than what was accepted."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import orjson

from tools.operation import Failure, Json, Operation

#: changed: another definition; gone: the upstream lists it no more; new: it was not there when the provider was imported
HeldReason = Literal["changed", "gone", "new"]


@dataclass(frozen=True, slots=True)
class HeldTool:
    """A tool of an upstream that nobody accepted as it is now. `tenant_id` is the source's owner (None: shared by all tenants)."""

    tenant_id: str | None
    provider: str
    #: the upstream's name for it
    tool: str
    #: the operation that it is, or that it would be; what is new has no operation yet
    operation_id: str
    reason: HeldReason
    #: the tenant for whom it is held, where only that tenant's accounts have seen it; None: for all who see the source
    concerns: str | None = None
    #: pin of the definition that it was compared with; a block ends by itself once another one is accepted
    accepted_pin: str = ""
    #: the definition of now, None where it is gone. The upstream's own words: for operators, never for a model
    definition: Mapping[str, Json] | None = field(default=None, repr=False)
    #: what changed and what makes it riskier, in our words
    changes: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    #: the subject whose session saw it; "" for the gateway's own
    seen_by: str = ""

    @property
    def key(self) -> tuple[str, str | None]:
        """What there is at most one of in a source."""
        return self.tool, self.concerns


class QuarantineStore(Protocol):
    """Tells the change feed of every change (topic "operations", item: the provider)."""

    async def load_held(self) -> Sequence[HeldTool]:
        """Return everything that is held, of all tenants: for the process's snapshot, which keeps them apart."""
        ...

    async def held_of(self, tenant_id: str | None, provider: str) -> Sequence[HeldTool]:
        """Return what is held of one source, by tool."""
        ...

    async def hold(self, tenant_id: str | None, provider: str, held: Sequence[HeldTool]) -> None:
        """Make `held` the whole of what is held of one source, in one step."""
        ...


class Quarantine:
    """This process's snapshot of what is held; a lookup costs a call of an upstream's tool two dictionary reads."""

    def __init__(self, store: QuarantineStore) -> None:
        self._store = store
        #: (owner, provider) -> what is held of it
        self._held: dict[tuple[str | None, str], tuple[HeldTool, ...]] = {}
        #: (owner, operation id) -> for whom -> what is held
        self._blocks: dict[tuple[str | None, str], dict[str | None, HeldTool]] = {}
        #: tenant -> operations that are gone for it
        self._gone: dict[str, frozenset[tuple[str | None, str]]] = {}

    async def load(self) -> None:
        """Read everything that is held."""
        by_source: dict[tuple[str | None, str], list[HeldTool]] = {}
        for held in await self._store.load_held():
            by_source.setdefault((held.tenant_id, held.provider), []).append(held)
        self._held = {source: tuple(held) for source, held in by_source.items()}
        self._index()

    async def refresh(self, tenant_id: str | None, provider: str) -> None:
        """Read one source again (topic "operations" of the change feed)."""
        held = tuple(await self._store.held_of(tenant_id, provider))
        # Not before the wait: another source's refresh would index without this one.
        before = self._held.pop((tenant_id, provider), ())
        if held:
            self._held[tenant_id, provider] = held
        if held != before:
            self._index()

    def held_of(self, tenant_id: str | None, provider: str) -> tuple[HeldTool, ...]:
        """Return what is held of one source."""
        return self._held.get((tenant_id, provider), ())

    async def hold(self, tenant_id: str | None, provider: str, held: Sequence[HeldTool]) -> None:
        """Make `held` the whole of what is held of a source: here at once, in other processes by the change feed."""
        await self._store.hold(tenant_id, provider, held)
        await self.refresh(tenant_id, provider)

    def block(self, tenant_id: str, operation: Operation) -> HeldTool | None:
        """Return why `operation` is held for `tenant_id`, or None where it may run."""
        if not self._blocks or operation.kind != "mcp":
            return None
        blocks = self._blocks.get((operation.tenant_id, operation.id))
        held = None if blocks is None else blocks.get(None) or blocks.get(tenant_id)
        return held if held is not None and held.accepted_pin == operation.binding["pin"] else None

    def refusal(self, tenant_id: str, operation: Operation) -> Failure | None:
        """Return the failure that a call of `operation` is answered with, or None."""
        held = self.block(tenant_id, operation)
        return None if held is None else failure_of(operation, held.reason, held.changes, held.risks)

    def gone(self, tenant_id: str) -> frozenset[tuple[str | None, str]]:
        """Return the operations that their upstream has no more, as (owner, id): what need not be found."""
        if tenant_id not in self._gone:
            self._gone[tenant_id] = frozenset(
                (owner, operation_id)
                for (owner, operation_id), blocks in self._blocks.items()
                if owner in (None, tenant_id) and any(each.reason == "gone" for whom, each in blocks.items() if whom in (None, tenant_id))
            )
        return self._gone[tenant_id]

    def _index(self) -> None:
        blocks: dict[tuple[str | None, str], dict[str | None, HeldTool]] = {}
        for held in _all(self._held.values()):
            if held.reason != "new":
                blocks.setdefault((held.tenant_id, held.operation_id), {})[held.concerns] = held
        self._blocks, self._gone = blocks, {}


def failure_of(operation: Operation, reason: HeldReason, changes: Sequence[str] = (), risks: Sequence[str] = ()) -> Failure:
    """Return why a held operation does not run. Nothing in it is the upstream's: new words reach no model before they are accepted."""
    where = f"`ascend import review {operation.provider}`"
    if reason == "gone":
        message = f"the MCP server of '{operation.provider}' no longer has the tool behind '{operation.id}'"
        return Failure("operation_gone", message, hint=f"discover_apis finds what is there now; an operator sees more with {where}")
    named = ", ".join(changes) or "its definition"
    message = f"the definition of '{operation.id}' has changed since it was accepted ({named}), so it is quarantined"
    whose = "--shared" if operation.tenant_id is None else f"--tenant {operation.tenant_id}"
    if risks:
        message += f"; riskier: {', '.join(risks)}"
    return Failure(
        code="definition_changed",
        message=message,
        upstream={"status": None, "body": {"changes": list(changes), "riskier": list(risks)}},
        hint=f"an operator reads the difference with {where} and accepts it with `ascend import accept {operation.provider} {whose}`",
    )


def stamp_of(held: Iterable[HeldTool]) -> str:
    """Return a text that is another one as soon as anything that an operator was shown of `held` is.

    Upstreams write both what is shown and what it is changed into, so it is too long for two of them to be made alike.
    """
    shown = sorted(
        orjson.dumps([each.tool, each.concerns, each.reason, each.accepted_pin, each.definition], option=orjson.OPT_SORT_KEYS, default=str)
        for each in held
    )
    return hashlib.sha256(b"\n".join(shown)).hexdigest()[:32]


def _all(groups: Iterable[tuple[HeldTool, ...]]) -> Iterable[HeldTool]:
    return (held for group in groups for held in group)
