"""What a stand-in does wrong on demand, named like `limited_every=7`; set at the start or while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar, get_type_hints


class UnknownFault(ValueError):
    """A name that is no fault, or a value that is none of its kind; the message says what there is."""


@dataclass(slots=True)
class StandInFaults:
    """Faults that every vendor has. `…_every`: each n-th request or record, 0 none; plain numbers count down."""

    #: 429 with Retry-After, whatever the rate
    limited_every: int = 0
    retry_after_s: int = 1
    #: the connection ends in the middle of the answer
    torn_every: int = 0
    #: 503
    unavailable_every: int = 0
    #: the answer comes so late
    slow_every: int = 0
    slow_s: float = 0.2
    #: so many next requests are a 401; a session that was open is over
    unauthorized: int = 0


F = TypeVar("F", bound=StandInFaults)


def set_faults(faults: StandInFaults, given: Mapping[str, Any]) -> None:
    """Set faults by name, from texts or JSON values, all or none. Raises UnknownFault: a typo must not become a healthy answer."""
    kinds = get_type_hints(type(faults))
    read: dict[str, Any] = {}
    for name, value in given.items():
        if name not in kinds:
            raise UnknownFault(f"{name!r} is no fault; there are {', '.join(each.name for each in fields(faults))}")
        read[name] = _read(name, value, kinds[name])
    for name, value in read.items():
        setattr(faults, name, value)


def _read(name: str, value: Any, kind: type) -> Any:
    try:
        if kind is bool:
            return {"1": True, "true": True, "0": False, "false": False}[str(value).lower()]
        read = kind(value)
    except (KeyError, TypeError, ValueError) as error:
        raise UnknownFault(f"{name}={value!r} is no {kind.__name__}") from error
    if isinstance(read, int | float) and read < 0:
        raise UnknownFault(f"{name}={value!r} is less than 0")
    return read


def pairs_of(texts: tuple[str, ...]) -> dict[str, str]:
    """Return `NAME=VALUE` texts as a mapping. Raises UnknownFault."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UnknownFault(f"{text!r}: write NAME=VALUE, like limited_every=7")
        found[name] = value
    return found
