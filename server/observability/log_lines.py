"""Log lines: an event name and its facts, as text or JSON, with anything that looks like a secret taken out."""

import logging
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

from tools.json_text import encode
from tools.plain_text import written_out
from tools.text.secrets_in_text import redact

#: white space, quotes, equals signs, characters that nobody sees (control, bidirectional, zero-width, tags), and how tokens begin
_ODD = re.compile(
    r"[\s\"'=\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]|eyJ|asc_"
)

#: names and values that are the same in many lines
Facts = tuple[tuple[str, str], ...]


class EventFormatter(logging.Formatter):
    """Renders `logger.info("event_name", extra={"facts": {...}})`. Tracebacks stay, redacted like everything else.

    `always`: facts of this process, in every line.
    """

    def __init__(self, *, as_json: bool, always: Facts = ()) -> None:
        super().__init__()
        self._as_json, self._always = as_json, always

    def format(self, record: logging.LogRecord) -> str:
        facts: Mapping[str, Any] = {**dict(self._always), **(getattr(record, "facts", None) or {})}
        moment = _moment(record.created)
        trouble = self.formatException(record.exc_info) if record.exc_info else ""
        if self._as_json:
            line = {"time": moment, "level": record.levelname.lower(), "event": record.getMessage(), "logger": record.name, **facts}
            if trouble:
                line["exception"] = trouble
            return encode(_clean(line)).decode()
        words = " ".join(f"{name}={_shown(value)}" for name, value in facts.items())
        text = f"{moment} {record.levelname.lower():7} {written_out(record.getMessage())}{' ' if words else ''}{words}"
        return redact(f"{text}\n{trouble}" if trouble else text)

    def line(self, seconds: float, event: str, about: Facts, own: Mapping[str, Any]) -> str:
        """Return the line of an info event, with its end. `about` is the same in many lines and looked at once; `own` is of this one.

        Facts without a character that a secret or a second line needs go as they are.
        """
        about = self._always + about
        if self._as_json:
            line = {"time": _moment(seconds), "level": "info", "event": event, **_clean(dict(about)), **_clean(own)}
            return f"{encode(line).decode()}\n"
        return f"{_moment(seconds)} info    {event} {_known_words(about)} {_words(own.items())}\n"


class EventHandler(logging.StreamHandler[TextIO]):
    """Writes events to a stream; many at once where they come in batches."""

    def __init__(self, stream: TextIO, *, as_json: bool, always: Facts = ()) -> None:
        super().__init__(stream)
        self._formatter = EventFormatter(as_json=as_json, always=always)
        self.setFormatter(self._formatter)

    def write_batch(self, event: str, batch: Iterable[tuple[float, Facts, Mapping[str, Any]]]) -> None:
        """Write one info line for each (seconds since the epoch, facts, own facts), in one go: a tenth of what a log record costs."""
        lines = [self._formatter.line(moment, event, about, own) for moment, about, own in batch]
        with self.lock or nullcontext():
            self.stream.write("".join(lines))
            self.flush()


def configure_logging(log_format: str, *, stream: TextIO | None = None, always: Facts = ()) -> None:
    """Send this process's log to `stream` (stderr by default), as `text` or `json`; `always`: what every line says."""
    handler = EventHandler(stream or sys.stderr, as_json=log_format == "json", always=always)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel("INFO")
    # They log one line per request or per session, which our own call line already tells.
    for name in ("mcp", "sse_starlette", "uvicorn.access", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel("WARNING")


def _moment(seconds: float) -> str:
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=4)
def _second(whole: int) -> str:
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}"


@lru_cache(maxsize=1024)
def _known_words(facts: Facts) -> str:
    return _words(facts)


def _words(facts: Collection[tuple[str, Any]]) -> str:
    """Return facts as text: those that are plain as they are, the others quoted and without what looks like a secret."""
    if not _ODD.search("".join([value for _, value in facts if isinstance(value, str)])):
        return " ".join([f"{name}={value}" for name, value in facts])
    return redact(" ".join([f"{name}={_shown(value)}" for name, value in facts]))


def _shown(value: object) -> str:
    text = str(value)
    # One line per event, whatever a client put into a name.
    return written_out(encode(text).decode()) if not text or _ODD.search(text) else text


def _clean(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: redact(value) if isinstance(value, str) and _ODD.search(value) else value for name, value in facts.items()}
