"""A workflow as a value: what it is called, which body it has, and how far one run of it may go."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tools.operation import Json
from tools.workflows.run import ONCE, Retry, Run

MAX_NAME_CHARS = 64
MAX_STEP_NAME_CHARS = 200
#: of what a run is given
MAX_GIVEN_BYTES = 256 * 1024
#: of what a step, a signal or a whole run gives
MAX_RESULT_BYTES = 256 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
#: no text of PostgreSQL has NUL, none in UTF-8 half a character
_NOT_KEPT = re.compile("[\0\ud800-\udfff]")

#: What a workflow does: `given` is a JSON object; the result is JSON. Repeats exactly what it did where the same results come back.
Body = Callable[[Run, Mapping[str, Json]], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one run may go; what is above it ends the run as a permanent fault."""

    max_steps: int = 10_000
    #: from its start, waits and sleeps counted
    max_age_s: float = 30 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Workflow:
    """A body with a name. A change that reorders or removes steps takes a new `version`: runs end with the version they began with."""

    name: str
    version: str
    body: Body = field(repr=False, compare=False)
    #: of steps that name none of their own
    retry: Retry = ONCE
    limits: Limits = Limits()
    #: one line for lists
    title: str = ""
    #: JSON Schema of `given`; None: any object
    input_schema: Mapping[str, Json] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not is_workflow_name(self.name):
            raise ValueError(f"{self.name!r} is no name of a workflow: up to {MAX_NAME_CHARS} of a-z, 0-9, '.', '_' and '-'")


def is_workflow_name(name: str) -> bool:
    """Say whether this can name a workflow: it stands in run ids, which are parted by colons."""
    return _NAME.fullmatch(name) is not None


def is_step_name(name: str) -> bool:
    """Say whether a step or a signal may be called so: by what every store can keep."""
    return 0 < len(name) <= MAX_STEP_NAME_CHARS and _NOT_KEPT.search(name) is None
