"""What the commands of the context plane share: whose it is, and the plane opened beside a gateway that may be running."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from capability_index.encoders.encoder import WordTable, load_word_table
from capability_index.errors import EncoderUnavailable
from oauth.principal import Principal
from server.assembly.context_plane.context_plane import ContextPlane, assemble_context_plane
from server.assembly.context_plane.documents import assemble_documents
from server.commands.one_tenant import open_tenant, tenant_option_of
from server.commands.terminal import say
from server.config.settings import Settings
from tools.context_plane.errors import ContextRefused
from tools.context_plane.rag.answers import QuotesOnly
from tools.context_plane.stores import Scope
from tools.egress.client import Egress

tenant_option = tenant_option_of("Whose context")
_SCOPES = frozenset({"mcp", "context:read", "context:write", "context:destructive"})


def local(tenant: str) -> Principal:
    """Return the operator at this machine: who sees what everybody of the tenant sees, and nobody's private facts."""
    return Principal(tenant, "", "ascend", _SCOPES, "", "local")


@asynccontextmanager
async def open_context(settings: Settings, tenant: str) -> AsyncIterator[tuple[ContextPlane, Scope]]:
    """Give the context plane on this data directory; the index files stay those of the gateway that serves it."""
    async with open_tenant(settings, tenant) as store, Egress(settings.egress.egress_allow) as egress:
        table: list[WordTable | None] = []

        def once() -> WordTable | None:
            if not table:
                table.append(word_table(settings))
            return table[0]

        documents = assemble_documents(settings, store, egress, once, lambda: None, QuotesOnly(), keeps_files=False)
        yield assemble_context_plane(settings, store, once, lambda: None, documents=documents, keeps_files=False), Scope(tenant, "")


def word_table(settings: Settings) -> WordTable | None:
    """Return the encoder that comes along; None, with a warning, where it cannot be loaded."""
    try:
        return load_word_table(settings.data_dir / "index", Path(settings.search.word_table) if settings.search.word_table else None)
    except EncoderUnavailable as error:
        say(f"warning: {error}; searched by words only", err=True)
        return None


def told(refusal: ContextRefused) -> str:
    """Return a refusal as lines for a terminal: all that is wrong."""
    failure = refusal.failure
    faults = [f"{fault['path']} {fault['rule']}" for fault in failure.faults]
    return "; ".join(dict.fromkeys([failure.message, *faults, *([failure.hint] if failure.hint else [])]))
