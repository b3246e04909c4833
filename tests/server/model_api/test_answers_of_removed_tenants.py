"""What models answered is forgotten with the tenant that asked."""

from pathlib import Path

from oauth.tenants import Tenant
from server.storage.database import now_us
from server.storage.tenant_removal.removal import LONGEST_CALL_US, TenantRemoval
from tests.gateway import opened
from tests.waiting import until
from tools.ai_gateway.caching.answer_cache import CachePlace
from tools.ai_gateway.caching.kept_answers import KeptAnswer
from tools.ai_gateway.configuration.config import ModelProvider
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.token_usage import TokenUsage

ANSWER = KeptAnswer(ModelTarget(ModelProvider("openai", "openai", ""), "m"), TokenUsage(), 0, b"{}")


def place_of(tenant_id: str) -> CachePlace:
    """Return a place that similar questions may share."""
    question = (b"place", "what is our revenue this year?")
    return CachePlace(tenant_id, tenant_id.encode() * 8, 3600.0, question, 0.9, is_stream=False, wants_usage=False)


async def test_a_removal_forgets_answers_and_what_a_late_stream_keeps_and_others_keep_theirs(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        store, cache = gateway.store, gateway.ai_gateway.calls.cache
        acme = await store.tenants.add(Tenant("acme", "acme"))
        await until(lambda: gateway.tenants.get("acme") is not None)
        removal = TenantRemoval(store.database, store.history)
        for tenant_id in ("acme", "default"):
            cache.keep(place_of(tenant_id), ANSWER)
        similar = CachePlace("acme", b"another", 3600.0, place_of("acme").question, 0.9, is_stream=False, wants_usage=False)
        assert cache.find(similar) is not None
        await removal.begin(acme)
        await until(lambda: cache.find(similar) is None and cache.find(place_of("acme")) is None)
        assert cache.find(place_of("default")) is not None
        cache.keep(place_of("acme"), ANSWER)
        await TenantRemoval(store.database, store.history, now_us=lambda: now_us() + LONGEST_CALL_US).finish("acme")
        await until(lambda: cache.find(place_of("acme")) is None)
