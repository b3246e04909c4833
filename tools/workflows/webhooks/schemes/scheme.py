"""What every scheme can: tell genuine requests, name their event, answer what is no event, and sign an example."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tools.operation import Json
from tools.workflows.webhooks.request import HookRequest

MAX_EVENT_ID_CHARS = 200
MAX_KIND_CHARS = 100


@dataclass(frozen=True, slots=True)
class HookEvent:
    """What a sender calls this event and its kind. `id` "": it gives none, and the content is the id."""

    id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request that is no event: a challenge, a ping. It starts nothing."""

    body: Json


@dataclass(frozen=True, slots=True)
class Example:
    """A signed request for `ascend webhook test`."""

    headers: Mapping[str, str]
    body: bytes


class Scheme(Protocol):
    """`signs_id`: the id of an event is under the signature, so whoever replays a request cannot give it another. `signs_time`: so is the
    time, and what was signed is worth nothing when it is older than the tolerance."""

    @property
    def signs_id(self) -> bool: ...

    @property
    def signs_time(self) -> bool: ...

    def key_of(self, secret: bytes) -> bytes:
        """Return the key that a secret of the vault is. Raises ValueError, which says what it should look like and not what it is."""
        ...

    def proof(self, request: HookRequest, keys: Sequence[bytes], now_s: float) -> bytes | None:
        """Return what is proven to come from a holder of a key; None where nothing is. Nothing of the body is parsed here."""
        ...

    def event(self, request: HookRequest, content: Json) -> HookEvent | Reply:
        """Return what a genuine request says; `content` is its body, read."""
        ...

    def example(self, key: bytes, now_s: float, url: str, body: bytes | None) -> Example:
        """Return a signed request with this body; None: one that tries the signature and starts nothing."""
        ...


def text_at(content: Json, *names: str) -> str:
    """Return the text or number at a path of names; "" where there is none. Never longer than an id may be."""
    for name in names:
        content = content.get(name) if isinstance(content, Mapping) else None
    is_plain = isinstance(content, str | int) and not isinstance(content, bool)
    return str(content)[: MAX_EVENT_ID_CHARS + 1] if is_plain else ""


def as_it_is(secret: bytes) -> bytes:
    """Return the key of schemes whose secret is any text."""
    if not secret:
        raise ValueError("is empty")
    return secret
