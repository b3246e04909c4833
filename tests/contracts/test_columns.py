"""Every field of every record comes back from the database, and every column of its row holds a value."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Table, select

from oauth.audit import SecurityEvent
from oauth.authorization.request import AuthorizationRequest
from oauth.clients.client import Client
from oauth.connections.connecting.connect_flow import AuthorizationAttempt, ConnectFlow
from oauth.connections.connection import Connection
from oauth.connections.upstream.registrations import UpstreamRegistration
from oauth.principal import Principal
from oauth.sign_in.identity_providers import IdentityProvider
from oauth.sign_in.stores import FederatedSignIn, Passkey, StoredSession
from oauth.sign_in.subjects import Subject
from oauth.tenants import Tenant
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
from oauth.tokens.static_tokens import StaticToken
from oauth.vault.envelope import WrappedKey
from oauth.vault.secrets import SealedSecret, SecretEvent
from server.storage.database import Database
from server.storage.insertion import insert_rows
from server.storage.oauth.browser_sessions import SqlBrowserSessionStore
from server.storage.oauth.clients import SqlClientStore
from server.storage.oauth.connect_flows import SqlConnectFlowStore
from server.storage.oauth.connections import SqlConnectionStore
from server.storage.oauth.grants import SqlOAuthRows
from server.storage.oauth.identities import SqlIdentityLinkStore
from server.storage.oauth.passkeys import SqlPasskeyStore
from server.storage.oauth.registrations import SqlRegistrationStore
from server.storage.oauth.secrets import SqlSecretStore
from server.storage.oauth.security_events import SqlAuditLog
from server.storage.oauth.static_tokens import SqlStaticTokenStore
from server.storage.oauth.subjects import SqlSubjectStore
from server.storage.oauth.tenants import SqlTenantStore
from server.storage.schema import connection_tables, oauth_tables, platform_tables, subject_tables, tool_tables
from server.storage.tools.operations import SqlOperationStore
from server.storage.tools.quarantine import SqlQuarantineStore
from tests.conftest import REPOSITORY
from tests.contracts.databases import empty_database, url_of
from tests.contracts.filled import START_S, filled
from tools.catalog.quarantine import HeldTool
from tools.stores import CallRecord, Source

KEY = filled(WrappedKey)
EVENT = filled(SecretEvent)
GRANT = filled(Grant)
REQUEST = filled(AuthorizationRequest, request_id="")
SUBJECT = filled(Subject, disabled=False)
CONNECTION = filled(Connection, version=1)
SECRET = SealedSecret(CONNECTION.tenant_id, CONNECTION.secret_name, 1, KEY.dek_id, b"sealed")
ATTEMPT = filled(AuthorizationAttempt)
SOURCE = filled(Source)
HELD = filled(HeldTool, provider=SOURCE.provider, tenant_id=SOURCE.tenant_id)
CALL = filled(CallRecord)
CALLER = filled(Principal, tenant_id=CALL.tenant_id, subject=CALL.subject)


@dataclass(frozen=True)
class Kept:
    """A record, the table that keeps it, how it is written and read; `empty`: columns that something else fills later."""

    table: Table
    record: object
    write: Callable[[Database], Awaitable[object]]
    read: Callable[[Database], Awaitable[object]]
    empty: frozenset[str] = frozenset()


def in_rows(
    table: Table, record: object, write: Callable[[SqlOAuthRows], Awaitable[object]], read: Callable[[SqlOAuthRows], Awaitable[object]]
) -> Kept:
    """A record that a transaction of the grant store keeps."""

    async def written(database: Database) -> None:
        async with database.write() as connection:
            await write(SqlOAuthRows(connection))

    async def found(database: Database) -> object:
        async with database.write() as connection:
            return await read(SqlOAuthRows(connection))

    return Kept(table, record, written, found)


def of_grants() -> list[Kept]:
    stored, code, access = filled(StoredRequest, request=REQUEST), filled(AuthorizationCode), filled(AccessToken)
    refresh, device, consent, pushed = filled(RefreshToken), filled(DeviceCode), filled(RememberedConsent), filled(PushedRequest)
    key = (consent.tenant_id, consent.subject, consent.client_id, consent.redirect_uri, consent.resource)
    t = oauth_tables
    return [
        in_rows(t.grants, GRANT, lambda rows: rows.add_grant(GRANT), lambda rows: rows.grant(GRANT.grant_id)),
        in_rows(t.authorization_requests, stored, lambda rows: rows.add_request(stored), lambda rows: rows.request(stored.request_hash)),
        in_rows(t.authorization_codes, code, lambda rows: rows.add_code(code), lambda rows: rows.code(code.code_hash)),
        in_rows(t.access_tokens, access, lambda rows: rows.add_access_token(access), lambda rows: rows.access_token(access.token_hash)),
        in_rows(
            t.refresh_tokens, refresh, lambda rows: rows.add_refresh_token(refresh), lambda rows: rows.refresh_token(refresh.token_hash)
        ),
        in_rows(t.device_codes, device, lambda rows: rows.add_device_code(device), lambda rows: rows.device_code(device.device_hash)),
        in_rows(t.consents, consent, lambda rows: rows.remember_consent(consent), lambda rows: rows.consent(*key)),
        in_rows(
            t.pushed_requests,
            pushed,
            lambda rows: rows.add_pushed(pushed),
            lambda rows: rows.take_pushed(pushed.handle_hash, pushed.client_id, START_S),
        ),
    ]


async def add_session(database: Database, session: StoredSession) -> None:
    await SqlSubjectStore(database).add(SUBJECT, "password hash")
    await SqlBrowserSessionStore(database).begin(session, None)


async def add_connection(database: Database) -> None:
    await SqlSecretStore(database).add_key(KEY)
    assert await SqlConnectionStore(database).put(CONNECTION, SECRET, EVENT)


async def add_flow(database: Database, flow: ConnectFlow) -> None:
    flows = SqlConnectFlowStore(database)
    await SqlSecretStore(database).add_key(KEY)
    await flows.add(flow)


async def hold(database: Database) -> None:
    await SqlOperationStore(database).replace(SOURCE, [])
    await SqlQuarantineStore(database).hold(SOURCE.tenant_id, SOURCE.provider, [HELD])


async def only(found: Awaitable[Sequence[object]]) -> object:
    (one,) = await found
    return one


def of_people() -> list[Kept]:
    client, event, static, tenant = filled(Client), filled(SecurityEvent), filled(StaticToken), filled(Tenant)
    passkey, provider = filled(Passkey), filled(IdentityProvider)
    away = filled(FederatedSignIn)
    session = filled(StoredSession, tenant_id=SUBJECT.tenant_id, subject=SUBJECT)
    o, s = oauth_tables, subject_tables

    return [
        Kept(o.oauth_clients, client, lambda db: SqlClientStore(db).save(client), lambda db: SqlClientStore(db).find(client.client_id)),
        Kept(
            o.security_events,
            event,
            lambda db: SqlAuditLog(db).record(event),
            lambda db: only(SqlAuditLog(db).recent(event.tenant_id)),
        ),
        in_rows(o.security_events, None, lambda rows: rows.note(event), lambda rows: rows.grant("")),
        Kept(
            o.static_tokens,
            static,
            lambda db: SqlStaticTokenStore(db).add(static),
            lambda db: SqlStaticTokenStore(db).find(static.token_hash),
        ),
        Kept(platform_tables.tenants, tenant, lambda db: SqlTenantStore(db).add(tenant), lambda db: only(SqlTenantStore(db).all())),
        Kept(
            s.subjects,
            SUBJECT,
            lambda db: SqlSubjectStore(db).add(SUBJECT, "password hash"),
            lambda db: SqlSubjectStore(db).get(SUBJECT.tenant_id, SUBJECT.subject_id),
        ),
        Kept(
            s.browser_sessions,
            session,
            lambda db: add_session(db, session),
            lambda db: SqlBrowserSessionStore(db).find(session.session_hash, session.tenant_id, START_S),
        ),
        Kept(
            s.passkeys,
            passkey,
            lambda db: SqlPasskeyStore(db).add(passkey),
            lambda db: SqlPasskeyStore(db).find(passkey.tenant_id, passkey.credential_id),
        ),
        Kept(
            s.identity_providers,
            provider,
            lambda db: SqlIdentityLinkStore(db).save_provider(provider),
            lambda db: SqlIdentityLinkStore(db).provider(provider.tenant_id, provider.slug),
        ),
        Kept(
            s.federated_sign_ins,
            away,
            lambda db: SqlIdentityLinkStore(db).add_sign_in(away),
            lambda db: SqlIdentityLinkStore(db).take_sign_in(away.state_hash, START_S),
        ),
    ]


def of_connections() -> list[Kept]:
    flow, registration = filled(ConnectFlow, state="new"), filled(UpstreamRegistration)
    c, t = connection_tables, tool_tables

    async def its_key(database: Database) -> object:
        return await only(SqlSecretStore(database).keys(KEY.tenant_id))

    return [
        Kept(c.vault_keys, KEY, lambda db: SqlSecretStore(db).add_key(KEY), its_key),
        Kept(
            c.vault_events,
            EVENT,
            lambda db: SqlSecretStore(db).record(EVENT),
            lambda db: only(SqlSecretStore(db).events(EVENT.tenant_id, 9)),
        ),
        Kept(
            c.connections,
            (CONNECTION, SECRET),
            add_connection,
            lambda db: SqlConnectionStore(db).get(CONNECTION.tenant_id, CONNECTION.account_id),
            frozenset({"lease_owner", "lease_until"}),
        ),
        Kept(
            c.connect_flows,
            flow,
            lambda db: add_flow(db, flow),
            lambda db: SqlConnectFlowStore(db).get(flow.flow_hash),
            frozenset({"trip_hash", "trip", "trip_dek_id"}),
        ),
        Kept(
            c.provider_registrations,
            registration,
            lambda db: SqlRegistrationStore(db).put(registration),
            lambda db: only(SqlRegistrationStore(db).load()),
        ),
        Kept(t.held_tools, HELD, hold, lambda db: only(SqlQuarantineStore(db).load_held())),
    ]


RECORDS = [*of_grants(), *of_people(), *of_connections()]


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened


@pytest.mark.parametrize("kept", RECORDS, ids=[each.table.name for each in RECORDS])
async def test_every_field_comes_back_and_every_column_holds_a_value(database: Database, kept: Kept) -> None:
    await kept.write(database)
    async with database.read() as connection:
        (row,) = (await connection.execute(select(kept.table))).mappings()
    assert {name for name, value in row.items() if value is None} == kept.empty
    if kept.record is not None:
        assert await kept.read(database) == kept.record


async def test_the_attempt_of_a_flow_comes_back_whole(database: Database) -> None:
    flow = filled(ConnectFlow, state="new")
    flows = SqlConnectFlowStore(database)
    await add_flow(database, flow)
    assert await flows.start(flow.flow_hash, ATTEMPT, flow.expires_at)
    found = await flows.take(ATTEMPT.trip_hash)
    assert found is not None
    assert found[1] == ATTEMPT


async def test_a_column_that_the_table_does_not_have_is_refused(database: Database) -> None:
    """mutants.md: a misspelt name in front of a nullable column would be lost without a word."""
    with pytest.raises(KeyError, match="static_tokens has no column last_use"):
        async with database.write() as connection:
            await insert_rows(connection, oauth_tables.static_tokens, [{"last_use": 1}])


def test_rows_are_inserted_where_their_columns_are_checked() -> None:
    """A statement's own values are checked by SQLAlchemy, parameters beside it by `insert_rows`."""
    unchecked = re.compile(r"execute\(\s*insert\(\w+\),")
    found = [path.name for path in (REPOSITORY / "server/storage").rglob("*.py") if unchecked.search(path.read_text(encoding="utf-8"))]
    assert found == ["insertion.py"]
