"""The AI gateway put together: its configuration, keys, prices, budgets and ledger, and the endpoint in front of them."""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from oauth.connections.credentials import Credentials
from oauth.metadata import resource_metadata_url
from oauth.resources import Resources
from oauth.scopes import MODELS
from oauth.sign_in.person_names import PersonNames
from oauth.tenants import DEFAULT_TENANT, Tenants
from oauth.tokens.access_tokens import AccessTokens
from server.assembly.shared_state import SharedState
from server.config.settings import Settings
from server.model_api.callers import ModelCallers
from server.model_api.endpoint import ModelEndpoint
from server.model_api.feedback import FeedbackEndpoint
from server.model_api.listing import ModelListing
from server.observability.model_call_metrics import ModelCallMetrics
from server.observability.model_call_spans import ModelCallSpans
from server.origins import Callers
from server.storage.change_feed import Change, ChangeFeed
from server.storage.store import Store
from tools.ai_gateway.attempts import Attempts
from tools.ai_gateway.breaker import Breakers
from tools.ai_gateway.caching.answer_cache import AnswerCache
from tools.ai_gateway.caching.similar_questions import Embed
from tools.ai_gateway.caller_keys import CallerKeys
from tools.ai_gateway.calls import ModelCalls
from tools.ai_gateway.configuration.config import AiConfig
from tools.ai_gateway.configuration.live import LiveConfig
from tools.ai_gateway.experiments.watch import ExperimentWatch
from tools.ai_gateway.feedback import Feedback
from tools.ai_gateway.gateway_limits import LimitRules
from tools.ai_gateway.latencies import TargetStanding
from tools.ai_gateway.one_call import Bookkeeping
from tools.ai_gateway.pricing.price_book import PriceBook
from tools.ai_gateway.provider_keys import ProviderKeys
from tools.ai_gateway.records.call_ledger import CallLedger
from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.ai_gateway.routing.router import Router
from tools.ai_gateway.shadows.shadows import Shadows
from tools.ai_gateway.stream_turns import StreamTurns
from tools.ai_gateway.upstream import ProviderClient
from tools.builtins.llm_calls import llm_calls
from tools.builtins.llm_reports import llm_reports
from tools.egress.client import Egress
from tools.egress.places import EgressPlaces
from tools.metering.budgets import Budgets
from tools.metering.ledger import Ledger
from tools.metering.limits import Limits
from tools.metering.stores import ClosedCharge
from tools.operation import Runner
from tools.sources.builtin import BuiltinFunction
from tools.sources.metered_runner import Count, MeteredRunner

#: Streams of models last for minutes, so they have places of their own: of these, one caller alone takes up to a third.
MODEL_PLACES = 6_000
MODEL_PLACES_PER_PROVIDER = 3_000


@dataclass(frozen=True, slots=True)
class AiGateway:
    """Everything about model calls; `calls` answers them, the rest keeps it true."""

    calls: ModelCalls
    router: Router
    config: LiveConfig
    keys: CallerKeys
    ledger: CallLedger
    budgets: Budgets
    #: the ledger of operations that have a price
    charges: Ledger[ClosedCharge]
    prices: PriceBook
    provider_keys: ProviderKeys
    standing: TargetStanding
    experiments: ExperimentWatch
    feedback: Feedback
    spans: ModelCallSpans
    #: in front of what calls other systems
    paying_runners: list[MeteredRunner]
    #: of model calls alone; the gateway's own registry collects it
    metrics: CollectorRegistry
    call_metrics: ModelCallMetrics
    #: what budgets, limits and reports call a person
    names: PersonNames

    def endpoint(self, settings: Settings, tenants: Tenants, access_tokens: AccessTokens) -> ModelEndpoint:
        """Return the HTTP face."""
        resources = Resources(tenants, settings.mcp_url, settings.base_url)

        def resource_of(tenant_id: str) -> str:
            return resources.of(tenant_id, "models")

        callers = ModelCallers(self.keys, access_tokens, tenants, self.calls.config, resource_of, self.names.of)
        metadata = resource_metadata_url(settings.base_url, resource_of(DEFAULT_TENANT))
        challenge = f'Bearer resource_metadata="{metadata}", scope="{MODELS}"'
        listing, feedback = ModelListing(self.router.models_for), FeedbackEndpoint(self.feedback)
        return ModelEndpoint(
            self.calls, callers, listing, feedback, self.spans, challenge, Callers(settings.base_url, settings.origin.allowed_origins)
        )

    def functions(self, store: Store) -> list[BuiltinFunction]:
        """Return the operations llm.*."""
        reports = llm_reports(self.router, store.model_calls, self.ledger, self.budgets, self.feedback, self.names.of)
        return [*llm_calls(self.calls, self.names.of), *reports]

    def metered(self, runner: Runner, count: Count | None = None) -> MeteredRunner:
        """Return a runner that sets aside for operations with a price, in the same budgets, and counts by `count`."""

        def price(provider: str, operation: str) -> int:
            return self.prices.request_nano_usd(provider, operation, datetime.now(UTC))

        paying = MeteredRunner(runner, self.budgets, self.charges, price, self.names.of, count)
        paying.switch(has_prices=self.config.current.has_request_prices)
        self.paying_runners.append(paying)
        return paying

    def listen(self, feed: ChangeFeed) -> None:
        """Follow what other processes change."""
        feed.listen("ai_config", self._config_changed)
        feed.listen("caller_keys", self._keys_changed)
        feed.listen("subjects", self._people_changed)

    def forget_tenant(self, tenant_id: str) -> None:
        """Forget what models answered a tenant that leaves, or another one of that name."""
        self.calls.cache.forget(tenant_id)

    def background(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
        """Return what runs beside the calls, until cancelled."""
        return (self.ledger.run, self.charges.run, self.budgets.run, self.keys.run, self.experiments.run, self._shadows)

    async def _shadows(self) -> None:
        await self.calls.shadows.run(self.calls.answer)

    async def _config_changed(self, changes: Sequence[Change]) -> None:
        await self.config.changed(changes)
        for runner in self.paying_runners:
            runner.switch(has_prices=self.config.current.has_request_prices)

    async def _keys_changed(self, changes: Sequence[Change]) -> None:
        await self.keys.changed({(change.tenant_id or "", change.item) for change in changes})

    async def _people_changed(self, changes: Sequence[Change]) -> None:
        self.names.forget({(change.tenant_id or "", change.item) for change in changes})


@asynccontextmanager
async def open_ai_gateway(
    settings: Settings, store: Store, tenants: Tenants, credentials: Credentials, embed: Embed, shared: SharedState = SharedState()
) -> AsyncIterator[AiGateway]:
    """Load the snapshots and put the parts together; leaving it closes the connections to providers."""
    config = LiveConfig(store.ai_configs)
    await config.load()
    keys = CallerKeys(store.caller_keys, tenants)
    await keys.load()

    def current() -> AiConfig:
        return config.current

    metrics = CollectorRegistry()
    spans = ModelCallSpans()
    experiments = ExperimentWatch(current, store.ai_configs, store.feedback)
    prices = PriceBook(lambda: config.current.prices)
    standing = TargetStanding(prices)
    router = Router(current, standing, settings.ai.ai_model)
    breakers = Breakers(lambda: config.current.defaults.breaker, told=shared.told_of_model)
    call_metrics = ModelCallMetrics(metrics)
    ledger = CallLedger(store.model_calls, _Watchers(call_metrics, spans, experiments))
    charges = Ledger[ClosedCharge](store.operation_charges.append, "operation_charges")

    async def settle_first() -> int:
        return await ledger.flush() + await charges.flush()

    budgets = Budgets(store.budgets, lambda: config.current.budgets, keys.budget_of, settle_first)
    limits = Limits(LimitRules(current), shared=shared.windows)

    def added_us(tenant_id: str) -> int | None:
        tenant = tenants.get(tenant_id)
        return None if tenant is None else tenant.created_at_us

    cache = AnswerCache(embed, shared.answers, lambda name: config.current.providers.get(name), added_us)
    shadows = Shadows(current, store.comparisons, embed)
    places = EgressPlaces(MODEL_PLACES, MODEL_PLACES_PER_PROVIDER)
    async with Egress(settings.egress.egress_allow, places=places) as egress:
        provider_keys = ProviderKeys(credentials)
        attempts = Attempts(current, ProviderClient(egress), provider_keys, breakers, standing)
        books, turns = Bookkeeping(prices, ledger, breakers), StreamTurns()
        calls = ModelCalls(current, router, attempts, budgets, limits, books, cache, shadows, turns)
        feedback = Feedback(store.feedback, ledger.flush)
        yield AiGateway(
            calls=calls,
            router=router,
            config=config,
            keys=keys,
            ledger=ledger,
            budgets=budgets,
            charges=charges,
            prices=prices,
            provider_keys=provider_keys,
            standing=standing,
            experiments=experiments,
            feedback=feedback,
            spans=spans,
            paying_runners=[],
            metrics=metrics,
            call_metrics=call_metrics,
            names=PersonNames(store.subjects),
        )


@dataclass(frozen=True, slots=True)
class _Watchers:
    """All who look at the end of a call."""

    metrics: ModelCallMetrics
    spans: ModelCallSpans
    experiments: ExperimentWatch

    def closed(self, record: ModelCallRecord) -> None:
        self.metrics.closed(record)
        self.spans.closed(record)
        self.experiments.closed(record)

    def dropped(self, rows: int) -> None:
        self.metrics.dropped(rows)
