"""What our tokens look like: a prefix that names the kind, then 256 random bits; at rest only their SHA-256 is kept."""

import hashlib
import re
import secrets
from typing import Literal

Kind = Literal["at", "rt", "ac", "rat", "st", "dc", "cs", "ak"]

#: asc_at_ access token, asc_rt_ refresh token, asc_ac_ authorization code, asc_rat_ registration access token,
#: asc_st_ static token, asc_dc_ device code, asc_cs_ client secret, asc_ak_ caller's key of the AI gateway
_SHAPE = re.compile(r"asc_(?:at|rt|ac|rat|st|dc|cs|ak)_[A-Za-z0-9_-]{43}")


def new_token(kind: Kind) -> str:
    """Return a fresh token: 43 base64url characters after the prefix, which secret scanners can look for."""
    # RFC 6749 §10.10: guessing must succeed with 2^-128 at most; this is 2^-256.
    return f"asc_{kind}_{secrets.token_urlsafe(32)}"


def is_token(kind: Kind, text: str) -> bool:
    """Say whether `text` has the shape of a token of `kind`; nothing else is worth hashing."""
    # One kind for one purpose: a refresh token is not an access token, a code is not a refresh token (RFC 6749 §1.5).
    return text.startswith(f"asc_{kind}_") and _SHAPE.fullmatch(text) is not None


def hash_token(token: str) -> bytes:
    """Return what is stored in place of `token`: 256 random bits need no slow hash."""
    # RFC 6819 §5.1.4.1.3: who reads the store has no token. A slow hash is for passwords, which can be guessed.
    return hashlib.sha256(token.encode()).digest()


def new_handle() -> str:
    """Return 256 random bits for ids that are secrets in themselves but no tokens (authorization requests)."""
    return secrets.token_urlsafe(32)


def new_id(prefix: str) -> str:
    """Return a random public id, like `grant_…`."""
    return f"{prefix}_{secrets.token_urlsafe(16)}"
