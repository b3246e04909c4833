"""What the demo CRM's authorization server remembers: pending consents, codes, tokens; and the faults that a test can inject."""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from oauth.pkce import proves
from server.demo.kept_grants import KeptGrant, KeptGrants, digest

SCOPES = {"crm.read": "See contacts, companies, deals and notes", "crm.write": "Create, change and delete them"}
CODE_TTL_S = 60
CONSENT_TTL_S = 600


@dataclass(slots=True)
class Faults:
    """What goes wrong, set while the server runs. Numbers count down: that many answers are faulty."""

    token_delay_s: float = 0
    #: wait this long after the grant was changed: a caller that gives up never hears of it
    reply_delay_s: float = 0
    #: answers of the token endpoint that get lost after the grant was changed: the caller sees a 502
    lost_replies: int = 0
    too_many_requests: int = 0
    retry_after_s: int = 1
    unavailable: int = 0
    #: refuse every refresh with this error
    refresh_error: str | None = None
    #: how far this server's clock is ahead: tokens end sooner than `expires_in` says
    clock_ahead_s: float = 0
    omit_issuer: bool = False
    wrong_issuer: bool = False


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """An application that may ask for consent. Redirect URIs on loopback are accepted beside the registered ones (RFC 8252 §7.3)."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uris: tuple[str, ...] = ()
    title: str = "Ascend Gateway"


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    client: OAuthClient
    access_ttl_s: int = 1800
    #: a refresh gives a new refresh token and ends the old one; using an ended one ends the whole grant
    rotate: bool = True
    #: a rotated refresh token serves again for this long, as some providers allow against lost replies
    reuse_grace_s: float = 0


@dataclass(frozen=True, slots=True)
class DemoConsent:
    """An authorization request that waits for its person; only the browser that began it may answer."""

    consent_id: str
    browser: str
    redirect_uri: str
    scopes: frozenset[str]
    state: str | None
    code_challenge: str
    expires_at: float


@dataclass(slots=True)
class DemoGrant:
    """What an owner allowed. `ended`: revoked, or a rotated refresh token came back."""

    grant_id: str
    owner_id: str
    scopes: frozenset[str]
    #: "" after a restart, which remembers hashes only
    refresh_token: str = field(repr=False, default="")
    current: str = field(repr=False, default="")
    former: str = field(repr=False, default="")
    rotated_at: float = 0
    ended: bool = False
    refreshes: int = 0


class GrantRefused(Exception):
    """An OAuth error answer (RFC 6749 §5.2)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


class Grants:
    """All grants of one authorization server, in memory; with `kept` they outlive the process."""

    def __init__(self, settings: OAuthSettings, clock: Callable[[], float], faults: Faults, kept: KeptGrants | None = None) -> None:
        self.settings, self.faults = settings, faults
        self._clock, self._kept = clock, kept
        self._consents: dict[str, DemoConsent] = {}
        #: code -> (consent, owner_id, expires_at)
        self._codes: dict[str, tuple[DemoConsent, str, float]] = {}
        #: hash of an access token -> (grant, expires_at)
        self._access: dict[str, tuple[DemoGrant, float]] = {}
        #: hash of every refresh token that was ever given out -> its grant
        self._refresh: dict[str, DemoGrant] = {}
        #: refresh tokens that were used after their rotation: an account-losing mistake of the client
        self.reused: list[str] = []
        for each in kept.load() if kept else ():
            grant = DemoGrant(each.grant_id, each.owner_id, each.scopes, current=each.refresh[-1], ended=each.ended)
            grant.former, grant.rotated_at = each.former, each.rotated_at
            self._refresh |= dict.fromkeys(each.refresh, grant)
            self._access |= {token: (grant, expires_at) for token, expires_at in each.access.items()}

    def ask(self, browser: str, redirect_uri: str, scopes: frozenset[str], state: str | None, code_challenge: str) -> DemoConsent:
        """Remember an authorization request and return what the consent page shows."""
        expires_at = self._clock() + CONSENT_TTL_S
        consent = DemoConsent(secrets.token_urlsafe(24), browser, redirect_uri, scopes, state, code_challenge, expires_at)
        self._consents[consent.consent_id] = consent
        return consent

    def answered(self, consent_id: str, browser: str) -> DemoConsent | None:
        """Return the consent once, to the browser that began it."""
        consent = self._consents.pop(consent_id, None)
        if consent is None or consent.expires_at < self._clock() or not hmac.compare_digest(consent.browser, browser):
            return None
        return consent

    def allow(self, consent: DemoConsent, owner_id: str) -> str:
        """Return an authorization code for what the owner allowed."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = (consent, owner_id, self._clock() + CODE_TTL_S)
        return code

    def redeem(self, code: str, redirect_uri: str, code_verifier: str) -> dict[str, object]:
        """Turn a code into tokens, once (RFC 6749 §4.1.3, RFC 7636 §4.6)."""
        consent, owner_id, expires_at = self._codes.pop(code, (None, "", 0.0))
        if consent is None or expires_at < self._clock():
            raise GrantRefused("invalid_grant", "code is unknown, used or expired")
        if consent.redirect_uri != redirect_uri:
            raise GrantRefused("invalid_grant", "redirect_uri is not the one of the authorization request")
        if not proves(code_verifier, consent.code_challenge):
            raise GrantRefused("invalid_grant", "code_verifier does not match code_challenge")
        grant = DemoGrant(secrets.token_urlsafe(12), owner_id, consent.scopes)
        self._new_refresh_token(grant)
        return self._tokens(grant, told=grant.refresh_token)

    def refresh(self, refresh_token: str) -> dict[str, object]:
        """Turn a refresh token into new tokens (RFC 6749 §6); with rotation, a reused one ends the grant (RFC 9700 §4.14)."""
        if self.faults.refresh_error:
            raise GrantRefused(self.faults.refresh_error, "refused on request of a test")
        given = digest(refresh_token)
        grant = self._refresh.get(given)
        if grant is None or grant.ended:
            raise GrantRefused("invalid_grant", "refresh token is unknown or revoked")
        in_grace = given == grant.former and self._clock() - grant.rotated_at < self.settings.reuse_grace_s
        if given != grant.current and not in_grace:
            self.reused.append(refresh_token)
            grant.ended = True
            self._keep()
            raise GrantRefused("invalid_grant", "refresh token was used before; the grant is revoked")
        grant.refreshes += 1
        # A reply that got lost is given again, which takes the token itself: after a restart only its hash is known.
        if self.settings.rotate and (not in_grace or not grant.refresh_token):
            grant.former, grant.rotated_at = given, self._clock()
            self._new_refresh_token(grant)
        return self._tokens(grant, told=grant.refresh_token if self.settings.rotate else None)

    def revoke(self, token: str) -> None:
        """End the grant that `token` belongs to; an unknown token is no error (RFC 7009 §2.2)."""
        access = self._access.get(digest(token))
        grant = access[0] if access else self._refresh.get(digest(token))
        if grant is not None:
            grant.ended = True
            self._keep()

    def check(self, access_token: str) -> DemoGrant | None:
        """Return the grant of a living access token."""
        grant, expires_at = self._access.get(digest(access_token), (None, 0.0))
        if grant is None or grant.ended or expires_at <= self._clock() + self.faults.clock_ahead_s:
            return None
        return grant

    def adopt(self, grant: DemoGrant) -> None:
        """Know a grant that was made elsewhere: tests and benchmarks start from many."""
        self._new_refresh_token(grant)

    def all(self) -> list[DemoGrant]:
        """Return every grant, ended ones too, in the order they were made."""
        return list({id(grant): grant for grant in self._refresh.values()}.values())

    def _new_refresh_token(self, grant: DemoGrant) -> None:
        grant.refresh_token = "crt_" + secrets.token_urlsafe(32)
        grant.current = digest(grant.refresh_token)
        self._refresh[grant.current] = grant

    def _tokens(self, grant: DemoGrant, told: str | None) -> dict[str, object]:
        access_token = "cat_" + secrets.token_urlsafe(32)
        ttl = self.settings.access_ttl_s
        self._access[digest(access_token)] = (grant, self._clock() + ttl)
        self._keep()
        answer: dict[str, object] = {"access_token": access_token, "token_type": "Bearer", "expires_in": ttl}
        answer["scope"] = " ".join(sorted(grant.scopes))
        return answer | ({"refresh_token": told} if told else {})

    def _keep(self) -> None:
        if self._kept is None:
            return
        kept = []
        for grant in self.all():
            refresh = [token for token, owner in self._refresh.items() if owner is grant]
            access = {token: at for token, (owner, at) in self._access.items() if owner is grant and at > self._clock()}
            kept.append(
                KeptGrant(grant.grant_id, grant.owner_id, grant.scopes, refresh, access, grant.former, grant.rotated_at, grant.ended)
            )
        self._kept.save(kept)
