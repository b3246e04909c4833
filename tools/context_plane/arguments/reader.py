"""Reading what a caller handed in: every fault is noted, and so is everything that was cleaned."""

from collections.abc import Mapping, Sequence
from typing import Any

from tools.context_plane.arguments.cleaning import is_clean, kept_line, kept_text
from tools.context_plane.errors import ContextCode, ContextRefused
from tools.context_plane.times import BadTime, time_us
from tools.operation import Json

#: of a value that is shown in a fault
_SHOWN_CHARS = 60
_TIME = "2026-02-28T09:30:00Z"


class Reader:
    """Gives what it read, or something harmless in its place; `check` raises when all has been looked at."""

    def __init__(self) -> None:
        self.faults: list[Mapping[str, Json]] = []
        #: paths of texts that hold something that was left out
        self.cleaned: list[str] = []
        self._codes: set[ContextCode] = set()

    def fault(self, path: str, value: Json, rule: str, example: Json = None, code: ContextCode = "invalid_arguments") -> None:
        shown = value if isinstance(value, int | float | bool) or value is None else kept_line(str(value))[:_SHOWN_CHARS]
        self.faults.append({"path": path, "value": shown, "rule": rule, "example": example})
        self._codes.add(code)

    def check(self) -> None:
        """Raise ContextRefused with every fault there is."""
        if not self.faults:
            return
        code = self._codes.pop() if len(self._codes) == 1 else "invalid_arguments"
        first = self.faults[0]
        more = f"; {len(self.faults) - 1} more" if len(self.faults) > 1 else ""
        raise ContextRefused(code, f"{first['path']} {first['rule']}{more}", "nothing was kept; `faults` names all of them", self.faults)

    def members(self, path: str, value: Json, known: Sequence[str]) -> Mapping[str, Any]:
        """Return an object that has no members but `known`; an empty one where it is none."""
        if not isinstance(value, Mapping):
            self.fault(path, value, "is no object")
            return {}
        for name in value:
            if name not in known:
                self.fault(f"{path}.{kept_line(str(name))}".lstrip("."), None, f"is not known; there are {', '.join(known)}")
        return value

    def line(self, path: str, value: Json, most: int, *, example: str = "", is_needed: bool = False) -> str:
        """Return a text on one line of at most `most` characters."""
        return self._text(path, value, most, kept_line, example, is_needed)

    def body(self, path: str, value: Json, most: int) -> str:
        """Return a text whose lines stay lines."""
        return self._text(path, value, most, kept_text, "", False)

    def time(self, path: str, value: Json) -> int | None:
        """Return a time in microseconds; None where there is none."""
        if value is None:
            return None
        if not isinstance(value, str):
            self.fault(path, value, "is no time", _TIME, "bad_time")
            return None
        try:
            return time_us(kept_line(value))
        except BadTime as error:
            self.fault(path, value, f"is no time: {error}", _TIME, "bad_time")
        return None

    def share(self, path: str, value: Json) -> float:
        """Return a number from 0 to 1; 1 where there is none."""
        if value is None:
            return 1.0
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            self.fault(path, value, "is no number from 0 to 1", 0.8)
            return 1.0
        return float(value)

    def flag(self, path: str, value: Json) -> bool:
        if value is None or isinstance(value, bool):
            return bool(value)
        self.fault(path, value, "is neither true nor false", False)
        return False

    def _text(self, path: str, value: Json, most: int, keep: Any, example: str, is_needed: bool) -> str:
        if value is None and not is_needed:
            return ""
        if not isinstance(value, str):
            self.fault(path, value, "is missing" if value is None else "is no text", example)
            return ""
        if len(value) > 2 * most + 100:
            # Longer than any cleaning makes it short: not worth the time.
            self.fault(path, value[:_SHOWN_CHARS], f"is longer than {most:,} characters", example, "too_large")
            return ""
        text: str = keep(value)
        if len(text) > most:
            self.fault(path, text, f"is longer than {most:,} characters", example, "too_large")
        if is_needed and not text.strip():
            self.fault(path, value, "is empty", example)
        if not is_clean(value):
            self.cleaned.append(path)
        return text
