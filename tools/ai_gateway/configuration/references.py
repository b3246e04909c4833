"""What a schema cannot say: names that must exist, routes that must end somewhere, values that must fit each other.

Everything here reads a document that may break the schema elsewhere; what has the wrong shape is passed over, its fault is known.
"""

from collections.abc import Collection, Iterable, Iterator

from tools.ai_gateway.configuration.base_urls import base_url_fault
from tools.ai_gateway.configuration.built_in import FRONTIER, PROVIDERS, RESERVED_NAMES, ROUTES
from tools.ai_gateway.configuration.route_graph import graph_of
from tools.operation import Json
from tools.versioned_documents.faults import ConfigFault, meant, place_of, shortened

Part = str | int
#: routes within routes: every request walks them
MAX_DEPTH = 10


def reference_faults(document: Json) -> Iterator[ConfigFault]:
    """Yield every fault of `document` that is about more than one value."""
    names = _Names(document)
    yield from _names_of_entries(document)
    yield from _gateways(document)
    yield from _providers(document)
    yield from _models(document, names)
    yield from _routes(document, names)
    yield from _uses_of_routes(document, names)
    yield from _embeddings(document)
    yield from _money(document)
    yield from _experiments(document, names)


def tenant_faults(document: Json, tenants: Collection[str] | None) -> Iterator[ConfigFault]:
    """Yield every gateway whose tenant there is not: nobody could call it. None: who there is is not known."""
    for name, gateway in tables(document, "gateways") if tenants is not None else ():
        tenant = text(gateway.get("tenant"))
        if tenants is not None and tenant and tenant not in tenants:
            hint = meant(tenant, tenants) or f"; `ascend tenant add {shortened(tenant)}` makes it"
            yield ConfigFault(place_of(("gateways", name, "tenant")), f"there is no tenant {shortened(tenant)!r}{hint}")


class _Names:
    """Which providers and routes there are."""

    def __init__(self, document: Json) -> None:
        self.providers = [*PROVIDERS, *(name for name in table(table(document).get("providers")) if name not in PROVIDERS)]
        self.routes = {**table(table(document).get("routes")), **ROUTES}

    def fault(self, used: str, place: Iterable[Part], *, or_model: bool = True) -> Iterator[ConfigFault]:
        """Yield what is wrong with the name of a route, or of a model where one may stand too."""
        provider, has_provider, model = used.partition("/")
        if used in self.routes:
            return
        if not used.isprintable():
            yield ConfigFault(place_of(place), "has characters that nobody sees")
            return
        if has_provider and or_model:
            if provider not in self.providers:
                known = "" if meant(provider, self.providers) else f"; describe it in [providers.{provider}]"
                yield ConfigFault(place_of(place), f"no provider {provider!r}{meant(provider, self.providers) or known}")
            elif not model:
                yield ConfigFault(place_of(place), f"names no model; write it {provider}/MODEL")
            return
        ways = "; a model is written provider/model" if or_model else ""
        yield ConfigFault(place_of(place), f"no route {used!r}{meant(used, self.routes) or ways}")


def _names_of_entries(document: Json) -> Iterator[ConfigFault]:
    for section in ("providers", "models", "routes", "tenants", "gateways"):
        for name in table(table(document).get(section)):
            if not name or len(name) > 200 or not name.isprintable() or " " in name:
                yield ConfigFault(place_of((section, name)), "is no name: use up to 200 visible characters without blanks")
            elif section in ("providers", "tenants") and "/" in name:
                yield ConfigFault(place_of((section, name)), "is no name: `/` stands between a provider and its model")


def _gateways(document: Json) -> Iterator[ConfigFault]:
    """Yield faults of the names of gateways: each is its tenant's own, and may have the tenant in front."""
    known = set[tuple[str, str]]()
    for key, gateway in tables(document, "gateways"):
        place, tenant = place_of(("gateways", key)), text(gateway.get("tenant"))
        prefix, is_prefixed, name = key.rpartition("/")
        if name in RESERVED_NAMES:
            yield ConfigFault(place, "stands for calls without a gateway; take another name")
        elif not name or (is_prefixed and prefix != tenant):
            yield ConfigFault(place, "is no name: before `/` stands the gateway's own tenant, behind it its name")
        elif (tenant, name) in known:
            yield ConfigFault(place, f"is there twice: tenant {shortened(tenant)!r} has a gateway of this name")
        known.add((tenant, name))


def _providers(document: Json) -> Iterator[ConfigFault]:
    for name, provider in tables(document, "providers"):
        known = PROVIDERS.get(name)
        if known is None:
            hint = meant(name, PROVIDERS)
            for member in ("dialect", "base_url"):
                if member not in provider:
                    yield ConfigFault(place_of(("providers", name, member)), f"is missing; only well-known providers know theirs{hint}")
        if (url := text(provider.get("base_url"))) and (why := base_url_fault(url)):
            yield ConfigFault(place_of(("providers", name, "base_url")), why)


def _models(document: Json, names: _Names) -> Iterator[ConfigFault]:
    for name, _model in tables(document, "models"):
        if "/" not in name:
            yield ConfigFault(place_of(("models", name)), "is no model; write it provider/model")
        else:
            yield from _provider_of(name, names)


def _provider_of(name: str, names: _Names) -> Iterator[ConfigFault]:
    provider = name.partition("/")[0]
    if provider not in names.providers:
        yield ConfigFault(place_of(("models", name)), f"no provider {provider!r}{meant(provider, names.providers)}")


def _routes(document: Json, names: _Names) -> Iterator[ConfigFault]:
    edges: dict[str, list[tuple[str, str]]] = {}
    for name, route in tables(document, "routes"):
        if name in RESERVED_NAMES:
            yield ConfigFault(place_of(("routes", name)), "cannot be a route: clients send this name when they choose none")
        elif name.partition("/")[0] in names.providers and "/" in name:
            yield ConfigFault(place_of(("routes", name)), "is the name of a model; call the route something else")
        for place, used in _leads_to(name, route):
            yield from names.fault(used, place)
            edges.setdefault(name, []).append((used, place_of(place)))
        if "targets" not in route and "when" not in route:
            yield ConfigFault(place_of(("routes", name)), "leads nowhere; name its targets")
        elif "targets" not in route and _may_match_nothing(route.get("when")):
            yield ConfigFault(
                place_of(("routes", name, "when")), "the last one needs no condition, or the route targets: else a request may go nowhere"
            )
        if route.get("pick") == "weighted" and not any(weights := list(_weights(route))) and weights:
            yield ConfigFault(place_of(("routes", name, "targets")), "have no weight; give at least one of them some")
    graph = graph_of(edges)
    for way, closing in graph.cycles:
        yield ConfigFault(closing, f"is a cycle: {' → '.join(way[:MAX_DEPTH])}{'' if len(way) <= MAX_DEPTH else ' → …'}")
    for name, depth in graph.depths.items():
        # One is enough: those that lead to it are deeper still. And a cycle has no depth.
        if depth == MAX_DEPTH + 1 and not graph.cycles:
            yield ConfigFault(place_of(("routes", name)), f"leads through {depth} routes, itself included; {MAX_DEPTH} are the most")


def _leads_to(name: str, route: Json) -> Iterator[tuple[tuple[Part, ...], str]]:
    for index, target in enumerate(items(route.get("targets"))):
        if used := text(target) or text(table(target).get("use")):
            yield ("routes", name, "targets", index), used
    for index, condition in enumerate(items(route.get("when"))):
        if used := text(table(condition).get("use")):
            yield ("routes", name, "when", index), used


def _may_match_nothing(when: Json) -> bool:
    return bool(items(when)) and all("complexity" in table(each) or table(each).get("metadata") for each in items(when))


def _weights(route: Json) -> Iterator[Json]:
    for target in items(route.get("targets")):
        yield table(target).get("weight", 1)


def _uses_of_routes(document: Json, names: _Names) -> Iterator[ConfigFault]:
    """Where a route, or a model, is named outside the routes."""
    places: list[tuple[tuple[Part, ...], Json]] = [(("defaults", "route"), table(table(document).get("defaults")).get("route"))]
    for member in ("route", "context", "context_embeddings"):
        places += [(("tenants", name, member), tenant.get(member)) for name, tenant in tables(document, "tenants")]
    for place, used in places:
        if used == FRONTIER:
            yield ConfigFault(place_of(place), f"{FRONTIER} is never a default: its callers name the model")
        elif text(used):
            yield from names.fault(used, place)
    for index, budget in enumerate(items(table(document).get("budgets"))):
        over = text(table(budget).get("over"))
        if over not in ("", "refuse"):
            yield from names.fault(over, ("budgets", index, "over"), or_model=False)


def _embeddings(document: Json) -> Iterator[ConfigFault]:
    """Yield every tenant whose texts would get vectors of several models: one cannot be compared with another."""
    for name, tenant in tables(document, "tenants"):
        place = ("tenants", name, "context_embeddings")
        if len(models := _models_behind(document, text(tenant.get(place[-1])))) > 1:
            ids = ", ".join(sorted(models)[:3])
            yield ConfigFault(
                place_of(place), f"leads to several models ({ids}), whose vectors do not mix; name one model, or a route to one"
            )
        elif "context_dimensions" in tenant and "context_embeddings" not in tenant:
            yield ConfigFault(place_of(("tenants", name, "context_dimensions")), "says nothing without context_embeddings")


def _models_behind(document: Json, used: str) -> set[str]:
    """Return the models that a name leads to, as their providers call them: one model may be had of several."""
    routes, waiting, seen = dict(tables(document, "routes")), [used], set[str]()
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in routes and name not in seen:
            seen.add(name)
            waiting += [leaf for _place, leaf in _leads_to(name, routes[name])]
        elif "/" in name and name not in seen:
            found.add(name.partition("/")[2])
    return found


def _money(document: Json) -> Iterator[ConfigFault]:
    yield from _twice(document, "budgets")
    for section, counted in (("budgets", ("usd", "tokens")), ("limits", ("requests", "tokens"))):
        for index, rule in enumerate(items(table(document).get(section))):
            if isinstance(rule, dict) and not any(name in rule for name in counted):
                yield ConfigFault(place_of((section, index)), f"counts nothing; name {' and/or '.join(counted)}")
    for index, price in enumerate(items(table(document).get("prices"))):
        if isinstance(price, dict) and not price.keys() & {
            "input",
            "output",
            "cached_input",
            "cache_write",
            "per_request",
            "neurons",
            "above",
        }:
            yield ConfigFault(place_of(("prices", index)), "says no price; name input and output, per_request or neurons")


def _twice(document: Json, section: str) -> Iterator[ConfigFault]:
    seen: set[str] = set()
    for index, entry in enumerate(items(table(document).get(section))):
        name = text(table(entry).get("name"))
        if name in seen:
            yield ConfigFault(place_of((section, index, "name")), f"{name!r} is there already; every one has a name of its own")
        seen.add(name) if name else None


def _experiments(document: Json, names: _Names) -> Iterator[ConfigFault]:
    yield from _twice(document, "experiments")
    tried: dict[str, str] = {}
    for index, entry in enumerate(items(table(document).get("experiments"))):
        experiment, place = table(entry), ("experiments", index)
        name, route = text(experiment.get("name")), text(experiment.get("route"))
        if "/" in name or not name.isprintable():
            yield ConfigFault(place_of((*place, "name")), "is no name: answers say it as name/arm")
        if route:
            yield from names.fault(route, (*place, "route"), or_model=False)
            if tried.setdefault(route, name) != name:
                yield ConfigFault(place_of((*place, "route")), f"{route!r} is tried by {tried[route]!r} already")
        arms, shares = table(experiment.get("arms")), table(experiment.get("share"))
        for arm, used in arms.items():
            if arm == "control" or "/" in arm:
                yield ConfigFault(
                    place_of((*place, "arms", arm)), "is no name for an arm: `control` is the rest, and `/` ends the experiment's name"
                )
            if text(used):
                yield from names.fault(used, (*place, "arms", arm))
        yield from _rollout(experiment, place)
        for arm in shares:
            if arm not in arms:
                yield ConfigFault(place_of((*place, "share", arm)), f"no arm {arm!r}{meant(arm, arms)}")
        if sum(share for share in shares.values() if isinstance(share, int | float)) > 1 + 1e-9:
            yield ConfigFault(place_of((*place, "share")), "is more than everybody: shares add up to 1 at most")


def _rollout(experiment: dict[str, Json], place: tuple[Part, ...]) -> Iterator[ConfigFault]:
    steps = [each for each in items(experiment.get("rollout")) if isinstance(each, int | float)]
    if not steps:
        return
    here = place_of((*place, "rollout"))
    if len(table(experiment.get("arms"))) > 1:
        yield ConfigFault(here, "is of one arm; give several arms their shares by hand")
    if "share" in experiment:
        yield ConfigFault(here, "says the shares; leave share out, or rollout")
    if "hold" not in experiment:
        yield ConfigFault(here, "needs hold: its min_calls says when the next step comes, its rules when none does")
    if sorted(set(steps)) != steps:
        yield ConfigFault(here, "must grow from step to step, as [0.1, 0.5, 1.0] does")


def table(value: Json) -> dict[str, Json]:
    """Return a table as it is, and an empty one for everything else."""
    return value if isinstance(value, dict) else {}


def items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def tables(document: Json, section: str) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield the entries of a section that are tables, by name."""
    for name, entry in table(table(document).get(section)).items():
        if isinstance(entry, dict):
            yield name, entry
