"""A JSON object that is kept as text until somebody reads it: a catalogue of 20,000 operations fits into memory."""

from collections.abc import Iterator, Mapping

import orjson

from tools.operation import Json
from tools.weighed_cache import WeighedCache, weight_of_json

#: Objects that are in use right now stay decoded, up to so much of memory; a decoded schema takes five times the room of its text.
MAX_DECODED_BYTES = 24 * 1024 * 1024


class LazyJson(Mapping[str, Json]):
    """Read like a dict, equal to the dict of the same content."""

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        self.text = text

    def __getitem__(self, key: str) -> Json:
        return _decoded(self.text)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(_decoded(self.text))

    def __len__(self) -> int:
        return len(_decoded(self.text))

    def get(self, key: str, default: Json = None) -> Json:
        """Return a member, or `default`."""
        return _decoded(self.text).get(key, default)

    def whole(self) -> dict[str, Json]:
        """Return the object itself, for libraries that take nothing but a dict. It is shared: do not change it."""
        return _decoded(self.text)

    def __repr__(self) -> str:
        return f"LazyJson({len(self.text)} bytes)"

    def __deepcopy__(self, memo: object) -> "LazyJson":
        return self


def plain(value: Mapping[str, Json]) -> dict[str, Json]:
    """Return an object as a dict, whichever way it is kept."""
    return value.whole() if isinstance(value, LazyJson) else dict(value)


_known = WeighedCache[bytes, dict[str, Json]](MAX_DECODED_BYTES)


def _decoded(text: bytes) -> dict[str, Json]:
    known = _known.get(text)
    if known is None:
        known = orjson.loads(text)
        _known.put(text, known, weight_of_json(text))
    return known
