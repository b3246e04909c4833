"""What one model call says of the arm that it was in."""

from dataclasses import dataclass

from tools.ai_gateway.records.call_record import ModelCallRecord

#: answers of a provider that say something of the provider, and not of what the caller sent
_PROVIDER_FAULTS = frozenset({401, 403, 408, 409, 429})


@dataclass(frozen=True, slots=True)
class ArmCall:
    """`is_fallback`: another target than the first one answered."""

    experiment: str
    arm: str
    is_error: bool
    is_fallback: bool
    ms: float


def arm_call_of(record: ModelCallRecord) -> ArmCall | None:
    """Return what a call says of its arm; None where it says nothing.

    Outside of experiments, answered from a cache, left by its caller, refused before it was sent, or refused for what its caller
    sent: none of that is the arm's doing.
    """
    experiment, has_arm, arm = record.experiment.partition("/")
    if not has_arm or not record.attempts or record.cache in ("hit", "semantic") or record.outcome == "cancelled":
        return None
    is_error = record.outcome != "ok"
    if record.outcome == "error" and 400 <= record.status < 500 and record.status not in _PROVIDER_FAULTS:
        return None
    is_fallback = record.attempts[-1].model != record.attempts[0].model
    return ArmCall(experiment, arm, is_error, is_fallback, record.ms)
