"""The dispatcher and what belongs to it, put together as the composition root does, from the stores and runners of a test."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from oauth.connections.credentials import Credentials
from oauth.tenants import Tenants
from server.assembly.builtins import builtin_functions
from tools.builtins.discover_apis import Finder
from tools.catalog.catalog import Catalog
from tools.catalog.search_feedback import Learns, SearchFeedback
from tools.catalog.suggestions import Suggestions
from tools.dispatch.arguments import Validators
from tools.dispatch.confirmations import Agreement, Confirmations
from tools.dispatch.dispatcher import Dispatcher
from tools.dispatch.idempotency import Idempotency
from tools.dispatch.pages.page_cursor import CursorSeal
from tools.dispatch.pages.pager import Pager
from tools.dispatch.policy import Admission, Policy
from tools.dispatch.shaping import Shaping
from tools.operation import Kind, Runner
from tools.sources.builtin import BuiltinFunction, BuiltinRunner, builtin_operations, by_slug
from tools.stores import CallHistory, IdempotencyStore, OperationStore, Recorder, ResultStore, UsageStore


class Searches(Finder, Learns, Protocol):
    """CapabilityIndex: searched by discovery, taught by usage."""


@dataclass(frozen=True, slots=True)
class ToolStores:
    operations: OperationStore
    results: ResultStore
    idempotency: IdempotencyStore
    history: CallHistory
    usage: UsageStore


@dataclass(frozen=True, slots=True)
class Parts:
    """What a built-in may need of the gateway around it."""

    catalog: Catalog
    policy: Policy
    validators: Validators
    confirmations: Confirmations
    suggestions: Suggestions
    credentials: Credentials
    idempotency: Idempotency


@dataclass(frozen=True, slots=True)
class Assembly:
    """A dispatcher ready to run once `parts.catalog.load()` has been awaited.

    `usage.load()` after the index is filled, `usage.flush()` now and then; `idempotency.drain()` ends it.
    """

    dispatcher: Dispatcher
    parts: Parts
    idempotency: Idempotency
    usage: SearchFeedback


def assemble(
    *,
    stores: ToolStores,
    tenants: Tenants,
    index: Searches,
    credentials: Credentials,
    runners: Mapping[Kind, Runner],
    recorder: Recorder,
    key: bytes,
    built_in: Callable[[Parts], Iterable[BuiltinFunction]] = lambda parts: (),
    clock: Callable[[], float] = time.time,
) -> Assembly:
    """Return the dispatcher. `key` signs confirmations and seals cursors: the same on every node of an installation.

    `runners` are those of imported operations; `built_in` adds functions to the ones made here.
    """
    catalog, policy = Catalog(stores.operations), Policy(tenants)
    idempotency = Idempotency(stores.idempotency, clock)
    parts = Parts(catalog, policy, Validators(), Confirmations(key, clock), Suggestions(catalog), credentials, idempotency)
    usage = SearchFeedback(stores.usage, index, catalog, clock)
    functions = builtin_functions(
        finder=index,
        catalog=catalog,
        policy=policy,
        credentials=credentials,
        suggestions=parts.suggestions,
        tenants=tenants,
        results=stores.results,
        history=stores.history,
        usage=usage,
        clock=clock,
    )
    functions += built_in(parts)
    catalog.install(builtin_operations(functions))
    dispatcher = Dispatcher(
        admission=Admission(catalog, policy, parts.validators, parts.suggestions),
        agreement=Agreement(policy, parts.confirmations, credentials),
        runners={**runners, "builtin": BuiltinRunner(by_slug(functions))},
        shaping=Shaping(stores.results),
        recorder=recorder,
        idempotency=idempotency,
        pager=Pager(CursorSeal(key), credentials),
        usage=usage,
        clock=clock,
    )
    return Assembly(dispatcher, parts, idempotency, usage)
