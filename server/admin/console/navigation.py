"""The pages of the console in the order in which they are listed; a noun without a place stands at the end."""

from collections.abc import Iterable
from dataclasses import dataclass

from server.admin.administrators import Administrator
from server.admin.resource import Resource

#: pages that are no list, and whether only whoever reaches every tenant sees them
OWN_PAGES = (("", "Dashboard", False), ("slo", "Objectives", False), ("health", "Health", True))
GROUPS = (
    ("What happens", ("calls", "traces", "errors", "runbooks", "usage", "audit", "decisions")),
    ("Who may", ("tenants", "people", "clients", "services", "trust", "connections")),
    ("What runs", ("operations", "jobs", "webhooks", "alerts", "reports")),
    ("The gateway", ("config", "backups", "sinks", "share-links")),
)
_REST = "More"


@dataclass(frozen=True, slots=True)
class Link:
    title: str
    href: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    links: tuple[Link, ...]


def navigation(administrator: Administrator, resources: Iterable[Resource], path: str) -> tuple[Group, ...]:
    """Return what an administrator may open; `path` is where they are."""
    may = {each.name: each for each in resources if may_open(administrator, each)}
    placed = {name for _title, names in GROUPS for name in names}
    own = [(name, title) for name, title, is_of_gateway in OWN_PAGES if administrator.reaches_gateway or not is_of_gateway]
    groups = [Group("Overview", tuple(_link(name, title, path) for name, title in own))]
    for title, names in (*GROUPS, (_REST, tuple(name for name in may if name not in placed))):
        links = tuple(_link(name, may[name].title, path) for name in names if name in may)
        if links:
            groups.append(Group(title, links))
    return tuple(groups)


def may_open(administrator: Administrator, resource: Resource) -> bool:
    """Say whether somebody may see the list at all, as server/admin/reading.py asks."""
    return administrator.role >= resource.least and (administrator.reaches_gateway or not resource.is_of_gateway)


def _link(name: str, title: str, path: str) -> Link:
    href = f"/admin/{name}" if name else "/admin"
    return Link(title, href, path == href or (bool(name) and path.startswith(f"{href}/")))
