"""`serve --demo`: the demo CRM beside the gateway, its operations in the catalogue, somebody who can sign in."""

import fcntl
import os
import secrets
import shlex
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from oauth.connections.upstream.registrations import SHARED
from oauth.errors import AlreadyTaken
from oauth.sign_in.passwords import Passwords, new_password
from oauth.tenants import DEFAULT_TENANT
from server.app import Gateway
from server.config.errors import SettingsError
from server.config.load import directory_of
from server.demo import app as demo
from server.demo.console import DEMO_EMAIL, way_into_console
from server.demo.grants import OAuthClient, OAuthSettings
from server.demo.kept_grants import KeptGrants
from server.demo.provider import register
from server.http.listen import listen
from server.http.server import HttpServer
from server.storage.store import prepare_directory
from tools.sources.importing import ImportRequest, import_openapi

PROVIDER = "crm"
USUAL_PORT = 8090
#: a refresh token serves again for this long: what a killed gateway had not yet written down is not lost
REUSE_GRACE_S = 24 * 3600


@dataclass(slots=True)
class DemoStart:
    """The running demo CRM, and what a newcomer is told."""

    url: str
    data_dir: Path
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
        registrations = gateway.connections.registrations
        if self.application is not None:
            await register(registrations, self.url, self.application, PROVIDER)
        elif registrations.find(SHARED, PROVIDER):
            await registrations.remove(SHARED, PROVIDER, "operator")
        password = new_password()
        try:
            await Passwords(gateway.store.subjects).add_subject(DEFAULT_TENANT, DEMO_EMAIL, password, display_name="Demo")
        except AlreadyTaken:
            self.lines.append(f"sign in    {DEMO_EMAIL}   with the password that the first start showed, or a new one:")
            self.lines.append(f"           {typed(f'user password {DEMO_EMAIL}', self.data_dir)}   (it signs them out everywhere)")
        else:
            self.lines.append(f"sign in    {DEMO_EMAIL}   password  {password}   (shown only now)")
        if (way_in := await way_into_console(gateway.store, gateway.settings)) is not None:
            self.lines.append(f"console    {way_in}")
        self.lines.append('ask        "Find the contact Ada and list her open deals."')
        if self.application is not None:
            self.lines.append(
                "           until you connect the demo CRM, a call answers with a link: open it, connect, and the same call goes through"
            )


@asynccontextmanager
async def start_demo(port: int | None, data_dir: Path, *, is_open: bool = False) -> AsyncIterator[DemoStart]:
    """Serve the demo CRM on 127.0.0.1 while entered; where `port` is None, at its usual port or at any free one.

    It asks each person for consent, so that calls ask them to connect an account first, unless it `is_open`.

    Raises:
        SettingsError: the port is taken, or another process serves the demo from `data_dir`.
    """
    with _alone(data_dir):
        try:
            listener = listen("127.0.0.1", USUAL_PORT if port is None else port, "--demo-port")
        except SettingsError as error:
            if port is not None:
                raise SettingsError(f"demo CRM: {error}") from error
            listener = listen("127.0.0.1", 0)
        # The secret is made anew each time; which accounts were connected outlives a restart.
        application = None if is_open else OAuthClient("ascend", secrets.token_urlsafe(32))
        oauth = OAuthSettings(application, reuse_grace_s=REUSE_GRACE_S) if application else None
        server = HttpServer(demo.build(oauth=oauth, kept=KeptGrants(data_dir / "demo-crm.json")))
        async with anyio.create_task_group() as running:
            running.start_soon(server.serve, [listener])
            await server.until_ready()
            try:
                yield DemoStart(f"http://127.0.0.1:{listener.getsockname()[1]}", data_dir, application)
            finally:
                server.should_exit = True


def typed(words: str, data_dir: Path) -> str:
    """Return the `ascend` command of `words` as a person types it in this folder: `make serve` puts nothing on the PATH."""
    program = "ascend" if shutil.which("ascend") else sys.argv[0]
    folder = "" if data_dir == directory_of(None) else f" --data {shlex.quote(str(data_dir))}"
    return f"{program} {words}{folder}"


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    # Two demos on one catalogue would take the CRM's address from each other. The lock goes with its process, even a killed one.
    prepare_directory(data_dir)
    path = data_dir / "demo-crm.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; name another directory with --data or ASCEND_DATA_DIR") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another `ascend serve --demo` uses {data_dir}; stop it, or give this one a folder of its own with --data"
            raise SettingsError(message) from None
        yield
    finally:
        os.close(lock)
