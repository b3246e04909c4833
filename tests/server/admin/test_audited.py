"""Whatever changes something says who does it: every command, every form, every address of the administration."""

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import click
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route, Router

from server.admin.door import AdminDoor
from server.assembly.administration.administration import Unopened
from server.cli import ascend
from tests.command_line import ascend_here
from tests.gateway import EMAIL, PASSWORD, add_person, opened, served
from tests.server.admin.conftest import Administration
from tests.server.pages.form_browser import FormBrowser, forms_of

#: they run until they are ended, or change nothing
WITHOUT_A_ROW = {
    "serve": "a server; what it does by itself is nobody's doing",
    "demo-upstream": "a server with a store of its own",
    "index search": "reads the index",
    "index stats": "reads the index",
    "context eval": "an index in memory",
    "settings": "reads",
}
#: what machines post has records of its own
MACHINES = {
    "/token": "security events, and the grant's own row",
    "/revoke": "security events",
    "/register": "security events",
    "/register/{client_id}": "security events",
    "/par": "a request that a person answers with a form",
    "/introspect": "reads",
    "/device_authorization": "a request that a person answers with a form",
}


#: what puts posts of people on record: server/pages/refusals.py, server/admin/console/door.py
PAGES_ON_RECORD = {"for_people.<locals>.answer", "Door.__call__.<locals>.answer"}


def leaves(command: click.Command, path: tuple[str, ...], context: click.Context) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from leaves(found, (*path, name), context)


def test_every_command_is_on_record_or_changes_nothing() -> None:
    """A new command runs by `run_async`, or stands above with its reason."""
    without = {name for name, command in leaves(ascend, (), click.Context(ascend)) if not getattr(command.callback, "is_on_record", False)}
    assert without == set(WITHOUT_A_ROW)


def routes_of(app: object) -> Iterator[BaseRoute]:
    """Yield the routes of the application behind the gateway's fronts."""
    waiting: list[object] = [app]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Starlette):
            yield from part.routes
            continue
        waiting.extend(value for name, value in vars(part).items() if name in ("_rest", "rest", "_app", "app"))


async def test_every_form_is_on_record_and_so_is_the_administration(tmp_path: Path) -> None:
    """A new route that takes a post is for people, for administrators, or stands above with its reason."""
    others, seen = set(), 0
    async with opened(tmp_path) as gateway:
        for route in routes_of(gateway.app):
            if isinstance(route, Mount):
                assert isinstance(route.app, AdminDoor) or route.path == "/static", route.path
            elif isinstance(route, Route) and isinstance(route.app, AdminDoor):
                assert isinstance(route.app.app, Unopened)
                console = await route.app.app.opened()
                assert isinstance(console, Router)
                for page in console.routes:
                    name = getattr(getattr(page, "endpoint", None), "__qualname__", "")
                    assert name in PAGES_ON_RECORD or "POST" not in (getattr(page, "methods", None) or ()), page
            elif isinstance(route, Route) and (route.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
                seen += 1
                if getattr(route.endpoint, "__qualname__", "") != "for_people.<locals>.answer":
                    others.add(route.path)
    assert seen > 15
    assert {path for path in others if not path.startswith(("/token/", "/revoke/"))} <= set(MACHINES)


def test_commands_leave_who_what_and_whose_and_no_secret(tmp_path: Path) -> None:
    """As the machine knows its user; options as they were given; a password never."""
    secret = "correct-horse-battery"
    commands: list[tuple[tuple[str, ...], str]] = [
        (("tenant", "add", "acme", "--title", "Acme"), ""),
        (("user", "add", "ada@example.com", "--tenant", "acme", "--password-stdin"), secret),
        (("user", "admin", "ada@example.com", "--tenant", "acme"), ""),
        (("tenant", "set", "acme", "--suspend"), ""),
        (("keys", "rotate"), ""),
        (("tenant", "list"), ""),
        (("user", "disable", "nobody@example.com"), ""),
    ]
    for words, stdin in commands:
        ascend_here(*words, data_dir=tmp_path, stdin=stdin)
    shown = ascend_here("audit", "events", "--changes-only", "--json", data_dir=tmp_path)
    assert secret not in shown.stdout
    rows = [row for row in reversed(json.loads(shown.stdout)) if row["action"]]
    assert [(row["action"], row["target"], row["tenant"]) for row in rows] == [
        ("tenant add", "acme", "acme"),
        ("user add", "ada@example.com", "acme"),
        ("user admin", "ada@example.com", "acme"),
        ("tenant set", "acme", "acme"),
        ("keys rotate", "", ""),
    ]
    assert all(row["actor"].startswith("local:") and row["surface"] == "command" for row in rows)
    assert (rows[0]["details"], rows[3]["details"]) == ({"--title": "Acme"}, {"--suspended": "yes"})
    told = ascend_here("audit", "events", data_dir=tmp_path).stdout
    assert "tenant add" in told
    assert "role_changed" in told
    assert ascend_here("audit", "verify", data_dir=tmp_path).stdout.startswith("5 rows hold; the last is 5")


async def test_the_administration_leaves_who_and_what(admin: Administration) -> None:
    """A refused change is none."""
    assert (await admin.ask("PUT", "config", admin.operator, {"routes": 1}, if_match="*")).status_code == 422
    assert (await admin.ask("PUT", "config", admin.operator, {"gateways": {"agents": {"tenant": "acme"}}}, if_match="*")).status_code == 200
    assert (await admin.ask("GET", "config", admin.operator)).status_code == 200
    [row] = await admin.gateway.store.audit_trail.rows()
    assert (row.surface, row.actor, row.tenant_id, row.action) == ("api", "ops@example.com", "default", "PUT /admin/api/ai/config")


def sign_in_and_out(url: str) -> None:
    with FormBrowser(url) as browser:
        page = browser.open("/account")
        browser.submit(page, email=EMAIL, password="not this one")
        browser.open(browser.submit(page, email=EMAIL, password=PASSWORD).headers["location"])
        form = next(form for form in forms_of(browser.open("/account")) if form.fields.get("action") == "sign_out")
        assert browser.post(form.action, form.fields).status_code == 303


async def test_forms_leave_who_and_what(tmp_path: Path) -> None:
    """Who signs in is known when the session begins, and who acts by the session."""
    async with served(tmp_path) as gateway:
        await add_person(gateway)
        await anyio.to_thread.run_sync(sign_in_and_out, gateway.settings.base_url)
        rows = list(reversed(await gateway.store.audit_trail.rows()))
    assert [(row.action, row.actor, row.tenant_id) for row in rows] == [
        ("POST /login", EMAIL, "default"),
        ("account sign_out", EMAIL, "default"),
    ]
    assert all(row.surface == "page" for row in rows)
    assert PASSWORD not in "".join(row.details for row in rows)
