"""MCP messages that are too heavy to be read here: a child takes them apart, and the SDK sees a light one of the same id instead."""

import logging
import secrets
from contextvars import ContextVar
from dataclasses import dataclass, replace

import orjson
from mcp_types import LATEST_PROTOCOL_VERSION

from tools.errors import ToolError
from tools.fair_semaphore import GATEWAY, Holder
from tools.heavy_json.weight import is_heavy, weight
from tools.heavy_json.worker import WORKERS, Told
from tools.json_text import decode, encode
from tools.large_json import LargeJson
from tools.operation import Download, Json
from tools.sources.mcp.content import Clean, Keep
from tools.sources.mcp.messages.message_parts import parts_of

#: what is shorter is read in time, whatever it is
MIN_BYTES = 40_000
#: The SDK makes a model of every block and tool, several times: so many units (tools/heavy_json/weight.py) each, so many in all.
_UNITS_AN_OBJECT, _MAX_WEIGHT = 15, 30_000
MAX_TEXT_BYTES = 2 << 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeavyResult:
    """What a tool answered: JSON text with a marker for the handle of each of its files, or one file and nothing else."""

    text: bytes
    files: tuple[Download, ...]
    is_file: bool
    marker: bytes

    async def data(self, clean: Clean, keep: Keep | None) -> Json | Download | LargeJson:
        """Return it as `mcp_content.data_of` returns a light one."""
        files = [replace(file, body=await clean(file.body)) for file in self.files]
        if self.is_file:
            return files[0]
        text = self.text
        if files and keep is not None:
            before, *behind = text.split(self.marker)
            pieces = [before]
            for file, piece in zip(files, behind, strict=True):
                pieces += ((await keep(file)).encode(), piece)
            text = b"".join(pieces)
        # A text is one value, whatever it is made of.
        is_one = text[:1] == b'"' and len(text) <= MAX_TEXT_BYTES
        return LargeJson(text) if is_heavy(text) and not is_one else decode(text)


@dataclass(slots=True)
class Aside:
    """Where what is heavy is laid for whoever asked for it, and on whose account it is read. `deadline`: loop time."""

    holder: Holder = GATEWAY
    deadline: float | None = None
    version: str = LATEST_PROTOCOL_VERSION
    #: files are kept under handles
    keeps_files: bool = False
    result: HeavyResult | None = None
    #: what a tool said where it failed, cut
    error_body: Json = None
    #: definitions of tools, each as JSON text
    tools: tuple[bytes, ...] = ()


#: of the request that runs in this context; the SDK sends each message in the context of who asked for it
ASIDE: ContextVar[Aside | None] = ContextVar("mcp_aside", default=None)


class Unreadable(Exception):
    """A heavy message that nobody can read within bounds, or that is none of those which may be heavy."""


def is_heavy_message(text: bytes) -> bool:
    """Say whether the SDK is not to read a message."""
    if len(text) <= MIN_BYTES:
        return False
    return is_heavy(text) or weight(text) + _UNITS_AN_OBJECT * text.count(b"{") > _MAX_WEIGHT


async def lighter(raw: bytes, aside: Aside | None, *, is_event: bool) -> bytes:
    """Return what the SDK reads in place of a heavy message or event; what that does not say is laid into `aside`.

    `aside` None: nobody asked for the message. Notifications and requests are dropped, and the log says so. Raises Unreadable.
    """
    asked = aside or Aside()
    marker = f"handle-{secrets.token_hex(16)}"
    try:
        told: Told = await WORKERS.work(
            parts_of, raw, is_event, asked.version, marker if asked.keeps_files else None, holder=asked.holder, deadline=asked.deadline
        )
    except ToolError as error:
        raise Unreadable(error.failure.message) from error
    facts = told.facts
    if facts["kind"] == "method" or (aside is None and is_event):
        _log.warning("upstream_message_dropped method=%s bytes=%d", facts.get("method"), len(raw))
        return b""
    if facts["kind"] == "other" or (aside is None and facts["kind"] in ("result", "tools")):
        raise Unreadable("it holds more than such a message can")
    if facts["kind"] == "result":
        asked.result = _result_of(told, marker)
    elif facts["kind"] == "tools":
        asked.tools = tuple(_cut(told.value, 0, facts["lengths"]))
    asked.error_body = facts.get("body")
    message = encode(facts["message"]) if "message" in facts else b"?"
    if not is_event:
        return message
    event_id = b"" if facts["event_id"] is None else b"id: " + facts["event_id"].encode() + b"\n"
    return event_id + b"data: " + message + b"\n\n"


def _result_of(told: Told, marker: str) -> HeavyResult:
    facts, size = told.facts, told.facts["json_bytes"]
    bodies = _cut(told.value, size, [file["bytes"] for file in facts["files"]])
    files = (Download(body, file["media_type"], file["filename"] or None) for body, file in zip(bodies, facts["files"], strict=True))
    return HeavyResult(told.value[:size], tuple(files), facts["is_file"], marker.encode())


def _cut(text: bytes, begin: int, lengths: list[int]) -> list[bytes]:
    parts = []
    for length in lengths:
        parts.append(text[begin : begin + length])
        begin += length
    return parts


def definition_in(text: bytes) -> dict[str, Json]:
    """Return one of `Aside.tools`."""
    found: dict[str, Json] = orjson.loads(text)
    return found
