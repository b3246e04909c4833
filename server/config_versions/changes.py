"""Every way in which the configuration changes: a document, a version of old. Each makes a version that is checked whole."""

from collections.abc import Awaitable, Callable, Mapping

import anyio.to_thread

from server.config_versions.read_document import read_document
from server.config_versions.secret_references import references_in
from server.config_versions.versions import ConfigVersionStore
from tools.operation import Json
from tools.text.secrets_in_text import redact
from tools.versioned_documents.differences import differences
from tools.versioned_documents.faults import ConfigFault, ConfigInvalid
from tools.versioned_documents.versions import ConfigVersion, NoSuchVersion, VersionConflict

#: how often a change begins anew because somebody else's came first
MAX_ATTEMPTS = 8
#: of a change, as the audit trail keeps it
MAX_LINES_TOLD = 20


class ConfigChanges:
    """Changes what is in force. `has_secret`: whether the vault keeps one of a name, for `vault:NAME`."""

    def __init__(self, store: ConfigVersionStore, has_secret: Callable[[str], Awaitable[bool]]) -> None:
        self._store, self._has_secret = store, has_secret

    async def check(self, document: Json) -> dict[str, Json]:
        """Return the document as it would be kept. Raises ConfigInvalid with every fault."""
        checked = await anyio.to_thread.run_sync(read_document, document)
        faults = [
            ConfigFault(place, f"the vault has no secret {name!r}; put it there with `ascend vault put {name}`")
            for place, name in references_in(checked)
            if not await self._has_secret(name)
        ]
        if faults:
            raise ConfigInvalid(faults)
        return checked

    async def apply(self, document: Json, by: str, expected: int | None = None) -> ConfigVersion:
        """Put `document` in force; where it says what is in force anyway, that version stays.

        expected: the version that the writer has seen (None: whichever it is). Raises ConfigInvalid, VersionConflict.
        """
        checked = await self.check(document)
        attempts = MAX_ATTEMPTS
        while True:
            newest = await self._store.newest()
            if expected is not None and newest.version != expected:
                raise VersionConflict(newest.version)
            if newest.document == checked:
                return newest
            attempts -= 1
            try:
                # After this one and no other: what the audit trail is told are the differences from it.
                return await self._store.put(checked, by, newest.version, told_of(newest.document, checked))
            except VersionConflict:
                if expected is not None or not attempts:
                    raise

    async def roll_back(self, number: int, by: str, expected: int | None = None) -> ConfigVersion:
        """Put version `number` in force again, as the next version. Raises NoSuchVersion, ConfigInvalid, VersionConflict."""
        # Checked anew: a release may know rules that the one which took it did not, and a secret may be gone.
        return await self.apply((await self.kept(number)).document, by, expected)

    async def kept(self, number: int) -> ConfigVersion:
        """Return a version of before; 0 is the empty one. Raises NoSuchVersion."""
        wanted = ConfigVersion() if number == 0 else await self._store.version(number)
        if wanted is None:
            raise NoSuchVersion(number, (await self._store.newest()).version)
        return wanted


def told_of(old: Mapping[str, Json], new: Mapping[str, Json]) -> dict[str, str]:
    """Return what the audit trail keeps of a change: its lines. No secret got this far; what might be one is taken out all the same."""
    lines = differences(old, new)
    told = {f"change {number}": redact(line) for number, line in enumerate(lines[:MAX_LINES_TOLD], 1)}
    return {**told, "more changes": str(len(lines) - MAX_LINES_TOLD)} if len(lines) > MAX_LINES_TOLD else told
