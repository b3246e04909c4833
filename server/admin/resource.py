"""What is administered, said once: pages, `/admin/api`, its OpenAPI document and the tests of who may what all read these declarations.

A resource names its columns, filters and changes and brings the functions behind them; they are told who asks and what, and know
nothing of HTTP, cookies or tokens (decision 0067).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from oauth.administration.roles import Role
from server.admin.administrators import Administrator
from tools.operation import Json

#: how a value is shown and what the OpenAPI document says of it; times are microseconds since the epoch
Kind = Literal["text", "number", "time", "duration_ms", "money_nano_usd", "bytes", "share", "state", "flag", "spark"]
Row = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A member of every row. `link`: the resource whose page of that id the value opens."""

    name: str
    title: str
    kind: Kind = "text"
    link: str = ""
    #: left out on a narrow screen
    is_aside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list may be narrowed by. `choices`: empty: any text."""

    name: str
    title: str
    choices: tuple[str, ...] = ()
    is_flag: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a change is told. `secret`: never shown again, never on record."""

    name: str
    title: str
    choices: tuple[str, ...] = ()
    is_required: bool = True
    is_flag: bool = False
    is_secret: bool = False
    #: forms send it along unseen
    is_hidden: bool = False
    max_chars: int = 1_000
    hint: str = ""


#: of a PATCH: the thing's `version` as its writer has seen it, "" for whichever; the noun compares it in its transaction
VERSION = Field(name="version", title="Version", is_required=False, is_hidden=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From when until when, microseconds since the epoch; `said` is how the address says it: `24h`, or empty for two times."""

    from_us: int
    to_us: int
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """What a list is asked, read and narrowed by either face. `tenant_id` None: of every tenant, and only where the asker reaches all."""

    span: Span
    tenant_id: str | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    limit: int = 50
    #: as an answer before gave it; a resource reads its own. Raises AdminRefused where it is none
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of a list; `next_cursor` None: the last one."""

    items: Sequence[Row]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What a change came to: words for a page, the thing for a program. `shown_once`: a secret that is told now and never again."""

    said: str
    thing: Row = field(default_factory=dict)
    shown_once: str = ""


#: who asks, the key of the thing ("" for a list), the fields
Apply = Callable[[Administrator, str, Mapping[str, str]], Awaitable[Done]]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that may be done: to the list (`add`), or to one thing of it.

    apply: told who asks, the thing's key ("" for the list) and the fields, checked against `fields`; role, reach of the asker's
    tenant, step-up and audit row are seen to before (server/admin/changing.py). It checks that the thing is within reach, and raises
    AdminRefused.
    """

    name: str
    title: str
    apply: Apply
    fields: tuple[Field, ...] = ()
    is_of_list: bool = False
    least: Role = Role.OPERATOR
    #: only who proved who they are within ten minutes: what opens doors, or ends all of somebody's (operations contract, "Sign-in")
    needs_step_up: bool = False
    #: only whoever reaches every tenant
    is_of_gateway: bool = False
    #: PATCH: with If-Match, over the thing's `version`; DELETE: it is gone afterwards
    method: Literal["POST", "PATCH", "DELETE"] = "POST"
    #: what a page asks before it does it; "": nothing
    confirm: str = ""
    #: values of the thing's `state` in which it makes sense, and a page offers it; empty: always
    in_states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A noun of the administration at `/admin/{name}` and `/admin/api/{name}`.

    rows: a page of the list, within 2 s. one: a thing by its key with all there is to show, None: no such thing within reach.
    `default_range`: "" where a list has no time.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Callable[[Administrator, ListQuery], Awaitable[Rows]]
    one: Callable[[Administrator, str], Awaitable[Row | None]] | None = None
    #: members that a thing has beside its columns
    facts: tuple[Column, ...] = ()
    #: how many rows there are, to `query.limit` of them; None: they are read and counted
    count: Callable[[Administrator, ListQuery], Awaitable[int]] | None = None
    #: the member that names a thing in addresses
    key: str = "id"
    #: the column whose link a row opens, where things have no page of their own
    leads_by: str = ""
    filters: tuple[Filter, ...] = ()
    #: every page reads all there is (`page_of`), so an export asks for one page of everything
    is_read_whole: bool = False
    changes: tuple[Change, ...] = ()
    default_range: str = ""
    least: Role = Role.AUDITOR
    #: shown to whoever reaches every tenant, and to nobody else
    is_of_gateway: bool = False
    #: one sentence below the title
    about: str = ""
    #: what an empty list says, and what to do about it
    when_empty: str = "There is nothing yet."

    def change(self, name: str) -> Change | None:
        """Return the change of that name."""
        return next((each for each in self.changes if each.name == name), None)
