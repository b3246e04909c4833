"""Nouns made up for the pages: one with every kind of column, filter, change and member there is, over two tenants."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from oauth.administration.roles import Role
from server.admin.administrators import Administrator
from server.admin.refusals import AdminRefused, not_found, version_conflict
from server.admin.resource import VERSION, Change, Column, Done, Field, Filter, ListQuery, Resource, Row, Rows

NOW_US = 1_780_000_000 * 1_000_000
STATES = ("ok", "acknowledged", "failed")
SECRET = "sk-shown-once"


@dataclass
class Things:
    """Things of the tenants acme and globex, by their id; changes are kept, with who made them."""

    count: int = 120
    done: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    #: by id: the title and the version of things that were renamed
    titles: dict[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = [self._row(number) for number in range(self.count)]

    def _row(self, number: int) -> Row:
        return {
            "id": f"thing-{number:03}",
            "tenant": "acme" if number % 2 else "globex",
            "at_us": NOW_US - number * 61_000_000,
            "state": STATES[number % 3],
            "ms": 3.5 * (number + 1),
            "calls": 1_234 * number,
            "cost_nano_usd": 12_345_678 * number,
            "failed": number / 1_000,
            "size": 4_321 * number,
            "is_new": number % 5 == 0,
            "last_hours": [(number * each) % 7 for each in range(24)],
            "words": f"what happened to number {number} = <b>told</b> at some length",
        }

    async def list(self, administrator: Administrator, query: ListQuery) -> Rows:
        found = [row for row in self.rows if query.tenant_id in (None, row["tenant"])]
        found = [row for row in found if query.span.from_us <= int(str(row["at_us"])) <= query.span.to_us]
        for name, value in query.filters.items():
            found = [row for row in found if (row["is_new"] if name == "is_new" else row[name] == value)]
        after = 0 if query.cursor is None else next(place for place, row in enumerate(found) if row["id"] == query.cursor) + 1
        items = found[after : after + query.limit]
        return Rows(items, str(items[-1]["id"]) if len(found) > after + query.limit else None)

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        found = next((row for row in self.rows if row["id"] == key), None)
        if found is None or not (administrator.reaches_gateway or administrator.tenant_id == found["tenant"]):
            return None
        steps = [{"step": "fetch", "duration_ms": 12, "outcome": "ok"}, {"step": "write", "duration_ms": 1_500, "outcome": "failed"}]
        title, version = self.titles.get(key, ("", 1_000))
        found = {**found, "label": title, "version": version}
        return {**found, "steps": steps, "limits": {"calls_per_hour": 1_000, "size_bytes": 9_000_000}, "log": "first line\nsecond <line>"}

    async def add(self, administrator: Administrator, key: str, values: Mapping[str, str]) -> Done:
        if values["name"] == "taken":
            faults = [{"place": "name", "message": "'taken' is there already"}]
            raise AdminRefused(422, "exists", "name: 'taken' is there already", faults=faults)
        self.done.append(("add", key, values))
        return Done(f"{values['name']} is added.", {"id": values["name"]}, shown_once=SECRET if values.get("with_key") else "")

    async def change(self, administrator: Administrator, key: str, values: Mapping[str, str]) -> Done:
        if not any(row["id"] == key for row in self.rows):
            raise not_found(f"there is no {key}")
        self.done.append(("change", key, values))
        return Done(f"{key} is done with.")

    async def rename(self, administrator: Administrator, key: str, values: Mapping[str, str]) -> Done:
        _title, version = self.titles.get(key, ("", 1_000))
        if values.get("version", str(version)) != str(version):
            raise version_conflict(str(version))
        self.titles[key] = values["label"], version + 1
        return Done(f"{key} is renamed.")


def things_resource(things: Things, name: str = "things", title: str = "Things") -> Resource:
    """Return the noun of `things`."""
    return Resource(
        name=name,
        title=title,
        about="Whatever there is, with every kind of value that a page knows.",
        columns=(
            Column(name="id", title="Thing"),
            Column(name="at_us", title="When", kind="time"),
            Column(name="tenant", title="Tenant", link="tenants"),
            Column(name="state", title="State", kind="state"),
            Column(name="ms", title="Took", kind="duration_ms"),
            Column(name="calls", title="Calls", kind="number"),
            Column(name="cost_nano_usd", title="Cost", kind="money_nano_usd"),
            Column(name="failed", title="Failed", kind="share"),
            Column(name="size", title="Size", kind="bytes", is_aside=True),
            Column(name="last_hours", title="Last 24 h", kind="spark"),
            Column(name="words", title="Words", is_aside=True),
        ),
        filters=(
            Filter(name="state", title="State", choices=STATES),
            Filter(name="words", title="Words"),
            Filter(name="is_new", title="New ones only", is_flag=True),
        ),
        rows=things.list,
        one=things.one,
        changes=(
            Change(
                "add",
                "Add a thing",
                things.add,
                (
                    Field(name="name", title="Name", hint="Letters and digits; it never changes."),
                    Field(name="kind", title="Kind", choices=("small", "large")),
                    Field(name="secret", title="Password", is_required=False, is_secret=True),
                    Field(name="notes", title="Notes", is_required=False, max_chars=2_000),
                    Field(name="with_key", title="Make a key for it", is_required=False, is_flag=True),
                ),
                is_of_list=True,
            ),
            Change("acknowledge", "Acknowledge", things.change),
            Change("retire", "Retire", things.change, confirm="It is gone for everybody, at once.", method="DELETE"),
            Change("rename", "Rename", things.rename, (Field(name="label", title="Label"), VERSION), method="PATCH"),
            Change("mend", "Mend", things.change, in_states=("failed",)),
            Change("hand_over", "Hand over", things.change, (Field(name="to", title="To whom"),), least=Role.OWNER, needs_step_up=True),
        ),
        default_range="24h",
        when_empty="No thing was made yet. Add one above.",
    )


def secrets_resource(things: Things) -> Resource:
    """Return a noun that only owners who reach the gateway may see."""
    columns = (Column(name="id", title="Key"), Column(name="state", title="State", kind="state"))
    return Resource(name="locks", title="Locks", columns=columns, rows=things.list, least=Role.OWNER, is_of_gateway=True)
