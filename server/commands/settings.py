"""`ascend settings`: what can be set, and what holds here."""

import click

from server.commands.frame import json_option, with_settings
from server.commands.rows import print_rows
from server.config.settings import SECTIONS, Settings, declared_in


@click.command("settings")
@json_option
@with_settings
def command(settings: Settings, as_json: bool) -> None:
    """Show every setting with the value that holds in this directory and environment; secrets are not shown."""
    rows = [{"variable": "ASCEND_DATA_DIR", "value": str(settings.data_dir)}]
    for name, section in SECTIONS.items():
        for member, declared in declared_in(section).items():
            value = getattr(getattr(settings, name), member)
            shown = ", ".join(value) if isinstance(value, tuple) else value
            if declared.is_secret:
                shown = "(set)" if value else ""
            rows.append({"variable": declared.variable, "value": shown, "says": declared.says})
    print_rows(rows, as_json=as_json, empty="")
