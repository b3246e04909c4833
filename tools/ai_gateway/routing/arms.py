"""Which arm of an experiment a caller is in: the same user always in the same, and a growing share keeps those who were in."""

import hashlib
from typing import Final

from tools.ai_gateway.configuration.config import Experiment
from tools.operation import Json

CONTROL: Final = "control"
BUCKETS: Final = 10_000


def arm_of(experiment: Experiment, user: str) -> tuple[str, int]:
    """Return the arm of `user` and the bucket that decides: SHA-256 of `name:user`, arms in file order, each its share wide."""
    bucket = int.from_bytes(hashlib.sha256(f"{experiment.name}:{user}".encode()).digest()[:8], "big") % BUCKETS
    until = 0.0
    for arm in experiment.arms:
        until += experiment.share.get(arm, 0) * BUCKETS
        if bucket < until:
            return arm, bucket
    return CONTROL, bucket


def experiment_json(experiment: Experiment) -> dict[str, Json]:
    """Return an experiment as the command line prints it and the API answers it; the shares that are not given away are `control`."""
    shares = {arm: experiment.share.get(arm, 0) for arm in experiment.arms}
    given = sum(shares.values())
    return {
        "name": experiment.name,
        "route": experiment.route,
        "arms": {CONTROL: experiment.route, **experiment.arms},
        "share": {CONTROL: round(1 - given, 6), **shares},
        "state": "held" if experiment.held else "running" if given else "off",
        "why": experiment.held or None,
    }
