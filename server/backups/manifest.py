"""What a backup says of itself: what it holds, from when, and how to tell that it is whole."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import orjson

FORMAT = 1
NAME = "manifest.json"
MAX_BYTES = 4 * 1024 * 1024


class ManifestUnreadable(ValueError):
    """The archive begins with no manifest that this version can read."""


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`tables`: rows by table of each store, by member name. `made_at`: RFC 3339, UTC. `store`: sqlite or postgresql."""

    made_at: str
    environment: str
    version: str
    revision: str
    history_revision: str
    store: str
    is_lean: bool
    members: tuple[Member, ...]
    tables: Mapping[str, Mapping[str, int]]
    format: int = FORMAT

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)


def read_manifest(body: bytes) -> Manifest:
    """Read a manifest. Raises ManifestUnreadable."""
    try:
        found = orjson.loads(body)
        if found["format"] != FORMAT:
            raise ManifestUnreadable(
                f"the backup has format {found['format']}, and this version knows {FORMAT}: restore it with a newer one"
            )
        members = tuple(Member(each["name"], int(each["bytes"]), each["sha256"]) for each in found.pop("members"))
        return Manifest(members=members, **found)
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, ManifestUnreadable):
            raise
        raise ManifestUnreadable("the backup begins with no manifest") from error
