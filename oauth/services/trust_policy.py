"""A trust policy: which workloads of a platform may administer, by exact claims of what the platform signs about them (RFC 8693).

Names can be given up and taken by others, and patterns fit what nobody thought of: claims are compared whole, and those of GitHub by id.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from oauth.administration.errors import MachineRefused
from oauth.administration.roles import Role
from oauth.jwt import is_for
from oauth.services.machine import Machine, check_name
from oauth.services.service_principal import check_address
from oauth.tokens.formats import new_id

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
#: issuer -> groups of claims; a policy names one of each group, or anybody's workload there could fit it
_NEEDED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    GITHUB: (("repository_id",), ("repository_owner_id",), ("environment", "ref", "job_workflow_ref")),
    GITLAB: (("project_id",), ("namespace_id",), ("environment", "ref", "ci_config_ref_uri")),
}
#: what the exchange itself looks at; a policy that names them would say nothing
_OF_THE_TOKEN = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})
#: of GitHub: runs that strangers can start; only for a policy that names the event
_EVENT, _OF_STRANGERS = "event_name", "pull_request"
MAX_CLAIMS = 20
MAX_CHARS = 500
#: of one issuer's keys, in the policies of one tenant: each may be asked when anybody shows a statement
MAX_KEY_ADDRESSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPolicy(Machine):
    """Whoever holds a token of `issuer` for `audience` with exactly these `claims` has the role."""

    issuer: str
    jwks_uri: str
    audience: str
    claims: Mapping[str, str] = field(default_factory=dict)

    def refusals(self, claims: Mapping[str, object]) -> list[str]:
        """Return why a verified token of the issuer does not fit; none: it fits."""
        found = []
        # RFC 8725 §3.9: the one audience and no other, or whoever else it is for could use it here.
        if not is_for(claims.get("aud"), frozenset({self.audience})):
            found.append(f"aud is not {self.audience!r} alone")
        found += [f"{name} is not {wanted!r}" for name, wanted in sorted(self.claims.items()) if _text_of(claims.get(name)) != wanted]
        event = claims.get(_EVENT)
        if _EVENT not in self.claims and isinstance(event, str) and event.startswith(_OF_STRANGERS):
            found.append(f"{_EVENT} is {event!r}, and the policy does not name it")
        return found


def new_policy(
    name: str,
    *,
    tenant_id: str,
    role: Role,
    reaches_gateway: bool,
    issuer: str,
    jwks_uri: str,
    audience: str,
    claims: Mapping[str, str],
    by: str,
) -> TrustPolicy:
    """Return a policy. Raises MachineRefused where it says so little that others could fit it."""
    check_address("issuer", issuer)
    check_address("jwks", jwks_uri)
    if not audience or len(audience) > MAX_CHARS or not audience.isprintable():
        raise MachineRefused("audience: name the one that the platform puts into its tokens")
    if not 0 < len(claims) <= MAX_CLAIMS:
        raise MachineRefused(f"claims: give 1 to {MAX_CLAIMS}, like repository_id=1234")
    for claim, value in claims.items():
        if claim in _OF_THE_TOKEN or not claim.isprintable() or not 0 < len(claim) <= MAX_CHARS:
            raise MachineRefused(f"claims: {claim[:80]!r} cannot be named; it is checked of every token")
        if not value or len(value) > MAX_CHARS or not value.isprintable():
            raise MachineRefused(f"claims: {claim} needs a value")
        # No claim of a platform has them in it, and whoever writes one means a pattern.
        if "*" in value or "?" in value:
            raise MachineRefused(f"claims: {claim} is compared whole; wildcards fit what nobody thought of")
    for group in _NEEDED.get(issuer, ()):
        if not claims.keys() & set(group):
            raise MachineRefused(f"claims: name {' or '.join(group)}, or workloads of others could fit")
    return TrustPolicy(
        machine_id=new_id("trust"),
        tenant_id=tenant_id,
        name=check_name(name),
        role=role,
        reaches_gateway=reaches_gateway,
        created_at=time.time(),
        created_by=by,
        issuer=issuer,
        jwks_uri=jwks_uri,
        audience=audience,
        claims=dict(claims),
    )


def _text_of(value: object) -> str | None:
    """Return a claim as a policy writes it; lists and objects fit nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None
