"""What is administered, put together with the parts that it is about; every face is given the same."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from oauth.resources import admin_resource
from oauth.vault.named_secrets import NamedSecrets
from server.admin.nouns.alerts import AlertNoun, SilenceNoun
from server.admin.nouns.backups import Backups
from server.admin.nouns.clients import Clients
from server.admin.nouns.config import Config
from server.admin.nouns.connections import ConnectionNoun
from server.admin.nouns.jobs import Jobs
from server.admin.nouns.log_sinks import LogSinkNoun
from server.admin.nouns.machines.services import Services
from server.admin.nouns.machines.trust import Trust
from server.admin.nouns.operations import OperationNoun
from server.admin.nouns.people import People
from server.admin.nouns.person_changes import PersonChanges
from server.admin.nouns.records.audit import Audit
from server.admin.nouns.records.calls import Calls
from server.admin.nouns.records.decisions import Decisions
from server.admin.nouns.records.errors import Errors
from server.admin.nouns.records.traces import Traces
from server.admin.nouns.records.usage import Usage
from server.admin.nouns.reports import Reports
from server.admin.nouns.runbooks import Runbooks
from server.admin.nouns.share_links import ShareLinks
from server.admin.nouns.tenants import TenantNoun
from server.admin.nouns.webhooks import Webhooks
from server.admin.resource import Resource
from server.admin.traces import TraceReader
from server.alerts.board import AlertBoard
from server.alerts.delivery import Deliveries
from server.alerts.sinks.opened import Sinks
from server.alerts.sinks.revealed import RevealedSecrets
from server.alerts.trial import Tried, try_sinks
from server.assembly.administration.administration import Administration
from server.assembly.backup_processes import BackupProcesses
from server.config_versions.changes import ConfigChanges
from server.storage.administration.people import SqlPeople
from server.storage.database import now_us
from server.storage.tenant_removal.removal import TenantRemoval
from server.storage.workflows.runs.traced_runs import SqlTracedRuns
from tools.operation import Operation


def assemble_nouns(of: Administration) -> tuple[Resource, ...]:
    """Return every noun of the administration, in the order in which menus show them."""
    settings, store, operations, work = of.settings, of.store, of.operations, of.work
    revocation, reports = of.revocation, of.reports
    calls = Calls(store.calls, store.subjects)
    runs = SqlTracedRuns(store.database)
    reader = TraceReader(store.calls, store.model_calls, store.audit_trail, store.subjects, store.event_lines, runs)
    board = AlertBoard(store.alerts, lambda: of.config.current.alerts)

    def known(tenant_id: str) -> Mapping[str, Operation]:
        return operations.catalog.visible(tenant_id).operations_by_id

    def ids(tenant_id: str | None) -> Collection[str]:
        return operations.catalog.ids_anywhere if tenant_id is None else known(tenant_id)

    async def try_all_sinks() -> Sequence[Tried]:
        section = of.config.current.alerts
        sinks = Sinks(of.egress, RevealedSecrets(NamedSecrets(of.connections.vault)).reveal)
        deliveries = Deliveries(store.alerts.outbox, sinks, lambda: section)
        return await try_sinks(deliveries, section.sinks, now_us(), gateway=settings.base_url, environment=settings.store.environment)

    return (
        calls.resource(),
        Traces(calls, reader).resource(),
        Errors(store.figures, store.audit_trail).resource(),
        Runbooks().resource(),
        Usage(store.figures, ids).resource(),
        Audit(store.audit_trail).resource(),
        Decisions(store.decisions, store.subjects).resource(),
        TenantNoun(
            store.tenants,
            TenantRemoval(store.database, store.history),
            store.audit_trail,
            settings.mcp_url,
            lambda: of.config.current.plans,
        ).resource(),
        People(SqlPeople(store.database), store, PersonChanges(store, settings.admin_url)).resource(),
        Clients(store.clients, store.grants, revocation, store.machines.services).resource(),
        ConnectionNoun(store.connections, store.subjects, of.connections.changes).resource(),
        OperationNoun(known, store.operations, store.quarantine, lambda: operations.dispatcher, store.audit_trail).resource(),
        Jobs(work.schedules).resource(),
        Webhooks(work.deliveries).resource(),
        Backups(BackupProcesses(settings), work.schedules).resource(),
        AlertNoun(board, try_all_sinks).resource(),
        SilenceNoun(board).resource(),
        Config(store.config_versions, ConfigChanges(store.config_versions, of.connections.has_named_secret)).resource(),
        LogSinkNoun(store.sink_cursors, lambda: of.config.current.sinks).resource(),
        Reports(reports).resource(),
        ShareLinks(store.share_links, store.tenants, settings.admin_url).resource(),
        Services(store.machines.services, store.clients, store.tenants, revocation).resource(),
        Trust(store.machines.policies, store.tenants, revocation, partial(admin_resource, settings.admin_url)).resource(),
    )
