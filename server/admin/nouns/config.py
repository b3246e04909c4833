"""Configuration: its versions, what each changed, and the way back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oauth.administration.roles import Role
from server.admin.administrators import Administrator
from server.admin.lists.cursors import cursor_after, numbers_of
from server.admin.refusals import not_found
from server.admin.resource import Change, Column, Done, ListQuery, Resource, Row, Rows
from server.config_versions.changes import ConfigChanges
from server.config_versions.versions import ConfigVersionStore
from tools.operation import Json
from tools.versioned_documents.differences import differences
from tools.versioned_documents.versions import MAX_KEPT, ConfigVersion, NoSuchVersion


@dataclass(frozen=True, slots=True)
class Config:
    versions: ConfigVersionStore
    changes: ConfigChanges

    def resource(self) -> Resource:
        return Resource(
            name="config",
            title="Configuration",
            about="Retention, limits, alerts, sinks, jobs: the newest version is in force. `ascend config apply FILE` makes another.",
            columns=(
                Column(name="id", title="Version", kind="number"),
                Column(name="state", title="State", kind="state"),
                Column(name="at", title="Applied", kind="time"),
                Column(name="by", title="By"),
                Column(name="changed", title="Changes", kind="number"),
            ),
            facts=(Column(name="differences", title="What it changed"), Column(name="document", title="What it says")),
            rows=self.rows,
            is_read_whole=True,
            one=self.one,
            changes=(
                Change(
                    "roll-back",
                    "Put in force again",
                    self.roll_back,
                    least=Role.OWNER,
                    needs_step_up=True,
                    confirm="It becomes the next version, and running gateways follow within two seconds.",
                ),
            ),
            is_of_gateway=True,
            when_empty="Nothing was applied yet: everything is as built in. `ascend config show` says what that is.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        place = numbers_of(query.cursor, 1)
        kept = [each for each in await self.versions.last(MAX_KEPT) if each.version]
        newest = kept[0].version if kept else 0
        older = {each.version: each.document for each in kept}
        asked = [each for each in kept if place is None or each.version < place[0]]
        shown = asked[: query.limit]
        rows = [_row(each, newest, _changed(older.get(each.version - 1), each)) for each in shown]
        return Rows(rows, cursor_after(shown[-1].version) if len(asked) > query.limit else None)

    async def one(self, _administrator: Administrator, key: str) -> Row | None:
        found = await self.versions.version(int(key)) if _is_number(key) else None
        if found is None:
            return None
        before = await self.versions.version(found.version - 1)
        changed = _changed(before.document if before else None, found)
        row = _row(found, (await self.versions.newest()).version, changed)
        said = None if changed is None else "\n".join(changed) or "nothing"
        return {**row, "differences": said, "document": dict(found.document)}

    async def roll_back(self, administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        if not _is_number(key):
            raise not_found(f"there is no version {key[:80]!r}")
        try:
            now = await self.changes.roll_back(int(key), administrator.by)
        except NoSuchVersion as error:
            raise not_found(str(error)) from error
        return Done(f"Version {now.version} is in force, the same as version {key}.", {"version": now.version, "same_as": int(key)})


def _is_number(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) < 10


def _changed(before: Mapping[str, Json] | None, version: ConfigVersion) -> Sequence[str] | None:
    """Return how a version differs from the one before; None: that is kept no longer. Before the first, nothing was said."""
    if version.version == 1:
        before = {}
    return None if before is None else differences(before, version.document)


def _row(version: ConfigVersion, newest: int, changed: Sequence[str] | None) -> dict[str, Json]:
    return {
        "id": version.version,
        "state": "active" if version.version == newest else "replaced",
        "at": version.at_us,
        "by": version.by,
        "changed": None if changed is None else len(changed),
    }
