"""What the URLs under `/v1` ask for (AI gateway contract, "Calling")."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from tools.ai_gateway.model_request import Surface

Kind = Literal["call", "models", "feedback"]
PREFIX = "/v1/"
SURFACES: dict[str, Surface] = {
    "chat/completions": "chat",
    "responses": "responses",
    "embeddings": "embeddings",
    "rerank": "rerank",
    "messages": "messages",
    "messages/count_tokens": "count_tokens",
}
#: as a client asks whose base URL lacks the prefix; nothing else of the gateway is there
_WITHOUT_PREFIX = frozenset(f"/{path}" for path in SURFACES)
#: a tenant's or gateway's name, which no path of our own looks like
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class ModelPath:
    """One path. `tenant_id` and `gateway` are of Cloudflare's form; `provider` and `rest` of its second one."""

    kind: Kind
    surface: Surface = "chat"
    tenant_id: str = ""
    gateway: str = ""
    provider: str = ""
    #: native: behind the provider's name; models: the id
    rest: str = ""

    @property
    def methods(self) -> tuple[str, ...]:
        """What may be asked here."""
        return ("GET", "HEAD") if self.kind == "models" else ("POST",)

    @property
    def allow(self) -> str:
        """The same as `Allow` says it (RFC 9110 §10.2.1)."""
        return ", ".join((*self.methods, "OPTIONS"))

    @property
    def is_anthropic(self) -> bool:
        """Say whether refusals are told as Anthropic tells them."""
        return self.surface in ("messages", "count_tokens") and self.kind == "call"


def is_model_path(path: str) -> bool:
    """Say whether a path is the AI gateway's, or was meant to be."""
    return path.startswith(PREFIX) or path in _WITHOUT_PREFIX


def nothing_at(path: str) -> str:
    """Return what to tell who asked for something that there is not, with what was probably meant."""
    meant = max((each for each in SURFACES if path.removesuffix("/").endswith(f"/{each}")), key=len, default="")
    if not meant:
        return "there is nothing at this address; docs/guides/ai-gateway.md lists the URLs"
    ends = "OpenAI's clients take a base URL that ends with /v1, Anthropic's one without"
    return f"there is nothing at this address; {PREFIX}{meant} was probably meant: {ends}"


def read_path(path: str) -> ModelPath | None:
    """Return what a path asks for; None where there is nothing. `path` is percent-encoded, as it came."""
    if not path.startswith(PREFIX):
        return None
    rest = path.removeprefix(PREFIX).removesuffix("/")
    if (surface := SURFACES.get(rest)) is not None:
        return ModelPath("call", surface)
    if rest == "feedback":
        return ModelPath("feedback")
    if rest == "models" or rest.startswith("models/"):
        return ModelPath("models", rest=unquote(rest.removeprefix("models").removeprefix("/")))
    tenant_id, _, beyond = rest.partition("/")
    gateway, _, what = beyond.partition("/")
    if not (_NAME.fullmatch(tenant_id) and _NAME.fullmatch(gateway) and what):
        return None
    if what.startswith("compat/"):
        found = SURFACES.get(what.removeprefix("compat/"))
        return ModelPath("call", found, tenant_id, gateway) if found is not None else None
    provider, _, native = what.partition("/")
    if not _NAME.fullmatch(provider) or not native:
        return None
    return ModelPath("call", "native", tenant_id, gateway, provider, native)
