"""`ascend alert rules`: what is looked for."""

from dataclasses import asdict

import click

from server.alerts.catalogue import KINDS
from server.commands.alert.opened import open_alerts
from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.config.settings import Settings


@click.command()
@json_option
@with_settings
@run_async
async def command(settings: Settings, as_json: bool) -> None:
    """List the rules with their thresholds, and what to do when one fires."""
    async with open_alerts(settings) as opened:
        section = opened.section
    rows = []
    for name, kind in KINDS.items():
        held = asdict(section.rules.of(name))
        is_on = section.enabled and bool(held.pop("enabled"))
        thresholds = " ".join(f"{each}={_shown(value)}" for each, value in held.items())
        rows.append({"rule": name, "severity": kind.severity, "on": "yes" if is_on else "no", "thresholds": thresholds, "hint": kind.hint})
    print_rows(rows, as_json=as_json, empty="no rules")


def _shown(value: object) -> str:
    return "/".join(f"{each:g}" for each in value) if isinstance(value, (tuple, list)) else str(value)
