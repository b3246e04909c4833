"""Sessions of the Salesforce stand-in: tokens that end with the session and do not say when."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from oauth.pkce import proves
from server.demo.salesforce.faults import SalesforceFaults
from server.demo.stand_ins.clock import StandInClock

CLIENT_ID = "ascend"
CODE_S = 600


class GrantRefused(Exception):
    """RFC 6749 §5.2, in Salesforce's errors."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


@dataclass(frozen=True, slots=True)
class _Code:
    redirect_uri: str
    challenge: str
    expires_at_s: float


class Sessions:
    """What the authorization server remembers, in memory."""

    def __init__(self, secret: str, clock: StandInClock, faults: SalesforceFaults) -> None:
        self._secret, self._clock, self._faults = secret, clock, faults
        self._codes: dict[str, _Code] = {}
        self._refresh: set[str] = set()
        #: hash of an access token -> when its session began
        self._sessions: dict[str, float] = {}
        self.refreshes = 0

    def allow(self, redirect_uri: str, challenge: str) -> str:
        """Return an authorization code."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(redirect_uri, challenge, self._clock.seconds + CODE_S)
        return code

    def grant(self, given: dict[str, str], instance_url: str) -> dict[str, Any]:
        """Answer the token endpoint. Raises GrantRefused."""
        if given.get("client_id") != CLIENT_ID:
            raise GrantRefused("invalid_client_id", "client identifier invalid")
        if not secrets.compare_digest(given.get("client_secret", "").encode(), self._secret.encode()):
            raise GrantRefused("invalid_client", "invalid client credentials")
        match given.get("grant_type"):
            case "authorization_code":
                code = self._codes.pop(given.get("code", ""), None)
                if code is None or code.expires_at_s < self._clock.seconds or code.redirect_uri != given.get("redirect_uri"):
                    raise GrantRefused("invalid_grant", "expired authorization code")
                if not proves(given.get("code_verifier", ""), code.challenge):
                    raise GrantRefused("invalid_grant", "invalid code verifier")
                return self._tokens(instance_url, self._new_refresh_token())
            case "refresh_token":
                return self._renewed(given.get("refresh_token", ""), instance_url)
            case "client_credentials":
                return self._tokens(instance_url, None)
        raise GrantRefused("unsupported_grant_type", "grant type not supported")

    def check(self, token: str) -> bool:
        """Say whether a token's session goes on; the fault `unauthorized` ends it."""
        begun = self._sessions.get(_digest(token))
        if begun is None or self._clock.seconds - begun >= self._faults.session_s:
            return False
        if self._faults.unauthorized > 0:
            self._faults.unauthorized -= 1
            del self._sessions[_digest(token)]
            return False
        return True

    def revoke(self, token: str) -> None:
        self._refresh.discard(token)
        self._sessions.pop(_digest(token), None)

    def _renewed(self, refresh_token: str, instance_url: str) -> dict[str, Any]:
        if refresh_token not in self._refresh:
            raise GrantRefused("invalid_grant", "expired access/refresh token")
        self.refreshes += 1
        if not self._faults.rotates:
            return self._tokens(instance_url, None)
        self._refresh.discard(refresh_token)
        return self._tokens(instance_url, self._new_refresh_token())

    def _new_refresh_token(self) -> str:
        token = "5Aep" + secrets.token_urlsafe(48)
        self._refresh.add(token)
        return token

    def _tokens(self, instance_url: str, refresh_token: str | None) -> dict[str, Any]:
        access_token = "00D5g00000DemoOrg!" + secrets.token_urlsafe(48)
        self._sessions[_digest(access_token)] = self._clock.seconds
        answer = {
            "access_token": access_token,
            "signature": secrets.token_urlsafe(24),
            "scope": "refresh_token openid api",
            "instance_url": instance_url,
            "id": f"{instance_url}/id/00D5g00000DemoOrgEAA/0055g00000DemoUsrAAA",
            "token_type": "Bearer",
            "issued_at": str(int(self._clock.now.timestamp() * 1000)),
        }
        return answer if refresh_token is None else answer | {"refresh_token": refresh_token}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
