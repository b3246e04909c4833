"""Keep links that show figures to whoever has them. Table: share_links."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select

from server.storage.database import Database
from server.storage.row_mapping import TIME, RowMapping, to_us
from server.storage.schema.admin_tables import share_links

#: of one tenant, or of the whole gateway
MOST = 100


class TooManyLinks(Exception):
    """There are MOST links already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareLink:
    """`tenant_id` "": figures of all tenants. `metrics`: their names, parted by blanks; `range`: as addresses say it; times in seconds."""

    link_id: str
    token_hash: str
    tenant_id: str
    title: str
    metrics: str
    range: str
    made_by: str
    made_at: float
    expires_at: float


_LINKS = RowMapping(ShareLink, made_at=TIME, expires_at=TIME)


class SqlShareLinks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, link: ShareLink) -> None:
        """Keep a link. Raises TooManyLinks."""
        c = share_links.c
        async with self._database.write() as connection:
            count = await connection.scalar(select(func.count()).select_from(share_links).where(c.tenant_id == link.tenant_id))
            if int(count or 0) >= MOST:
                raise TooManyLinks(f"there are {MOST} links already")
            await connection.execute(insert(share_links).values(_LINKS.values(link)))

    async def of_token(self, token_hash: str, now: float) -> ShareLink | None:
        """Return the living link of a token."""
        query = select(share_links).where(share_links.c.token_hash == token_hash, share_links.c.expires_at > to_us(now))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _LINKS.record(row)

    async def all(self, tenant_id: str | None, now: float) -> Sequence[ShareLink]:
        """Return the living links, the newest first; `tenant_id` None: of every tenant and of the gateway."""
        c = share_links.c
        query = select(share_links).where(c.expires_at > to_us(now)).order_by(c.made_at.desc(), c.link_id)
        if tenant_id is not None:
            query = query.where(c.tenant_id == tenant_id)
        async with self._database.read() as connection:
            return [_LINKS.record(row) for row in await connection.execute(query)]

    async def remove(self, link_id: str, tenant_id: str | None) -> bool:
        """Forget a link, of `tenant_id` where one is named; False: there is none."""
        statement = delete(share_links).where(share_links.c.link_id == link_id)
        if tenant_id is not None:
            statement = statement.where(share_links.c.tenant_id == tenant_id)
        async with self._database.write() as connection:
            return (await connection.execute(statement)).rowcount == 1

    async def sweep(self, now: float) -> int:
        """Forget what has expired; return how many."""
        async with self._database.write() as connection:
            return (await connection.execute(delete(share_links).where(share_links.c.expires_at <= to_us(now)))).rowcount
