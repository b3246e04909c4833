"""A whole gateway that takes in from a stand-in: its import, its account, its door, and the engine that runs the workflows."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio

from oauth.connections.connecting.keys import add_key
from oauth.connections.connecting.machine_connection import MachineConnections
from oauth.connections.connection import ConnectionSecret
from oauth.connections.upstream.registrations import SHARED, UpstreamRegistration
from oauth.connections.upstream.token_endpoint import ProviderTokenEndpoint
from oauth.principal import Principal
from server.app import Gateway
from server.demo.gong.api import ACCESS_KEY
from server.demo.salesforce.sessions import CLIENT_ID
from server.demo.stand_ins.clock import StandInClock
from server.demo.stand_ins.vendor import Vendor, serving_vendor
from server.http.listen import listen
from tests.gateway import SCOPES, add_person, bring_openapi, opened
from tests.waiting import until
from tools.context_plane.facts import Episode
from tools.context_plane.stores import Scope
from tools.egress.client import Egress
from tools.errors import ToolError
from tools.operation import ClientInfo, Json
from tools.workflows.ingestion.pace import Time
from tools.workflows.stores import ActsFor, RunView, Workflows
from tools.workflows.workflow import Workflow

TENANT, SECRET = "default", "s3cret"
ALL_DAYS_US = (0, 2**62)
#: that really pass in a wait: for what others do meanwhile, like renewing a token, which is looked for each second
A_MOMENT_S, LONGER_S = 0.01, 0.7
CLIENT = ClientInfo("", name="test")


@dataclass
class Ingesting:
    """A gateway with one source."""

    gateway: Gateway
    vendor: Any
    #: whom runs act for
    person: str
    name: str
    #: what private calls are looked up in
    subjects: dict[str, str] = field(default_factory=dict)

    @property
    def workflows(self) -> Workflows:
        return self.gateway.work.workflows

    async def window(self, **given: Json) -> RunView:
        """Run one window, and all the items that it brought; return how the window ended."""
        run_id = await self.start(**given)
        await until(self.is_done, limit_s=120)
        view = await self.workflows.show(TENANT, run_id)
        assert view is not None
        return view

    async def start(self, **given: Json) -> str:
        return await self.workflows.start(TENANT, self.name, given, acts_for=ActsFor(self.person, SCOPES))

    async def counts(self, **given: Json) -> dict[str, Any]:
        """Run one window that succeeds; return what it counted."""
        view = await self.window(**given)
        assert view.state == "succeeded", view.failure
        return dict(view.result)

    async def is_done(self) -> bool:
        return not (await self.workflows.runs(TENANT, states=("queued", "running", "waiting"))).runs

    async def failed(self) -> Sequence[RunView]:
        return (await self.workflows.runs(TENANT, states=("failed", "cancelled"))).runs

    async def episodes(self, source: str) -> dict[str, list[Episode]]:
        """Return the episodes on record of a source, by its ids."""

        def read(rows: Any) -> dict[str, list[Episode]]:
            versions = rows.versions_between(source, *ALL_DAYS_US)
            found: dict[str, list[Episode]] = {}
            for episode in rows.episodes([version.episode_id for version in versions]).values():
                found.setdefault(episode.source_id, []).append(episode)
            return found

        return await self.gateway.store.context.read(TENANT, read)

    async def ask(self, tool: str, arguments: Mapping[str, Json], subject: str = "integration") -> Any:
        """Ask the context plane as somebody of the tenant."""
        principal = Principal(TENANT, subject, "test", SCOPES | {"context:read", "context:write"}, "", "local")
        outcome = await self.gateway.operations.dispatcher.call(principal, tool, arguments, client=CLIENT)
        if outcome.error is not None:
            raise ToolError(outcome.error)
        return outcome.data

    async def forget(self, arguments: Mapping[str, Json]) -> None:
        """Forget as whoever runs the gateway, who has agreed."""
        principal = Principal(TENANT, "operator", "test", SCOPES | {"context:destructive"}, "", "local")
        await self.gateway.context.forgetting(principal, arguments)

    async def is_read(self, count: int) -> bool:
        """Say whether so many documents are searchable."""
        return [document.status for document in await self.documents()] == ["ready"] * count

    async def documents(self, subject: str = "integration") -> list[Any]:
        return list(await self.gateway.store.documents.list(Scope(TENANT, subject), None, 1000))


def virtual(clock: StandInClock, longer_s: float = LONGER_S) -> Time:
    """Return the time of a stand-in, which waits move on."""

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)
        await anyio.sleep(A_MOMENT_S if seconds < 2 else longer_s)

    return Time(now_us=lambda: round(clock.now.timestamp() * 1_000_000), now_s=lambda: clock.seconds, sleep=sleep)


@asynccontextmanager
async def ingesting(
    folder: Path, vendor: Vendor, workflow_of: Callable[[dict[str, str]], Workflow], **settings: Any
) -> AsyncIterator[Ingesting]:
    """Open a gateway with the stand-in's operations and an account there, and run its workflows until left."""
    subjects: dict[str, str] = {}
    listener = listen("127.0.0.1", 0)
    allowed = (f"127.0.0.1:{listener.getsockname()[1]}",)
    async with serving_vendor(vendor, listener) as url, opened(folder / "data", egress_allow=allowed, **settings) as gateway:
        await bring_openapi(gateway, f"{url}/openapi.json", vendor.kind)
        await (connect_gong(gateway) if vendor.kind == "gong" else connect_salesforce(gateway, vendor, url))
        workflow = workflow_of(subjects)
        # In place of the one that keeps the machine's time, and that comes along once it is asked for.
        await gateway.work.registry.find(TENANT, workflow.name)
        gateway.work.registry.add(workflow)
        # Tests start what they look at.
        await gateway.scheduled.schedules.pause(TENANT, workflow.name)
        yield Ingesting(gateway, vendor, await add_person(gateway), workflow.name, subjects)


async def connect_gong(gateway: Gateway) -> None:
    """Keep the stand-in's key pair for everybody."""
    secret = ConnectionSecret(SECRET, ACCESS_KEY)
    vault, store = gateway.connections.vault, gateway.store.connections
    added = await add_key(store, vault, tenant_id=TENANT, subject="", provider="gong", secret=secret, kind="basic")
    await gateway.connections.known.renew(TENANT, [added.account_id])


async def connect_salesforce(gateway: Gateway, vendor: Vendor, url: str) -> None:
    """Have the stand-in give a machine account, for everybody."""
    registrations = gateway.connections.registrations
    definition = vendor.provider(url, "client_credentials")
    registration = UpstreamRegistration(SHARED, "salesforce", CLIENT_ID, definition)
    await registrations.add(registration, SECRET, "operator")
    async with Egress((urlsplit(url).netloc,)) as egress:
        endpoint = ProviderTokenEndpoint(egress.outbound)
        machines = MachineConnections(gateway.store.connections, gateway.connections.vault, registrations, endpoint)
        added = await machines.add(TENANT, "salesforce")
    await gateway.connections.known.renew(TENANT, [added.account_id])
