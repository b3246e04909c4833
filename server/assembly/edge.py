"""The edge put together: which requests are for it, and its routes as they change. Without a route nothing of it is loaded."""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, cast

import anyio
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from server.config.errors import SettingsError
from server.config.settings import Settings
from server.config_versions.config import Config
from server.config_versions.read_document import section_of
from server.config_versions.sections.edge import Edge as EdgeSection
from server.config_versions.sections.edge_paths import first_segment, is_own
from server.config_versions.sections.plans import Plans
from server.error_responses import answer_unknown_exception
from tools.egress.client import Egress
from tools.metering.shared_windows import SharedWindows
from tools.stores import Recorder

if TYPE_CHECKING:
    from server.edge.plane import EdgePlane

log = logging.getLogger("ascend.edge")


class Edge:
    """Follows `[[edge]]` of the configuration, else those of `ascend.toml`; `front` sends what is for a route there."""

    def __init__(self, settings: Settings, egress: Egress, recorder: Callable[[], Recorder], shared: SharedWindows | None) -> None:
        """`shared`: where all nodes count together. Raises SettingsError with every fault of `ascend.toml`."""
        self._settings, self._egress, self._recorder, self._shared = settings, egress, recorder, shared
        self._of_file = _of_file(settings)
        self._section, self._plans = EdgeSection(), Plans()
        #: None: there is no route, and there never was one since the start
        self.plane: EdgePlane | None = None
        self._opened = anyio.Event()

    def follow(self, config: Config) -> None:
        """Take over what is in force; what is under way goes on by the routes that it began with."""
        self._plans = config.plans
        section = config.edge if config.edge.root else self._of_file
        if section == self._section:
            return
        self._section = section
        if self.plane is None:
            self.plane = import_module("server.edge.plane").open_plane(
                self._settings, self._egress, self._recorder(), self._hourly, self._shared
            )
            self._opened.set()
        self.plane.change(section)
        log.info("edge_routes_changed", extra={"facts": {"routes": len(section.root)}})

    async def run(self) -> None:
        """Look after backends until cancelled, from when there are some."""
        await self._opened.wait()
        if self.plane is not None:
            await self.plane.run()

    def _hourly(self, plan: str) -> int | None:
        return self._plans.hourly(plan)

    def front(self, rest: ASGIApp) -> "EdgeFront":
        return EdgeFront(self, rest)

    @property
    def metrics(self) -> Collector:
        return _Metrics(self)


class EdgeFront:
    """Requests that a route may be meant by go to the edge, everything else to `rest`: the gateway's own paths always do."""

    def __init__(self, edge: Edge, rest: ASGIApp) -> None:
        self._edge, self._rest = edge, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # decision 0018: it only recognises; one look where there is no route.
        plane = self._edge.plane
        if plane is None or scope["type"] != "http" or not _is_for(plane, scope["path"]):
            await self._rest(scope, receive, send)
            return
        try:
            await plane(scope, receive, send)
        except Exception as error:
            response = await answer_unknown_exception(Request(scope), error)
            # The answer may be under way already; then the server closes the connection, and the log has the reason.
            with suppress(RuntimeError):
                await response(scope, receive, send)


def _of_file(settings: Settings) -> EdgeSection:
    """Return the routes of `ascend.toml`, checked as those of the configuration are. Raises SettingsError."""
    if not settings.edge.edge:
        return EdgeSection()  # What checks documents is made at the first that is read.
    section, faults = section_of("edge", settings.edge.routes)
    if faults:
        raise SettingsError("\n".join(f"ascend.toml: {fault}" for fault in faults))
    return cast(EdgeSection, section)


class _Metrics(Collector):
    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def collect(self) -> Iterable[Metric]:
        return () if self._edge.plane is None else self._edge.plane.metrics()


def _is_for(plane: "EdgePlane", path: str) -> bool:
    if path.startswith("/edge/"):
        return True
    if not plane.has_routes:
        return False
    return path == "/health" or (not is_own(path) and (plane.takes_all or first_segment(path) in plane.first_segments))
