"""The operations that the gateway brings along, each with what it needs."""

import time
from collections.abc import Callable

from oauth.connections.credentials import Credentials
from oauth.tenants import Tenants
from tools.builtins import call_api
from tools.builtins.discover_apis import DiscoverApis, Finder, Remembered
from tools.builtins.gateway_account import Now, Whoami
from tools.builtins.gateway_calls import CallSummary, RecentCalls
from tools.builtins.gateway_catalog import Describe, OperationList, Providers
from tools.builtins.result_read import ResultRead
from tools.catalog.catalog import Catalog
from tools.catalog.search_feedback import SearchFeedback
from tools.catalog.suggestions import Suggestions
from tools.dispatch.policy import Policy
from tools.sources.builtin import BuiltinFunction
from tools.stores import CallHistory, ResultStore


def builtin_functions(
    *,
    finder: Finder,
    catalog: Catalog,
    policy: Policy,
    credentials: Credentials,
    suggestions: Suggestions,
    tenants: Tenants,
    results: ResultStore,
    history: CallHistory,
    usage: SearchFeedback,
    remembered: Remembered | None = None,
    clock: Callable[[], float] = time.time,
) -> list[BuiltinFunction]:
    """Return all built-ins, the three tools first."""
    return [
        DiscoverApis(finder, catalog, policy, credentials, suggestions, usage, remembered).function(),
        call_api.FUNCTION,
        ResultRead(results).function(),
        Whoami(tenants).function(),
        Now(clock).function(),
        RecentCalls(history).function(),
        CallSummary(history).function(),
        Providers(catalog, credentials).function(),
        OperationList(catalog).function(),
        Describe(catalog, policy, credentials, suggestions).function(),
    ]
