"""`[sinks]`: where what has happened goes: `[[sinks.logs]]`, and whether log lines are kept here."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from oauth.vault.named_secrets import named_in
from tools.egress.plain_http import PLAIN_HTTP_FAULT, is_in_the_clear
from tools.text.urls import parts_of

Stream = Literal["calls", "audit", "lines"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
MAX_SINKS = 8
MAX_HEADERS = 10
_SCHEMES: Mapping[str, tuple[str, ...]] = {"s3": ("s3",), "http": ("https", "http"), "otlp": ("https", "http")}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_FRAMING = frozenset({"authorization", "content-type", "content-encoding", "content-length", "host", "transfer-encoding", "connection"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSink:
    """One place that rows go to, at least once each.

    `begins`: with what is kept (the default for s3), or with what comes from now on. `max_wait_s`: how old a row may get before it is
    sent with the few there are; `max_rows`: so many are sent at a time.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    name: Name
    kind: Literal["s3", "http", "otlp"]
    url: Annotated[str, Field(min_length=1, max_length=1_000)]
    streams: Annotated[tuple[Stream, ...], Field(min_length=1, max_length=3)]
    #: s3: keys that sign; else those of AWS's variables
    keys: str = ""
    #: http, otlp: a bearer token
    bearer: str = ""
    headers: Annotated[Mapping[str, str], Field(max_length=MAX_HEADERS)] = field(default_factory=dict)
    #: http: a line a row, or one array
    format: Literal["jsonl", "json"] = "jsonl"
    begins: Literal["", "kept", "now"] = ""
    max_wait_s: Annotated[float, Field(ge=0.1, le=3_600)] | None = None
    max_rows: Annotated[int, Field(ge=1, le=50_000)] | None = None

    @property
    def wait_s(self) -> float:
        return self.max_wait_s if self.max_wait_s is not None else 300.0 if self.kind == "s3" else 5.0

    @property
    def rows(self) -> int:
        return self.max_rows if self.max_rows is not None else 5_000 if self.kind == "s3" else 500

    @property
    def begins_with_kept(self) -> bool:
        return (self.begins or ("kept" if self.kind == "s3" else "now")) == "kept"

    def faults(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield place and words of what types cannot say."""
        if parts_of(self.url).scheme not in _SCHEMES[self.kind] or not parts_of(self.url).netloc:
            yield ("url",), f"of kind {self.kind} begins with {' or '.join(f'{each}://' for each in _SCHEMES[self.kind])}"
        elif is_in_the_clear(self.url):
            yield ("url",), PLAIN_HTTP_FAULT
        if "keys=" in self.url:
            yield ("url",), 'says whose keys sign; write keys = "vault:NAME" beside it'
        if len(set(self.streams)) != len(self.streams):
            yield ("streams",), "names one twice"
        for name, value in (("keys", self.keys), ("bearer", self.bearer)):
            if value and named_in(value) is None:
                yield (name,), 'is no reference; write "vault:NAME" and put the secret there with `ascend vault put NAME`'
        for name, kinds in (("keys", ("s3",)), ("bearer", ("http", "otlp")), ("headers", ("http", "otlp"))):
            if getattr(self, name) and self.kind not in kinds:
                yield (name,), f"is not of kind {self.kind}"
        for name in self.headers:
            if not _TOKEN.fullmatch(name) or name.lower() in _FRAMING:
                yield ("headers", name), "is none that a sink may have; for Authorization there is `bearer`"


@dataclass(frozen=True, slots=True)
class Sinks:
    """`logs`: up to eight. `keep_lines`: log lines are kept here for as long as `retention.lines_days` says, wherever they go."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    logs: Annotated[tuple[LogSink, ...], Field(max_length=MAX_SINKS)] = ()
    keep_lines: bool = False

    @property
    def wants_lines(self) -> bool:
        return self.keep_lines or any("lines" in sink.streams for sink in self.logs)

    def faults(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield place and words of what types cannot say."""
        seen = set()
        for index, sink in enumerate(self.logs):
            if sink.name in seen:
                yield ("logs", index, "name"), f"{sink.name!r} stands there twice"
            seen.add(sink.name)
            for place, words in sink.faults():
                yield ("logs", index, *place), words
