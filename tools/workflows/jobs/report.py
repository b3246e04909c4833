"""What a job leaves: {title, findings, counts, checked_at}. It names things of one tenant; secrets and words of others are taken out."""

from collections.abc import Mapping, Sequence

from tools.context_plane.times import time_text
from tools.operation import Json
from tools.plain_text import visible
from tools.text.secrets_in_text import redact

MAX_FINDINGS = 200
MAX_TEXT_CHARS = 300
_NONE: Mapping[str, Json] = {}


def finding(kind: str, about: str, message: str, hint: str = "", facts: Mapping[str, Json] = _NONE) -> dict[str, Json]:
    """Return one thing that somebody should look at: what kind, about what, and what to do."""
    found: dict[str, Json] = {"kind": kind, "about": clean(about), "message": clean(message)}
    if hint:
        found["hint"] = hint
    return found | {name: clean(value) if isinstance(value, str) else value for name, value in facts.items()}


def report(title: str, findings: Sequence[Mapping[str, Json]], counts: Mapping[str, int], checked_at_us: int) -> dict[str, Json]:
    """Return the report; of more than MAX_FINDINGS it has the first, and `counts.findings` says how many there were."""
    kept = [dict(each) for each in findings[:MAX_FINDINGS]]
    return {"title": title, "findings": kept, "counts": {**counts, "findings": len(findings)}, "checked_at": time_text(checked_at_us)}


def clean(text: str) -> str:
    """Return a text that somebody else chose as a report may have it."""
    return redact(visible(text))[:MAX_TEXT_CHARS]
