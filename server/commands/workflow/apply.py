"""`ascend workflow apply`: keep the workflow of a file as its next version."""

import json
from typing import BinaryIO

import click

from oauth.principal import Principal
from oauth.scopes import CONNECT
from server.app import Gateway, open_gateway
from server.assembly.scopes import SubjectScopes
from server.commands.frame import json_option, run_async, with_settings
from server.commands.refused_file import RefusedFile
from server.commands.terminal import say
from server.commands.user import known_tenant, local_subject
from server.commands.workflow.opened import tenant_option
from server.config.settings import Settings
from tools.workflows.declared.checking import CheckedDefinition, check_definition
from tools.workflows.declared.definition import read_definition
from tools.workflows.declared.document import MAX_DOCUMENT_BYTES
from tools.workflows.declared.errors import DefinitionFault, DefinitionInvalid
from tools.workflows.declared.stores import StoredDefinition
from tools.workflows.schedules.setting import WantedSchedule
from tools.workflows.stores import DEFAULT_SCOPES, ActsFor


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--as", "email", default=None, metavar="EMAIL", help="Who accepts it: needed for `allow: destructive` and `schedule`.")
@click.option("--dry-run", is_flag=True, help="Only say what is wrong.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, file: BinaryIO, email: str | None, dry_run: bool, tenant: str, as_json: bool) -> None:
    """Keep the workflow of FILE (YAML or JSON) as the next version of its name; `-` reads standard input.

    Its steps are a plan as batch_execute takes it, and `input` is what a run was given. It is checked whole against the tenant's
    operations: everything wrong with it is said at once, and then nothing changes. Runs under way end with the version they began with.
    """
    raw = file.read(MAX_DOCUMENT_BYTES + 1)
    async with open_gateway(settings, at_work=False) as gateway:
        await known_tenant(gateway.store, tenant)
        principal = await _accepting(gateway, tenant, email)
        try:
            checked = await _checked(gateway, principal, raw)
        except DefinitionInvalid as error:
            raise RefusedFile(getattr(file, "name", "standard input"), error.faults) from error
        before = await gateway.store.durable.definitions.get(tenant, checked.definition.name)
        stored = _stored(tenant, checked, principal)
        kept = stored if dry_run else await gateway.store.durable.definitions.put(stored)
        schedule = checked.definition.schedule
        if schedule is not None and not dry_run:
            acts_for = ActsFor.within(principal.subject, (*DEFAULT_SCOPES, *(["mcp:destructive"] if checked.agreed else [])))
            wanted = WantedSchedule(kept.name, kept.name, schedule.cron, schedule.zone, schedule.given, acts_for)
            await gateway.scheduled.schedules.set(tenant, wanted)
    is_new = before is None or kept.version != before.version
    for note in checked.notes:
        say(f"ascend: note: {note}", err=True)
    if as_json:
        said = {"workflow": kept.name, "version": kept.version, "applied": not dry_run, "changed": is_new, "notes": list(checked.notes)}
        click.echo(json.dumps(said, indent=2))
    elif dry_run:
        say(f"{kept.name}: {len(checked.definition.plan.steps)} steps, nothing wrong; nothing was changed")
    elif is_new:
        say(f"{kept.name} version {kept.version} is in force: {len(checked.definition.plan.steps)} steps")
    else:
        say(f"{kept.name} version {kept.version} says the same; nothing was changed")


async def _checked(gateway: Gateway, principal: Principal, raw: bytes) -> CheckedDefinition:
    definition, document = read_definition(raw)
    own = [each.name for each in await gateway.work.registry.of("")]
    if definition.name in own:
        message = f"{definition.name!r} is a workflow that the gateway brings along; give yours another name"
        raise DefinitionInvalid([DefinitionFault("workflow", message, document.line_of(("workflow",)))])
    return await check_definition(gateway.operations.gate.check, principal, definition, document)


async def _accepting(gateway: Gateway, tenant: str, email: str | None) -> Principal:
    """Return who accepts the definition: a person with what they may, or nobody."""
    if email is None:
        return Principal(tenant, "", "ascend", frozenset({CONNECT}), "", "local")
    subject = await local_subject(gateway.store, tenant, email)
    scopes = await SubjectScopes(gateway.store.subjects, gateway.operations.catalog).allowed(tenant, subject)
    return Principal(tenant, subject, "ascend", scopes, "", "local")


def _stored(tenant: str, checked: CheckedDefinition, principal: Principal) -> StoredDefinition:
    definition = checked.definition
    return StoredDefinition(
        tenant_id=tenant,
        name=definition.name,
        version=0,
        source=definition.source,
        content_hash=definition.content_hash,
        agreed=checked.agreed,
        listed=checked.listed,
        # Whose yes it needs: without what cannot be undone it needs nobody's.
        accepted_by=principal.subject if checked.agreed else "",
        created_at_us=0,
    )
