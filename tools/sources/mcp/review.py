"""What an operator should know before accepting a definition: what changed, in our own words, and what makes it riskier."""

import re
from collections.abc import Iterator, Mapping

from tools.operation import Json
from tools.plain_text import has_unseen
from tools.sources.mcp.access import TIERS, access_of_tool
from tools.sources.mcp.definitions import UpstreamTool, changes_between, definition_from, members_of, required_of

MAX_DEPTH = 12
#: words for a model rather than about a tool; each is a claim to look at, not a proof
_INSTRUCTIONS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"\b(ignore|disregard|forget|override)\b.{0,40}\b(previous|prior|above|earlier|all|other|any)\b"
        r".{0,40}\b(instruction|rule|prompt|tool|message)",
        r"\b(do not|don't|never|without)\b.{0,40}\b(tell|mention|inform|reveal|show|ask|notify)(ing)?\b"
        r".{0,40}\b(user|person|human|anyone)",
        r"</?\s*(important|system|instructions?|secret|admin|assistant)\s*>",
        r"\bsystem (prompt|message)\b|\byou (are|must|should) (now|always|first|never)\b",
        r"\b(before|after|instead of|when|whenever)\b.{0,30}\b(using|calling|invoking|use|call)\b"
        r".{0,40}\b(this|any|other|another|the)\b.{0,20}\btools?\b",
        r"\b(first|always|also|then)\b.{0,20}\b(read|send|pass|include|call|copy|provide|attach)\b.{0,60}"
        r"\b(password|secret|credential|token|api[ _-]?key|private key|conversation|file|\.env|ssh)",
        r"~/\.\w+|\bid_rsa\b|/etc/passwd",
        r"\b(send|post|forward|upload|exfiltrate)\b.{0,60}\bhttps?://",
    )
)
_SECRETS = re.compile(
    r"pass(word|phrase|wd)|secret|credential|private_?key|api_?key|(access|auth|bearer|session)_?token|conversation|system_?prompt", re.I
)


def summary_of(pinned: Mapping[str, Json], current: UpstreamTool) -> tuple[str, ...]:
    """Return what changed without a word of the upstream's: this much may reach a model before anybody accepted it."""
    changes = changes_between(pinned, current)
    parts = [name.replace("_", " ") for name in ("title", "description", "annotations", "output_schema", "input_schema") if name in changes]
    before, after = members_of(pinned.get("input_schema") or {}), members_of(current.input_schema)
    counts = {
        "added": len(after.keys() - before.keys()),
        "removed": len(before.keys() - after.keys()),
        "changed": sum(before[name] != after[name] for name in before.keys() & after.keys()),
    }
    parts += [f"{count} argument{'s' if count > 1 else ''} {word}" for word, count in counts.items() if count]
    return tuple([*parts, "which arguments are required"] if "required" in changes else parts)


def risks_of(pinned: Mapping[str, Json] | None, current: UpstreamTool) -> tuple[str, ...]:
    """Return what makes `current` riskier than what was accepted; None: nothing was, so everything about it is new."""
    former = definition_from(pinned) if pinned is not None else None
    found = list(_readings(current))
    if former is None:
        return tuple(found)
    known = set(_readings(former))
    found = [each for each in found if each not in known]
    was, now = access_of_tool(former), access_of_tool(current)
    if TIERS.index(now) > TIERS.index(was):
        found.append(f"access rises from {was} to {now}")
    if required_of(current.input_schema) - required_of(former.input_schema):
        found.append("demands arguments that it did not demand")
    lowered = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
    for hint, milder in lowered.items():
        if current.annotations.get(hint) is milder and former.annotations.get(hint) is not milder:
            found.append(f"claims {hint}={str(milder).lower()}, which it did not")
    return tuple(found)


def _readings(definition: UpstreamTool) -> Iterator[str]:
    """Yield what a definition looks like, each once."""
    texts = [definition.title, definition.description, *_texts(definition.input_schema), *_texts(definition.output_schema)]
    if any(pattern.search(text) for text in texts for pattern in _INSTRUCTIONS):
        yield "its words read like instructions to a model"
    if any(map(has_unseen, (*texts, definition.name))):
        yield "its words hold characters that nobody sees"
    if any(_SECRETS.search(name) for name in members_of(definition.input_schema)):
        yield "asks for what looks like a secret"


def _texts(node: Json, depth: int = 0) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif depth < MAX_DEPTH and isinstance(node, Mapping):
        for name, member in node.items():
            yield name
            yield from _texts(member, depth + 1)
    elif depth < MAX_DEPTH and isinstance(node, list | tuple):
        for member in node:
            yield from _texts(member, depth + 1)
