"""Arguments -> the bytes of a request body: JSON, form, multipart, a file, text."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, unquote

from tools.json_text import encode
from tools.operation import Json
from tools.sources.http.body_numbers import JsonWriter
from tools.sources.http.given_files import File, is_file
from tools.sources.http.parameter_styles import Pair, UnfitArgument, query_writer, text_of
from tools.sources.media_types import JSON_LINES, bare_type


@dataclass(frozen=True, slots=True)
class Encoded:
    body: bytes
    media_type: str


class BodyWriter:
    """Writes the body of one operation from its arguments; made once from the binding of the operation.

    `schema` is that of the arguments. Where the body takes further members, arguments that nothing names are these.
    """

    def __init__(
        self,
        binding: Mapping[str, Json],
        parameter_arguments: frozenset[str],
        boundary: Callable[[], str],
        schema: Mapping[str, Json] = MappingProxyType({}),
    ) -> None:
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
        self._json = JsonWriter(schema)
        self._kinds: Mapping[str, str] = binding.get("files", {})
        self._ways = [
            (way["meant_by"], BodyWriter(way["binding"], parameter_arguments, boundary, schema)) for way in binding.get("ways", ())
        ]
        self._own_files = self.file_arguments
        for _, other in self._ways:
            self.file_arguments |= other.file_arguments

    def files_in(self, arguments: Mapping[str, Json]) -> list[str]:
        """Return the arguments that carry files in this call."""
        own = [name for name in self._own_files if name in arguments and is_file(arguments[name], self._kinds.get(name, "one"))]
        return list(dict.fromkeys([*own, *(name for _, other in self._ways for name in other.files_in(arguments))]))

    def _meant(self, arguments: Mapping[str, Json]) -> "BodyWriter":
        """Return the writer of the way that the arguments mean."""
        for meant_by, other in self._ways:
            listed = meant_by.get("list")
            if isinstance(arguments.get(listed), list):
                return other
            given = [name for name in meant_by.get("any", ()) if name in arguments]
            if any(name not in other.file_arguments or is_file(arguments[name], other._kinds.get(name, "one")) for name in given):
                return other
        return self

    def _refuse_left_out(self, meant: "BodyWriter", arguments: Mapping[str, Json]) -> None:
        """Raise UnfitArgument where an argument would not be in the body that the others mean."""
        known = meant._fields.keys() | {meant.argument}
        for name in [*self._fields, *([self.argument] if self.argument else [])]:
            if name in arguments and name not in known and not meant._takes_extras:
                raise UnfitArgument(name, f"it cannot go with the others: they make a body of {meant.media_type}, which has no such part")

    def write(self, arguments: Mapping[str, Json], files: Mapping[str, list[File]], added: Mapping[str, str]) -> Encoded | None:
        """Return the body, or None where no argument asks for one. `files` by argument; `added` are form fields of the credential."""
        if self._ways and (meant := self._meant(arguments)) is not self:
            self._refuse_left_out(meant, arguments)
            return meant.write(arguments, files, added)
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
            return Encoded(self._json.write(members), self.media_type)
        members = self._json.meant(members)
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
        if self.kind == "lines" and isinstance(value, list):
            before = JSON_LINES[bare_type(self.media_type)].encode()
            items = self._json.meant(value, self.argument)
            return Encoded(b"".join(before + encode(item) + b"\n" for item in items), self.media_type)
        if self.kind == "text":
            return Encoded(text_of(value).encode(), self.media_type)
        if self.kind in ("form", "multipart") and isinstance(value, Mapping):
            value = self._json.meant(value, self.argument)
            if self.kind == "multipart":
                return self._multipart(value, files)
            return Encoded("&".join(f"{name}={part}" for name, part in self._pairs(value)).encode(), self.media_type)
        if self.kind == "form" and isinstance(value, str):
            # The document describes the whole form as one text: written by the caller.
            return Encoded(value.encode(), self.media_type)
        return Encoded(self._json.write(value, self.argument), self.media_type)

    def _pairs(self, members: Mapping[str, Json]) -> list[Pair]:
        """Return form fields: lists repeat their name, objects are JSON, unless the document's encoding says otherwise."""
        pairs: list[Pair] = []
        for name, value in members.items():
            rules = self._encoding.get(name, {})
            is_styled = "style" in rules or "explode" in rules
            if value is None:
                pairs.append(Pair(quote(name, safe=""), ""))
                continue
            if not is_styled and str(rules.get("contentType")).split(";")[0].endswith("json"):
                pairs.append(Pair(quote(name, safe=""), quote(encode(value).decode(), safe="")))
                continue
            nested = isinstance(value, Mapping) or (isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value))
            if nested and not is_styled and "inner" not in rules:
                written = value if isinstance(value, Mapping) else None
                items = [written] if written is not None else value
                pairs += [Pair(quote(name, safe=""), quote(encode(item).decode(), safe="")) for item in items]
                continue
            pairs += self._styled(name, value, rules)
        return pairs

    def _styled(self, name: str, value: Json, rules: Mapping[str, Json]) -> Iterator[Pair]:
        style = rules.get("style", "form")
        explode = rules.get("explode", style == "form")
        parameter = {"name": name, "style": style, "explode": explode, "reserved": rules.get("allowReserved")}
        return query_writer({**parameter, "inner": rules["inner"]} if "inner" in rules else parameter)(value)

    def _multipart(self, members: Mapping[str, Json], files: Mapping[str, list[File]]) -> Encoded:
        """Return multipart/form-data (RFC 7578): plain values as text, objects as JSON, files with name and type."""
        boundary = self._boundary()
        out: list[bytes] = []
        for name, value in members.items():
            named_type = self._encoding.get(name, {}).get("contentType")
            content_type = str(named_type).split(",")[0].strip() if named_type and "*" not in str(named_type) else None
            rules = self._encoding.get(name, {})
            written_in = rules.get("contentEncoding")
            if name in files:
                for file in files[name]:
                    part_type = file.media_type if file.media_type != "application/octet-stream" else content_type or file.media_type
                    body = _WRITERS.get(str(written_in).lower(), bytes)(file.body)
                    out += _part(boundary, name, body, part_type, file.filename, written_in)
                continue
            if written_in and isinstance(value, str):
                # As the document has it: text in that encoding already.
                out += _part(boundary, name, value.encode(), content_type or "application/octet-stream", "file", written_in)
                continue
            if "style" in rules or "explode" in rules:
                # OpenAPI 3.1 §4.8.15.1: a style that is given decides, as in a form; parts are not percent-encoded.
                for pair in self._styled(name, value, rules):
                    out += _part(boundary, unquote(pair.name), _plain(pair.value).encode(), None, None)
                continue
            is_json = content_type is not None and content_type.endswith("json")
            for item in value if isinstance(value, list) and not is_json else [value]:
                if isinstance(item, Mapping | list) or is_json:
                    out += _part(boundary, name, encode(item), content_type or "application/json", None)
                else:
                    out += _part(boundary, name, text_of(item).encode(), content_type, None)
        out.append(f"--{boundary}--\r\n".encode())
        media_type = self.media_type.split(";")[0]
        return Encoded(b"".join(out), f"{media_type}; boundary={boundary}")


def _plain(value: str) -> str:
    """Return a styled value as a part carries it: decoded, but for commas inside the values that commas separate."""
    return ",".join(unquote(piece).replace(",", "%2C") for piece in value.split(",")) if "," in value else unquote(value)


#: contentEncoding -> how bytes are written in it
_WRITERS: Mapping[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "base64url": base64.urlsafe_b64encode,
    "base16": base64.b16encode,
}


def _part(
    boundary: str, name: str, body: bytes, content_type: str | None, filename: str | None, written_in: str | None = None
) -> list[bytes]:
    disposition = f'form-data; name="{_quoted(name)}"'
    if filename is not None:
        disposition += f'; filename="{_quoted(filename)}"'
    head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\n"
    if content_type:
        head += f"Content-Type: {content_type}\r\n"
    if written_in:
        # OpenAPI 3.1 §4.8.14.4: as a Content-Transfer-Encoding header would say it.
        head += f"Content-Transfer-Encoding: {_quoted(written_in)}\r\n"
    return [head.encode(), b"\r\n", body, b"\r\n"]


def _quoted(name: str) -> str:
    """Return a name as RFC 7578 §4.2 and the HTML standard write it: quotes and line breaks percent-encoded."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
