"""`serve --demo`: the demo CRM beside the gateway, its operations in the catalogue, somebody who can sign in."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from oauth.passwords import Passwords, new_password
from oauth.subject_stores import SubjectExists
from oauth.tenants import DEFAULT_TENANT
from server.app import Gateway
from server.config import SettingsError
from server.demo import app as demo
from server.demo.grants import OAuthClient, OAuthSettings
from server.demo.provider import register
from server.http_server import HttpServer
from server.importing import ImportRequest, import_openapi
from server.listening import listen

DEMO_EMAIL = "demo@example.com"
PROVIDER = "crm"
USUAL_PORT = 8090


@dataclass(slots=True)
class DemoStart:
    """The running demo CRM, and what a newcomer is told."""

    url: str
    #: the gateway's application at the CRM, where the CRM asks people for consent
    application: OAuthClient | None = None
    lines: list[str] = field(default_factory=list)

    @property
    def authority(self) -> str:
        return self.url.removeprefix("http://")

    async def prepare(self, gateway: Gateway) -> None:
        """Import the CRM's document and make the demo user where either is missing."""
        self.lines.append(f"demo CRM   {self.url}")
        imported = await import_openapi(gateway.store.operations, ImportRequest(f"{self.url}/openapi.json", PROVIDER))
        if imported.diff.added or imported.diff.changed or imported.diff.removed:
            await gateway.operations.refresh([(None, PROVIDER)])
        if self.application is not None:
            await register(gateway.connections.registrations, self.url, self.application, PROVIDER)
        password = new_password()
        try:
            await Passwords(gateway.store.subjects).add_subject(DEFAULT_TENANT, DEMO_EMAIL, password, display_name="Demo")
        except SubjectExists:
            self.lines.append(f"sign in    {DEMO_EMAIL}   with the password that the first start showed")
            return
        self.lines.append(f"sign in    {DEMO_EMAIL}   password  {password}   (shown only now)")


@asynccontextmanager
async def start_demo(port: int | None, *, consent: bool = False) -> AsyncIterator[DemoStart]:
    """Serve the demo CRM on 127.0.0.1 while entered; where `port` is None, at its usual port or at any free one.

    With `consent` it is protected by its own OAuth consent, so that calls ask the person to connect an account first.
    """
    try:
        listener = listen("127.0.0.1", USUAL_PORT if port is None else port)
    except SettingsError as error:
        if port is not None:
            raise SettingsError(f"demo CRM: {error}".replace("--port", "--demo-port")) from error
        listener = listen("127.0.0.1", 0)
    # Made anew each time, like everything the CRM knows; accounts of an earlier start have to be connected again.
    application = OAuthClient("ascend", secrets.token_urlsafe(32)) if consent else None
    server = HttpServer(demo.build(oauth=OAuthSettings(application) if application else None))
    async with anyio.create_task_group() as running:
        running.start_soon(server.serve, [listener])
        await server.until_ready()
        try:
            yield DemoStart(f"http://127.0.0.1:{listener.getsockname()[1]}", application)
        finally:
            server.should_exit = True
