"""Experiments hold themselves: an arm that breaks a rule of its experiment gets no more callers, in no process, within two seconds.

And they go on by themselves, where they have a rollout: an arm that has shown enough calls and broken no rule gets its next share.
"""

import logging
from collections.abc import Callable

import anyio

from tools.ai_gateway.configuration.config import AiConfig
from tools.ai_gateway.configuration.rollout import next_step, rollout_of
from tools.ai_gateway.configuration.versions import AiConfigStore, RolloutStep
from tools.ai_gateway.experiments.arm_call import ArmCall, arm_call_of
from tools.ai_gateway.experiments.arm_counts import ArmCounts
from tools.ai_gateway.experiments.opinions import GivenScores, Opinions
from tools.ai_gateway.records.call_record import ModelCallRecord

BY = "the gateway itself"
RETRY_S = 1.0
OPINIONS_EVERY_S = 1.0

log = logging.getLogger("ascend")


class ExperimentWatch:
    """Counts what this process sees, in memory; `run` tells the store, and looks at the feedback that all processes took.

    Counting begins anew where the arm leads elsewhere, its rules change, or the experiment was held in between.
    """

    def __init__(self, config: Callable[[], AiConfig], store: AiConfigStore, scores: GivenScores) -> None:
        self._config, self._store = config, store
        self._opinions = Opinions(config, scores)
        #: (experiment, arm) -> its last calls
        self._counts: dict[tuple[str, str], ArmCounts] = {}
        #: experiment -> why it is to be held
        self._broken: dict[str, str] = {}
        #: experiment -> the step that it has earned
        self._earned: dict[str, RolloutStep] = {}
        self._has_news = anyio.Event()

    def closed(self, record: ModelCallRecord) -> None:
        """Count what a call that goes on record says of its arm."""
        if (call := arm_call_of(record)) is not None:
            self.observe(call)

    def observe(self, call: ArmCall) -> None:
        """Count a call that has ended."""
        if (counts := self._counts_of(call.experiment, call.arm)) is not None:
            counts.add(call)
            self._judge(call.experiment, call.arm, counts)

    async def run(self) -> None:
        """Hold what breaks its rules, until cancelled; a store that is away costs time, not holds."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._listen_to_opinions)
            while True:
                await self._has_news.wait()
                self._has_news = anyio.Event()
                for name, why in list(self._broken.items()):
                    await self._hold(name, why)
                for step in list(self._earned.values()):
                    await self._advance(step)

    async def _hold(self, name: str, why: str) -> None:
        try:
            is_new = await self._store.hold(name, why, BY)
        except Exception as error:  # whatever it is, a hold that was not kept must not be forgotten
            log.error("ai_experiment_not_held", exc_info=error, extra={"facts": {"experiment": name}})
            self._has_news.set()
            await anyio.sleep(RETRY_S)
            return
        del self._broken[name]
        if is_new:
            log.warning("ai_experiment_held", extra={"facts": {"alert": True, "experiment": name, "why": why}})

    async def _advance(self, step: RolloutStep) -> None:
        try:
            is_new = await self._store.advance(step)
        except Exception as error:  # whatever it is, the next call earns the step again
            log.error("ai_experiment_not_advanced", exc_info=error, extra={"facts": {"experiment": step.name}})
            is_new = False
        self._earned.pop(step.name, None)
        if is_new:
            log.info("ai_experiment_advanced", extra={"facts": {"experiment": step.name, "step": step.step}})

    async def _listen_to_opinions(self) -> None:
        while True:
            try:
                breaches = await self._opinions.breaches()
            except Exception as error:  # whatever it is, the next look may find the store back
                log.error("ai_opinions_not_read", exc_info=error)
                breaches = {}
            for name, why in breaches.items():
                self._break(name, why)
            await anyio.sleep(OPINIONS_EVERY_S)

    def _counts_of(self, name: str, arm: str) -> ArmCounts | None:
        experiment = self._config().experiments.get(name)
        if experiment is None or experiment.held or name in self._broken:
            self._forget(name)
            return None
        rule, leads_to = experiment.hold, experiment.arms.get(arm)
        if rule is None or leads_to is None:
            return None  # `control` is what the others are measured by
        counts = self._counts.get((name, arm))
        if counts is None or (counts.rule, counts.leads_to, counts.step) != (rule, leads_to, experiment.step):
            counts = self._counts[name, arm] = ArmCounts(rule, leads_to, experiment.step)
        return counts

    def _judge(self, name: str, arm: str, counts: ArmCounts) -> None:
        if breach := counts.breach():
            self._break(name, f"arm {arm}: {breach}")
        elif counts.is_enough and name not in self._earned:
            experiment = self._config().experiments[name]
            if (step := next_step(experiment)) is not None:
                self._earned[name] = RolloutStep(name, rollout_of(experiment), step)
                self._has_news.set()

    def _break(self, name: str, why: str) -> None:
        self._broken[name] = why
        self._earned.pop(name, None)
        self._forget(name)
        self._has_news.set()

    def _forget(self, name: str) -> None:
        for key in [each for each in self._counts if each[0] == name]:
            del self._counts[key]
