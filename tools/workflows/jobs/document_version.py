"""Whether a document upstream is the one that was imported: by a conditional request, else by its hash."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import anyio
import anyio.to_thread

from tools.egress.client import MAX_BODY_BYTES, Egress, OutboundRequest
from tools.errors import EgressRefused, ToolError
from tools.operation import Json
from tools.sources.import_source import ACCEPT, path_of
from tools.stores import Source

#: not_looked_at: a file that is not on this machine. unknown: imported before versions were kept
VersionState = Literal["fresh", "changed", "gone", "unknown", "unreachable", "not_looked_at"]


@dataclass(frozen=True, slots=True)
class Version:
    """`detail`: what went wrong, in our words."""

    state: VersionState
    detail: str = ""


class DocumentVersions:
    """Looks by the guarded way out: an address that may not be called from here is not called, whoever imported it."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def look(self, source: Source) -> Version:
        """Compare the document with what was imported. Raises ToolError for what may pass by itself."""
        imported: Mapping[str, Json] = source.settings.get("document") or {}
        if not imported.get("sha256"):
            return Version("unknown")
        if not source.location.startswith(("http://", "https://")):
            return await _file(path_of(source.location), imported)
        conditions = [("If-None-Match", imported["etag"])] if imported.get("etag") else []
        if not conditions and imported.get("last_modified"):
            conditions = [("If-Modified-Since", imported["last_modified"])]
        try:
            answer = await self._egress.send(OutboundRequest("GET", source.location, (*ACCEPT, *conditions)))
        except EgressRefused:
            # Its own words have the whole address, which may hold a key.
            return Version("unreachable", "its address may not be called from here; allow it by ASCEND_EGRESS_ALLOW if it should")
        except ToolError as error:
            if error.failure.retryable:
                raise
            return Version("unreachable", error.failure.message)
        if answer.status == 304:
            return Version("fresh")
        if answer.status in (404, 410):
            return Version("gone", f"it answers {answer.status}")
        if answer.status != 200:
            return Version("unreachable", f"it answers {answer.status}")
        return await _compared(answer.body, imported)


async def _file(path: str, imported: Mapping[str, Json]) -> Version:
    file = anyio.Path(path)
    try:
        if (await file.stat()).st_size > MAX_BODY_BYTES:
            return Version("changed", "it is larger than what can be imported")
        return await _compared(await file.read_bytes(), imported)
    except (OSError, ValueError):
        # Imported on another machine, or long gone there: nobody waits for it.
        return Version("not_looked_at")


async def _compared(raw: bytes, imported: Mapping[str, Json]) -> Version:
    digest = await anyio.to_thread.run_sync(lambda: hashlib.sha256(raw).hexdigest())
    return Version("fresh" if digest == imported["sha256"] else "changed")
