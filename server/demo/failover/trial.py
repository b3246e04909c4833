"""A gateway of its own, in this process, with a route of the same shape as a real one and the demo provider behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from capability_index.encoders.encoder import Floats
from oauth.connections.credentials import Credential, Readiness
from oauth.principal import Principal
from oauth.tenants import DEFAULT_TENANT, Tenants
from server.assembly.ai_gateway import AiGateway, open_ai_gateway
from server.config.load import load
from server.demo.failover.heard import Heard, heard_of
from server.demo.failover.scenarios import OUTAGE, SCENARIOS, Played, Scenario, Verdict
from server.demo.models.provider import DemoProvider, serving_models, text_for
from server.http.listen import listen
from server.storage.store import open_store
from tools.ai_gateway.configuration.changes import ConfigChanges
from tools.ai_gateway.configuration.config import Defaults, Dialect
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, Wishes
from tools.operation import Json

PROMPT = "say something"
#: real time limits are made so short, in proportion, that a silent target costs this long
FIRST_BYTE_S = 1.0
#: nothing on this machine takes longer, and a busy one takes its time
_LEAST_S = 0.5
#: how many failures of a breaker are played at most
MAX_FAILURES = 10
#: no scenario takes longer, or it has failed
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class RouteShape:
    """What of a route decides how it fails over: the dialects of its targets in order, and the limits that hold."""

    dialects: tuple[Dialect, ...]
    defaults: Defaults


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    id: str
    scenario: str
    verdict: Verdict
    said: str


class NoAccounts:
    """Credentials where nothing asks for any."""

    def readiness(self, principal: Principal, provider: str, scopes: frozenset[str]) -> Readiness:
        return Readiness(provider, "ready", ("demo",), "demo")

    async def for_call(self, principal: Principal, provider: str, scopes: frozenset[str], account: str | None) -> Credential:
        return Credential("bearer", "none", alias="demo")

    async def rejected(self, principal: Principal, provider: str, credential: Credential) -> Credential | None:
        return None


async def play_all(shape: RouteShape, report: Callable[[int], None]) -> list[ScenarioResult]:
    """Play the sixteen scenarios side by side; `report` is told how many are over."""
    over = 0

    async def played(trial: Trial, scenario: Scenario) -> ScenarioResult:
        nonlocal over
        try:
            async with asyncio.timeout(PATIENCE_S):
                verdict, said = await trial.play(scenario)
        except TimeoutError:
            verdict, said = "fail", f"not over after {PATIENCE_S:.0f} s"
        over += 1
        report(over)
        return ScenarioResult(scenario.id, scenario.title, verdict, said)

    async with open_trial(shape) as trial:
        return list(await asyncio.gather(*(played(trial, each) for each in SCENARIOS)))


@asynccontextmanager
async def open_trial(shape: RouteShape) -> "AsyncIterator[Trial]":
    """Open the gateway and its provider on loopback; nothing is left of them."""
    shape = replace(shape, defaults=shortened(shape.defaults))
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(serving_models(listen("127.0.0.1", 0)))
        settings = load(Path(stack.enter_context(TemporaryDirectory(prefix="ascend-chain-"))), environ={})
        settings = settings.changed(egress_allow=(provider.url.removeprefix("http://"),))
        store = await stack.enter_async_context(open_store(settings))
        await ConfigChanges(store.ai_configs).apply(document_of(shape, provider.url), "test-chain")
        tenants = Tenants(await store.tenants.all())
        gateway = await stack.enter_async_context(open_ai_gateway(settings, store, tenants, NoAccounts(), _no_vectors))
        yield Trial(shape, gateway, provider)


@dataclass(frozen=True, slots=True)
class Trial:
    """Plays scenarios, each on a route of its own."""

    shape: RouteShape
    gateway: AiGateway
    provider: DemoProvider

    async def play(self, scenario: Scenario) -> tuple[Verdict, str]:
        if scenario.id == OUTAGE:
            return await self._outage(scenario)
        heard = await self.call(scenario)
        asked = [self._asked(scenario, place) for place in range(len(self.shape.dialects))]
        expected = [text_for(name, PROMPT) for name in names_of(scenario, len(self.shape.dialects))]
        return scenario.judge(Played(heard, asked, expected, self._was_prefilled(scenario), self.shape.dialects[0] == "anthropic"))

    async def call(self, scenario: Scenario) -> Heard:
        """Ask the scenario's route once, as a caller would."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        is_anthropic = self.shape.dialects[0] == "anthropic"
        body: dict[str, Json] = {"model": scenario.id, "messages": [{"role": "user", "content": PROMPT}], "stream": True, "max_tokens": 100}
        if not is_anthropic:
            body["stream_options"] = {"include_usage": True}
        wishes = Wishes(is_reliable=scenario.is_reliable)
        request = ModelRequest("messages" if is_anthropic else "chat", orjson.dumps(body), body, ModelCaller(DEFAULT_TENANT), wishes)
        heard = await heard_of(await self.gateway.calls.answer(request))
        return replace(heard, ms=(loop.time() - began) * 1000)

    async def _outage(self, scenario: Scenario) -> tuple[Verdict, str]:
        """S15: during the outage the next target answers and the first is left alone; afterwards it is asked again."""
        breaker = self.shape.defaults.breaker
        during = [await self.call(scenario) for _ in range(breaker.failures)]
        if any(heard.is_done is (len(self.shape.dialects) == 1) for heard in during):
            return "fail", f"during the outage: {during[-1].told[:120] or 'an answer that nobody can have given'}"
        await self.call(scenario)
        if (asked := len(self._asked(scenario, 0))) > breaker.failures:
            return "fail", f"asked {asked} times during the outage, {breaker.failures} failures after which it is to be left alone"
        await asyncio.sleep(breaker.open_s * 1.1)
        first, _ = names_of(scenario, 2)
        back = await self.call(scenario)
        if back.is_done and back.text == text_for(first, PROMPT):
            return "pass", f"left alone after {breaker.failures} failures, and asked again when it was back"
        return "fail", "it was back, and was not asked again"

    def _asked(self, scenario: Scenario, place: int) -> list[float]:
        model = models_of(scenario, self.shape)[place]
        return [each.at for each in self.provider.asked.get((_provider(place), model), ())]

    def _was_prefilled(self, scenario: Scenario) -> bool:
        return any(
            each.is_prefill
            for place, model in enumerate(models_of(scenario, self.shape))
            for each in self.provider.asked.get((_provider(place), model), ())
        )


def names_of(scenario: Scenario, count: int) -> list[str]:
    """Return what the models of a scenario call themselves."""
    return [f"demo-{'last' if place and place == count - 1 else f'target-{place + 1}'}" for place in range(count)]


def models_of(scenario: Scenario, shape: RouteShape) -> list[str]:
    """Return the models of a scenario with their faults, in the order of the route."""
    faults = f"{scenario.faults}&times={shape.defaults.breaker.failures}" if scenario.id == OUTAGE else scenario.faults
    names = names_of(scenario, len(shape.dialects))
    last = len(names) - 1
    return [
        f"{name}?label={scenario.id}&{scenario.last if last and place == last else faults}".removesuffix("&")
        for place, name in enumerate(names)
    ]


def _provider(place: int) -> str:
    """Return the name of a target's provider, which is its place in the demo provider's paths, too."""
    return f"target-{place + 1}"


def document_of(shape: RouteShape, url: str) -> Json:
    """Return the configuration: a provider for each target, a route for each scenario."""
    defaults, breaker = shape.defaults, shape.defaults.breaker
    return {
        "defaults": {
            "connect_s": defaults.connect_s,
            "first_byte_s": defaults.first_byte_s,
            "idle_s": defaults.idle_s,
            "total_s": defaults.total_s,
            "breaker": {"failures": breaker.failures, "window_s": breaker.window_s, "open_s": breaker.open_s},
        },
        "providers": {
            _provider(place): {"dialect": dialect, "base_url": f"{url}/{_provider(place)}" + ("" if dialect == "anthropic" else "/v1")}
            for place, dialect in enumerate(shape.dialects)
        },
        "routes": {
            scenario.id: {"targets": [f"{_provider(place)}/{model}" for place, model in enumerate(models_of(scenario, shape))]}
            for scenario in SCENARIOS
        },
    }


def shortened(defaults: Defaults) -> Defaults:
    """Return the limits in the same proportions, so short that nobody waits for them."""
    scale = min(1.0, FIRST_BYTE_S / defaults.first_byte_s)

    def short(seconds: float) -> float:
        return max(_LEAST_S, seconds * scale)

    breaker = defaults.breaker
    return replace(
        defaults,
        # Nobody on this machine makes others wait for a connection.
        connect_s=max(2.0, defaults.connect_s * scale),
        first_byte_s=short(defaults.first_byte_s),
        idle_s=short(defaults.idle_s),
        total_s=short(defaults.total_s),
        breaker=replace(
            breaker,
            failures=min(breaker.failures, MAX_FAILURES),
            window_s=max(short(breaker.window_s), 10.0),
            open_s=short(breaker.open_s),
        ),
    )


def _no_vectors(texts: Sequence[str]) -> Floats:
    raise RuntimeError("no route of a trial compares questions")
