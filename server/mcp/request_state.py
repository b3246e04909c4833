"""The `requestState` of a question to the person (MCP 2026-07-28, multi-round-trip requests): sealed, for one call of one principal.

The client hands it back with its retry, so it is the attacker's to change: it opens only for the same principal, tool and
arguments, and not for long. It decides nothing: whether the account is there by then is read from the store. That is also why
it may come twice: a client whose answer got lost on the way sends the same retry again.
"""

import base64
import binascii
import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from oauth.principal import Principal
from tools.operation import Json

TTL_S = 900
MAX_CHARS = 4_000
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question was about: `providers` whose account was asked for, and the handle that resumes a plan which had begun."""

    providers: frozenset[str] = frozenset()
    resume: str | None = None


class RequestStates:
    """Seals and checks states under one key, which all nodes share."""

    def __init__(self, key: bytes | None = None, clock: Callable[[], float] = time.time) -> None:
        """`key`: 32 bytes; None makes one that only this process knows."""
        self._cipher = AESGCM(key or os.urandom(32))
        self._clock = clock

    def seal(self, principal: Principal, tool: str, arguments: Mapping[str, Json], asked: Asked = Asked()) -> str:
        """Return the state for a question about this call."""
        nonce = os.urandom(_NONCE_BYTES)
        content = orjson.dumps({"until": self._clock() + TTL_S, "asked": sorted(asked.providers), "resume": asked.resume})
        box = nonce + self._cipher.encrypt(nonce, content, _bound(principal, tool, arguments))
        return base64.urlsafe_b64encode(box).decode().rstrip("=")

    def check(self, state: str, principal: Principal, tool: str, arguments: Mapping[str, Json]) -> Asked:
        """Return what was asked. Raise MCPError (-32602) unless `state` was sealed for this very call and is not too old."""
        try:
            if len(state) > MAX_CHARS:
                raise ValueError("too long")
            box = base64.b64decode(state + "=" * (-len(state) % 4), altchars=b"-_", validate=True)
            content = self._cipher.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], _bound(principal, tool, arguments))
            said = orjson.loads(content)
            if said["until"] < self._clock():
                raise ValueError("expired")
        except (InvalidTag, ValueError, binascii.Error):
            message = "requestState is changed, expired or of another call; send the call again without it"
            raise MCPError(INVALID_PARAMS, message) from None
        # A node that has not been updated yet sealed neither.
        return Asked(frozenset(said.get("asked", ())), said.get("resume"))


def _bound(principal: Principal, tool: str, arguments: Mapping[str, Json]) -> bytes:
    call = orjson.dumps([tool, arguments], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    who = [principal.tenant_id, principal.subject, principal.client_id]
    return orjson.dumps(["ascend request state", *who, hashlib.sha256(call).hexdigest()])
