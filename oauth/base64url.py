"""base64url without padding (RFC 4648 §5, RFC 7515 §2), the one spelling of bytes in tokens, cursors and challenges."""

import base64


def encode(content: bytes) -> str:
    """Return `content` as base64url text without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes of base64url text, with or without its padding. Raises ValueError for any other character."""
    # Not strict, the decoder skips what is not of its alphabet, so that many texts would mean the same bytes.
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
