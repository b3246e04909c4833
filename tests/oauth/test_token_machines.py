"""Codes and refresh tokens against a model: whatever is tried in whatever order, the tokens that live are those that should."""

import asyncio
import base64
import hashlib
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, precondition, rule

from oauth.authorization.scope_narrowing import STANDING
from oauth.clients.client import Client
from oauth.errors import InvalidGrant, OAuthError
from oauth.grants.authorization_code import MAX_TRIES, AuthorizationCodeGrant
from oauth.grants.refresh_token import RefreshTokenGrant
from oauth.parameters import Parameters
from oauth.resources import Resources
from oauth.tenants import Tenant, Tenants
from oauth.tokens.access_tokens import AccessTokens
from oauth.tokens.formats import hash_token, new_id, new_token
from oauth.tokens.grant_records import AuthorizationCode, Grant
from oauth.tokens.lifetimes import Lifetimes
from oauth.tokens.reply import TokenReply
from server.storage.memory.oauth import MemoryGrantStore
from tests.examples import examples

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
MINE = Client(client_id="mine", kind="dynamic", name="Mine", redirect_uris=("http://127.0.0.1/cb",), created_at=0.0)
OTHER = Client(client_id="other", kind="dynamic", name="Other", redirect_uris=("http://127.0.0.1/cb",), created_at=0.0)
GRACE_S, CODE_S = 120.0, 60.0
MOSTLY = st.sampled_from([True, True, True, True, False])


async def everything(_tenant_id: str, _subject: str) -> frozenset[str]:
    return STANDING


@dataclass
class Bench:
    """The two grant types over a store in memory, with a clock that the machine moves."""

    now: float = 1_000_000.0
    store: MemoryGrantStore = field(default_factory=MemoryGrantStore)

    def __post_init__(self) -> None:
        clock = lambda: self.now  # noqa: E731  a clock is a callable
        tenants = Tenants([Tenant("default", "Default")])
        resources = Resources(tenants, lambda _tenant_id: "https://gw/mcp", "https://gw")
        lifetimes = Lifetimes(refresh_grace_s=GRACE_S)
        self.access = AccessTokens(self.store, clock)
        self.codes = AuthorizationCodeGrant(self.store, self.access, resources, lifetimes, clock)
        self.refreshes = RefreshTokenGrant(self.store, self.access, resources, tenants, everything, lifetimes, clock)

    async def new_code(self) -> tuple[str, str]:
        grant = Grant(
            new_id("grant"),
            "default",
            "ada",
            "mine",
            "https://gw/mcp",
            frozenset({"mcp"}),
            "authorization_code",
            False,
            self.now,
            self.now + 1e7,
        )
        code = new_token("ac")
        row = AuthorizationCode(hash_token(code), grant.grant_id, "default", "mine", "http://127.0.0.1/cb", CHALLENGE, self.now + CODE_S)
        async with self.store.transaction() as rows:
            await rows.add_grant(grant)
            await rows.add_code(row)
        return grant.grant_id, code

    async def redeem(self, client: Client, code: str, verifier: str) -> TokenReply | None:
        try:
            return await self.codes.redeem(client, Parameters([("code", code), ("code_verifier", verifier)]))
        except InvalidGrant:
            return None

    async def refresh(self, client: Client, token: str) -> TokenReply | None:
        try:
            return await self.refreshes.redeem(client, Parameters([("refresh_token", token)]))
        except OAuthError:
            return None


@dataclass
class Family:
    """What the model knows of one grant."""

    code: str
    code_until: float
    tries: int = 0
    redeemed: bool = False
    alive: bool = True
    #: refresh tokens, oldest first; all but the last were rotated, at these moments
    chain: list[str] = field(default_factory=list)
    rotated_at: list[float] = field(default_factory=list)
    #: access token -> when it ends
    access: dict[str, float] = field(default_factory=dict)


class TokenMachine(RuleBasedStateMachine):
    families = Bundle("families")
    presented = Bundle("presented")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.bench = Bench()
        self.known: list[Family] = []

    def teardown(self) -> None:
        self.loop.close()

    def run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)

    @rule(target=families)
    def a_person_says_yes(self) -> Any:
        return self.a_person_says_yes_to()

    def a_person_says_yes_to(self) -> Family:
        _, code = self.run(self.bench.new_code())
        family = Family(code, self.bench.now + CODE_S)
        self.known.append(family)
        return family

    @rule(target=presented)
    def a_client_connects(self) -> Any:
        family = self.a_person_says_yes_to()
        return self.a_code_is_redeemed_by(family, right=True, mine=True)

    @rule(target=presented, family=families, right=MOSTLY, mine=MOSTLY)
    def a_code_is_redeemed(self, family: Family, right: bool, mine: bool) -> Any:
        return self.a_code_is_redeemed_by(family, right=right, mine=mine)

    def a_code_is_redeemed_by(self, family: Family, *, right: bool, mine: bool) -> Any:
        verifier, client = VERIFIER if right else "w" * 43, MINE if mine else OTHER
        reply = self.run(self.bench.redeem(client, family.code, verifier))
        expected = False
        if mine and family.tries < MAX_TRIES:
            if not right:
                family.tries += not family.redeemed
            elif family.redeemed:
                family.alive = False
            else:
                expected = family.alive and self.bench.now < family.code_until
        assert (reply is not None) == expected
        if reply is None:
            return multiple()
        family.redeemed = True
        self.keep(family, reply)
        return (family, reply.refresh_token)

    @rule(target=presented, what=presented, mine=MOSTLY)
    def a_refresh_token_is_presented(self, what: tuple[Family, str], mine: bool) -> Any:
        family, token = what
        position = family.chain.index(token)
        reply = self.run(self.bench.refresh(MINE if mine else OTHER, token))
        if not mine or not family.alive:
            assert reply is None
            return multiple()
        if position < len(family.rotated_at):
            if self.bench.now - family.rotated_at[position] > GRACE_S:
                assert reply is None
                family.alive = False
                return multiple()
            assert reply is not None
            assert reply.refresh_token == family.chain[-1]
        else:
            assert reply is not None
            assert reply.refresh_token not in family.chain
            family.rotated_at.append(self.bench.now)
        self.keep(family, reply)
        return (family, reply.refresh_token)

    @rule(what=presented, copies=st.integers(2, 8))
    def a_refresh_token_is_presented_many_times_at_once(self, what: tuple[Family, str], copies: int) -> None:
        family, token = what
        if family.chain[-1] != token or not family.alive:
            return

        async def at_once() -> list[TokenReply | None]:
            return list(await asyncio.gather(*(self.bench.refresh(MINE, token) for _ in range(copies))))

        replies = self.run(at_once())
        assert None not in replies
        assert len({(reply.access_token, reply.refresh_token) for reply in replies}) == 1
        family.rotated_at.append(self.bench.now)
        self.keep(family, replies[0])

    @rule(seconds=st.sampled_from([1.0, 30.0, 59.0, 100.0, 121.0, 3601.0]))
    def time_passes(self, seconds: float) -> None:
        self.bench.now += seconds

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def a_grant_is_revoked_elsewhere(self, data: st.DataObject) -> None:
        family = data.draw(st.sampled_from(self.known))
        if not family.chain or not family.alive or data.draw(st.integers(0, 3)):
            return
        family.alive = False

        async def revoke() -> None:
            grant = await self.bench.store.grant_of_refresh_token(hash_token(family.chain[-1]))
            assert grant is not None
            async with self.bench.store.transaction() as rows:
                await rows.revoke_grant(grant, self.bench.now, "model")

        self.run(revoke())

    @invariant()
    def the_tokens_that_live_are_those_that_should(self) -> None:
        for family in self.known:
            for token, ends_at in family.access.items():
                live = self.run(self.bench.access.verify(token)) is not None
                assert live == (family.alive and self.bench.now < ends_at)

    def keep(self, family: Family, reply: TokenReply) -> None:
        family.access[reply.access_token] = reply.expires_at
        if reply.refresh_token not in family.chain:
            family.chain.append(reply.refresh_token)


TokenMachine.TestCase.settings = examples(80, stateful_step_count=40, suppress_health_check=list(HealthCheck))
TestTokenMachine = TokenMachine.TestCase


@pytest.mark.parametrize("seed", range(5))
async def test_however_requests_interleave_every_client_keeps_a_live_pair(seed: int) -> None:
    """facts/oauth.md §2.5: processes that share a refresh token, each using the newest that it knows."""
    bench, order = Bench(), random.Random(seed)
    _, code = await bench.new_code()
    first = await bench.redeem(MINE, code, VERIFIER)
    assert first is not None
    held = [first.refresh_token] * 10

    async def live(worker: int) -> None:
        for _ in range(10):
            for _ in range(order.randrange(4)):
                await asyncio.sleep(0)
            bench.now += order.random()
            reply = await bench.refresh(MINE, held[worker])
            assert reply is not None
            held[worker] = reply.refresh_token
            # Another worker may have rotated since; what matters is that the answer was good.
            assert await bench.access.verify(reply.access_token) is not None

    await asyncio.gather(*(live(worker) for worker in range(10)))
    for token in held:
        assert await bench.refresh(MINE, token) is not None
