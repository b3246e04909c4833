"""Where the rules of alerts look, and what looks, opened."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from secrets import token_hex
from socket import gethostname
from urllib.parse import urlsplit

from oauth.tenants import DEFAULT_TENANT
from server.alerts.node_figures import Check, NodeSources
from server.alerts.opened import AlertSources, open_watch
from server.alerts.rules.ending import Ending
from server.alerts.rules.job_late import LateJob
from server.alerts.watch import Watch
from server.assembly.alerts import Alerts
from server.config.backup_folder import RECIPIENTS_FILE, have_backup_keys, newest_backup_at
from server.storage.database import now_us
from server.storage.history.sink_cursors import SinkCursor

#: why a schedule is late -> our words
_LATE = {"not_taken": "no gateway has taken its slot", "still_running": "the run before it goes on"}


def open_alerts(alerts: Alerts) -> Watch:
    """Return the loop that looks."""
    looked_at = _LookedAt(alerts)
    sources = AlertSources(
        node=NodeSources(
            process=f"{gethostname()[:80]}-{token_hex(4)}",
            node=gethostname()[:80],
            data_dir=alerts.settings.data_dir,
            dropped=lambda: alerts.operations.telemetry.dropped,
            overhead=lambda: alerts.operations.telemetry.overhead.counts,
            model_calls=lambda: (alerts.ai_gateway.call_metrics.answered, alerts.ai_gateway.call_metrics.fallen_back),
            checks=looked_at.checks(),
            down=looked_at.left_alone,
        ),
        connections=alerts.connections.known.all,
        budgets=alerts.store.budgets,
        late_jobs=looked_at.late_jobs,
        newest_backup_us=looked_at.newest_backup_us,
        last_drill=looked_at.last_drill,
        sink_cursors=looked_at.sink_cursors,
        endings=looked_at.endings,
        secret_ages=lambda: alerts.store.secret_ages.of(None),
    )
    return open_watch(
        alerts.store.alerts,
        sources,
        alerts.egress,
        alerts.connections.vault,
        lambda: alerts.config.current.alerts,
        gateway=alerts.settings.base_url,
        environment=alerts.settings.store.environment,
    )


class _LookedAt:
    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts

    def checks(self) -> Mapping[str, Check]:
        """Return what a node asks; whether the state's store answers shows in the look itself."""
        store = self._alerts.store
        found: dict[str, Check] = {"changes": self._alerts.feed.ready, **self._alerts.shared.checks}
        return found if store.history is store.database else found | {"history": store.history.ping}

    def left_alone(self) -> Mapping[str, str]:
        """Return places that calls go past since they failed again and again."""
        models = self._alerts.ai_gateway.calls.books.breakers.open_targets()
        places = {urlsplit(url).netloc for url in self._alerts.operations.health_checks.ill()}
        return {f"model {name}": "its calls failed, and go elsewhere" for name in models} | {
            f"upstream {place}": "its calls failed, and go elsewhere" for place in places
        }

    async def late_jobs(self) -> Sequence[LateJob]:
        if not self._alerts.work.is_open:
            return []
        now = now_us()
        return [
            LateJob(
                tenant_id=each.tenant_id,
                name=each.name,
                late_s=(now - each.due_since_us) / 1e6,
                period_s=None if each.following_us is None else (each.following_us - each.due_since_us) / 1e6,
                why=_LATE[each.why],
            )
            for each in await self._alerts.work.scheduled.scheduler.late_schedules()
        ]

    async def newest_backup_us(self) -> int | None:
        """Return when the newest backup was made: one that lies in the folder, or one that a schedule put elsewhere."""
        if not have_backup_keys(self._alerts.settings):
            return None
        made_at = [(self._alerts.settings.data_dir / RECIPIENTS_FILE).stat().st_mtime, newest_backup_at(self._alerts.settings) or 0.0]
        runs = await self._alerts.store.durable.schedules.runs(DEFAULT_TENANT, "backup", 10)
        made = [run.ended_at_us / 1e6 for run in runs if run.ended_at_us and run.report and run.report["counts"].get("backups")]
        return int(max(*made_at, *made, 0.0) * 1_000_000)

    async def last_drill(self) -> str | None:
        if not self._alerts.work.is_open:
            return None
        for run in await self._alerts.store.durable.schedules.runs(DEFAULT_TENANT, "backup-verify", 3):
            if run.state == "failed":
                return run.reason or "its run failed"
            if run.state == "succeeded" and run.report is not None:
                failed = [each for each in run.report["findings"] if each["kind"] == "drill_failed"]
                return str(failed[0]["message"]) if failed else None
        return None

    async def sink_cursors(self) -> Sequence[SinkCursor]:
        """Return how the log sinks stand that are configured; one that was taken out waits for nobody."""
        wanted = {(sink.name, stream) for sink in self._alerts.config.current.sinks.logs for stream in sink.streams}
        return [each for each in await self._alerts.store.sink_cursors.all() if (each.sink, each.stream) in wanted] if wanted else []

    async def endings(self) -> Sequence[Ending]:
        """Return what ends: service principals, and static tokens of a tenant, all of them on one day."""
        services = [
            Ending("service", each.name, each.tenant_id, int(each.expires_at * 1_000_000))
            for each in await self._alerts.store.machines.services.all()
        ]
        today, days = datetime.now(UTC).date(), timedelta(days=self._alerts.config.current.alerts.rules.ending.days + 1)
        return services + [
            Ending("static tokens", f"({each.count})", each.tenant_id, _end_of(each.about))
            for each in await self._alerts.store.alerts.figures.static_tokens(today - days, today + days)
        ]


def _end_of(day: str) -> int:
    """Return the end of a day that is the last on which something works."""
    return int(datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC).timestamp() * 1_000_000)
