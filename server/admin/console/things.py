"""A thing: all there is to show of it, and what may be done to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.responses import Response

from server.admin.answers import thing
from server.admin.console.address import page_of
from server.admin.console.lists import ListPages, cell, may_change
from server.admin.console.page import ConsolePages
from server.admin.console.values import kind_of, shown, title_of
from server.admin.console.visitor import Visitor
from server.admin.reading import thing_of
from server.admin.resource import Change, Column, Resource, Row
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class Table:
    """Members that are lists of things: a table of their own."""

    titles: Sequence[str]
    lines: Sequence[Sequence[Markup]]


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a thing: a value, lines of text, a table, or members again."""

    title: str
    value: Markup | None = None
    text: str = ""
    table: Table | None = None
    members: Sequence["Member"] = ()


class ThingPages:
    """`/admin/{name}/{key}`."""

    def __init__(self, pages: ConsolePages, lists: ListPages) -> None:
        self._pages, self._lists = pages, lists

    async def show(self, visitor: Visitor) -> Response:
        """Answer a GET. Raises AdminRefused."""
        resource = self._lists.named(visitor.request.path_params["name"])
        key = visitor.request.path_params["key"]
        found = await thing_of(visitor.administrator, resource, key)
        if visitor.address.get("format") == "json":
            return thing(dict(found))
        changes = [each for each in resource.changes if _is_offered(each, found) and may_change(visitor.administrator, resource, each)]
        columns = {column.name: column for column in (*resource.columns, *resource.facts)}
        facts = [member(name, value, columns.get(name)) for name, value in found.items()]
        return await self._pages.show(
            visitor,
            "thing",
            form=form_of(resource, key) if any(map(is_one_press, changes)) else "",
            resource=resource,
            key=key,
            title=_title(resource, found, key),
            back=page_of(resource.name),
            facts=[each for each in facts if each.value is not None],
            parts_=[each for each in facts if each.value is None],
            changes=changes,
            is_one_press=is_one_press,
        )


def _is_offered(change: Change, found: Row) -> bool:
    return not change.is_of_list and (not change.in_states or found.get("state") in change.in_states)


def form_of(resource: Resource, key: str) -> str:
    """Return what the forms of a page are for: a token of one opens no other."""
    return f"{resource.name}\n{key}"


def is_one_press(change: Change) -> bool:
    """Say whether a change needs no page of its own: nothing to fill in, nothing to think about, nothing to prove."""
    return not (change.fields or change.confirm or change.needs_step_up)


def member(name: str, value: Json, column: Column | None = None) -> Member:
    """Return a member as its page has it."""
    title = column.title if column is not None else title_of(name)
    if isinstance(value, Mapping) and value:
        return Member(title, members=[member(each, inner) for each, inner in value.items()])
    if isinstance(value, list | tuple) and value and all(isinstance(each, Mapping) for each in value):
        return Member(title, table=_table(value))
    if isinstance(value, str) and "\n" in value.strip():
        return Member(title, text=value)
    if column is not None and column.kind != "spark":
        return Member(title, value=cell(column, value) if column.kind != "time" else shown("time", value, is_whole=True))
    return Member(title, value=shown(column.kind if column else kind_of(name, value), value, is_whole=True))


def _table(rows: Sequence[Row]) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return Table(
        [title_of(name) for name in names], [[shown(kind_of(name, row.get(name)), row.get(name)) for name in names] for row in rows]
    )


def _title(resource: Resource, found: Row, key: str) -> str:
    for name in ("title", "name", "email"):
        if isinstance(value := found.get(name), str) and value:
            return value
    return key
