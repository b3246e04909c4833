"""The address of a page says all of its state: whoever gets it sees the same, and every link is the same address but for a word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from starlette.requests import Request

from server.admin.resource import Span

#: the ranges that a page offers, and how long each is called
RANGES = ("1h", "24h", "7d", "30d")
_NOTHING: Mapping[str, str] = {}
#: parameters that say where in a list a page stands; a list that is narrowed begins anew
_PLACE = ("cursor", "back", "format", "change")


@dataclass(frozen=True, slots=True)
class Address:
    """A page of ours with its parameters, in their order."""

    path: str
    parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, request: Request) -> "Address":
        """Return the address that is asked for, without parameters that say nothing, as forms send them."""
        return cls(request.url.path, tuple((name, value) for name, value in request.query_params.multi_items() if value))

    def get(self, name: str) -> str:
        """Return what the address says of `name`, "" where it says nothing."""
        return next((value for each, value in self.parameters if each == name), "")

    def all(self, name: str) -> list[str]:
        """Return every value that the address gives `name`."""
        return [value for each, value in self.parameters if each == name]

    def to(self, changes: Mapping[str, str] = _NOTHING, *, stays: bool = False, **more: str | Sequence[str]) -> str:
        """Return the address with these parameters instead; "" takes one away. `stays`: at the same place of the list."""
        instead = {**changes, **more}
        kept = [(name, value) for name, value in self.parameters if name not in instead and (stays or name not in _PLACE)]
        for name, values in instead.items():
            kept += [(name, value) for value in ([values] if isinstance(values, str) else values) if value]
        return f"{quote(self.path, safe='/:@')}{'?' if kept else ''}{urlencode(kept)}"

    def others(self, *named: str) -> list[tuple[str, str]]:
        """Return the parameters but these and the place, for the hidden fields of a form that asks for these."""
        return [(name, value) for name, value in self.parameters if name not in named and name not in _PLACE]


def page_of(resource: str, key: str = "") -> str:
    """Return the address of a resource's list, or of a thing of it."""
    return f"/admin/{resource}/{quote(key, safe=':@')}" if key else f"/admin/{resource}"


def iso(at_us: int) -> str:
    """Return a time as addresses and fields have it: UTC, to the second."""
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@dataclass(frozen=True, slots=True)
class RangeLinks:
    """What the range picker of a page offers: links, and the two fields of its form."""

    span: Span
    offered: tuple[tuple[str, str, bool], ...]
    #: the same stretch of time for whoever opens the link later
    fixed: str
    earlier: str
    later: str
    from_: str
    to: str


def range_links(address: Address, span: Span, now_us: int) -> RangeLinks:
    """Return the links of a page with a span."""

    def between(first_us: int, last_us: int) -> str:
        return address.to({"range": "", "from": iso(first_us), "to": iso(last_us)})

    length = span.to_us - span.from_us
    return RangeLinks(
        span=span,
        offered=tuple((said, address.to({"range": said, "from": "", "to": ""}), span.said == said) for said in RANGES),
        fixed=between(span.from_us, span.to_us),
        earlier=between(span.from_us - length, span.from_us),
        # Later than now there is nothing to see.
        later="" if span.said or span.to_us >= now_us else between(span.to_us, min(span.to_us + length, now_us)),
        from_=iso(span.from_us)[:16],
        to=iso(span.to_us)[:16],
    )
