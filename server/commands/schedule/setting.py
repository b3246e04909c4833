"""`ascend schedule set`."""

import json

import click
import orjson

from oauth.scopes import parse
from server.commands.frame import json_option, run_async, with_settings
from server.commands.schedule.opened import open_schedules, tenant_option
from server.commands.schedule.rows import schedule_row
from server.commands.terminal import say
from server.commands.times import shown_time
from server.commands.user import local_subject
from server.config.settings import Settings
from tools.operation import Json
from tools.workflows.schedules.setting import WantedSchedule
from tools.workflows.stores import DEFAULT_SCOPES, ActsFor


def _object(_context: click.Context, _option: click.Parameter, value: str) -> dict[str, Json]:
    try:
        found = orjson.loads(value)
    except ValueError as error:
        raise click.BadParameter(f'{error}; write it like {{"days": 7}}') from error
    if not isinstance(found, dict):
        raise click.BadParameter('a workflow is given a JSON object, like {"days": 7}')
    return found


@click.command("set")
@click.argument("name")
@click.option("--workflow", required=True, metavar="NAME", help="What is started.")
@click.option("--cron", required=True, metavar="EXPRESSION", help='Minute, hour, day, month, weekday: "0 6 * * MON-FRI"; or @daily.')
@click.option("--zone", default="UTC", show_default=True, metavar="ZONE", help="The time zone that the times are of, like Europe/Berlin.")
@click.option("--given", default="{}", callback=_object, metavar="JSON", help="What each run is given.")
@click.option("--as", "email", default=None, metavar="EMAIL", help="Whom the calls of its runs are made for.")
@click.option("--scope", default=" ".join(DEFAULT_SCOPES), show_default=True, help="What its runs may do at most for that person.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(
    settings: Settings,
    name: str,
    workflow: str,
    cron: str,
    zone: str,
    given: dict[str, Json],
    email: str | None,
    scope: str,
    tenant: str,
    as_json: bool,
) -> None:
    """Have WORKFLOW start whenever CRON comes, as schedule NAME, in place of the one of that name.

    Runs that call operations need --as: they use that person's connections, and may do what the person may then and --scope names.
    """
    async with open_schedules(settings, tenant) as scheduled:
        acts_for = None
        if email is not None:
            acts_for = ActsFor.within(await local_subject(scheduled.store, tenant, email), parse(scope))
        wanted = WantedSchedule(name, workflow, cron, zone, given, acts_for)
        schedule, is_new = await scheduled.schedules.set(tenant, wanted)
    if as_json:
        people = {acts_for.subject: email} if acts_for and email else {}
        click.echo(json.dumps(schedule_row(schedule, None, people) | {"given": given, "new": is_new}, indent=2))
        return
    comes = f"it comes next at {shown_time(schedule.next_at_us)}" if schedule.next_at_us is not None else "it never comes again"
    say(f"schedule {name!r} {'is set' if is_new else 'is changed'}; {comes}")
