"""Keep identity providers, identity links and sign-ins that are away: IdentityLinkStore on three tables."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import Row, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth.sign_in.identity_providers import IdentityProvider
from oauth.sign_in.stores import FederatedSignIn
from oauth.sign_in.subjects import Subject
from server.storage.database import Database, announce, now_us
from server.storage.oauth.subjects import subject_values
from server.storage.row_removal import remove_rows
from server.storage.schema.admin_tables import admin_sessions
from server.storage.schema.subject_tables import federated_sign_ins, identity_links, identity_providers, subjects

SIGN_INS_OF_A_BROWSER = 16


class SqlIdentityLinkStore:
    def __init__(self, database: Database, *, now_us: Callable[[], int] = now_us) -> None:
        self._database = database
        self._now_us = now_us

    async def providers(self, tenant_id: str) -> Sequence[IdentityProvider]:
        table = identity_providers
        async with self._database.read() as connection:
            rows = (await connection.execute(select(table).where(table.c.tenant_id == tenant_id).order_by(table.c.slug))).all()
        return tuple(_provider(row) for row in rows)

    async def provider(self, tenant_id: str, slug: str) -> IdentityProvider | None:
        table = identity_providers
        async with self._database.read() as connection:
            found = await connection.execute(select(table).where(table.c.tenant_id == tenant_id, table.c.slug == slug))
            row = found.one_or_none()
        return None if row is None else _provider(row)

    async def save_provider(self, provider: IdentityProvider) -> None:
        table = identity_providers
        same = (table.c.tenant_id == provider.tenant_id, table.c.slug == provider.slug)
        async with self._database.write() as connection:
            await connection.execute(delete(table).where(*same))
            await _end_console_sessions(connection, provider.tenant_id, provider.slug)
            await connection.execute(insert(table).values(_provider_values(provider)))

    async def remove_provider(self, tenant_id: str, slug: str) -> bool:
        table = identity_providers
        async with self._database.write() as connection:
            await _end_console_sessions(connection, tenant_id, slug)
            return (await connection.execute(delete(table).where(table.c.tenant_id == tenant_id, table.c.slug == slug))).rowcount == 1

    async def linked(self, tenant_id: str, issuer: str, external_sub: str) -> str | None:
        table = identity_links
        who = (table.c.tenant_id == tenant_id, table.c.issuer == issuer, table.c.external_sub == external_sub)
        async with self._database.read() as connection:
            found: str | None = (await connection.execute(select(table.c.subject_id).where(*who))).scalar_one_or_none()
        return found

    async def link_new(self, subject: Subject, issuer: str, external_sub: str) -> str:
        table = identity_links
        tenant_id = subject.tenant_id
        who = (table.c.tenant_id == tenant_id, table.c.issuer == issuer, table.c.external_sub == external_sub)
        link = {
            "tenant_id": tenant_id,
            "issuer": issuer,
            "external_sub": external_sub,
            "subject_id": subject.subject_id,
            "linked_at": self._now_us(),
        }
        values = subject_values(subject) | {"password_hash": None, "created_at": self._now_us()}
        try:
            async with self._database.write() as connection:
                first: str | None = (await connection.execute(select(table.c.subject_id).where(*who))).scalar_one_or_none()
                if first is not None:
                    return first
                await connection.execute(insert(table).values(link))
                await connection.execute(insert(subjects).values(values))
                await announce(connection, "subjects", tenant_id, subject.subject_id)
        except IntegrityError:
            # Two browsers of one newcomer at the same moment: the other one's transaction was first.
            return await self.linked(tenant_id, issuer, external_sub) or subject.subject_id
        return subject.subject_id

    async def add_sign_in(self, sign_in: FederatedSignIn) -> None:
        table = federated_sign_ins
        mine = table.c.browser_hash == sign_in.browser
        newest = select(table.c.state_hash).where(mine).order_by(table.c.expires_at.desc()).limit(SIGN_INS_OF_A_BROWSER)
        async with self._database.write() as connection:
            await connection.execute(insert(table).values(_sign_in_values(sign_in)))
            await connection.execute(delete(table).where(mine, table.c.state_hash.not_in(newest)))

    async def take_sign_in(self, state_hash: str, now: float) -> FederatedSignIn | None:
        table = federated_sign_ins
        statement = delete(table).where(table.c.state_hash == state_hash).returning(*table.c)
        async with self._database.write() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None or row.expires_at <= round(now * 1e6) else _sign_in(row)

    async def sweep(self, now: float) -> int:
        return await remove_rows(self._database, federated_sign_ins, federated_sign_ins.c.expires_at <= round(now * 1e6))


async def _end_console_sessions(connection: AsyncConnection, tenant_id: str, slug: str) -> None:
    """Sign out of the console whoever came by a provider: what it vouches for may be something else now."""
    theirs = (admin_sessions.c.tenant_id == tenant_id, admin_sessions.c.identity_provider == slug)
    await connection.execute(delete(admin_sessions).where(*theirs))


def _provider_values(provider: IdentityProvider) -> dict[str, Any]:
    settings = {
        "client_auth": provider.client_auth,
        "scopes": provider.scopes,
        "allowed_algorithms": provider.allowed_algorithms,
        "admitted_domains": provider.admitted_domains,
        "admin_acr": provider.admin_acr,
    }
    return {
        "tenant_id": provider.tenant_id,
        "slug": provider.slug,
        "title": provider.title,
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "settings": orjson.dumps(settings).decode(),
        "enabled": provider.enabled,
    }


def _provider(row: Row[Any]) -> IdentityProvider:
    settings = orjson.loads(row.settings)
    return IdentityProvider(
        tenant_id=row.tenant_id,
        slug=row.slug,
        title=row.title,
        issuer=row.issuer,
        client_id=row.client_id,
        client_auth=settings["client_auth"],
        scopes=tuple(settings["scopes"]),
        allowed_algorithms=tuple(settings["allowed_algorithms"]),
        admitted_domains=tuple(settings["admitted_domains"]),
        enabled=bool(row.enabled),
        admin_acr=tuple(settings.get("admin_acr", ())),
    )


def _sign_in_values(sign_in: FederatedSignIn) -> dict[str, Any]:
    return {
        "state_hash": sign_in.state_hash,
        "browser_hash": sign_in.browser,
        "tenant_id": sign_in.tenant_id,
        "slug": sign_in.slug,
        "nonce": sign_in.nonce,
        "code_verifier": sign_in.code_verifier,
        "onward": orjson.dumps(dict(sign_in.onward)).decode(),
        "expires_at": round(sign_in.expires_at * 1e6),
    }


def _sign_in(row: Row[Any]) -> FederatedSignIn:
    return FederatedSignIn(
        state_hash=row.state_hash,
        browser=row.browser_hash,
        tenant_id=row.tenant_id,
        slug=row.slug,
        nonce=row.nonce,
        code_verifier=row.code_verifier,
        onward=orjson.loads(row.onward),
        expires_at=row.expires_at / 1e6,
    )
