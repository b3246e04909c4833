"""Security schemes of a document -> the file that `ascend provider add` takes, with what a person must look up said in it."""

from collections.abc import Iterator, Mapping

import yaml

from oauth.connections.provider import parse
from tools.operation import Json
from tools.text.urls import parts_of

MAX_SCOPES = 200
_HEAD = """\
# How accounts of {title} are connected; begun by `ascend provider scaffold` from what its OpenAPI document declares.
# What is marked `look up` no document says: read the vendor's own pages, and correct it here.
"""
_LOOK_UP = "look up: whether PKCE is taken, how the client proves itself, whether refresh tokens rotate, who the account is."


def provider_file(provider: str, title: str, schemes: Mapping[str, Json], docs: str = "") -> str | None:
    """Return the file, or None where the API asks for no account. It keeps to the schema of provider files. Raises ProviderInvalid."""
    content = next(_contents(schemes), None)
    if content is None:
        return None
    whole = {"id": provider, "title": title[:100], **_documented(docs), **content}
    parse(whole, {}, provider)
    return _HEAD.format(title=title) + yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=130)


def _documented(location: str) -> dict[str, Json]:
    """Return where the document is, without what of its address may be a secret; nothing for a file."""
    parts = parts_of(location)
    return {"docs": [f"https://{parts.hostname}{parts.path}"]} if parts.scheme == "https" and parts.hostname else {}


def _contents(schemes: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    """Yield what accounts may be, the one that serves best first: a person's consent, a machine's, a key."""
    kinds = [scheme for scheme in schemes.values() if isinstance(scheme, Mapping)]
    flows = [scheme["flows"] for scheme in kinds if scheme.get("type") == "oauth2" and isinstance(scheme.get("flows"), Mapping)]
    for flow in (each.get("authorizationCode") for each in flows):
        if isinstance(flow, Mapping) and _is_url(flow.get("authorizationUrl")) and _is_url(flow.get("tokenUrl")):
            yield _of_person(flow)
    for flow in (each.get("clientCredentials") for each in flows):
        if isinstance(flow, Mapping) and _is_url(flow.get("tokenUrl")):
            yield {"auth": "client_credentials", "notes": _LOOK_UP, "token_url": flow["tokenUrl"], "client_auth": "basic"}
    if any(scheme.get("type") == "http" and str(scheme.get("scheme", "")).lower() == "basic" for scheme in kinds):
        yield {"auth": "basic", "key_help": "look up: where a person finds the user name and the key."}
    if kinds:
        yield {"auth": "api_key", "key_help": "look up: where a person makes a key, and which rights it needs."}


def _of_person(flow: Mapping[str, Json]) -> dict[str, Json]:
    scopes = flow.get("scopes")
    words = {str(name): str(said)[:200] for name, said in list(scopes.items())[:MAX_SCOPES]} if isinstance(scopes, Mapping) else {}
    refresh_url = flow.get("refreshUrl")
    return {
        "auth": "oauth2",
        "notes": _LOOK_UP,
        "authorize_url": flow["authorizationUrl"],
        "token_url": flow["tokenUrl"],
        **({"refresh_url": refresh_url} if _is_url(refresh_url) and refresh_url != flow["tokenUrl"] else {}),
        "pkce": "S256",
        "client_auth": "basic",
        "default_scopes": [],
        **({"scope_words": words} if words else {}),
        "refresh": {"rotates": "sometimes", "lifetime_days": None},
        # A literal: every account is one until somebody says where the vendor tells who it is.
        "account": {"id": "'account'", "title": "'account'"},
    }


def _is_url(value: object) -> bool:
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        return False
    # In the file braces stand for what a registration fills in.
    return parts_of(value).scheme in ("http", "https") and not set("{}#") & set(value)
