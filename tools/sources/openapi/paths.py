"""Path templates as documents write them -> plain `{name}` placeholders, and what a path says of its query."""

import re
from collections.abc import Collection

#: `{.format}` `{/rest}` `{+path}` `{id*}` `{id:[0-9]+}`: expressions of RFC 6570 and of web frameworks
_EXPRESSION = re.compile(r"\{([./+#]?)([A-Za-z_][\w.$-]*)(?:\*|:[^{}]*)?\}")
_QUERY_EXPRESSION = re.compile(r"\{[?&]([^{}]*)\}")
_COLON_SEGMENT = re.compile(r"(?<=/):([A-Za-z_]\w*)(?=/|$)")
_LITERAL_BY_OPERATOR = {".": ".", "/": "/"}


def plain_path(path: str, path_names: Collection[str], query_names: Collection[str]) -> str:
    """Return `path` with plain placeholders only; `path_names` and `query_names` are the parameters declared there.

    It begins with a slash, whatever the document says: otherwise it could continue the name of the host. A pair `?q={q}` goes
    where `q` is declared as a query parameter: it is written there.
    """

    def plain(match: re.Match[str]) -> str:
        if match[0][1:-1] in path_names:
            return match[0]
        return f"{_LITERAL_BY_OPERATOR.get(match[1], '')}{{{match[2]}}}"

    path, sign, fragment = (path if path.startswith("/") else f"/{path}").partition("#")
    path = _EXPRESSION.sub(plain, _QUERY_EXPRESSION.sub("", path))
    path = _COLON_SEGMENT.sub(lambda match: f"{{{match[1]}}}" if match[1] in path_names else match[0], path)
    path, mark, query = path.partition("?")
    pairs = [pair for pair in query.split("&") if pair and not _is_declared(pair, query_names)]
    return f"{path}{mark if pairs else ''}{'&'.join(pairs)}{sign}{fragment}"


def query_names_of(path: str) -> list[str]:
    """Return the names in `{?limit,after}`: query parameters that only the path tells of (RFC 6570 §3.2.8)."""
    names = [name for group in _QUERY_EXPRESSION.findall(path) for name in group.split(",")]
    return [name for name in (name.strip().rstrip("*") for name in names) if name]


def reserved_names_of(path: str) -> frozenset[str]:
    """Return the names in `{+path}`, whose values may have several segments (RFC 6570 §3.2.3)."""
    return frozenset(match[2] for match in _EXPRESSION.finditer(path) if match[1] == "+")


def _is_declared(pair: str, query_names: Collection[str]) -> bool:
    name, _, value = pair.partition("=")
    return value.startswith("{") and name in query_names
