"""How many unfinished things the authorization server keeps at once (docs/decisions/0022).

Above a quota whoever holds most loses their oldest: a flood costs the client or the person that floods, and never closes the door.
"""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class OAuthQuotas:
    """Counts. What is lost is answered as what has expired is, in the words of its own endpoint: start again."""

    #: of a tenant, held by clients; each lives for ten minutes
    authorization_requests: int = 10_000
    device_codes: int = 10_000
    #: of the gateway, held by clients, since a client pushes before a tenant is known
    pushed_requests: int = 5_000
    #: of a tenant, held by persons
    connect_flows: int = 5_000
    #: of a person; the one that was used least lately ends
    browser_sessions: int = 100

    def scaled(self, scale: float) -> "OAuthQuotas":
        """Return `scale` times as many of each, one at least."""
        return OAuthQuotas(**{each.name: max(1, round(getattr(self, each.name) * scale)) for each in fields(self)})
