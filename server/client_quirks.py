"""Clients that declare URL elicitation and do not do it: they get the link as a plain result instead, which every client shows.

A client that does it and forgets to say so needs no entry: what is not declared is not used.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from tools.operation import ClientFacts


@dataclass(frozen=True, slots=True)
class Quirk:
    """`applies` looks at what the client said of itself; `source` is where the behaviour was reported."""

    name: re.Pattern[str]
    applies: Callable[[ClientFacts], bool]
    source: str


def _is_legacy(client: ClientFacts) -> bool:
    return client.protocol_version not in MODERN_PROTOCOL_VERSIONS


QUIRKS = (
    Quirk(re.compile(r"^claude-code\b"), _is_legacy, "anthropics/claude-code#48164, #69555: url mode is refused (-32602) on 2025-11-25"),
    Quirk(
        re.compile(r"\bvia mcp-remote\b"),
        lambda _: True,
        # Under this name it bridges; what 0.15.1 passes on as it is (2026-07-28) keeps the client's own name and needs no entry.
        "seen with mcp-remote 0.1.37 and 0.15.1: it hands the declaration on, and bridges no url mode",
    ),
    Quirk(
        re.compile(r"^Anthropic(?:/ClaudeAI)?$"), lambda _: True, "anthropics/claude-ai-mcp#153: claude.ai and Desktop have no elicitation"
    ),
)


def corrected(client: ClientFacts) -> ClientFacts:
    """Return the facts as they are rather than as they were declared."""
    if client.elicits_url and any(quirk.name.search(client.name) and quirk.applies(client) for quirk in QUIRKS):
        return replace(client, elicits_url=False)
    return client
