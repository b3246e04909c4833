"""`ascend workflow start`."""

import json
from datetime import UTC, datetime, timedelta

import click

from oauth.scopes import parse
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.terminal import say
from server.commands.user import local_subject
from server.commands.workflow.opened import open_work, tenant_option
from server.commands.workflow.run_shown import ended, show_run
from server.config.settings import Settings
from tools.operation import Json
from tools.workflows.stores import DEFAULT_SCOPES, ActsFor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@click.command()
@click.argument("workflow")
@click.option(
    "--given",
    "given_text",
    default="{}",
    metavar="JSON",
    help="What it works on, a JSON object; @FILE reads a file.",
)
@click.option("--key", default=None, metavar="NAME", help="A name for the run: the same key is the same run.")
@click.option("--in", "in_s", default=None, type=click.FloatRange(0, 366 * 86_400), metavar="SECONDS", help="Begin so much later.")
@click.option("--as", "email", default=None, metavar="EMAIL", help="Whom its calls are made for; nobody otherwise, and it calls nothing.")
@click.option("--scope", default=" ".join(DEFAULT_SCOPES), show_default=True, metavar="SCOPES", help="What its calls may, with --as.")
@click.option("--wait", is_flag=True, help="Until it has ended; says how far it is.")
@click.option("--timeout", "timeout_s", default=600, show_default=True, type=click.IntRange(1, 86_400), help="Seconds to wait at most.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(
    settings: Settings,
    workflow: str,
    given_text: str,
    key: str | None,
    in_s: float | None,
    email: str | None,
    scope: str,
    wait: bool,
    timeout_s: int,
    tenant: str,
    as_json: bool,
) -> None:
    """Start a run of WORKFLOW. It is on record when this returns; a running gateway does the work."""
    given = _given(given_text)
    at_us = None if in_s is None else (datetime.now(UTC) + timedelta(seconds=in_s) - _EPOCH) // timedelta(microseconds=1)
    async with open_work(settings, tenant) as opened:
        acts_for = None
        if email is not None:
            acts_for = ActsFor.within(await local_subject(opened.store, tenant, email), parse(scope))
        workflows = opened.work.workflows
        run_id = await workflows.start(tenant, workflow, given, key=key, at_us=at_us, acts_for=acts_for)
        view = await (ended(workflows, tenant, run_id, timeout_s) if wait else workflows.show(tenant, run_id))
    assert view is not None
    if wait or as_json:
        show_run(view, None, as_json=as_json)
    else:
        say(f"run {run_id} is {view.state}; `ascend workflow show {run_id}` shows how far it is")
    if wait and view.state != "succeeded":
        raise CommandFailed(f"run {run_id} is {view.state}" + (f": {view.failure.message}" if view.failure else ""))


def _given(text: str) -> dict[str, Json]:
    """Read what a run is given. Raises UsageError."""
    if text.startswith("@"):
        with click.open_file(text[1:], encoding="utf-8") as file:
            text = file.read()
    try:
        given = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"--given is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise click.UsageError('--given is not an object; write {"name": value}')
    return given
