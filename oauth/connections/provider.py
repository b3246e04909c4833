"""A provider: how accounts of one vendor are connected, read from its YAML file."""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import jmespath
import jsonschema_rs
import yaml
from jmespath.exceptions import JMESPathError

from oauth.connections.errors import ProviderInvalid

FOLDER = Path(__file__).parent / "providers"
#: OAuth error codes that end a connection everywhere (RFC 6749 §5.2)
TERMINAL_ERRORS = frozenset({"invalid_grant"})
REGISTRATION_ERRORS = frozenset({"invalid_client", "unauthorized_client"})
#: fields that are named alike in the file and here
_SAME = (
    "title", "auth", "notes", "key_help", "remove_at", "issuer", "requires_issuer",
    "authorize_url", "token_url", "nonce", "client_auth", "token_body", "headers", "scope_parameter",
    "scope_separator", "scopes_are_complete", "scope_words", "authorize_params", "token_params", "refresh_params",
    "answer", "access_token_ttl_s", "refreshes_per_min", "parallel_refreshes",
)  # fmt: skip
ProviderAuth = Literal["oauth2", "client_credentials", "github_app", "api_key", "basic", "sigv4"]
#: accounts are static keys
KEY_KINDS = frozenset({"api_key", "basic", "sigv4"})
#: files to start from, not providers
TEMPLATES = frozenset({"oauth2", "client_credentials", "api_key"})
_INPUT = re.compile(r"\{([a-z_]+)\}")
#: what the address of a token waits for until the account is known; everything else is filled in when the file is read
INSTALLATION = "installation_id"


@dataclass(frozen=True, slots=True)
class RevocationEndpoint:
    url: str
    style: Literal["rfc7009", "bearer", "basic_json", "account"]
    token: Literal["refresh", "access"] = "refresh"  # noqa: S105  which of the two, not a token
    method: str = "POST"
    params: Mapping[str, str] = field(default_factory=dict)
    #: tried, and a yes is not believed
    best_effort: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """What the schema in `providers/provider.schema.json` describes; the inputs are filled in already."""

    provider_id: str
    title: str
    auth: ProviderAuth
    docs: tuple[str, ...] = ()
    notes: str = ""
    key_help: str = ""
    #: where a person ends the authorization by hand; "" where the provider ends it for us, or there is nothing to end
    remove_at: str = ""
    #: sigv4: what is signed for where neither account nor host say
    region: str = ""
    service: str = ""
    issuer: str | None = None
    requires_issuer: bool = False
    authorize_url: str = ""
    token_url: str = ""
    refresh_url: str = ""
    revocation: RevocationEndpoint | None = None
    pkce: bool = True
    #: False: its id_tokens never carry the nonce that was asked for
    nonce: bool = True
    client_auth: Literal["body", "basic", "secret_as_username", "app_jwt", "private_key_jwt"] = "body"
    token_body: Literal["form", "json"] = "form"  # noqa: S105  how it is sent
    headers: Mapping[str, str] = field(default_factory=dict)
    scope_parameter: str = "scope"
    scope_separator: str = " "
    default_scopes: tuple[str, ...] = ()
    scopes_are_complete: bool = False
    scope_words: Mapping[str, str] = field(default_factory=dict)
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    token_params: Mapping[str, str] = field(default_factory=dict)
    refresh_params: Mapping[str, str] = field(default_factory=dict)
    answer: Mapping[str, str] = field(default_factory=dict)
    access_token_ttl_s: int | None = None
    rotates: Literal["never", "sometimes", "always"] = "never"
    ends_old_access_token: bool = False
    refresh_lifetime_days: float | None = None
    terminal_errors: frozenset[str] = TERMINAL_ERRORS
    registration_errors: frozenset[str] = REGISTRATION_ERRORS
    refreshes_per_min: int | None = None
    parallel_refreshes: int = 4
    account_request: Mapping[str, Any] | None = None
    account_id_path: str = ""
    account_title_path: str = ""
    api_base_path: str = ""
    api_host_pattern: str = ""

    @property
    def is_machine(self) -> bool:
        """Whether accounts are the application's own, without a person's consent."""
        return self.auth in ("client_credentials", "github_app")

    @property
    def takes_key(self) -> bool:
        """Whether accounts are static keys."""
        return self.auth in KEY_KINDS

    def find(self, name: str, default_path: str, content: Any) -> Any:
        """Return what the token endpoint's answer holds under this provider's path for `name`."""
        try:
            path = self.answer.get(name, default_path)
            return jmespath.search(path, content) if path else None
        except JMESPathError:
            return None  # an answer of another shape than documented holds nothing that we look for

    def api_base_of(self, content: Any) -> str:
        """Return the account's API base out of a token answer; "" where it names none, or a host that is not the provider's."""
        base = self.find("api_base", self.api_base_path, content) if self.api_base_path else None
        if not isinstance(base, str):
            return ""
        try:
            parts = urlsplit(base)
        except ValueError:
            return ""
        # fullmatch: a host that merely begins like the provider's is somebody else's.
        # The answer names where the token is sent next: RFC 3986 §7.6, RFC 9700 §4.9.1 (a counterfeit resource server).
        # Without TLS only where its token endpoint, which named it, is without TLS as well: on this machine.
        schemes = ("https", urlsplit(self.token_url).scheme)
        if parts.scheme not in schemes or "@" in parts.netloc or not re.fullmatch(self.api_host_pattern, parts.hostname or ""):
            return ""
        return base.rstrip("/")


def parse(content: Mapping[str, Any], inputs: Mapping[str, str], where: str) -> Provider:
    """Return the provider that `content` describes, its addresses filled in from `inputs`. Raises ProviderInvalid."""
    for error in _schema().iter_errors(content):
        place = ".".join(str(step) for step in error.instance_path) or "the file"
        raise ProviderInvalid(f"{where}: {place}: {error.message}")
    filled = json.loads(_filled(json.dumps(content), content, inputs, where))
    for url in (filled.get("authorize_url", ""), filled.get("token_url", ""), filled.get("refresh_url", "")):
        _check_filled(url, where)
    account, refresh = filled.get("account", {}), filled.get("refresh", {"rotates": "never"})
    base = filled.get("api_base", {})
    for path in (*filled.get("answer", {}).values(), account.get("id"), account.get("title"), base.get("from")):
        _check_path(path, where)
    return Provider(
        provider_id=filled["id"],
        region=filled.get("sigv4", {}).get("region", ""),
        service=filled.get("sigv4", {}).get("service", ""),
        docs=tuple(filled.get("docs", ())),
        refresh_url=filled.get("refresh_url") or filled.get("token_url", ""),
        revocation=RevocationEndpoint(**filled["revoke"]) if "revoke" in filled else None,
        pkce=filled.get("pkce", "S256") == "S256",
        default_scopes=tuple(filled.get("default_scopes", ())),
        rotates=refresh["rotates"],
        ends_old_access_token=refresh.get("ends_old_access_token", False),
        refresh_lifetime_days=refresh.get("lifetime_days"),
        terminal_errors=TERMINAL_ERRORS | set(filled.get("terminal_errors", ())),
        registration_errors=REGISTRATION_ERRORS | set(filled.get("registration_errors", ())),
        account_request=account.get("request"),
        account_id_path=account.get("id", ""),
        account_title_path=account.get("title", ""),
        api_base_path=base.get("from", ""),
        api_host_pattern=base.get("host_pattern", ""),
        **{name: filled[name] for name in _SAME if name in filled},
    )


@functools.cache
def known_definitions() -> Mapping[str, Mapping[str, Any]]:
    """Return what the files beside this one say, by provider id; the templates are among them."""
    contents = [yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader) for path in sorted(FOLDER.glob("*.yaml"))]
    return {content["id"]: content for content in contents}


@functools.cache
def _schema() -> jsonschema_rs.Validator:
    schema = json.loads((FOLDER / "provider.schema.json").read_text(encoding="utf-8"))
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def _filled(text: str, content: Mapping[str, Any], inputs: Mapping[str, str], where: str) -> str:
    wanted = content.get("inputs", {})
    if unknown := sorted(set(inputs) - set(wanted)):
        raise ProviderInvalid(f"{where}: no input {unknown[0]!r}; known are {', '.join(sorted(wanted)) or 'none'}")
    for name, rule in wanted.items():
        value = inputs.get(name, rule.get("default"))
        if value is None:
            raise ProviderInvalid(f"{where}: the input {name!r} is missing ({rule.get('title', 'part of the addresses')})")
        # A tenant's input becomes a part of a host: `evil.com/` must not turn the provider's address into another.
        if not re.fullmatch(rule["pattern"], value):
            raise ProviderInvalid(f"{where}: the input {name!r} is {value!r}, which does not match {rule['pattern']}")
        text = text.replace("{" + name + "}", value)
    return text


def _check_path(path: str | None, where: str) -> None:
    try:
        if path:
            jmespath.compile(path)
    except JMESPathError as error:
        raise ProviderInvalid(f"{where}: {path!r} is not JMESPath: {error}") from error


def _check_filled(url: str, where: str) -> None:
    for name in _INPUT.findall(url):
        # What is left open would be sent as it is, braces and all, with our secret.
        if name != INSTALLATION:
            raise ProviderInvalid(f"{where}: {url} waits for {name!r}, which is no input of this file; describe it under 'inputs'")
