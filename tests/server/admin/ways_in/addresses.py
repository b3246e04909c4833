"""Every address below `/admin`, found in the application itself: what others add is among them by itself."""

import re
from collections.abc import Iterator
from typing import Any

from starlette.routing import BaseRoute, Mount, Route, Router

from server.admin.api.endpoint import AdminApi
from server.admin.door import AdminDoor
from server.admin.guard import AdminGuard
from server.app import Gateway
from server.assembly.administration.administration import Unopened
from tests.server.admin.test_audited import routes_of

#: method, path
Address = tuple[str, str]


async def addresses(gateway: Gateway) -> list[Address]:
    """Return them, with something in the place of every parameter."""
    found = set()
    for route in routes_of(gateway.app):
        if isinstance(route, Mount | Route) and route.path.startswith("/admin"):
            door = route.app
            assert isinstance(door, AdminDoor), route.path
            behind = await door.app.opened() if isinstance(door.app, Unopened) else door.app
            found |= set(_behind(behind, gateway))
    return sorted(found)


def _behind(app: Any, gateway: Gateway) -> Iterator[Address]:
    if isinstance(app, AdminGuard):
        api = vars(app)["_app"]
        assert isinstance(api, AdminApi)
        for resource in gateway.administration.nouns:
            of_list, of_thing = f"/admin/api/{resource.name}", f"/admin/api/{resource.name}/x"
            yield from (("GET", of_list), ("GET", of_thing))
            for change in resource.changes:
                yield (change.method, of_list if change.is_of_list else f"{of_thing}/{change.name}")
        for name, other in vars(api)["_others"].items():
            yield from _of_routes(other.routes, f"/admin/api/{name}" if not _has_prefix(other, name) else "/admin/api")
        return
    assert isinstance(app, Router)
    yield from _of_routes(app.routes, "", gateway)


def _has_prefix(router: Router, name: str) -> bool:
    return any(isinstance(route, Route | Mount) and route.path.startswith(f"/{name}") for route in router.routes)


def _of_routes(routes: list[BaseRoute], prefix: str, gateway: Gateway | None = None) -> Iterator[Address]:
    for route in routes:
        if isinstance(route, Mount):
            yield from _of_routes(list(route.routes), prefix + route.path, gateway)
            continue
        assert isinstance(route, Route), route
        path = prefix + route.path
        names = [each.name for each in gateway.administration.nouns] if gateway and path.startswith("/admin/{name}") else ["x"]
        for name in names:
            filled = re.sub(r"\{[^}]+\}", "x", path.replace("{name}", name))
            for method in sorted((route.methods or {"GET"}) - {"HEAD", "OPTIONS"}):
                yield method, filled
