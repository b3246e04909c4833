"""Say what an import did, or would do: in words for people, in JSON for programs."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Timer
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from oauth.tenants import DEFAULT_TENANT
from server.admin.nouns.held_tools import held_facts
from server.commands.private_addresses import way_to_allow
from server.commands.terminal import say
from server.config.settings import Settings
from server.pages.visit import connections_url
from tools.catalog.quarantine import HeldTool
from tools.egress.addresses import AddressRules
from tools.errors import EgressRefused
from tools.operation import Operation
from tools.sources.http.base_urls import base_urls_of
from tools.sources.importing import Imported
from tools.sources.key_parts import key_parts
from tools.sources.mcp.definitions import definition_from
from tools.sources.mcp.review import risks_of

SHOWN = 12
PATIENCE_S = 1.0


@contextmanager
def at_work(text: str) -> Iterator[None]:
    """Show on a terminal that work goes on, once it has taken a second."""
    if not sys.stdout.isatty():
        yield
        return
    status = Console(stderr=True).status(Text(text))
    timer = Timer(PATIENCE_S, status.start)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()


def report(settings: Settings, imported: Imported, *, dry_run: bool, as_json: bool) -> None:
    """Print the outcome of an import."""
    if as_json:
        click.echo(json.dumps(as_facts(imported, dry_run=dry_run), indent=2))
        return
    tell(imported, dry_run=dry_run)
    tell_of_servers(imported)
    warn_of_guard(settings, imported)
    tell_of_connections(settings, imported)
    tell_of_readings(imported)
    tell_of_held(imported.held, dry_run=dry_run)


def as_facts(imported: Imported, *, dry_run: bool) -> dict[str, Any]:
    """Return the outcome of an import for programs."""
    result, diff = imported.result, imported.diff
    return {
        "provider": result.source.provider,
        "title": result.title,
        "dry_run": dry_run,
        "recalled": list(imported.recalled),
        "operations": [
            {"id": each.id, "access": each.access, "signature": each.signature, "summary": each.summary} for each in result.operations
        ],
        "added": list(diff.added),
        "changed": list(diff.changed),
        "removed": list(diff.removed),
        "riskier": list(diff.riskier),
        "unchanged": diff.unchanged,
        "look_at": readings(imported),
        "held": [held_facts(each, imported.accepted.get(each.operation_id)) for each in imported.held],
        "skipped": [{"where": each.where, "reason": each.reason} for each in result.skipped],
    }


def tell(imported: Imported, *, dry_run: bool) -> None:
    """Print what an import did, or would do, for a person."""
    result, diff = imported.result, imported.diff
    verb = "would bring" if dry_run else "brings"
    say(f"{result.title} {verb} {len(result.operations)} operations as {result.source.provider}.*")
    if imported.recalled:
        say(f"  as at the last import: {' '.join(imported.recalled)} (--fresh forgets it)")
    by_access = {tier: sum(each.access == tier for each in result.operations) for tier in ("read", "write", "destructive")}
    say("  " + ", ".join(f"{count} {tier}" for tier, count in by_access.items()))
    for word, ids in (("added", diff.added), ("changed", diff.changed), ("removed", diff.removed), ("riskier", diff.riskier)):
        if ids:
            say(f"  {word} {len(ids)}: {some(ids)}")
    if diff.unchanged:
        say(f"  unchanged {diff.unchanged}")
    if dry_run:
        for each in result.operations[:SHOWN]:
            say(f"    {each.access:11} {each.signature}")
        if len(result.operations) > SHOWN:
            say(f"    … and {len(result.operations) - SHOWN} more; --json lists all")
    for skipped in result.skipped[:SHOWN]:
        say(f"  skipped {skipped.where}: {skipped.reason}")
    if len(result.skipped) > SHOWN:
        say(f"  … and {len(result.skipped) - SHOWN} more notes; --json lists all")


def some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (f", … (+{len(ids) - 5})" if len(ids) > 5 else "")


def warn_of_guard(settings: Settings, imported: Imported) -> None:
    """Say so where the guarded way out will refuse the API's own address: better now than at the first call."""
    rules = AddressRules(settings.egress_allow_beside)
    for url in sorted({url for each in imported.result.operations for url in addresses_of(each)}):
        try:
            rules.target(url)
        except EgressRefused as refused:
            say(f"  note: {refused.failure.message}; {way_to_allow(settings, url)}")


def addresses_of(operation: Operation) -> list[str]:
    """Return where calls of an operation go."""
    if operation.kind == "mcp":
        return [str(operation.binding["url"])]
    return [base.url for base in base_urls_of(operation.binding)]


def readings(imported: Imported) -> dict[str, list[str]]:
    """Return what new and changed tools of an MCP server look like, by operation: for somebody to look at before a model does."""
    fresh = {*imported.diff.added, *imported.diff.changed}
    found = {
        each.id: list(risks_of(None, definition_from(each.binding["definition"])))
        for each in imported.result.operations
        if each.kind == "mcp" and each.id in fresh
    }
    return {name: risks for name, risks in found.items() if risks}


def tell_of_readings(imported: Imported) -> None:
    """Warn of what came in and reads as if it were meant for a model."""
    found = readings(imported)
    for name, risks in list(found.items())[:SHOWN]:
        say(f"  look at {name}: {', '.join(risks)}")
    if len(found) > SHOWN:
        say(f"  … and {len(found) - SHOWN} more; --json lists all")


def tell_of_held(held: Sequence[HeldTool], *, dry_run: bool) -> None:
    """Say what an import left to be accepted."""
    for each in held[:SHOWN]:
        risks = f"; riskier: {', '.join(each.risks)}" if each.risks else ""
        say(f"  {'would be held' if dry_run else 'held'} {each.operation_id} ({each.reason}): {', '.join(each.changes) or 'new'}{risks}")
    if len(held) > SHOWN:
        say(f"  … and {len(held) - SHOWN} more; --json lists all")
    if held:
        provider = held[0].provider
        say(f"  note: `ascend import review {provider}` shows each difference, `ascend import accept {provider}` accepts them")


def tell_of_servers(imported: Imported) -> None:
    """Name the document's other servers, where nobody has chosen yet."""
    servers = imported.result.source.settings.get("servers", [])
    if len(servers) > 1 and not imported.result.source.settings.get("base_url"):
        rest = ", ".join(str(url) for url in servers[1:4])
        say(f"  note: calls go to {servers[0]}; the document also names {rest}; `server:` in an overlay, or --base-url, chooses")


def tell_of_connections(settings: Settings, imported: Imported) -> None:
    """Say where calls need an account: what an import was read with is kept nowhere."""
    source = imported.result.source
    if any(each.connection for each in imported.result.operations):
        page = settings.base_url + connections_url(source.tenant_id or DEFAULT_TENANT)
        command = f"ascend connection add-key {source.provider}{' --kind bearer' if source.kind == 'mcp' else ''}"
        command += f" --tenant {source.tenant_id}" if source.tenant_id not in (None, DEFAULT_TENANT) else ""
        ways = f"people connect theirs at the first call, or at {page}; one for all: {command}"
        say(f"  note: calls need an account of {source.provider}: {ways}")
    parts = key_parts(imported.result.operations)
    if len(parts) > 1:
        say(f"  note: an account has {len(parts)} keys: {', '.join(f'{part.scheme} ({part.place} {part.name})' for part in parts)}")
    for part in parts:
        if part.prefix:
            say(f"  note: {part.name} is sent as '{part.prefix}<{part.scheme}>', `key_prefixes` in an overlay changes that")
