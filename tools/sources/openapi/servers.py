"""Where the operations of a document are served: several servers, templated, relative to the document's own address."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urljoin, urlsplit

from tools.operation import Json
from tools.sources.openapi.document import OpenApiDocument

#: `api.example.com/v1`, where the document forgot the scheme: no path begins like this
BARE_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?(?:/|$)", re.IGNORECASE)


def server_urls(
    document: OpenApiDocument,
    servers: Json,
    base_url: str | None,
    variables: Mapping[str, str] = MappingProxyType({}),
    wanted: str | None = None,
) -> list[str]:
    """Return absolute base URLs in the document's order, without a trailing slash; empty where none can be known.

    `wanted` is a part of the URL or the description of the server that comes first instead.
    `base_url` stands in place of all of them, path and all.
    """
    if base_url is not None:
        return [base_url.rstrip("/")]
    named = [server for server in servers if isinstance(server, Mapping)] if isinstance(servers, list) else []
    if wanted is not None:
        named.sort(key=lambda server: not is_server(server, wanted))
    known = [filled(server, variables) for server in named]
    urls = [url for url in known if url is not None] or ["/"]
    absolute = [absolute_url(document.location, url) for url in urls]
    return list(dict.fromkeys(url.rstrip("/") for url in absolute if url is not None))


def is_server(server: Mapping[str, Json], wanted: str) -> bool:
    """Say whether an operator means this server: by a part of its URL, its description or its name, whatever the case."""
    return any(wanted.lower() in str(server.get(key, "")).lower() for key in ("url", "description", "name"))


def absolute_url(location: str, url: str) -> str | None:
    """Return `url` read against `location`, or None where that is no http(s) address."""
    if BARE_HOST.match(url):
        url = f"https://{url}"
    try:
        joined = urljoin(location, url)
        parts = urlsplit(joined)
    except ValueError:
        return None
    return joined if parts.scheme in ("http", "https") and parts.netloc else None


def filled(server: Mapping[str, Json], values: Mapping[str, str] = MappingProxyType({})) -> str | None:
    """Return the URL of a server with `values` or the defaults of its variables, or None where one has no value."""
    url = server.get("url")
    if not isinstance(url, str):
        return None
    variables = server.get("variables")
    for name in re.findall(r"\{([^{}]+)\}", url):
        if name in values:
            url = url.replace("{" + name + "}", values[name])
            continue
        variable = variables.get(name) if isinstance(variables, Mapping) else None
        options = variable.get("enum") if isinstance(variable, Mapping) else None
        first = options[0] if isinstance(options, list) and options else None
        value = variable.get("default", first) if isinstance(variable, Mapping) else None
        if value is None:
            return None
        url = url.replace("{" + name + "}", str(value))
    return url.strip()
