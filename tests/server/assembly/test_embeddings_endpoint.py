"""A configured embeddings endpoint, from the settings to discover_apis: its vectors, and what becomes of them when it is down or slow."""

import json
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from capability_index.encoders.endpoint_encoder import EndpointEncoder
from capability_index.ranking.reranker import EndpointReranker
from oauth.principal import Principal
from server.app import Gateway, open_gateway
from server.assembly import index_models as models
from server.assembly.index_models import encoder_trouble
from server.commands.doctor import embeddings_finding
from server.commands.index import command as index_command
from server.config.load import load
from server.config.settings import Settings
from tests.empty_store import put_data_directory
from tests.gateway import bring_openapi
from tests.ports import free_port
from tests.server.demo.listening import listening
from tests.waiting import until
from tools.egress.client import Egress
from tools.errors import EgressRefused
from tools.operation import ClientInfo, Outcome
from tools.sources.importing import ImportRequest, import_openapi

ADA = Principal("default", "ada", "client", frozenset({"mcp", "mcp:read", "mcp:write", "mcp:destructive"}), "grant")
KEY = "hush-hush-key"
WAIT_S = 20
OPERATIONS = {"forecast": "Weather forecast of a city", "sendMail": "Send an email", "listOrders": "Orders of a customer"}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intents and rankings wait as long as a busy machine needs; their limits are tested in tests/capability_index."""
    monkeypatch.setitem(EndpointEncoder.__init__.__kwdefaults__ or {}, "query_timeout_s", WAIT_S)
    monkeypatch.setattr(models, "EndpointReranker", partial(EndpointReranker, deadline_s=WAIT_S))


class Endpoint:
    """An /embeddings and /rerank server. `hold`: intents wait until it is set."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.keys: set[str] = set()
        self.status = 200
        self.hold: threading.Event | None = None
        self.asked = threading.Event()
        self.app = Starlette(routes=[Route("/embeddings", self.embed, methods=["POST"]), Route("/rerank", self.rerank, methods=["POST"])])

    async def embed(self, request: Request) -> Response:
        texts = (await request.json())["input"]
        self.keys.add(request.headers.get("authorization", ""))
        self.texts += texts
        if self.hold is not None and len(texts) == 1:
            self.asked.set()
            await run_in_threadpool(self.hold.wait, WAIT_S)
        data = [{"index": at, "embedding": vector(text)} for at, text in enumerate(texts)]
        return JSONResponse({"data": data}, self.status)

    async def rerank(self, request: Request) -> Response:
        documents = (await request.json())["documents"]
        results = [{"index": at, "relevance_score": float("Orders of a customer" in text)} for at, text in enumerate(documents)]
        return JSONResponse({"results": results}, self.status)


def vector(text: str) -> list[float]:
    """Know weather, in two languages, from everything else."""
    return [1.0, 0.1, 0.0] if "eather" in text or "Wetter" in text else [0.0, 0.3, 1.0 if "mail" in text else 0.2]


def document() -> str:
    paths = {
        f"/{name}": {"get": {"operationId": name, "summary": summary, "responses": {"200": {"description": "ok"}}}}
        for name, summary in OPERATIONS.items()
    }
    servers = [{"url": "https://api.example.com"}]
    return json.dumps({"openapi": "3.0.3", "info": {"title": "Shop", "version": "1"}, "servers": servers, "paths": paths})


def settings_at(folder: Path, url: str, **more: object) -> Settings:
    data = put_data_directory(folder / "data")
    return load(data, {}, embeddings_url=url, embeddings_model="tiny", embeddings_api_key=KEY, **more)


@asynccontextmanager
async def opened(folder: Path, settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway with three operations, searched by words and table until the endpoint's vectors are whole."""
    async with open_gateway(settings) as gateway:
        (folder / "shop.json").write_text(document(), encoding="utf-8")
        await bring_openapi(gateway, folder / "shop.json", "shop")
        yield gateway


def whole(gateway: Gateway) -> Callable[[], bool]:
    """Say whether every operation has a vector of the endpoint, and searches use them."""
    index = gateway.operations.index.index

    def check() -> bool:
        parts = [shard.part for segment in index.segments().values() for shard in segment.shards]
        return index.waits and all("tiny/3" in part.matrices for part in parts)

    return check


async def discover(gateway: Gateway, query: str) -> Outcome:
    return await gateway.operations.dispatcher.call(ADA, "discover_apis", {"query": query}, client=ClientInfo("2026-07-28"))


def first(outcome: Outcome) -> str:
    assert outcome.status == "ok", outcome
    return ".".join(str(outcome.data["results"][0]["id"]).split(".")[:2])


async def test_intents_are_found_in_the_space_of_the_endpoint(tmp_path: Path) -> None:
    """issue 4: multilingual retrieval is what a configured endpoint adds; made once, then kept with the snapshot."""
    endpoint = Endpoint()
    with listening(endpoint.app) as url:
        settings = settings_at(tmp_path, f"{url}/embeddings")
        async with opened(tmp_path, settings) as gateway:
            await until(whole(gateway))
            assert first(await discover(gateway, "Wie wird das Wetter")) == "shop.forecast"
        assert endpoint.keys == {f"Bearer {KEY}"}
        assert KEY not in repr(settings)
        endpoint.texts.clear()
        async with open_gateway(settings) as gateway:
            await until(whole(gateway))
        assert endpoint.texts == ["dimension"]
        shown = CliRunner().invoke(index_command, ["search", "Wie wird das Wetter", "--data", str(settings.data_dir)], env=environ(url))
        assert "shop.forecast" in shown.stdout.splitlines()[1], shown.stdout


async def test_operations_that_come_later_get_their_vectors_too(tmp_path: Path) -> None:
    """A write that the endpoint failed on is made up for as soon as something changes or the pause is over."""
    endpoint = Endpoint()
    with listening(endpoint.app) as url:
        async with opened(tmp_path, settings_at(tmp_path, f"{url}/embeddings")) as gateway:
            await until(whole(gateway))
            endpoint.status = 503
            later = document().replace("forecast", "tides").replace("Weather", "Weather and tide")
            (tmp_path / "sea.json").write_text(later, encoding="utf-8")
            await import_openapi(gateway.store.operations, ImportRequest(str(tmp_path / "sea.json"), "sea"))
            await gateway.operations.refresh([(None, "sea")])
            await until(lambda: gateway.operations.index.encoder_warning != "")
            assert first(await discover(gateway, "tides at sea")) == "sea.tides"
            endpoint.status = 200
            await gateway.operations.refresh([(None, "sea")])
            await until(whole(gateway))
            await until(lambda: gateway.operations.index.encoder_warning == "")


async def test_a_dead_endpoint_costs_its_vectors_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """issue 4: the embedded vector as fallback, with a warning that an operator sees."""
    url = f"http://127.0.0.1:{free_port()}"
    settings = settings_at(tmp_path, f"{url}/embeddings")
    caplog.set_level(logging.WARNING, "ascend")
    async with opened(tmp_path, settings) as gateway:
        assert first(await discover(gateway, "weather forecast")) == "shop.forecast"
        await until(lambda: "could not be reached" in gateway.operations.index.encoder_warning)
        assert not gateway.operations.index.index.waits
    assert "encoder_unavailable" in caplog.messages
    assert KEY not in caplog.text
    assert "could not be reached" in encoder_trouble(settings)
    finding = await embeddings_finding(settings)
    assert "until then discover_apis uses the embedded vectors" in finding.advice
    shown = CliRunner().invoke(index_command, ["stats", "--data", str(settings.data_dir)], env=environ(url))
    assert shown.exit_code == 0
    assert "warning: encoder tiny" in shown.stderr


async def test_a_slow_endpoint_delays_its_own_search_alone(tmp_path: Path) -> None:
    """facts/retrieval.md: other callers are answered meanwhile."""
    endpoint = Endpoint()
    with listening(endpoint.app) as url:
        async with opened(tmp_path, settings_at(tmp_path, f"{url}/embeddings")) as gateway:
            await until(whole(gateway))
            endpoint.hold = threading.Event()
            found: list[Outcome] = []

            async def search() -> None:
                found.append(await discover(gateway, "weather forecast"))

            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(search)
                    await until(endpoint.asked.is_set)
                    call = gateway.operations.dispatcher.call(ADA, "discover_apis", {"ids": ["shop.forecast.get"]}, client=ClientInfo(""))
                    assert first(await call) == "shop.forecast"
                    assert not found  # the endpoint still holds the search
                    endpoint.hold.set()
            finally:
                endpoint.hold.set()
            assert first(found[0]) == "shop.forecast"


async def test_a_gateway_stops_while_an_endpoint_hangs(tmp_path: Path) -> None:
    """A batch may take half a minute; stopping does not wait for it."""
    endpoint = Endpoint()
    endpoint.hold = threading.Event()
    with listening(endpoint.app) as url:
        try:
            with anyio.fail_after(WAIT_S):
                async with opened(tmp_path, settings_at(tmp_path, f"{url}/embeddings")):
                    await until(endpoint.asked.is_set)
            assert not endpoint.hold.is_set()
        finally:
            endpoint.hold.set()


async def test_a_configured_reranker_has_the_last_word(tmp_path: Path) -> None:
    """issue 4: optional; it reads title and summary of what was found."""
    with listening(Endpoint().app) as url:
        async with opened(tmp_path, load(tmp_path / "data", {}, reranker_url=f"{url}/rerank")) as gateway:
            assert gateway.operations.index.index.waits
            assert first(await discover(gateway, "send an email to a customer")) == "shop.orders"


async def test_naming_a_private_endpoint_opens_it_to_nobody_else(tmp_path: Path) -> None:
    """The operator trusts the model with texts, not callers with the model."""
    with listening(Endpoint().app) as url:
        settings = settings_at(tmp_path, f"{url}/embeddings")
        assert encoder_trouble(settings) == ""
        async with Egress(settings.egress.egress_allow) as egress:
            with pytest.raises(EgressRefused):
                egress.rules.target(url)


@pytest.mark.parametrize("url", ["ftp://models.example.com/embeddings", "no url", "http://[::1/embeddings"])
async def test_an_address_that_is_none_is_named(url: str, tmp_path: Path) -> None:
    """Bad input is normal input: the gateway starts, and says so."""
    settings = settings_at(tmp_path, url)
    assert "may not be called" in encoder_trouble(settings)
    async with opened(tmp_path, settings) as gateway:
        assert first(await discover(gateway, "weather forecast")) == "shop.forecast"


def environ(url: str) -> dict[str, Any]:
    return {"ASCEND_EMBEDDINGS_URL": f"{url}/embeddings", "ASCEND_EMBEDDINGS_MODEL": "tiny"}
