"""`ascend rag delete`: a document, and all that was made of it."""

import click

from server.commands.context.opened import tenant_option
from server.commands.frame import CommandFailed, run_async, with_settings
from server.commands.rag.opened import document_numbers, opened_documents
from server.commands.terminal import say
from server.config.settings import Settings


@click.command()
@click.argument("documents", nargs=-1, required=True, metavar="ID…")
@tenant_option
@with_settings
@run_async
async def command(settings: Settings, documents: tuple[str, ...], tenant: str) -> None:
    """Delete documents with their text, passages and place in the index. It cannot be taken back."""
    numbers = document_numbers(documents)
    missing = []
    async with opened_documents(settings, tenant) as opened:
        for text, number in zip(documents, numbers, strict=True):
            if await opened.documents.store.documents.delete(opened.scope, number):
                await opened.documents.forget(tenant)
                say(f"deleted {text}")
            else:
                missing.append(text)
    if missing:
        raise CommandFailed(f"there is no document {', '.join(missing)}; `ascend rag list` shows which there are")
