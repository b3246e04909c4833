"""Does an operation page, and how: read from the names of its arguments and of what it answers."""

from collections.abc import Iterator, Mapping

from tools.catalog.verbs import words_of
from tools.operation import Json, Paging
from tools.sources.openapi.document import BrokenReference, OpenApiDocument
from tools.sources.openapi.responses import DeclaredResponse
from tools.sources.openapi.schemas.keywords import types_of

CURSORS = (
    "cursor",
    "after",
    "page_token",
    "next_token",
    "next_cursor",
    "marker",
    "starting_after",
    "continuation_token",
    "start_cursor",
    "after_cursor",
    "start_after",
    "next_page_token",
    "after_id",
    "scroll_id",
    "bookmark",
    "page_cursor",
    "page_after",
    "next",
    "continue",
    "last_key",
    "last_evaluated_key",
)
#: member of the answer -> how surely it is the next cursor, best first
NEXT_CURSORS = (
    "next_cursor",
    "next_page_token",
    "next_token",
    "next_marker",
    "next_page_cursor",
    "continuation_token",
    "end_cursor",
    "next_stream_position",
    "next_bookmark",
    "after",
    "cursor",
    "page_token",
    "marker",
    "next",
    "continue",
    "last_key",
    "last_evaluated_key",
)
PAGES = ("page", "page_number", "page_no", "page_num", "current_page", "page_index")
OFFSETS = ("offset", "skip", "start", "start_at", "start_index", "first_result", "from")
SIZES = ("limit", "page_size", "per_page", "max_results", "count", "size", "top", "take", "max_items", "results_per_page", "first", "rows")
NEXT_URIS = ("next_page_uri", "next_page_url", "next_url", "next_link", "next_href", "next_uri", "odata_next_link", "next_records_url")
ITEMS = ("items", "results", "data", "entries", "records", "values", "value", "list", "elements", "objects", "members", "rows")
MAX_DEPTH = 3
#: where the next cursor is found in practice, for documents that say nothing of their answers (JMESPath)
USUAL_NEXT_CURSORS = (
    "response_metadata.next_cursor || next_cursor || nextCursor || next_page_token || nextPageToken || next_token || nextToken"
    " || next_marker || paging.next.after || paging.cursors.after || meta.next_cursor || pagination.next_cursor"
)


def paging_of(document: OpenApiDocument, arguments: Mapping[str, Json], answer: DeclaredResponse) -> Paging | None:
    """Return how an operation pages, or None where nothing says that it does. `arguments` is its input schema."""
    properties = arguments.get("properties", {})
    by_words = {"_".join(words_of(name)): name for name in properties}
    items_path = items_of(document, answer.source)
    size = next((by_words[name] for name in SIZES if name in by_words), None)
    members = dict(_members(document, answer.source))
    next_uri = _next_uri(document, answer.source, members)
    cursor = next((by_words[name] for name in CURSORS if name in by_words), None)
    next_path = _next_cursor({name: path for name, path in members.items() if path != next_uri})
    if cursor and next_path:
        return Paging("cursor", cursor, items_path, next_path, size)
    if next_uri:
        return Paging("link", None, items_path, next_uri, size)
    if answer.has_link_header:
        return Paging("link", None, items_path, None, size)
    if cursor and cursor.lower() != "next" and items_path and _takes_id_of_last(cursor):
        return Paging("cursor", cursor, items_path, f"{items_path}[-1].id" if items_path != "@" else "[-1].id", size)
    if cursor and items_path is None and cursor.lower() not in ("next", "after") and not _is_spelled_out(document, answer):
        return Paging("cursor", cursor, None, USUAL_NEXT_CURSORS, size)
    place = next((by_words[name] for name in OFFSETS if name in by_words), None)
    if place and _is_text(properties[place]) and (token := _token_of(place, members)):
        return Paging("cursor", place, items_path, token, size)
    page = _number(by_words, PAGES, properties)
    if page:
        return Paging("page", page, items_path, None, size)
    offset = _number(by_words, OFFSETS, properties)
    if offset and (size or items_path):
        return Paging("offset", offset, items_path, None, size)
    return None


def items_of(document: OpenApiDocument, source: Json, depth: int = 0) -> str | None:
    """Return the JMESPath of the list that an answer is about: the answer itself (`@`), a well-known or the only list."""
    schema = _object(document, source)
    if schema is None:
        return None
    if types_of(schema) == ["array"] or "items" in schema:
        return "@"
    properties = _properties(document, schema)
    if "id" in properties:
        # One thing that has lists, not a list of things.
        return None
    lists = [name for name, member in properties.items() if _is_list(document, member)]
    for name in (*(name for name in ITEMS if name in lists), *(lists if len(lists) == 1 else ()), *_with_rows(document, properties, lists)):
        return quoted(name)
    if depth < 1:
        for name in ("data", "result", "response", "results", "_embedded"):
            inner = items_of(document, properties.get(name), depth + 1) if name in properties else None
            if inner and inner != "@":
                return f"{quoted(name)}.{inner}"
    return None


def quoted(name: str) -> str:
    """Return a member name as JMESPath writes it: bare where it can be, else in double quotes."""
    is_bare = bool(name) and name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()
    return name if is_bare else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _next_uri(document: OpenApiDocument, source: Json, members: Mapping[str, str]) -> str | None:
    """Return where the address of the next page stands: by its name, under `links`, or `next` with the format of a URI."""
    for name, path in members.items():
        if name.rpartition(".")[2] in NEXT_URIS or name.endswith(("links.next", "links.next.href")):
            return path
    schema = _object(document, source)
    follower = _object(document, _properties(document, schema).get("next")) if schema is not None else None
    return "next" if follower is not None and follower.get("format") in ("uri", "url") else None


def _next_cursor(members: Mapping[str, str]) -> str | None:
    for name in NEXT_CURSORS:
        for path, spelled in members.items():
            last = path.rpartition(".")[2]
            if last == name and not any(word in path for word in ("prev", "before", "previous")):
                return spelled
    return None


def _is_text(schema: Json) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "string" and "pattern" not in schema


def _token_of(argument: str, members: Mapping[str, str]) -> str | None:
    """Return where the answer has the next value of an `offset` that is no number: under its own name, alone or within `next…`."""
    name = "_".join(words_of(argument))
    return next((spelled for path, spelled in members.items() if path == name or (path.endswith(f".{name}") and "next" in path)), None)


def _members(document: OpenApiDocument, source: Json, prefix: str = "", spelled: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield (path in snake case, JMESPath) of the plain members of an answer, outer ones first, lists left out."""
    schema = _object(document, source)
    if schema is None or depth >= MAX_DEPTH or types_of(schema) == ["array"]:
        return
    deeper = []
    for name, member in _properties(document, schema).items():
        path, written = f"{prefix}{'_'.join(words_of(name))}", f"{spelled}{quoted(name)}"
        inner = _object(document, member)
        if inner is not None and (inner.get("properties") or inner.get("allOf")):
            deeper.append((member, path, written))
        elif not _is_list(document, member):
            yield path, written
    for member, path, written in deeper[:12]:
        yield from _members(document, member, f"{path}.", f"{written}.", depth + 1)


def _properties(document: OpenApiDocument, schema: Mapping[str, Json], depth: int = 0) -> dict[str, Json]:
    found: dict[str, Json] = {}
    composed = schema.get("allOf")
    for member in composed if isinstance(composed, list) and depth < MAX_DEPTH else []:
        inner = _object(document, member)
        if inner is not None:
            found.update(_properties(document, inner, depth + 1))
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        found.update(properties)
    return found


def _object(document: OpenApiDocument, source: Json) -> Mapping[str, Json] | None:
    try:
        schema = document.resolve(source)
    except BrokenReference:
        return None
    return schema if isinstance(schema, Mapping) else None


def _is_list(document: OpenApiDocument, member: Json) -> bool:
    schema = _object(document, member)
    return schema is not None and "array" in types_of(schema)


def _with_rows(document: OpenApiDocument, properties: Mapping[str, Json], lists: list[str]) -> list[str]:
    """Return the one list whose items are objects, where there are several lists."""
    rows = []
    for name in lists:
        schema = _object(document, properties[name])
        items = _object(document, schema.get("items")) if schema else None
        if items is not None and (items.get("properties") or items.get("allOf") or items.get("oneOf")):
            rows.append(name)
    return rows if len(rows) == 1 else []


def _is_spelled_out(document: OpenApiDocument, answer: DeclaredResponse) -> bool:
    """Say whether the document names more of the answer than a flag or two (`{ok: true}`)."""
    schema = _object(document, answer.source)
    return schema is not None and len(_properties(document, schema)) > MAX_DEPTH


def _takes_id_of_last(cursor: str) -> bool:
    return "_".join(words_of(cursor)) in ("starting_after", "after_id", "start_after")


def _number(by_words: Mapping[str, str], names: tuple[str, ...], properties: Mapping[str, Json]) -> str | None:
    for name in names:
        argument = by_words.get(name)
        schema = properties.get(argument, {}) if argument else {}
        if argument and isinstance(schema, Mapping) and schema.get("type") in ("integer", "number", "string", None, ["integer", "null"]):
            return argument
    return None
