"""What needs somebody: alerts that fire and jobs that failed, from whichever nouns there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from server.admin.administrators import Administrator
from server.admin.console.address import Address, page_of
from server.admin.console.navigation import may_open
from server.admin.console.values import LONG_ID, said
from server.admin.lists.list_query import list_query
from server.admin.reading import rows_of
from server.admin.resource import Resource

#: resource -> the filter and its value that finds what needs somebody
_WHERE: Mapping[str, tuple[str, str]] = {"alerts": ("state", "firing"), "jobs": ("state", "failed")}
MOST = 5


@dataclass(frozen=True, slots=True)
class Need:
    """Rows of one noun that need somebody; `more`: there are others."""

    title: str
    href: str
    lines: Sequence[tuple[str, str]]
    more: bool


async def needs(administrator: Administrator, resources: Mapping[str, Resource], tenant_id: str | None, now_us: int) -> Sequence[Need]:
    """Return what needs somebody, for those nouns that are there and say so by a filter."""
    found = []
    for name, (by, value) in _WHERE.items():
        resource = resources.get(name)
        if resource is None or not may_open(administrator, resource):
            continue
        if not any(each.name == by and value in each.choices for each in resource.filters):
            continue
        parameters = [(by, value), *([("tenant", tenant_id)] if tenant_id else [])]
        query = list_query(administrator, resource, parameters, now_us)
        rows = await rows_of(administrator, resource, replace(query, limit=MOST))
        if rows.items:
            href = Address(page_of(name), tuple(parameters)).to()
            lines = [(_words(resource, row), page_of(name, str(row.get(resource.key, "")))) for row in rows.items]
            found.append(Need(resource.title, href, lines, rows.next_cursor is not None))
    return found


def _words(resource: Resource, row: Mapping[str, object]) -> str:
    """Return a row in a line: its texts, but for ids that tell nobody anything."""
    texts = [said("text", row.get(column.name)) for column in resource.columns if column.kind == "text"]
    return " · ".join(text for text in texts if text and not LONG_ID.fullmatch(text))[:160]
