"""How a program changes something, on a noun that the test makes: preconditions, repetitions, fields, and one audit row."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
import pytest

from oauth.administration.roles import Role
from server.admin.administrators import Administrator
from server.admin.api.changes import ApiChanges
from server.admin.api.endpoint import AdminApi
from server.admin.api.repetitions import Repetitions
from server.admin.guard import AdminGuard
from server.admin.refusals import not_found, version_conflict
from server.admin.resource import VERSION, Change, Column, Done, Field, ListQuery, Resource, Row, Rows
from server.rate_limits import RateLimits
from server.storage.database import StoreUnavailable
from tests.gateway import NOWHERE
from tests.server.admin.conftest import Administration
from tools.versioned_documents.faults import ConfigInvalid
from tools.versioned_documents.versions import VersionConflict


@dataclass
class Boxes:
    """Things that are there while the test runs; each change is also noted in the store, so that it has a transaction."""

    admin: Administration
    titles: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    made: int = 0
    fails_with: Exception | None = None
    fails_late_with: Exception | None = None

    def resource(self) -> Resource:
        title = Field(name="title", title="Title", max_chars=20)
        return Resource(
            name="boxes",
            title="Boxes",
            columns=(Column(name="id", title="Box"), Column(name="title", title="Title")),
            rows=self.rows,
            one=self.one,
            changes=(
                Change(
                    "add",
                    "Add a box",
                    self.add,
                    (title, Field(name="key", title="Key", is_secret=True, is_required=False)),
                    is_of_list=True,
                ),
                Change("sweep", "Sweep", self.sweep, is_of_list=True),
                Change("change", "Change", self.change, (title, VERSION), method="PATCH"),
                Change("seal", "Seal", self.seal, (Field(name="hard", title="Hard", is_flag=True, is_required=False),), least=Role.OWNER),
                Change("remove", "Remove", self.remove, method="DELETE"),
            ),
        )

    async def rows(self, _who: Administrator, _query: ListQuery) -> Rows:
        return Rows([await self._row(key) for key in self.titles])

    async def one(self, _who: Administrator, key: str) -> Row | None:
        return await self._row(key) if key in self.titles else None

    async def add(self, _who: Administrator, _key: str, values: Mapping[str, str]) -> Done:
        if self.fails_with is not None:
            raise self.fails_with
        self.made += 1
        await self.admin.gateway.store.audit_trail.note()
        if self.fails_late_with is not None:
            raise self.fails_late_with
        key = f"box/{self.made}"
        self.titles[key], self.versions[key] = values["title"], 1
        return Done("added", await self._row(key), shown_once="hush")

    async def sweep(self, _who: Administrator, _key: str, _values: Mapping[str, str]) -> Done:
        return Done(f"{len(self.titles)} swept")

    async def change(self, _who: Administrator, key: str, values: Mapping[str, str]) -> Done:
        if values.get("version", "") not in ("", str(self.versions[key])):
            raise version_conflict(str(self.versions[key]))
        self.titles[key] = values["title"]
        self.versions[key] += 1
        return Done("changed", await self._row(key))

    async def seal(self, _who: Administrator, key: str, values: Mapping[str, str]) -> Done:
        if key not in self.titles:
            raise not_found("no such box")
        return Done(f"sealed {values.get('hard', 'softly')}")

    async def remove(self, _who: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        if self.titles.pop(key, None) is None:
            raise not_found("no such box")
        return Done("gone")

    async def _row(self, key: str) -> Row:
        return {"id": key, "title": self.titles[key], "version": self.versions[key]}


@dataclass
class Api:
    boxes: Boxes
    http: httpx2.AsyncClient
    token: str

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"authorization": f"Bearer {self.token}"}
        return await self.http.request(method, f"/admin/api/boxes{path}", json=body, headers=sent)


@pytest.fixture
async def api(admin: Administration) -> AsyncIterator[Api]:
    boxes = Boxes(admin)
    changes = ApiChanges(Repetitions(admin.gateway.store.idempotency))
    guarded = AdminGuard(AdminApi([boxes.resource()], changes, {}), admin.administrators(), RateLimits())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(guarded), base_url=NOWHERE) as http:
        yield Api(boxes, http, admin.operator)


async def test_a_thing_is_added_read_changed_acted_on_and_removed(api: Api) -> None:
    """A key with a slash is one segment of an address."""
    made = await api.ask("POST", "", {"title": "Tea"})
    assert (made.status_code, made.headers["location"]) == (201, "/admin/api/boxes/box%2F1")
    assert made.json() == {"said": "added", "item": {"id": "box/1", "title": "Tea", "version": 1}, "shown_once": "hush"}
    seen = await api.ask("GET", "/box%2F1")
    assert (seen.json()["title"], seen.headers["etag"]) == ("Tea", '"1"')
    changed = await api.ask("PATCH", "/box%2F1", {"title": "Coffee"}, if_match=seen.headers["etag"])
    assert changed.json()["item"]["title"] == "Coffee"
    assert (await api.ask("POST", "/box%2F1/seal", {"hard": True})).json()["said"] == "sealed true"
    assert (await api.ask("POST", "/box%2F1/seal")).json()["said"] == "sealed softly"
    assert (await api.ask("POST", "/sweep")).json()["said"] == "1 swept"
    assert (await api.ask("DELETE", "/box%2F1")).json()["said"] == "gone"
    assert (await api.ask("GET", "/box%2F1")).status_code == 404
    assert (await api.ask("DELETE", "/box%2F1")).status_code == 404


async def test_who_has_seen_an_older_version_changes_nothing(api: Api) -> None:
    await api.ask("POST", "", {"title": "Tea"})
    path, body = "/box%2F1", {"title": "Coffee"}
    assert (await api.ask("PATCH", path, body)).status_code == 428
    for tag in ('"2"', 'W/"1"', "1", '""', '"1'):
        refused = await api.ask("PATCH", path, body, if_match=tag)
        assert (refused.status_code, refused.json()["error"]["code"]) == (412, "version_conflict"), tag
        assert refused.json()["error"]["hint"].endswith('If-Match: "1"')
    smuggled = await api.ask("PATCH", path, {**body, "version": "2"}, if_match='"1"')
    assert smuggled.status_code == 422
    assert (await api.ask("PATCH", path, body, if_match='"7", "1"')).status_code == 200
    assert (await api.ask("PATCH", path, body, if_match="*")).status_code == 200
    assert (await api.ask("PATCH", "/nothing", body, if_match="*")).status_code == 404


async def test_a_change_with_a_key_is_made_once(api: Api) -> None:
    """Also when both come at once; a secret that was shown is not kept, and another change under the key is refused."""
    answers: list[httpx2.Response] = []

    async def add() -> None:
        answers.append(await api.ask("POST", "", {"title": "Tea"}, idempotency_key='"k-1"'))

    async with anyio.create_task_group() as both:
        both.start_soon(add)
        both.start_soon(add)
    await add()
    assert api.boxes.made == 1
    assert sorted(answer.status_code for answer in answers)[0] == 201
    assert {answer.status_code for answer in answers} <= {201, 409}
    again = await api.ask("POST", "", {"title": "Tea"}, idempotency_key="k-1")
    assert (again.status_code, again.headers["idempotency-replayed"], again.headers["location"]) == (
        201,
        "true",
        "/admin/api/boxes/box%2F1",
    )
    assert again.json() == {"said": "added", "item": {"id": "box/1", "title": "Tea", "version": 1}}
    other = await api.ask("POST", "", {"title": "Coffee"}, idempotency_key="k-1")
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_conflict")
    assert (await api.ask("POST", "/sweep", idempotency_key="k-1")).status_code == 422
    for key in ("", "a b", "x" * 256, '"k', "k,k"):
        assert (await api.ask("POST", "", {"title": "Tea"}, idempotency_key=key)).status_code == 400, key


async def test_a_change_of_a_version_that_is_sent_again_is_told_of_its_own_success(api: Api) -> None:
    """Its own success made the version another one; under the same key, the same change of another version is refused."""
    await api.ask("POST", "", {"title": "Tea"})
    path, body = "/box%2F1", {"title": "Coffee"}
    first = await api.ask("PATCH", path, body, if_match='"1"', idempotency_key="k-5")
    again = await api.ask("PATCH", path, body, if_match='"1"', idempotency_key="k-5")
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert (again.headers["idempotency-replayed"], api.boxes.versions["box/1"]) == ("true", 2)
    other = await api.ask("PATCH", path, body, if_match='"2"', idempotency_key="k-5")
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_conflict")
    late = await api.ask("PATCH", path, body, if_match='"1"', idempotency_key="k-6")
    assert late.status_code == 412
    assert (await api.ask("PATCH", path, body, if_match='"2"', idempotency_key="k-6")).status_code == 200


async def test_a_refused_change_leaves_its_key_free(api: Api) -> None:
    refused = await api.ask("POST", "", {"title": "x" * 21}, idempotency_key="k-2")
    assert refused.status_code == 422
    assert (await api.ask("POST", "", {"title": "Tea"}, idempotency_key="k-2")).status_code == 201


@pytest.mark.parametrize("error", [ConfigInvalid([]), VersionConflict(3), StoreUnavailable("gone"), RuntimeError("a fault of ours")])
async def test_what_failed_before_anything_changed_leaves_its_key_free(api: Api, error: Exception) -> None:
    api.boxes.fails_with = error
    assert (await api.ask("POST", "", {"title": "Tea"}, idempotency_key="k-4")).status_code >= 412
    api.boxes.fails_with = None
    again = await api.ask("POST", "", {"title": "Tea"}, idempotency_key="k-4")
    assert (again.status_code, "idempotency-replayed" in again.headers) == (201, False)


async def test_what_failed_after_something_changed_is_not_made_twice(api: Api) -> None:
    api.boxes.fails_late_with = StoreUnavailable("gone")
    assert (await api.ask("POST", "", {"title": "Tea"}, idempotency_key="k-5")).status_code == 503
    api.boxes.fails_late_with = None
    assert (await api.ask("POST", "", {"title": "Tea"}, idempotency_key="k-5")).status_code == 409
    assert api.boxes.made == 1


async def test_a_repetition_asks_role_reach_and_proof_as_the_first_did(api: Api, admin: Administration) -> None:
    """Whoever was taken a role since, or reaches less far, is not told what came of what they did."""
    subject, api.token = await admin.administrator("acme", "grace@acme.test")
    await admin.appoint("acme", subject, reaches_gateway=True)
    assert (await api.ask("POST", "", {"title": "Tea"}, idempotency_key="k-6")).status_code == 201
    await admin.appoint("acme", subject, reaches_gateway=False)
    narrowed = await api.ask("POST", "", {"title": "Tea"}, idempotency_key="k-6")
    assert (narrowed.status_code, narrowed.json()["error"]["code"]) == (422, "idempotency_conflict")
    await admin.appoint("acme", subject, Role.AUDITOR)
    lowered = await api.ask("POST", "", {"title": "Tea"}, idempotency_key="k-6")
    assert (lowered.status_code, lowered.json()["error"]["code"]) == (403, "forbidden")
    assert api.boxes.made == 1


async def test_the_key_of_another_is_another_key(api: Api, admin: Administration) -> None:
    assert (await api.ask("POST", "", {"title": "Tea"}, idempotency_key="k-3")).status_code == 201
    api.token = admin.acme
    assert (await api.ask("POST", "", {"title": "Coffee"}, idempotency_key="k-3")).status_code == 201


@pytest.mark.parametrize(("method", "path"), [("GET", "/%00"), ("PATCH", "/a%00b"), ("POST", "/a%00b/seal"), ("DELETE", "/%00")])
async def test_a_zero_in_an_address_is_nothing_that_there_is(api: Api, method: str, path: str) -> None:
    """PostgreSQL refuses it in a text, which was told as a store that does not answer."""
    answer = await api.ask(method, path, None if method in ("GET", "DELETE") else {"title": "Tea"}, if_match="*")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert "%00" in answer.json()["error"]["message"]


async def test_fields_are_checked_together_and_nothing_is_changed(api: Api) -> None:
    for body, places in (
        ({}, ["title"]),
        ({"title": "x" * 21, "colour": "red"}, ["colour", "title"]),
        ({"title": ["Tea"]}, ["title"]),
        ({"title": {"a": 1}}, ["title"]),
        ({"title": ""}, ["title"]),
        ({"title": "Tea\0"}, ["title"]),
    ):
        refused = await api.ask("POST", "", body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_fields"), body
        assert [fault["place"] for fault in refused.json()["error"]["faults"]] == places
    for raw in (b"{", b"[]", b"\xff", b'"x"'):
        answer = await api.http.post("/admin/api/boxes", content=raw, headers={"authorization": f"Bearer {api.token}"})
        assert answer.status_code == 400, raw
    assert api.boxes.made == 0


async def test_a_change_is_one_row_of_the_trail_without_its_secret(api: Api, admin: Administration) -> None:
    await api.ask("POST", "", {"title": "Tea", "key": "sesame"}, idempotency_key="k-4")
    await api.ask("POST", "", {"title": "Tea", "key": "sesame"}, idempotency_key="k-4")
    [row] = await admin.gateway.store.audit_trail.rows()
    assert (row.surface, row.actor, row.action, row.target) == ("api", "ops@example.com", "boxes add", "boxes")
    assert json.loads(row.details) == {"title": "Tea", "key": "(secret)"}
    assert len(row.trace_id) == 32
