"""What a model's name asks the demo provider to do wrong, written behind it like a query: `demo?status=503&times=1`."""

from dataclasses import dataclass, fields
from typing import Any, get_type_hints
from urllib.parse import parse_qsl

_NEVER = -1


class UnknownFault(Exception):
    """A name that asks for something that is not there; the message says what there is."""


@dataclass(frozen=True, slots=True)
class ModelFaults:
    """Faults that can be combined. Counts are of the words of an answer, `_NEVER` where there is no such fault."""

    #: as one model's requests are told from another's
    label: str = ""
    #: so many first requests have the faults, those after them have none; 0: all have them
    times: int = 0
    #: before the answer: this status; context, filter or invalid as reason of a 400; Retry-After in seconds
    status: int = 0
    reason: str = ""
    retry_after: str = ""
    #: the connection is reset before any byte
    reset: bool = False
    #: silence before anything, and between the head and the first word
    silent_s: float = 0
    late_s: float = 0
    #: in a stream, after so many words: the connection breaks, the body ends cleanly, nothing more comes, an event is no JSON
    cut: int = _NEVER
    end: int = _NEVER
    stall: int = _NEVER
    garble: int = _NEVER
    #: the stream has no terminal mark, though it is complete
    unmarked: bool = False
    #: half an answer of the assistant as last message is refused
    no_prefill: bool = False

    def after(self, requests: int) -> "ModelFaults":
        """Return what holds for a request that came after so many others."""
        return ModelFaults() if self.times and requests >= self.times else self


_KIND_BY_NAME: dict[str, type] = get_type_hints(ModelFaults)


def read_faults(model: str) -> ModelFaults:
    """Return what a model's name asks for. Raises UnknownFault: a typo must not become a healthy answer."""
    given: dict[str, Any] = {}
    for name, value in parse_qsl(model.partition("?")[2], keep_blank_values=True):
        kind = _KIND_BY_NAME.get(name)
        if kind is None:
            raise UnknownFault(f"{name!r} is no fault; there are {', '.join(each.name for each in fields(ModelFaults))}")
        try:
            given[name] = value in ("", "1") if kind is bool else kind(value)
        except ValueError as error:
            raise UnknownFault(f"{name}={value!r} is no {kind.__name__}") from error
    return ModelFaults(**given)


def refusal_of(faults: ModelFaults) -> tuple[int, str, str]:
    """Return status, code and message of a refusal."""
    reasons = {
        "context": (400, "context_length_exceeded", "the prompt is longer than this model's context length of 8192 tokens"),
        "filter": (400, "content_policy_violation", "the prompt was refused by the demo provider's content filter"),
        "invalid": (400, "invalid_value", "messages[0].content: the demo provider was asked to refuse this"),
    }
    if faults.reason in reasons:
        return reasons[faults.reason]
    return faults.status, "demo_fault", f"the demo provider was asked to answer with status {faults.status}"
