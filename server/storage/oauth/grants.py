"""Keep grants, codes and tokens: GrantStore on SQL."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Table, and_, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth.audit import SecurityEvent
from oauth.quotas import OAuthQuotas
from oauth.stores import OAuthRows
from oauth.tokens.grant_records import (
    AccessToken,
    AuthorizationCode,
    DeviceCode,
    Grant,
    PushedRequest,
    RefreshToken,
    RememberedConsent,
    StoredRequest,
)
from server.storage.database import Database, announce
from server.storage.insertion import insert_once, insert_or_replace, insert_rows
from server.storage.oauth import rows as rows_of
from server.storage.oauth.sweep import sweep
from server.storage.quota import keep_newest
from server.storage.row_mapping import Values, to_us
from server.storage.schema.oauth_tables import (
    access_tokens,
    authorization_codes,
    authorization_requests,
    consents,
    device_codes,
    grants,
    pushed_requests,
    refresh_tokens,
    security_events,
    used_assertions,
)


class SqlOAuthRows:
    """One transaction. Reads lock their rows: by the whole store in SQLite, by the row in PostgreSQL."""

    def __init__(self, connection: AsyncConnection, quotas: OAuthQuotas = OAuthQuotas(), environment: str = "") -> None:
        self._connection, self._quotas, self._environment = connection, quotas, environment
        #: what this transaction revokes
        self.revoked: list[str] = []

    async def add_request(self, stored: StoredRequest) -> None:
        table, tenant_id = authorization_requests, stored.request.tenant_id
        await self._insert(table, rows_of.request_values(stored))
        most = self._quotas.authorization_requests
        await keep_newest(self._connection, table, table.c.client_id, most, table.c.tenant_id == tenant_id)

    async def request(self, request_hash: bytes) -> StoredRequest | None:
        row = await self._one(authorization_requests, authorization_requests.c.request_hash == request_hash)
        return None if row is None else rows_of.request_of(row)

    async def finish_request(self, request_hash: bytes, answered_at: float, reply_box: bytes) -> None:
        values = {"answered_at": to_us(answered_at), "reply_box": reply_box}
        await self._update(authorization_requests, authorization_requests.c.request_hash == request_hash, values)

    async def add_pushed(self, pushed: PushedRequest) -> None:
        values = {"handle_hash": pushed.handle_hash, "client_id": pushed.client_id, "expires_at": to_us(pushed.expires_at)}
        await self._insert(pushed_requests, values | {"parameters": orjson.dumps(pushed.parameters).decode()})
        await keep_newest(self._connection, pushed_requests, pushed_requests.c.client_id, self._quotas.pushed_requests)

    async def take_pushed(self, handle_hash: bytes, client_id: str, now: float) -> PushedRequest | None:
        its_own = and_(pushed_requests.c.handle_hash == handle_hash, pushed_requests.c.client_id == client_id)
        row = (await self._connection.execute(delete(pushed_requests).where(its_own).returning(*pushed_requests.c))).first()
        if row is None or row.expires_at <= now * 1_000_000:
            return None
        parameters = tuple((name, value) for name, value in orjson.loads(row.parameters))
        return PushedRequest(
            handle_hash=row.handle_hash, client_id=row.client_id, parameters=parameters, expires_at=row.expires_at / 1_000_000
        )

    async def add_grant(self, grant: Grant) -> None:
        await self._insert(grants, rows_of.GRANTS.values(grant))

    async def grant(self, grant_id: str) -> Grant | None:
        row = await self._one(grants, grants.c.grant_id == grant_id)
        return None if row is None else rows_of.GRANTS.record(row)

    async def revoke_grant(self, grant: Grant, at: float, reason: str) -> None:
        its_row = and_(grants.c.tenant_id == grant.tenant_id, grants.c.grant_id == grant.grant_id)
        await self._update(grants, its_row, {"revoked_at": to_us(at), "revoke_reason": reason})
        its_consents = and_(
            consents.c.tenant_id == grant.tenant_id, consents.c.subject == grant.subject, consents.c.client_id == grant.client_id
        )
        await self._connection.execute(delete(consents).where(its_consents, consents.c.left_out == ""))
        # The yes is over; what the person did not want to give stays known for the next time that they are asked.
        await self._update(consents, its_consents, {"scopes": ""})
        await self._announce(grant.tenant_id, f"grant:{grant.grant_id}")

    async def add_code(self, code: AuthorizationCode) -> None:
        await self._insert(authorization_codes, rows_of.CODES.values(code))

    async def code(self, code_hash: bytes) -> AuthorizationCode | None:
        row = await self._one(authorization_codes, authorization_codes.c.code_hash == code_hash)
        return None if row is None else rows_of.CODES.record(row)

    async def update_code(self, code: AuthorizationCode) -> None:
        its_row = and_(authorization_codes.c.tenant_id == code.tenant_id, authorization_codes.c.code_hash == code.code_hash)
        await self._update(authorization_codes, its_row, rows_of.CODES.values(code))

    async def add_access_token(self, token: AccessToken) -> None:
        await self._insert(access_tokens, {**rows_of.ACCESS_TOKENS.values(token), "environment": self._environment})

    async def access_token(self, token_hash: bytes) -> AccessToken | None:
        row = await self._one(access_tokens, token_here(access_tokens, token_hash, self._environment))
        return None if row is None else rows_of.ACCESS_TOKENS.record(row)

    async def remove_access_token(self, token: AccessToken) -> None:
        its_row = and_(access_tokens.c.tenant_id == token.tenant_id, access_tokens.c.token_hash == token.token_hash)
        await self._connection.execute(delete(access_tokens).where(its_row))
        await self._announce(token.tenant_id, f"token:{token.token_hash.hex()}")

    async def add_refresh_token(self, token: RefreshToken) -> None:
        await self._insert(refresh_tokens, {**rows_of.REFRESH_TOKENS.values(token), "environment": self._environment})

    async def refresh_token(self, token_hash: bytes) -> RefreshToken | None:
        row = await self._one(refresh_tokens, token_here(refresh_tokens, token_hash, self._environment))
        return None if row is None else rows_of.REFRESH_TOKENS.record(row)

    async def update_refresh_token(self, token: RefreshToken) -> None:
        its_row = and_(refresh_tokens.c.tenant_id == token.tenant_id, refresh_tokens.c.token_hash == token.token_hash)
        await self._update(refresh_tokens, its_row, rows_of.REFRESH_TOKENS.values(token))

    async def consent(self, tenant_id: str, subject: str, client_id: str, redirect_uri: str, resource: str) -> RememberedConsent | None:
        row = await self._one(consents, _consent_key(tenant_id, subject, client_id, redirect_uri, resource))
        return None if row is None else rows_of.CONSENTS.record(row)

    async def remember_consent(self, consent: RememberedConsent) -> None:
        await insert_or_replace(self._connection, consents, rows_of.CONSENTS.values(consent))

    async def add_device_code(self, code: DeviceCode) -> None:
        table = device_codes
        await self._insert(table, rows_of.DEVICE_CODES.values(code))
        await keep_newest(self._connection, table, table.c.client_id, self._quotas.device_codes, table.c.tenant_id == code.tenant_id)

    async def device_code(self, device_hash: bytes) -> DeviceCode | None:
        row = await self._one(device_codes, device_codes.c.device_hash == device_hash)
        return None if row is None else rows_of.DEVICE_CODES.record(row)

    async def device_code_of(self, user_code: str) -> DeviceCode | None:
        row = await self._one(device_codes, device_codes.c.user_code == user_code)
        return None if row is None else rows_of.DEVICE_CODES.record(row)

    async def update_device_code(self, code: DeviceCode) -> None:
        its_row = and_(device_codes.c.tenant_id == code.tenant_id, device_codes.c.device_hash == code.device_hash)
        await self._update(device_codes, its_row, rows_of.DEVICE_CODES.values(code))

    async def use_assertion(self, issuer: str, assertion_id: str, expires_at: float) -> bool:
        values = {"issuer": issuer, "assertion_id": assertion_id, "expires_at": to_us(expires_at)}
        return await insert_once(self._connection, used_assertions, values)

    async def note(self, event: SecurityEvent) -> None:
        await self._insert(security_events, rows_of.EVENTS.values(event))

    async def _announce(self, tenant_id: str, item: str) -> None:
        await announce(self._connection, "tokens", tenant_id, item)
        self.revoked.append(item)

    async def _insert(self, table: Table, values: Values) -> None:
        await insert_rows(self._connection, table, [values])

    async def _update(self, table: Table, condition: ColumnElement[bool], values: Values) -> None:
        await self._connection.execute(update(table).where(condition).values(values))

    async def _one(self, table: Table, condition: ColumnElement[bool]) -> Row[Any] | None:
        return (await self._connection.execute(select(table).where(condition).with_for_update())).first()


class SqlGrantStore:
    """`environment`: that of the store, and so of every token in it."""

    def __init__(self, database: Database, quotas: OAuthQuotas = OAuthQuotas(), environment: str = "") -> None:
        self._database, self._quotas, self._environment = database, quotas, environment
        self._listeners: list[Callable[[Sequence[str]], None]] = []

    def hear(self, listener: Callable[[Sequence[str]], None]) -> None:
        self._listeners.append(listener)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[OAuthRows]:
        async with self._database.write() as connection:
            rows = SqlOAuthRows(connection, self._quotas, self._environment)
            yield rows
        if rows.revoked:
            for listener in self._listeners:
                listener(rows.revoked)

    async def find_request(self, request_hash: bytes) -> StoredRequest | None:
        row = await self._first(authorization_requests, authorization_requests.c.request_hash == request_hash)
        return None if row is None else rows_of.request_of(row)

    async def live_access_token(self, token_hash: bytes) -> AccessToken | None:
        standing = exists().where(grants.c.grant_id == access_tokens.c.grant_id, grants.c.revoked_at.is_(None))
        row = await self._first(access_tokens, and_(token_here(access_tokens, token_hash, self._environment), standing))
        return None if row is None else rows_of.ACCESS_TOKENS.record(row)

    async def grant_of_refresh_token(self, token_hash: bytes) -> Grant | None:
        its_grant = exists().where(refresh_tokens.c.grant_id == grants.c.grant_id, self._refresh_token(token_hash))
        row = await self._first(grants, its_grant)
        return None if row is None else rows_of.GRANTS.record(row)

    async def live_refresh_token(self, token_hash: bytes) -> tuple[RefreshToken, Grant] | None:
        grant = await self.grant_of_refresh_token(token_hash)
        row = await self._first(refresh_tokens, and_(self._refresh_token(token_hash), refresh_tokens.c.rotated_at.is_(None)))
        if grant is None or grant.revoked_at is not None or row is None:
            return None
        return rows_of.REFRESH_TOKENS.record(row), grant

    def _refresh_token(self, token_hash: bytes) -> ColumnElement[bool]:
        return token_here(refresh_tokens, token_hash, self._environment)

    async def remembered(self, tenant_id: str, subject: str, client_id: str, redirect_uri: str, resource: str) -> RememberedConsent | None:
        row = await self._first(consents, _consent_key(tenant_id, subject, client_id, redirect_uri, resource))
        return None if row is None else rows_of.CONSENTS.record(row)

    async def has_grant(self, tenant_id: str, subject: str, client_id: str) -> bool:
        its_own = and_(grants.c.tenant_id == tenant_id, grants.c.subject == subject, grants.c.client_id == client_id)
        return await self._first(grants, and_(its_own, grants.c.revoked_at.is_(None))) is not None

    async def list_grants(self, tenant_id: str, subject: str | None = None, client_id: str | None = None) -> Sequence[Grant]:
        condition = and_(grants.c.tenant_id == tenant_id, grants.c.revoked_at.is_(None))
        if subject is not None:
            condition = and_(condition, grants.c.subject == subject)
        if client_id is not None:
            condition = and_(condition, grants.c.client_id == client_id)
        return await self._grants(condition)

    async def grants_of_client(self, client_id: str) -> Sequence[Grant]:
        return await self._grants(and_(grants.c.client_id == client_id, grants.c.revoked_at.is_(None)))

    async def sweep(self, now: float, reply_kept_s: float) -> None:
        await sweep(self._database, round(now * 1_000_000), round(reply_kept_s * 1_000_000))

    async def _grants(self, condition: ColumnElement[bool]) -> Sequence[Grant]:
        async with self._database.read() as connection:
            rows = (await connection.execute(select(grants).where(condition).order_by(grants.c.created_at.desc()))).all()
        return tuple(rows_of.GRANTS.record(row) for row in rows)

    async def _first(self, table: Table, condition: ColumnElement[bool]) -> Row[Any] | None:
        async with self._database.read() as connection:
            return (await connection.execute(select(table).where(condition))).first()


def token_here(table: Table, token_hash: bytes, environment: str) -> ColumnElement[bool]:
    """Return the condition of a token that was issued in this environment: a row of production that got into a test system is none."""
    return and_(table.c.token_hash == token_hash, table.c.environment == environment)


def _consent_key(tenant_id: str, subject: str, client_id: str, redirect_uri: str, resource: str) -> ColumnElement[bool]:
    return and_(
        consents.c.tenant_id == tenant_id,
        consents.c.subject == subject,
        consents.c.client_id == client_id,
        consents.c.redirect_uri == redirect_uri,
        consents.c.resource == resource,
    )
