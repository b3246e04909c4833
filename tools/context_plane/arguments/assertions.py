"""Assertion: facts and the episode that says so, as `context_assert` takes them (context contract §2)."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

import orjson

from tools.context_plane.arguments.cleaning import kept_line
from tools.context_plane.arguments.mentions import mention_of
from tools.context_plane.arguments.reader import Reader
from tools.context_plane.facts import Cardinality
from tools.context_plane.identity.keys import Mention
from tools.operation import Json

MAX_FACTS, MAX_VALUE_CHARS, MAX_PREDICATE_CHARS, MAX_CONTENT_CHARS = 500, 2_000, 100, 1_000_000
MAX_SOURCE_CHARS, MAX_SOURCE_ID_CHARS, MAX_KIND_CHARS, MAX_AUTHOR_CHARS, MAX_URL_CHARS = 100, 300, 64, 300, 2_000
#: of a whole number: what a double reaches
MAX_BITS = 1_024
#: where nobody says where it is from
SOURCE, KIND = "agent", "assertion"
_FACT = ("subject", "predicate", "value", "valid_from", "valid_to", "confidence")
_EPISODE = ("source", "source_id", "kind", "occurred_at", "author", "url", "content")
_EXAMPLE = {"subject": "Kahuna", "predicate": "champion", "value": "Dana Reyes", "valid_from": "2026-01-15"}


@dataclass(frozen=True, slots=True)
class SaidFact:
    """One fact as somebody says it; `object` or `value`."""

    subject: Mention
    predicate: str
    object: Mention | None
    value: str | None
    valid_from_us: int | None = None
    valid_to_us: int | None = None
    confidence: float = 1.0
    #: where in the episode's content it is said, of one that was read there
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class SaidEpisode:
    """Where it is said; without a time of its own it is said when it arrives."""

    source: str = SOURCE
    source_id: str = ""
    kind: str = KIND
    occurred_at_us: int | None = None
    author: str = ""
    url: str = ""
    content: str = ""


@dataclass(frozen=True, slots=True)
class Assertion:
    facts: tuple[SaidFact, ...]
    episode: SaidEpisode
    #: seen by whoever asserts alone
    is_private: bool = False
    #: predicates that are declared with it
    cardinalities: Mapping[str, Cardinality] = field(default_factory=dict)

    @property
    def content_hash(self) -> str:
        """Tells two episodes of one source id apart: by what they contain or, where they have no content, by what is asserted."""
        if self.episode.content:
            return hashlib.sha256(self.episode.content.encode()).hexdigest()
        said = [_plain(fact) for fact in self.facts]
        return hashlib.sha256(orjson.dumps([said, self.episode.occurred_at_us])).hexdigest()


def assertion_of(arguments: Mapping[str, Json]) -> tuple[Assertion, tuple[str, ...]]:
    """Read the arguments of `context_assert`, and return the paths of texts that were cleaned beside them.

    Raises ContextRefused with all that is wrong: `bad_time` or `too_large` where that is all of it, else `invalid_arguments`.
    """
    reader = Reader()
    members = reader.members("", arguments, ("facts", "episode", "private", "predicates"))
    given = members.get("facts")
    if not isinstance(given, list) or not given:
        reader.fault("facts", None, "is missing: a list of facts", [_EXAMPLE])
        given = []
    if len(given) > MAX_FACTS:
        reader.fault("facts", len(given), f"are more than {MAX_FACTS}; assert them in several calls")
        given = given[:MAX_FACTS]
    facts = tuple(_fact(reader, f"facts[{n}]", each) for n, each in enumerate(given))
    episode = members.get("episode")
    said = _episode(reader, {} if episode is None else episode)
    is_private = reader.flag("private", members.get("private"))
    cardinalities = _cardinalities(reader, members.get("predicates"))
    reader.check()
    return Assertion(facts=facts, episode=said, is_private=is_private, cardinalities=cardinalities), tuple(dict.fromkeys(reader.cleaned))


def predicate_of(reader: Reader, path: str, value: Json) -> str:
    """Read a predicate: "Head  coach" and "head coach" are one."""
    return reader.line(path, value, MAX_PREDICATE_CHARS, example="champion", is_needed=True).casefold()


def _cardinalities(reader: Reader, given: Json) -> Mapping[str, Cardinality]:
    """Read {predicate: "one" or "many"}."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) or len(given) > MAX_FACTS:
        reader.fault("predicates", None, f"is no object of at most {MAX_FACTS} predicates", {"stage": "one"})
        return {}
    found: dict[str, Cardinality] = {}
    for name, cardinality in given.items():
        if cardinality not in get_args(Cardinality):
            reader.fault(f"predicates.{kept_line(str(name))}", cardinality, "is neither one nor many", "one")
        found[predicate_of(reader, "predicates", name)] = cardinality
    return found


def _fact(reader: Reader, path: str, given: Json) -> SaidFact:
    members = reader.members(path, given, _FACT)
    begin = reader.time(f"{path}.valid_from", members.get("valid_from"))
    end = reader.time(f"{path}.valid_to", members.get("valid_to"))
    if begin is not None and end is not None and begin >= end:
        reader.fault(f"{path}.valid_to", members["valid_to"], "is not after valid_from; windows are half-open", None, "bad_time")
    value, thing = _said(reader, f"{path}.value", members.get("value"))
    return SaidFact(
        subject=mention_of(reader, f"{path}.subject", members.get("subject")),
        predicate=predicate_of(reader, f"{path}.predicate", members.get("predicate")),
        object=thing,
        value=value,
        valid_from_us=begin,
        valid_to_us=end,
        confidence=reader.share(f"{path}.confidence", members.get("confidence")),
    )


def _said(reader: Reader, path: str, value: Json) -> tuple[str | None, Mention | None]:
    """Read a value: text, a number, true or false; {kind, name, keys} or ent_… is an entity."""
    if isinstance(value, bool):
        return str(value).lower(), None
    if isinstance(value, int | float):
        is_readable = value.bit_length() <= MAX_BITS if isinstance(value, int) else math.isfinite(value)
        if not is_readable:
            reader.fault(path, None, "is no number that can be written", 42)
            return "", None
        return str(value) if isinstance(value, int) else orjson.dumps(value).decode(), None
    if isinstance(value, Mapping):
        return None, mention_of(reader, path, value)
    text = reader.line(path, value, MAX_VALUE_CHARS, example="Dana Reyes", is_needed=True)
    mention = mention_of(reader, path, text) if text.startswith("ent_") else None
    return (text, None) if mention is None or mention.entity_id is None else (None, mention)


def _episode(reader: Reader, given: Json) -> SaidEpisode:
    members = reader.members("episode", given, _EPISODE)

    def line(name: str, most: int) -> str:
        return reader.line(f"episode.{name}", members.get(name), most)

    return SaidEpisode(
        source=line("source", MAX_SOURCE_CHARS) or SOURCE,
        source_id=line("source_id", MAX_SOURCE_ID_CHARS),
        kind=line("kind", MAX_KIND_CHARS) or KIND,
        occurred_at_us=reader.time("episode.occurred_at", members.get("occurred_at")),
        author=line("author", MAX_AUTHOR_CHARS),
        url=line("url", MAX_URL_CHARS),
        content=reader.body("episode.content", members.get("content"), MAX_CONTENT_CHARS),
    )


def _plain(fact: SaidFact) -> list[Any]:
    def mention(each: Mention | None) -> list[Any] | None:
        return None if each is None else [each.kind, each.normal_name, each.keys, each.entity_id]

    said = [fact.value, mention(fact.object), fact.valid_from_us, fact.valid_to_us, fact.confidence]
    return [mention(fact.subject), fact.predicate, *said]
