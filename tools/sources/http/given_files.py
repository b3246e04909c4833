"""The files that callers give: text as it stands, base64 where it is said or beyond doubt, handles of earlier results.

One rule for plain strings (docs/decisions/0020-plain-text-is-text.md): they are text. Only what is whole, canonical base64
(RFC 4648 §3.5) and shows it, by its padding or by the bytes that it stands for, is read as base64, and the answer says so.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tools.operation import Json
from tools.sources.http.parameter_styles import UnfitArgument

OCTETS = "application/octet-stream"
SOURCES = frozenset({"text", "base64", "handle"})
_KNOWN = SOURCES | {"filename", "media_type"}
#: how files begin whose names everybody knows: PNG, JPEG, GIF, PDF, ZIP and Office, gzip, RIFF, OGG, FLAC, MP3, bzip2, xz, 7z, TIFF, ELF
_SIGNATURES = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF-", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"RIFF", b"OggS", b"fLaC", b"ID3",
    b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"II*\x00", b"MM\x00*", b"\x7fELF", b"\xd0\xcf\x11\xe0", b"\x00\x00\x01\x00",
)  # fmt: skip
#: of so many random bytes one in a million is text by chance
MIN_TEXT_BYTES = 15
#: text that long without a blank, in both cases and with digits, may be either
MIN_DOUBTFUL_CHARS = 64
_CHARACTERS = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")
_NO_FILE = "a file is {base64}, {text} or {handle}, with filename and media_type where they matter, or plain text"


@dataclass(frozen=True, slots=True)
class File:
    """The content of a file argument. `note`: what its caller should know of how it was read."""

    body: bytes
    media_type: str = OCTETS
    filename: str = "file"
    note: str | None = None


def is_file(value: Json, kind: str) -> bool:
    """Say whether a value is a file to a field of this kind (FileKind)."""
    if kind in ("one", "many"):
        return True
    if isinstance(value, list):
        return bool(value) and all(is_file(item, kind) for item in value)
    if isinstance(value, str):
        return kind == "mixed"
    return isinstance(value, Mapping) and bool(SOURCES & value.keys()) and value.keys() <= _KNOWN


def file_of(argument: str, value: Json) -> File | str:
    """Return the content of a file argument, or the result handle that it has to be read from. Raises UnfitArgument."""
    if isinstance(value, str):
        return _of_plain_text(argument, value)
    if not isinstance(value, Mapping):
        raise UnfitArgument(argument, _NO_FILE)
    if isinstance(value.get("handle"), str):
        return str(value["handle"])
    media_type, filename = str(value.get("media_type", "")), str(value.get("filename", "file"))
    if any(sign in media_type for sign in "\r\n"):
        raise UnfitArgument(argument, "media_type cannot hold line breaks")
    if isinstance(value.get("text"), str):
        return File(value["text"].encode(), media_type or "text/plain; charset=utf-8", filename)
    if isinstance(value.get("base64"), str):
        try:
            return File(base64.b64decode("".join(value["base64"].split()), validate=True), media_type or OCTETS, filename)
        except (binascii.Error, ValueError) as error:
            raise UnfitArgument(argument, "this is not base64; send plain text as {text}") from error
    raise UnfitArgument(argument, _NO_FILE)


def _of_plain_text(argument: str, text: str) -> File:
    body = _canonical(text)
    if body is not None:
        if text.rstrip().endswith("=") or body.startswith(_SIGNATURES) or _is_text(body):
            return File(body, note=f"{argument} was read as base64 of {len(body)} bytes; write {{text}} to send its characters")
        if len(text) >= MIN_DOUBTFUL_CHARS and all(re.search(kind, text) for kind in ("[a-z]", "[A-Z]", "[0-9]")):
            raise UnfitArgument(argument, "this may be text as well as base64; say which with {text} or {base64}")
    return File(text.encode(), "text/plain; charset=utf-8")


def _canonical(text: str) -> bytes | None:
    """Return what `text` stands for if it is base64 as an encoder writes it, line breaks aside."""
    if not _CHARACTERS.fullmatch(text) or " " in text.strip():
        return None
    whole = "".join(text.split())
    try:
        body = base64.b64decode(whole, validate=True)
    except (binascii.Error, ValueError):
        return None
    return body if whole and base64.b64encode(body).decode() == whole else None


def _is_text(body: bytes) -> bool:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    return len(body) >= MIN_TEXT_BYTES and all(sign.isprintable() or sign in "\t\r\n" for sign in text)


def shown_files(argument: str, value: Json) -> list[File]:
    """Return what stands in for the files of an argument in a dry run: how large each is, or whose result."""
    shown = []
    for one in value if isinstance(value, list) else [value]:
        file = file_of(argument, one)
        text = f"<{len(file.body)} bytes>" if isinstance(file, File) else f"<the result {file}>"
        shown.append(File(text.encode(), file.media_type, file.filename) if isinstance(file, File) else File(text.encode()))
    return shown
