"""The console opened: pages over the nouns and over the stores of what happened."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.routing import Route, Router

from oauth.tenants import Tenants
from server.admin.console.console import Console
from server.admin.console.dashboards import DashboardPages
from server.admin.console.health import HealthPages
from server.admin.console.lists import ListPages
from server.admin.console.page import ConsolePages
from server.admin.console.shares import SharePages
from server.admin.console.traces import TracePages
from server.admin.console.visitor import ConsoleSessions
from server.admin.figures import FigureReader
from server.admin.health import HealthReader, NewestBackup
from server.admin.objectives import ObjectiveReader
from server.admin.resource import Resource
from server.admin.traces import TraceReader
from server.config_versions.sections.alerts import Alerts
from server.config_versions.sections.sinks import Sinks
from server.storage.ai_gateway.model_spend import SqlModelSpend
from server.storage.history.trends import HistoryTrends
from server.storage.store import Store
from server.storage.workflows.runs.traced_runs import SqlTracedRuns


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleParts:
    """What the console is made of. `host`: how pages name this gateway; `icon`: the address of the mark that all pages share."""

    sessions: ConsoleSessions
    nouns: Sequence[Resource]
    tenants: Tenants
    store: Store
    host: str
    icon: str
    data_dir: Path
    newest_backup: NewestBackup
    sinks: Callable[[], Sinks]
    alerts: Callable[[], Alerts]
    clock: Callable[[], float] = time.time
    #: what the gateway serves without, by its name: whether it answers
    optional: Mapping[str, Callable[[], Awaitable[str | None]]] = field(default_factory=dict)


def open_console(parts: ConsoleParts) -> Router:
    """Return the application of every page; loaded with the first request (decision 0059)."""
    pages = ConsolePages(parts.sessions, parts.nouns, host=parts.host, icon=parts.icon, clock=parts.clock)
    lists = ListPages(pages, parts.nouns, parts.tenants)
    trends = HistoryTrends(parts.store.history)
    store, figures = parts.store, FigureReader(trends, SqlModelSpend(parts.store.database))
    dashboards = DashboardPages(pages, lists, figures, ObjectiveReader(trends))
    runs = SqlTracedRuns(store.database)
    traces = TracePages(pages, TraceReader(store.calls, store.model_calls, store.audit_trail, store.subjects, store.event_lines, runs))
    reader = HealthReader(store, parts.data_dir, parts.newest_backup, parts.sinks, parts.alerts, parts.clock, parts.optional)
    health = HealthPages(pages, reader)
    own = (
        ("/admin", dashboards.overview),
        ("/admin/dashboards", dashboards.overview),
        ("/admin/slo", dashboards.slo),
        ("/admin/health", health.show),
        ("/admin/traces/{id}", traces.show),
    )
    shares = SharePages(pages, store.share_links, figures, parts.tenants, parts.clock)
    return Console(pages, lists, own, (Route("/admin/share/{token}", shares.show, methods=["GET"]),)).router()
