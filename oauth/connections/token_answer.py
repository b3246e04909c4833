"""What a provider's token endpoint answered: tokens, or why there are none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeGuard
from urllib.parse import parse_qsl

from oauth.connections.registrations import Application
from oauth.fetch import Fetched

MAX_TOKEN_CHARS = 20_000
#: a clock that is further away shows something else than the time
MAX_SKEW_S = 86_400.0


class TokenRefused(Exception):
    """The provider gave no tokens. `code` is a word for us, never the provider's text.

    `is_terminal`: the grant is dead. `is_registration`: our application is refused. Neither: worth another try.
    """

    def __init__(self, code: str, *, is_terminal: bool = False, is_registration: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.is_terminal, self.is_registration, self.retry_after_s = is_terminal, is_registration, retry_after_s


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave. `refresh_token` None: the old one serves on. `scopes` None: the provider does not say."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    ttl_s: float | None
    scopes: frozenset[str] | None
    api_base: str
    answer: Mapping[str, Any] = field(repr=False)


def tokens_of(application: Application, answer: Fetched, now: float) -> Tokens:
    """Return the tokens of an answer that came at `now`. Raises TokenRefused."""
    provider, content = application.provider, json_of(answer)
    error = _word(provider.find("error", "error", content))
    is_ok = 200 <= answer.status < 300 and provider.find("ok", "`true`", content) is True
    access_token = provider.find("access_token", "access_token", content) if is_ok else None
    if not _is_token(access_token):
        raise _refusal(application, answer, error)
    refresh_token = provider.find("refresh_token", "refresh_token", content)
    scope = provider.find("scope", "scope", content)
    granted = frozenset(scope.replace(provider.scope_separator, " ").split()) if isinstance(scope, str) else None
    return Tokens(
        access_token=access_token,
        refresh_token=refresh_token if _is_token(refresh_token) else None,
        ttl_s=_seconds(_expires_in(provider.find("expires_at", "", content), answer, now), None)
        or _seconds(provider.find("expires_in", "expires_in", content), provider.access_token_ttl_s),
        scopes=granted if provider.scopes_are_complete else None,
        api_base=provider.api_base_of(content),
        answer=content,
    )


def _refusal(application: Application, answer: Fetched, error: str) -> TokenRefused:
    provider = application.provider
    if answer.status == 429 or answer.status >= 500:
        return TokenRefused(f"http_{answer.status}", retry_after_s=_retry_after(answer))
    code = error or f"http_{answer.status}"
    # A file may name a status where the provider has no words: http_404.
    named = {error, f"http_{answer.status}"}
    if named & provider.terminal_errors:
        return TokenRefused(code, is_terminal=True)
    if named & provider.registration_errors:
        return TokenRefused(code, is_registration=True)
    return TokenRefused(code, retry_after_s=_retry_after(answer))


def json_of(answer: Fetched) -> Any:
    """Return the object that an answer holds; anything else stands under "content"."""
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        # GitHub's token endpoint answers a form to whoever forgets to ask for JSON; so do older servers.
        content = dict(parse_qsl(answer.body.decode("utf-8", "replace"))) if b"=" in answer.body[:200] else {}
    return content if isinstance(content, dict) else {"content": content}


def _is_token(value: object) -> TypeGuard[str]:
    """Say whether this is printable ASCII (RFC 6749 §A.12 and §A.17), of a length that a request can carry."""
    return isinstance(value, str) and 0 < len(value) <= MAX_TOKEN_CHARS and value.isascii() and value.isprintable()


def _word(error: Any) -> str:
    # What a provider calls an error goes into our store and pages: a short word of harmless characters, or nothing.
    text = str(error) if isinstance(error, str | int) else ""
    return text if 0 < len(text) <= 64 and text.replace("_", "").replace("-", "").isalnum() else ""


def _seconds(value: Any, default_s: float | None) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return default_s
    return seconds if 0 < seconds < 10 * 365 * 86400 else default_s


def _expires_in(value: Any, answer: Fetched, now: float) -> float | None:
    """Return the seconds until a time of day that the provider named, by its own clock where it says what that shows."""
    try:
        ends = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    try:
        began = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        began = now
    if abs(began - now) > MAX_SKEW_S:
        began = now
    return (ends if ends.tzinfo else ends.replace(tzinfo=UTC)).timestamp() - began


def _retry_after(answer: Fetched) -> float | None:
    return _seconds(answer.headers.get("retry-after"), None)
