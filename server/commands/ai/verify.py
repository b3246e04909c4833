"""`ascend ai verify`: six checks that the AI gateway is set up, from its gateways to its documentation."""

import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass

import anyio
import click

from capability_index.encoders.encoder import Floats
from oauth.tenants import DEFAULT_TENANT, Tenants
from server.assembly.ai_gateway import AiGateway, open_ai_gateway
from server.assembly.connections import assemble_connections
from server.commands.ai.asking import HEARS_WITHIN_S, Asked, Asking, AskingHere, asking_running
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.progress_bar import progress_bar
from server.commands.terminal import say
from server.commands.user import known_tenant
from server.config.load import misspelled_variables
from server.config.settings import DECLARED, Settings
from server.storage.store import Store, open_store
from tools.ai_gateway.configuration.built_in import ROUTES
from tools.ai_gateway.configuration.config import AiConfig, ModelProvider
from tools.ai_gateway.probe import native_probe
from tools.ai_gateway.refusals import ModelCallRefused
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.routing.reach import reachable
from tools.egress.client import Egress

CHECKS = 6


@dataclass(frozen=True, slots=True)
class Verified:
    """One check; `said` has the way out where it is not ok."""

    check: str
    ok: bool
    said: str


@click.command("verify")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="In whose name models are asked, and who pays.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, tenant: str, as_json: bool) -> None:
    """Check gateways, providers' keys, both endpoints, logs and environment; exit 1 when something needs doing.

    Asks two small questions of models, which cost what they cost: one at the unified endpoint, one at the provider's own API. They go
    to the gateway that runs on this data, with a key that is ended afterwards; where none runs, they are asked in this process.
    """
    found: list[Verified] = []
    with progress_bar("checks") as report:
        async for each in verify(settings, tenant):
            found.append(each)
            if report is not None:
                report(len(found), CHECKS)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        for each in found:
            say(f"  {each.check:18} {each.said}", before=click.style("ok", fg="green") if each.ok else click.style("!!", fg="red"))
    if failed := [each.check for each in found if not each.ok]:
        raise CommandFailed(f"{len(failed)} of {len(found)} checks need attention: {', '.join(failed)}")


async def verify(settings: Settings, tenant_id: str) -> AsyncIterator[Verified]:
    """Yield the six checks, one after the other."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings))
        await known_tenant(store, tenant_id)
        tenants = Tenants(await store.tenants.all())
        gateway = await stack.enter_async_context(_opened(settings, store, tenants))
        config = gateway.config.current
        yield _gateways(config, tenants)
        yield _keys(config, gateway, tenant_id)
        resource = next((each.id for each in config.gateways.values() if each.tenant_id == tenant_id), "")
        running = await stack.enter_async_context(asking_running(settings, store, tenant_id, resource))
        why = f"tenant {tenant_id} has no gateway" if running else f"no gateway that knows this data answers at {settings.base_url}"
        here = AskingHere(gateway, tenant_id, f"in this process ({why})")
        asking: Asking = running or here
        unified = await asking.unified()
        yield _answered("unified endpoint", unified, asking.where)
        target = _target(config, unified, tenant_id)
        native, where = await _native(target, running if running is not None and resource else here)
        yield _answered("provider endpoint", native, where)
        yield await _logs(store, tenant_id, [each.call_id for each in (unified, native) if each.call_id])
        yield _environment()


@asynccontextmanager
async def _opened(settings: Settings, store: Store, tenants: Tenants) -> AsyncIterator[AiGateway]:
    """Open the AI gateway alone, with what the running one may call."""
    allowed = settings.changed(egress_allow=settings.egress_allow_beside)
    async with AsyncExitStack() as stack:
        egress = await stack.enter_async_context(Egress(allowed.egress.egress_allow))
        connections = await assemble_connections(allowed, store, egress)
        gateway = await stack.enter_async_context(open_ai_gateway(allowed, store, tenants, connections.known, _no_vectors))
        background = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(background.cancel_scope.cancel)
        for work in gateway.background():
            background.start_soon(work)
        yield gateway


def _gateways(config: AiConfig, tenants: Tenants) -> Verified:
    lost = [each.id for each in config.gateways.values() if tenants.get(each.tenant_id) is None]
    if lost:
        return Verified("gateways", False, f"of no tenant: {', '.join(lost)}; `ascend tenant add` makes one, or take them out of the file")
    listed = ", ".join(f"{each.id} ({each.tenant_id})" for each in config.gateways.values())
    return Verified("gateways", True, f"default{f', {listed}' if listed else ''}; version {config.version} of the configuration")


def _keys(config: AiConfig, gateway: AiGateway, tenant_id: str) -> Verified:
    used = _used_providers(config, tenant_id)
    missing = [each.name for each in used if not gateway.provider_keys.has_key(tenant_id, each)]
    if missing:
        commands = "; ".join(f"`ascend connection add-key {name} --tenant {tenant_id}`" for name in missing)
        return Verified("providers' keys", False, f"none for {', '.join(missing)}: {commands}, or shared_key of tenant default")
    return Verified("providers' keys", True, ", ".join(f"{each.name}{' (asks for none)' if each.is_keyless else ''}" for each in used))


def _used_providers(config: AiConfig, tenant_id: str) -> list[ModelProvider]:
    """Return the providers that the tenant's default route can lead to, and every route that somebody wrote."""
    written = [name for name, route in config.routes.items() if ROUTES.get(name) != route]
    found = {each.provider.name: each.provider for each in reachable(config, [_default_route(config, tenant_id), *written])}
    return sorted(found.values(), key=lambda each: each.name)


def _default_route(config: AiConfig, tenant_id: str) -> str:
    rules = config.tenants.get(tenant_id)
    return (rules.route if rules is not None else "") or config.defaults.route


def _answered(check: str, asked: Asked, where: str) -> Verified:
    if asked.error:
        hint = (
            "; is the model's id right, and does base_url end as the provider's SDK takes it?"
            if asked.error.startswith("status 404")
            else ""
        )
        return Verified(check, False, f"{asked.error}{hint}; asked {where}")
    return Verified(check, True, f"{asked.target} answered within {asked.ms:.0f} ms; asked {where}")


def _target(config: AiConfig, unified: Asked, tenant_id: str) -> ModelTarget | None:
    """Return the target that answered, or might have."""
    return next(reachable(config, [unified.target or _default_route(config, tenant_id)]), None)


async def _native(target: ModelTarget | None, asking: Asking) -> tuple[Asked, str]:
    if target is None:
        return Asked("no route leads to a model; write one under [routes] and `ascend ai apply`"), "nobody"
    try:
        return await asking.native(target, native_probe(target)), asking.where
    except ModelCallRefused as refusal:
        return Asked(refusal.message), asking.where


async def _logs(store: Store, tenant_id: str, call_ids: list[str]) -> Verified:
    """Look for the rows of the calls that were just made; a running gateway writes them within a moment."""
    missing = set(call_ids)
    with anyio.move_on_after(HEARS_WITHIN_S):
        while missing:
            missing = {each for each in missing if await store.model_calls.find(tenant_id, each) is None}
            await anyio.sleep(0.1 if missing else 0)
    if missing:
        return Verified(
            "logs", False, f"{len(missing)} of {len(call_ids)} calls are on no record: {', '.join(sorted(missing))}; see the log"
        )
    rows = await store.model_calls.recent(tenant_id, 1)
    said = f"the rows of both calls are there: {', '.join(call_ids)}" if call_ids else f"can be read ({len(rows)} newest row)"
    return Verified("logs", True, said)


def _environment() -> Verified:
    if unknown := misspelled_variables(os.environ):
        named = ", ".join(f"{name} (did you mean {meant}?)" if meant else name for name, meant in unknown.items())
        return Verified("environment", False, f"not documented, and without effect: {named}; `ascend settings` lists all")
    mine = sorted(name for name in os.environ if name.startswith("ASCEND_"))
    said = f"{len(DECLARED)} settings, each in docs/guides/settings.md and `ascend settings`"
    return Verified("environment", True, f"{said}; set here: {', '.join(mine) or 'none'}")


def _no_vectors(texts: Sequence[str]) -> Floats:
    raise RuntimeError("a check passes by the cache, which alone compares questions")
