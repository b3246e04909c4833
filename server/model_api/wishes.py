"""What the headers of a model call wish for, under our names or Cloudflare's, and which of them go on to a provider."""

from collections.abc import Mapping
from hashlib import sha256

import orjson

from tools.ai_gateway.model_request import Wishes
from tools.ai_gateway.refusals import invalid_request
from tools.operation import Json

#: Cloudflare's name for each of ours that has one
_ALIASES = {
    "metadata": "metadata",
    "skip-cache": "skip-cache",
    "cache-ttl": "cache-ttl",
    "cache-key": "cache-key",
    "timeout-ms": "request-timeout",
    "max-attempts": "max-attempts",
    "log-payload": "collect-log-payload",
}
_OURS = ("x-gateway-", "cf-aig-")
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no", ""})
MAX_METADATA_BYTES = 4_096
MAX_TEXT_CHARS = 256
#: by which Claude Code and others tell a conversation; its prompt cache lives at one provider
_SESSION_HEADERS = ("x-gateway-session", "x-claude-code-session-id", "x-session-id", "session_id")
#: to a provider of the same dialect, beside all that begin with `anthropic-`
_IDEMPOTENCY_KEY = "idempotency-key"
_PASSED = frozenset({"openai-beta", "user-agent", "x-app", _IDEMPOTENCY_KEY})
_PASSED_PREFIXES = ("anthropic-", "x-stainless-", "x-claude-code-", "x-goog-")
_NEVER = frozenset({"x-goog-api-key"})


def read_wishes(headers: Mapping[str, str]) -> Wishes:
    """Return what lower-case `headers` ask for. Raises ModelCallRefused naming the header that cannot be read."""
    session = next((headers[name][:MAX_TEXT_CHARS] for name in _SESSION_HEADERS if headers.get(name)), "")
    # Most calls wish for nothing.
    if not any(name.startswith(_OURS) for name in headers):
        return Wishes(session=session)
    timeout_ms = _number(headers, "timeout-ms", least=1)
    attempts = _number(headers, "max-attempts")
    stream = _said(headers, "stream")
    if stream not in ("", "reliable"):
        raise invalid_request("x-gateway-stream: the one word it knows is 'reliable'", "x-gateway-stream")
    return Wishes(
        metadata=_metadata(headers),
        user=_text(headers, "user"),
        tier=_text(headers, "tier"),
        provider=_text(headers, "provider"),
        skip_cache=_flag(headers, "skip-cache"),
        cache_ttl_s=_number(headers, "cache-ttl"),
        cache_key=_text(headers, "cache-key"),
        timeout_s=timeout_ms / 1000 if timeout_ms is not None else None,
        max_attempts=max(1, int(attempts)) if attempts is not None else None,
        log_payload=_flag(headers, "log-payload"),
        is_reliable=stream == "reliable",
        session=session,
    )


def passed_headers(headers: Mapping[str, str], tenant_id: str = "") -> tuple[tuple[str, str], ...]:
    """Return what goes on to a provider of the caller's dialect. Never: keys, cookies, our own and the edge's (`x-forwarded-*`, `cf-*`).

    tenant_id: whose the call is, where a key that tenants may share goes along; "": the caller's own does.
    """
    return tuple(
        (name, _of_tenant(value, tenant_id) if name == _IDEMPOTENCY_KEY and tenant_id else value)
        for name, value in headers.items()
        if (name in _PASSED or name.startswith(_PASSED_PREFIXES)) and name not in _NEVER
    )


def _of_tenant(idempotency_key: str, tenant_id: str) -> str:
    """Return a key that no other tenant can say: to a provider all who share our key are one, and would get each other's answers."""
    return sha256(f"{tenant_id}\n{idempotency_key}".encode()).hexdigest()


def _said(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(f"x-gateway-{name}")
    if value is None and (alias := _ALIASES.get(name)) is not None:
        value = headers.get(f"cf-aig-{alias}")
    return (value or "").strip()


def _text(headers: Mapping[str, str], name: str) -> str:
    value = _said(headers, name)
    if len(value) > MAX_TEXT_CHARS:
        raise invalid_request(f"x-gateway-{name} has {len(value)} characters; {MAX_TEXT_CHARS} at most", f"x-gateway-{name}")
    return value


def _flag(headers: Mapping[str, str], name: str) -> bool:
    value = _said(headers, name).lower()
    if value not in _TRUE | _FALSE:
        raise invalid_request(f"x-gateway-{name} is neither true nor false", f"x-gateway-{name}")
    return value in _TRUE


def _number(headers: Mapping[str, str], name: str, least: int = 0) -> float | None:
    value = _said(headers, name)
    if not value:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 9 or int(value) < least:
        raise invalid_request(f"x-gateway-{name} is no whole number from {least} up", f"x-gateway-{name}")
    return float(value)


def _metadata(headers: Mapping[str, str]) -> Mapping[str, Json]:
    value = _said(headers, "metadata")
    if not value:
        return {}
    if len(value) > MAX_METADATA_BYTES:
        raise invalid_request(f"x-gateway-metadata is longer than {MAX_METADATA_BYTES} bytes", "x-gateway-metadata")
    try:
        # Header values are Latin-1 to HTTP (RFC 9110 §5.5), and UTF-8 to everybody who puts JSON there.
        found = orjson.loads(value.encode("latin-1", "replace"))
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise invalid_request("x-gateway-metadata is no JSON object", "x-gateway-metadata")
    return found
