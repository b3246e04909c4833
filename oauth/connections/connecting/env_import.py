"""Take static secrets out of an environment or a .env file: which variable is whose key, by its name alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from oauth.connections.connection import ConnectionSecret
from oauth.connections.credentials import CredentialKind

#: ending of a variable's name -> kind of the secret
_ENDINGS: tuple[tuple[str, CredentialKind], ...] = (
    ("_ACCESS_TOKEN", "bearer"),
    ("_API_TOKEN", "bearer"),
    ("_BEARER_TOKEN", "bearer"),
    ("_API_KEY", "api_key"),
    ("_APIKEY", "api_key"),
    ("_SECRET_KEY", "api_key"),
    ("_TOKEN", "bearer"),
)
_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")
#: variables of ours or of the system, whatever they end in
_NOT_PROVIDERS = ("ASCEND_", "SSH_", "XDG_", "DBUS_")


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A secret in the environment: for `provider` under `alias`, out of `variables`."""

    provider: str
    alias: str
    kind: CredentialKind
    variables: tuple[str, ...]
    secret: ConnectionSecret = field(repr=False)


@dataclass(frozen=True, slots=True)
class FoundApplication:
    """An application's client id and secret in the environment."""

    provider: str
    client_id: str
    variables: tuple[str, ...]
    client_secret: str = field(repr=False)


def parse_env_file(text: str) -> dict[str, str]:
    """Return the variables of a .env file; what is not `NAME=value` is passed over, quotes around a value are taken off."""
    values = {}
    for line in text.splitlines():
        found = _LINE.match(line)
        if found and not line.lstrip().startswith("#"):
            name, value = found.groups()
            if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            values[name] = value
    return values


def find_keys(environ: Mapping[str, str]) -> list[FoundKey]:
    """Return the static secrets: `HUBSPOT_API_KEY`, `GITHUB_TOKEN`, `JIRA_USERNAME` with `JIRA_PASSWORD`, the AWS keys.

    Two underscores part an alias off: `HUBSPOT__EUROPE_API_KEY` is the account "europe" of hubspot.
    """
    found = []
    if environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY"):
        names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"]
        secret = ConnectionSecret(
            environ["AWS_SECRET_ACCESS_KEY"],
            environ["AWS_ACCESS_KEY_ID"],
            session_token=environ.get("AWS_SESSION_TOKEN", ""),
            region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION", ""),
        )
        found.append(FoundKey("aws", "default", "sigv4", tuple(name for name in names if environ.get(name)), secret))
    for name, value in sorted(environ.items()):
        if not value or name.startswith((*_NOT_PROVIDERS, "AWS_")):
            continue
        if name.endswith("_PASSWORD") and environ.get(user := name.removesuffix("_PASSWORD") + "_USERNAME"):
            provider, alias = _owner(name.removesuffix("_PASSWORD"))
            found.append(FoundKey(provider, alias, "basic", (user, name), ConnectionSecret(value, environ[user])))
            continue
        for ending, kind in _ENDINGS:
            if name.endswith(ending) and len(name) > len(ending):
                provider, alias = _owner(name.removesuffix(ending))
                found.append(FoundKey(provider, alias, kind, (name,), ConnectionSecret(value)))
                break
    return found


def find_applications(environ: Mapping[str, str]) -> list[FoundApplication]:
    """Return registrations at providers: `HUBSPOT_CLIENT_ID` with `HUBSPOT_CLIENT_SECRET`."""
    found = []
    for name, value in sorted(environ.items()):
        secret = name.removesuffix("_CLIENT_ID") + "_CLIENT_SECRET"
        if name.endswith("_CLIENT_ID") and value and environ.get(secret) and not name.startswith(_NOT_PROVIDERS):
            provider, _ = _owner(name.removesuffix("_CLIENT_ID"))
            found.append(FoundApplication(provider, value, (name, secret), environ[secret]))
    return found


def _owner(prefix: str) -> tuple[str, str]:
    provider, _, alias = prefix.partition("__")
    return provider.lower(), alias.lower() or "default"
