"""What a setting may hold: how its text is read, and what is said of a value that breaks the rule."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from server.networks import Networks, parse_address
from server.origins import parse_origin

_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):(?:[0-9]{1,5}|\*)")


class ValueKind(Protocol):
    """One kind of value. `says` is what the list of settings tells of it."""

    @property
    def says(self) -> str: ...

    def read(self, text: str) -> object:
        """Return what the text of a variable stands for; where it is none, the text, which `checked` refuses."""
        ...

    def checked(self, value: object) -> object:
        """Return `value` as it is kept. Raises ValueError with the rule and the way out."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    says: str = "text"

    def read(self, text: str) -> object:
        return text

    def checked(self, value: object) -> object:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not text; put it in quotes")
        return value


@dataclass(frozen=True, slots=True)
class Secret:
    """Text that is shown nowhere, not even where it is wrong."""

    says: str = "a secret"

    def read(self, text: str) -> object:
        return text

    def checked(self, value: object) -> object:
        if not isinstance(value, str):
            raise ValueError("not text; put it in quotes")
        return value


@dataclass(frozen=True, slots=True)
class Switch:
    says: str = "`1` or `0`"

    def read(self, text: str) -> object:
        return text.lower() in ("1", "true", "yes", "on")

    def checked(self, value: object) -> object:
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} is not true or false; give one or unset it")
        return value


@dataclass(frozen=True, slots=True)
class Number:
    """A number above 0, or from 0 where `may_be_zero`."""

    unit: str = ""
    may_be_zero: bool = False

    @property
    def says(self) -> str:
        return f"{self.unit or 'a number'}, {self._bound}"

    @property
    def _bound(self) -> str:
        return "0 or more" if self.may_be_zero else "above 0"

    def read(self, text: str) -> object:
        try:
            return float(text)
        except ValueError:
            return text

    def checked(self, value: object) -> object:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        # Not a number and infinity compare as false with every moment: a code with such a life would never expire.
        if not is_number or not 0 <= value < math.inf or (value == 0 and not self.may_be_zero):  # type: ignore[operator]  # a number here
            raise ValueError(f"{value!r} is not a number {self._bound}; give one or unset it")
        return value


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number from 1 to `most`."""

    most: int

    @property
    def says(self) -> str:
        return f"a whole number from 1 to {self.most}"

    def read(self, text: str) -> object:
        # Digits of ASCII alone: int() takes others, signs and underscores too.
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text

    def checked(self, value: object) -> object:
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= self.most:
            raise ValueError(f"{value!r} is not {self.says}; give one or unset it")
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[str, ...]

    @property
    def says(self) -> str:
        return " or ".join(f"`{option}`" for option in self.options)

    def read(self, text: str) -> object:
        return text

    def checked(self, value: object) -> object:
        if value not in self.options:
            raise ValueError(f"{value!r} is not {' or '.join(self.options)}; give one or unset it")
        return value


@dataclass(frozen=True, slots=True)
class Entries:
    """Several texts: commas between them in a variable, a list in the file. Each has to fit, or `rule` is said of it."""

    says: str
    fits: Callable[[str], bool]
    rule: str

    def read(self, text: str) -> object:
        return tuple(part.strip() for part in text.split(",") if part.strip())

    def checked(self, value: object) -> object:
        entries = tuple(value) if isinstance(value, list | tuple) else (value,)
        for entry in entries:
            if not isinstance(entry, str) or not self.fits(entry):
                raise ValueError(f"{entry!r} {self.rule}")
        return entries


@dataclass(frozen=True, slots=True)
class ConsoleOrigin:
    """An origin at which browsers allow passkeys: https or this machine, and by a name (WebAuthn 3 §5.1.3)."""

    says: str = "an origin"

    def read(self, text: str) -> object:
        return text

    def checked(self, value: object) -> object:
        origin = parse_origin(value.strip().rstrip("/")) if isinstance(value, str) else None
        is_ours = origin is not None and (origin.scheme == "https" or (origin.scheme == "http" and origin.host == "localhost"))
        if origin is None or not is_ours or parse_address(origin.host.strip("[]")) is not None:
            raise ValueError(
                f"{value!r} can have no passkeys; give an https origin with a host name, like https://admin.example.com, or "
                "http://localhost:8080 on this machine"
            )
        return str(origin)


def _is_network(entry: str) -> bool:
    try:
        Networks((entry,))
    except ValueError:
        return False
    return True


CONSOLE_ORIGIN = ConsoleOrigin()
HOSTS_AND_PORTS = Entries(
    "`host:port`, `*` for any port, commas between",
    lambda entry: _HOST_AND_PORT.fullmatch(entry) is not None,
    "is not host:port; give one like crm.internal:8443, or * for any port",
)
ORIGINS = Entries(
    "origins, commas between",
    lambda entry: parse_origin(entry) is not None,
    "is not an origin; give scheme and host only, like https://app.example.com",
)
NETWORKS = Entries(
    "addresses and networks, commas between",
    _is_network,
    "is not an address or a network; give addresses and networks with commas between, like 10.0.0.5,192.168.0.0/16",
)
