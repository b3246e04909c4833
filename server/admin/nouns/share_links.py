"""Share links: figures of chosen metrics for whoever has the link, for a while, until somebody takes it back."""

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from server.admin.administrators import Administrator
from server.admin.figures import METRICS, TITLES
from server.admin.lists.cursors import page_of
from server.admin.nouns.tenant_changes import found_tenant
from server.admin.refusals import AdminRefused, no_such_tenant, not_found
from server.admin.resource import Change, Column, Done, Field, ListQuery, Resource, Row, Rows
from server.storage.administration.share_links import ShareLink, SqlShareLinks, TooManyLinks
from server.storage.oauth.tenants import SqlTenantStore

MAX_DAYS, DEFAULT_DAYS = 90, 30
RANGES = ("24h", "7d", "30d")
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class ShareLinks:
    """`origin`: where the console is, without a slash at its end."""

    links: SqlShareLinks
    tenants: SqlTenantStore
    origin: str
    clock: Callable[[], float] = time.time

    def resource(self) -> Resource:
        return Resource(
            name="share-links",
            title="Share links",
            about="Whoever has such a link sees the figures that it names, and nothing else, until it ends or is taken back.",
            columns=(
                Column(name="title", title="Link"),
                Column(name="tenant", title="Tenant"),
                Column(name="metrics", title="Shows"),
                Column(name="range", title="Over"),
                Column(name="made_by", title="By", is_aside=True),
                Column(name="made_at", title="Made", kind="time", is_aside=True),
                Column(name="expires_at", title="Ends", kind="time"),
            ),
            facts=(Column(name="id", title="Number"),),
            rows=self.rows,
            is_read_whole=True,
            one=self.one,
            changes=(
                Change(
                    "add",
                    "Make a link",
                    self.add,
                    (
                        Field(name="title", title="Title", max_chars=100, hint="What whoever opens it reads above the figures."),
                        *(Field(name=name, title=TITLES[name], is_flag=True, is_required=False) for name in METRICS),
                        Field(name="range", title="Over the last", choices=RANGES),
                        Field(
                            name="days", title="Days until it ends", is_required=False, max_chars=2, hint=f"1 to {MAX_DAYS}; 30 if empty."
                        ),
                        Field(name="tenant", title="Of one tenant only", is_required=False, max_chars=64),
                    ),
                    is_of_list=True,
                ),
                Change("revoke", "Take it back", self.revoke, method="DELETE", confirm="Whoever has it sees nothing from then on."),
            ),
            when_empty="There are no links. One shows chosen figures to people who cannot sign in here.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        return page_of([_row(link) for link in await self.links.all(query.tenant_id, self.clock())], query, "id")

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        found = await self.links.all(administrator.reach(None), self.clock())
        return next((_row(link) for link in found if link.link_id == key), None)

    async def add(self, administrator: Administrator, _key: str, values: Mapping[str, str]) -> Done:
        metrics = [name for name in METRICS if values.get(name)]
        if not metrics:
            raise _fault(METRICS[0], "choose one of the figures at least")
        tenant_id = administrator.reach(values.get("tenant") or None) or ""
        # Else a link would wait for the tenant that somebody gives this name one day.
        if tenant_id and await found_tenant(self.tenants, tenant_id) is None:
            raise no_such_tenant()
        token, now = secrets.token_urlsafe(32), self.clock()
        link = ShareLink(
            link_id=secrets.token_hex(6),
            token_hash=hash_of(token),
            tenant_id=tenant_id,
            title=values["title"],
            metrics=" ".join(metrics),
            range=values["range"],
            made_by=administrator.by,
            made_at=now,
            expires_at=now + DAY_S * _days(values.get("days", "")),
        )
        try:
            await self.links.add(link)
        except TooManyLinks as error:
            raise AdminRefused(409, "too_many", str(error), "take one back first") from error
        return Done(f"The link “{link.title}” is made.", _row(link), shown_once=f"{self.origin}/admin/share/{token}")

    async def revoke(self, administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        # Looked for first: what is not there leaves no row on the trail either.
        if await self.one(administrator, key) is None or not await self.links.remove(key, administrator.reach(None)):
            raise not_found(f"there is no share link {key[:40]!r}")
        return Done("The link is taken back.")


def hash_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _days(said: str) -> int:
    if not said:
        return DEFAULT_DAYS
    if not (said.isascii() and said.isdigit() and 1 <= int(said) <= MAX_DAYS):
        raise _fault("days", f"give a number from 1 to {MAX_DAYS}")
    return int(said)


def _fault(place: str, message: str) -> AdminRefused:
    return AdminRefused(422, "invalid_fields", f"{place}: {message}", "nothing was changed", faults=[{"place": place, "message": message}])


def _row(link: ShareLink) -> Row:
    return {
        "id": link.link_id,
        "title": link.title,
        "tenant": link.tenant_id or "all",
        "metrics": ", ".join(title for name, title in TITLES.items() if name in link.metrics.split()),
        "range": link.range,
        "made_by": link.made_by,
        "made_at": int(link.made_at * 1_000_000),
        "expires_at": int(link.expires_at * 1_000_000),
    }
