"""A context plane on a real store with the real encoder, asked and told as the operations do it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from capability_index.encoders.encoder import load_word_table
from oauth.principal import Principal
from server.assembly.context_plane.context_plane import ContextPlane, assemble_context_plane
from server.assembly.context_plane.documents import assemble_documents
from server.config.load import load
from server.storage.store import open_store
from tests.empty_store import put_data_directory
from tests.tools.context_plane.saying import ADA, declare_one, say
from tools.context_plane.rag.answers import QuotesOnly
from tools.context_plane.retrieval.asked_facts import read_asked
from tools.context_plane.retrieval.shown_fact import shown_answer
from tools.context_plane.stores import Scope
from tools.egress.client import Egress

BOB = replace(ADA, subject="bob", grant_id="grant-2")
EVE = replace(ADA, tenant_id="globex", subject="eve", grant_id="grant-3")


@dataclass
class Known:
    """One process that knows things; `ask` answers what context_query answers."""

    plane: ContextPlane
    folder: Path

    async def say(self, *facts: dict[str, Any], by: Principal = ADA, private: bool = False, **episode: Any) -> list[dict[str, Any]]:
        return await say(self.plane.store.context, *facts, by=by, private=private, **episode)

    async def one(self, *predicates: str, tenant_id: str = "acme") -> None:
        await declare_one(self.plane.store.context, *predicates, tenant_id=tenant_id)

    async def ask(self, query: str = "", by: Principal = ADA, **more: Any) -> dict[str, Any]:
        asked = read_asked({"query": query, **more}, self.plane.query.now_us())
        return shown_answer(await self.plane.query.answer(Scope(by.tenant_id, by.subject), asked), asked.max_chars)

    async def texts(self, query: str = "", by: Principal = ADA, **more: Any) -> list[str]:
        return [fact["text"] for fact in (await self.ask(query, by, **more))["facts"]]

    async def explain(
        self, query: str = "", by: Principal = ADA, query_id: str | None = None, fact_id: str | None = None, **more: Any
    ) -> dict[str, Any]:
        asked = read_asked({"query": query, **more}, self.plane.query.now_us())
        return await self.plane.explanation.explain(Scope(by.tenant_id, by.subject), query_id, asked, fact_id)


@asynccontextmanager
async def knowing(folder: Path) -> AsyncIterator[Known]:
    """Open a store and a plane on it; a second one on the same folder is a second process."""
    settings = load(put_data_directory(folder), {})
    table = load_word_table(folder / "index")
    async with open_store(settings) as store, Egress() as egress:
        documents = assemble_documents(settings, store, egress, lambda: table, lambda: None, QuotesOnly())
        yield Known(assemble_context_plane(settings, store, lambda: table, lambda: None, documents=documents), folder)


@pytest.fixture
async def known(tmp_path: Path) -> AsyncIterator[Known]:
    async with knowing(tmp_path) as found:
        yield found
