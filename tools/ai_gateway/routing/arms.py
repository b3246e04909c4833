"""Which arm of an experiment a caller is in: the same user always in the same, and a growing share keeps those who were in."""

import hashlib
from typing import Final

from tools.ai_gateway.configuration.config import Experiment

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
