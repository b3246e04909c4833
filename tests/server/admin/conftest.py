"""One gateway with two tenants, whose administrators hold tokens for the administration."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from oauth.administration.appointments import Appointments
from oauth.administration.roles import Role
from oauth.resources import ResourceKind, Resources
from oauth.tenants import Tenant
from oauth.tokens.operator_issued import OperatorIssuedTokens
from server.admin.administrators import Administrators
from server.app import Gateway
from tests.gateway import NOWHERE, add_person, opened


@dataclass
class Administration:
    """`operator` and `acme` are tokens; a request of nobody has none."""

    gateway: Gateway
    http: httpx2.AsyncClient
    operator: str = ""
    acme: str = ""

    async def ask(self, method: str, path: str, token: str = "", body: Any = None, **headers: str) -> httpx2.Response:
        """Ask the part of the AI gateway."""
        return await self.api(method, f"ai/{path}", token, body, **headers)

    async def api(self, method: str, path: str, token: str = "", body: Any = None, **headers: str) -> httpx2.Response:
        """Ask `/admin/api/{path}`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["authorization"] = f"Bearer {token}"
        return await self.http.request(method, f"/admin/api/{path}", json=body, headers=sent)

    async def read(self, path: str, token: str) -> Any:
        answer = await self.ask("GET", path, token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def token(self, tenant_id: str, subject: str, kind: ResourceKind = "admin", scopes: frozenset[str] | None = None) -> str:
        async def allowed(*_who: str) -> frozenset[str]:
            return scopes or frozenset({"mcp"})

        resources = Resources(self.gateway.tenants, self.gateway.settings.mcp_url, self.gateway.settings.base_url)
        return (
            await OperatorIssuedTokens(self.gateway.store.grants, resources, allowed).mint(tenant_id, subject, None, 60, kind)
        ).access_token

    def administrators(self) -> Administrators:
        """Return who turns tokens into administrators."""
        resources = Resources(self.gateway.tenants, self.gateway.settings.mcp_url, self.gateway.settings.base_url)
        authorization = self.gateway.authorization
        return Administrators(
            authorization.access_tokens,
            self.gateway.store.subjects,
            self.gateway.store.admin_roles,
            self.gateway.tenants,
            lambda tenant_id: resources.of(tenant_id, "admin"),
        )

    async def change(self, tenant_id: str, subject: str, **fields: Any) -> None:
        """Change what is kept of a person, as `ascend user` does."""
        found = await self.gateway.store.subjects.get(tenant_id, subject)
        assert found is not None
        await self.gateway.store.subjects.save(replace(found, **fields))

    async def appoint(
        self, tenant_id: str, subject_id: str, role: Role | None = Role.OWNER, *, reaches_gateway: bool | None = None
    ) -> None:
        """Give a role as `ascend admin role` does, or take it. `reaches_gateway` None: as its tenant has it."""
        subject = await self.gateway.store.subjects.get(tenant_id, subject_id)
        assert subject is not None
        appointments = Appointments(self.gateway.store.admin_roles, self.gateway.store.security_events)
        if role is None:
            await appointments.take(subject, "operator")
        else:
            await appointments.give(subject, role, "operator", reaches_gateway=reaches_gateway)

    async def administrator(self, tenant_id: str, email: str) -> tuple[str, str]:
        """Add one; return subject and token."""
        subject = await add_person(self.gateway, email, tenant_id)
        await self.appoint(tenant_id, subject)
        return subject, await self.token(tenant_id, subject)


@asynccontextmanager
async def administration(folder: Path, **settings: Any) -> AsyncIterator[Administration]:
    """Open a gateway with the tenants acme and globex, and an owner each of the gateway and of acme."""
    async with opened(folder, **settings) as gateway:
        for tenant_id in ("acme", "globex"):
            await gateway.store.tenants.add(Tenant(tenant_id, tenant_id))
        await gateway.tenants.load(gateway.store.tenants.all)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(gateway.app), base_url=NOWHERE, timeout=20) as http:
            found = Administration(gateway, http)
            found.operator = (await found.administrator("default", "ops@example.com"))[1]
            found.acme = (await found.administrator("acme", "ada@acme.test"))[1]
            yield found


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Administration]:
    async with administration(tmp_path) as found:
        yield found
