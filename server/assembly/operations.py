"""Find, permit, run, record: the catalogue with its index, the dispatcher with its runners."""

import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capability_index.encoders.encoder import load_word_table
from capability_index.errors import EncoderUnavailable
from capability_index.index import CapabilityIndex
from capability_index.snapshot import WORDS_ONLY
from oauth.tenants import Tenants
from server.assembly.builtins import builtin_functions
from server.assembly.connections import Connections
from server.assembly.index_models import open_models
from server.assembly.shared_state import SharedState
from server.config.settings import Settings
from server.observability.call_log import CallLog
from server.observability.telemetry import Telemetry
from server.observability.trace_context import Tracing
from server.storage.change_feed import Change, ChangeFeed
from server.storage.database import StoreUnavailable
from server.storage.store import Store
from tools.builtins.batch_execute import BatchExecute
from tools.builtins.discover_apis import Remembered
from tools.catalog.catalog import Catalog
from tools.catalog.index_sync import CatalogIndex
from tools.catalog.quarantine import Quarantine
from tools.catalog.search_documents import SHARED_SEGMENT
from tools.catalog.search_feedback import SearchFeedback
from tools.catalog.suggestions import Suggestions
from tools.dispatch.arguments import Validators
from tools.dispatch.confirmations import Agreement, Confirmations
from tools.dispatch.dispatcher import Dispatcher
from tools.dispatch.idempotency import Idempotency
from tools.dispatch.pages.page_cursor import CursorSeal
from tools.dispatch.pages.pager import Pager
from tools.dispatch.policy import Admission, Policy
from tools.dispatch.shaping import Shaping
from tools.egress.client import Egress
from tools.heavy_json.worker import WORKERS
from tools.operation import Runner
from tools.plans.check import PlanCheck
from tools.plans.preconditions import Preconditions
from tools.sources.builtin import BuiltinFunction, BuiltinRunner, builtin_operations, by_slug
from tools.sources.http.base_urls import Upstreams
from tools.sources.http.caching.response_cache import CachingRunner
from tools.sources.http.health_checks import HealthChecks
from tools.sources.http.runner import OpenApiRunner
from tools.sources.key_parts import KeyPart, key_parts
from tools.sources.mcp.runner import McpRunner
from tools.sources.mcp.session_pool import McpSessions
from tools.sources.mcp.watch import McpWatch

log = logging.getLogger("ascend")


@dataclass(frozen=True, slots=True)
class Operations:
    """Everything between an authenticated caller and an upstream."""

    catalog: Catalog
    index: CatalogIndex
    dispatcher: Dispatcher
    call_log: CallLog
    usage: SearchFeedback
    health_checks: HealthChecks
    telemetry: Telemetry
    tracing: Tracing
    quarantine: Quarantine
    mcp_watch: McpWatch
    #: what stands before plans, for those that are stored
    gate: Preconditions
    upstreams: Upstreams
    #: what upstreams answered
    answers: CachingRunner

    def background(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
        """Return what runs as long as the gateway does."""
        return (self.call_log.run, self.health_checks.run, self.index.run, self.mcp_watch.run)

    def key_parts(self, tenant_id: str, provider: str) -> tuple[KeyPart, ...]:
        """Return the keys that an account of `tenant_id` at `provider` has."""
        return key_parts(each for owner in (None, tenant_id) for each in self.catalog.operations_of(owner, provider))

    def listen(self, feed: ChangeFeed) -> None:
        """Take over imports and removals, of this process or another."""
        feed.listen("operations", self._changed)

    def forget_tenant(self, tenant_id: str) -> None:
        """Forget what this process remembers of a tenant that leaves or has gone, so that nobody of the same name has it."""
        self.answers.forget_tenant(tenant_id)
        self.usage.forget_tenant(tenant_id)

    async def _changed(self, changes: Sequence[Change]) -> None:
        await self.refresh(list(dict.fromkeys((change.tenant_id, change.item) for change in changes)))
        self.mcp_watch.look(change.item for change in changes)

    async def refresh(self, providers: Sequence[tuple[str | None, str]]) -> None:
        """Take over what the store has now of some (tenant, provider) pairs: callable first, then found."""
        for tenant_id, provider in providers:
            # A definition that was accepted is there before its block goes: in between, a call would meet neither the old nor the new.
            await self.catalog.refresh(tenant_id, provider)
            await self.quarantine.refresh(tenant_id, provider)
        await self.index.refresh(providers)


@asynccontextmanager
async def open_operations(
    settings: Settings,
    store: Store,
    tenants: Tenants,
    egress: Egress,
    connections: Connections,
    of_planes: Sequence[BuiltinFunction] = (),
    metered: Callable[[Runner], Runner] = lambda runner: runner,
    remembered: Remembered | None = None,
    shared: SharedState = SharedState(),
) -> AsyncIterator[Operations]:
    """Load the snapshots and put the parts together; leaving it lets writes under way end and closes upstream sessions.

    `of_planes`: the built-in operations of the other planes (llm.*). `metered` puts budgets before what calls other systems.
    `remembered`: what the context plane knows by name. `shared`: what nodes keep together.
    """
    catalog = Catalog(store.operations)
    with open_index(settings, catalog) as index:
        async with _open_operations(
            settings, store, tenants, egress, connections, catalog, index, of_planes, metered, remembered, shared
        ) as operations:
            yield operations


@asynccontextmanager
async def _open_operations(
    settings: Settings,
    store: Store,
    tenants: Tenants,
    egress: Egress,
    connections: Connections,
    catalog: Catalog,
    catalog_index: CatalogIndex,
    of_planes: Sequence[BuiltinFunction],
    metered: Callable[[Runner], Runner],
    remembered: Remembered | None,
    shared: SharedState,
) -> AsyncIterator[Operations]:
    credentials, index = connections.known, catalog_index.index
    telemetry = Telemetry()
    tracing = Tracing()
    call_log = CallLog(store.calls, telemetry, tracing, unavailable=(StoreUnavailable, OSError))
    usage = SearchFeedback(store.usage, index, catalog)
    quarantine = Quarantine(store.quarantine)
    policy, validators, suggestions = Policy(tenants, quarantine), Validators(), Suggestions(catalog)
    # Short-lived proofs need a key that all nodes share and that no database dump holds.
    proof_key = connections.proof_key("proofs")
    confirmations = Confirmations(proof_key)
    idempotency = Idempotency(store.idempotency)

    gate = Preconditions(PlanCheck(catalog, policy, validators, credentials, suggestions), confirmations, credentials)
    batch = BatchExecute(gate.check, confirmations, credentials, store.plans, store.results, idempotency).function()
    functions = builtin_functions(
        finder=index,
        catalog=catalog,
        policy=policy,
        credentials=credentials,
        suggestions=suggestions,
        tenants=tenants,
        results=store.results,
        history=store.calls,
        usage=usage,
        remembered=remembered,
    )
    functions += [batch, *connections.functions(catalog.connections), *of_planes]
    catalog.install(builtin_operations(functions))
    await quarantine.load()
    await catalog.load()
    await catalog_index.open()
    await usage.load()

    upstreams = Upstreams(told=shared.told_of_upstream)
    openapi = CachingRunner(metered(OpenApiRunner(egress, credentials, store.results, upstreams)), credentials, shared=shared.answers)
    async with McpSessions(egress, silence_s=settings.mcp.mcp_tool_timeout_s) as sessions:
        dispatcher = Dispatcher(
            admission=Admission(catalog, policy, validators, suggestions, settings.mcp.mcp_tool_timeout_s),
            agreement=Agreement(policy, confirmations, credentials),
            runners={
                "builtin": BuiltinRunner(by_slug(functions)),
                "openapi": openapi,
                "mcp": metered(McpRunner(sessions, credentials, store.results)),
            },
            shaping=Shaping(store.results),
            recorder=call_log,
            idempotency=idempotency,
            pager=Pager(CursorSeal(proof_key), credentials),
            usage=usage,
        )
        watch = McpWatch(sessions, catalog, quarantine, store.operations, credentials)
        health = HealthChecks(upstreams, egress)
        try:
            yield Operations(
                catalog, catalog_index, dispatcher, call_log, usage, health, telemetry, tracing, quarantine, watch, gate, upstreams, openapi
            )
        finally:
            await idempotency.drain()
            await openapi.close()
            WORKERS.close()


@contextmanager
def open_index(settings: Settings, catalog: Catalog) -> Iterator[CatalogIndex]:
    """Give an empty index of `catalog`; without the encoder it searches by words, and says so."""

    def text_of(segment: str, slug: str) -> str:
        found = catalog.ids_of(None if segment == SHARED_SEGMENT else segment).get(slug)
        return slug if found is None else f"{found.title}: {found.summary}"

    directory = settings.data_dir / "index"
    with open_models(settings, text_of) as models:
        try:
            table, warnings = load_word_table(directory, Path(settings.search.word_table) if settings.search.word_table else None), []
        except EncoderUnavailable as error:
            table, warnings = None, [str(error)]
            log.warning("encoder_unavailable", extra={"facts": {"reason": str(error), "effect": "discover_apis searches by words only"}})
        index = CapabilityIndex(table, warnings, reranker=models.reranker)
        yield CatalogIndex(index, catalog, directory, table.model if table else WORDS_ONLY, models.make_encoder)
