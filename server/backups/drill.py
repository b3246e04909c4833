"""Try a backup before it is needed: restored aside, checked, opened as a gateway and asked; nothing of it calls anybody."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from oauth.principal import Principal
from oauth.tenants import DEFAULT_TENANT
from server.app import open_gateway
from server.backups.archive import Progress, read_archive
from server.backups.making import DUMP_FILE, HISTORY_FILE, STATE_FILE, working_folder
from server.backups.manifest import Manifest
from server.config.settings import Settings
from server.config.store import sqlite_url
from server.storage.copies import postgres_copy
from server.storage.copies.sqlite_copy import faults_in, figures_of
from tools.operation import ClientInfo

#: what no gateway ever issued
_NO_TOKEN = "asc_at_" + "0" * 43


class DrillFailed(Exception):
    """The backup would not have helped; the message says at which step and why."""


@dataclass(frozen=True, slots=True)
class DrillReport:
    """`age_s`: what would be lost (RPO). `took_s`: from the file to an answer (RTO, on this machine)."""

    backup: str
    age_s: float
    took_s: float
    rows: int
    steps: tuple[str, ...]


async def drill(
    settings: Settings,
    source: Path,
    identities: Sequence[X25519PrivateKey],
    *,
    scratch_url: str | None = None,
    progress: Progress | None = None,
) -> DrillReport:
    """Restore `source` aside and use it. `scratch_url`: an empty database for a backup of PostgreSQL.

    Raises DrillFailed, and what `read_archive` raises.
    """
    began = time.monotonic()
    steps: list[str] = []
    with working_folder(settings.data_dir) as work:
        manifest = read_archive(source, identities, work, progress)
        steps.append(f"{len(manifest.members)} files authenticated and hashed")
        url = _stores(manifest, work, scratch_url, steps)
        store = replace(settings.store, database_url=url, history_url="")
        await _asked(replace(settings, data_dir=work, store=store), steps)
    age_s = (datetime.now(UTC) - datetime.fromisoformat(manifest.made_at)).total_seconds()
    rows = sum(sum(tables.values()) for tables in manifest.tables.values())
    return DrillReport(source.name, age_s, time.monotonic() - began, rows, tuple(steps))


def _stores(manifest: Manifest, work: Path, scratch_url: str | None, steps: list[str]) -> str:
    """Check the stores and return the URL of the one that is opened."""
    if manifest.store == "postgresql":
        if scratch_url is None:
            raise DrillFailed("a backup of PostgreSQL needs an empty database to be tried in; name one with --scratch-url")
        if tables := postgres_copy.tables_in(scratch_url):
            raise DrillFailed(f"the database of --scratch-url has {tables} tables; name an empty one")
        postgres_copy.restore(scratch_url, work / DUMP_FILE)
        steps.append("pg_restore put the dump into the scratch database")
        return scratch_url
    for name in (STATE_FILE, HISTORY_FILE):
        if not (work / name).is_file():
            continue
        if faults := faults_in(work / name):
            raise DrillFailed(f"{name} is not sound: {faults[0]}")
        if figures_of(work / name) != dict(manifest.tables[name]):
            raise DrillFailed(f"{name} does not have the rows that its manifest says")
        steps.append(f"{name}: pages, references and the rows of {len(manifest.tables[name])} tables agree")
    return sqlite_url(work / STATE_FILE)


async def _asked(settings: Settings, steps: list[str]) -> None:
    """Open a gateway that calls nobody, search, and be refused with a token that is none."""
    async with open_gateway(settings, at_work=False) as gateway:
        steps.append("a gateway opened on it, and the vault's checksums agree")
        caller = Principal(DEFAULT_TENANT, "", "drill", frozenset({"mcp", "mcp:read"}), "", "local")
        client = ClientInfo("", name="drill")
        found = await gateway.operations.dispatcher.call(caller, "discover_apis", {"query": "list what there is"}, client=client)
        if found.status != "ok":
            raise DrillFailed("a search in the restored catalogue failed")
        steps.append("a search was answered")
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(gateway.app), base_url=settings.base_url) as http:
            refused = await http.post("/mcp", headers={"authorization": f"Bearer {_NO_TOKEN}"}, json={})
        if refused.status_code != 401:
            raise DrillFailed(f"a token that was never issued was answered with {refused.status_code}")
        steps.append("a token that was never issued was refused")
