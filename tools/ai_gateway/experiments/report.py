"""The arms of an experiment side by side, from the calls on record."""

from collections.abc import Iterable
from dataclasses import dataclass

from tools.ai_gateway.configuration.config import Experiment
from tools.ai_gateway.experiments.arm_call import ArmCall, arm_call_of
from tools.ai_gateway.experiments.arm_counts import p95_of
from tools.ai_gateway.feedback import ScoredArm
from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.ai_gateway.routing.arms import CONTROL
from tools.metering.money import to_usd
from tools.operation import Json


@dataclass(slots=True)
class _Arm:
    calls: list[ArmCall]
    cost_nano_usd: int = 0
    unpriced: int = 0


def experiment_json(experiment: Experiment) -> dict[str, Json]:
    """Return an experiment as the command line prints it and the API answers it.

    `share` is what holds now: while it is held everybody is `control`'s, and `resumes_with` is what the configuration says.
    """
    configured = {arm: experiment.share.get(arm, 0) for arm in experiment.arms}
    given = sum(configured.values())
    share = dict.fromkeys(configured, 0) if experiment.held else configured
    return {
        "name": experiment.name,
        "route": experiment.route,
        "arms": {CONTROL: experiment.route, **experiment.arms},
        "share": {CONTROL: round(1 - sum(share.values()), 6), **share},
        "state": "held" if experiment.held else "running" if given else "off",
        "why": experiment.held or None,
        "shadow": experiment.shadow,
        "rollout": list(experiment.rollout) or None,
        "step": experiment.step + 1 if experiment.rollout else None,
        "resumes_with": configured if experiment.held else None,
    }


def report_json(experiment: Experiment, records: Iterable[ModelCallRecord], scored: Iterable[ScoredArm]) -> list[dict[str, Json]]:
    """Return what the calls of each arm came to, `control` first: calls, errors, fallbacks, p95_ms, cost_usd … quality.

    The same calls count as for holding an experiment (`arm_call_of`); rates are of them. `usd_per_call` is of those with a price.
    """
    arms = {arm: _Arm([]) for arm in (CONTROL, *experiment.arms)}
    for record in records:
        call = arm_call_of(record)
        if call is None or call.experiment != experiment.name or call.arm not in arms:
            continue
        arm = arms[call.arm]
        arm.calls.append(call)
        if record.cost_nano_usd is None:
            arm.unpriced += 1
        else:
            arm.cost_nano_usd += record.cost_nano_usd
    opinions = {each.experiment: each for each in scored}
    return [_row(name, arm, opinions.get(f"{experiment.name}/{name}")) for name, arm in arms.items()]


def _row(name: str, arm: _Arm, opinion: ScoredArm | None) -> dict[str, Json]:
    calls = len(arm.calls)
    errors, fallbacks = sum(call.is_error for call in arm.calls), sum(call.is_fallback for call in arm.calls)
    priced = calls - arm.unpriced
    return {
        "arm": name,
        "calls": calls,
        "errors": errors,
        "error_rate": round(errors / calls, 4) if calls else None,
        "fallbacks": fallbacks,
        "fallback_rate": round(fallbacks / calls, 4) if calls else None,
        "p95_ms": round(p95_of(call.ms for call in arm.calls), 1) if calls else None,
        "cost_usd": to_usd(arm.cost_nano_usd),
        "usd_per_call": round(to_usd(arm.cost_nano_usd) / priced, 9) if priced else None,
        "unpriced": arm.unpriced,
        "scores": 0 if opinion is None else opinion.scores,
        "quality": None if opinion is None else round(opinion.mean, 3),
    }
