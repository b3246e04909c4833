"""The configuration in force, in memory: every decision reads it, nobody waits for it."""

from dataclasses import replace

import anyio
import anyio.to_thread

from tools.ai_gateway.configuration.build_config import build_config
from tools.ai_gateway.configuration.config import AiConfig, Experiment
from tools.ai_gateway.configuration.rollout import at_step, rollout_of
from tools.ai_gateway.configuration.versions import AiConfigStore, ExperimentHold, RolloutStep


class LiveConfig:
    """Follows the store: `load` at start, `changed` for every piece of news of the change feed's topic "ai_config"."""

    def __init__(self, store: AiConfigStore) -> None:
        self._store = store
        self._current = build_config({})
        self._loading = anyio.Lock()

    @property
    def current(self) -> AiConfig:
        """Return the whole configuration; who needs it twice for one request keeps what it got."""
        return self._current

    async def load(self) -> None:
        """Take over what is newest. Loads wait for one another: what was read earlier never replaces what was read later."""
        async with self._loading:
            self._current = await self._newest()

    async def _newest(self) -> AiConfig:
        newest = await self._store.newest()
        config = await anyio.to_thread.run_sync(build_config, newest.document, newest.version)
        if config.experiments:
            holds, steps = await self._store.holds(), await self._store.steps()
            experiments = {name: _standing(each, holds.get(name), steps.get(name)) for name, each in config.experiments.items()}
            config = replace(config, experiments=experiments)
        return config

    async def changed(self, _changes: object) -> None:
        await self.load()


def _standing(experiment: Experiment, hold: ExperimentHold | None, step: RolloutStep | None) -> Experiment:
    """Return an experiment as it stands now: how far its rollout is, and whether it is held."""
    if step is not None and step.of == rollout_of(experiment):
        experiment = at_step(experiment, step.step)
    return experiment if hold is None else replace(experiment, held=hold.why)
