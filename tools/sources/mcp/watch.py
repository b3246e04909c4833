"""Watch the upstream MCP servers that operations came from, and hold what changed until an operator has looked at it."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import anyio

from oauth.connections.connection import EVERYBODY
from oauth.connections.credentials import Credential, Credentials
from oauth.principal import Principal
from tools.catalog.catalog import Catalog
from tools.catalog.quarantine import HeldTool, Quarantine
from tools.errors import ToolError
from tools.operation import Operation
from tools.sources.mcp.definitions import UpstreamTool
from tools.sources.mcp.import_server import included, operations_of
from tools.sources.mcp.review import risks_of, summary_of
from tools.sources.mcp.session import McpSession
from tools.sources.mcp.session_pool import McpSessions, Upstream
from tools.stores import OperationStore, Source

log = logging.getLogger("ascend")
#: the gateway looks after its own sessions this often; announcements are taken as they come
LOOK_EVERY_S = 60.0
OPEN_TIMEOUT_S = 10.0
PARALLEL = 8
#: the tool, and for whom it is held
Key = tuple[str, str | None]
#: nobody in particular: sessions of the gateway itself
GATEWAY = Principal("*", "", "gateway", frozenset(), "watch", "local")


@dataclass(frozen=True, slots=True)
class _Listing:
    """What one listing said. `tenant_id` and `subject` are whose session it was; the gateway's own has no subject."""

    upstream: Upstream
    tenant_id: str
    subject: str
    definitions: Mapping[str, UpstreamTool]

    @property
    def is_own(self) -> bool:
        """The gateway's own look, by nobody's token or by the account that a whole tenant shares: what is missing there is gone."""
        return self.subject == EVERYBODY


class McpWatch:
    """Keeps a session of the gateway's own with each upstream where it can, and compares every listing with what was accepted."""

    def __init__(
        self,
        sessions: McpSessions,
        catalog: Catalog,
        quarantine: Quarantine,
        store: OperationStore,
        credentials: Credentials,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._sessions, self._catalog, self._quarantine = sessions, catalog, quarantine
        self._store, self._credentials, self._look_every_s = store, credentials, look_every_s
        #: the newest listing of each session
        self._listings: dict[tuple[Upstream, str, str], _Listing] = {}
        self._news, self._due = anyio.Event(), anyio.Event()
        #: providers whose operations changed since the last look
        self._changed: set[str] = set()
        sessions.observe(self._listed)

    def look(self, providers: Iterable[str]) -> None:
        """Look at some providers' upstreams now: what they brought was imported, accepted or held."""
        self._changed.update(providers)
        self._due.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._keep_looking)
            while True:
                await self._news.wait()
                self._news = anyio.Event()
                listings, self._listings = self._listings, {}
                for listing in listings.values():
                    try:
                        await self._settle(listing)
                    except Exception:  # the store may be away; the next listing comes, and calls compare for themselves meanwhile
                        log.exception("upstream_listing_not_settled", extra={"facts": {"provider": listing.upstream.provider}})

    def _listed(self, principal: Principal, upstream: Upstream, session: McpSession) -> None:
        listing = _Listing(upstream, principal.tenant_id, principal.subject, session.definitions)
        self._listings[upstream, principal.tenant_id, principal.subject] = listing
        self._news.set()

    async def _keep_looking(self) -> None:
        while True:
            self._due = anyio.Event()
            changed, self._changed = self._changed, set()
            limiter = anyio.CapacityLimiter(PARALLEL)
            async with anyio.create_task_group() as group:
                for upstream, is_secured in self._upstreams().items():
                    group.start_soon(self._look_at, upstream, is_secured, upstream.provider in changed, limiter)
            with anyio.move_on_after(self._look_every_s):
                await self._due.wait()

    def _upstreams(self) -> dict[Upstream, bool]:
        """Return the upstreams that operations came from, and whether they ask for an account."""
        found: dict[Upstream, bool] = {}
        for owner in self._catalog.owners:
            for operation in self._catalog.operations_of(owner):
                if operation.kind == "mcp":
                    found[Upstream(operation.provider, operation.binding["url"], owner)] = operation.connection is not None
        return found

    async def _look_at(self, upstream: Upstream, is_secured: bool, is_changed: bool, limiter: anyio.CapacityLimiter) -> None:
        async with limiter:
            principal = GATEWAY if upstream.owner is None else replace(GATEWAY, tenant_id=upstream.owner)
            try:
                credential = await self._credential(principal, upstream) if is_secured else None
                if is_secured and credential is None:
                    return  # Only people have accounts there: their own sessions see what changes.

                async def rejected(refused: Credential) -> Credential | None:
                    return await self._credentials.rejected(principal, upstream.provider, refused)

                session = await self._sessions.get(principal, upstream, credential, rejected, OPEN_TIMEOUT_S)
                if is_changed:
                    # A listing from before was compared with what was accepted then.
                    session.freshen()
            except ToolError as error:
                facts = {"provider": upstream.provider, "tenant": upstream.owner or "", "error": error.failure.code}
                log.info("upstream_not_watched", extra={"facts": facts})
            except Exception:
                log.exception("upstream_not_watched", extra={"facts": {"provider": upstream.provider}})

    async def _credential(self, principal: Principal, upstream: Upstream) -> Credential | None:
        """Return the account that the whole tenant shares, if there is one; no person's token is used to watch."""
        if upstream.owner is None or self._credentials.readiness(principal, upstream.provider, frozenset()).status != "ready":
            return None
        return await self._credentials.for_call(principal, upstream.provider, frozenset(), None)

    async def _settle(self, listing: _Listing) -> None:
        upstream = listing.upstream
        source = next((each for each in await self._store.sources(upstream.owner) if each.provider == upstream.provider), None)
        if source is None or source.kind != "mcp":
            return
        operations = [
            operation
            for operation in self._catalog.operations_of(upstream.owner, upstream.provider)
            if operation.kind == "mcp" and operation.binding["url"] == upstream.url
        ]
        known = self._quarantine.held_of(upstream.owner, upstream.provider)
        known_by_key = {each.key: each for each in known}
        # In a thread: reading thousands of definitions takes a while, and calls must not wait for it.
        found = await anyio.to_thread.run_sync(_found, listing, operations, source, known_by_key)
        found = {key: _same(each, known_by_key.get(key)) for key, each in found.items()}
        if source.settings.get("admit_new"):
            admitted = {key: each for key, each in found.items() if each.reason == "new" and not each.risks}
            await self._admit(source, operations, [each.tool for each in admitted.values()], listing)
            found = {key: each for key, each in found.items() if key not in admitted}
        pins = {operation.binding["tool"]: operation.binding["pin"] for operation in operations}
        kept = {key: each for key, each in known_by_key.items() if key not in found and _still_held(each, listing, pins)}
        held = {**found, **kept}
        # What is held for all need not be held for one tenant besides.
        held = {(tool, whom): each for (tool, whom), each in held.items() if whom is None or (tool, None) not in held}
        if held != known_by_key:
            await self._quarantine.hold(upstream.owner, upstream.provider, list(held.values()))
            facts = {"provider": upstream.provider, "tenant": upstream.owner or "", "tools": len(held)}
            log.warning("upstream_tools_held", extra={"facts": facts})

    async def _admit(self, source: Source, operations: list[Operation], tools: list[str], listing: _Listing) -> None:
        if not tools:
            return
        definitions = [listing.definitions[tool] for tool in tools]
        new = operations_of(definitions, source, [], taken=_ids(operations))
        await self._store.amend(source.tenant_id, source.provider, new)
        log.info("upstream_tools_admitted", extra={"facts": {"provider": source.provider, "tools": len(new)}})


def _found(listing: _Listing, operations: list[Operation], source: Source, known: Mapping[Key, HeldTool]) -> dict[Key, HeldTool]:
    return {each.key: each for each in (*_differences(listing, operations, known), *_new(listing, operations, source, known))}


def _is_known(held: HeldTool | None, definition: UpstreamTool, accepted_pin: str) -> bool:
    """Say whether exactly this was looked at before."""
    return held is not None and held.accepted_pin == accepted_pin and held.definition == definition.as_json()


def _same(found: HeldTool, known: HeldTool | None) -> HeldTool:
    """Return what is known already where only another session has seen the same."""
    return known if known is not None and replace(known, seen_by=found.seen_by) == found else found


def _concerns(listing: _Listing) -> str | None:
    """Return for whom a finding counts: of a shared source, what a person's session saw is the business of that tenant alone."""
    return listing.tenant_id if listing.upstream.owner is None and not listing.is_own else None


def _differences(listing: _Listing, operations: list[Operation], known: Mapping[Key, HeldTool]) -> list[HeldTool]:
    found = []
    for operation in operations:
        tool, accepted = operation.binding["tool"], operation.binding["definition"]
        current = listing.definitions.get(tool)
        held = HeldTool(
            tenant_id=listing.upstream.owner,
            provider=operation.provider,
            tool=tool,
            operation_id=operation.id,
            reason="gone",
            concerns=_concerns(listing),
            accepted_pin=operation.binding["pin"],
            seen_by=listing.subject,
        )
        if current is None:
            # What one person may not see is not gone (a list may differ by authorization).
            found += [held] if listing.is_own else []
        elif current.pin != held.accepted_pin and _is_known(known.get(held.key), current, held.accepted_pin):
            found.append(known[held.key])
        elif current.pin != held.accepted_pin:
            changes, risks = summary_of(accepted, current), risks_of(accepted, current)
            found.append(replace(held, reason="changed", definition=current.as_json(), changes=changes, risks=risks))
    return found


def _new(listing: _Listing, operations: list[Operation], source: Source, known: Mapping[Key, HeldTool]) -> list[HeldTool]:
    if _concerns(listing) is not None:
        return []
    accepted = {operation.binding["tool"] for operation in operations}
    unknown = [definition for name, definition in listing.definitions.items() if name not in accepted]
    seen = [known[each.name, None] for each in unknown if _is_known(known.get((each.name, None)), each, "")]
    unseen = {each.name for each in unknown} - {each.tool for each in seen}
    taken = _ids(operations) | {each.operation_id for each in seen}
    brought = operations_of([each for each in unknown if each.name in unseen], source, [], taken=taken)
    return seen + [
        HeldTool(
            tenant_id=source.tenant_id,
            provider=source.provider,
            tool=operation.binding["tool"],
            operation_id=operation.id,
            reason="new",
            definition=operation.binding["definition"],
            risks=risks_of(None, listing.definitions[operation.binding["tool"]]),
            seen_by=listing.subject,
        )
        for operation in brought
        if included(operation, source)
    ]


def _still_held(held: HeldTool, listing: _Listing, pins: Mapping[str, str]) -> bool:
    """Say whether what this listing does not bear out stays held: what somebody else saw does, unless the gateway looked itself."""
    if held.reason != "new" and pins.get(held.tool) != held.accepted_pin:
        return False
    if held.reason == "new" and held.tool in pins:
        return False
    return not (listing.is_own and held.concerns is None) and (held.concerns, held.seen_by) != (_concerns(listing), listing.subject)


def _ids(operations: list[Operation]) -> set[str]:
    return {operation.id for operation in operations}
