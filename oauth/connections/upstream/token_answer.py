"""What a provider's token endpoint answered: tokens, or why there are none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard
from urllib.parse import parse_qsl

from oauth.connections.upstream.granted_scopes import granted_scopes
from oauth.connections.upstream.refused_answer import refusal
from oauth.connections.upstream.registrations import Application
from oauth.connections.upstream.token_life import said_ttl_s, seconds
from oauth.fetch import Fetched
from oauth.retry_after import retry_after_s

MAX_TOKEN_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave. `refresh_token` None: the old one serves on. `scopes` None: the provider does not say."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    ttl_s: float | None
    scopes: frozenset[str] | None
    api_base: str
    answer: Mapping[str, Any] = field(repr=False)
    #: False: `ttl_s` is what the provider's file supposes, good enough to refresh by
    says_ttl: bool = True


def tokens_of(application: Application, answer: Fetched, now: float, asked: frozenset[str] = frozenset()) -> Tokens:
    """Return the tokens of an answer that came at `now` to a request for the scopes `asked`. Raises TokenRefused."""
    provider, content = application.provider, json_of(answer)
    # RFC 6749 §5.2: several providers refuse with 200, so the body has a say.
    is_ok = 200 <= answer.status < 300 and provider.find("ok", "`true`", content) is True
    access_token = provider.find("access_token", "access_token", content) if is_ok else None
    # RFC 6749 §5.1, §A.12: it goes into a header; a line break in it would be a second field.
    if not _is_token(access_token):
        raise refusal(application, answer, content, seconds(retry_after_s(answer.headers.get("retry-after"), now), None))
    refresh_token = provider.find("refresh_token", "refresh_token", content)
    said = said_ttl_s(provider, content, answer, now)
    granted = granted_scopes(provider.find("scope", "scope", content), provider.scope_separator, asked)
    return Tokens(
        access_token=access_token,
        # RFC 6749 §6: none means that the old one serves on
        refresh_token=refresh_token if _is_token(refresh_token) else None,
        ttl_s=said if said is not None else provider.access_token_ttl_s,
        says_ttl=said is not None,
        scopes=granted if provider.scopes_are_complete else None,
        api_base=provider.api_base_of(content),
        answer=content,
    )


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
