"""Pictures in events: base64 of megabytes, of which nobody needs more than that it is there."""

#: a text that is longer, and has no separator of JSON or escape behind its head, is a picture, a sound, a file
_LONG_BYTES = 64 * 1024
#: as much of it is left, which is more than the head of a `data:` URL
_HEAD_BYTES = 240
_MAX_QUOTES = 10_000


def without_pictures(data: bytes) -> bytes:
    """Return JSON whose pictures are cut to their heads; texts, numbers and what stands behind 10,000 quotes stay as they are."""
    if len(data) <= _LONG_BYTES:
        return data
    # What stands outside strings has separators, so it does not matter which part is which.
    return b'"'.join(part[:_HEAD_BYTES] if _is_picture(part) else part for part in data.split(b'"', _MAX_QUOTES))


def _is_picture(part: bytes) -> bool:
    return len(part) > _LONG_BYTES and all(part.find(mark, _HEAD_BYTES) < 0 for mark in b"\\,: }")
