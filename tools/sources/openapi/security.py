"""Security schemes of a document -> what a connection must prove, in the alternatives that an operation allows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tools.operation import Json
from tools.plain_text import has_unseen
from tools.sources.openapi.document import BrokenReference, OpenApiDocument

#: what stands before a key where a description shows how it is sent: `Token token=<API_KEY>`, "Bot <token>", `Authorization: Key {key}`
_STATED = re.compile(
    r"""[`"'](?:[A-Za-z][\w-]{0,40}:[ ]?)?([A-Za-z][\w-]{0,30}(?:[ ][A-Za-z][\w-]{0,20})?[ =])"""
    r"""(?:<[^<>`\n]{1,60}>|\{[^{}`\n]{1,60}\}|\[[^][`\n]{1,60}\])[`"']"""
)
_MAX_LOOKED_AT = 2_000


@dataclass(frozen=True, slots=True)
class Security:
    """`alternatives`: any one of them suffices, all schemes of one together: [[{scheme, kind, in?, name?}]]."""

    alternatives: list[list[dict[str, Json]]]
    scopes: frozenset[str]
    #: anonymous calls are allowed too
    is_optional: bool

    @property
    def is_required(self) -> bool:
        return bool(self.alternatives) and not self.is_optional

    @property
    def proven(self) -> frozenset[tuple[str, str]]:
        """What the connection puts into the request by a name of its own: (place, name in lower case)."""
        keys = [proof for together in self.alternatives for proof in together if proof["kind"] == "api_key"]
        return frozenset((proof["in"], proof["name"].lower()) for proof in keys)


def security_of(document: OpenApiDocument, operation: Mapping[str, Json]) -> Security:
    """Return what an operation asks for; the document's own `security` where the operation says nothing."""
    required = operation.get("security", document.root.get("security"))
    schemes = schemes_of(document)
    alternatives: list[list[dict[str, Json]]] = []
    scopes: frozenset[str] | None = None
    is_optional = False
    for requirement in required if isinstance(required, list) else []:
        if not isinstance(requirement, Mapping):
            continue
        if not requirement:
            is_optional = True
            continue
        # A scheme that is named and never defined: the token goes where tokens go.
        proofs = [proof_of(name, schemes.get(name, {"type": "http"})) for name in requirement]
        usable = [proof for proof in proofs if proof is not None]
        if len(usable) < len(requirement):
            continue
        alternatives.append(usable)
        if scopes is None:
            scopes = frozenset(
                scope
                for name, named in requirement.items()
                if isinstance(named, list) and _has_scopes(schemes.get(name, {}))
                for scope in named
                if isinstance(scope, str) and not has_unseen(scope)
            )
    return Security(alternatives, scopes or frozenset(), is_optional)


def schemes_of(document: OpenApiDocument) -> dict[str, Mapping[str, Json]]:
    """Return the document's security schemes by name, references resolved."""
    components = document.root.get("components")
    named = components.get("securitySchemes") if isinstance(components, Mapping) else None
    schemes = {}
    for name, scheme in named.items() if isinstance(named, Mapping) else ():
        try:
            resolved = document.resolve(scheme)
        except BrokenReference:
            continue
        if isinstance(resolved, Mapping):
            schemes[name] = resolved
    return schemes


def proof_of(name: str, scheme: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return how one scheme is proven in a request, or None for a kind that a credential cannot prove (mutualTLS)."""
    kind = str(scheme.get("type"))
    if kind == "apiKey" and scheme.get("in") in ("header", "query", "cookie") and scheme.get("name"):
        proof: dict[str, Json] = {"scheme": name, "kind": "api_key", "in": scheme["in"], "name": str(scheme["name"])}
        if scheme["in"] == "header" and (prefix := prefix_of(scheme)):
            proof["prefix"] = prefix
        return proof
    if kind == "http":
        how = str(scheme.get("scheme", "")).lower()
        if how == "basic":
            return {"scheme": name, "kind": "basic"}
        return {"scheme": name, "kind": "bearer", "prefix": "Bearer" if how in ("", "bearer") else str(scheme["scheme"])}
    if kind in ("oauth2", "openIdConnect"):
        return {"scheme": name, "kind": "bearer", "prefix": "Bearer"}
    return None


def prefix_of(scheme: Mapping[str, Json]) -> str:
    """Return what a header has before the key: `x-key-prefix` (an overlay's word), else what the description shows; "" mostly."""
    told = scheme.get("x-key-prefix")
    if isinstance(told, str):
        return told
    description = scheme.get("description")
    found = _STATED.search(description[:_MAX_LOOKED_AT]) if isinstance(description, str) else None
    return found[1] if found else ""


def _has_scopes(scheme: Mapping[str, Json]) -> bool:
    return scheme.get("type") in ("oauth2", "openIdConnect")
