"""What a tool's result says (MCP tools, "Tool Result"): its structured content, and everything beside it that adds something."""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import mcp_types

from tools.heavy_json.weight import is_heavy
from tools.json_text import encode
from tools.large_json import LargeJson
from tools.operation import Call, Download, Json
from tools.sources.http.content import MalformedContent, read_json
from tools.sources.http.large_response import large_text

#: keeps a file and returns its handle
Keep = Callable[[Download], Awaitable[str]]
#: takes the account's secrets out of what was encoded
Clean = Callable[[bytes], Awaitable[bytes]]
#: where what stands beside an object is put, the first that is free
_BESIDE = ("content", "_content", "__content")

#: a longer text beside structured content is compared as a whole only
MAX_COMPARED_CHARS = 65_536
_STANDARD = str.maketrans("-_", "+/")
_BLANK = "\ufeff \t\r\n"
_WORD = re.compile(r"\w+")

Block = Mapping[str, Any]


class ReadHere:
    """Reads JSON in texts where others wait meanwhile: what is heavy (tools/heavy_json/weight.py) stays text, or goes to a child."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def alone(self, text: str) -> Json | Download | LargeJson:
        """Return a text that is the whole answer as the JSON that it is."""
        return await large_text(self._call, text) if _is_heavy_json(text) else self.beside(text)

    def beside(self, text: str) -> Json:
        """Return a text among others as the JSON that it is."""
        return text if _is_heavy_json(text) else value_of(text)


class Reading(Protocol):
    """How the JSON in texts is read."""

    async def alone(self, text: str) -> Json | Download | LargeJson: ...

    def beside(self, text: str) -> Json: ...


async def data_of(read: Reading, blocks: Sequence[Block], structured: Json, clean: Clean, keep: Keep | None) -> Json | Download | LargeJson:
    """Return a result as data: structured content first; one text as JSON or text, one file as a download, else the blocks.

    Files beside something else are kept under a handle; links stay links. `clean` is applied to what was encoded. `keep` None:
    files stay in their blocks.
    """
    if structured is None and len(blocks) <= 1:
        return await _alone(read, blocks[0], clean) if blocks else None
    said = None if structured is None or not any(block.get("type") == "text" for block in blocks) else _words(structured)
    beside = [
        await _shown(read, block, clean, keep) for block in blocks if structured is None or not _repeats(read, block, structured, said)
    ]
    if structured is None:
        return beside
    if not beside:
        return structured
    if isinstance(structured, dict) and (name := next((each for each in _BESIDE if each not in structured), None)):
        return {**structured, name: beside}
    return {"structured": structured, "content": beside}


def blocks_of(result: mcp_types.CallToolResult) -> list[Block]:
    """Return the content of a result that the SDK has read, as JSON."""
    return [block.model_dump(by_alias=True, exclude_none=True, mode="json") for block in result.content]


def words_of(blocks: Iterable[Block]) -> str:
    """Return the texts of a result in one line, as an error's own words."""
    return " ".join(block["text"] for block in blocks if block.get("type") == "text").strip()


async def _alone(read: Reading, block: Block, clean: Clean) -> Json | Download | LargeJson:
    if block.get("type") == "text":
        return await read.alone(block["text"])
    file = await _file_of(block, clean)
    if file is not None:
        return file
    inner = _inner(block)
    return read.beside(str(inner["text"])) if "text" in inner else block


async def _shown(read: Reading, block: Block, clean: Clean, keep: Keep | None) -> Json:
    if set(block) == {"type", "text"}:
        return read.beside(block["text"])
    file = await _file_of(block, clean) if keep is not None else None
    if file is None or keep is None:
        return block
    about = {name: value for name, value in _inner(block).items() if name not in ("data", "blob", "type")}
    return {"type": block.get("type"), **about, "mimeType": file.media_type, "bytes": len(file.body), "handle": await keep(file)}


async def _file_of(block: Block, clean: Clean) -> Download | None:
    """Return the file in a block (image, audio, blob of a resource), None where it has none that can be read."""
    inner = _inner(block)
    raw = inner.get("data") or inner.get("blob")
    if not isinstance(raw, str):
        return None
    try:
        body = await clean(_decoded(raw))
    except (binascii.Error, ValueError):
        return None
    name = str(inner.get("uri", "")).rpartition("/")[2] or None
    return Download(body, str(inner.get("mimeType") or "application/octet-stream"), name)


def _decoded(text: str) -> bytes:
    """Return the bytes of base64 as servers write it: in lines, in the alphabet for addresses, unpadded, as a data: address."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    text = "".join(text.split()).translate(_STANDARD).rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _inner(block: Block) -> Block:
    resource = block.get("resource")
    return resource if isinstance(resource, Mapping) else block


def _repeats(read: Reading, block: Block, structured: Json, said: frozenset[str] | None) -> bool:
    """Say whether a text says only what is structured already: servers add it for older clients, as JSON or in their own way.

    `said`: the words of what is structured, None for too many.
    """
    if block.get("type") != "text":
        return False
    if said is not None and len(block["text"]) <= MAX_COMPARED_CHARS:
        return _words_of(block["text"]) <= said
    return bool(read.beside(block["text"]) == structured)


def _words(structured: Json) -> frozenset[str] | None:
    told = encode(structured)
    return _words_of(told.decode()) if len(told) <= 4 * MAX_COMPARED_CHARS else None


def _words_of(text: str) -> frozenset[str]:
    # Python's None is null.
    return frozenset(_WORD.findall(text.lower().replace("none", "null")))


def value_of(text: str) -> Json:
    """Return text as the JSON that it is, where it is an object or a list."""
    if text.lstrip(_BLANK)[:1] in ("{", "["):
        try:
            return read_json(text.encode(), "application/json").data
        except (MalformedContent, UnicodeEncodeError):
            return text
    return text


def _is_heavy_json(text: str) -> bool:
    return text.lstrip(_BLANK)[:1] in ("{", "[") and is_heavy(text.encode(errors="replace"))
