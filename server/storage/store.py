"""The whole store of one gateway: opened once, shared by the server and by every command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from oauth.errors import AlreadyTaken
from oauth.quotas import OAuthQuotas
from oauth.services.stores import MachineStores
from oauth.tenants import DEFAULT_TENANT, DEFAULT_TITLE, Tenant
from server.audited import unaudited
from server.config.errors import SettingsError
from server.config.settings import Settings
from server.config.store import sqlite_url
from server.storage.administration.invites import SqlAdminInviteStore
from server.storage.administration.roles import SqlAdminRoleStore
from server.storage.administration.services import SqlServiceStore, SqlTrustPolicyStore
from server.storage.administration.sessions import SqlAdminSessionStore
from server.storage.administration.share_links import SqlShareLinks
from server.storage.ai_gateway.caller_keys import SqlCallerKeyStore
from server.storage.ai_gateway.comparisons import SqlComparisonStore
from server.storage.ai_gateway.configurations import SqlAiConfigs
from server.storage.ai_gateway.experiment_calls import SqlExperimentCalls
from server.storage.ai_gateway.feedback import SqlFeedbackStore
from server.storage.ai_gateway.model_calls import SqlModelCallStore
from server.storage.alerts.stores import AlertStores, alert_stores
from server.storage.audit.reading import SqlAuditTrail
from server.storage.config_versions import SqlConfigVersions
from server.storage.context_plane.context_store import SqlContextStore
from server.storage.context_plane.documents.document_store import SqlDocumentStore
from server.storage.context_plane.extractions import SqlExtractionStore
from server.storage.context_plane.knowledge import SqlKnowledgeStore
from server.storage.context_plane.pairs import SqlPairStore
from server.storage.context_plane.signals import SqlSignalStore
from server.storage.copies.before_migrating import CopyFailed, copy_before_migrating
from server.storage.database import Database
from server.storage.history.calls import SqlCallHistory
from server.storage.history.decisions import SqlDecisions
from server.storage.history.event_lines import SqlEventLines
from server.storage.history.figures import HistoryFigures
from server.storage.history.sink_cursors import SqlSinkCursors
from server.storage.history.token_hours import SqlTokenHours
from server.storage.insertion import insert_once
from server.storage.late_stores import LateStores
from server.storage.metering.budgets import SqlBudgetStore
from server.storage.metering.operation_charges import SqlOperationCharges
from server.storage.migrate import HISTORY, StoreIsNewer, migrate
from server.storage.oauth.browser_sessions import SqlBrowserSessionStore
from server.storage.oauth.clients import SqlClientStore
from server.storage.oauth.connect_flows import SqlConnectFlowStore
from server.storage.oauth.connections import SqlConnectionStore
from server.storage.oauth.grants import SqlGrantStore
from server.storage.oauth.identities import SqlIdentityLinkStore
from server.storage.oauth.passkeys import SqlPasskeyStore
from server.storage.oauth.registrations import SqlRegistrationStore
from server.storage.oauth.secret_ages import SqlSecretAges
from server.storage.oauth.secrets import SqlSecretStore
from server.storage.oauth.security_events import SqlAuditLog
from server.storage.oauth.static_tokens import SqlStaticTokenStore
from server.storage.oauth.subjects import SqlSubjectStore
from server.storage.oauth.tenants import SqlTenantStore
from server.storage.postgres_connection import limits_of
from server.storage.schema.platform_tables import store_facts
from server.storage.sizes import StoreSizes
from server.storage.tools.kept_calls import SqlIdempotencyStore, SqlPlanStore, SqlResultStore
from server.storage.tools.operations import SqlOperationStore
from server.storage.tools.quarantine import SqlQuarantineStore
from server.storage.tools.tasks import SqlTaskStore
from server.storage.tools.usage_examples import SqlUsageStore
from tools.context_plane.quotas import CONTEXT
from tools.quotas import DOCUMENTS, PLANS, RECORDS, RESULTS, TASKS

if TYPE_CHECKING:
    from server.storage.workflows.stores import DurableStores


@dataclass(frozen=True, slots=True)
class Store:
    """Every store Protocol of the packages, kept in one database."""

    database: Database
    tenants: SqlTenantStore
    subjects: SqlSubjectStore
    browser_sessions: SqlBrowserSessionStore
    passkeys: SqlPasskeyStore
    admin_roles: SqlAdminRoleStore
    admin_invites: SqlAdminInviteStore
    admin_sessions: SqlAdminSessionStore
    share_links: SqlShareLinks
    machines: MachineStores
    identities: SqlIdentityLinkStore
    clients: SqlClientStore
    grants: SqlGrantStore
    static_tokens: SqlStaticTokenStore
    security_events: SqlAuditLog
    secrets: SqlSecretStore
    connections: SqlConnectionStore
    connect_flows: SqlConnectFlowStore
    registrations: SqlRegistrationStore
    operations: SqlOperationStore
    quarantine: SqlQuarantineStore
    history: Database
    calls: SqlCallHistory
    figures: HistoryFigures
    token_hours: SqlTokenHours
    decisions: SqlDecisions
    event_lines: SqlEventLines
    sink_cursors: SqlSinkCursors
    secret_ages: SqlSecretAges
    sizes: StoreSizes
    usage: SqlUsageStore
    results: SqlResultStore
    idempotency: SqlIdempotencyStore
    plans: SqlPlanStore
    tasks: SqlTaskStore
    caller_keys: SqlCallerKeyStore
    ai_configs: SqlAiConfigs
    config_versions: SqlConfigVersions
    experiment_calls: SqlExperimentCalls
    model_calls: SqlModelCallStore
    feedback: SqlFeedbackStore
    comparisons: SqlComparisonStore
    budgets: SqlBudgetStore
    operation_charges: SqlOperationCharges
    context: SqlContextStore
    knowledge: SqlKnowledgeStore
    signals: SqlSignalStore
    documents: SqlDocumentStore
    extractions: SqlExtractionStore
    audit_trail: SqlAuditTrail
    pairs: SqlPairStore
    alerts: AlertStores
    late: LateStores

    @property
    def durable(self) -> "DurableStores":
        """Runs, schedules, webhooks, definitions."""
        return self.late.durable


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """Bring the store to the newest schema and open it; the default tenant exists afterwards.

    Raises SettingsError where it cannot be opened, or belongs to another environment: a development process must not touch
    production's.
    """
    database, history = await _open_databases(settings)
    try:
        with unaudited():
            await _check_environment(database, settings.store.environment)
        store = _stores_in(database, history, settings)
        with unaudited():
            await _ensure_default_tenant(store)
        yield store
    finally:
        if history is not database:
            await history.close()
        await database.close()


async def _open_databases(settings: Settings) -> tuple[Database, Database]:
    """Return the database of the state and the one of the history. Raises SettingsError."""
    prepare_directory(settings.data_dir)
    try:
        await copy_before_migrating(settings.store.database_url, settings.data_dir)
        await migrate(settings.store.database_url)
        database = Database(settings.store.database_url, limits_of(settings))
        return database, await open_history(settings, database)
    except StoreIsNewer as error:
        raise SettingsError(f"{error}; install that version again, or restore a backup of before into another directory") from error
    except CopyFailed as error:
        raise SettingsError(f"{error}; make room in {settings.data_dir}, since nothing changes before there is a copy") from error
    except (SQLAlchemyError, ValueError) as error:
        raise SettingsError(f"the store cannot be opened: {_reason(error)}; {_way_out(settings)}") from error


def _stores_in(database: Database, history: Database, settings: Settings) -> Store:
    scale = settings.store.quota_scale
    quotas = OAuthQuotas().scaled(scale)
    return Store(
        database=database,
        tenants=SqlTenantStore(database),
        subjects=SqlSubjectStore(database),
        browser_sessions=SqlBrowserSessionStore(database, quotas=quotas),
        passkeys=SqlPasskeyStore(database),
        admin_roles=SqlAdminRoleStore(database),
        admin_invites=SqlAdminInviteStore(database),
        admin_sessions=SqlAdminSessionStore(database),
        share_links=SqlShareLinks(database),
        machines=MachineStores(SqlServiceStore(database), SqlTrustPolicyStore(database)),
        identities=SqlIdentityLinkStore(database),
        clients=SqlClientStore(database),
        grants=SqlGrantStore(database, quotas, settings.store.environment),
        static_tokens=SqlStaticTokenStore(database, settings.store.environment),
        security_events=SqlAuditLog(database),
        secrets=SqlSecretStore(database),
        connections=SqlConnectionStore(database),
        connect_flows=SqlConnectFlowStore(database, quotas),
        registrations=SqlRegistrationStore(database),
        operations=SqlOperationStore(database),
        quarantine=SqlQuarantineStore(database),
        history=history,
        calls=SqlCallHistory(history),
        figures=HistoryFigures(history),
        token_hours=SqlTokenHours(history),
        decisions=SqlDecisions(history),
        event_lines=SqlEventLines(history),
        sink_cursors=SqlSinkCursors(history),
        secret_ages=SqlSecretAges(database),
        sizes=StoreSizes({"state": database} if history is database else {"state": database, "history": history}),
        usage=SqlUsageStore(database),
        results=SqlResultStore(database, RESULTS.scaled(scale)),
        idempotency=SqlIdempotencyStore(database, RECORDS.scaled(scale)),
        plans=SqlPlanStore(database, PLANS.scaled(scale)),
        tasks=SqlTaskStore(database, TASKS.scaled(scale)),
        caller_keys=SqlCallerKeyStore(database),
        ai_configs=SqlAiConfigs(database),
        config_versions=SqlConfigVersions(database),
        experiment_calls=SqlExperimentCalls(database),
        model_calls=SqlModelCallStore(database),
        feedback=SqlFeedbackStore(database),
        comparisons=SqlComparisonStore(database),
        budgets=SqlBudgetStore(database),
        operation_charges=SqlOperationCharges(database),
        context=SqlContextStore(database, CONTEXT.scaled(scale)),
        knowledge=SqlKnowledgeStore(database),
        signals=SqlSignalStore(database),
        extractions=SqlExtractionStore(database),
        audit_trail=SqlAuditTrail(database),
        pairs=SqlPairStore(database),
        documents=SqlDocumentStore(database, DOCUMENTS.scaled(scale)),
        late=LateStores(database, scale),
        alerts=alert_stores(database, history, scale),
    )


async def open_history(settings: Settings, state: Database) -> Database:
    """Open the store of what has happened: a file of its own beside SQLite, the same database in PostgreSQL."""
    url = history_url(settings)
    await migrate(url, HISTORY)
    history = state if url == state.url else Database(url, limits_of(settings), has_audit_trail=False)
    await SqlCallHistory(history).make_room()
    return history


def history_url(settings: Settings) -> str:
    """Return the engine URL of the history."""
    of_store = settings.store.database_url
    return settings.store.history_url or (sqlite_url(settings.data_dir / "history.sqlite3") if of_store.startswith("sqlite") else of_store)


def _reason(error: Exception) -> str:
    """Return the first line of what the database said; drivers name host and port there, never the password."""
    words = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    return words.splitlines()[0].rstrip(".")[:300]


def _way_out(settings: Settings) -> str:
    if settings.store.database_url.startswith("sqlite"):
        return f"restore {settings.data_dir / 'ascend.sqlite3'} from a backup, or name another directory with --data"
    return "start the database, or correct ASCEND_DATABASE_URL"


def prepare_directory(directory: Path) -> None:
    """Make the data directory, readable by its owner only."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(f"data directory {directory}: {error.strerror}; name another with --data or ASCEND_DATA_DIR") from error


async def _check_environment(database: Database, environment: str) -> None:
    query = select(store_facts.c.value).where(store_facts.c.name == "environment")
    async with database.read() as connection:
        stamped = await connection.scalar(query)
    if stamped is None:
        # Nodes that start together on an empty store: one of them says whose it is.
        async with database.write() as connection:
            await insert_once(connection, store_facts, {"name": "environment", "value": environment})
            stamped = await connection.scalar(query)
    if stamped != environment:
        raise SettingsError(
            f"this store belongs to environment {stamped!r}, this process to {environment!r}; set ASCEND_ENV or use another store"
        )


async def _ensure_default_tenant(store: Store) -> None:
    if any(tenant.tenant_id == DEFAULT_TENANT for tenant in await store.tenants.all()):
        return
    try:
        await store.tenants.add(Tenant(DEFAULT_TENANT, DEFAULT_TITLE))
    except AlreadyTaken:
        return  # another process was first
