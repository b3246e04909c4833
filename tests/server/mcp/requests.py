"""Requests as clients of both eras write them."""

from collections.abc import Mapping
from typing import Any

import orjson

from tests.server.importing.mcp_stand_in import TOKEN

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
PREFIX = "io.modelcontextprotocol/"
URL_MODE: dict[str, Any] = {"elicitation": {"url": {}}}


def modern_headers(method: str, name: str | None = None, **extra: str) -> dict[str, str]:
    headers = {
        "authorization": f"Bearer {TOKEN}",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": MODERN,
        "mcp-method": method,
    }
    if name is not None:
        headers["mcp-name"] = name
    return headers | {key.replace("_", "-"): value for key, value in extra.items()}


def modern_body(
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    capabilities: Mapping[str, Any] | None = None,
    meta: Mapping[str, Any] | None = None,
    request_id: Any = 1,
) -> dict[str, Any]:
    envelope = {
        f"{PREFIX}protocolVersion": MODERN,
        f"{PREFIX}clientInfo": {"name": "probe", "version": "1"},
        f"{PREFIX}clientCapabilities": dict(capabilities or {}),
        **(meta or {}),
    }
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": {**(params or {}), "_meta": envelope}}


def legacy_headers(version: str | None = LEGACY, **extra: str) -> dict[str, str]:
    headers = {
        "authorization": f"Bearer {TOKEN}",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
    }
    if version is not None:
        headers["mcp-protocol-version"] = version
    return headers | {key.replace("_", "-"): value for key, value in extra.items()}


def legacy_body(method: str, params: Mapping[str, Any] | None = None, request_id: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": dict(params or {})}


def events(text: str) -> list[dict[str, Any]]:
    """Return the JSON messages of an event stream."""
    return [orjson.loads(line.removeprefix("data:")) for line in text.split("\n") if line.startswith("data:") and line[5:].strip()]
