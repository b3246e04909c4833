"""Proof Key for Code Exchange, S256 only (RFC 7636, OAuth 2.1 §4.1.1)."""

import hashlib
import hmac
import re

from oauth import base64url

# RFC 7636 §4.2: base64url of 32 bytes without padding; anything else can be met by no verifier, or by many.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
# RFC 7636 §4.1: the length keeps out what could be guessed (§7.1), the alphabet two spellings of one verifier.
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def is_challenge(text: str) -> bool:
    """Say whether `text` can be the base64url SHA-256 of something: 43 characters, no padding."""
    return _CHALLENGE.fullmatch(text) is not None


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of `verifier` (RFC 7636 §4.2)."""
    return base64url.encode(hashlib.sha256(verifier.encode("ascii")).digest())


def proves(verifier: str, challenge: str) -> bool:
    """Say whether `verifier` is well-formed and belongs to `challenge`, in constant time."""
    # RFC 7636 §4.6. No `plain`: a verifier equal to its challenge fails here (§7.2).
    return _VERIFIER.fullmatch(verifier) is not None and hmac.compare_digest(challenge_of(verifier), challenge)
