"""`ascend rag list`: documents and their status."""

import click

from server.commands.context.opened import tenant_option
from server.commands.frame import json_option, run_async, with_settings
from server.commands.rag.opened import opened_documents
from server.commands.rows import print_rows
from server.config.settings import Settings
from tools.builtins.context.rag_documents import shown

_SHOWN = ("document_id", "name", "status", "media_type", "bytes", "passages", "created_at")


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="How many, the newest first.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, limit: int, tenant: str, as_json: bool) -> None:
    """List the documents that all of a tenant may see, the newest first; why one failed is in --json."""
    async with opened_documents(settings, tenant) as opened:
        rows = [shown(each) for each in await opened.documents.store.documents.list(opened.scope, None, limit)]
    print_rows(rows if as_json else [{key: row.get(key) for key in _SHOWN} for row in rows], as_json=as_json, empty="no documents yet")
