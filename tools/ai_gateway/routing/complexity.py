"""How much a request asks of a model, by rules that cost microseconds (features.md S1-17).

Code, words of analysis, more than 500 tokens or more than ten messages make it complex; more than 100 tokens medium.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal

from tools.operation import Json

Complexity = Literal["simple", "medium", "complex"]

CHARS_PER_TOKEN: Final = 4
COMPLEX_TOKENS, MEDIUM_TOKENS, COMPLEX_MESSAGES = 500, 100, 10
_MAX_CHARS = COMPLEX_TOKENS * CHARS_PER_TOKEN
#: what holds the conversation, by surface: chat and messages, responses, Gemini's own
_CONVERSATIONS = ("messages", "input", "contents")
_AROUND = ("system", "instructions", "prompt", "query")
#: what only code has
_SIGNS: Final = ("```", "=>", ") {", "){", ";\n", "</")
# One expression for all of them takes half a millisecond; a set of words is made in a tenth of that, and has the answer for nearly all.
#: a word that code begins with -> what has to follow it
_CODE: Final = {
    "def": re.compile(r"\bdef \w+ ?\("),
    "class": re.compile(r"\bclass \w+ ?[:({]"),
    "function": re.compile(r"\bfunction \w* ?\("),
    "import": re.compile(r"\bimport [\w.]+(?:\n|\Z|;| as )|\bfrom [\w.]+ import \w"),
    "const": re.compile(r"\bconst \w+ ?="),
    "let": re.compile(r"\blet \w+ ?="),
    "select": re.compile(r"\bSELECT [^\n]{1,200} FROM "),
    "#include": re.compile(r"#include"),
    "traceback": re.compile(r"Traceback \("),
}
_ANALYSIS: Final = {
    word + mark: word
    for word in (
        *("analyse", "analyze", "analysing", "analyzing", "analysis", "compare", "comparing", "comparison", "contrast", "evaluate"),
        *(
            "evaluating",
            "evaluation",
            "assess",
            "assessment",
            "critique",
            "synthesise",
            "synthesize",
            "synthesis",
            "prove",
            "proof",
            "derive",
        ),
        *("reasoning", "step-by-step", "trade-off", "trade-offs", "tradeoffs", "architecture", "strategy", "refactor", "debug"),
    )
    for mark in ("", ",", ".", ":", ";", "?", "!")
}
#: a word -> the phrase of analysis that begins with it
_PHRASES: Final = {"step": "step by step", "explain": "explain why", "pros": "pros and cons", "root": "root cause"}


def complexity_of(body: Mapping[str, Json]) -> tuple[Complexity, str]:
    """Return how complex a request is, and by which rule. Of its text no more than 500 tokens are looked at."""
    messages = next((len(body[name]) for name in _CONVERSATIONS if isinstance(body.get(name), list)), 0)
    if messages > COMPLEX_MESSAGES:
        return "complex", f"{messages} messages"
    parts: list[str] = []
    chars = 0
    for part in _texts(body):
        chars += len(part)
        if chars > _MAX_CHARS:
            return "complex", f"more than {COMPLEX_TOKENS} tokens"
        parts.append(part)
    text = "\n".join(parts)
    lowered = text.lower()
    words = frozenset(lowered.split())
    if any(sign in text for sign in _SIGNS) or any(_CODE[word].search(text) for word in _CODE.keys() & words):
        return "complex", "code"
    if found := _ANALYSIS.keys() & words:
        return "complex", f"a word of analysis, {_ANALYSIS[min(found)]!r}"
    if any(_PHRASES[word] in lowered for word in _PHRASES.keys() & words):
        return "complex", "words of analysis"
    tokens = -(-chars // CHARS_PER_TOKEN)
    return ("medium" if tokens > MEDIUM_TOKENS else "simple"), f"{tokens} tokens"


def _texts(body: Mapping[str, Json]) -> Iterator[str]:
    for name in (*_AROUND, *_CONVERSATIONS):
        if name in body:
            yield from _texts_in(body[name], 8)


def _texts_in(value: Json, depth: int) -> Iterator[str]:
    """Yield the words of a message, of its parts and of theirs: every dialect calls them content, parts or text."""
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, list):
        for each in value:
            yield from _texts_in(each, depth - 1)
    elif depth and isinstance(value, dict):
        for name in ("content", "parts", "text"):
            if name in value:
                yield from _texts_in(value[name], depth - 1)
