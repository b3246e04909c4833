"""The one way to change something over HTTP: role, reach, step-up and fields are checked here, whichever face it comes from."""

import time
from collections.abc import Mapping

from server.admin.administrators import Administrator
from server.admin.refusals import AdminRefused, step_up_needed
from server.admin.resource import Change, Done, Field, Resource
from server.audited import Audited, audited, short
from tools.text.secrets_in_text import redact

#: WebAuthn within this time (RFC 9470's `max_age`)
STEP_UP_S = 600
#: so much of a field is looked through for its short form on the trail
MAX_READ_CHARS = 4_000


async def make_change(
    administrator: Administrator,
    resource: Resource,
    change: Change,
    key: str,
    values: Mapping[str, str],
    what: Audited,
) -> Done:
    """Do it, with one audit row in its transaction. Raises AdminRefused, and nothing has changed then.

    what: the door it comes through; target and details are filled in here, without what is secret.
    """
    must_make(administrator, resource, change)
    asked = checked(change.fields, values)
    what.target = short(f"{resource.name}/{key}" if key else resource.name)
    secret = {each.name for each in change.fields if each.is_secret}
    what.details = {name: "(secret)" if name in secret else _on_record(value) for name, value in asked.items()}
    with audited(what):
        return await change.apply(administrator, key, asked)


def must_make(administrator: Administrator, resource: Resource, change: Change) -> None:
    """Raise AdminRefused for whoever may not make such a change at all, of whichever thing."""
    administrator.must_be(max(change.least, resource.least), change.title)
    if change.is_of_gateway or resource.is_of_gateway:
        administrator.must_reach_gateway(change.title)
    if change.needs_step_up and not is_fresh(administrator, time.time()):
        raise step_up_needed(STEP_UP_S)


def is_fresh(administrator: Administrator, now: float) -> bool:
    """Say whether they proved who they are just now; a machine's key does so at every request."""
    return administrator.proven_at is None or now - administrator.proven_at < STEP_UP_S


def checked(fields: tuple[Field, ...], values: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the fields that were given. Raises AdminRefused with every fault."""
    faults = [{"place": name, "message": "there is no such field"} for name in values if name not in {each.name for each in fields}]
    asked = {}
    for each in fields:
        value = values.get(each.name, "")
        if fault := _fault(each, value):
            faults.append({"place": each.name, "message": fault})
        elif value:
            asked[each.name] = value
    if faults:
        raise AdminRefused(422, "invalid_fields", f"{faults[0]['place']}: {faults[0]['message']}", "nothing was changed", faults=faults)
    return asked


def _on_record(value: str) -> str:
    """Return what the trail keeps of a field: people put secrets where none belong, and rows of the trail are never changed."""
    return short(redact(value[:MAX_READ_CHARS]))


def _fault(field: Field, value: str) -> str:
    if not value:
        return "it is needed" if field.is_required else ""
    if len(value) > field.max_chars:
        return f"it has {len(value):,} characters, and {field.max_chars:,} are the most"
    if "\0" in value:
        return "it has a zero character (U+0000), which no store takes"
    if field.is_flag and value != "true":
        return "give true, or leave it out"
    if field.choices and value not in field.choices:
        return f"give one of {', '.join(field.choices)}"
    return ""
