"""`ascend webhook`: which commands there are."""

import click

from server.commands.lazy_commands import LazyCommands

#: command -> (its module in server.commands, what it does)
COMMANDS = {
    "apply": ("webhook.apply", "Put the webhooks of a file in force."),
    "list": ("webhook.list_webhooks", "List webhooks with their addresses."),
    "remove": ("webhook.remove", "Remove a webhook."),
    "test": ("webhook.test", "Send a signed example to the running gateway."),
    "deliveries": ("webhook.deliveries", "List what came."),
    "replay": ("webhook.replay", "Start another run of what came."),
}


@click.command(cls=LazyCommands, modules=COMMANDS)
def command() -> None:
    """Webhooks: who may start which workflow by a signed request.

    Put the sender's secret in the vault (`ascend vault put NAME`), name it in a file of `[[webhooks]]`, apply the file, and give the sender
    the address that `ascend webhook list` shows. Everything is one tenant's: --tenant.
    """
