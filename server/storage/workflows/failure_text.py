"""Failures as the text that is kept: what a person is shown of them, and nothing that an upstream sent."""

from dataclasses import asdict, replace

import orjson

from tools.operation import Failure

_KEPT = ("code", "message", "retryable", "retry_after_s", "hint", "did_you_mean", "faults")


def failure_text(failure: Failure | None) -> str | None:
    if failure is None:
        return None
    told = asdict(replace(failure, upstream=None))
    return orjson.dumps({name: told[name] for name in _KEPT}, default=str).decode()


def failure_of(text: str | None) -> Failure | None:
    if text is None:
        return None
    told = orjson.loads(text)
    return Failure(**told | {"did_you_mean": tuple(told["did_you_mean"]), "faults": tuple(told["faults"])})
