"""Failures as the text that is kept: what a person is shown of them, and nothing that an upstream sent."""

from dataclasses import asdict, replace

import orjson

from tools.json_text import encode
from tools.operation import Failure
from tools.text.half_characters import without_halves

_KEPT = ("code", "message", "retryable", "retry_after_s", "hint", "did_you_mean", "faults")


def failure_text(failure: Failure | None) -> str | None:
    if failure is None:
        return None
    told = asdict(replace(failure, upstream=None))
    for name in ("code", "message", "hint"):
        # Copied from here into texts of their own (reports of schedules), and PostgreSQL has none with NUL.
        told[name] = told[name] and told[name].replace("\0", "\ufffd")
    # Words of others may hold half characters and numbers beyond 64 bits: how a run ended must not be lost to them.
    return without_halves(encode({name: told[name] for name in _KEPT})).decode()


def failure_of(text: str | None) -> Failure | None:
    if text is None:
        return None
    told = orjson.loads(text)
    return Failure(**told | {"did_you_mean": tuple(told["did_you_mean"]), "faults": tuple(told["faults"])})
