"""How a value is written on a page: by its kind, for people, with what programs read beside it.

A list has hundreds of these: they are put together as they are, each text that is not ours escaped, where `Markup.format` would take
longer than the store.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from markupsafe import Markup, escape

from server.admin.console.charts.spark import spark
from server.admin.resource import Kind
from tools.metering.money import to_usd
from tools.operation import Json

#: words of states -> how a person should feel about them; any other is a fact like others
TONES: Mapping[str, str] = {
    **dict.fromkeys(
        ("ok", "active", "resolved", "succeeded", "done", "delivered", "verified", "good", "ready", "connected", "green"), "good"
    ),
    **dict.fromkeys(("pending", "acknowledged", "held", "late", "degraded", "expiring", "caller", "setup", "retrying"), "warn"),
    **dict.fromkeys(("failed", "error", "firing", "open", "broken", "dead", "revoked", "missing", "ours", "upstream", "down"), "bad"),
}
#: endings of members that no column describes -> what they are
_ENDINGS: tuple[tuple[str, Kind], ...] = (
    ("_ms", "duration_ms"),
    ("_us", "time"),
    ("_nano_usd", "money_nano_usd"),
    ("_bytes", "bytes"),
    ("_share", "share"),
)
_WORDS = {"id": "ID", "ms": "ms", "url": "URL", "ip": "IP", "api": "API", "cidrs": "CIDRs"}
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = ("B", "kB", "MB", "GB", "TB")
LONG_ID = re.compile(r"[0-9a-f]{24,64}")
NONE = Markup('<span class="none">–</span>')


def shown(kind: Kind, value: Json, *, is_whole: bool = False, tone: str = "plain") -> Markup:
    """Return a value as a cell has it; `is_whole`: on a page of its own, with room for all of it; `tone`: of a state that is unknown."""
    if value is None or value == "":
        return NONE
    match kind:
        case "time" if isinstance(value, int | float):
            return moment(int(value), is_whole=is_whole)
        case "state":
            return html(f'<span class="chip {TONES.get(str(value).partition(" ")[0], tone)}">{escape(said(kind, value))}</span>')
        case "text" if not is_whole and isinstance(value, str) and LONG_ID.fullmatch(value):
            # What ids of ours begin with is when they were made; their ends tell them apart.
            return html(f'<code title="{value}">…{value[-8:]}</code>')
        case "spark" if isinstance(value, Sequence) and not isinstance(value, str):
            return spark([float(each) for each in value if isinstance(each, int | float)])
    return escape(said(kind, value))


def html(text: str) -> Markup:
    """Return HTML that was put together here; whoever does escapes every part of it that is not ours."""
    return Markup(text)  # noqa: S704  the one place where it is said to be HTML


def said(kind: Kind, value: Json) -> str:
    """Return a value in words alone."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        match kind:
            case "time":
                return moment_said(int(value), is_whole=True)
            case "duration_ms":
                return duration(float(value))
            case "money_nano_usd":
                return money(int(value))
            case "bytes":
                return size(float(value))
            case "share":
                return percent(float(value))
        return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(said("text", each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {said('text', each)}" for name, each in value.items())
    return plain(str(value))


def plain(text: str) -> str:
    """Return text without what could rearrange a page; lines stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each for each in text if each == "\n" or unicodedata.category(each) not in ("Cc", "Cf", "Co", "Cs"))


def with_code(text: str) -> Markup:
    """Return a sentence of ours in which what stands between backticks is typed."""
    parts = text.split("`")
    return html("".join(f"<code>{escape(part)}</code>" if place % 2 else str(escape(part)) for place, part in enumerate(parts)))


def moment(at_us: int, *, is_whole: bool = False) -> Markup:
    """Return a time in UTC; the script says it in the reader's own zone."""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return html(f'<time datetime="{at.isoformat()[:19]}Z">{_in_words(at, is_whole=is_whole)}</time>')


def moment_said(at_us: int, *, is_whole: bool = False) -> str:
    """Return a time in UTC as people write it."""
    return _in_words(datetime.fromtimestamp(at_us // 1_000_000, UTC), is_whole=is_whole)


def _in_words(at: datetime, *, is_whole: bool) -> str:
    clock = at.isoformat()[11:19]
    return f"{at.day} {at:%B %Y}, {clock} UTC" if is_whole else f"{at.day} {_MONTHS[at.month]} {clock}"


def duration(ms: float) -> str:
    """Return a duration with three figures at most."""
    if ms < 1_000:
        return f"{ms:.1f} ms" if 0 < ms < 10 else f"{ms:.0f} ms"
    seconds = ms / 1_000
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def money(nano_usd: int) -> str:
    """Return dollars: cents where there are some, else as many places as show something."""
    usd = to_usd(nano_usd)
    if usd == 0 or abs(usd) >= 1:
        return f"${usd:,.2f}"
    return f"${usd:.4f}" if abs(usd) >= 0.0001 else f"${usd:.7f}"


def size(count: float) -> str:
    """Return bytes in units of a thousand."""
    for unit in _UNITS[:-1]:
        if abs(count) < 1_000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1_000
    return f"{count:,.3g} {_UNITS[-1]}"


def percent(share: float) -> str:
    """Return a share; what is there is never rounded to nothing."""
    if 0 < share < 0.0001:
        return "< 0.01 %"
    return f"{100 * share:.2f} %" if share < 0.1 else f"{100 * share:.1f} %"


def kind_of(name: str, value: Json) -> Kind:
    """Return what a member is that no column describes, by how its name ends."""
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return next((kind for ending, kind in _ENDINGS if name.endswith(ending)), "number")
    return "state" if name in ("state", "status", "outcome") and isinstance(value, str) else "text"


def title_of(name: str) -> str:
    """Return what a member is called that no column describes."""
    for ending in ("_us", "_nano_usd", "_bytes", "_ms"):
        name = name.removesuffix(ending) if not name.startswith("upstream") or ending != "_ms" else name
    words = [_WORDS.get(word, word) for word in name.replace(".", "_").split("_") if word]
    text = " ".join(words)
    return text[:1].upper() + text[1:]
