"""A request as it came in, before anything of it is believed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HookRequest:
    """`headers`: names in lower case, each with every value that came. `url`: the one that senders were told, never what they said."""

    headers: Mapping[str, tuple[str, ...]]
    body: bytes = field(repr=False)
    url: str = ""

    @staticmethod
    def of(headers: Iterable[tuple[bytes, bytes]], body: bytes, url: str = "") -> "HookRequest":
        """Return the request of raw header fields."""
        found: dict[str, list[str]] = {}
        for name, value in headers:
            found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip(" \t"))
        return HookRequest({name: tuple(values) for name, values in found.items()}, body, url)

    def header(self, name: str) -> str | None:
        """Return the value of a header; None where it is missing, empty, or there several times: nobody knows which of them was meant."""
        values = self.headers.get(name.lower(), ())
        return values[0] if len(values) == 1 and values[0] else None

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; "" where none is said."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()
