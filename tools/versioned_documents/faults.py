"""What is wrong with a configuration: every fault with its place, the rule that it breaks and what was probably meant."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.near_names import near
from tools.plain_text import written_out

#: of a word that is repeated to its writer
MAX_WORD_CHARS = 60
MAX_OPTIONS = 16
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """`place` as the file spells it: `routes.a.targets[0]`; "" for the file as a whole."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class ConfigInvalid(Exception):
    """A configuration that is not taken over; `faults` are all there are."""

    def __init__(self, faults: Sequence[ConfigFault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


def place_of(parts: Iterable[str | int]) -> str:
    """Return where a value stands: `routes.a.targets[0]`, `models."openai/gpt-5.2".can`."""
    said = ""
    for part in parts:
        if isinstance(part, int):
            said += f"[{part}]"
        else:
            word = part if _BARE.fullmatch(part) else f'"{shortened(part)}"'
            said += f".{word}" if said else word
    return said


def shortened(word: str) -> str:
    """Return a word of the file as it may be repeated: short, with the characters that nobody sees written out."""
    return written_out(word if len(word) <= MAX_WORD_CHARS else f"{word[:MAX_WORD_CHARS]}…")


def meant(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that says which known name was probably meant, or "" where none resembles `word`."""
    nearest = near(word, known, 1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def listed(options: Sequence[str]) -> str:
    """Return names for a sentence: all of them, or the first few and how many there are."""
    shown = ", ".join(map(shortened, options[:MAX_OPTIONS]))
    return shown if len(options) <= MAX_OPTIONS else f"{shown} … ({len(options)} in all)"
