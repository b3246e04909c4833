"""The `requestState` of a question to the person (MCP 2026-07-28, multi-round-trip requests): sealed, for one call of one principal.

The client hands it back with its retry, so it is the attacker's to change: it opens only for the same principal, tool and
arguments, and not for long. It decides nothing: whether the account is there by then is read from the store. That is also why
it may come twice: a client whose answer got lost on the way sends the same retry again.
"""

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from oauth import base64url
from oauth.errors import SealBroken
from oauth.principal import Principal
from oauth.sealing import KEY_BYTES, seal, unseal
from tools.operation import Json

# MCP 2026-07-28, multi-round-trip requests: SHOULD carry an expiry; a person has to sign in somewhere meanwhile
TTL_S = 900
MAX_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question was about: `providers` whose account was asked for, and the handle that resumes a plan which had begun."""

    providers: frozenset[str] = frozenset()
    resume: str | None = None


NOTHING_ASKED = Asked()


class RequestStates:
    """Seals and checks states under one key, which all nodes share."""

    def __init__(self, key: bytes | None = None, clock: Callable[[], float] = time.time) -> None:
        """`key`: 32 bytes; None makes one that only this process knows."""
        self._key = key or os.urandom(KEY_BYTES)
        self._clock = clock

    def seal(self, principal: Principal, tool: str, arguments: Mapping[str, Json], asked: Asked = NOTHING_ASKED) -> str:
        """Return the state for a question about this call."""
        # Sealed and not only signed: the handle of a plan is nobody's business on the way.
        content = orjson.dumps({"until": self._clock() + TTL_S, "asked": sorted(asked.providers), "resume": asked.resume})
        return base64url.encode(seal(self._key, content, _bound(principal, tool, arguments)))

    def check(self, state: str, principal: Principal, tool: str, arguments: Mapping[str, Json]) -> Asked:
        """Return what was asked. Raise MCPError (-32602) unless `state` was sealed for this very call and is not too old."""
        try:
            # before anything is decoded: the sender chooses its length
            if len(state) > MAX_CHARS:
                raise ValueError("too long")
            # MCP 2026-07-28: MUST be integrity-protected; RFC 5116 §2.2: nothing is read of what does not open.
            said = orjson.loads(unseal(self._key, base64url.decode(state), _bound(principal, tool, arguments)))
            # The time is under the seal, so the client cannot move it.
            if said["until"] < self._clock():
                raise ValueError("expired")
        except (SealBroken, ValueError):
            message = "requestState is changed, expired or of another call; send the call again without it"
            raise MCPError(INVALID_PARAMS, message) from None
        # A node that has not been updated yet sealed neither.
        return Asked(frozenset(said.get("asked", ())), said.get("resume"))


def _bound(principal: Principal, tool: str, arguments: Mapping[str, Json]) -> bytes:
    # MCP 2026-07-28: SHOULD bind principal and request, or a yes to one call could be carried to another.
    call = orjson.dumps([tool, arguments], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    who = [principal.tenant_id, principal.subject, principal.client_id]
    return orjson.dumps(["ascend request state", *who, hashlib.sha256(call).hexdigest()])
