"""What an upstream answered over HTTP -> an Outcome: data once parsed, or a failure that keeps the upstream's own words."""

import re
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote, urljoin

import orjson

from oauth.connections.credentials import Credential
from tools.call_failures import unauthorized
from tools.operation import Download, Failure, HttpFacts, Json, Operation, Outcome

REQUEST_ID_HEADERS = frozenset({"x-request-id", "request-id", "x-amzn-requestid", "x-correlation-id", "x-trace-id", "cf-ray"})
#: names of one fact in rate-limit headers, the IETF draft's first
RATE_LIMIT_HEADERS: Mapping[str, tuple[str, ...]] = {
    "limit": ("ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit"),
    "remaining": ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining"),
    "reset": ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"),
    "policy": ("ratelimit-policy", "ratelimit"),
}
#: statuses after which the same call may work (RFC 9110 §15, RFC 6585 §4)
RETRYABLE = frozenset({408, 425, 429, 502, 503, 504})
CODE_BY_STATUS = {
    400: "upstream_rejected",
    401: "upstream_unauthorized",
    403: "upstream_forbidden",
    404: "upstream_not_found",
    409: "upstream_conflict",
    422: "upstream_rejected",
    429: "upstream_rate_limited",
}
MAX_ERROR_BODY_CHARS = 65_536
MAX_REASON_CHARS = 300


def outcome_of(
    operation: Operation, credential: Credential | None, status: int, headers: Mapping[str, str], body: bytes, url: str, *, now: float
) -> Outcome:
    """Return what a response means to the caller. `credential` went out with the request; `headers` are case-insensitive."""
    facts = facts_of(status, headers, url)
    if status == 304:
        return Outcome("ok", http=facts)
    if not 200 <= status < 300:
        return Outcome("error", http=facts, error=_refused(operation, credential, status, headers, body, now))
    media_type = headers.get("content-type", "")
    if not body:
        return Outcome("ok", http=facts)
    if _is_json(media_type) or (not media_type and body[:1] in b"{["):
        try:
            return Outcome("ok", data=orjson.loads(body), http=facts)
        except orjson.JSONDecodeError as error:
            return Outcome("error", http=facts, error=_malformed(operation.provider, status, body, error))
    if _is_text(media_type):
        return Outcome("ok", data=body.decode(_charset(media_type), errors="replace"), http=facts)
    bare = media_type.split(";")[0].strip() or "application/octet-stream"
    return Outcome("ok", data=Download(body, bare, _filename(headers.get("content-disposition", ""))), http=facts)


def facts_of(status: int, headers: Mapping[str, str], url: str) -> HttpFacts:
    """Return status, request id, rate limit and rel=next link of a response, and its header for the cache."""
    lower = _lower(headers)
    request_id, has_rate_limit = None, False
    for name in lower:
        if (meaning := _meaning(name)) is None:
            continue
        if meaning == "rate limit":
            has_rate_limit = True
        elif request_id is None or meaning == "request id":
            request_id = lower[name]
    link = lower.get("link")
    return HttpFacts(
        status=status,
        request_id=request_id,
        rate_limit=_rate_limit(lower) if has_rate_limit else None,
        next_link=next_link(link, url) if link else None,
        headers=lower,
    )


@lru_cache(maxsize=1024)
def _meaning(name: str) -> Literal["request id", "some request id", "rate limit"] | None:
    """Return what a response header of this name (lower case) tells us; the same few names come all the time."""
    if name in REQUEST_ID_HEADERS:
        return "request id"
    if name.endswith("-request-id"):
        return "some request id"
    return "rate limit" if "ratelimit" in name or "rate-limit" in name else None


def next_link(header: str, url: str) -> str | None:
    """Return the absolute target of rel=next in a Link header (RFC 8288 §3)."""
    for match in re.finditer(r"<([^>]*)>([^<]*)", header):
        relation = re.search(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))', match[2], re.IGNORECASE)
        if relation and "next" in (relation[1] or relation[2] or "").lower().split():
            return urljoin(url, str(match[1]))
    return None


def retry_after_s(value: str | None, now: float) -> float | None:
    """Return the seconds of a Retry-After header: a number or a date (RFC 9110 §10.2.3)."""
    if not value:
        return None
    if re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", value):
        return float(value)
    try:
        return max(0.0, round(parsedate_to_datetime(value).timestamp() - now, 1))
    except (ValueError, OverflowError):
        return None


def _refused(
    operation: Operation, credential: Credential | None, status: int, headers: Mapping[str, str], body: bytes, now: float
) -> Failure:
    content = _error_body(headers.get("content-type", ""), body)
    wait = retry_after_s(headers.get("retry-after"), now)
    if wait is None and status == 429:
        wait = _until_reset(headers, now)
    said = _reason(content)
    code = CODE_BY_STATUS.get(status, "upstream_error" if status >= 500 else "upstream_redirected" if status < 400 else "upstream_rejected")
    # A gateway error on a write says nothing of whether it took effect; 429 and 425 say that it did not.
    retryable = status in (425, 429) or (operation.idempotent and (status in RETRYABLE or status == 500))
    return Failure(
        code=code,
        message=f"{operation.provider} answered {status}{f': {said}' if said else ''}",
        retryable=retryable,
        retry_after_s=wait,
        upstream={"status": status, "body": content},
        hint=_hint(operation, credential, status, headers),
    )


def _hint(operation: Operation, credential: Credential | None, status: int, headers: Mapping[str, str]) -> str | None:
    if status == 401:
        return unauthorized(operation, credential)
    if status == 403:
        return f"the connected account of {operation.provider} may not do this; use another account or ask for more access there"
    if 300 <= status < 400:
        return f"{operation.provider} sends this on to {headers.get('location', 'another address')[:200]}, which is not followed"
    if status >= 500 and not operation.idempotent:
        return "it may have taken effect; look before you repeat it"
    return None


def _error_body(media_type: str, body: bytes) -> Json:
    """Return the body of an error: JSON parsed, else text; what is past the limit is said, not dropped silently."""
    if body[:1] in (b"{", b"[", b'"') or _is_json(media_type):
        with suppress(orjson.JSONDecodeError):  # a body that only calls itself JSON is told as the text that it is
            return orjson.loads(body)
    text = body.decode(_charset(media_type), errors="replace")
    if len(text) <= MAX_ERROR_BODY_CHARS:
        return text
    return f"{text[:MAX_ERROR_BODY_CHARS]}… ({len(text)} characters)"


def _reason(content: Json) -> str:
    """Return the sentence in which an error body says what is wrong, in the shapes that APIs use (RFC 9457 among them)."""
    if isinstance(content, list) and content:
        return _reason(content[0])
    if isinstance(content, Mapping):
        for key in ("detail", "message", "error_description", "error", "errors", "title", "msg", "reason", "description", "fault"):
            said = content.get(key)
            found = _reason(said) if isinstance(said, Mapping | list | str) else ""
            if found:
                return found
        return ""
    if isinstance(content, str) and not content.lstrip().startswith("<"):
        flat = " ".join(content.split())
        return flat if len(flat) <= MAX_REASON_CHARS else f"{flat[:MAX_REASON_CHARS]}…"
    return ""


def _malformed(provider: str, status: int, body: bytes, error: orjson.JSONDecodeError) -> Failure:
    return Failure(
        code="upstream_malformed",
        message=f"{provider} answered {status} with a body that says it is JSON and is not: {error.msg}",
        upstream={"status": status, "body": _error_body("", body)},
        hint="the upstream is at fault; its body is in upstream.body",
    )


def _rate_limit(headers: Mapping[str, str]) -> dict[str, Json] | None:
    found: dict[str, Json] = {}
    for fact, names in RATE_LIMIT_HEADERS.items():
        value = next((headers[name] for name in names if name in headers), None)
        if value is not None:
            found[fact] = int(value) if value.strip().isdigit() else value
    return found or None


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by names in lower case; several lines of one name are one list (RFC 9110 §5.3): no-store must not get lost."""
    lower = {name.lower(): value for name, value in headers.items()}
    if len(lower) != len(headers):
        lower.clear()
        for name, value in headers.items():
            lower[name.lower()] = f"{lower[name.lower()]}, {value}" if name.lower() in lower else value
    return lower


def _until_reset(headers: Mapping[str, str], now: float) -> float | None:
    lower = _lower(headers)
    reset = next((lower[name] for name in RATE_LIMIT_HEADERS["reset"] if name in lower), "")
    if not reset.strip().isdigit():
        return None
    seconds = float(reset)
    # A large number is a moment (seconds since 1970), a small one a distance.
    return max(0.0, round(seconds - now, 1)) if seconds > 1_000_000_000 else seconds


@lru_cache(maxsize=256)
def _is_json(media_type: str) -> bool:
    bare = media_type.split(";")[0].strip().lower()
    return bare == "application/json" or bare.endswith("+json") or bare in ("text/json", "application/javascript")


@lru_cache(maxsize=256)
def _is_text(media_type: str) -> bool:
    bare = media_type.split(";")[0].strip().lower()
    return bare.startswith("text/") or bare.endswith(("/xml", "+xml", "/yaml", "/x-ndjson", "/csv", "/x-www-form-urlencoded"))


def _charset(media_type: str) -> str:
    match = re.search(r'charset\s*=\s*"?([\w.:-]+)', media_type, re.IGNORECASE)
    name = match[1] if match else "utf-8"
    try:
        "".encode(name)
    except LookupError:
        return "utf-8"
    return name


def _filename(disposition: str) -> str | None:
    """Return the file name of a Content-Disposition header (RFC 6266), without any folders."""
    extended = re.search(r"filename\*\s*=\s*[\w-]+''([^;]+)", disposition, re.IGNORECASE)
    plain = re.search(r'filename\s*=\s*(?:"([^"]*)"|([^;\s]+))', disposition, re.IGNORECASE)
    name = unquote(extended[1]) if extended else (plain[1] or plain[2]) if plain else ""
    return re.split(r"[\\/]", name.strip())[-1] or None
