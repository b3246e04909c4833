"""`ascend ai budget`: what is spent, set aside and left."""

import json
import time

import click

from server.commands.ai.key import keys_of
from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.config.settings import Settings
from server.storage.store import open_store
from tools.ai_gateway.configuration.live import LiveConfig
from tools.metering.budget_report import OwnBudget, budget_rows

#: what a line of a terminal has room for; --json has everything
COLUMNS = ("name", "whose", "window", "usd", "tokens", "spent_usd", "spent_tokens", "reserved_usd", "alerted", "until")


@click.command()
@json_option
@with_settings
@run_async
async def command(settings: Settings, as_json: bool) -> None:
    """List the budgets of the configuration and of callers' keys, with what is spent and set aside in the present window."""
    now_us = time.time_ns() // 1_000
    async with open_store(settings) as store:
        config = LiveConfig(store.ai_configs)
        await config.load()
        # What a process that died had set aside is nobody's, whether or not a gateway runs that would give it back.
        await store.budgets.release_expired(now_us)
        own = [OwnBudget(key.budget, key.key_id) for key in await keys_of(store, None) if key.budget and key.revoked_at_us is None]
        rows = budget_rows(config.current.budgets, own, await store.budgets.counters(now_us), now_us)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    print_rows(
        [{name: row[name] for name in COLUMNS} for row in rows],
        as_json=False,
        empty="no budget yet; write one under [[budgets]] and `ascend ai apply`, or mint a key with --usd",
    )
