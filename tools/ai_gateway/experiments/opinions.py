"""What people think of an experiment's arms, from feedback of all processes: an arm that displeases breaks the `quality` rule."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from tools.ai_gateway.configuration.config import AiConfig, Experiment, HoldRule
from tools.ai_gateway.feedback import ScoredArm

#: feedback is rare: so many opinions are enough where `min_calls` wants more calls
ENOUGH = 10


class GivenScores(Protocol):
    async def by_experiment(self, experiment: str, since_us: int) -> Sequence[ScoredArm]:
        """Return the mean score of each arm of an experiment, over all tenants."""
        ...


class Opinions:
    """Looks at what was given since the experiment has been as it is: since this process knows it, or it was resumed."""

    def __init__(self, config: Callable[[], AiConfig], scores: GivenScores, clock: Callable[[], float] = time.time) -> None:
        self._config, self._scores, self._clock = config, scores, clock
        #: experiment -> (its arms, its rule, since when)
        self._since: dict[str, tuple[dict[str, str], HoldRule, int]] = {}

    async def breaches(self) -> dict[str, str]:
        """Return experiment -> what is thought of one of its arms, for each that breaks its rule."""
        judged = {name: each for name, each in self._config().experiments.items() if _is_judged(each)}
        self._since = {name: known for name, known in self._since.items() if name in judged}
        found: dict[str, str] = {}
        for name, experiment in judged.items():
            if (why := await self._breach(experiment)) is not None:
                found[name] = why
        return found

    async def _breach(self, experiment: Experiment) -> str | None:
        rule, arms = experiment.hold, dict(experiment.arms)
        if rule is None or rule.quality is None:
            return None
        known = self._since.get(experiment.name)
        if known is None or known[:2] != (arms, rule):
            known = self._since[experiment.name] = (arms, rule, int(self._clock() * 1_000_000))
        for scored in await self._scores.by_experiment(experiment.name, known[2]):
            arm = scored.experiment.removeprefix(f"{experiment.name}/")
            if arm in arms and scored.scores >= min(rule.min_calls, ENOUGH) and scored.mean < rule.quality:
                return f"arm {arm}: quality of {scored.mean:.2f} in {scored.scores} opinions, less than {rule.quality:.2f}"
        return None


def _is_judged(experiment: Experiment) -> bool:
    return not experiment.held and experiment.hold is not None and experiment.hold.quality is not None
