"""Secrets of connected accounts in everything that leaves the gateway: spans, rows, log lines, metrics, answers, dumps."""

import base64
import json
import logging
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import server.assembly.operations
from oauth.connections.connecting.keys import add_key
from oauth.connections.connection import ConnectionSecret
from oauth.principal import Principal
from server.observability.trace_context import Tracing
from tests.gateway import opened
from tests.server.demo.listening import listening
from tools.operation import ClientInfo
from tools.sources.importing import ImportRequest, import_openapi

KEYS = {"api": "k-upstream-0123456789", "aws": "wJalrXUtnFEMI-0123456789", "basic": "p/ssw?rd-0123456789"}
#: as the password goes out, beside its user name
PAIR = base64.b64encode(f"ada:{KEYS['basic']}".encode()).decode()
ADA = Principal("default", "ada", "claude", frozenset({"mcp", "mcp:read"}), "g1")


async def repeats_what_it_got(request: Request) -> JSONResponse:
    """Refuse, and repeat the proof: what careless upstreams do."""
    return JSONResponse({"error": "bad key", "you_sent": dict(request.headers)}, 401 if "q" in request.query_params else 400)


OPERATION = {"operationId": "list", "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}], "responses": {}}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Careless", "version": "1"},
    "paths": {"/things": {"get": {**OPERATION, "security": [{"key": []}]}}},
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
}


async def test_what_an_upstream_repeats_reaches_neither_answer_nor_log_nor_span(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Issue 6: secrets absent from logs, spans, errors, pages, dumps; E11."""
    caplog.set_level(logging.DEBUG)
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(server.assembly.operations, "Tracing", lambda: Tracing(provider))
    app = Starlette(routes=[Route("/things", repeats_what_it_got)])
    with listening(app) as url:
        document = tmp_path / "careless.json"
        document.write_text(json.dumps(DOCUMENT | {"servers": [{"url": url}]}))
        async with opened(tmp_path / "data", egress_allow=(urlsplit(url).netloc,)) as gateway:
            for name in KEYS:
                await import_openapi(gateway.store.operations, ImportRequest(str(document), name))
            vault, store = gateway.connections.vault, gateway.store.connections
            aws = ConnectionSecret(KEYS["aws"], "AKIDEXAMPLE", session_token="FwoGZX-0123456789", region="eu-west-1", service="s3")
            await add_key(store, vault, tenant_id="default", subject="", provider="api", secret=ConnectionSecret(KEYS["api"]))
            await add_key(store, vault, tenant_id="default", subject="", provider="aws", secret=aws, kind="sigv4")
            basic = ConnectionSecret(KEYS["basic"], "ada")
            await add_key(store, vault, tenant_id="default", subject="", provider="basic", secret=basic, kind="basic")
            await gateway.connections.known.load()
            await gateway.operations.catalog.load()
            answers = []
            for name in KEYS:
                [operation] = [one.id for one in gateway.operations.catalog.operations_of(None, name)]
                for args in ({}, {"q": "x"}):
                    for options in ({}, {"dry_run": True}):
                        with gateway.operations.tracing.call("call_api", "2026-07-28", {}):
                            wanted = {"api": operation, "args": args, **options}
                            outcome = await gateway.operations.dispatcher.call(ADA, "call_api", wanted, client=ClientInfo("2026-07-28"))
                            answers.append(repr(outcome))
            await gateway.operations.call_log.flush()
            metrics = gateway.operations.telemetry.exposition().decode()
        spans = [json.dumps(json.loads(span.to_json())) for span in exporter.get_finished_spans()]
    assert (len(answers), len(spans)) == (12, 12), answers
    assert sum("you_sent" in answer for answer in answers) == 6, answers
    assert any("***" in answer for answer in answers)
    dump = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir() if path.is_file() and path.name != "vault.kek")
    seen = ("\n".join([*answers, *spans, caplog.text, metrics])).encode() + dump
    assert not [secret for secret in (*KEYS.values(), PAIR, "FwoGZX-0123456789") if secret.encode() in seen]
