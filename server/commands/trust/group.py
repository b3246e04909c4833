"""`ascend trust`: the group and its commands."""

import click

from server.commands.lazy_commands import LazyCommands

COMMANDS = {
    "add": ("trust.add", "Let workloads of a platform administer, by exact claims."),
    "list": ("trust.list_policies", "List the policies."),
    "test": ("trust.trying", "Say which policy a token of a platform fits, and why others do not."),
    "end": ("trust.end", "End one, and its tokens, at once."),
}


@click.command(cls=LazyCommands, modules=COMMANDS)
def command() -> None:
    """Workload identity: jobs of GitHub Actions, GitLab or Kubernetes administer without any key (RFC 8693)."""
