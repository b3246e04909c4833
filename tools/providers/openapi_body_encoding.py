"""Arguments -> the bytes of a request body: JSON, form, multipart, a file, text."""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

import orjson

from tools.operation import Json
from tools.providers.openapi_serialisation import Pair, UnfitArgument, query_writer, text_of


@dataclass(frozen=True, slots=True)
class File:
    """The content of a file argument, read from base64, text or a result handle."""

    body: bytes
    media_type: str = "application/octet-stream"
    filename: str = "file"


@dataclass(frozen=True, slots=True)
class Encoded:
    body: bytes
    media_type: str


class BodyWriter:
    """Writes the body of one operation from its arguments; made once from the binding of the operation.

    `extra_to_body`: arguments that no parameter and no field names go into the body as members (additionalProperties).
    """

    def __init__(self, binding: Mapping[str, Json], parameter_arguments: frozenset[str], boundary: Callable[[], str]) -> None:
        self.kind: str = binding["kind"]
        self.media_type: str = binding["media_type"] if "*" not in binding["media_type"] else "application/json"
        self._named_type: str = binding["media_type"]
        self._offered: Sequence[str] = binding.get("offered", ())
        self.argument: str | None = binding.get("argument")
        self.file_arguments: frozenset[str] = frozenset(binding.get("files", ()))
        if self.kind == "bytes" and self.argument:
            self.file_arguments = frozenset({self.argument})
        self._fields: Mapping[str, str] = binding.get("fields", {})
        self._takes_extras = bool(binding.get("extras"))
        self._encoding: Mapping[str, Mapping[str, Json]] = binding.get("encoding", {})
        self._is_required = bool(binding.get("required"))
        self._parameter_arguments = parameter_arguments
        self._boundary = boundary

    def write(self, arguments: Mapping[str, Json], files: Mapping[str, list[File]], added: Mapping[str, str]) -> Encoded | None:
        """Return the body, or None where no argument asks for one. `files` by argument; `added` are form fields of the credential."""
        if self.argument is not None:
            return self._whole(arguments, files)
        members = {name: arguments[argument] for argument, name in self._fields.items() if argument in arguments}
        if self._takes_extras:
            known = self._parameter_arguments | self._fields.keys()
            members |= {name: value for name, value in arguments.items() if name not in known}
        members |= added
        if not members and not self._is_required:
            return None
        if self.kind == "json":
            return Encoded(orjson.dumps(members), self.media_type)
        if self.kind == "form":
            return Encoded("&".join(f"{name}={value}" for name, value in self._pairs(members)).encode(), self.media_type)
        return self._multipart(members, files)

    def _whole(self, arguments: Mapping[str, Json], files: Mapping[str, list[File]]) -> Encoded | None:
        assert self.argument is not None
        if self.argument not in arguments:
            return None
        value = arguments[self.argument]
        if self.kind == "bytes":
            file = files[self.argument][0]
            is_offered = "*" in self._named_type or file.media_type.split(";")[0] in self._offered
            return Encoded(file.body, file.media_type if is_offered else self._named_type)
        if self.kind == "text":
            return Encoded(text_of(value).encode(), self.media_type)
        if self.kind == "form" and isinstance(value, Mapping):
            return Encoded("&".join(f"{name}={part}" for name, part in self._pairs(value)).encode(), self.media_type)
        if self.kind == "multipart" and isinstance(value, Mapping):
            return self._multipart(value, files)
        if self.kind == "form" and isinstance(value, str):
            # The document describes the whole form as one text: written by the caller.
            return Encoded(value.encode(), self.media_type)
        return Encoded(orjson.dumps(value), self.media_type)

    def _pairs(self, members: Mapping[str, Json]) -> list[Pair]:
        """Return form fields: lists repeat their name, objects are JSON, unless the document's encoding says otherwise."""
        pairs: list[Pair] = []
        for name, value in members.items():
            rules = self._encoding.get(name, {})
            is_styled = "style" in rules or "explode" in rules
            nested = isinstance(value, Mapping) or (isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value))
            if nested and not is_styled:
                written = value if isinstance(value, Mapping) else None
                items = [written] if written is not None else value
                pairs += [Pair(quote(name, safe=""), quote(orjson.dumps(item).decode(), safe="")) for item in items]
                continue
            pairs += self._styled(name, value, rules)
        return pairs

    def _styled(self, name: str, value: Json, rules: Mapping[str, Json]) -> Iterator[Pair]:
        style = rules.get("style", "form")
        explode = rules.get("explode", style == "form")
        return query_writer({"name": name, "style": style, "explode": explode, "reserved": rules.get("allowReserved")})(value)

    def _multipart(self, members: Mapping[str, Json], files: Mapping[str, list[File]]) -> Encoded:
        """Return multipart/form-data (RFC 7578): plain values as text, objects as JSON, files with name and type."""
        boundary = self._boundary()
        out: list[bytes] = []
        for name, value in members.items():
            named_type = self._encoding.get(name, {}).get("contentType")
            content_type = str(named_type).split(",")[0].strip() if named_type and "*" not in str(named_type) else None
            if name in files:
                for file in files[name]:
                    part_type = file.media_type if file.media_type != "application/octet-stream" else content_type or file.media_type
                    out += _part(boundary, name, file.body, part_type, file.filename)
                continue
            rules = self._encoding.get(name, {})
            if "style" in rules or "explode" in rules:
                # OpenAPI 3.1 §4.8.15.1: a style that is given decides, as in a form; parts are not percent-encoded.
                for pair in self._styled(name, value, rules):
                    out += _part(boundary, unquote(pair.name), _plain(pair.value).encode(), None, None)
                continue
            is_json = content_type is not None and content_type.endswith("json")
            for item in value if isinstance(value, list) and not is_json else [value]:
                if isinstance(item, Mapping | list) or is_json:
                    out += _part(boundary, name, orjson.dumps(item), content_type or "application/json", None)
                else:
                    out += _part(boundary, name, text_of(item).encode(), content_type, None)
        out.append(f"--{boundary}--\r\n".encode())
        media_type = self.media_type.split(";")[0]
        return Encoded(b"".join(out), f"{media_type}; boundary={boundary}")


def file_of(argument: str, value: Json) -> File | str:
    """Return the content of a file argument, or the result handle that it has to be read from. Raises UnfitArgument."""
    if isinstance(value, str):
        try:
            return File(_decoded(argument, value))
        except UnfitArgument:
            return File(value.encode(), "text/plain; charset=utf-8")
    if not isinstance(value, Mapping):
        raise UnfitArgument(argument, "a file is base64 text or one of {handle}, {base64}, {text}")
    if isinstance(value.get("handle"), str):
        return str(value["handle"])
    media_type, filename = str(value.get("media_type", "")), str(value.get("filename", "file"))
    if any(sign in media_type for sign in "\r\n"):
        raise UnfitArgument(argument, "media_type cannot hold line breaks")
    if isinstance(value.get("text"), str):
        return File(value["text"].encode(), media_type or "text/plain; charset=utf-8", filename)
    if isinstance(value.get("base64"), str):
        return File(_decoded(argument, value["base64"]), media_type or "application/octet-stream", filename)
    raise UnfitArgument(argument, "a file is base64 text or one of {handle}, {base64}, {text}")


def _decoded(argument: str, text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnfitArgument(argument, "this is not base64; send plain text as text") from error


def _plain(value: str) -> str:
    """Return a styled value as a part carries it: decoded, but for commas inside the values that commas separate."""
    return ",".join(unquote(piece).replace(",", "%2C") for piece in value.split(",")) if "," in value else unquote(value)


def _part(boundary: str, name: str, body: bytes, content_type: str | None, filename: str | None) -> list[bytes]:
    disposition = f'form-data; name="{_quoted(name)}"'
    if filename is not None:
        disposition += f'; filename="{_quoted(filename)}"'
    head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\n"
    if content_type:
        head += f"Content-Type: {content_type}\r\n"
    return [head.encode(), b"\r\n", body, b"\r\n"]


def _quoted(name: str) -> str:
    """Return a name as RFC 7578 §4.2 and the HTML standard write it: quotes and line breaks percent-encoded."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
