"""Alerts put together: rules, where they look, who is told. Loaded some seconds after the start, so that nobody waits for it (0059)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from oauth.connections.connection import Connection
from oauth.vault.named_secrets import NamedSecrets
from oauth.vault.vault import Vault
from server.alerts.delivery import Deliveries
from server.alerts.heartbeat import Heartbeat
from server.alerts.node_figures import NodeFigures, NodeSources, NodeWatch
from server.alerts.outage import Outage
from server.alerts.rule import Rule
from server.alerts.rules.backup_old import BackupOld
from server.alerts.rules.budget import Budget, BudgetCounters
from server.alerts.rules.calls_dropped import CallsDropped
from server.alerts.rules.dependency_down import DependencyDown
from server.alerts.rules.disk import Disk
from server.alerts.rules.drill_failed import DrillFailed, LastDrill
from server.alerts.rules.ending import Ending, EndingSoon
from server.alerts.rules.error_rate import ErrorRate
from server.alerts.rules.fallback import Fallback
from server.alerts.rules.held_tools import HeldTools
from server.alerts.rules.job_late import JobLate, LateJob
from server.alerts.rules.overhead import Overhead
from server.alerts.rules.refresh_failing import RefreshFailing
from server.alerts.rules.role_changed import RoleChanged
from server.alerts.rules.rotation import Rotation
from server.alerts.rules.sign_in_burst import SignInBurst
from server.alerts.rules.sink_behind import SinkBehind
from server.alerts.rules.store_down import StoreDown
from server.alerts.sinks.opened import Sinks
from server.alerts.sinks.revealed import RevealedSecrets
from server.alerts.watch import Watch
from server.config_versions.sections.alerts import Alerts
from server.storage.alerts.stores import AlertStores
from server.storage.history.sink_cursors import SinkCursor
from server.storage.oauth.secret_ages import SecretAge
from tools.egress.client import Egress


@dataclass(frozen=True, slots=True)
class AlertSources:
    """Where rules look, apart from the store of alerts."""

    node: NodeSources
    connections: Callable[[], Sequence[Connection]]
    budgets: BudgetCounters
    late_jobs: Callable[[], Awaitable[Sequence[LateJob]]]
    newest_backup_us: Callable[[], Awaitable[int | None]]
    last_drill: LastDrill
    sink_cursors: Callable[[], Awaitable[Sequence[SinkCursor]]]
    endings: Callable[[], Awaitable[Sequence[Ending]]]
    secret_ages: Callable[[], Awaitable[Sequence[SecretAge]]]


def open_watch(
    stores: AlertStores,
    sources: AlertSources,
    egress: Egress,
    vault: Vault,
    settings: Callable[[], Alerts],
    *,
    gateway: str,
    environment: str,
) -> Watch:
    """Return the loop that looks; it holds nothing before it runs."""
    secrets = RevealedSecrets(NamedSecrets(vault))
    sinks = Sinks(egress, secrets.reveal)
    deliveries = Deliveries(stores.outbox, sinks, settings)

    async def prepare() -> None:
        await secrets.have_ready(settings().secrets)

    watch = Watch(
        stores.states,
        stores.nodes,
        NodeWatch(sources.node),
        deliveries,
        settings,
        Outage(deliveries, settings, gateway=gateway, environment=environment),
        gateway=gateway,
        environment=environment,
        prepare=prepare,
        beat=Heartbeat(egress.send, sinks.address, settings).beat,
    )
    error_rate = ErrorRate(stores.figures, lambda: settings().rules.error_rate)
    watch.rules = rules_of(stores, sources, settings, error_rate, lambda: watch.nodes)
    watch.remembering = {error_rate.kind.name: error_rate}
    return watch


def rules_of(
    stores: AlertStores,
    sources: AlertSources,
    settings: Callable[[], Alerts],
    error_rate: ErrorRate,
    nodes: Callable[[], Sequence[NodeFigures]],
) -> Sequence[Rule]:
    """Return every rule, in the order of server/alerts/catalogue.py."""
    figures = stores.figures
    return (
        StoreDown(nodes),
        CallsDropped(nodes),
        error_rate,
        Overhead(nodes, lambda: settings().rules.overhead),
        DependencyDown(nodes),
        RefreshFailing(sources.connections),
        JobLate(sources.late_jobs, lambda: settings().rules.job_late.periods),
        BackupOld(sources.newest_backup_us, lambda: settings().rules.backup_old.days),
        DrillFailed(sources.last_drill),
        SinkBehind(sources.sink_cursors, lambda: settings().rules.sink_behind.hours),
        Disk(nodes, lambda: settings().rules.disk.below_percent),
        EndingSoon(sources.endings, lambda: settings().rules.ending.days),
        Rotation(sources.secret_ages, lambda: settings().rules.rotation.days),
        Budget(sources.budgets, lambda: settings().rules.budget.usd),
        Fallback(nodes, lambda: settings().rules.fallback),
        SignInBurst(figures, lambda: settings().rules.sign_in_burst),
        RoleChanged(figures),
        HeldTools(figures, lambda: settings().rules.held_tools.days),
    )
