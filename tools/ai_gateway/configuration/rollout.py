"""A rollout: an arm gets its shares one after the other, each when the one before has shown enough calls and broken no rule."""

from dataclasses import replace

from tools.ai_gateway.configuration.config import Experiment
from tools.json_text import canonical


def rollout_of(experiment: Experiment) -> str:
    """Return what the rollout is of: with another route, arm or list of shares it is another one, and begins anew."""
    return canonical({"route": experiment.route, "arms": dict(experiment.arms), "rollout": list(experiment.rollout)}).decode()


def at_step(experiment: Experiment, step: int) -> Experiment:
    """Return the experiment with the share of this step, or of the last one."""
    step = min(step, len(experiment.rollout) - 1)
    return replace(experiment, share=dict.fromkeys(experiment.arms, experiment.rollout[step]), step=step)


def next_step(experiment: Experiment) -> int | None:
    """Return the step that comes; None where there is none."""
    return experiment.step + 1 if experiment.step + 1 < len(experiment.rollout) else None
