"""A provider's token endpoint, spoken to as its file says: exchange, refresh, revoke, and who is connected."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import jmespath
from jmespath.exceptions import JMESPathError

from oauth.connections.app_jwt import app_jwt
from oauth.connections.client_assertion import ASSERTION_TYPE, client_assertion
from oauth.connections.connection import Connection, ConnectionSecret
from oauth.connections.errors import ProviderInvalid, TokenRefused
from oauth.connections.provider import INSTALLATION
from oauth.connections.upstream.registrations import Application
from oauth.connections.upstream.token_answer import Tokens, json_of, tokens_of
from oauth.errors import FetchRefused
from oauth.fetch import Fetched, Outbound

#: below the lease of a refresh, so that an answer never comes after the lease
TIMEOUT_S = 20.0
MAX_ANSWER_BYTES = 256_000


@dataclass(frozen=True, slots=True)
class ExternalAccount:
    """Who is connected, in the provider's words."""

    external_id: str
    title: str


class ProviderTokenEndpoint:
    """Speaks to providers; keeps nothing."""

    def __init__(self, send: Outbound, clock: Callable[[], float] = time.time) -> None:
        self._send, self._clock = send, clock

    async def exchange(
        self, application: Application, code: str, code_verifier: str, redirect_uri: str, asked: frozenset[str] = frozenset()
    ) -> Tokens:
        """Turn a code into tokens (RFC 6749 §4.1.3); `asked` are the scopes that were asked for. Raises TokenRefused."""
        provider = application.provider
        # RFC 6749 §4.1.3: redirect_uri as it was in the authorization request.
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, **provider.token_params}
        if provider.pkce:
            # RFC 7636 §4.5.
            fields["code_verifier"] = code_verifier
        return tokens_of(application, await self._post(application, provider.token_url, fields), self._clock(), asked)

    async def renew(self, application: Application, connection: Connection, secret: ConnectionSecret) -> Tokens:
        """Return the next tokens of `connection`, by its refresh token or as the machine account that it is. Raises TokenRefused."""
        if application.provider.is_machine:
            return await self.machine(application, connection.external_id, connection.scopes)
        return await self.refresh(application, secret.refresh_token, connection.scopes)

    async def machine(self, application: Application, external_id: str, scopes: frozenset[str] | None) -> Tokens:
        """Return a token of the application's own, without a person (RFC 6749 §4.4; GitHub Apps). Raises TokenRefused."""
        provider = application.provider
        # Escaped whole: the number of an installation must not become a path.
        url = provider.token_url.replace(f"{{{INSTALLATION}}}", quote(external_id, safe=""))
        wanted = sorted(scopes) if scopes is not None else provider.default_scopes
        if provider.auth == "github_app":
            answer = await self._post(application, url, provider.token_params)
        else:
            asked = {provider.scope_parameter: provider.scope_separator.join(wanted)} if wanted else {}
            answer = await self._post(application, url, {"grant_type": "client_credentials", **asked, **provider.token_params})
        return tokens_of(application, answer, self._clock(), frozenset(wanted))

    async def refresh(self, application: Application, refresh_token: str, scopes: frozenset[str] | None = None) -> Tokens:
        """Turn a refresh token into tokens (RFC 6749 §6). Raises TokenRefused."""
        provider = application.provider
        fields = {"grant_type": "refresh_token", "refresh_token": refresh_token, **provider.refresh_params}
        asked = frozenset(provider.default_scopes) | (scopes or frozenset())
        return tokens_of(application, await self._post(application, provider.refresh_url, fields), self._clock(), asked)

    async def revoke(self, application: Application, access_token: str, refresh_token: str, external_id: str = "") -> bool:
        """End a grant at the provider (RFC 7009); False where it has no sure way, or did not say yes. Never raises for what it does."""
        way = application.provider.revocation
        if way is None:
            return False
        # RFC 7009 §2.1: the refresh token, where there is one, ends the whole grant.
        token = access_token if way.token == "access" or not refresh_token else refresh_token  # noqa: S105
        url = way.url.replace("{client_id}", quote_plus(application.client_id))
        try:
            values = {"{client_id}": application.client_id, "{external_id}": external_id}
            fields = {name: values.get(text, text) for name, text in way.params.items()}
            if way.style in ("rfc7009", "account"):
                answer = await self._post(application, url, {"token": token, **fields} if way.style == "rfc7009" else fields)
            else:
                headers = {**_headers(application), "Authorization": f"Bearer {token}"}
                body = None
                if way.style == "basic_json":
                    headers |= {"Authorization": _basic(application), "Content-Type": "application/json"}
                    body = json.dumps({"access_token": token}).encode()
                answer = await self._send(way.method, url, headers=headers, body=body, max_bytes=MAX_ANSWER_BYTES, timeout_s=TIMEOUT_S)
        except (FetchRefused, TokenRefused):
            return False
        said_no = json_of(answer).get("ok") is False  # Slack's refusals come with status 200
        return 200 <= answer.status < 300 and not said_no and not way.best_effort

    async def account(self, application: Application, tokens: Tokens) -> ExternalAccount:
        """Ask the provider whose account this is. Raises TokenRefused."""
        provider = application.provider
        me: Any = None
        if provider.account_request is not None:
            me = json_of(await self._ask_account(application, provider.account_request, tokens))
        content = {"token": dict(tokens.answer), "me": me}
        try:
            found = jmespath.search(provider.account_id_path, content)
            title = jmespath.search(provider.account_title_path, content)
        except JMESPathError:
            found = title = None
        # Without an id two accounts would be taken for one, and the second would overwrite the first.
        if found in (None, "", [], {}):
            raise TokenRefused("no_account_id")
        return ExternalAccount(str(found)[:400].encode(errors="replace").decode(), _printable(str(title or found)))

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
        # A redirect would carry the access token to whoever it names.
        if not 200 <= answer.status < 300:
            raise TokenRefused(f"account_http_{answer.status}")
        return answer

    async def _post(self, application: Application, url: str, fields: Mapping[str, str]) -> Fetched:
        provider = application.provider
        headers, fields = _headers(application), dict(fields)
        if provider.client_auth == "app_jwt":
            headers["Authorization"] = f"Bearer {_app_jwt(application, self._clock())}"
        elif provider.client_auth == "private_key_jwt":
            fields |= {"client_id": application.client_id, "client_assertion_type": ASSERTION_TYPE}
            fields["client_assertion"] = _assertion(application, self._clock)
        # RFC 6749 §2.3.1: NOT RECOMMENDED, but all that some providers take; RFC 6749 §2.3: one method at a time.
        elif provider.client_auth == "body":
            fields |= {"client_id": application.client_id}
            fields |= {"client_secret": application.client_secret} if application.client_secret else {}
        else:
            headers["Authorization"] = _basic(application)
        if provider.token_body == "json" or provider.auth == "github_app":  # noqa: S105
            headers["Content-Type"], body = "application/json", json.dumps(fields).encode()
        else:
            headers["Content-Type"], body = "application/x-www-form-urlencoded", urlencode(fields).encode()
        try:
            return await self._send("POST", url, headers=headers, body=body, max_bytes=MAX_ANSWER_BYTES, timeout_s=TIMEOUT_S)
        except FetchRefused as error:
            # The reason may name an address inside; it belongs to the log of whoever refused.
            raise TokenRefused("unreachable") from error


def _app_jwt(application: Application, now: float) -> str:
    try:
        return app_jwt(application.client_id, application.client_secret, now)
    except ProviderInvalid:
        raise TokenRefused("private_key", is_registration=True) from None


def _assertion(application: Application, clock: Callable[[], float]) -> str:
    provider = application.provider
    try:
        # RFC 7523 §3 item 3: the issuer where the provider's file names one, else the token endpoint, which every server knows as itself.
        return client_assertion(application.client_id, application.client_secret, provider.issuer or provider.token_url, clock)
    except ProviderInvalid:
        raise TokenRefused("private_key", is_registration=True) from None


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
