"""rag_*: a document is taken in, read, found and quoted, by whoever may see it and nobody else."""

import base64
import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from oauth.principal import Principal
from oauth.tenants import Tenant
from server.app import Gateway
from tests.gateway import opened
from tests.waiting import until
from tools.context_plane.rag.question_limit import QUESTIONS_PER_HOUR
from tools.operation import ClientInfo, Json, Outcome

LEASE = "# Lease\n\nThe notice period is three months to the end of a month.\n\n## Keys\n\nKeys are handed back on the last day.\n"
SCOPES = frozenset({"mcp", "mcp:read", "mcp:write", "mcp:destructive"})


@dataclass
class Asking:
    """One person at a running gateway."""

    gateway: Gateway
    principal: Principal

    async def outcome(self, operation: str, /, **arguments: Json) -> Outcome:
        return await self.gateway.operations.dispatcher.call(
            self.principal, operation, arguments, client=ClientInfo(protocol_version="2026-07-28")
        )

    async def ask(self, operation: str, /, **arguments: Json) -> Json:
        outcome = await self.outcome(operation, **arguments)
        assert outcome.status == "ok", outcome
        return outcome.data

    async def agreed(self, operation: str, /, **arguments: Json) -> Outcome:
        """Run what asks first, and agree."""
        asked = await self.outcome(operation, **arguments)
        assert asked.confirmation is not None, asked
        outcome = await self.outcome("call_api", api=operation, args=arguments, confirm=asked.confirmation.token)
        assert outcome.status == "ok", outcome
        return outcome

    async def refusal(self, operation: str, /, **arguments: Json) -> str:
        outcome = await self.outcome(operation, **arguments)
        assert outcome.error is not None, outcome
        return outcome.error.code

    async def upload(self, name: str, content: str, **more: Json) -> str:
        """Upload a text and wait until it can be asked; return its id."""
        document_id: str = (await self.ask("rag_upload", name=name, content=content, **more))["document_id"]

        async def is_read() -> bool:
            return (await self.ask("rag_documents", document_id=document_id))["status"] in ("ready", "failed")

        await until(is_read)
        return document_id

    async def found(self, query: str, **more: Json) -> list[str]:
        """Return the names of the documents that are found, the best first, each once."""
        passages = (await self.ask("rag_search", query=query, **more))["passages"]
        return list(dict.fromkeys(each["name"] for each in passages))


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with opened(tmp_path, egress_allow=["127.0.0.1:*"]) as gateway:
        await gateway.store.tenants.add(Tenant("globex", "Globex"))
        await gateway.tenants.load(gateway.store.tenants.all)
        yield gateway


@pytest.fixture
def ada(gateway: Gateway) -> Asking:
    return Asking(gateway, Principal("default", "ada", "client", SCOPES, "grant"))


@pytest.fixture
def bo(gateway: Gateway) -> Asking:
    return Asking(gateway, Principal("default", "bo", "client", SCOPES, "grant"))


@pytest.fixture
def stranger(gateway: Gateway) -> Asking:
    return Asking(gateway, Principal("globex", "ada", "client", SCOPES, "grant"))


async def test_a_question_is_answered_with_the_document_s_own_words(ada: Asking, bo: Asking) -> None:
    document_id = await ada.upload("lease.md", LEASE)
    answer = await bo.ask("rag_query", query="how long is the notice period?")
    [first, *_] = answer["citations"]
    assert first["document_id"] == document_id
    assert first["quote"] == "The notice period is three months to the end of a month."
    text = "".join(each["text"] for each in (await bo.ask("rag_search", query="notice period"))["passages"])
    assert first["quote"] in text
    assert answer["answered_by"] == "quotes"


async def test_the_same_document_again_is_the_one_that_is_there(ada: Asking, bo: Asking) -> None:
    document_id = await ada.upload("lease.md", LEASE)
    again = await bo.ask("rag_upload", name="copy.md", content=LEASE)
    assert again == {"document_id": document_id, "status": "ready", "duplicate_of": document_id}


async def test_a_changed_document_takes_the_place_of_the_old_one(ada: Asking) -> None:
    await ada.upload("lease.md", LEASE)
    await ada.upload("lease.md", LEASE.replace("three months", "six weeks"))
    [first, *_] = (await ada.ask("rag_query", query="how long is the notice period?"))["citations"]
    assert "six weeks" in first["quote"]
    assert "three months" not in str(await ada.ask("rag_search", query="notice period three months"))


async def test_a_private_document_is_found_by_its_owner_alone(ada: Asking, bo: Asking) -> None:
    document_id = await ada.upload("diary.md", "The zebra sleeps in the attic.", private=True)
    assert await ada.found("where does the zebra sleep?") == ["diary.md"]
    assert await bo.found("where does the zebra sleep?") == []
    assert await bo.refusal("rag_documents", document_id=document_id) == "not_found"


async def test_another_tenant_s_documents_are_not_there(ada: Asking, stranger: Asking) -> None:
    document_id = await ada.upload("lease.md", LEASE)
    assert await stranger.found("notice period") == []
    assert (await stranger.ask("rag_documents"))["documents"] == []
    assert await stranger.refusal("rag_documents", document_id=document_id) == "not_found"
    outcome = await stranger.outcome("rag_delete", document_id=document_id)
    assert outcome.status in ("error", "needs_confirmation")
    assert await ada.found("notice period") == ["lease.md"]


async def test_a_deleted_document_is_found_no_more_and_its_words_are_in_no_file(ada: Asking, tmp_path: Path) -> None:
    document_id = await ada.upload("secret.md", "The passphrase of the heliotrope cabinet is quixotic.")
    assert await ada.found("heliotrope") == ["secret.md"]
    await ada.agreed("rag_delete", document_id=document_id)
    assert await ada.found("heliotrope") == []
    assert await ada.refusal("rag_documents", document_id=document_id) == "not_found"
    assert holding(tmp_path, b"heliotrope") == []


async def test_forgetting_by_where_it_came_from_takes_documents_along(ada: Asking, tmp_path: Path) -> None:
    document_id = await ada.upload("secret.md", "The passphrase of the heliotrope cabinet is quixotic.", private=True)
    counted = await ada.outcome("context_forget", audience="ada", dry_run=True)
    agreed = counted if counted.confirmation is None else await ada.agreed("context_forget", audience="ada", dry_run=True)
    assert agreed.data["rows"]["documents"] == 1
    assert await ada.found("heliotrope") == ["secret.md"]
    forgotten = await ada.agreed("context_forget", document=document_id)
    assert forgotten.data["rows"] == {"documents": 1}
    assert await ada.found("heliotrope") == []
    assert holding(tmp_path, b"heliotrope") == []


def holding(folder: Path, words: bytes) -> list[Path]:
    """Return the files below a folder that hold these words."""
    return [path for path in folder.rglob("*") if path.is_file() and words in path.read_bytes()]


async def test_a_filter_is_by_name_and_by_label(ada: Asking) -> None:
    await ada.upload("a.md", "The notice period in Berlin is three months.", metadata={"city": "Berlin"})
    await ada.upload("b.md", "The notice period in Vienna is one month.", metadata={"city": "Vienna"})
    assert await ada.found("notice period", filter={"metadata": {"city": "Vienna"}}) == ["b.md"]
    assert await ada.found("notice period", filter={"names": ["a.md"]}) == ["a.md"]
    assert await ada.found("notice period", filter={"documents": ["doc_7k2m0", "nonsense"]}) == []


async def test_what_nobody_sees_is_in_no_name_label_or_filter(ada: Asking) -> None:
    document_id = await ada.upload(
        "a\0\u202e.md", "The notice period is short.", media_type="text/markdown\0", metadata={"ci\0ty": "Ber\0lin"}
    )
    shown = await ada.ask("rag_documents", document_id=document_id)
    assert (shown["name"], shown["metadata"]) == ("a.md", {"city": "Berlin"})
    assert await ada.found("notice period", filter={"metadata": {"city": "Ber\0lin"}, "names": ["a\0.md"]}) == ["a.md"]


@pytest.mark.parametrize("cursor", ["", "1", "-", "1-2-3", "x-y", "9" * 23 + "-1", "٣-1"])
async def test_a_cursor_that_is_none_is_refused(ada: Asking, cursor: str) -> None:
    assert await ada.refusal("rag_documents", cursor=cursor) == "invalid_arguments"


async def test_a_document_is_fetched_from_where_it_is(ada: Asking) -> None:
    async def lease(_request: web.Request) -> web.Response:
        return web.Response(text=LEASE, content_type="text/markdown")

    app = web.Application()
    app.router.add_get("/files/lease agreement.md", lease)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/files/lease%20agreement.md"
        await ada.ask("rag_upload", url=url)

        async def is_found() -> bool:
            return await ada.found("notice period") == ["lease agreement.md"]

        await until(is_found)
        assert await ada.refusal("rag_upload", url=url.replace("agreement", "x")) == "upstream_error"
    finally:
        await runner.cleanup()


async def test_a_private_address_is_not_fetched(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        somebody = Asking(gateway, Principal("default", "ada", "client", SCOPES, "grant"))
        assert await somebody.refusal("rag_upload", url="http://169.254.169.254/latest/meta-data") in ("egress_refused", "address_refused")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"name": "a.md"},
        {"name": "a.md", "content": "x", "url": "https://example.com/a.md"},
        {"content": "x"},
        {"name": "   ", "content": "x"},
        {"name": "a.bin", "content": "%%%", "encoding": "base64"},
        {"url": "ftp://example.com/a.md"},
        {"name": "a.md", "content": "x", "metadata": {"nested": {"a": 1}}},
    ],
)
async def test_an_upload_that_is_none_says_what_is_wrong(ada: Asking, given: dict[str, Json]) -> None:
    outcome = await ada.outcome("rag_upload", **given)
    assert outcome.error is not None
    assert outcome.error.code == "invalid_arguments"
    assert outcome.error.faults or outcome.error.hint


async def test_an_empty_document_and_one_without_text_are_refused_by_name(ada: Asking) -> None:
    assert await ada.refusal("rag_upload", name="a.md", content="") in ("no_text", "invalid_arguments")
    document_id = await ada.upload("blank.md", " \n \n")
    shown = await ada.ask("rag_documents", document_id=document_id)
    assert (shown["status"], shown["error"]["code"]) == ("failed", "no_text")


async def test_a_packed_document_in_base64_is_taken_for_one_without_being_told(ada: Asking) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    content = base64.b64encode(packed.getvalue()).decode()
    document_id = await ada.upload("lease.docx", content)
    shown = await ada.ask("rag_documents", document_id=document_id)
    assert shown["bytes"] == len(packed.getvalue())
    assert shown["status"] == "failed"


async def test_a_document_that_is_too_large_is_refused_before_it_is_kept(ada: Asking) -> None:
    content = base64.b64encode(b"x" * 20_000_001).decode()
    assert await ada.refusal("rag_upload", name="a.txt", content=content, encoding="base64") in ("too_large", "invalid_arguments")
    assert (await ada.ask("rag_documents"))["documents"] == []


async def test_the_fifty_first_question_of_an_hour_waits_and_a_search_does_not(ada: Asking, bo: Asking) -> None:
    await ada.upload("lease.md", LEASE)
    for _ in range(QUESTIONS_PER_HOUR):
        await ada.ask("rag_query", query="notice period", limit=1)
    assert await ada.refusal("rag_query", query="notice period") == "rate_limited"
    assert await ada.found("notice period") == ["lease.md"]
    assert (await bo.ask("rag_query", query="notice period"))["citations"]


async def test_nothing_is_opened_before_somebody_asks(gateway: Gateway, tmp_path: Path) -> None:
    assert not (tmp_path / "context").exists()
