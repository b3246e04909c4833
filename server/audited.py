"""Who changes something, from where and what: said once where it begins, and put on record with the first change it makes.

A command or a post says it at its door (`audited`). The store adds the row to the transaction that changes something first
(server/storage/audit/trail.py), so neither is there without the other, and no change has to hand it on.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

#: command: on the machine that owns the data; page: a person's browser; api: a program
Surface = Literal["command", "page", "api"]
MAX_TEXT_CHARS = 200
MAX_DETAILS = 40


@dataclass(slots=True)
class Audited:
    """What is being done. `actor` and `tenant_id` may be found out on the way, until the first change.

    `details`: what was asked for, in short texts, and no secret among them.
    """

    surface: Surface
    action: str
    actor: str = ""
    tenant_id: str = ""
    target: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    trace_id: str = ""
    is_recorded: bool = False


_CURRENT: ContextVar[Audited | None] = ContextVar("audited", default=None)


@contextmanager
def audited(what: Audited) -> Iterator[Audited]:
    """Have the first transaction within that changes something put `what` on record."""
    token = _CURRENT.set(what)
    try:
        yield what
    finally:
        _CURRENT.reset(token)


@contextmanager
def unaudited() -> Iterator[None]:
    """Leave out what happens within: it is the gateway's own upkeep, and nobody's doing."""
    token = _CURRENT.set(None)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def unrecorded() -> Audited | None:
    """Return what the next change puts on record, or None."""
    what = _CURRENT.get()
    return None if what is None or what.is_recorded else what


def acting(actor: str, tenant_id: str) -> None:
    """Say who it is, where somebody has found it out."""
    if (what := unrecorded()) is not None:
        what.actor, what.tenant_id = actor, tenant_id


def doing(action: str, target: str = "") -> None:
    """Say what it is, where that is found out only within."""
    if (what := unrecorded()) is not None:
        what.action, what.target = action, target


def telling(details: Mapping[str, str]) -> None:
    """Add to what is kept of it what came of it, and is known only within."""
    if (what := unrecorded()) is not None:
        what.details = {**what.details, **details}


def short(text: str) -> str:
    """Return a text as the trail keeps it: one line, cut where it is long."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text[: 4 * MAX_TEXT_CHARS]).split())
    return line if len(line) <= MAX_TEXT_CHARS else f"{line[: MAX_TEXT_CHARS - 1]}…"
