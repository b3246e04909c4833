"""A list: rows of a resource, narrowed by what the address says, and the same rows as data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup, escape
from starlette.responses import Response

from oauth.tenants import Tenants
from server.admin.administrators import Administrator
from server.admin.console.address import Address, page_of, range_links
from server.admin.console.page import ConsolePages
from server.admin.console.values import NONE, html, said, shown
from server.admin.console.visitor import Visitor
from server.admin.lists.exports import FORMATS, Exports
from server.admin.lists.list_query import list_query
from server.admin.reading import must_see, rows_of
from server.admin.refusals import not_found
from server.admin.resource import Change, Column, Filter, ListQuery, Resource, Row
from tools.operation import Json

#: parameters of pages that are none of the list's
PAGE_PARAMETERS = ("format", "back")
#: pages back that an address has room for
MAX_BACK = 20
_FIRST = "-"
_NUMERIC = ("number", "duration_ms", "money_nano_usd", "bytes", "share")


@dataclass(frozen=True, slots=True)
class Head:
    """A column as its table has it; `classes` are those of its cells."""

    title: str
    classes: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row: where it leads ("": nowhere), and its cells as HTML."""

    href: str
    cells: Markup


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter with what it is set to."""

    filter: Filter
    value: str


class ListPages:
    """`/admin/{name}`."""

    def __init__(self, pages: ConsolePages, resources: Iterable[Resource], tenants: Tenants) -> None:
        self._pages, self._tenants, self._exports = pages, tenants, Exports()
        self.resources: Mapping[str, Resource] = {each.name: each for each in resources}

    def named(self, name: str) -> Resource:
        """Return a resource. Raises AdminRefused."""
        found = self.resources.get(name)
        if found is None:
            raise not_found("there is no such page", "the menu lists what there is")
        return found

    async def show(self, visitor: Visitor) -> Response:
        """Answer a GET. Raises AdminRefused."""
        resource = self.named(visitor.request.path_params["name"])
        must_see(visitor.administrator, resource)
        now_us = self._pages.now_us()
        address = visitor.address
        query = list_query(visitor.administrator, resource, address.parameters, now_us, others=PAGE_PARAMETERS)
        if (wanted := address.get("format")) in FORMATS:
            return await self._exports.of(visitor.administrator, resource, query, wanted)
        found = await rows_of(visitor.administrator, resource, query)
        return await self._pages.show(
            visitor,
            "list",
            resource=resource,
            heads=[head(column) for column in resource.columns],
            lines=[line(resource, row) for row in found.items],
            choices=[Choice(each, query.filters.get(each.name, "")) for each in resource.filters],
            tenants=self.offered_tenants(visitor.administrator),
            tenant=query.tenant_id or "",
            is_narrowed=bool(query.filters),
            clear=address.to({each.name: "" for each in resource.filters}, tenant=""),
            ranges=range_links(address, query.span, now_us) if resource.default_range else None,
            hidden=address.others("tenant", *(each.name for each in resource.filters)),
            older=_older(address, found.next_cursor),
            newer=_newer(address),
            exports=[(name.upper(), address.to(format=name)) for name in FORMATS],
            api=_api_address(address, query),
            adds=[each for each in resource.changes if each.is_of_list and may_change(visitor.administrator, resource, each)],
        )

    def offered_tenants(self, administrator: Administrator) -> Sequence[tuple[str, str]]:
        """Return the tenants among which somebody may choose, as name and title; none for whoever reaches one."""
        if not administrator.reaches_gateway:
            return ()
        return [(each.tenant_id, each.title) for each in sorted(self._tenants.all(), key=lambda each: each.tenant_id)]


def may_change(administrator: Administrator, resource: Resource, change: Change) -> bool:
    """Say whether a page offers a change; server/admin/changing.py decides."""
    is_high_enough = administrator.role >= max(change.least, resource.least)
    return is_high_enough and (administrator.reaches_gateway or not (change.is_of_gateway or resource.is_of_gateway))


def head(column: Column) -> Head:
    numeric = "num" if column.kind in _NUMERIC else "when" if column.kind == "time" else ""
    return Head(column.title, " ".join(filter(None, (numeric, "aside" if column.is_aside else ""))))


def line(resource: Resource, row: Row) -> Line:
    """Return a row with its cells; the first one leads to the thing, or where the row's own link does."""
    href = _leads_to(resource, row)
    cells = []
    for place, column in enumerate(resource.columns):
        if place == 0 and href:
            # A link within a link is none.
            content = html(f'<a class="row" href="{escape(href)}">{cell(replace(column, link=""), row.get(column.name))}</a>')
        else:
            content = cell(column, row.get(column.name))
        cells.append(f"{_opened(column)}{content}</td>")
    return Line(href, html("".join(cells)))


def _opened(column: Column) -> str:
    classes = head(column).classes
    of_class = f' class="{classes}"' if classes else ""
    return f'<td{of_class} data-t="{escape(column.title)}">'


def _leads_to(resource: Resource, row: Row) -> str:
    if resource.one is not None:
        key = said("text", row.get(resource.key))
        return page_of(resource.name, key) if key else ""
    column = next((each for each in resource.columns if each.name == resource.leads_by and each.link), None)
    key = "" if column is None else said("text", row.get(column.name))
    return page_of(column.link, key) if column is not None and key else ""


def cell(column: Column, value: Json) -> Markup:
    """Return a cell."""
    # An outcome that is not one of the good ones is the code of a failure.
    content = shown(column.kind, value, tone="bad" if column.name == "outcome" else "plain")
    if not column.link or content == NONE:
        return content
    return html(f'<a href="{escape(page_of(column.link, said("text", value)))}">{content}</a>')


def _older(address: Address, cursor: str | None) -> str:
    """Return the address of the next page; a keyset leads one way, so it carries along how to come back."""
    if cursor is None:
        return ""
    came_by = [*address.all("back"), address.get("cursor") or _FIRST]
    return address.to(cursor=cursor, back=came_by[-MAX_BACK:])


def _newer(address: Address) -> str:
    """Return the address of the page before; past MAX_BACK of them, of the newest."""
    if not address.get("cursor"):
        return ""
    *before, last = address.all("back") or [_FIRST]
    return address.to(cursor="" if last == _FIRST else last, back=before)


def _api_address(address: Address, query: ListQuery) -> str:
    return Address(address.path.replace("/admin/", "/admin/api/", 1), address.parameters).to()
