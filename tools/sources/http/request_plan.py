"""The request of one operation, compiled from its binding: arguments in, method, URL, headers and body out."""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from tools.json_text import encode
from tools.operation import Json
from tools.sources.http.body_encoding import BodyWriter
from tools.sources.http.body_numbers import JsonWriter
from tools.sources.http.credentials import AuthParameters
from tools.sources.http.given_files import File
from tools.sources.http.header_styles import cookie_writer, header_writer, whole_query_writer
from tools.sources.http.parameter_styles import Pair, UnfitArgument, path_writer, query_writer

#: of everything that goes into URL, headers and cookies: few servers take more than 8 KB, and none more than this
MAX_PARAMETER_BYTES = 64 * 1024
#: of arguments as JSON: forms, numbers that are written as their schema means them and percent-encoding take some 40 ms a megabyte
MAX_QUICK_BYTES = 64 * 1024
#: a text of so many characters may take as many bytes
_LONG_CHARS = MAX_QUICK_BYTES // 4
IDEMPOTENCY_HEADERS = frozenset({"idempotency-key", "x-idempotency-key"})
_SHORT = frozenset({int, float, bool, type(None)})
PATH_SAFE = "/:@!$&'()*+,;=-._~%"
QUERY_SAFE = PATH_SAFE + "?"
#: a literal part of a template, or (argument, what writes it)
Piece = str | tuple[str, Callable[[Json], str]]


class BuiltRequest(NamedTuple):
    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes | None


def random_boundary() -> str:
    return secrets.token_hex(16)


class RequestPlan:
    """Builds requests of one operation. Everything that does not depend on the arguments is decided here, once."""

    def __init__(
        self, binding: Mapping[str, Json], boundary: Callable[[], str] = random_boundary, schema: Mapping[str, Json] = MappingProxyType({})
    ) -> None:
        self.binding = binding
        self.method: str = binding["method"]
        self.base_url: str = binding["base_url"]
        parameters: Sequence[Mapping[str, Json]] = binding["parameters"]
        by_place: dict[str, list[Mapping[str, Json]]] = {"path": [], "query": [], "header": [], "cookie": [], "querystring": []}
        for parameter in parameters:
            by_place[parameter["in"]].append(parameter)
        writer = JsonWriter(schema)

        def dumps(parameter: Mapping[str, Json]) -> Callable[[Json], bytes]:
            return lambda value: writer.write(value, parameter["argument"])

        path, _, query = str(binding["path"]).partition("#")[0].partition("?")
        in_path = {parameter["name"]: (parameter["argument"], path_writer(parameter, dumps(parameter))) for parameter in by_place["path"]}
        self._pieces = list(_path_pieces(path, in_path))
        self._query_pieces = list(_path_pieces(query, in_path, safe=QUERY_SAFE))
        self._queries = [(parameter["argument"], query_writer(parameter, dumps(parameter))) for parameter in by_place["query"]]
        self._whole_queries = [
            (parameter["argument"], whole_query_writer(parameter, dumps(parameter))) for parameter in by_place["querystring"]
        ]
        self._headers = [
            (parameter["argument"], parameter["name"], header_writer(parameter, dumps(parameter))) for parameter in by_place["header"]
        ]
        self._cookies = [(parameter["argument"], cookie_writer(parameter, dumps(parameter))) for parameter in by_place["cookie"]]
        self._parameter_arguments = named = frozenset(parameter["argument"] for parameter in parameters)
        self.body = BodyWriter(binding["body"], named, boundary, schema) if binding.get("body") else None
        self._fixed_headers = [("Accept", binding.get("accept") or "application/json")]
        self.file_arguments: frozenset[str] = self.body.file_arguments if self.body else frozenset()
        #: response fields that the document says a caller should read, in lower case
        self.response_headers: frozenset[str] = frozenset(binding.get("response_headers", ()))
        self.may_be_anonymous = bool(binding.get("optional_security"))
        self.has_several_places = bool(binding.get("base_urls"))
        #: (argument, header) where the operation takes an idempotency key
        self.idempotency_header = next(
            ((argument, name) for argument, name, _ in self._headers if name.lower() in IDEMPOTENCY_HEADERS), None
        )

    def build(
        self, arguments: Mapping[str, Json], files: Mapping[str, list[File]], proofs: AuthParameters, base_url: str | None = None
    ) -> BuiltRequest:
        """Return the request for `arguments` (valid ones). Raises UnfitArgument for a value that cannot be written."""
        self._refuse_long_parameters(arguments)
        headers = list(self._fixed_headers)
        for argument, name, write in self._headers:
            if arguments.get(argument) is not None:
                headers.append((name, write(arguments[argument])))
        if self._cookies or proofs.cookies:
            cookies = [pair for argument, writer in self._cookies if argument in arguments for pair in writer(arguments[argument])]
            cookies += [Pair(quote(name, safe=""), quote(value, safe="")) for name, value in proofs.cookies]
            if cookies:
                headers.append(("Cookie", "; ".join(f"{name}={value}" for name, value in cookies)))
        encoded = self.body.write(arguments, files, proofs.form) if self.body else None
        if encoded is not None:
            headers.append(("Content-Type", encoded.media_type))
        headers += proofs.headers
        url = f"{base_url or self.base_url}{_filled(self._pieces, arguments)}{self._query(arguments, proofs)}"
        return BuiltRequest(self.method, url, headers, encoded.body if encoded else None)

    def _refuse_long_parameters(self, arguments: Mapping[str, Json]) -> None:
        size = 0
        for name in self._parameter_arguments:
            value = arguments.get(name)
            if type(value) not in _SHORT:
                size += _size(value)
        if size > MAX_PARAMETER_BYTES:
            longest = max(self._parameter_arguments, key=lambda name: _size(arguments.get(name)))
            raise UnfitArgument(
                longest, f"URL and headers would come to more than {MAX_PARAMETER_BYTES >> 10} KB, which no server takes; send less"
            )

    def _query(self, arguments: Mapping[str, Json], proofs: AuthParameters) -> str:
        pairs = [_filled(self._query_pieces, arguments)] if self._query_pieces else []
        for argument, write in self._queries:
            if argument in arguments:
                pairs += [f"{name}={value}" for name, value in write(arguments[argument])]
        for argument, write_whole in self._whole_queries:
            if argument in arguments and (whole := write_whole(arguments[argument])):
                pairs.append(whole)
        for name, value in proofs.query:
            pairs.append(f"{quote(name, safe='')}={quote(value, safe='')}")
        return f"?{'&'.join(pairs)}" if pairs else ""


def takes_long(arguments: Mapping[str, Json]) -> bool:
    """Say whether `arguments` come to more than MAX_QUICK_BYTES; those of most calls are plain, and not even looked into."""
    for value in arguments.values():
        if type(value) not in _SHORT and (type(value) is not str or len(value) > _LONG_CHARS):
            return len(encode(arguments)) > MAX_QUICK_BYTES
    return False


def _size(value: Json) -> int:
    return len(value) if type(value) is str else len(encode(value))


def _filled(pieces: Sequence[Piece], arguments: Mapping[str, Json]) -> str:
    filled = ""
    for piece in pieces:
        if isinstance(piece, str):
            filled += piece
        elif piece[0] in arguments:
            filled += piece[1](arguments[piece[0]])
    return filled


def _path_pieces(path: str, by_name: Mapping[str, tuple[str, Callable[[Json], str]]], safe: str = PATH_SAFE) -> Iterator[Piece]:
    """Yield the literal parts of a path template, and (argument, writer) for its placeholders."""
    for position, part in enumerate(re.split(r"\{([^{}]+)\}", path)):
        if position % 2 == 0:
            if part:
                yield quote(part, safe=safe)
        elif part in by_name:
            yield by_name[part]
