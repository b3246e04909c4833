"""What a model says it read, checked against the text: who it is about and the words that say so must stand there."""

import re
from dataclasses import dataclass

import orjson

from tools.context_plane.times import BadTime, time_us
from tools.operation import Json

#: of one episode; more is a model that writes by itself
MAX_FACTS = 100
MIN_EVIDENCE_CHARS = 8
_MAX_NAME_CHARS, _MAX_VALUE_CHARS, _MAX_PREDICATE_CHARS, _MAX_KIND_CHARS = 200, 500, 100, 64
_FENCE = re.compile(r"\A\s*```(?:json)?\s*(.*?)\s*```\s*\Z", re.DOTALL)
#: words that stand for somebody and name nobody
_NOBODY = frozenset(
    """
    he she it they we i you him her them us me this that these those who someone somebody everyone everybody nobody one user customer
    client speaker today now here there team company meeting call project
    """.split()  # noqa: SIM905  # a list of fifty quoted words is harder to read
)


@dataclass(frozen=True, slots=True)
class ReadFact:
    """One fact as it was read; `start` and `end`: the words in the text that say so."""

    subject: str
    kind: str
    predicate: str
    value: str
    valid_from_us: int | None
    valid_to_us: int | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ReadFacts:
    """`dropped`: why the others are not taken, each in a few words."""

    facts: tuple[ReadFact, ...]
    dropped: tuple[str, ...]


def facts_in(said: str, text: str) -> ReadFacts:
    """Read a model's answer about `text`. An answer that is no JSON of ours has no facts."""
    fenced = _FENCE.match(said)
    try:
        answer = orjson.loads(fenced[1] if fenced else said)
    except orjson.JSONDecodeError:
        return ReadFacts((), ("the answer is no JSON",))
    entries = answer.get("facts") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        return ReadFacts((), ("the answer has no list of facts",))
    facts: list[ReadFact] = []
    dropped = [f"more than {MAX_FACTS} facts"] if len(entries) > MAX_FACTS else []
    for entry in entries[:MAX_FACTS]:
        found = _checked(entry, text)
        if isinstance(found, str):
            dropped.append(found)
        else:
            facts.append(found)
    return ReadFacts(tuple(dict.fromkeys(facts)), tuple(dropped))


def _checked(entry: Json, text: str) -> ReadFact | str:
    """Return the fact, or why it is not taken."""
    if not isinstance(entry, dict):
        return "no object"
    given = {
        name: entry[name].strip() for name in ("subject", "kind", "predicate", "value", "evidence") if isinstance(entry.get(name), str)
    }
    if not all(given.get(name) for name in ("subject", "predicate", "value", "evidence")):
        return "subject, predicate, value or evidence is missing"
    subject, value = given["subject"], given["value"]
    if len(subject) > _MAX_NAME_CHARS or len(value) > _MAX_VALUE_CHARS or len(given["predicate"]) > _MAX_PREDICATE_CHARS:
        return "longer than a fact is"
    if subject.casefold() in _NOBODY:
        return f"{subject!r} names nobody"
    if _place(subject, text) is None:
        return f"{subject[:60]!r} is not in the text"
    if len(given["evidence"]) < MIN_EVIDENCE_CHARS or (place := _place(given["evidence"], text)) is None:
        return "the evidence is not in the text"
    try:
        since, until = (_time(entry.get(name)) for name in ("valid_from", "valid_to"))
    except BadTime:
        return "a time that is none"
    if since is not None and until is not None and until <= since:
        return "it ends before it begins"
    return ReadFact(subject, given.get("kind", "")[:_MAX_KIND_CHARS], given["predicate"], value, since, until, *place)


def _place(words: str, text: str) -> tuple[int, int] | None:
    """Return where words stand in a text, whatever blanks and line ends are between them and in whatever case."""
    found = re.search(r"\s+".join(map(re.escape, words.split())), text, re.IGNORECASE)
    return found.span() if found else None


def _time(value: Json) -> int | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise BadTime("no text")
    return time_us(value)
