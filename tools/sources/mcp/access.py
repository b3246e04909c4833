"""What calling an upstream's tool may do: the riskier of what its words say and what its hints claim (MCP 2026-07-28, ToolAnnotations)."""

from tools.catalog.verbs import words_of
from tools.operation import Access
from tools.sources.mcp.definitions import UpstreamTool, members_of
from tools.sources.openapi.access import CHANGING, DESTROYING, PLAIN, READING

TIERS: tuple[Access, ...] = ("read", "write", "destructive")
#: `run_report` may well only read: these words say that something happens, not that something changes
_NEUTRAL = frozenset({"run", "trigger", "test", "check", "validate", "verify"})
_WRITING = CHANGING - _NEUTRAL
_ADVERBS = frozenset({"permanently", "irreversibly", "immediately", "completely", "safely"})
#: a second identical call makes a second thing, whatever a hint claims
_REPEATING = frozenset({"create", "add", "send", "post", "insert", "upload", "invite", "trigger", "append"})


def access_of_tool(definition: UpstreamTool) -> Access:
    """Return the tier of a tool. A server's hints are its own claim: they raise what the words say, and never lower it."""
    hints, spoken = definition.annotations, _spoken(definition)
    if hints.get("destructiveHint") is True:
        return "destructive"
    if spoken is None:
        return "read" if hints.get("readOnlyHint") is True else "write"
    claimed: Access = "write" if hints.get("readOnlyHint") is False else "read"
    return max(spoken, claimed, key=TIERS.index)


def is_idempotent_tool(definition: UpstreamTool, access: Access) -> bool:
    """Say whether a second identical call does nothing more; a hint is not believed of a word like "create"."""
    if access == "read":
        return True
    return definition.annotations.get("idempotentHint") is True and not _REPEATING.intersection(_verbs(definition.name))


def _spoken(definition: UpstreamTool) -> Access | None:
    """Return the tier that name, title and description say, or None where they say nothing."""
    verbs = _verbs(definition.name)
    if DESTROYING.intersection(verbs):
        return "destructive"
    if _WRITING.intersection(verbs) and not (verbs & _WRITING == {"add"} and _adds_up(definition)):
        return "write"
    if READING.intersection(verbs):
        return "read"
    return "destructive" if _destroys(definition.title) or _destroys(definition.description[:200]) else None


def _adds_up(definition: UpstreamTool) -> bool:
    """Say whether an "add" is arithmetic: nothing but numbers goes in, two of them at least."""
    members = members_of(definition.input_schema)
    numbers = [name for name, member in members.items() if isinstance(member, dict) and member.get("type") in ("integer", "number")]
    return len(numbers) == len(members) >= 2 and not any(words_of(name)[-1:] == ["id"] for name in numbers)


def _verbs(name: str) -> set[str]:
    """Return the words of a name that can be its verb: the first, what follows an "and" or "or", and else the last."""
    words = words_of(name)
    found = {word for before, word in zip(["or", *words], words, strict=False) if before in ("and", "or")}
    if not found & (READING | DESTROYING | CHANGING):
        found |= set(words[-1:])
    return found


def _destroys(text: str) -> bool:
    """Say whether a sentence begins with a plain word of destruction: "Deletes a note", "Permanently removes …"."""
    for word in words_of(text)[:2]:
        if word in PLAIN or word.removesuffix("s") in PLAIN or word.removesuffix("d") in PLAIN or word.removesuffix("es") in PLAIN:
            return True
        if word not in _ADVERBS:
            return False
    return False
