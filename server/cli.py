"""`ascend`: the command line. Each command's module is loaded when it is called, so that `--help` answers at once."""

import os
import sys
from importlib.metadata import version
from typing import Any

import click

from server.commands.lazy_commands import LazyCommands
from server.config.errors import SettingsError
from tools.errors import ToolError

#: command -> (its module in server.commands, what it does)
COMMANDS = {
    "init": ("init", "Make a data directory ready: settings, store, keys, the first owner."),
    "serve": ("serve", "Run the gateway."),
    "demo-upstream": ("demo_upstream", "Run the demo CRM, or a stand-in for Gong or Salesforce."),
    "tenant": ("tenant", "Add and list tenants."),
    "user": ("user", "Add and list the people who can sign in."),
    "admin": ("admin", "Who may run the gateway; invites to the console."),
    "import": ("importing", "Turn OpenAPI documents and MCP servers into operations."),
    "index": ("index", "Build, search and evaluate the capability index."),
    "identity-provider": ("identity_provider", "Let people sign in by an external OpenID Connect provider."),
    "provider": ("provider", "Add and list third-party OAuth providers."),
    "connection": ("connection", "Add, list and remove connected accounts."),
    "client": ("client", "Show and revoke OAuth clients."),
    "grant": ("grant", "List and revoke what people allowed."),
    "service": ("service_principal.group", "Machines that administer with a key of their own."),
    "trust": ("trust.group", "Workloads of platforms that may administer."),
    "keys": ("keys", "Rotate the gateway's own keys."),
    "vault": ("vault", "Import and rotate secrets."),
    "token": ("token", "Mint access tokens for scripts; manage static tokens."),
    "ai": ("ai.group", "Models: callers' keys, routes, prices, budgets, usage."),
    "context": ("context.group", "What is known: facts with their time and source."),
    "rag": ("rag.group", "Documents that questions are answered from, with citations."),
    "schedule": ("schedule.group", "What the gateway starts by itself, and when."),
    "workflow": ("workflow.group", "Steps that run to their end, whatever dies in between."),
    "webhook": ("webhook.group", "Signed requests of others that start workflows."),
    "calls": ("history.calls", "What was called, and why it failed."),
    "trace": ("history.trace", "Everything with one trace id, in order."),
    "errors": ("history.errors", "Failures by kind."),
    "report": ("report", "What a week came to: digest, cost, quality, and what is due."),
    "usage": ("history.usage", "How often operations are used, and which never are."),
    "backup": ("backup.group", "Encrypted copies of everything, tried before they are needed."),
    "alert": ("alert.group", "What somebody should know at once, and who is told."),
    "upgrade": ("upgrade", "Bring the store to this version, or say what that would do."),
    "audit": ("audit.group", "Who did what; and the catalogue's rules."),
    "sinks": ("sinks", "How far log sinks have come: calls, audit and lines sent elsewhere."),
    "client-config": ("client_config", "Print what to paste into an MCP client."),
    "config": ("config.group", "What the gateway keeps, watches and tells, as versions."),
    "settings": ("settings", "Show what can be set, and what holds."),
    "doctor": ("doctor", "Check settings, store, keys, index and upstreams."),
}


@click.command(cls=LazyCommands, modules=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version("ascend-gateway"), prog_name="ascend")
def ascend() -> None:
    """One remote MCP server in front of every API your team uses.

    Start with `ascend serve --demo`, or with `ascend init` for a gateway of your own. Every command takes --data DIR, where
    state lives; else ASCEND_DATA_DIR, else ./.ascend. `ascend settings` lists what else can be set.
    """


def main() -> None:
    """Run the command line: exit 0 done, 1 failed, 2 wrong usage; a failure is one line on stderr."""
    # Searches of several callers share the cores already; must be said before numpy is loaded, which a command does.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.umask(0o077)  # The store, its log and the index are their owner's alone, in a directory of whatever mode.
    try:
        code: Any = run_plainly()
    except click.exceptions.Abort:
        click.echo("ascend: stopped", err=True)
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "ascend"
        click.echo(f"{path}: {error.format_message().rstrip('.')}; see `{path} --help`", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (SettingsError, ToolError) as error:
        for line in str(error).splitlines():  # several settings may be wrong at once
            click.echo(f"ascend: {line}", err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def run_plainly() -> Any:
    """Run the command; of errors that task groups bundled, the one that matters comes out."""
    try:
        return ascend.main(standalone_mode=False)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from group
