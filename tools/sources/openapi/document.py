"""An OpenAPI document as it was read: JSON or YAML, 3.0, 3.1 or Swagger 2.0, its references followed on demand."""

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

import orjson
import yaml

from tools.errors import ImportFailed
from tools.operation import Failure, Json
from tools.sources.openapi.schemas.schema_cache import ConvertedSchemas
from tools.text.urls import joined

Version = Literal["2.0", "3.0", "3.1"]

MAX_DOCUMENT_BYTES = 64 << 20
#: a document of 64 MB has fewer; a YAML alias bomb has more
MAX_NODES = 3_000_000
MAX_DEPTH = 250
TOO_MUCH = "it is nested too deep, or its aliases multiply too far"
MAX_REFERENCE_HOPS = 32
MAX_INTEGER_BITS = 63
MAX_FLOAT_BITS = 1023


class BrokenReference(Exception):
    """A `$ref` leads nowhere; the operation that needs it is skipped with this reason."""


class Gathered(dict[str, bytes]):
    """The documents that one refers to, by absolute location."""

    def __init__(self) -> None:
        super().__init__()
        #: the same, read
        self.parsed: dict[str, Json] = {}
        #: location -> why it is not here: the rest of a sentence that begins with the document
        self.unread: dict[str, str] = {}
        #: the limit that kept documents out, in a sentence of its own
        self.limit: str | None = None


@dataclass(frozen=True, slots=True)
class OpenApiDocument:
    """The root of a document and what its references lead to.

    `location` is the URL or path that relative references and servers are read against. `externals` holds the other
    documents it refers to, by absolute location.
    """

    root: Mapping[str, Json]
    version: Version
    location: str
    externals: Mapping[str, Json] = field(default_factory=dict)
    #: location -> why that document is not among them
    unread: Mapping[str, str] = field(default_factory=dict)
    #: of this document's schemas, what was converted already
    converted: ConvertedSchemas = field(default_factory=ConvertedSchemas, repr=False, compare=False)
    _target_by_ref: dict[str, Json] = field(default_factory=dict, repr=False)

    @property
    def title(self) -> str:
        info = self.root.get("info")
        return str(info.get("title") or "") if isinstance(info, Mapping) else ""

    def target(self, ref: str) -> Json:
        """Return what `ref` points at, one hop. Raises BrokenReference."""
        if ref not in self._target_by_ref:
            self._target_by_ref[ref] = self._look_up(ref)
        return self._target_by_ref[ref]

    def resolve(self, node: Json) -> Json:
        """Return `node`, or what it refers to, however many hops away. Raises BrokenReference."""
        for _ in range(MAX_REFERENCE_HOPS):
            if not isinstance(node, Mapping) or not isinstance(node.get("$ref"), str):
                return node
            node = self.target(node["$ref"])
        raise BrokenReference(f"{node['$ref']!r} refers to itself")

    def _look_up(self, ref: str) -> Json:
        location, _, pointer = ref.partition("#")
        own = str(self.root.get("$self") or self.location)
        if location and location != self.location and joined(own, location) != joined(self.location, own):
            if location not in self.externals:
                raise BrokenReference(f"{ref!r} is in another document, which {self.unread.get(location, 'is not at hand')}")
            return follow_pointer(self.externals[location], pointer, ref)
        return follow_pointer(self.root, pointer, ref)


def read_document(raw: bytes, location: str, externals: Mapping[str, bytes] | None = None) -> OpenApiDocument:
    """Parse a document and those it refers to. Raises ImportFailed where it is not an OpenAPI document."""
    root = parse(raw, location)
    if not isinstance(root, dict):
        raise refused(f"{location} is not an OpenAPI document: it holds no object")
    version = version_of(root, location)
    gathered = externals if isinstance(externals, Gathered) else Gathered()
    parsed_by_location = {}
    for other, body in (externals or {}).items():
        parsed = gathered.parsed[other] if other in gathered.parsed else parse(body, other)
        parsed_by_location[other] = with_absolute_references(parsed, other)
    if parsed_by_location or gathered.unread:
        root = with_absolute_references(root, location, local=False)
    return OpenApiDocument(root=root, version=version, location=location, externals=parsed_by_location, unread=gathered.unread)


def parse(raw: bytes, location: str) -> Json:
    """Return the JSON value of JSON or YAML bytes; a YAML document is read by the JSON rules of YAML 1.2."""
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise refused(f"{location} has {len(raw)} bytes; the limit is {MAX_DOCUMENT_BYTES}")
    text = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        first = error
    if text[:1] in (b"{", b"["):
        # The standard parser is more lenient than orjson: lone surrogates, NaN. What it refuses may still be YAML in flow style.
        with suppress(ValueError, RecursionError):
            return as_json(json.loads(text), _Count(), 0)
    try:
        refuse_depth(text)
        read = yaml.load(text, Loader=_JsonLoader)  # noqa: S506 - a safe loader with fewer types
        if b"&" in text:
            _refuse_multiplied(read, {}, 0)
        return as_json(read, _Count(), 0)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if str(error) == TOO_MUCH:
            raise refused(f"{location} cannot be read: {TOO_MUCH}") from error
        reason = " ".join(str(first if text[:1] == b"{" else error).split())
        raise refused(f"{location} is neither JSON nor YAML: {reason}") from error


#: of an item of an array (RFC 6901 §4), in as many digits as a document could have items
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_INDENTATION = re.compile(rb"^ +", re.MULTILINE)


def refuse_depth(text: bytes) -> None:
    """Raise ValueError where YAML is nested too deep: the loader recurses in C, where that ends the process."""
    indented = max((len(blanks) for blanks in _INDENTATION.findall(text)), default=0)
    if indented + sum(map(text.count, (b"[", b"{", b"-", b"?", b":"))) < MAX_DEPTH:
        # Too few signs to nest that deep; a document in 3,000 parts is read in half the time.
        return
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(TOO_MUCH)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _refuse_multiplied(node: Any, nodes_by_id: dict[int, int], depth: int) -> int:
    """Return how many nodes there are once aliases are written out; what an anchor names is counted once. Raises ValueError."""
    if not isinstance(node, dict | list):
        return 1
    known = nodes_by_id.get(id(node))
    if known is None:
        # Who is met again before it is counted refers to itself.
        nodes_by_id[id(node)] = MAX_NODES
        inside = node.values() if isinstance(node, dict) else node
        known = 1 + sum(_refuse_multiplied(value, nodes_by_id, depth + 1) for value in inside)
        nodes_by_id[id(node)] = known
    if known > MAX_NODES or depth > MAX_DEPTH:
        raise ValueError(TOO_MUCH)
    return known


def version_of(root: Mapping[str, Json], location: str) -> Version:
    """Return the family of the document: `openapi` names 3.x, `swagger` 2.0."""
    openapi, swagger = str(root.get("openapi", "")), str(root.get("swagger", ""))
    if openapi.startswith("3.0"):
        return "3.0"
    if openapi.startswith("3."):
        return "3.1"
    if swagger.startswith("2"):
        return "2.0"
    found = f"openapi {openapi!r}" if openapi else f"swagger {swagger!r}" if swagger else "neither `openapi` nor `swagger`"
    raise refused(f"{location} has {found}; OpenAPI 3.0, 3.1, 3.2 and Swagger 2.0 can be imported")


def follow_pointer(document: Json, pointer: str, ref: str) -> Json:
    """Return the value at a JSON pointer in a URI fragment (RFC 6901 §6)."""
    node = document
    if pointer in ("", "/"):
        return node
    if not pointer.startswith("/"):
        raise BrokenReference(f"{ref!r} is not a JSON pointer")
    for part in unquote(pointer)[1:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping) and key in node:
            node = node[key]
        elif isinstance(node, list) and _INDEX.fullmatch(key) and int(key) < len(node):
            node = node[int(key)]
        else:
            raise BrokenReference(f"{ref!r} leads nowhere: there is no {key!r}")
    return node


def with_absolute_references(node: Json, location: str, *, local: bool = True) -> Json:
    """Return `node` with each `$ref` made absolute against `location`; `local` False leaves `#/…` as it is."""
    if isinstance(node, dict):
        return {
            key: joined(location, value)
            if key == "$ref" and isinstance(value, str) and (local or not value.startswith("#"))
            else with_absolute_references(value, location, local=local)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [with_absolute_references(item, location, local=local) for item in node]
    return node


def refused(message: str) -> ImportFailed:
    return ImportFailed(Failure(code="invalid_document", message=message))


class _Count:
    nodes = 0


def as_json(node: Any, count: _Count, depth: int) -> Json:
    """Return a value as interoperable JSON has it (RFC 8259 §6, §8.2): string keys, 64-bit integers, finite numbers, no lone surrogates.

    YAML aliases are written out, within limits.
    """
    count.nodes += 1
    if count.nodes > MAX_NODES or depth > MAX_DEPTH:
        raise ValueError(TOO_MUCH)
    if isinstance(node, dict):
        return {_key(key): as_json(value, count, depth + 1) for key, value in node.items()}
    if isinstance(node, list):
        return [as_json(item, count, depth + 1) for item in node]
    if isinstance(node, str):
        return node if node.isascii() else node.encode(errors="replace").decode()
    if isinstance(node, int) and not isinstance(node, bool) and node.bit_length() > MAX_INTEGER_BITS:
        return float(node) if node.bit_length() < MAX_FLOAT_BITS else None
    if isinstance(node, float) and not math.isfinite(node):
        return None
    return node


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key).encode(errors="replace").decode()


class _JsonLoader(yaml.CSafeLoader):
    """YAML 1.2's JSON types only: `no` is a string (YAML 1.1 reads false), and so is 2010-04-01."""


_JsonLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$", "-+0123456789."),
    ("tag:yaml.org,2002:merge", r"^<<$", "<"),
):
    _JsonLoader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))
