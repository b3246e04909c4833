"""A change by a program: its body, its precondition, its key for repetitions, and what came of it."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from server.admin.administrators import Administrator
from server.admin.answers import thing
from server.admin.api.repetitions import Repetitions
from server.admin.asked import administrator_of, json_of, raw_body
from server.admin.changing import make_change, must_make
from server.admin.lists.written import written
from server.admin.reading import must_see, thing_of
from server.admin.refusals import AdminRefused, not_found, version_conflict
from server.admin.resource import Change, Done, Resource
from server.audited import Audited
from server.observability.trace_context import carrier_of, trace_id_of
from tools.operation import Json

#: the change of a list that `POST /admin/api/{name}` is
ADD = "add"
_TAG = re.compile(r'(?:W/)?"([^"]*)"')


class ApiChanges:
    """POST, PATCH and DELETE of every resource."""

    def __init__(self, repetitions: Repetitions) -> None:
        self._repetitions = repetitions

    async def make(self, request: Request, resource: Resource, key: str, name: str) -> Response:
        """Do what is asked. `name`: of the change, "" where the method says it. Raises AdminRefused."""
        administrator = administrator_of(request)
        must_see(administrator, resource)
        change = _asked(resource, request.method, key, name)
        # Before what came of it is told again: who may less by now, or proved who they are long ago, is told nothing.
        must_make(administrator, resource, change)
        # The name of a list's change stands where a thing has its key.
        key = "" if change.is_of_list else key
        values = _values(await raw_body(request))
        seen = _seen(request, values) if change.method == "PATCH" else None
        what = Audited("api", f"{resource.name} {change.name}", administrator.by, administrator.tenant_id)
        what.trace_id = trace_id_of(carrier_of(None, request.headers))

        async def do() -> tuple[int, Json]:
            # Only now, because a repetition would be told that its own success has made another version.
            asked = values if seen is None else await _matched(administrator, resource, key, values, seen)
            done = await make_change(administrator, resource, change, key, asked, what)
            return (201 if change.is_of_list and change.name == ADD else 200), _told(resource, done)

        # The version is part of what is asked: the same change of another one is another change.
        sent = values if seen is None else {**values, "version": seen}
        status, body, is_repeated = await self._repetitions.once(
            administrator,
            request.headers.getlist("idempotency-key"),
            f"{request.method} {resource.name}/{key}/{change.name}",
            sent,
            do,
            lambda: what.is_recorded,
        )
        headers = {"idempotency-replayed": "true"} if is_repeated else {}
        made = body["item"].get(resource.key)
        if status == 201 and isinstance(made, str):
            headers["location"] = f"/admin/api/{resource.name}/{quote(made, safe='')}"
        return thing(body, status, headers)


def _seen(request: Request, values: Mapping[str, str]) -> str:
    """Return If-Match, which says the versions that the writer has seen. Raises AdminRefused."""
    sent = request.headers.get("if-match")
    if sent is None:
        hint = "send If-Match with the ETag of your GET, or * to change whatever is there"
        raise AdminRefused(428, "precondition_required", "say which version you have seen", hint)
    if "version" in values:
        raise AdminRefused(422, "invalid_fields", "version: it is sent as If-Match", "leave it out of the body")
    return sent.strip()


async def _matched(administrator: Administrator, resource: Resource, key: str, values: Mapping[str, str], seen: str) -> Mapping[str, str]:
    """Return the values with the version that is there, which the noun compares in its transaction. Raises AdminRefused."""
    found = await thing_of(administrator, resource, key)
    if seen == "*":
        return values
    newest = str(found.get("version", ""))
    # RFC 9110 §13.1.1: compared strongly, and a tag that is none of ours matches nothing.
    if newest not in {tag[1] for each in seen.split(",") if (tag := _TAG.fullmatch(each.strip())) and not each.strip().startswith("W/")}:
        raise version_conflict(newest)
    return {**values, "version": newest}


def _asked(resource: Resource, method: str, key: str, name: str) -> Change:
    """Return the change that method and address mean."""
    if method == "POST":
        wanted = name or (key or ADD)
        found = resource.change(wanted)
        if found is not None and found.method == "POST" and found.is_of_list is not bool(name):
            return found
    else:
        found = next((each for each in resource.changes if each.method == method and not each.is_of_list), None)
        if found is not None:
            return found
    there = ", ".join(sorted(_address(resource, each) for each in resource.changes)) or "nothing"
    raise not_found(f"{resource.name}: there is no such change", f"there is {there}")


def _address(resource: Resource, change: Change) -> str:
    path = f"/admin/api/{resource.name}"
    if change.is_of_list:
        return f"POST {path}" if change.name == ADD else f"POST {path}/{change.name}"
    return f"{change.method} {path}/{{key}}" + (f"/{change.name}" if change.method == "POST" else "")


def _values(raw: bytes) -> dict[str, str]:
    """Return the fields of a body as text, as a form has them; no body is none."""
    faults, values = [], {}
    for name, value in (json_of(raw) if raw.strip() else {}).items():
        match value:
            case str():
                values[name] = value
            case True:
                values[name] = "true"
            case False | None:
                values[name] = ""
            case int() | float():
                values[name] = str(value)
            case _:
                faults.append({"place": name, "message": "give a text, a number, true or false"})
    if faults:
        raise AdminRefused(422, "invalid_fields", f"{faults[0]['place']}: {faults[0]['message']}", "nothing was changed", faults=faults)
    return values


def _told(resource: Resource, done: Done) -> dict[str, Json]:
    told: dict[str, Json] = {"said": done.said, "item": written(resource, done.thing)}
    return told | ({"shown_once": done.shown_once} if done.shown_once else {})
