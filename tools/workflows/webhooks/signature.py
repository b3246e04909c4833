"""Whether bytes were signed with a key that we have (HMAC, RFC 2104): one place for every scheme, in constant time, within the time that
is allowed (decision 0060)."""

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

#: how far the time of a signature may be from ours, both ways: five minutes, as Stripe, Slack and Standard Webhooks advise
TOLERANCE_S = 300
#: Senders that rotate send two; whoever sends more has us compute and compare for nothing.
MAX_SIGNATURES = 8
_HEX = re.compile(r"[0-9A-Fa-f]+")
_SECONDS = re.compile(r"[0-9]{1,11}")
_MILLISECONDS = re.compile(r"[0-9]{12,14}")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says of itself: that one of `signatures` is the HMAC of `message`, made at `signed_at_s` (None: it does not say)."""

    message: bytes = field(repr=False)
    signatures: tuple[bytes, ...]
    signed_at_s: int | None = None
    algorithm: str = "sha256"


def is_signed(claim: Claim, keys: Sequence[bytes], now_s: float) -> bool:
    """Say whether one of the keys made one of the signatures, not too long ago. Every pair is compared, whichever fits first."""
    found = False
    for key in keys:
        expected = hmac.digest(key, claim.message, claim.algorithm)
        for signature in claim.signatures[:MAX_SIGNATURES]:
            found |= hmac.compare_digest(expected, signature)
    # Afterwards, so that an old signature takes as long to refuse as a wrong one.
    return found and (claim.signed_at_s is None or is_timely(claim.signed_at_s, now_s))


def is_timely(at_s: float, now_s: float) -> bool:
    """Say whether a time is near enough to now."""
    return abs(now_s - at_s) <= TOLERANCE_S


def seconds_of(text: str | None) -> int | None:
    """Return the seconds since 1970 that a header says, in seconds or milliseconds; None for anything else, signs and exponents too."""
    if text is None:
        return None
    if _SECONDS.fullmatch(text):
        return int(text)
    return int(text) // 1000 if _MILLISECONDS.fullmatch(text) else None


def from_hex(text: str) -> bytes | None:
    """Return the bytes of hexadecimal digits; None for anything else."""
    return bytes.fromhex(text) if _HEX.fullmatch(text) and len(text) % 2 == 0 else None


def from_base64(text: str) -> bytes | None:
    """Return the bytes of base64 text; None for anything else."""
    try:
        # RFC 4648 §3.3: strict, or many texts would be one signature.
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
