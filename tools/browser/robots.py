"""What a site lets crawlers read (RFC 9309).

The standard library's reader takes the first rule that fits and no wildcards, where the longest counts (§2.2.2); libraries make regular
expressions of what a site wrote, and a site can write one that takes forever. Here a rule is looked for piece by piece.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from anyio import to_thread

from tools.egress.client import Egress, OutboundRequest
from tools.errors import EgressRefused, ToolError
from tools.fair_semaphore import Holder
from tools.text.urls import parts_of

#: as robots.txt names us, or does not
AGENT: Final = "ascend-gateway"
#: RFC 9309 §2.5: at least 500 KiB are read
MAX_BYTES: Final = 512 * 1024
MAX_RULES: Final = 2_000
#: no address of a page is longer
MAX_RULE_CHARS: Final = 2_000
#: of all rules together: each is looked for in each address
MAX_PIECES: Final = 10_000
TIMEOUT_S: Final = 10.0
#: RFC 3986 §2.2, §2.3: what stays as it is where the rest is spelled with percent signs
_AS_IT_IS: Final = "%/?:@!$&'()*+,;=-._~"
_ESCAPE: Final = re.compile(r"%[0-9a-fA-F]{2}")


@dataclass(frozen=True, slots=True)
class Rule:
    """`pieces`: what stands between the wildcards of a path."""

    is_allowed: bool
    pieces: tuple[str, ...]
    is_whole: bool
    length: int

    def fits(self, path: str) -> bool:
        first, *others = self.pieces
        if not path.startswith(first):
            return False
        at = len(first)
        for piece in others[:-1] if self.is_whole else others:
            found = path.find(piece, at)
            if found < 0:
                return False
            at = found + len(piece)
        if not self.is_whole:
            return True
        return len(path) - at >= len(others[-1]) and path.endswith(others[-1]) if others else at == len(path)


class Robots:
    """The rules of one site for us."""

    def __init__(self, rules: Sequence[Rule], *, is_closed: bool = False) -> None:
        self.rules, self._is_closed = rules, is_closed

    @classmethod
    def read(cls, text: str) -> "Robots":
        """Read a file: the groups that name us, or those for everybody (§2.2.1); of rules beyond the bounds, none."""
        agent = AGENT if any(name == "user-agent" and value.lower() == AGENT for name, value in _lines(text)) else "*"
        rules: list[Rule] = []
        pieces = 0
        is_naming = is_meant = False
        for name, value in _lines(text):
            if name == "user-agent":
                is_meant = value.lower() == agent or (is_naming and is_meant)
                is_naming = True
            elif name in ("allow", "disallow"):
                is_naming = False
                if is_meant and 0 < len(value) <= MAX_RULE_CHARS and len(rules) < MAX_RULES:
                    rule = _rule(value, is_allowed=name == "allow")
                    pieces += len(rule.pieces)
                    if pieces > MAX_PIECES:
                        break
                    rules.append(rule)
        return cls(rules)

    def allows(self, url: str) -> bool:
        if self._is_closed:
            return False
        parts = parts_of(url)
        path = _spelled((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        fitting = [(rule.length, rule.is_allowed) for rule in self.rules if rule.fits(path)]
        # §2.2.2: the most octets; between equals, allow
        return max(fitting, default=(0, True))[1]


async def robots_of(url: str, egress: Egress, holder: Holder) -> Robots:
    """Return the rules of the site of `url`; one that cannot say them lets nobody in. Raises EgressRefused."""
    egress.rules.target(url)
    parts = parts_of(url)
    place = f"{parts.scheme}://{parts.netloc}/robots.txt"
    request = OutboundRequest("GET", place, (("User-Agent", AGENT),), timeout_s=TIMEOUT_S, max_body_bytes=MAX_BYTES, holder=holder)
    try:
        answer = await egress.send(request)
    except EgressRefused:
        raise
    except ToolError:
        # §2.3.1.4: what cannot be reached disallows everything.
        return Robots((), is_closed=True)
    if answer.status >= 400:
        # §2.3.1.3: who has no file says nothing against it.
        return Robots((), is_closed=answer.status >= 500)
    # In a thread: half a megabyte of short lines takes a while to read, and others are not to wait for it.
    return await to_thread.run_sync(Robots.read, answer.body.decode("utf-8", "replace"))


def _lines(text: str) -> Iterable[tuple[str, str]]:
    for line in text.removeprefix("\ufeff").splitlines():
        name, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield name.strip().lower(), value.strip()


def _rule(value: str, *, is_allowed: bool) -> Rule:
    spelled = _spelled(value)
    pattern = re.sub(r"\*+", "*", spelled.removesuffix("$"))
    return Rule(is_allowed, tuple(pattern.split("*")), spelled.endswith("$"), len(spelled))


def _spelled(path: str) -> str:
    """Return a path in the one spelling in which two are compared (§2.2.2)."""
    return _ESCAPE.sub(lambda found: found[0].upper(), quote(path, safe=_AS_IT_IS))
