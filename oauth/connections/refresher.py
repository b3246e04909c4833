"""Refresh access tokens in the background, ahead of their end; the request path never waits for a provider.

One connection is refreshed by one holder at a time, across processes: a lease with a fencing number in the store. What a
provider gave is stored before anything else and whoever asks us to stop, because a rotated refresh token exists nowhere else.
One gap no client can close: dying between the provider's answer and our write loses a token that is used once; the next
attempt then finds the grant dead and the connection becomes `expired`, with a link to connect it again.
"""

import logging
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import anyio

from oauth.connections.connection import Connection, ConnectionSecret
from oauth.connections.connection_store import REFRESHER, ConnectionStore, Lease
from oauth.connections.connections import KnownConnections
from oauth.connections.errors import TokenRefused
from oauth.connections.provider_throttle import ProviderThrottle
from oauth.connections.refresh_time import retry_at
from oauth.connections.upstream.registrations import Application, Registrations
from oauth.connections.upstream.token_answer import Tokens
from oauth.connections.upstream.token_endpoint import TIMEOUT_S, ProviderTokenEndpoint
from oauth.connections.version import with_tokens
from oauth.errors import SealBroken
from oauth.vault.errors import StaleKey
from oauth.vault.secrets import SealedSecret
from oauth.vault.vault import Vault, VaultCaller

log = logging.getLogger("ascend.connections")

TICK_S = 1.0
# decision 0013: longer than a provider may take, so that nobody else begins meanwhile
LEASE_S = 60.0
#: a request starts only while the lease outlives its time limit by this much, for the write
STORE_MARGIN_S = 5.0
PARALLEL = 32
#: few at a time: leases that wait behind a slow provider run out
BATCH = 8
STORE_TRIES = 6


class Refresher:
    """Run it once in every process; the leases share the work out."""

    def __init__(
        self,
        store: ConnectionStore,
        vault: Vault,
        registrations: Registrations,
        endpoint: ProviderTokenEndpoint,
        connections: KnownConnections | None = None,
        *,
        clock: Callable[[], float] = time.time,
        dice: random.Random | None = None,
        parallel: int = PARALLEL,
    ) -> None:
        self._store, self._vault, self._registrations = store, vault, registrations
        self._endpoint, self._connections, self._clock = endpoint, connections, clock
        self._dice = dice or random.Random()  # noqa: S311  spreads load, guards nothing
        self._owner = secrets.token_hex(8)
        self._parallel, self._running = parallel, 0
        self._freed = anyio.Event()
        self._pace = ProviderThrottle(clock)
        self._turns: dict[tuple[str, str], anyio.CapacityLimiter] = {}
        #: (provider, outcome) -> how often: refreshed, expired, retried, superseded, late
        self.counts: Counter[tuple[str, str]] = Counter()

    async def run(self) -> None:
        """Refresh what is due until cancelled; what was sent to a provider by then is finished first."""
        async with anyio.create_task_group() as group:
            while True:
                # The next look is due when a place becomes free, or time has passed.
                self._freed = anyio.Event()
                try:
                    leases = await self._lease()
                except Exception:  # the store may be away for a while; the tokens are good for minutes
                    log.exception("refresh_look_failed")
                    leases = []
                for lease in leases:
                    group.start_soon(self._one, lease)
                if not leases or self._running >= self._parallel:
                    with anyio.move_on_after(TICK_S):
                        await self._freed.wait()

    async def refresh_due(self, limit: int | None = None) -> int:
        """Refresh everything that is due now, or `limit` of it, and return how many leases that took."""
        taken = 0
        while leases := await self._lease(BATCH if limit is None else min(BATCH, limit - taken)):
            taken += len(leases)
            async with anyio.create_task_group() as group:
                for lease in leases:
                    group.start_soon(self._one, lease)
        return taken

    async def _lease(self, wanted: int = BATCH) -> list[Lease]:
        now = self._clock()
        limit = min(wanted, self._parallel - self._running)
        if limit <= 0:
            return []
        leases = list(await self._store.lease_due(now, self._owner, now + LEASE_S, limit, self._pace.busy()))
        for lease in leases:
            provider = self._registrations.provider(lease.connection.tenant_id, lease.connection.provider)
            self._pace.taken(lease.connection.application, provider)
            self._running += 1
        return leases

    async def _one(self, lease: Lease) -> None:
        connection = lease.connection
        turn = self._turn(connection)
        try:
            async with turn:
                # decision 0013: an answer after the lease could overwrite a newer token, or be thrown away with the only copy.
                if self._clock() + TIMEOUT_S + STORE_MARGIN_S > lease.until:
                    self.counts[connection.provider, "late"] += 1
                    return  # the lease runs out by itself and somebody takes it anew
                # Cancelled or not: from here the provider may rotate the token, so answer and write belong together.
                with anyio.CancelScope(shield=True):
                    await self._refresh(lease)
        except Exception:  # one connection's trouble is not the others'
            log.exception("refresh_failed", extra={"facts": _facts(connection)})
        finally:
            self._running -= 1
            self._pace.done(connection.application)
            self._freed.set()

    async def _refresh(self, lease: Lease) -> None:
        connection = lease.connection
        caller = VaultCaller(connection.tenant_id, REFRESHER, "refresh")
        application = await self._registrations.application(connection.tenant_id, connection.provider, connection.registered_by)
        if application is None:
            await self._fail(lease, TokenRefused("no_registration", is_registration=True))
            return
        if self._connections is not None and self._connections.is_older(connection):
            # An old refresh token that comes back makes providers end the grant, the living tokens with it.
            await self._fail(lease, TokenRefused("rolled_back", is_terminal=True))
            return
        try:
            secret = ConnectionSecret.from_bytes(await self._vault.open_sealed(caller, lease.secret))
        except SealBroken:
            # RFC 5116 §2.2: a row that does not authenticate is nobody's token; the person connects anew.
            await self._fail(lease, TokenRefused("seal_broken", is_terminal=True))
            return
        try:
            tokens = await self._endpoint.renew(application, connection, secret)
        except TokenRefused as refused:
            await self._fail(lease, refused)
            return
        await self._keep(lease, application, tokens, secret)

    async def _keep(self, lease: Lease, application: Application, tokens: Tokens, former: ConnectionSecret) -> None:
        connection, now = lease.connection, self._clock()
        # RFC 6749 §6: no refresh token in the answer means that the old one serves on.
        secret = ConnectionSecret(tokens.access_token, refresh_token=tokens.refresh_token or former.refresh_token)
        fresh = replace(with_tokens(connection, tokens, now, self._dice), version=connection.version + 1, fail_count=0, last_error="")
        if await self._stored(lease, fresh, secret):
            self.counts[connection.provider, "refreshed"] += 1
            if self._connections is not None:
                await self._connections.renew(connection.tenant_id, [connection.account_id])
            return
        self.counts[connection.provider, "superseded"] += 1
        if await self._store.get(connection.tenant_id, connection.account_id) is None:
            # Disconnected while the provider was asked: the new tokens must not outlive that.
            await self._endpoint.revoke(application, secret.secret, secret.refresh_token, connection.external_id)

    async def _stored(self, lease: Lease, fresh: Connection, secret: ConnectionSecret) -> bool:
        caller = VaultCaller(fresh.tenant_id, REFRESHER, "refresh")
        for attempt in range(STORE_TRIES):
            sealed: SealedSecret = await self._vault.seal(caller, fresh.secret_name, fresh.version, secret.to_bytes())
            try:
                # decision 0013: the fencing number of the lease decides, not who is later.
                return await self._store.finish_refresh(lease, fresh, sealed)
            except StaleKey:
                await self._vault.reread_keys(fresh.tenant_id)
            except Exception:  # a busy or absent store: a rotated token is worth some patience
                if attempt == STORE_TRIES - 1:
                    raise
                log.exception("refreshed_token_not_stored_yet", extra={"facts": _facts(fresh)})
                await anyio.sleep(0.1 * 2**attempt)
        raise StaleKey(fresh.secret_name)

    async def _fail(self, lease: Lease, refused: TokenRefused) -> None:
        connection, now = lease.connection, self._clock()
        # RFC 6749 §5.2 (invalid_grant): trying again cannot help, and some providers count tries against the application.
        if refused.is_terminal:
            failed = replace(
                connection, state="expired", last_error=refused.code, refresh_due_at=None, fail_count=connection.fail_count + 1
            )
        else:
            if refused.is_registration or refused.retry_after_s is not None:
                # It concerns every account of the application, so the others wait as well.
                self._pace.pause(connection.application, refused.retry_after_s)
            count = connection.fail_count + 1
            code = f"registration:{refused.code}"[:64] if refused.is_registration else refused.code
            failed = replace(
                connection, fail_count=count, last_error=code, refresh_due_at=retry_at(now, count, refused.retry_after_s, self._dice)
            )
        kept = await self._store.fail_refresh(lease, failed)
        outcome = "superseded" if not kept else "expired" if refused.is_terminal else "retried"
        self.counts[connection.provider, outcome] += 1
        log.warning("connection_not_refreshed", extra={"facts": {**_facts(connection), "error": refused.code, "outcome": outcome}})
        if kept and self._connections is not None:
            await self._connections.renew(connection.tenant_id, [connection.account_id])
        if kept and refused.is_terminal:
            ended = VaultCaller(connection.tenant_id, "connections", f"the connection ended at its refresh: {refused.code}")
            await self._vault.note_refused(ended, connection.secret_name, connection.version)

    def _turn(self, connection: Connection) -> anyio.CapacityLimiter:
        if connection.application not in self._turns:
            provider = self._registrations.provider(connection.tenant_id, connection.provider)
            self._turns[connection.application] = anyio.CapacityLimiter(provider.parallel_refreshes)
        return self._turns[connection.application]


def _facts(connection: Connection) -> dict[str, str]:
    return {"tenant": connection.tenant_id, "provider": connection.provider, "account_id": connection.account_id}
