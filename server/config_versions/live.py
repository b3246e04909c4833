"""The configuration in force, in memory: whoever acts by it reads it there, and nobody waits for it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from server.config_versions.config import Config, sections
from server.config_versions.read_document import section_of
from server.config_versions.versions import ConfigVersionStore
from tools.operation import Json
from tools.versioned_documents.faults import place_of

log = logging.getLogger("ascend")


def taken_of(document: Mapping[str, Json], otherwise: Config) -> tuple[Config, dict[str, list[str]]]:
    """Return what this release takes of a document, and what is wrong with the sections that it does not: those are as in `otherwise`.

    What a document leaves out is built in.
    """
    values: dict[str, Any] = {}
    refused: dict[str, list[str]] = {}
    for name, value in document.items():
        if name not in sections():
            refused[name] = [f"{place_of([name])}: no such section in this release"]
            continue
        section, faults = section_of(name, value)
        values[name] = getattr(otherwise, name) if faults else section
        if faults:
            refused[name] = [str(fault) for fault in faults]
    return Config(**values), refused


async def config_in(store: ConfigVersionStore) -> Config:
    """Return what is in force, for whoever needs it once."""
    live = LiveConfig(store)
    await live.load()
    return live.current


class LiveConfig:
    """Follows the store: `load` at start, `changed` for every piece of news of the change feed's topic "config"."""

    def __init__(self, store: ConfigVersionStore) -> None:
        self._store = store
        self._current = Config()
        self._version = 0
        self._refused: dict[str, list[str]] = {}
        self._followers: list[Callable[[Config], None]] = []

    @property
    def current(self) -> Config:
        """Return the whole configuration; who needs it twice for one thing keeps what it got."""
        return self._current

    @property
    def version(self) -> int:
        """Return which version `current` is; 0 before anybody applied one."""
        return self._version

    @property
    def refused(self) -> Mapping[str, Sequence[str]]:
        """Return what is wrong with the sections of this version that this release does not take."""
        return self._refused

    def follow(self, follower: Callable[[Config], None]) -> None:
        """Call `follower` with what is in force now, and with what comes after: for whoever keeps something that follows from it."""
        self._followers.append(follower)
        follower(self._current)

    async def load(self) -> None:
        """Take over the newest version.

        What another release applied may break a rule of this one: then the section that does is as it was, and the log says so. A
        gateway that would not start for it could not be helped by a configuration either.
        """
        newest = await self._store.newest()
        if newest.version < self._version:
            return  # Another look has seen more: numbers only grow.
        config, self._refused = taken_of(newest.document, self._current)
        for name, faults in self._refused.items():
            facts = {"section": name[:60], "version": newest.version, "faults": faults[:5]}
            log.error("config_section_not_taken_over", extra={"facts": facts})
        self._current, self._version = config, newest.version
        for follower in self._followers:
            follower(self._current)

    async def changed(self, _changes: object) -> None:
        await self.load()
