"""`ascend keys`: the gateway's own keys. Tokens are random and nothing is signed, so these are the keys that seal secrets."""

import click

from oauth.vault.errors import KeyUnavailable
from oauth.vault.rotation import Rotation
from server.assembly.connections import open_vault_and_source
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.config.settings import Settings
from server.storage.store import open_store


@click.group()
def command() -> None:
    """List and rotate the gateway's own keys."""


@command.command("list")
@json_option
@with_settings
@run_async
async def list_keys(settings: Settings, as_json: bool) -> None:
    """List the key-encryption keys, newest first, by their ids; and how many data keys each protects."""
    async with open_store(settings) as store:
        _vault, source = await open_vault_and_source(settings, store)
        data_keys = await store.secrets.keys()
        rows = [
            {
                "key_id": key.key_id,
                "state": "active" if position == 0 else "former",
                "data_keys": sum(each.kek_id == key.key_id for each in data_keys),
            }
            for position, key in enumerate(source.read())
        ]
    print_rows(rows, as_json=as_json, empty="no keys yet; they are made when the gateway first keeps a secret")


@command.command("rotate")
@with_settings
@run_async
async def rotate(settings: Settings) -> None:
    """Put a new key-encryption key in front and every data key under it, while the gateway runs. Tokens and sessions stay valid.

    `ascend vault rotate` renews the data keys as well and seals every secret anew.
    """
    async with open_store(settings) as store:
        try:
            vault, source = await open_vault_and_source(settings, store)
            done = await Rotation(vault, store.secrets, source).rotate_kek()
        except KeyUnavailable as error:
            raise CommandFailed(str(error)) from error
    what = "a new key" if done.made else "the first of the keys given from outside"
    click.echo(f"{done.rewrapped} data keys are now under {what}; {done.dropped} former keys dropped")
