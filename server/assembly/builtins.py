"""The operations that the gateway brings along, each with what it needs."""

import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from oauth.connections.credentials import Credentials
from oauth.tenants import Tenants
from server.config.browser import BrowserSettings
from server.config.errors import SettingsError
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
from tools.egress.client import Egress
from tools.sources.builtin import BuiltinFunction
from tools.stores import CallHistory, ResultStore

#: of the operations that look at pages
_BROWSER_DRIVER: Final = "playwright"


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


@asynccontextmanager
async def open_browser(settings: BrowserSettings) -> AsyncIterator[Sequence[BuiltinFunction]]:
    """Give `browser.*`, or nothing, and nothing of it loaded, where no browser is named; it ends with the block.

    Raises SettingsError where what is named cannot be there.
    """
    if not settings.browser:
        yield ()
        return
    if find_spec(_BROWSER_DRIVER) is None:
        raise SettingsError("ASCEND_BROWSER: needs the extra `browser`; install it (pip install 'ascend-gateway[browser]') or unset it")
    place = settings.browser if "://" in settings.browser else shutil.which(settings.browser)
    if place is None:
        raise SettingsError(f"ASCEND_BROWSER: '{settings.browser}' is no program here; give the path of a Chromium, or unset it")
    # Other connections than those of calls: pages may reach other private addresses, and have no share of the calls' places.
    async with Egress(settings.browser_allow, is_lean=False) as egress:
        chromium = import_module("tools.browser.chromium").Chromium(place, is_sandboxed=settings.browser_sandbox)
        pages = import_module("tools.browser.pages").Pages(chromium, egress)
        functions: Sequence[BuiltinFunction] = import_module("tools.builtins.browser.page_tools").page_tools(pages)
        try:
            yield functions
        finally:
            await pages.close()
