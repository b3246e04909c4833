"""What rules ask the store: sums and a few rows, each bounded by time or by number. Of all tenants: alerts are the gateway's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import JSON, Row, case, cast, func, or_, select, type_coerce

from server.storage.database import Database
from server.storage.history.tables import call_hours
from server.storage.schema.audit_tables import kv_audit
from server.storage.schema.oauth_tables import security_events, static_tokens
from server.storage.schema.platform_tables import tenants
from server.storage.schema.tool_tables import held_tools

#: of security events, the newest that are looked at
MOST_EVENTS = 5_000
#: groups that a rule is told of
MOST_GROUPS = 50
#: whose failures are failures of the service (operations contract, "Class")
_OF_THE_SERVICE = ("ours", "upstream")
#: of commands, of the console and of its API
_OF_ROLES = ("admin %", "people add", "people invite", "people revoke", "%role%", "service %", "services %", "trust %")
_AS_ADMIN = "%--admin%"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many there are of one kind, and the oldest of them; `about`: tenant, or name of one."""

    tenant_id: str
    about: str
    count: int
    first_at_us: int


@dataclass(frozen=True, slots=True)
class RoleChange:
    """Somebody's doing that changed who may do what."""

    at_us: int
    actor: str
    action: str
    target: str
    tenant_id: str


class AlertFigures:
    def __init__(self, state: Database, history: Database) -> None:
        self._state, self._history = state, history

    async def calls_by_hour(self, since_hour: int) -> Mapping[int, tuple[int, int]]:
        """Return calls, and failures of the service among them, by hour since the epoch."""
        c = call_hours.c
        failed = func.sum(case((c.error_class.in_(_OF_THE_SERVICE), c.calls), else_=0))
        query = select(c.hour, func.sum(c.calls), failed).where(c.hour >= since_hour).group_by(c.hour)
        rows = await self._history.look(lambda connection: connection.execute(query).all())
        return {int(hour): (int(calls), int(failures)) for hour, calls, failures in rows}

    async def failed_sign_ins(self, since_us: int) -> Sequence[Counted]:
        """Return failed sign-ins by tenant; of the newest events."""
        newest = select(security_events.c.at, security_events.c.tenant_id, security_events.c.action)
        newest_ones = newest.order_by(security_events.c.seq.desc()).limit(MOST_EVENTS).subquery()
        c = newest_ones.c
        query = (
            select(c.tenant_id, func.count().label("found"), func.min(c.at).label("first_at"))
            .where(c.at >= since_us, c.action == "sign_in_failed")
            .group_by(c.tenant_id)
            .order_by(func.count().desc())
            .limit(MOST_GROUPS)
        )
        rows = await self._state.look(lambda connection: connection.execute(query).all())
        return [_counted(row) for row in rows]

    async def role_changes(self, since_us: int) -> Sequence[RoleChange]:
        """Return who changed who may administer, people and machines, newest first; by the actions of the audit trail."""
        c = kv_audit.c
        is_of_roles = or_(*(c.action.like(each) for each in _OF_ROLES), c.details.like(_AS_ADMIN))
        query = select(c.at, c.actor, c.action, c.target, c.tenant_id).where(c.at >= since_us, is_of_roles).order_by(c.at.desc())
        rows = await self._state.look(lambda connection: connection.execute(query.limit(MOST_GROUPS)).all())
        return [RoleChange(at_us=row.at, actor=row.actor, action=row.action, target=row.target, tenant_id=row.tenant_id) for row in rows]

    async def held_before(self, time_us: int) -> Sequence[Counted]:
        """Return tools that have waited for somebody's decision since before, by tenant and source."""
        c = held_tools.c
        query = (
            select(c.tenant_id, c.provider, func.count().label("found"), func.min(c.held_at).label("first_at"))
            .where(c.held_at < time_us)
            .group_by(c.tenant_id, c.provider)
            .order_by(c.tenant_id, c.provider)
            .limit(MOST_GROUPS)
        )
        rows = await self._state.look(lambda connection: connection.execute(query).all())
        return [_counted(row, row.provider) for row in rows]

    async def static_tokens(self, since: date, until: date) -> Sequence[Counted]:
        """Return how many static tokens a tenant has whose end lies within these days, the first to end first; `about`: its last day."""
        c, settings = static_tokens.c, tenants.c.settings
        as_json = type_coerce(settings, JSON) if self._state.is_sqlite else cast(settings, JSON)
        last_day = as_json["static_tokens_until"].as_string().label("last_day")
        query = (
            select(c.tenant_id, last_day, func.count().label("found"), func.min(c.created_at).label("first_at"))
            .join(tenants, tenants.c.tenant_id == c.tenant_id)
            .where(last_day.between(since.isoformat(), until.isoformat()))
            .group_by(c.tenant_id, last_day)
            .order_by(last_day, c.tenant_id)
            .limit(MOST_GROUPS)
        )
        rows = await self._state.look(lambda connection: connection.execute(query).all())
        return [_counted(row, row.last_day) for row in rows]


def _counted(row: Row[Any], about: str = "") -> Counted:
    return Counted(tenant_id=row.tenant_id, about=about, count=row.found, first_at_us=row.first_at)
