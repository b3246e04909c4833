"""The configuration in force, in memory: every decision reads it, nobody waits for it."""

from dataclasses import replace

import anyio.to_thread

from tools.ai_gateway.configuration.build_config import build_config
from tools.ai_gateway.configuration.config import AiConfig
from tools.ai_gateway.configuration.versions import AiConfigStore


class LiveConfig:
    """Follows the store: `load` at start, `changed` for every piece of news of the change feed's topic "ai_config"."""

    def __init__(self, store: AiConfigStore) -> None:
        self._store = store
        self._current = build_config({})

    @property
    def current(self) -> AiConfig:
        """Return the whole configuration; who needs it twice for one request keeps what it got."""
        return self._current

    async def load(self) -> None:
        newest = await self._store.newest()
        config = await anyio.to_thread.run_sync(build_config, newest.document, newest.version)
        if holds := await self._store.holds():
            experiments = {
                name: replace(experiment, held=holds[name].why) if name in holds else experiment
                for name, experiment in config.experiments.items()
            }
            config = replace(config, experiments=experiments)
        self._current = config

    async def changed(self, _changes: object) -> None:
        await self.load()
