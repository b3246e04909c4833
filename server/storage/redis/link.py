"""The way to Redis: asked within 20 ms or not at all, left alone while it is away, and back by itself."""

import asyncio
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

#: how long a request waits for an answer; after that the local half decides
PATIENCE_S = 0.02
#: so many turns in a row that came too late open the circuit, and so does one that takes as long as that; a broken connection does at once
TOO_LATE = 3
#: a look whether it is back, which no request waits for
LOOK_S = 2.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0
#: one that comes and goes is told no more often
TOLD_EVERY_S = 60.0
#: in one message; the rest gathers for the next
MAX_TURN = 100
#: of what nobody waits for; what is beyond is not done
MAX_LATER = 1_000
#: a name that is written to see that it can be
_LOOK = "redis.call('SET', KEYS[1], 1, 'PX', 1000) return 1"
_LOOK_NAME = "ascend:look"
_EFFECT = "limits, caches and breakers are this node's own"

log = logging.getLogger("ascend")


class RedisAway(Exception):
    """Nobody there, or not in time; whoever asked decides by itself."""


@dataclass(frozen=True, slots=True)
class Script:
    """What runs in Redis as one step; called by its hash, known to every connection."""

    text: str
    sha: str


@dataclass(frozen=True, slots=True)
class _Ask:
    command: tuple[str | bytes | float, ...]
    answer: asyncio.Future[Any]


@dataclass(slots=True)
class RedisLink:
    """One for a process. `url` may hold a password, which is told to nobody.

    What is asked while a message is under way gathers for the next: a crowd costs a round trip, not one each. While the circuit is open
    no request waits: `ask` raises at once, and `run` looks whether it is back.
    """

    url: str = field(repr=False)
    patience_s: float = PATIENCE_S
    is_there: bool = False
    #: answered, late, failed, skipped: how what was asked ended
    asked: Counter[str] = field(default_factory=Counter)
    #: which start of the server was last connected to; "": it does not say
    run_id: str = ""
    #: what is done whenever it is back
    when_back: list[Callable[[], Awaitable[None]]] = field(default_factory=list, repr=False)
    _scripts: list[Script] = field(default_factory=list, repr=False)
    _waiting: list[_Ask] = field(default_factory=list, repr=False)
    _turns: asyncio.Task[None] | None = field(default=None, repr=False)
    _late_turns: int = 0
    _told_at: float = -TOLD_EVERY_S
    _lost: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    _client: Redis = field(init=False, repr=False)
    _look_script: Script = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._client = client_of(self.url, self._connected)
        self._look_script = self.script(_LOOK)

    def script(self, text: str) -> Script:
        """Return a script that each connection is told when it is made. Before `begin`."""
        self._scripts.append(script := Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()))
        return script

    async def ask(self, script: Script, keys: Sequence[str], *given: str | bytes | float) -> Any:
        """Run a script and return what it answers. Raises RedisAway, at once where the circuit is open."""
        if not self.is_there:
            self.asked["skipped"] += 1
            raise RedisAway
        try:
            async with asyncio.timeout(self.patience_s):
                return await self._put(script, keys, given)
        except TimeoutError as error:
            self.asked["late"] += 1
            raise RedisAway from error

    def later(self, script: Script, keys: Sequence[str], *given: str | bytes | float) -> None:
        """Have a script run that nobody waits for; what fails, or is too much, is not done."""
        if self.is_there and len(self._waiting) < MAX_LATER:
            self._put(script, keys, given).add_done_callback(_heard)

    async def settled(self) -> None:
        """Wait until everything is done that was asked by now."""
        while self._turns is not None and not self._turns.done():
            await asyncio.wait([self._turns])

    async def begin(self) -> None:
        """Look for the first time, so that a gateway knows when it starts."""
        if not await self._look():
            self._lost.set()
            self._tell_away("it does not answer")

    async def run(self) -> None:
        """Look, while it is away, whether it is back; until cancelled."""
        while True:
            await self._lost.wait()
            pause_s = FIRST_PAUSE_S
            while not await self._look():
                await anyio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            for work in self.when_back:
                with suppress(RedisAway):
                    await work()
            log.info("redis_back", extra={"facts": {"effect": "limits, caches and breakers are shared again"}})

    async def ready(self) -> str | None:
        """Say what is wrong; None where it answers. It is asked, also where nobody asked for a while."""
        if self.is_there:
            with suppress(RedisAway):
                await self.ask(self._look_script, [_LOOK_NAME])
        return None if self.is_there else f"away; {_EFFECT}"

    async def close(self) -> None:
        with anyio.CancelScope(shield=True):
            self.is_there = False
            if self._turns is not None:
                self._turns.cancel()
                await asyncio.wait([self._turns])
            await self._client.aclose()
            await self._client.connection_pool.disconnect()

    def _put(self, script: Script, keys: Sequence[str], given: Sequence[str | bytes | float]) -> asyncio.Future[Any]:
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(_Ask(("EVALSHA", script.sha, len(keys), *keys, *given), answer))
        if self._turns is None or self._turns.done():
            self._turns = asyncio.create_task(self._take_turns())
        return answer

    async def _take_turns(self) -> None:
        try:
            while self._waiting and self.is_there:
                turn, self._waiting = self._waiting[:MAX_TURN], self._waiting[MAX_TURN:]
                await self._turn([each for each in turn if not each.answer.done()])
        finally:
            waiting, self._waiting = self._waiting, []
            _fail(waiting)

    async def _turn(self, turn: Sequence[_Ask]) -> None:
        """Send what gathered, and give everybody their answer."""
        began = time.monotonic()
        message = self._client.pipeline(transaction=False)
        for each in turn:
            message.execute_command(*each.command)
        try:
            async with asyncio.timeout(TOO_LATE * self.patience_s):
                answers: list[Any] = await message.execute(raise_on_error=False)
        except (RedisError, OSError, TimeoutError) as error:
            self.asked["failed"] += sum(not each.answer.done() for each in turn)
            self._leave("it answers too late" if isinstance(error, TimeoutError) else type(error).__name__)
            _fail(turn)
            return
        except BaseException:
            _fail(turn)
            raise
        self._late_turns = self._late_turns + 1 if time.monotonic() - began > self.patience_s else 0
        if self._late_turns >= TOO_LATE:
            self._leave("it answers too late")
        for each, answer in zip(turn, answers, strict=True):
            self._tell(each, answer)

    def _tell(self, ask: _Ask, answer: Any) -> None:
        if isinstance(answer, RedisError):
            # It has no room, takes no writes, or was told to forget our scripts.
            self.asked["failed"] += 1
            self._leave(type(answer).__name__)
            _fail([ask])
        elif not ask.answer.done():
            self.asked["answered"] += 1
            ask.answer.set_result(answer)

    async def _look(self) -> bool:
        """Ask twice: the first connects, the second has to be in time, or a slow one would come and go for ever."""
        look = ("EVALSHA", self._look_script.sha, 1, _LOOK_NAME)
        try:
            async with asyncio.timeout(LOOK_S):
                await self._client.connection_pool.disconnect(inuse_connections=False)
                await self._client.execute_command(*look)  # type: ignore[no-untyped-call]
            async with asyncio.timeout(self.patience_s):
                await self._client.execute_command(*look)  # type: ignore[no-untyped-call]
        except (RedisError, OSError, TimeoutError):
            return False
        self._late_turns, self.is_there = 0, True
        self._lost.clear()
        return True

    async def _connected(self, connection: Any) -> None:
        """Set a new connection up, and note which server it leads to: the pool makes one anew without a word."""
        await connection.on_connect()
        for script in self._scripts:
            await connection.send_command("SCRIPT", "LOAD", script.text)
            await connection.read_response()
        await connection.send_command("INFO", "server")
        try:
            told = await connection.read_response()
        except ResponseError:
            told = b""  # a user without that right
        self.run_id = next((line[7:].decode() for line in bytes(told).splitlines() if line.startswith(b"run_id:")), "")

    def _leave(self, why: str) -> None:
        if self.is_there:
            self.is_there = False
            self._lost.set()
            self._tell_away(why)

    def _tell_away(self, why: str) -> None:
        if time.monotonic() - self._told_at >= TOLD_EVERY_S:
            self._told_at = time.monotonic()
            log.warning("redis_away", extra={"facts": {"why": why, "effect": _EFFECT}})


def client_of(url: str, connected: Callable[[Any], Awaitable[None]] | None = None) -> Redis:
    """Return a client that repeats nothing and connects when it is first used; `connected` sets each connection up."""
    # protocol 2: nothing is pushed, and a look costs no hello. What repeats is the circuit, never a request.
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=4,
        timeout=LOOK_S,
        socket_timeout=None,
        socket_connect_timeout=LOOK_S,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        client_name="ascend",
        driver_info=None,
        redis_connect_func=connected,
    )
    return Redis.from_pool(pool)


def _fail(asks: Sequence[_Ask]) -> None:
    for each in asks:
        if not each.answer.done():
            each.answer.set_exception(RedisAway())


def _heard(answer: asyncio.Future[Any]) -> None:
    """Take in what nobody waits for, so that nobody is told that it was not."""
    if not answer.cancelled():
        answer.exception()
