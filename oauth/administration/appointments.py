"""Give and take roles; each leaves a security event, whoever does it and from where."""

import time
from collections.abc import Callable

from oauth.administration.roles import AdminRole, Role
from oauth.administration.stores import AdminRoleStore
from oauth.audit import SecurityEvent
from oauth.sign_in.subjects import Subject
from oauth.stores import AuditLog
from oauth.tenants import DEFAULT_TENANT


class Appointments:
    """`clock`: epoch seconds."""

    def __init__(self, roles: AdminRoleStore, audit: AuditLog, clock: Callable[[], float] = time.time) -> None:
        self._roles, self._audit, self._clock = roles, audit, clock

    async def give(self, subject: Subject, role: Role, by: str, *, reaches_gateway: bool | None = None) -> AdminRole:
        """Give a role in the place of the one before; one of the default tenant reaches the gateway (decision 0067). Raises LastOwner.

        reaches_gateway: None: as the one before did.
        """
        if reaches_gateway is None:
            before = await self._roles.of(subject.tenant_id, subject.subject_id)
            reaches_gateway = before is not None and before.reaches_gateway
        reaches_gateway = reaches_gateway or subject.tenant_id == DEFAULT_TENANT
        given = AdminRole(subject.tenant_id, subject.subject_id, role, reaches_gateway, by, self._clock())
        await self._roles.give(given)
        await self._note(subject, by, role=role.title, reach="gateway" if reaches_gateway else "tenant")
        return given

    async def take(self, subject: Subject, by: str) -> bool:
        """Take the role, and sign its person out of the console; False where there was none. Raises LastOwner."""
        had = await self._roles.take(subject.tenant_id, subject.subject_id)
        if had is not None:
            await self._note(subject, by, role="none", was=had.role.title)
        return had is not None

    async def _note(self, subject: Subject, by: str, **facts: str) -> None:
        event = SecurityEvent("role_changed", self._clock(), subject.tenant_id, subject.subject_id, facts={"by": by, **facts})
        await self._audit.record(event)
