"""Who calls, by a token that somebody else signed: verified by the issuer's keys, and told to backends as X-User-… fields."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from oauth.errors import AssertionRefused, FetchRefused, RegistrationRefused
from oauth.jwt import JwksCache, check_times, decode, unverified
from server.config_versions.sections.edge import EdgeRoute
from server.edge.incoming import Incoming
from server.edge.rate_windows import RateWindows
from server.edge.refusals import EdgeRefused
from tools.egress.relay_answer import Fields

#: a verified token is not verified again for so long: a signature costs more than everything else here
REMEMBERED_S: Final = 60.0
MAX_REMEMBERED: Final = 10_000
MAX_VALUE_CHARS: Final = 1_000
#: how long a token is good is the issuer's affair; but `exp` is a time
MAX_LIFETIME_S: Final = 1e15
#: RFC 8725 §3.11: tokens of these types are for APIs; an issuer signs others with the same keys (logout, security events)
_TYPES: Final = frozenset({"", "jwt", "at+jwt", "application/at+jwt", "application/jwt"})
#: what a field may hold as it is
_PLAIN: Final = "".join(map(chr, range(0x20, 0x7F)))

Claims = Mapping[str, object]


class UserTokens:
    """Verifies; keys come from each route's `jwks_uri` over the guarded way out, and are kept for five minutes."""

    def __init__(self, keys: JwksCache, limits: RateWindows, clock: Callable[[], float] = time.time) -> None:
        self._keys, self._limits, self._clock = keys, limits, clock
        #: what a token was verified for -> its claims, its end, and until when that is believed
        self._verified: OrderedDict[tuple[object, ...], tuple[Claims, float, float]] = OrderedDict()

    async def identify(self, route: EdgeRoute, request: Incoming) -> None:
        """Put into `request` who calls.

        Raises EdgeRefused: 401 for no token where one is required, and for one that is no good; 429 for many.
        """
        if route.auth == "none":
            return
        given = [value for name, value in request.headers if name == b"authorization"]
        if not given and route.auth == "optional":
            return
        scheme, _, token = given[0].decode("latin-1").partition(" ") if len(given) == 1 else ("", "", "")
        if not given or scheme.lower() != "bearer":
            # RFC 6750 §3.1: no error code where nothing was tried.
            raise EdgeRefused(401, "unauthorized", "this address takes a bearer token", {"www-authenticate": "Bearer"})
        claims, request.expires_at = await self._claims(route, token.strip(), request)
        request.user_id = f"{route.issuer} {claims['sub']}"
        request.subject = f"edge:{claims['sub']}"
        plan = claims.get("plan")
        request.plan = plan if isinstance(plan, str) else ""
        request.user = user_fields(claims, route.claims)

    async def _claims(self, route: EdgeRoute, token: str, request: Incoming) -> tuple[Claims, float]:
        now = self._clock()
        place = (route.issuer, route.audience, route.jwks_uri, route.algorithms, hashlib.sha256(token.encode()).digest())
        known = self._verified.get(place)
        if known is not None and now < known[2]:
            return known[:2]
        self._limits.refuse_guesses(request)
        try:
            claims, expires_at = await self._verify(route, token, now)
        except (FetchRefused, RegistrationRefused) as error:
            said = "the keys that would prove this token cannot be read at present"
            raise EdgeRefused(503, "keys_unavailable", said, {"retry-after": "5"}) from error
        except AssertionRefused as error:
            self._limits.count_guess(request)
            said = "the token is not valid here: not signed by the issuer, for somebody else, or expired"
            raise EdgeRefused(401, "invalid_token", said, {"www-authenticate": 'Bearer error="invalid_token"'}) from error
        self._verified[place] = claims, expires_at, min(expires_at, now + REMEMBERED_S)
        if len(self._verified) > MAX_REMEMBERED:
            self._verified.popitem(last=False)
        return claims, expires_at

    async def _verify(self, route: EdgeRoute, token: str, now: float) -> tuple[Claims, float]:
        # RFC 8725 §3.1, §3.10: what is read here chooses the key and decides nothing; `jku`, `jwk` and `x5u` are the sender's word.
        header, _claimed = unverified(token)
        if header.get("alg") not in route.algorithms or str(header.get("typ", "")).lower() not in _TYPES:
            raise AssertionRefused("alg or typ is none that this route takes")
        key_id = header.get("kid")
        keys = await self._keys.keys("", route.jwks_uri, wanted_key_id=key_id if isinstance(key_id, str) else None)
        claims = decode(token, keys, route.algorithms).claims
        audience, subject = claims.get("aud"), claims.get("sub")
        # RFC 7519 §4.1.1, §4.1.3: exactly; one of several audiences may be us.
        if claims.get("iss") != route.issuer or route.audience not in (audience if isinstance(audience, list) else [audience]):
            raise AssertionRefused("iss or aud is another")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise AssertionRefused("sub is missing or too long")
        # RFC 7519 §4.1.2 has any string; half a character is no text, a zero is none to stores, and blanks at its ends are lost in a field.
        if not subject.isprintable() or subject != subject.strip():
            raise AssertionRefused("sub is no printable text")
        return claims, check_times(claims, now, max_lifetime_s=MAX_LIFETIME_S)


def user_fields(claims: Claims, names: tuple[str, ...]) -> Fields:
    """Return claims as fields: `sub` as X-User-Id, others by their names. What is no text, number or list of texts is left out.

    So is what has half a character. Characters that a field cannot hold are written as UTF-8 with percent signs, and then so is the
    percent sign.
    """
    fields = []
    for name in names:
        if (text := _text_of(claims.get(name))) is None or len(text) > MAX_VALUE_CHARS:
            continue
        # RFC 9110 §5.5: a line break in a claim would begin a field of its own.
        if not (text.isascii() and text.isprintable()):
            try:
                text = quote(text, safe=_PLAIN.replace("%", ""))
            except UnicodeEncodeError:
                continue
        fields.append((b"x-user-" + ("id" if name == "sub" else name.lower().replace("_", "-")).encode(), text.strip().encode()))
    return fields


def _text_of(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return None
