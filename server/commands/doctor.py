"""`ascend doctor`: check settings, store, keys, index and upstreams, and say what to do."""

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import click

from oauth.vault.errors import KeyUnavailable
from server.app import Gateway, open_gateway
from server.assembly.index_models import encoder_trouble
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.private_addresses import way_to_allow
from server.commands.terminal import say
from server.config.errors import SettingsError
from server.config.load import misspelled_variables
from server.config.settings import Settings
from server.networks import is_loopback_host
from server.plain_http import danger, listens_on
from server.proxy_headers import untrusted_proxies
from server.workers.shared_metrics import Places
from tools.context_plane.indexing.text_vectors import NotEncoded, is_space_of
from tools.egress.client import Egress, OutboundRequest
from tools.errors import EgressRefused, UpstreamFailed

UPSTREAM_TIMEOUT_S, VECTOR_TIMEOUT_S = 5.0, 10.0


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """One thing that was looked at; `advice` is empty where it is well."""

    what: str
    state: str
    advice: str = ""


@click.command("doctor")
@json_option
@with_settings
@run_async
async def command(settings: Settings, as_json: bool) -> None:
    """Check settings, store, keys, index and upstreams; exit 1 when something needs doing."""
    findings = [finding async for finding in examine(settings)]
    if as_json:
        click.echo(json.dumps([asdict(each) | {"ok": not each.advice} for each in findings], indent=2))
    else:
        for each in findings:
            mark = click.style("!!", fg="red") if each.advice else click.style("ok", fg="green")
            say(f"  {each.what:15} {each.state}", before=mark)
            if each.advice:
                say(f"    {'':15} {each.advice}")
    if troubles := sum(bool(each.advice) for each in findings):
        raise CommandFailed(f"{troubles} of {len(findings)} checks need attention; the advice stands beside each")


async def examine(settings: Settings, environ: Mapping[str, str] = os.environ) -> AsyncIterator[DoctorFinding]:
    """Look at one thing after the other; what cannot be opened ends the look."""
    yield settings_finding(settings)
    for name, meant in misspelled_variables(environ).items():
        yield DoctorFinding(
            "settings", f"{name} sets nothing", f"did you mean {meant}?" if meant else "unset it; docs/guides/operations.md lists all"
        )
    yield environment_finding(settings)
    yield proxies_finding(settings)
    yield directory_finding(settings.data_dir)
    if (workers := await workers_finding(settings.data_dir)) is not None:
        yield workers
    try:
        async with open_gateway(settings, at_work=False) as gateway:
            yield DoctorFinding("store", f"open, environment {settings.store.environment}")
            yield DoctorFinding("vault key", "opens the tenants' data keys")
            for name, check in gateway.shared.checks.items():
                yield await optional_finding(name, check)
            yield config_finding(gateway)
            yield await people_finding(gateway)
            yield index_finding(gateway)
            if settings.search.embeddings_url:
                yield await embeddings_finding(settings)
            async for finding in vectors_findings(gateway):
                yield finding
            async for finding in upstream_findings(gateway):
                yield finding
            if (held := await held_finding(gateway)) is not None:
                yield held
    except SettingsError as error:
        yield DoctorFinding("store", "cannot be opened", str(error))
    except KeyUnavailable as error:
        yield DoctorFinding("vault key", "cannot be used", str(error))


def settings_finding(settings: Settings) -> DoctorFinding:
    if urlsplit(settings.base_url).scheme != "http":
        return DoctorFinding("base URL", settings.base_url)
    host = listens_on(settings.data_dir)
    if advice := danger(settings, host):
        return DoctorFinding("base URL", f"{settings.base_url}, not on this machine only", advice)
    reach = "this machine only" if is_loopback_host(host) else f"listening on {host}, in the clear as --insecure-http says"
    return DoctorFinding("base URL", f"{settings.base_url} ({reach})")


def environment_finding(settings: Settings) -> DoctorFinding:
    """Find fault with a gateway for others that nobody gave an environment: a copy of its store would open on any developer's machine."""
    environment = settings.store.environment
    if settings.is_environment_set or urlsplit(settings.base_url).scheme != "https":
        return DoctorFinding("environment", environment)
    advice = (
        f"set ASCEND_ENV=production before a store is made: its secrets and tokens serve there alone; "
        f"one that is there stays what it is, and ASCEND_ENV={environment} says that you know"
    )
    return DoctorFinding("environment", f"{environment}, since nobody said which", advice)


def proxies_finding(settings: Settings) -> DoctorFinding:
    """Name the proxies whose word on the caller's address is taken, and those that gave it in vain."""
    trusted = ", ".join(settings.origin.trusted_proxies) or "none"
    if unheard := untrusted_proxies(settings.data_dir):
        advice = (
            f"if they are your proxies, start the gateway with ASCEND_TRUSTED_PROXIES={','.join(unheard)}: now all callers behind one share"
        )
        return DoctorFinding(
            "proxies", f"{', '.join(unheard)} forwarded callers and is not trusted", f"{advice} its address and its limits"
        )
    return DoctorFinding("proxies", f"trusted: {trusted}")


def directory_finding(directory: Path) -> DoctorFinding:
    if not directory.is_dir():
        return DoctorFinding("data directory", f"{directory} is new")
    mode = directory.stat().st_mode & 0o777
    if mode & 0o077:
        return DoctorFinding("data directory", f"{directory} has mode {mode:o}", f"others can read it; run `chmod 700 {directory}`")
    free_mib = os.statvfs(directory).f_bavail * os.statvfs(directory).f_frsize >> 20
    if free_mib < 200:
        return DoctorFinding("data directory", f"{directory}, {free_mib} MiB free", "the disk is nearly full; make room")
    return DoctorFinding("data directory", f"{directory}, {free_mib} MiB free")


async def optional_finding(name: str, check: Callable[[], Awaitable[str | None]]) -> DoctorFinding:
    """Ask what the gateway serves without."""
    if wrong := await check():
        return DoctorFinding(name, wrong, f"start it, or look at ASCEND_{name.upper()}_URL: its host, user, password and certificate")
    return DoctorFinding(name, "answers in time")


async def workers_finding(directory: Path) -> DoctorFinding | None:
    """Say how many workers of a gateway here answer; None where it has none, or does not run."""
    places = Places(directory)
    if not (numbers := places.numbers()):
        return None
    silent = sorted({str(number + 1) for number in numbers} - set(await places.ask(numbers)), key=int)
    state = f"{len(numbers) - len(silent)} of {len(numbers)} answer"
    advice = f"worker {', '.join(silent)} is silent; the log of the gateway says why (`worker_died`), unless it was killed as a whole"
    return DoctorFinding("workers", state, advice if silent else "")


def config_finding(gateway: Gateway) -> DoctorFinding:
    version = gateway.config.version
    what = f"version {version}" if version else "as built in"
    if not (refused := gateway.config.refused):
        return DoctorFinding("configuration", what)
    first = next(iter(refused.values()))[0]
    advice = f"{first}; that section is as built in: apply a document that this release takes (`ascend config apply`)"
    return DoctorFinding("configuration", f"{what}, without {', '.join(name[:60] for name in refused)}", advice)


async def people_finding(gateway: Gateway) -> DoctorFinding:
    tenants = gateway.tenants.all()
    people = sum([len(await gateway.store.subjects.of_tenant(tenant.tenant_id)) for tenant in tenants])
    if not people:
        return DoctorFinding("people", "nobody can sign in", "add someone: `ascend user add EMAIL --tenant default`")
    return DoctorFinding("people", f"{people} in {len(tenants)} tenants")


def index_finding(gateway: Gateway) -> DoctorFinding:
    index = gateway.operations.index.index
    count = sum(index.count(name) for name in index.segments())
    if index.warnings:
        return DoctorFinding("index", f"{count} operations, by words only", "; ".join(index.warnings))
    return DoctorFinding("index", f"{count} operations")


async def embeddings_finding(settings: Settings) -> DoctorFinding:
    """Ask the configured encoder for a vector."""
    trouble = await anyio.to_thread.run_sync(encoder_trouble, settings)
    if trouble:
        advice = f"{trouble}; until then discover_apis uses the embedded vectors; see ASCEND_EMBEDDINGS_URL, _MODEL and _API_KEY"
        return DoctorFinding("embeddings", f"{settings.search.embeddings_url} gives no vectors", advice)
    return DoctorFinding("embeddings", f"{settings.search.embeddings_url} answers")


async def vectors_findings(gateway: Gateway) -> AsyncIterator[DoctorFinding]:
    """Ask the embeddings model of each tenant that names one for a vector, and say how many rows have theirs in the saved indexes."""
    context = gateway.context
    for tenant in gateway.tenants.all():
        if not (model := context.vectors.model_of(tenant.tenant_id)):
            continue
        said = []
        for kind, indexes in (("facts", context.facts), ("passages", context.documents.indexes)):
            rows, count_by_space = await anyio.to_thread.run_sync(indexes.written_vectors, tenant.tenant_id)
            count = sum(count for space, count in count_by_space.items() if is_space_of(model, space))
            said.append(f"{count:,} of {rows:,} {kind}")
        state = f"{tenant.tenant_id}: {' and '.join(said)} have vectors of {model}"
        try:
            await context.vectors.encode(tenant.tenant_id, ["dimension"], VECTOR_TIMEOUT_S)
            yield DoctorFinding("embeddings", state)
        except NotEncoded as failure:
            advice = f"{failure}; until then words and the word table answer; see context_embeddings in `ascend ai config`"
            yield DoctorFinding("embeddings", state, advice)


async def upstream_findings(gateway: Gateway) -> AsyncIterator[DoctorFinding]:
    """Ask each upstream once whether it answers at all; any HTTP status will do."""
    catalog = gateway.operations.catalog
    urls = {
        str(url)
        for owner in catalog.owners
        for operation in catalog.operations_of(owner)
        if (url := operation.binding["url"] if operation.kind == "mcp" else operation.binding.get("base_url"))
    }
    async with Egress(gateway.settings.egress_allow_beside) as egress:
        for url in sorted(urls):
            try:
                with anyio.fail_after(UPSTREAM_TIMEOUT_S + 1):
                    response = await egress.send(OutboundRequest("GET", url, timeout_s=UPSTREAM_TIMEOUT_S, follow=False))
                yield DoctorFinding("upstream", f"{url} answers ({response.status})")
            except EgressRefused as error:
                yield DoctorFinding("upstream", error.failure.message, way_to_allow(gateway.settings, url))
            except UpstreamFailed as error:
                yield DoctorFinding("upstream", f"{url}: {error.failure.code}", error.failure.message)


async def held_finding(gateway: Gateway) -> DoctorFinding | None:
    """Say how many tools of MCP servers wait to be accepted; None where none does."""
    held = await gateway.store.quarantine.load_held()
    if not held:
        return None
    providers = ", ".join(sorted({each.provider for each in held}))
    return DoctorFinding(
        "MCP servers", f"{len(held)} tools of {providers} changed and are held", "look with `ascend import review`, then accept"
    )
