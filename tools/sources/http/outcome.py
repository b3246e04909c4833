"""What an upstream answered over HTTP -> an Outcome: data once parsed, or a failure that keeps the upstream's own words."""

import re
from collections.abc import Container, Mapping
from contextlib import suppress
from urllib.parse import unquote

from oauth.connections.credentials import Credential
from oauth.retry_after import retry_after_s
from tools.call_failures import unauthorized
from tools.effects import UNSURE
from tools.egress.client import OutboundResponse
from tools.heavy_json.weight import is_heavy
from tools.operation import Download, Failure, Json, Operation, Outcome
from tools.sources.http.content import MalformedContent, bare_type, is_json, read_content, read_json, text_of
from tools.sources.response_headers import RATE_LIMIT_HEADERS, facts_of, is_number, lower_of
from tools.text.charsets import mark_of
from tools.text.urls import joined, parts_of

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
MAX_REASON_DEPTH = 16
MAX_MEDIA_TYPE_CHARS = 200
#: a number of seconds after this is a moment, counted since 1970
_MOMENTS_FROM_S = 1_000_000_000


def outcome_of(
    operation: Operation, credential: Credential | None, response: OutboundResponse, declared: Container[str], *, now: float
) -> Outcome:
    """Return what a response means to the caller. `credential` went out with the request; `declared`: see `facts_of`."""
    status, headers, body, url = response.status, response.headers, response.body, response.url
    facts = facts_of(status, headers, url, declared)
    if status == 304:
        return Outcome("ok", http=facts)
    if not 200 <= status < 300:
        return Outcome("error", http=facts, error=_refused(operation, credential, status, headers, body, url, now))
    if not body:
        return Outcome("ok", http=facts)
    media_type = headers.get("content-type", "")[:MAX_MEDIA_TYPE_CHARS]
    disposition = ""
    try:
        if is_json(media_type):
            content = read_json(body, media_type)
        else:
            disposition = headers.get("content-disposition", "")
            content = read_content(body, media_type, operation.output_schema, asks_json=asks_json(operation, disposition))
    except MalformedContent as error:
        return Outcome("error", http=facts, error=malformed(operation.provider, status, media_type, body, error))
    if content.is_file:
        return Outcome("ok", data=file_of_answer(body, media_type, disposition), http=facts)
    return Outcome("ok", data=content.data, http=facts, note=content.note)


def asks_json(operation: Operation, disposition: str) -> bool:
    """Say whether the request wants JSON first (the document declares it, or declares nothing) and got no attachment."""
    is_asked = is_json(str(operation.binding.get("accept") or "application/json").partition(",")[0])
    return is_asked and disposition.lstrip()[:10].lower() != "attachment"


def file_of_answer(body: bytes, media_type: str, disposition: str) -> Download:
    """Return a body as the file that it is."""
    return Download(body, bare_type(media_type) or "application/octet-stream", _filename(disposition))


def _refused(
    operation: Operation, credential: Credential | None, status: int, headers: Mapping[str, str], body: bytes, url: str, now: float
) -> Failure:
    content = error_body(headers.get("content-type", "")[:MAX_MEDIA_TYPE_CHARS], body)
    wait = retry_after_s(headers.get("retry-after"), now)
    if wait is not None and wait >= _MOMENTS_FROM_S:
        wait = None
    if wait is None and status == 429:
        wait = _until_reset(headers, now)
    said = reason_of(content)
    code = CODE_BY_STATUS.get(status, "upstream_error" if status >= 500 else "upstream_redirected" if status < 400 else "upstream_rejected")
    # A gateway error on a write says nothing of whether it took effect; 429 and 425 say that it did not.
    retryable = status in (425, 429) or (operation.idempotent and (status in RETRYABLE or status == 500))
    return Failure(
        code=code,
        message=f"{operation.provider} answered {status}{f': {said}' if said else ''}",
        retryable=retryable,
        retry_after_s=wait,
        upstream={"status": status, "body": content},
        hint=_hint(operation, credential, status, headers.get("location"), url),
    )


def _hint(operation: Operation, credential: Credential | None, status: int, location: str | None, url: str) -> str | None:
    if status == 401:
        return unauthorized(operation, credential)
    if status == 403:
        return f"the connected account of {operation.provider} may not do this; use another account or ask for more access there"
    if 300 <= status < 400:
        return _way_on(operation, status, location, url)
    if status >= 500 and not operation.idempotent:
        return UNSURE
    return None


def _way_on(operation: Operation, status: int, location: str | None, url: str) -> str:
    """Return what a redirect that is not followed means, and who can do what about it; addresses without query, which may hold a key."""
    to = shown_url(joined(url.partition("?")[0], location or ""))
    if not location:
        return f"{operation.provider} sends this on and names no address; its operator has to look why"
    said = f"{operation.provider} sends this on to {to}, which is not followed"
    if status == 303 or (status in (301, 302) and not operation.idempotent):
        # RFC 9110 §15.4.4: what was asked is done, and its answer is elsewhere.
        return f"{said}; {UNSURE}"
    own = shown_url(url)
    if to.rstrip("/") == own.rstrip("/"):
        return f"{said}: only the slash at the end differs; the operator corrects the path in the document and imports it again"
    if parts_of(to).path == parts_of(own).path:
        return f"{said}; where that is the API's right address, the operator imports it again with --base-url"
    return said


def shown_url(url: str) -> str:
    """Return a URL without what may be secret in it: user, query and fragment."""
    parts = parts_of(url)
    if not parts.scheme:
        return "no address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:200]


def error_body(media_type: str, body: bytes) -> Json:
    """Return the body of an error: JSON parsed, else text; what is past the limit is said, not dropped silently."""
    if not body:
        return ""
    # No charset takes more than four bytes for a character, and no more of the text than this is shown.
    most = 4 * MAX_ERROR_BODY_CHARS
    if is_heavy(body):
        return f"{text_of(body[:most], media_type)[0][:MAX_ERROR_BODY_CHARS]}… ({len(body)} bytes)"
    if is_json(media_type) or body[:most].lstrip()[:1] in (b"{", b"[", b'"') or mark_of(body) is not None:
        with suppress(MalformedContent):  # a body that only calls itself JSON is told as the text that it is
            return read_json(body, media_type).data
    text, _ = text_of(body, media_type)
    if len(text) <= MAX_ERROR_BODY_CHARS:
        return text
    return f"{text[:MAX_ERROR_BODY_CHARS]}… ({len(text)} characters)"


def reason_of(content: Json, depth: int = 0) -> str:
    """Return the sentence in which an error body says what is wrong, in the shapes that APIs use (RFC 9457 among them)."""
    if depth > MAX_REASON_DEPTH:
        return ""
    if isinstance(content, list) and content:
        return reason_of(content[0], depth + 1)
    if isinstance(content, Mapping):
        for key in ("detail", "message", "error_description", "error", "errors", "title", "msg", "reason", "description", "fault"):
            said = content.get(key)
            found = reason_of(said, depth + 1) if isinstance(said, Mapping | list | str) else ""
            if found:
                return found
        return ""
    if isinstance(content, str) and not content.lstrip().startswith("<"):
        flat = " ".join(content[: 8 * MAX_REASON_CHARS].split())
        return flat if len(flat) <= MAX_REASON_CHARS else f"{flat[:MAX_REASON_CHARS]}…"
    return ""


def malformed(provider: str, status: int, media_type: str, body: bytes, error: MalformedContent) -> Failure:
    """Return the failure of a body that says it is JSON and is not."""
    return Failure(
        code="upstream_malformed",
        message=f"{provider} answered {status} with a body that says it is JSON and is not: {error}",
        upstream={"status": status, "body": error_body(f"text/plain; {media_type.partition(';')[2]}", body)},
        hint="the upstream is at fault; its body is in upstream.body",
    )


def _until_reset(headers: Mapping[str, str], now: float) -> float | None:
    lower = lower_of(headers)
    reset = next((lower[name] for name in RATE_LIMIT_HEADERS["reset"] if name in lower), "")
    if not is_number(reset):
        return None
    seconds = float(reset)
    return max(0.0, round(seconds - now, 1)) if seconds > _MOMENTS_FROM_S else seconds


def _filename(disposition: str) -> str | None:
    """Return the file name of a Content-Disposition header (RFC 6266), without any folders."""
    extended = re.search(r"filename\*\s*=\s*[\w-]+''([^;]+)", disposition, re.IGNORECASE)
    plain = re.search(r'filename\s*=\s*(?:"([^"]*)"|([^;\s]+))', disposition, re.IGNORECASE)
    name = unquote(extended[1]) if extended else (plain[1] or plain[2]) if plain else ""
    return re.split(r"[\\/]", name.strip())[-1] or None
