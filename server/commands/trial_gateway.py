"""A gateway over given documents, for as long as a measurement takes: put together as the one that serves, in a folder that goes."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from capability_index.evaluation import Request
from oauth.connections.credentials import Credential, Readiness
from oauth.principal import Principal
from oauth.scopes import BASELINE
from oauth.tenants import DEFAULT_TENANT, Tenants
from server.assembly.connections import assemble_connections
from server.assembly.operations import Operations, open_operations
from server.config.load import load
from server.storage.store import Store, open_store
from tools.builtins.discover_apis import MAX_LIMIT, DiscoverApis
from tools.catalog.suggestions import Suggestions
from tools.dispatch.policy import Policy
from tools.egress.client import Egress
from tools.errors import ImportFailed
from tools.operation import Call, CallOptions, ClientInfo, Failure, Json, Operation, Outcome
from tools.sources.importing import ImportRequest, import_openapi
from tools.stores import Source

#: where a document's API is does not show in what is found; one that does not say it could not be imported
_SOMEWHERE = "https://api.example"
_SOMEBODY = Principal(DEFAULT_TENANT, "somebody", "trial", frozenset({*BASELINE, "mcp:read", "mcp:write", "mcp:destructive"}), "trial")


class Connected:
    """Credentials of somebody who has connected an account everywhere: what stands in the way of a call is not what is measured."""

    def readiness(self, principal: Principal, provider: str, scopes: frozenset[str]) -> Readiness:
        return Readiness(provider, "ready", ("default",), "default")

    async def for_call(self, principal: Principal, provider: str, scopes: frozenset[str], account: str | None) -> Credential:
        return Credential("bearer", "none", alias="default")

    async def rejected(self, principal: Principal, provider: str, credential: Credential) -> Credential | None:
        return None


@dataclass(frozen=True, slots=True)
class TrialGateway:
    """What the documents became. `discover` answers as discover_apis does; nothing is learnt from being asked."""

    operations: Operations
    store: Store
    _discover: DiscoverApis

    async def discover(self, **arguments: Json) -> Outcome:
        catalog = self.operations.catalog
        operation = catalog.visible(DEFAULT_TENANT).operations_by_id["discover_apis"]

        async def again(*_: object, **__: object) -> Outcome:
            return Outcome("error", error=Failure("not_available", "a trial only searches; it runs no operation"))

        return await self._discover(
            Call(
                principal=_SOMEBODY,
                operation=operation,
                arguments=arguments,
                options=CallOptions(),
                tool=operation.id,
                trace_id="",
                deadline=float("inf"),
                client=ClientInfo(protocol_version=""),
                again=again,
            )
        )

    async def find(self, intent: str, **filters: Json) -> tuple[Sequence[Request], bool]:
        """Return the first twenty operations for an intent, and whether none fits well."""
        answer = (await self.discover(query=intent, limit=MAX_LIMIT, **filters)).data
        by_id = self.operations.catalog.visible(DEFAULT_TENANT).operations_by_id
        return [request_of(by_id[entry["id"]]) for entry in answer["results"]], bool(answer["low_confidence"])

    def imported(self) -> list[Operation]:
        """Return every operation that came of a document."""
        return [each for each in self.operations.catalog.operations_of(None) if each.kind == "openapi"]

    @asynccontextmanager
    async def without(self, providers: Iterable[str]) -> AsyncIterator[None]:
        """Take providers out of the catalogue and of its index, and put them back in the end."""
        taken: list[tuple[Source, Sequence[Operation]]] = []
        for source in await self.store.operations.sources(None):
            if source.provider in providers:
                taken.append((source, await self.store.operations.load_provider(None, source.provider)))
                await self.store.operations.remove(None, source.provider)
        changed = [(None, source.provider) for source, _ in taken]
        await self.operations.refresh(changed)
        try:
            yield
        finally:
            for source, operations in taken:
                await self.store.operations.replace(source, operations)
            await self.operations.refresh(changed)


def request_of(operation: Operation) -> Request:
    """Return what an operation is called in its document; a built-in has no other name than its id."""
    binding = operation.binding
    line = f"{binding['method']} {binding['path']}" if operation.kind == "openapi" else operation.id
    return Request(operation.provider, line)


@asynccontextmanager
async def open_trial(documents: Mapping[str, Path], progress: Callable[[str], None] = lambda provider: None) -> AsyncIterator[TrialGateway]:
    """Import every document (provider -> file) for all tenants and give the gateway over them, with the settings nobody has touched.

    `progress` is told each provider before its document is read. Raises ImportFailed.
    """
    async with AsyncExitStack() as stack:
        settings = load(Path(stack.enter_context(TemporaryDirectory(prefix="ascend-trial-"))), environ={})
        store = await stack.enter_async_context(open_store(settings))
        for provider, path in documents.items():
            progress(provider)
            await _import(store, provider, path)
        egress = await stack.enter_async_context(Egress())
        tenants = Tenants(await store.tenants.all())
        connections = await assemble_connections(settings, store, egress)
        operations = await stack.enter_async_context(open_operations(settings, store, tenants, egress, connections))
        catalog, finder = operations.catalog, operations.index.index
        yield TrialGateway(operations, store, DiscoverApis(finder, catalog, Policy(tenants), Connected(), Suggestions(catalog)))


async def _import(store: Store, provider: str, path: Path) -> None:
    try:
        await import_openapi(store.operations, ImportRequest(str(path), provider))
    except ImportFailed as failed:
        if failed.failure.code != "nothing_to_import":
            raise
        await import_openapi(store.operations, ImportRequest(str(path), provider, base_url=_SOMEWHERE))
