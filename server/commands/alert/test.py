"""`ascend alert test`: whether sinks take a message."""

import click

from oauth.vault.named_secrets import NamedSecrets
from server.alerts.delivery import Deliveries
from server.alerts.sinks.opened import Sinks
from server.alerts.sinks.revealed import RevealedSecrets
from server.alerts.trial import try_sinks
from server.assembly.connections import open_vault
from server.commands.alert.opened import open_alerts
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.config.settings import Settings
from server.storage.database import now_us
from tools.egress.client import Egress


@click.command()
@click.argument("sinks", nargs=-1)
@json_option
@with_settings
@run_async
async def command(settings: Settings, sinks: tuple[str, ...], as_json: bool) -> None:
    """Send a test message to SINKS, or to all, now, from here; exit code 1 where one does not take it."""
    async with open_alerts(settings) as opened, Egress(settings.egress_allow_beside) as egress:
        known = {each.name: each for each in opened.section.sinks}
        if unknown := [name for name in sinks if name not in known]:
            raise CommandFailed(f"no sink {unknown[0]!r}; there are {', '.join(known) or 'none'}")
        if not known:
            raise CommandFailed("no sink is set; section [alerts] of the configuration names them (docs/guides/alerts.md)")
        await opened.store.audit_trail.note()
        secrets = RevealedSecrets(NamedSecrets(await open_vault(settings, opened.store)))
        deliveries = Deliveries(opened.store.alerts.outbox, Sinks(egress, secrets.reveal), lambda: opened.section)
        chosen = [known[name] for name in sinks] or list(known.values())
        tried = await try_sinks(deliveries, chosen, now_us(), gateway=settings.base_url, environment=settings.store.environment)
    rows: list[dict[str, object]] = [
        {"sink": each.sink, "kind": each.kind, "taken": "no" if each.why else "yes", "ms": round(each.took_ms), "why": each.why or None}
        for each in tried
    ]
    print_rows(rows, as_json=as_json, empty="")
    if failed := [each.sink for each in tried if each.why]:
        raise CommandFailed(f"not taken by {', '.join(failed)}")
