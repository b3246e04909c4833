"""A change by hand: its form, what is wrong with it where it is wrong, and what came of it."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from server.admin.changing import is_fresh, make_change
from server.admin.console.address import Address, page_of
from server.admin.console.lists import ListPages, may_change
from server.admin.console.page import ConsolePages, see_other
from server.admin.console.things import form_of, is_one_press
from server.admin.console.values import said
from server.admin.console.visitor import Visitor
from server.admin.reading import must_see, thing_of
from server.admin.refusals import AdminRefused, forbidden, not_found
from server.admin.resource import Change, Resource, Row
from server.audited import Audited
from server.posted_form import read_form

#: the parameter that says which change a page is about, and the field of the form token
CHANGE, TOKEN = "change", "csrf"
_STEP_UP = "insufficient_user_authentication"
#: what begins the parameters of an address that fill in a form; all of them together are shorter than what a step-up leads back to
_WITH, _MAX_WITH_CHARS = "with.", 3_000
_NO_VALUES: Mapping[str, str] = {}


def taken_along(change: Change, values: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that bring what was filled in through a step-up and back: no secret, and no more than an address holds."""
    secret = {each.name for each in change.fields if each.is_secret}
    taken = {f"{_WITH}{each.name}": values.get(each.name, "") for each in change.fields if each.name not in secret}
    while len(urlencode(taken)) > _MAX_WITH_CHARS:
        del taken[max(taken, key=lambda name: len(taken[name]))]
    return taken


def brought_back(change: Change, address: Address) -> dict[str, str]:
    """Return what `taken_along` put into an address; it fills in the form, which a person still sends."""
    asked = {each.name: address.get(f"{_WITH}{each.name}") for each in change.fields if not each.is_secret}
    return {name: value for name, value in asked.items() if value}


def begun(change: Change, found: Row) -> dict[str, str]:
    """Return what a form begins with: what is to be changed as it is, and unseen, which version that was."""
    if change.method != "PATCH":
        return {}
    return {each.name: str(found.get(each.name) or "") if each.is_hidden else said("text", found.get(each.name)) for each in change.fields}


def overtaken(change: Change, sent: Mapping[str, str], newest: Mapping[str, str]) -> AdminRefused:
    """Return the refusal of who filled in a form while somebody else changed the thing; what they wrote is said where it differs."""
    faults = [
        {"place": each.name, "message": f"you wrote {sent[each.name]!r}, and this is what is there now"}
        for each in change.fields
        if not (each.is_hidden or each.is_secret) and sent.get(each.name) and sent[each.name] != newest.get(each.name)
    ]
    hint = "nothing was changed; the form shows what is there now, and takes your change once more"
    return AdminRefused(412, "version_conflict", "somebody else changed it since you opened this form", hint, faults=faults)


class ChangePages:
    """`/admin/{name}?change=add` of a list, `/admin/{name}/{key}?change=…` of a thing: the form by GET, the change by POST."""

    def __init__(self, pages: ConsolePages, lists: ListPages) -> None:
        self._pages, self._lists = pages, lists

    async def show(self, visitor: Visitor) -> Response:
        """Answer a GET. Raises AdminRefused."""
        resource, key, change, found = await self._asked(visitor)
        if not may_change(visitor.administrator, resource, change):
            raise forbidden(f"{change.title} is not open to you", "an owner can give you the role that it takes")
        if change.needs_step_up and not is_fresh(visitor.administrator, self._pages.now_us() / 1_000_000):
            # Before the form is filled in, so that nobody types it twice.
            return see_other(self._pages.sessions.step_up_url(visitor.address.to(stays=True)))
        return await self._form(visitor, resource, key, change, {**begun(change, found), **brought_back(change, visitor.address)})

    async def make(self, visitor: Visitor) -> Response:
        """Answer a POST. Raises AdminRefused, FormRefused, FormUnreadable."""
        resource, key, change, _found = await self._asked(visitor)
        form = await read_form(visitor.request)
        await self._pages.sessions.check_form(visitor.request, form.get(TOKEN) or "", form_of(resource, key))
        values = {name: value for name, value in form.pairs() if name != TOKEN}
        by = visitor.administrator
        what = Audited("page", f"{resource.name} {change.name}", by.by, by.tenant_id)
        try:
            done = await make_change(by, resource, change, key, values, what)
        except AdminRefused as refused:
            if refused.code == _STEP_UP:
                onward = visitor.address.to(taken_along(change, values), stays=True)
                return see_other(self._pages.sessions.step_up_url(onward))
            if is_one_press(change) or refused.status not in (400, 409, 412, 422):
                raise
            if refused.status == 412:
                newest = begun(change, await thing_of(by, resource, key))
                return await self._form(visitor, resource, key, change, newest, overtaken(change, values, newest))
            return await self._form(visitor, resource, key, change, values, refused)
        if done.shown_once:
            return await self._pages.show(visitor, "shown_once", resource=resource, change=change, made=done, back=page_of(resource.name))
        gone = change.method == "DELETE" or not key
        return await self._pages.go_on(visitor.request, page_of(resource.name) if gone else page_of(resource.name, key), done.said)

    async def _asked(self, visitor: Visitor) -> tuple[Resource, str, Change, Row]:
        resource = self._lists.named(visitor.request.path_params["name"])
        must_see(visitor.administrator, resource)
        key = visitor.request.path_params.get("key", "")
        change = resource.change(visitor.address.get(CHANGE))
        if change is None or change.is_of_list == bool(key):
            raise not_found(f"{resource.title}: there is no such change", "open the page again")
        # One answer for what is not there and what is out of reach, before a word is said about the change.
        found = await thing_of(visitor.administrator, resource, key) if key else {}
        return resource, key, change, found

    async def _form(
        self,
        visitor: Visitor,
        resource: Resource,
        key: str,
        change: Change,
        values: Mapping[str, str] = _NO_VALUES,
        refused: AdminRefused | None = None,
    ) -> Response:
        secret = {each.name for each in change.fields if each.is_secret}
        names = {each.name for each in change.fields}
        faults = {fault["place"]: fault["message"] for fault in refused.faults if fault["place"] in names} if refused else {}
        return await self._pages.show(
            visitor,
            "change",
            status=refused.status if refused else 200,
            form=form_of(resource, key),
            resource=resource,
            key=key,
            change=change,
            action=Address(visitor.address.path).to(change=change.name),
            back=page_of(resource.name, key) if key else page_of(resource.name),
            values={name: value for name, value in values.items() if name not in secret},
            faults=faults,
            # What is wrong with the whole is said above; what is wrong with a field, at it.
            problem=refused if refused is not None and (not faults or refused.status == 412) else None,
        )
