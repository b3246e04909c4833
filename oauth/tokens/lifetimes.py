"""How long each thing of the authorization server lives, in seconds."""

from dataclasses import dataclass

DAY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """`refresh_grace_s` None: two minutes, or an hour for clients on the person's own machine, whose processes share one token
    and wake up late (facts in docs/guides/authorization.md)."""

    # RFC 6749 §4.1.2: ten minutes at most; it only has to survive one redirect
    code_s: float = 60
    # decision 0002: revocation works at once, so the hour is not what limits the harm
    access_token_s: float = 3600
    request_s: float = 600
    #: a form that is sent twice gets the same answer this long
    second_submit_s: float = 30
    # RFC 9700 §4.14.2: a token that was not used for long ends
    refresh_idle_s: float = 30 * DAY_S
    # and an end that no use moves
    grant_s: float = 180 * DAY_S
    refresh_grace_s: float | None = None
    # RFC 9126 §2.2: short, 5 to 600 seconds
    pushed_request_s: float = 90
    # RFC 8628 §5.1: short, since the user code is
    device_code_s: float = 600

    def grace_s(self, native: bool) -> float:
        """Return how long a rotated refresh token still gets its reply."""
        if self.refresh_grace_s is not None:
            return self.refresh_grace_s
        return 3600.0 if native else 120.0
