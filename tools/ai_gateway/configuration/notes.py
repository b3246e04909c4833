"""What a sound configuration says without effect, told to who applies it: no fault, but hardly what was meant."""

from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from tools.ai_gateway.configuration.built_in import FRONTIER, PROVIDERS
from tools.ai_gateway.configuration.config import AiConfig
from tools.versioned_documents.faults import meant, place_of


def notes_on(config: AiConfig, tenants: Collection[str]) -> Iterator[str]:
    """Yield notes, each with its place. tenants: those that there are."""
    for tenant in config.tenants:
        if tenant not in tenants:
            hint = meant(tenant, tenants) or f"; `ascend tenant add {tenant}` makes it"
            yield f"{place_of(('tenants', tenant))}: there is no tenant {tenant!r}{hint}"
    for name, route in config.routes.items():
        if name == FRONTIER:
            yield f"{place_of(('routes', name))}: is never taken, callers of the tier {FRONTIER} name their model"
        if route.sticky and route.pick != "weighted":
            yield f"{place_of(('routes', name, 'sticky'))}: keeps nothing together unless pick is weighted"
        for index, condition in enumerate(route.when[:-1]):
            if condition.complexity is None and not condition.metadata:
                yield f"{place_of(('routes', name, 'when', index))}: always holds, what follows is never looked at"
    for name, provider in config.providers.items():
        bare = provider.dialect == "openai" and provider.base_url and not urlsplit(provider.base_url).path.strip("/")
        if bare and not ((known := PROVIDERS.get(name)) is not None and known.base_url == provider.base_url):
            yield f"{place_of(('providers', name, 'base_url'))}: has no path; most APIs like OpenAI's begin at …/v1"
        if not provider.base_url and any(target.use.startswith(f"{name}/") for route in config.routes.values() for target in route.targets):
            ending = "/accounts/ID" if provider.dialect == "workers_ai" else ""
            yield f"{place_of(('providers', name, 'base_url'))}: is not said (…{ending}), so targets there are passed over"
