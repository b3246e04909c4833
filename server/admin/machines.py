"""Machines that administer: a token of theirs counts while they are there, from where they may come, for no more than it says."""

import time
from collections.abc import Callable

from starlette.requests import Request

from oauth.principal import Principal
from oauth.services.machine import Machine, role_of
from oauth.services.stores import MachineStores
from server.admin.administrators import Administrator
from server.admin.refusals import forbidden, unauthenticated
from server.networks import Networks
from server.proxy_headers import caller_address


class Machines:
    """Service principals and trust policies, read anew for each request: who is ended is out at once."""

    def __init__(self, stores: MachineStores, clock: Callable[[], float] = time.time) -> None:
        self._stores, self._clock = stores, clock

    async def of(self, principal: Principal, request: Request) -> Administrator:
        """Return who a machine's token is. Raises AdminRefused."""
        role = role_of(principal.scopes)
        service = await self._stores.services.of(principal.subject)
        machine: Machine | None = service or await self._stores.policies.of(principal.subject)
        if role is None or machine is None or machine.tenant_id != principal.tenant_id:
            raise unauthenticated(was_sent=True)
        if service is not None:
            if service.expires_at <= self._clock():
                raise unauthenticated(was_sent=True)
            # By what a trusted proxy says, never by what the caller says of itself (server/proxy_headers.py).
            if service.cidrs and caller_address(request.scope) not in Networks(service.cidrs):
                raise forbidden(f"{service.by} may not come from this address", "`ascend service list` shows from where it may")
        return Administrator(
            tenant_id=machine.tenant_id,
            subject=machine.machine_id,
            by=machine.by,
            role=min(machine.role, role),
            reaches_gateway=machine.reaches_gateway,
        )
