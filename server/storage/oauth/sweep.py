"""Remove what has expired from the tables of the authorization server."""

from sqlalchemy import ColumnElement, Table, and_, exists, func, or_, select

from server.storage.database import Database
from server.storage.row_removal import empty_rows, remove_rows
from server.storage.schema.oauth_tables import (
    access_tokens,
    authorization_codes,
    authorization_requests,
    consents,
    device_codes,
    grants,
    oauth_clients,
    pushed_requests,
    refresh_tokens,
    used_assertions,
)

HOUR_US = 3600 * 1_000_000
#: a grant without any token is a request that was never finished
UNREDEEMED_KEPT_US = HOUR_US
#: self-registered clients that are kept, older than a day and never used: services register for many people from one address
UNUSED_OF_ADDRESS, UNUSED_OF_ALL = 500, 20_000


async def sweep(database: Database, now_us: int, reply_kept_us: int) -> None:
    """Remove what has expired, and sealed replies that are older than `reply_kept_us`, in short steps.

    Codes and rotated refresh tokens stay as long as their grant: without them a replay would not be recognised.
    """
    for table, expired in _expired(now_us):
        await remove_rows(database, table, expired)
    unused = (oauth_clients.c.last_used_at.is_(None), ~_has_grants())
    await remove_rows(database, oauth_clients, _crowded(now_us), still=unused)
    old_replies = (refresh_tokens.c.rotated_at < now_us - reply_kept_us, refresh_tokens.c.reply_box.is_not(None))
    await empty_rows(database, refresh_tokens, {"reply_box": None}, *old_replies)


def _expired(now_us: int) -> tuple[tuple[Table, ColumnElement[bool]], ...]:
    over = grants.c.expires_at < now_us
    revoked_long_ago = grants.c.revoked_at < now_us - 24 * HOUR_US
    has_tokens = or_(
        exists().where(access_tokens.c.grant_id == grants.c.grant_id),
        exists().where(and_(refresh_tokens.c.grant_id == grants.c.grant_id, refresh_tokens.c.expires_at >= now_us)),
        exists().where(device_codes.c.grant_id == grants.c.grant_id),
    )
    bare = and_(grants.c.created_at < now_us - UNREDEEMED_KEPT_US, ~has_tokens)
    return (
        (authorization_requests, authorization_requests.c.expires_at < now_us),
        (pushed_requests, pushed_requests.c.expires_at < now_us),
        (device_codes, device_codes.c.expires_at < now_us - HOUR_US),
        (used_assertions, used_assertions.c.expires_at < now_us),
        (access_tokens, access_tokens.c.expires_at < now_us),
        (grants, or_(over, revoked_long_ago, bare)),
        (refresh_tokens, _orphaned(refresh_tokens)),
        (authorization_codes, _orphaned(authorization_codes)),
        (access_tokens, _orphaned(access_tokens)),
        (oauth_clients, and_(oauth_clients.c.expires_at < now_us, ~_has_grants(), ~oauth_clients.c.disabled)),
        (consents, ~exists().where(oauth_clients.c.client_id == consents.c.client_id)),
    )


def _orphaned(table: Table) -> ColumnElement[bool]:
    return ~exists().where(grants.c.grant_id == table.c.grant_id)


def _has_grants() -> ColumnElement[bool]:
    """A self-registered client is not forgotten while a grant of it stands: it would have to ask its person again."""
    return exists().where(and_(grants.c.client_id == oauth_clients.c.client_id, grants.c.revoked_at.is_(None)))


def _crowded(now_us: int) -> ColumnElement[bool]:
    """Clients that registered themselves more than a day ago, were never used, and are not among the newest of their address, or of all.

    Who signs in days after registering finds the client; who registers for the sake of it fills no table.
    """
    clients = oauth_clients.c
    idle = and_(clients.kind == "dynamic", clients.last_used_at.is_(None), clients.created_at < now_us - 24 * HOUR_US)
    newest = clients.created_at.desc()
    of_address = func.row_number().over(partition_by=clients.registered_from, order_by=newest).label("of_address")
    of_all = func.row_number().over(order_by=newest).label("of_all")
    places = select(clients.client_id, of_address, of_all).where(idle, ~_has_grants()).subquery()
    beyond = or_(places.c.of_address > UNUSED_OF_ADDRESS, places.c.of_all > UNUSED_OF_ALL)
    return clients.client_id.in_(select(places.c.client_id).where(beyond))
