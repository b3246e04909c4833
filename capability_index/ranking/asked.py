"""What a request asks to be done, and to what: its verbs, its main nouns, whether it asks for one or for many."""

from collections.abc import Sequence
from dataclasses import dataclass

from capability_index.ranking.verbs import NOUNS_TOO, families_of, family, kinds_of
from capability_index.words import STOP_WORDS, stem, stem_set, surfaces, word_set

_QUESTIONS = word_set("who which what how when where whose is are does did do have has was were why")
_POLITE = word_set("please i want to need can could you we let me us would like help")
_DETERMINERS = word_set(
    """a an the my our this that these those all some every any another one somebody someone them it new me us him her everyone"""
)
#: what comes after one of these only says where or whose
PREPOSITIONS = word_set(
    """in of from on to for at with by into onto out about off under inside within behind before after when where that which who"""
)
_OWN = stem_set("gateway ascend connection connect provider operation catalogue account alias call whoami")
_LOOK = 5
_READ = family("read")
#: where no verb was said, reading is only a little likelier than anything else
_GUESSED, _UNSURE, _SURE = 0.2, 0.2, 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """`families` and `kinds` are bits of `capability_index.ranking.verbs`; `certainty` 0-1 says how plainly the verb was said.

    `heads`: stems of the nouns before the first preposition, `nouns` of all. `plurals`: stems said in the plural.
    """

    families: int
    kinds: int
    certainty: float
    heads: frozenset[str]
    nouns: frozenset[str]
    plurals: frozenset[str]
    is_who: bool
    is_own: bool


def asked_of(text: str) -> Asked:
    """Read a request."""
    return asked_in(list(surfaces(text)))


def asked_in(words: Sequence[str]) -> Asked:
    """Read a request of these lower-case words."""
    families, certainty = _families(words)
    stems = [stem(word) for word in words]
    said = list(zip(stems, words, strict=True))
    nouns = frozenset(found for found, word in said if word not in STOP_WORDS and not families_of(word))
    plurals = frozenset(found for found, word in said if len(word) > 3 and word.endswith("s") and not word.endswith("ss"))
    is_who, is_own = words[:1] in (["who"], ["whose"]), not _OWN.isdisjoint(stems)
    return Asked(families, kinds_of(families), certainty, _heads(words), nouns, plurals, is_who, is_own)


def _families(words: Sequence[str]) -> tuple[int, float]:
    if words and words[0] in _QUESTIONS:
        return family("read", "count") if list(words[:2]) == ["how", "many"] else _READ, _SURE
    start = next((at for at, word in enumerate(words) if word not in _POLITE), len(words))
    said = words[start:]
    if not said:
        return _READ, _UNSURE
    first, near = said[0], said[1 : 1 + _LOOK]
    if (phrase := _phrase(first, near)) is not None:
        return phrase
    if found := families_of(first):
        # "build logs of an app" names logs; "build the app" and "build app 7" ask to build.
        is_noun = first in NOUNS_TOO and (len(said) < 2 or (said[1] not in _DETERMINERS and not said[1].isdigit()))
        if _is_thing(first, said[1:2]):
            return _READ, _UNSURE
        return (found | _READ, _UNSURE) if is_noun else (found, _SURE)
    later = 0
    for word in said[1:]:
        if word not in NOUNS_TOO:
            later |= families_of(word)
    return (later | _READ, _GUESSED) if later else (_READ, _UNSURE)


def _is_thing(first: str, then: Sequence[str]) -> bool:
    """Say whether a word that looks like a verb says what is meant: "recordings of a call", "deleted files"."""
    if then and then[0] in _DETERMINERS:
        return False
    return first.endswith("ed") or (first.endswith("s") and not first.endswith("ss"))


def _phrase(first: str, near: Sequence[str]) -> tuple[int, float] | None:
    """Return what verbs of two words mean: "take … offline", "turn … on", "get rid of"."""
    found: tuple[int, float] | None = None
    if first in ("take", "turn", "switch", "put", "bring"):
        if not {"off", "offline", "down"}.isdisjoint(near):
            found = family("disable", "stop", "remove") if first == "take" else family("disable", "stop"), _SURE
        elif not {"on", "online"}.isdisjoint(near):
            found = family("enable", "start", "create", "update") if first == "put" else family("enable", "start"), _SURE
        elif not {"away", "out"}.isdisjoint(near):
            found = family("remove", "detach"), _SURE
        elif first == "take" and "back" in near:
            found = family("remove", "restore"), _SURE
        else:
            found = (family("create", "update", "attach"), _SURE) if first == "put" else (family("create", "update"), _UNSURE)
    elif first == "get" and near[:1] == ["rid"]:
        found = family("remove"), _SURE
    elif first in ("get", "bring", "have") and "back" in near:
        found = family("restore"), _SURE
    elif first in ("set", "spin", "sign", "stand") and "up" in near:
        found = family("create"), _SURE
    elif first == "roll" and "back" in near:
        found = family("restore"), _SURE
    return found


def _heads(words: Sequence[str]) -> frozenset[str]:
    heads: set[str] = set()
    is_verb_past = False
    # "Who is in the room" asks about people: the room only says where.
    asks = words[:1] in (["who"], ["whose"], ["what"])
    for at, word in enumerate(words):
        if at and word in PREPOSITIONS and (heads or is_verb_past or asks):
            break
        if word in STOP_WORDS or word in _DETERMINERS:
            continue
        if not is_verb_past and families_of(word):
            is_verb_past = True
        else:
            heads.add(stem(word))
    return frozenset(heads)
