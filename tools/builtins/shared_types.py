"""A type that several signatures of one answer have is named and written once: `-> Member`, and below `Member = {nick, roles[], …}`."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tools.catalog.verbs import singular

#: shorter ones are clearer where they stand
MIN_CHARS = 24
_SIGNATURE = re.compile(r"[\w.-]+\(")
_MEMBER = re.compile(r"([\w-]+)\??: $")
_WORDS = re.compile(r"[A-Za-z0-9]+")


def with_shared_types(lines: Sequence[str]) -> list[str]:
    """Return the lines of an answer with the types that its signatures share by name, and a line for each of them at the end.

    A signature is a line's beginning, `id(…) -> …`; nothing else is touched. Longest first, and only where the whole becomes shorter.
    """
    found = "\n".join(lines).split("\n")
    at = [place for place, line in enumerate(found) if _SIGNATURE.match(line)]
    types: dict[str, str] = {}
    times = Counter(each for place in at for each in _objects(found[place]))
    for written in sorted((each for each, count in times.items() if count > 1), key=len, reverse=True):
        holding = [place for place in at if written in found[place]]
        count = sum(found[place].count(written) for place in holding)
        if count < 2:
            continue  # it was within longer ones
        name = _name(found[holding[0]], written, types)
        if len(written) * (count - 1) <= len(name) * (count + 1) + len(" = \n"):
            continue
        types[name] = written
        for place in holding:
            found[place] = found[place].replace(written, name)
    return [*found, *(f"{name} = {written}" for name, written in types.items())]


def _objects(line: str) -> Iterator[str]:
    """Yield what stands in braces, at every depth."""
    opened: list[int] = []
    for place, sign in enumerate(line):
        if sign == "{":
            opened.append(place)
        elif sign == "}" and opened and place + 1 - opened[-1] >= MIN_CHARS:
            yield line[opened.pop() : place + 1]
        elif sign == "}" and opened:
            opened.pop()


def _name(line: str, written: str, taken: dict[str, str]) -> str:
    """Return a name for a type by what it first stands for: the argument, or the resource that the operation answers."""
    before = line[: line.index(written)]
    member = _MEMBER.search(before)
    what = member[1] if member else line.partition("(")[0].split(".")[-2:][0]
    words = [word[:1].upper() + word[1:] for word in _WORDS.findall(what)]
    name = singular("".join(words)) or "Type"
    return next(each for number in range(1, len(taken) + 2) if (each := name + str(number) * (number > 1)) not in taken)
