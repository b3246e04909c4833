"""A provider's token endpoint, spoken to as its file says: exchange, refresh, revoke, and who is connected."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode

import jmespath
from jmespath.exceptions import JMESPathError

from oauth.connections.outbound import Outbound
from oauth.connections.registrations import Application
from oauth.fetch import Fetched, FetchRefused

#: below the lease of a refresh, so that an answer never comes after the lease
TIMEOUT_S = 20.0
MAX_ANSWER_BYTES = 256_000
MAX_TOKEN_CHARS = 20_000


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


@dataclass(frozen=True, slots=True)
class ExternalAccount:
    """Who is connected, in the provider's words."""

    external_id: str
    title: str


class TokenEndpoint:
    """Speaks to providers; keeps nothing."""

    def __init__(self, send: Outbound) -> None:
        self._send = send

    async def exchange(self, application: Application, code: str, code_verifier: str, redirect_uri: str) -> Tokens:
        """Turn a code into tokens (RFC 6749 §4.1.3). Raises TokenRefused."""
        provider = application.provider
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, **provider.token_params}
        if provider.pkce:
            fields["code_verifier"] = code_verifier
        return _tokens(application, await self._post(application, provider.token_url, fields))

    async def refresh(self, application: Application, refresh_token: str) -> Tokens:
        """Turn a refresh token into tokens (RFC 6749 §6). Raises TokenRefused."""
        provider = application.provider
        fields = {"grant_type": "refresh_token", "refresh_token": refresh_token, **provider.refresh_params}
        return _tokens(application, await self._post(application, provider.refresh_url, fields))

    async def revoke(self, application: Application, access_token: str, refresh_token: str) -> bool:
        """End a grant at the provider (RFC 7009); False where it has no way, or did not say yes. Never raises for what a provider does."""
        way = application.provider.revocation
        if way is None:
            return False
        token = access_token if way.token == "access" or not refresh_token else refresh_token  # noqa: S105
        url = way.url.replace("{client_id}", quote_plus(application.client_id))
        try:
            if way.style == "rfc7009":
                answer = await self._post(application, url, {"token": token})
            else:
                headers = {**_headers(application), "Authorization": f"Bearer {token}"}
                body = None
                if way.style == "basic_json":
                    headers |= {"Authorization": _basic(application), "Content-Type": "application/json"}
                    body = json.dumps({"access_token": token}).encode()
                answer = await self._send(way.method, url, headers=headers, body=body, max_bytes=MAX_ANSWER_BYTES, timeout_s=TIMEOUT_S)
        except (FetchRefused, TokenRefused):
            return False
        return 200 <= answer.status < 300

    async def account(self, application: Application, tokens: Tokens) -> ExternalAccount:
        """Ask the provider whose account this is. Raises TokenRefused."""
        provider = application.provider
        me: Any = None
        if provider.account_request is not None:
            me = _json(await self._ask_account(application, provider.account_request, tokens))
        content = {"token": dict(tokens.answer), "me": me}
        try:
            found = jmespath.search(provider.account_id_path, content)
            title = jmespath.search(provider.account_title_path, content)
        except JMESPathError:
            found = title = None
        if found in (None, "", [], {}):
            raise TokenRefused("no_account_id")
        return ExternalAccount(str(found)[:400], _printable(str(title or found)))

    async def _ask_account(self, application: Application, request: Mapping[str, Any], tokens: Tokens) -> Fetched:
        headers, body = _headers(application), None
        if request.get("bearer", True):
            headers["Authorization"] = f"Bearer {tokens.access_token}"
        if "json" in request:
            headers["Content-Type"] = "application/json"
            body = json.dumps(request["json"]).encode()
        elif "form" in request:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            values = {"{access_token}": tokens.access_token, "{client_id}": application.client_id}
            values["{client_secret}"] = application.client_secret
            body = urlencode({name: values.get(text, text) for name, text in request["form"].items()}).encode()
        method = request.get("method", "GET")
        try:
            answer = await self._send(method, request["url"], headers=headers, body=body, max_bytes=MAX_ANSWER_BYTES, timeout_s=TIMEOUT_S)
        except FetchRefused as error:
            raise TokenRefused("account_unreachable") from error
        if not 200 <= answer.status < 300:
            raise TokenRefused(f"account_http_{answer.status}")
        return answer

    async def _post(self, application: Application, url: str, fields: Mapping[str, str]) -> Fetched:
        provider = application.provider
        headers, fields = _headers(application), dict(fields)
        if provider.client_auth == "body":
            fields |= {"client_id": application.client_id}
            fields |= {"client_secret": application.client_secret} if application.client_secret else {}
        else:
            headers["Authorization"] = _basic(application)
        if provider.token_body == "json":  # noqa: S105
            headers["Content-Type"], body = "application/json", json.dumps(fields).encode()
        else:
            headers["Content-Type"], body = "application/x-www-form-urlencoded", urlencode(fields).encode()
        try:
            return await self._send("POST", url, headers=headers, body=body, max_bytes=MAX_ANSWER_BYTES, timeout_s=TIMEOUT_S)
        except FetchRefused as error:
            # The reason may name an address inside; it belongs to the log of whoever refused.
            raise TokenRefused("unreachable") from error


def _tokens(application: Application, answer: Fetched) -> Tokens:
    provider, content = application.provider, _json(answer)
    error = _word(provider.find("error", "error", content))
    is_ok = 200 <= answer.status < 300 and provider.find("ok", "`true`", content) is True
    access_token = provider.find("access_token", "access_token", content) if is_ok else None
    if not isinstance(access_token, str) or not 0 < len(access_token) <= MAX_TOKEN_CHARS:
        raise _refusal(application, answer, error)
    refresh_token = provider.find("refresh_token", "refresh_token", content)
    scope = provider.find("scope", "scope", content)
    granted = frozenset(scope.replace(provider.scope_separator, " ").split()) if isinstance(scope, str) else None
    return Tokens(
        access_token=access_token,
        refresh_token=refresh_token if isinstance(refresh_token, str) and 0 < len(refresh_token) <= MAX_TOKEN_CHARS else None,
        ttl_s=_seconds(provider.find("expires_in", "expires_in", content), provider.access_token_ttl_s),
        scopes=granted if provider.scopes_are_complete else None,
        api_base=provider.api_base_of(content),
        answer=content,
    )


def _refusal(application: Application, answer: Fetched, error: str) -> TokenRefused:
    provider = application.provider
    if answer.status == 429 or answer.status >= 500:
        return TokenRefused(f"http_{answer.status}", retry_after_s=_retry_after(answer))
    if error in provider.terminal_errors:
        return TokenRefused(error, is_terminal=True)
    if error in provider.registration_errors:
        return TokenRefused(error, is_registration=True)
    return TokenRefused(error or f"http_{answer.status}")


def _json(answer: Fetched) -> Any:
    try:
        content = json.loads(answer.body)
    except ValueError:
        # GitHub's token endpoint answers a form to whoever forgets to ask for JSON; so do older servers.
        content = dict(parse_qsl(answer.body.decode("utf-8", "replace"))) if b"=" in answer.body[:200] else {}
    return content if isinstance(content, dict) else {"content": content}


def _word(error: Any) -> str:
    # What a provider calls an error goes into our store and pages: a short word of harmless characters, or nothing.
    text = str(error) if isinstance(error, str | int) else ""
    return text if 0 < len(text) <= 64 and text.replace("_", "").replace("-", "").isalnum() else ""


def _seconds(value: Any, default_s: float | None) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return default_s
    return seconds if 0 < seconds < 10 * 365 * 86400 else default_s


def _retry_after(answer: Fetched) -> float | None:
    return _seconds(answer.headers.get("retry-after"), None)


def _printable(title: str) -> str:
    return "".join(character for character in title if character.isprintable())[:200]


def _headers(application: Application) -> dict[str, str]:
    return {"Accept": "application/json", **application.provider.headers}


def _basic(application: Application) -> str:
    # RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
    pair = f"{quote_plus(application.client_id)}:{quote_plus(application.client_secret)}"
    if application.provider.client_auth == "secret_as_username":
        pair = f"{application.client_secret}:"
    return "Basic " + base64.b64encode(pair.encode()).decode()
