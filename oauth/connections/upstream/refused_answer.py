"""Why a token endpoint gave no token: the grant is dead, our application is refused, or it is worth another try.

RFC 6749 §5.2 says 400 and `{"error": "invalid_grant"}`. Providers also say it with 401, 403 or 200, inside an object or an array,
in a description, in words of their own, or on a page.
"""

import re
from collections.abc import Mapping
from typing import Any

from oauth.connections.errors import TokenRefused
from oauth.connections.upstream.registrations import Application
from oauth.fetch import Fetched

#: what ends a grant, beside what a provider's file names; without case and separators
_ENDED = frozenset({
    "invalidgrant", "invalidrefreshtoken", "badrefreshtoken", "refreshtokenexpired", "expiredrefreshtoken", "refreshtokenrevoked",
    "refreshtokeninvalid", "invalidtoken", "tokenrevoked", "revokedtoken", "tokenexpired", "expiredtoken", "tokeninactive", "grantrevoked",
    "authorizationrevoked", "consentrevoked", "accountinactive", "interactionrequired", "consentrequired", "loginrequired",
})  # fmt: skip
#: the same, where it stands in the middle of a text: only words that mean nothing else
_ENDED_IN_TEXT = re.compile(
    rb"\b(invalid_grant|invalid_refresh_token|bad_refresh_token|refresh_token_(?:expired|revoked|invalid)"
    rb"|expired_refresh_token|token_revoked|token_has_been_revoked|grant_revoked)\b",
    re.IGNORECASE,
)
#: worth another try whatever the description says
_LATER = frozenset({"temporarilyunavailable", "servererror", "slowdown", "ratelimited", "ratelimitexceeded", "toomanyrequests"})
_REFUSED_US = frozenset({"invalidclient", "unauthorizedclient"})
#: where providers put the word, in this order
_MEMBERS = ("error", "type", "code", "error_code", "errorCode", "errorType", "reason", "status", "name", "errors", "fault", "detail")
MAX_SEARCHED_BYTES = 8192
MAX_DEPTH = 3
NO_ACCESS_TOKEN = "no_access_token"  # noqa: S105  why, not a token


def refusal(application: Application, answer: Fetched, content: Mapping[str, Any], retry_after_s: float | None) -> TokenRefused:
    """Return what an answer without a usable token means."""
    provider = application.provider
    if answer.status == 429 or answer.status >= 500:
        return TokenRefused(f"http_{answer.status}", retry_after_s=retry_after_s)
    words = _error_words(provider.find("error", "error", content), content)
    code = words[0] if words else f"http_{answer.status}"
    # A file may name a status where the provider has no words: http_404.
    named = {*words, f"http_{answer.status}"}
    plain = {_plain(word) for word in words}
    if named & provider.terminal_errors:
        return TokenRefused(code, is_terminal=True)
    if named & provider.registration_errors or plain & _REFUSED_US:
        return TokenRefused(code, is_registration=True)
    if plain & _ENDED:
        return TokenRefused(next(word for word in words if _plain(word) in _ENDED), is_terminal=True)
    if not plain & _LATER and (found := _ENDED_IN_TEXT.search(answer.body[:MAX_SEARCHED_BYTES])):
        return TokenRefused(found[1].decode().lower(), is_terminal=True)
    if not words and 200 <= answer.status < 300:
        code = NO_ACCESS_TOKEN
    return TokenRefused(code, retry_after_s=retry_after_s)


def _error_words(error: Any, content: Mapping[str, Any], depth: int = 0) -> list[str]:
    """Return the words that an answer has for what is wrong, the likeliest first."""
    if isinstance(error, str):
        word = _word(error)
        return [word] if word else []
    if isinstance(error, int) and not isinstance(error, bool) and depth == 0:
        return [str(error)]
    if depth >= MAX_DEPTH:
        return []
    if isinstance(error, list):
        return [word for each in error[:5] for word in _error_words(each, {}, depth + 1)]
    # Without an `error`, or with one that only says that there is one, the answer itself is looked through.
    inside = error if isinstance(error, Mapping) else content
    return [word for name in _MEMBERS if isinstance(inside.get(name), (str, list, dict))
            for word in _error_words(inside[name], {}, depth + 1)]  # fmt: skip


def _word(text: str) -> str:
    # What a provider calls an error goes into our store and pages: a short word of harmless characters, or nothing.
    return text if 0 < len(text) <= 64 and text.isascii() and text.replace("_", "").replace("-", "").isalnum() else ""


def _plain(word: str) -> str:
    return word.replace("_", "").replace("-", "").lower()
