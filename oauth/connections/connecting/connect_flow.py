"""A connect flow: a person on the way from a call that needs an account, over our page, to the provider and back."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

FLOW_TTL_S = 600
TRIP_TTL_S = 600

#: reported: the call that asked has been told that it is done
FlowState = Literal["new", "started", "done", "reported"]


@dataclass(frozen=True, slots=True)
class ConnectFlow:
    """Who may connect what. The link carries 256 random bits and nothing else; the store keeps their hash."""

    flow_hash: str
    tenant_id: str
    subject: str
    #: the MCP client that asked: the page names it
    client_id: str
    provider: str
    scopes: frozenset[str]
    state: FlowState
    created_at: float
    expires_at: float
    #: the account that is connected again, or that was connected when it is done; "" for a new one
    account_id: str = ""
    alias: str = ""
    #: what the link was made for: scopes, account and alias as they were asked for
    wish: str = ""


@dataclass(frozen=True, slots=True)
class AuthorizationAttempt:
    """One way to the provider and back. `trip_hash` is the hash of the OAuth `state`; `sealed` holds verifier and nonce."""

    trip_hash: str
    browser: str
    sealed: bytes = field(repr=False)
    dek_id: str


class ConnectFlowStore(Protocol):
    async def add(self, flow: ConnectFlow) -> None: ...

    async def get(self, flow_hash: str) -> ConnectFlow | None:
        """Return a flow, expired or not."""
        ...

    async def done(self, tenant_id: str, subject: str, client_id: str, provider: str, since: float) -> Sequence[ConnectFlow]:
        """Return the principal's flows that are done and not reported, newest first; `account_id` is what was connected."""
        ...

    async def start(self, flow_hash: str, trip: AuthorizationAttempt, expires_at: float) -> bool:
        """Begin a trip; an earlier trip of the same flow can no longer be finished. False: the flow is done."""
        ...

    async def take(self, trip_hash: str) -> tuple[ConnectFlow, AuthorizationAttempt] | None:
        """Return the trip and forget its secrets, in one step: two callers never both get it."""
        ...

    async def taken(self, trip_hash: str) -> tuple[ConnectFlow, str] | None:
        """Return the flow of a trip that was taken, and the browser that it was taken in; None after a later trip began."""
        ...

    async def finish(self, flow_hash: str, state: FlowState, account_id: str) -> None:
        """Record how the flow ended."""
        ...

    async def sweep(self, before: float) -> int:
        """Forget flows that expired before `before`; return how many."""
        ...


def hash_of(handle: str) -> str:
    """Return what the store keeps of a random handle."""
    return hashlib.sha256(handle.encode()).hexdigest()


def scopes_text(scopes: Sequence[str] | frozenset[str]) -> str:
    """Return scopes in a fixed order, so that equal sets are equal texts."""
    return " ".join(sorted(scopes))
