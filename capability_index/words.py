"""Text -> words: identifiers split, markup gone, stems, stop words, CJK bigrams."""

import html
import re
import threading
from collections.abc import Iterator

import Stemmer  # type: ignore[import-not-found]  # ships no types

#: words that say nothing about what an operation does
STOP_WORDS = frozenset(
    """
    a about after all also am an and any are as at be because been before being but by can could did do does doing for from
    had has have having he her here him his how i if in into is it its just me more most my no not of on or our out over
    please she should so some such than that the their them then there these they this those to too under up us very want
    was we were what when where which while who whom will with would you your need help like let s t m d re ve ll
    """.split()  # noqa: SIM905  # a list of a hundred quoted words is harder to read
)
_TAG = re.compile(r"<[A-Za-z/!][^<>]{0,500}>")
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\WA-Za-z0-9_]+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]+")
_NON_LATIN = re.compile(r"[\u0370-\u1dff\u2e80-\ud7ff\uf900-\ufdff]")
_LETTER = re.compile(r"[^\W\d_]")
_MAX_WORD_CHARS = 64
#: Words of queries are anybody's; each takes some 300 bytes.
_MAX_STEMS = 60_000
_stem_by_word: dict[str, str] = {}
_stemmer = Stemmer.Stemmer("english")
# One stemmer has one buffer: two threads in it at once would mix their words.
_stemming = threading.Lock()


def word_set(words: str) -> frozenset[str]:
    """Return the words of a line as a set."""
    return frozenset(words.split())


def stem_set(words: str) -> frozenset[str]:
    """Return the stems of the words of a line as a set."""
    return frozenset(map(stem, words.split()))


def plain(text: str, max_chars: int) -> str:
    """Return `text` without markup, entities and runs of blanks, cut to `max_chars`."""
    text = text[: max_chars * 4]
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "&" in text:
        text = html.unescape(text)
    return " ".join(text.split())[:max_chars]


def split_name(name: str) -> str:
    """Return an identifier as words: `getUserInfo_v2` -> `get User Info v 2`."""
    return " ".join(part for word in _WORD.findall(name) for part in _parts(word))


def surfaces(text: str) -> Iterator[str]:
    """Yield the lower-case words of `text` in order, identifiers split, CJK runs as single characters and pairs."""
    for word in _WORD.findall(text):
        if word.isascii():
            if word.islower() or word.isdigit():
                yield word[:_MAX_WORD_CHARS]
            else:
                for part in _parts(word):
                    yield part.lower()[:_MAX_WORD_CHARS]
        else:
            yield from _unicode_parts(word)


def _parts(word: str) -> list[str]:
    return _CAMEL.findall(word) if not (word.islower() or word.istitle()) or not word.isalpha() else [word]


def _unicode_parts(word: str) -> Iterator[str]:
    end = 0
    for run in _CJK.finditer(word):
        if run.start() > end:
            yield word[end : run.start()].lower()[:_MAX_WORD_CHARS]
        characters = run[0]
        yield from characters
        yield from (characters[at : at + 2] for at in range(len(characters) - 1))
        end = run.end()
    if end < len(word):
        yield word[end:].lower()[:_MAX_WORD_CHARS]


def stem(word: str) -> str:
    """Return the stem of a lower-case word."""
    found = _stem_by_word.get(word)
    if found is None:
        if word.isdigit():
            return word  # Its own stem, and numbers have no end: they would fill what is remembered.
        with _stemming:
            found = _stemmer.stemWord(word)
        if len(_stem_by_word) < _MAX_STEMS:
            _stem_by_word[word] = found
    return found


def forget_stems() -> None:
    """Forget the words whose stems are remembered."""
    _stem_by_word.clear()


def terms(text: str) -> list[tuple[str, str]]:
    """Return (stem, word) for each word of `text` that says something, in order."""
    return [(stem(word), word) for word in surfaces(text) if word not in STOP_WORDS]


def stems(text: str) -> list[str]:
    """Return the stems of `text` in order, stop words left out."""
    return [stem(word) for word in surfaces(text) if word not in STOP_WORDS]


def non_latin_share(text: str) -> float:
    """Return which part of the letters of `text` is in a script that the embedded word table hardly knows."""
    if text.isascii():
        return 0.0
    letters = len(_LETTER.findall(text))
    return len(_NON_LATIN.findall(text)) / letters if letters else 0.0
