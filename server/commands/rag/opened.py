"""Documents of one tenant, opened for a command beside whatever serves from the same directory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import click

from oauth.principal import Principal
from server.assembly.context_plane.documents import Documents, assemble_documents
from server.commands.context.opened import local, word_table
from server.commands.frame import CommandFailed
from server.commands.one_tenant import open_tenant
from server.config.settings import Settings
from tools.context_plane.ids import DOCUMENT, id_number
from tools.context_plane.rag.answers import QuotesOnly
from tools.context_plane.stores import Scope
from tools.egress.client import Egress
from tools.errors import ToolError


@dataclass(frozen=True, slots=True)
class OpenedDocuments:
    """The documents, and who the command is."""

    documents: Documents
    principal: Principal

    @property
    def scope(self) -> Scope:
        return Scope(self.principal.tenant_id, self.principal.subject)


@asynccontextmanager
async def opened_documents(settings: Settings, tenant: str) -> AsyncIterator[OpenedDocuments]:
    """Open what a command needs; what an operation refuses becomes the command's failure, with the way out."""
    async with open_tenant(settings, tenant) as store, Egress(settings.egress.egress_allow) as egress:
        documents = assemble_documents(settings, store, egress, lambda: word_table(settings), lambda: None, QuotesOnly(), keeps_files=False)
        try:
            yield OpenedDocuments(documents, local(tenant))
        except ToolError as error:
            hint = error.failure.hint
            raise CommandFailed(f"{error}; {hint}" if hint else str(error)) from error
        finally:
            documents.ingestion.close()


def document_numbers(ids: tuple[str, ...]) -> tuple[int, ...]:
    """Return the numbers of documents' ids. Raises UsageError for what is none."""
    numbers = [id_number(DOCUMENT, each) for each in ids]
    for text, number in zip(ids, numbers, strict=True):
        if number is None:
            raise click.UsageError(f"{text!r} is no document's id; `ascend rag list` shows them")
    return tuple(number for number in numbers if number is not None)
