"""`ascend config history`: who applied which version, and when."""

from itertools import pairwise

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.config.settings import Settings
from server.storage.store import open_store
from tools.versioned_documents.differences import differences
from tools.versioned_documents.versions import ConfigVersion, applied_at


@click.command()
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many, the newest first.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, limit: int, as_json: bool) -> None:
    """List the versions of the configuration, the newest first: who applied each, when, and how many values it changed."""
    async with open_store(settings) as store:
        found = await store.config_versions.last(limit + 1)
    rows: list[dict[str, object]] = [
        {
            "version": version.version,
            "applied_at": applied_at(version),
            "applied_by": version.by,
            # Of the oldest that is kept nobody knows what was before it.
            "changes": len(differences(old.document, version.document)) if old.version == version.version - 1 else None,
        }
        for version, old in pairwise([*found, ConfigVersion()])
    ]
    print_rows(rows[:limit], as_json=as_json, empty="nothing was applied yet; what is built in holds")
