"""What a question asks for, read from its arguments with everything that is wrong with them at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from tools.context_plane.errors import ContextCode, ContextRefused
from tools.context_plane.times import BadTime, time_us
from tools.operation import Json
from tools.plain_text import has_unseen, visible

LIMIT, MOST = 10, 20
#: fewer than an answer may have before it is put away under a handle: what is forgotten must not stay there
MAX_CHARS = 15_000
CLEANED = "characters that nobody sees were taken out of the query"


@dataclass(frozen=True, slots=True)
class AskedFacts:
    """`as_of_us`, `known_at_us`: the moment of the question where none was named; `as_of_us` None: history, whatever the window."""

    query: str
    entities: tuple[str, ...]
    predicates: tuple[str, ...]
    sources: tuple[str, ...]
    as_of_us: int | None
    known_at_us: int
    limit: int = LIMIT
    max_chars: int = MAX_CHARS
    notes: tuple[str, ...] = ()


def read_asked(given: Mapping[str, Json], now_us: int) -> AskedFacts:
    """Return what arguments that fit the schema ask for. Raises ContextRefused."""
    faults: list[Mapping[str, Json]] = []
    as_of_us = _time(given, "as_of", now_us, faults)
    known_at_us = _time(given, "known_at", now_us, faults)
    if given.get("history") and "as_of" in given:
        faults.append({"path": "as_of", "value": given["as_of"], "rule": "history shows every window; leave one of the two out"})
    if faults:
        code: ContextCode = "bad_time" if all(fault["rule"].startswith("a time") for fault in faults) else "invalid_arguments"
        raise ContextRefused(code, "; ".join(f"{fault['path']}: {fault['rule']}" for fault in faults), faults=faults)
    query = given.get("query", "")
    return AskedFacts(
        query=visible(query).strip(),
        entities=_names(given, "entities"),
        predicates=tuple(dict.fromkeys(each for name in _names(given, "predicates") for each in _spellings(name))),
        sources=_names(given, "sources"),
        as_of_us=None if given.get("history") else as_of_us,
        # What will be believed is nobody's to know.
        known_at_us=min(known_at_us, now_us),
        limit=given.get("limit", LIMIT),
        max_chars=given.get("max_chars", MAX_CHARS),
        notes=(CLEANED,) if has_unseen(query) else (),
    )


def _time(given: Mapping[str, Json], name: str, now_us: int, faults: list[Mapping[str, Json]]) -> int:
    if name not in given:
        return now_us
    try:
        return time_us(given[name])
    except BadTime as error:
        faults.append({"path": name, "value": given[name][:80], "rule": f"a time: {error}", "example": "2026-02-28"})
        return now_us


def _names(given: Mapping[str, Json], name: str) -> tuple[str, ...]:
    # One of which nothing is left stays, and is nobody's name: left out, it would ask for everything.
    return tuple(dict.fromkeys(visible(each).strip() for each in given.get(name, ())))


def _spellings(predicate: str) -> tuple[str, ...]:
    """Return how a predicate may be on record: spaces and underscores are one to whoever asks."""
    name = " ".join(predicate.split()).casefold()
    return name, name.replace("_", " "), name.replace(" ", "_")
