"""`ascend import`: turn OpenAPI documents and MCP servers into operations."""

import json
from collections.abc import Sequence
from typing import Any

import click

from server.commands.frame import run_async, with_settings
from server.commands.user import known_tenant
from server.config import Settings
from server.importing import Imported, ImportRequest, import_openapi
from server.storage.store import open_store
from tools.egress_addresses import AddressRules
from tools.errors import EgressRefused

SHOWN = 12


@click.group()
def command() -> None:
    """Turn OpenAPI documents and MCP servers into operations."""


@command.command("openapi")
@click.argument("source")
@click.option("--provider", required=True, metavar="SLUG", help="First word of the operations' names; also whose account they use.")
@click.option("--tenant", default=None, help="For this tenant only.")
@click.option("--shared", is_flag=True, help="For all tenants.")
@click.option("--base-url", default=None, help="Where the API is, when the document does not say it rightly.")
@click.option("--include", multiple=True, metavar="GLOB", help="Only operations whose name, path or tag matches; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Show what would come in and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@with_settings
@run_async
async def openapi(
    settings: Settings,
    source: str,
    provider: str,
    tenant: str | None,
    shared: bool,
    base_url: str | None,
    include: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import SOURCE, a file or URL: OpenAPI 3.0, 3.1 or Swagger 2.0, JSON or YAML. Running servers see it at once."""
    if bool(tenant) == shared:
        raise click.UsageError("say whose operations these are: --tenant NAME, or --shared for all tenants")
    async with open_store(settings) as store:
        if tenant is not None:
            await known_tenant(store, tenant)
        imported = await import_openapi(store.operations, ImportRequest(source, provider, tenant, base_url, include), dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(as_facts(imported, dry_run=dry_run), indent=2))
    else:
        tell(imported, dry_run=dry_run)
        warn_of_guard(settings, imported)


def as_facts(imported: Imported, *, dry_run: bool) -> dict[str, Any]:
    """Return the outcome of an import for programs."""
    result, diff = imported.result, imported.diff
    return {
        "provider": result.source.provider,
        "title": result.title,
        "dry_run": dry_run,
        "operations": [
            {"id": each.id, "access": each.access, "signature": each.signature, "summary": each.summary} for each in result.operations
        ],
        "added": list(diff.added),
        "changed": list(diff.changed),
        "removed": list(diff.removed),
        "riskier": list(diff.riskier),
        "unchanged": diff.unchanged,
        "skipped": [{"where": each.where, "reason": each.reason} for each in result.skipped],
    }


def tell(imported: Imported, *, dry_run: bool) -> None:
    """Print what an import did, or would do, for a person."""
    result, diff = imported.result, imported.diff
    verb = "would bring" if dry_run else "brings"
    click.echo(f"{result.title} {verb} {len(result.operations)} operations as {result.source.provider}.*")
    by_access = {tier: sum(each.access == tier for each in result.operations) for tier in ("read", "write", "destructive")}
    click.echo("  " + ", ".join(f"{count} {tier}" for tier, count in by_access.items()))
    for word, ids in (("added", diff.added), ("changed", diff.changed), ("removed", diff.removed), ("riskier", diff.riskier)):
        if ids:
            click.echo(f"  {word} {len(ids)}: {some(ids)}")
    if diff.unchanged:
        click.echo(f"  unchanged {diff.unchanged}")
    if dry_run:
        for each in result.operations[:SHOWN]:
            click.echo(f"    {each.access:11} {each.signature}")
        if len(result.operations) > SHOWN:
            click.echo(f"    … and {len(result.operations) - SHOWN} more; --json lists all")
    for skipped in result.skipped[:SHOWN]:
        click.echo(f"  skipped {skipped.where}: {skipped.reason}")
    if len(result.skipped) > SHOWN:
        click.echo(f"  … and {len(result.skipped) - SHOWN} more notes; --json lists all")


def some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (f", … (+{len(ids) - 5})" if len(ids) > 5 else "")


def warn_of_guard(settings: Settings, imported: Imported) -> None:
    """Say so where the guarded way out will refuse the API's own address: better now than at the first call."""
    rules = AddressRules(settings.egress_allow)
    for url in sorted({str(each.binding.get("base_url") or "") for each in imported.result.operations} - {""}):
        try:
            rules.target(url)
        except EgressRefused:
            click.echo(f"  note: calls to {url} will be refused as a private address; start the server with ASCEND_EGRESS_ALLOW=host:port")
