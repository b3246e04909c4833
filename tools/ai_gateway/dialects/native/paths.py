"""Which endpoint a path of a provider's own API means, which model it names, and where it goes."""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.refusals import invalid_request

_GEMINI = re.compile(r"v1(?:beta|alpha)?/models/(?P<model>.+):(?P<kind>\w+)")
_BEDROCK = re.compile(r"model/(?P<model>.+)/(?P<kind>converse-stream|converse|invoke-with-response-stream|invoke)")
_WORKERS = re.compile(r"ai/run/(?P<model>.+)")
_OPENAI = re.compile(r"(?:v1/)?(?P<kind>chat/completions|responses|embeddings|rerank)")
_ANTHROPIC = re.compile(r"(?:v1/)?(?P<kind>messages/count_tokens|messages)")
_PATHS: dict[Dialect, re.Pattern[str]] = {
    "openai": _OPENAI, "anthropic": _ANTHROPIC, "gemini": _GEMINI, "bedrock": _BEDROCK, "workers_ai": _WORKERS,
}  # fmt: skip
#: what a path may hold as it is, besides letters and digits; %: it comes encoded
_KEPT = "/:@!$&'()*+,;=-._~%"
_VERSION = re.compile(r"/v1(?:beta|alpha)?$")
_CREDENTIALS = re.compile(r"(?:^|&)(?:key|api[-_]?key|access_token|token)=[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NativePath:
    """`kind` is the last word of a known endpoint (`converse`, `generateContent`, `chat/completions` …), "" for others.

    `model` is what the path names, decoded; "" where the body names it or nothing does.
    """

    kind: str
    model: str = ""

    @property
    def is_stream(self) -> bool:
        """The path alone asks for a stream; with others the body does."""
        return self.kind in ("streamGenerateContent", "converse-stream", "invoke-with-response-stream")


def read_path(dialect: Dialect, path: str) -> NativePath:
    """Return what `path`, behind the provider's base URL, means."""
    found = _PATHS[dialect].fullmatch(path.strip("/"))
    if found is None:
        return NativePath("")
    groups = found.groupdict()
    return NativePath(groups.get("kind") or "run", unquote(groups.get("model") or ""))


def sent_path(base_url: str, path: str) -> str:
    """Return `path` as it goes behind `base_url`: encoded, and without the version that a base URL already ends in.

    Raises ModelCallRefused (`invalid_request`) for one that would leave the base URL.
    """
    if any(unquote(part) in (".", "..") or "\\" in unquote(part) for part in unquote(path).split("/")):
        raise invalid_request("a path of . or .. would leave the provider's base URL")
    sent = "/" + quote(path.lstrip("/"), safe=_KEPT)
    version = _VERSION.search(base_url)
    return sent.removeprefix(version[0]) if version and sent.startswith(version[0] + "/") else sent


def sent_query(query: str) -> str:
    """Return `query` without credentials: they are the caller's for us, and the provider gets ours."""
    return _CREDENTIALS.sub("", query).lstrip("&") if "=" in query else query
