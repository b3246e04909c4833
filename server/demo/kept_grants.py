"""The demo CRM's grants in a file, so that a connected account outlives a restart; tokens are kept as hashes."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


def digest(token: str) -> str:
    """Return what is remembered of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class KeptGrant:
    """`refresh`: hashes of all refresh tokens, the current one last; `access`: hash of an access token -> expires_at."""

    grant_id: str
    owner_id: str
    scopes: frozenset[str]
    refresh: Sequence[str]
    access: dict[str, float]
    #: hash of the refresh token before the current one, and when that was replaced
    former: str
    rotated_at: float
    ended: bool


class KeptGrants:
    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> list[KeptGrant]:
        """Return what the last start left; a file that is missing or damaged left nothing, and accounts are connected again."""
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            return [KeptGrant(**{**row, "scopes": frozenset(row["scopes"])}) for row in rows if row["refresh"]]
        except (OSError, ValueError, TypeError, KeyError):
            return []

    def save(self, grants: Sequence[KeptGrant]) -> None:
        """Replace the file in one step: after a crash there is the old or the new one."""
        rows = [{**asdict(grant), "scopes": sorted(grant.scopes)} for grant in grants]
        new = self._path.with_suffix(".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(rows, file)
        new.replace(self._path)
