"""Put a credential into a request the way the operation's security schemes ask for it."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import orjson

from oauth.connections.credentials import Credential, CredentialKind
from tools.operation import Json

MASK = "***"


@dataclass(frozen=True, slots=True)
class AuthParameters:
    """What a credential adds to a request: headers, query pairs, cookies and form fields."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    query: list[tuple[str, str]] = field(default_factory=list)
    cookies: list[tuple[str, str]] = field(default_factory=list)
    form: dict[str, str] = field(default_factory=dict)


NO_AUTH_PARAMETERS = AuthParameters()
#: stands in for the credential where a request is only shown
MASKED = Credential(kind="bearer", secret=MASK, username=MASK)


def masked(binding: Mapping[str, Json], kind: CredentialKind | None) -> Credential:
    """Return what stands in for an account of `kind` (None: of the first that the operation takes), so that it shows as it is sent."""
    alternatives: Sequence[Sequence[Mapping[str, Json]]] = binding.get("security", ())
    return replace(MASKED, kind=kind or (alternatives[0][0]["kind"] if alternatives else "bearer"))


def auth_parameters_of(binding: Mapping[str, Json], credential: Credential) -> AuthParameters:
    """Return what `credential` adds; of several alternatives the first that fits its kind."""
    proofs = AuthParameters()
    alternatives: Sequence[Sequence[Mapping[str, Json]]] = binding.get("security", ())
    schemes = next((schemes for schemes in alternatives if any(scheme["kind"] == credential.kind for scheme in schemes)), None)
    if schemes is None:
        schemes = alternatives[0] if alternatives else [{"scheme": "", "kind": credential.kind, "prefix": "Bearer"}]
    parameters: Sequence[Mapping[str, Json]] = binding.get("credential_parameters", ())
    secret_by_scheme = _several(credential.secret)
    for scheme in _each_once(schemes) if len(schemes) > 1 else schemes:
        _prove(scheme, credential, str(secret_by_scheme.get(scheme["scheme"], credential.secret)), proofs)
    for parameter in parameters:
        _fill(parameter, str(secret_by_scheme.get(parameter["name"], credential.secret)), proofs)
    return proofs


def _each_once(schemes: Sequence[Mapping[str, Json]]) -> Iterable[Mapping[str, Json]]:
    """Return schemes without those that put the same thing in the same place: documents define one key several times."""
    return {(scheme["kind"], scheme.get("in"), str(scheme.get("name")).lower()): scheme for scheme in reversed(schemes)}.values()


def _prove(scheme: Mapping[str, Json], credential: Credential, secret: str, proofs: AuthParameters) -> None:
    if scheme["kind"] == "api_key":
        name, place = scheme["name"], scheme["in"]
        if place == "query":
            proofs.query.append((name, secret))
        elif place == "cookie":
            proofs.cookies.append((name, secret))
        else:
            is_token = name.lower() == "authorization" and credential.kind == "bearer"
            prefix = "Bearer " if is_token else str(scheme.get("prefix", ""))
            # Whoever keeps the key with its prefix means it once.
            proofs.headers.append((name, secret if not is_token and prefix and secret.startswith(prefix) else f"{prefix}{secret}"))
    elif scheme["kind"] == "basic" or credential.kind == "basic":
        # A lone key is the user name with an empty password, as payment APIs have it.
        user, password = (credential.username, secret) if credential.username else (secret, "")
        pair = _pair(user, password) if secret != MASK else MASK
        proofs.headers.append(("Authorization", f"Basic {pair}"))
    else:
        proofs.headers.append(("Authorization", f"{scheme.get('prefix', 'Bearer')} {secret}"))


def _pair(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _fill(parameter: Mapping[str, Json], secret: str, proofs: AuthParameters) -> None:
    """Fill a required parameter through which a document passes the token beside its security scheme, or that is the scheme's own."""
    name, place = parameter["name"], parameter["in"]
    if place == "form":
        proofs.form[name] = secret
        return
    pairs = {"query": proofs.query, "cookie": proofs.cookies, "header": proofs.headers}[place]
    if name.lower() not in {taken.lower() for taken, _ in pairs}:
        pairs.append((name, secret))


def _several(secret: str) -> Mapping[str, Json]:
    """Return the secrets by scheme where schemes are combined and the secret is a JSON object of them."""
    if not secret.startswith("{"):
        return {}
    try:
        parsed = orjson.loads(secret)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
