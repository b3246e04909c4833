"""Whether an object is the one that we put: asked where an answer was lost, and what comes then says that one is there."""

import hashlib
from collections.abc import Sequence

from server.object_storage.errors import ObjectMissing
from server.object_storage.exchange import Exchange


def tag_of(body: bytes) -> str:
    """Return the ETag of an object that was put at once (S3 API reference, "Object": MD5, but where SSE-KMS or SSE-C seals it)."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def tag_of_parts(tags: Sequence[str]) -> str | None:
    """Return the ETag of an object of parts: the MD5 of theirs, and how many there are; None where theirs are no MD5s."""
    try:
        digests = b"".join(bytes.fromhex(tag.strip('"')) for tag in tags)
    except ValueError:
        return None
    return f"{tag_of(digests)}-{len(tags)}"


async def is_own(exchange: Exchange, key: str, size_bytes: int, tag: str | None) -> bool:
    """Say whether the object has this size and tag; in doubt, no. Raises StorageRefused, StorageUnavailable."""
    try:
        answer = await exchange.send("HEAD", key)
    except ObjectMissing:
        return False
    return answer.headers.get("Content-Length") == str(size_bytes) and answer.headers.get("ETag", "").strip('"') == tag
